/* SPDX-License-Identifier: ISC
 *
 * Looking for a text of US-ASCII in a message as it is on disk: all character
 * sets known here keep US-ASCII, so that only transfer encodings need be
 * undone, and only texts that are not all US-ASCII folded.  It must find what
 * search_text.c finds by itself, and leaves to it what is long or odd.
 */
#include <stdint.h>
#include <string.h>

#include "bytes/base64.h"
#include "bytes/charset.h"
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

/* Only a header that does not surely lack the text is looked at field by
 * field. */
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

/* Whether a text that is not all US-ASCII has it, as a person sees both: in a
 * letter with an accent there is the letter (RFC 5051). */
static bool
folded_has(struct search *q, const struct mime_part *part, struct match *m,
    const char *p, size_t n)
{
	struct mime_ref name = mime_param(&q->disk, part, "charset");
	enum charset charset = name.off == MIME_NONE ? CHARSET_UTF8 :
	    charset_find(mime_str(&q->disk, name), name.len);

	match_reset(m);
	if (charset == CHARSET_UTF8 || charset == CHARSET_UNKNOWN)
		return match_feed(m, p, n) || match_end(m);
	buf_reset(&q->text);
	if (charset_decode(charset, &q->text, p, n) == -1) {
		q->m.failed = MAILBOX_TEMPORARY;
		return false;
	}
	return match_feed(m, q->text.data, q->text.len) || match_end(m);
}

static bool
text_has(struct search *q, const struct mime_part *part, struct match *m)
{
	const char *p = q->octets.data + part->body_off;
	size_t n = (size_t)part->body_len;
	int r;

	if (n == 0)
		return false;
	if ((r = decode(q, part, p, n)) == -1) {
		q->m.failed = MAILBOX_TEMPORARY;
		return false;
	}
	if (r == 1) {
		p = q->decoded.data;
		n = q->decoded.len;
	}
	if (n == 0 || casefind(&m->all, p, n))
		return n > 0;
	return !search_ascii(p, n) && folded_has(q, part, m, p, n);
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
