/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in a journal break its reader; that what it takes is
 * what it would write; and that a mailbox with any journal, damaged or well
 * made and lying, shows every message once and none under another's UID.
 */
#include "box.h"
#include "bytes/crc32.h"

#define ID	0x1122334455667788ull
#define FIXED	42

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Sums are made right, or no input would ever get past them; with shapes the
 * rest too, up to what a record means. */
static size_t
mend(char *p, size_t n, uint64_t id, bool shapes)
{
	size_t at = 0, len, i;
	uint16_t type, length;
	uint32_t crc, uid;

	for (; n - at >= FIXED + 6; at += length) {
		if (shapes) {
			len = (unsigned char)p[at + FIXED - 1] %
			    (unsigned char)(n - at > 200 ? 64 : 7);
			type = (uint16_t)(1 + (unsigned char)p[at + 4] % 5);
			length = (uint16_t)((FIXED + len + 7) / 8 * 8);
			uid = (unsigned char)p[at + 8] % 16;
			p[at + FIXED - 1] = (char)len;
			memcpy(p + at + 4, &type, 2);
			memcpy(p + at + 6, &length, 2);
			memcpy(p + at + 8, &uid, 4);
			for (i = 0; i < len; i++)
				if (p[at + FIXED + i] == '\0')
					p[at + FIXED + i] = ',';
		}
		memcpy(&length, p + at + 6, 2);
		if (length < FIXED + 6 || length > n - at)
			break;
		crc = crc32_add(crc32_add(0, &id, sizeof(id)), p + at + 4,
		    length - 4u);
		memcpy(p + at, &crc, 4);
	}
	return at;
}

static int
take(void *arg, const struct journal_rec *r)
{
	/* Texts may have any octets behind them. */
	return journal_encode(arg, ID, r);
}

static void
fuzz_decode(const char *p, size_t n)
{
	struct buf again, once;
	int ended, unended;
	size_t done;
	bool bad;

	buf_init(&again, 1 << 20);
	buf_init(&once, 1 << 20);
	done = journal_decode(p, n, ID, take, &again, &ended, &bad);
	if (done > n || ended != 0 || again.len != done)
		box_wrong("%zu of %zu octets are %zu", done, n, again.len);
	if (done > 0 && (journal_decode(again.data, again.len, ID, take, &once,
	    &unended, &bad) != done || bad))
		box_wrong("what is written is not taken");
	if (done > 0 && memcmp(once.data, again.data, done) != 0)
		box_wrong("what is taken is written otherwise");
	buf_free(&again);
	buf_free(&once);
}

static void
fuzz_mailbox(const char *p, size_t n, unsigned how)
{
	unsigned seen[BOX_MESSAGES + 1], i;

	box_quiet(true);
	box_restore();
	if (how & 1)
		(void)unlinkat(box_dir, INDEX_FILE, 0);
	box_put(JOURNAL_FILE, p, n);
	if (how & 2)
		box_age();
	box_look(0, seen, true);
	for (i = 1; i <= BOX_MESSAGES; i++)
		if (seen[i] > 1)
			box_wrong("message %u is there %u times", i, seen[i]);
	box_look_all();
	box_quiet(false);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n, head;
	uint64_t id;
	unsigned how;
	char *p;

	if (box_dir == -1)
		box_make();
	if (size < 2)
		return 0;
	how = data[0];
	n = size - 1;
	/* Behind the sample, behind its header, or instead of it. */
	head = how & 64 ? 0 : how & 32 ? JOURNAL_START : box_journal.n;
	if ((p = malloc(head + n)) == NULL)
		return 0;
	memcpy(p, box_journal.data, head);
	memcpy(p + head, data + 1, n);
	memcpy(&id, box_journal.data + 8, sizeof(id));
	if (how & 128) {
		if (how & 12)
			(void)mend(p + head, n, ID, how & 8);
		fuzz_decode(p + head, n);
	} else {
		if (head > 0 && (how & 12))
			(void)mend(p + head, n, id, how & 8);
		fuzz_mailbox(p, head + n, how);
	}
	free(p);
	return 0;
}
