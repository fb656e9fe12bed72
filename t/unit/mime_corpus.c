/* SPDX-License-Identifier: ISC
 *
 * Proves over real messages that the structure does not depend on how lines
 * end on disk, that parts and sizes add up, and that BODYSTRUCTURE closes every
 * parenthesis it opens.
 */
#include <sys/stat.h>

#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes/crlf.h"
#include "grammar/imap_write.h"
#include "tap.h"

static int messages;

/* A file whole; CRLF when wire is set. */
static void
read_file(const char *path, int wire, struct buf *b)
{
	char in[4096], out[8192];
	struct crlf c = { 0 };
	FILE *f = fopen(path, "r");
	size_t n, done, k;

	buf_reset(b);
	while (f != NULL && (n = fread(in, 1, sizeof(in), f)) > 0)
		for (done = 0; done < n; done += k) {
			k = n - done;
			if (wire)
				buf_add(b, out, crlf_to_wire(&c, in + done,
				    &k, out, sizeof(out)));
			else
				buf_add(b, in + done, k);
		}
	if (f != NULL)
		fclose(f);
}

/* Quotes and literals may hold parentheses. */
static int
balanced(const struct buf *b)
{
	const char *p = b->data, *end = p + b->len;
	int depth = 0;

	for (; p < end; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')')
			depth--;
		else if (*p == '"') {
			for (p++; *p != '"'; p++)
				p += *p == '\\';
		} else if (*p == '{') {
			char *after;
			unsigned long n = strtoul(p + 1, &after, 10);

			p = after + 2 + n;
		}
	}
	return depth == 0 && p == end;
}

/* What is wrong with the parts, or NULL. */
static const char *
fault(const struct mime *m, uint64_t wire)
{
	const struct mime_part *p, *up;
	size_t i;

	if (m->part[0].header_wire + m->part[0].body_wire != wire)
		return "header and body are not all";
	for (i = 1; i < m->nparts; i++) {
		p = &m->part[i];
		up = &m->part[p->parent];
		if (p->header_off < up->body_off ||
		    p->body_off + p->body_len > up->body_off + up->body_len)
			return "a part leaves its parent";
		if (up->kind == MIME_MESSAGE &&
		    p->header_wire + p->body_wire != up->body_wire)
			return "an enclosed message is not all of its part";
	}
	return m->limited ? "a limit was met" : NULL;
}

static int
check(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct buf disk, wire, a, b;
	struct mime m, w;
	const char *why;

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	messages++;
	buf_init(&disk, 64 << 20);
	buf_init(&wire, 64 << 20);
	buf_init(&a, 64 << 20);
	buf_init(&b, 64 << 20);
	read_file(path, 0, &disk);
	read_file(path, 1, &wire);
	mime_parse(&m, disk.data, disk.len);
	mime_parse(&w, wire.data, wire.len);
	imap_write_body(&a, &m, &m.part[0], 1);
	imap_write_envelope(&a, &m, &m.part[0]);
	imap_write_body(&b, &w, &w.part[0], 1);
	imap_write_envelope(&b, &w, &w.part[0]);
	if ((why = fault(&m, wire.len)) == NULL)
		why = fault(&w, wire.len);
	if (why == NULL && (a.len != b.len ||
	    memcmp(a.data, b.data, a.len) != 0))
		why = "LF and CRLF differ";
	if (why == NULL && !balanced(&a))
		why = "a parenthesis is open";
	if (why != NULL)
		ok(0, "%s: %s", path, why);
	mime_free(&m);
	mime_free(&w);
	buf_free(&disk);
	buf_free(&wire);
	buf_free(&a);
	buf_free(&b);
	return 0;
}

int
main(void)
{
	const char *shared = getenv("STDMAIL_SHARED");
	char path[4096];

	snprintf(path, sizeof(path), "%s/corpus",
	    shared != NULL ? shared : "../shared");
	if (access(path, R_OK) == -1) {
		printf("1..0 # SKIP no corpus of messages here\n");
		return 0;
	}
	nftw(path, check, 20, FTW_PHYS);
	ok(messages > 0, "%d messages", messages);
	return done();
}
