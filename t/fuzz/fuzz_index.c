/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in an index break who maps it, or a mailbox that is
 * opened with it; and that what such an index made of the mailbox is no harm
 * once it is removed: every message is there once, under its UID.
 */
#include "box.h"
#include "bytes/crc32.h"

#define HEAD_CRC	20	/* where the head has its sum */
#define HEAD_OCTETS	(32 + sizeof(struct index_mark))

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The sum of the head made right, or no input would ever get past it. */
static void
mend(char *p, size_t n)
{
	uint32_t crc = 0;

	if (n < HEAD_OCTETS)
		return;
	memcpy(p + HEAD_CRC, &crc, sizeof(crc));
	crc = crc32_add(0, p, HEAD_OCTETS);
	memcpy(p + HEAD_CRC, &crc, sizeof(crc));
}

static void
look_up(const struct index *ix)
{
	const char *name, *ext;
	struct index_slot slot;
	uint32_t i, at;
	size_t sum = 0;

	index_slot(ix, &slot);
	for (i = 0; i < ix->n; i++) {
		name = index_name(ix, i);
		ext = index_ext(ix, i);
		sum += strlen(name) + strlen(ext);
		at = index_find(ix, name, strlen(name));
		if (at != INDEX_NONE && at >= ix->n)
			box_wrong("record %u of %u", at, ix->n);
		at = index_uid(ix, ix->v[i].uid);
		if (at != INDEX_NONE && ix->v[at].uid != ix->v[i].uid)
			box_wrong("another UID");
	}
	(void)index_uid(ix, 0);
	(void)index_uid(ix, UINT32_MAX);
	if (sum == SIZE_MAX)
		abort();
}

/* The sample with octets of it changed, each said by three, and cut. */
static size_t
change_sample(char *p, const uint8_t *data, size_t n)
{
	size_t i, at, size = box_index.n;

	memcpy(p, box_index.data, size);
	for (i = 0; i + 2 < n; i += 3) {
		at = data[i] | (size_t)data[i + 1] << 8;
		/* The head and the slots, or what is behind them. */
		at = at & 0x8000 ? 4096 + at % (size - 4096) : at % 1600;
		p[at] = (char)data[i + 2];
	}
	return n % 3 == 2 ? size - data[n - 1] : size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned seen[BOX_MESSAGES + 1], how;
	static char p[sizeof(box_index.data) + 65536];
	struct index ix;
	size_t n;

	if (box_dir == -1)
		box_make();
	if (size < 2 || size > 65536)
		return 0;
	how = data[0];
	if (how & 1) {
		n = change_sample(p, data + 1, size - 1);
	} else {
		/* Another body behind the head, or all of it. */
		n = how & 2 ? 4096 : 0;
		memcpy(p, box_index.data, n);
		memcpy(p + n, data + 1, size - 1);
		n += size - 1;
	}
	if ((how & 12) != 0)
		mend(p, n);
	box_quiet(true);
	box_restore();
	box_put(INDEX_FILE, p, n);
	if (index_open(&ix, box_dir) == 1)
		look_up(&ix);
	index_close(&ix);
	box_look(how & 16 ? MAILBOX_RELIST : 0, seen, false);
	/* Derived: without it all is as it was. */
	(void)unlinkat(box_dir, INDEX_FILE, 0);
	if (how & 32)
		(void)unlinkat(box_dir, JOURNAL_FILE, 0);
	box_look(MAILBOX_RELIST, seen, false);
	box_quiet(false);
	return 0;
}
