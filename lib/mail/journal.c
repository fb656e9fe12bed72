/* SPDX-License-Identifier: ISC
 *
 * The records of a journal; see mail/journal.h.  On disk each is
 *
 *	4 CRC-32 of the file's id and the rest, 2 type, 2 length of all,
 *	4 uid, 4 saved, 8 modseq, 8 keywords or add, 8 done or remove,
 *	1 where,
 *	1 length of text, text, and NULs up to a multiple of 8
 *
 * in the host's byte order, which the file's magic tells.  It must never take
 * a record that was not written so for this very file.
 */
#include <string.h>

#include "bytes/crc32.h"
#include "mail/journal.h"

#define FIXED	42		/* octets before the text */
#define LENGTH(n) ((FIXED + (n) + 7) / 8 * 8)
#define LENGTH_MAX LENGTH(255)

struct head {
	uint32_t	crc;
	uint16_t	type, length;
	uint32_t	uid, saved;
	uint64_t	modseq, a, b;
};

static uint32_t
sum(uint64_t id, const char *rec, size_t n)
{
	return crc32_add(crc32_add(0, &id, sizeof(id)), rec + 4, n - 4);
}

int
journal_encode(struct buf *b, uint64_t id, const struct journal_rec *r)
{
	size_t text = r->text == NULL ? 0 : strlen(r->text), n;
	struct head h;
	char *p;

	if (text > 255)
		return -1;
	n = LENGTH(text);
	if ((p = buf_reserve(b, n)) == NULL)
		return -1;
	memset(p, 0, n);
	memset(&h, 0, sizeof(h));
	h.type = (uint16_t)r->type;
	h.length = (uint16_t)n;
	h.uid = r->uid;
	h.saved = r->saved;
	h.modseq = r->modseq;
	h.a = r->type == JOURNAL_PENDING ? r->add : r->keywords;
	h.b = r->type == JOURNAL_PENDING ? r->remove : r->done;
	memcpy(p, &h, sizeof(h));
	p[FIXED - 2] = (char)r->where;
	p[FIXED - 1] = (char)text;
	if (text > 0)
		memcpy(p + FIXED, r->text, text);
	h.crc = sum(id, p, n);
	memcpy(p, &h.crc, sizeof(h.crc));
	buf_commit(b, n);
	return 0;
}

/* A record at p: its length; 0 it goes beyond n, -1 it is none. */
static int
decode_one(const char *p, size_t n, uint64_t id, struct journal_rec *r,
    char *text)
{
	size_t len;
	struct head h;

	if (n < sizeof(h))
		return 0;
	memcpy(&h, p, sizeof(h));
	if (h.length < LENGTH(0) || h.length > LENGTH_MAX ||
	    h.length % 8 != 0 || h.type < JOURNAL_STATE ||
	    h.type > JOURNAL_PENDING)
		return -1;
	if (n < h.length)
		return 0;
	len = (unsigned char)p[FIXED - 1];
	if (LENGTH(len) != h.length || h.crc != sum(id, p, h.length) ||
	    memchr(p + FIXED, '\0', len) != NULL)
		return -1;
	memcpy(text, p + FIXED, len);
	text[len] = '\0';
	memset(r, 0, sizeof(*r));
	r->type = h.type;
	r->uid = h.uid;
	r->saved = h.saved;
	r->modseq = h.modseq;
	if (r->type == JOURNAL_PENDING) {
		r->add = h.a;
		r->remove = h.b;
	} else {
		r->keywords = h.a;
		r->done = h.b != 0;
	}
	r->where = (unsigned char)p[FIXED - 2];
	r->text = text;
	return h.length;
}

size_t
journal_decode(const char *p, size_t n, uint64_t id, journal_take *take,
    void *arg, int *ended, bool *bad)
{
	struct journal_rec r;
	char text[256];
	size_t at = 0;
	int len;

	*ended = 0;
	*bad = false;
	while ((len = decode_one(p + at, n - at, id, &r, text)) > 0) {
		r.end = at + (size_t)len;
		if ((*ended = take(arg, &r)) != 0)
			return at;
		at += (size_t)len;
	}
	*bad = len == -1;
	return at;
}
