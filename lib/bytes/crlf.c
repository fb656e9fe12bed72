/* SPDX-License-Identifier: ISC
 *
 * Line ends, to the wire and to the disk.  Long runs are found with memchr
 * and copied whole; it must never change anything but a line end.
 */
#include <string.h>

#include "bytes/crlf.h"

/* To the wire, and for counting: was the last octet a CR? */
enum { PLAIN, AFTER_CR };

/*
 * To the disk.  CR_HELD: one CR came, not yet written.  CR_RUN: CRs came, all
 * written, so that a CRLF formed by the last of them stays.
 */
enum { TEXT, CR_HELD, CR_RUN };

static size_t
min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Copy from *in up to (not with) the next octet c, as far as there is room. */
static void
copy_run(const char **in, const char *end, char **out, const char *limit,
    char c)
{
	const char *stop;
	size_t n;

	n = min((size_t)(end - *in), (size_t)(limit - *out));
	if ((stop = memchr(*in, c, n)) != NULL)
		n = (size_t)(stop - *in);
	memcpy(*out, *in, n);
	*in += n;
	*out += n;
}

size_t
crlf_to_wire(struct crlf *c, const void *from, size_t *n, void *to,
    size_t size)
{
	const char *in = from, *end = *n > 0 ? in + *n : in, *start;
	char *out = to, *limit = out + size;

	while (in < end && out < limit) {
		if (*in != '\n') {
			start = in;
			copy_run(&in, end, &out, limit, '\n');
			if (in > start)
				c->state = in[-1] == '\r' ? AFTER_CR : PLAIN;
			continue;
		}
		if (c->state == PLAIN) {
			if (limit - out < 2)
				break;
			*out++ = '\r';
		}
		*out++ = *in++;
		c->state = PLAIN;
	}
	*n = (size_t)(in - (const char *)from);
	return (size_t)(out - (char *)to);
}

uint64_t
crlf_wire_extra(struct crlf *c, const void *from, size_t n)
{
	const char *p = from, *end = n > 0 ? p + n : p, *lf;
	uint64_t extra = 0;

	while (p < end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf != p)
			c->state = (lf == NULL ? end : lf)[-1] == '\r' ?
			    AFTER_CR : PLAIN;
		if (lf == NULL)
			break;
		if (c->state == PLAIN)
			extra++;
		c->state = PLAIN;
		p = lf + 1;
	}
	return extra;
}

size_t
crlf_to_disk(struct crlf *c, const void *from, size_t *n, void *to,
    size_t size)
{
	const char *in = from, *end = *n > 0 ? in + *n : in;
	char *out = to, *limit = out + size;

	while (in < end && out < limit) {
		switch (c->state) {
		case TEXT:
			copy_run(&in, end, &out, limit, '\r');
			if (in < end && *in == '\r') {
				in++;
				c->state = CR_HELD;
			}
			break;
		case CR_HELD:
			if (*in == '\n') {
				*out++ = *in++;
				c->state = TEXT;
			} else if (*in == '\r') {
				if (limit - out < 2)
					goto full;
				*out++ = '\r';
				*out++ = *in++;
				c->state = CR_RUN;
			} else {
				*out++ = '\r';
				c->state = TEXT;
			}
			break;
		case CR_RUN:
			c->state = *in == '\r' ? CR_RUN : TEXT;
			*out++ = *in++;
			break;
		}
	}
full:
	*n = (size_t)(in - (const char *)from);
	return (size_t)(out - (char *)to);
}

bool
crlf_is_disk(const struct crlf *c, const void *in, size_t n)
{
	return c->state == TEXT && (n == 0 || memchr(in, '\r', n) == NULL);
}

size_t
crlf_to_disk_end(struct crlf *c, void *to)
{
	int held = c->state == CR_HELD;

	c->state = TEXT;
	if (held)
		*(char *)to = '\r';
	return (size_t)held;
}
