/* SPDX-License-Identifier: ISC
 *
 * Looking for a text of US-ASCII in a message as it is on disk: all character
 * sets known here keep US-ASCII, so that only transfer encodings need be undone
 * and nothing folded.  It must find what search_text.c finds by itself, and
 * leaves to it what is long or odd.
 */
#include <string.h>

#include "bytes/base64.h"
#include "bytes/qp.h"
#include "grammar/chars.h"
#include "search.h"

void
search_raw_reset(struct search *q)
{
	if (q->raw == RAW_READ)
		mime_free(&q->disk);
	q->raw = RAW_UNREAD;
}

static int
read_octets(struct search *q, size_t n)
{
	char *to;

	buf_reset(&q->octets);
	if ((to = buf_reserve(&q->octets, n)) == NULL ||
	    message_disk_read(q->m.message, to, n, &n) == -1)
		return -1;
	buf_commit(&q->octets, n);
	return 0;
}

/* Have the message in memory, taken apart: false, it is not for this way. */
static bool
need_octets(struct search *q)
{
	uint64_t size;

	if (q->raw != RAW_UNREAD)
		return q->raw == RAW_READ;
	q->raw = RAW_NEVER;
	if (fetch_message_open(&q->m) == -1)
		return false;
	size = message_disk_size(q->m.message);
	if (size >= SEARCH_RAW_MAX)
		return false;
	if (read_octets(q, (size_t)size) == -1 ||
	    mime_parse(&q->disk, q->octets.data, q->octets.len) == -1) {
		q->m.failed = MAILBOX_TEMPORARY;
		return false;
	}
	/* What passes a limit passes it elsewhere with other line ends. */
	if (q->disk.limited != 0)
		mime_free(&q->disk);
	else
		q->raw = RAW_READ;
	return q->raw == RAW_READ;
}

/* A header without encoded words that lacks what folding cannot cut lacks the
 * text; any other is looked at field by field. */
static bool
header_has(struct search *q, const struct mime_part *part, struct match *m)
{
	const char *p = q->octets.data + part->header_off;
	size_t n = (size_t)part->header_len;

	return n > 0 && !search_lacks(m, p, n) && search_fields(q, p, n, m);
}

/* q->decoded becomes the body without its transfer encoding: 1; 0 it has none;
 * -1: no memory. */
static int
decode(struct search *q, const struct mime_part *part, const char *p, size_t n)
{
	const char *name = mime_str(&q->disk, part->encoding);
	struct base64 base64 = { 0 };
	struct qp qp = { 0 };
	char *to;

	if (name == NULL)
		return 0;
	buf_reset(&q->decoded);
	if (chars_is(name, part->encoding.len, "quoted-printable"))
		return qp_decode(&qp, &q->decoded, p, n) == -1 ||
		    qp_decode_end(&qp, &q->decoded) == -1 ? -1 : 1;
	if (!chars_is(name, part->encoding.len, "base64"))
		return 0;
	if ((to = buf_reserve(&q->decoded, BASE64_ROOM(n))) == NULL)
		return -1;
	buf_commit(&q->decoded, base64_feed(&base64, p, n, to));
	return 1;
}

static bool
text_has(struct search *q, const struct mime_part *part, struct match *m)
{
	const char *p = q->octets.data + part->body_off;
	size_t n = (size_t)part->body_len;

	if (n == 0)
		return false;
	switch (decode(q, part, p, n)) {
	case 0:
		return casefind(&m->all, p, n);
	case 1:
		return q->decoded.len > 0 && casefind(&m->all,
		    q->decoded.data, q->decoded.len);
	}
	q->m.failed = MAILBOX_TEMPORARY;
	return false;
}

int
search_raw(struct search *q, struct match *m, bool with_header)
{
	const struct mime_part *part;
	size_t i;

	if (!m->plain || !need_octets(q))
		return -1;
	for (i = 0; i < q->disk.nparts && q->m.failed == MAILBOX_OK; i++) {
		part = &q->disk.part[i];
		if ((i > 0 || with_header) && header_has(q, part, m))
			return 1;
		if (part->kind == MIME_TEXT && text_has(q, part, m))
			return 1;
	}
	return q->m.failed == MAILBOX_OK ? 0 : -1;
}
