/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in the files that lie beside a Maildir break what reads
 * them: annotations are believed whole or not at all, and can be set again; a
 * batch that somebody left never costs a message.
 */
#include "box.h"

#include "bytes/crc32.h"
#include "mail/metadata.h"

#define MAGIC	"stdmail-metadata 1\n"
#define ENTRY	"/private/comment"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char value[] = "as it was set";

static void
set_again(void)
{
	struct buf b;

	if (metadata_set(box_root, "INBOX", ENTRY, value) != MAILBOX_OK)
		box_wrong("it cannot be set");
	buf_init(&b, METADATA_VALUE_MAX);
	if (metadata_get(box_root, "INBOX", ENTRY, &b) != MAILBOX_OK ||
	    strcmp(buf_str(&b), value) != 0)
		box_wrong("it is not as it was set");
	buf_free(&b);
}

static void
look(void)
{
	struct metadata m;
	size_t i, sum = 0;

	if (metadata_read(box_root, "INBOX", &m) != MAILBOX_OK)
		box_wrong("it cannot be read");
	for (i = 0; i < m.n; i++)
		sum += crc32_add(0, m.v[i].value, m.v[i].n) +
		    metadata_name_ok(m.v[i].name, m.v[i].name_len);
	if (m.n > METADATA_ENTRIES_MAX || sum == SIZE_MAX)
		box_wrong("%zu entries", m.n);
	i = m.n;
	metadata_free(&m);
	/* All that can be had by name can be set: a full one stays full. */
	if (i < METADATA_ENTRIES_MAX)
		set_again();
}

static void
fuzz_metadata(const char *p, size_t n)
{
	box_put(METADATA_FILE, p, n);
	look();
}

/* With its first and its last line made right. */
static void
fuzz_mended(const char *p, size_t n)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_adds(&b, MAGIC);
	buf_add(&b, p, n);
	buf_addf(&b, "crc %08x\n", crc32_add(0, b.data, b.len));
	box_put(METADATA_FILE, b.data, b.len);
	buf_free(&b);
	look();
}

/* Two files in tmp, and lines that say where they go. */
static void
fuzz_batch(const char *p, size_t n)
{
	struct mailbox *mb;
	uint32_t seq;
	struct buf b;

	box_put("tmp/1.x", "x", 1);
	box_put("tmp/2.x", "x", 1);
	buf_init(&b, 1 << 20);
	buf_add(&b, p, n);
	buf_adds(&b, "\nend\n");
	box_put("stdmail.batch", b.data, b.len);
	buf_free(&b);
	if (mailbox_open(box_root, "INBOX", 0, &mb) != MAILBOX_OK)
		box_wrong("it does not open");
	(void)mailbox_refresh(mb, 0, NULL);
	if (mailbox_count(mb) < BOX_MESSAGES)
		box_wrong("%u messages", mailbox_count(mb));
	for (seq = 1; seq <= BOX_MESSAGES; seq++)
		if (box_token(mb, seq) != seq)
			box_wrong("message %u is not what it was", seq);
	mailbox_close(mb);
}

static void
clean(void)
{
	static const char *const names[] = { METADATA_FILE, "stdmail.batch",
	    METADATA_FILE ".damaged", "tmp/1.x", "tmp/2.x" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(box_dir, names[i], 0);
	box_restore();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const files[])(const char *, size_t) = {
	    fuzz_metadata, fuzz_mended, fuzz_batch };

	if (size == 0)
		return 0;
	if (box_dir == -1)
		box_make();
	box_quiet(true);
	files[data[0] % 3]((const char *)data + 1, size - 1);
	clean();
	box_quiet(false);
	return 0;
}
