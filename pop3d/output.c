/* SPDX-License-Identifier: ISC
 *
 * See output.h.  No formats: a listing has a million lines.
 */
#include <string.h>

#include "output.h"
#include "system/stream.h"

struct output *
output_begin(struct stream *io)
{
	static struct output o;

	o.io = io;
	o.n = 0;
	return &o;
}

void
output_end(struct output *o)
{
	stream_write(o->io, o->v, o->n);
	o->n = 0;
}

void
output_room(struct output *o, size_t n)
{
	if (sizeof(o->v) - o->n < n)
		output_end(o);
}

void
output_octets(struct output *o, const void *p, size_t n)
{
	memcpy(o->v + o->n, p, n);
	o->n += n;
}

void
output_text(struct output *o, const char *s)
{
	output_octets(o, s, strlen(s));
}

void
output_number(struct output *o, uint64_t v)
{
	char digits[OUTPUT_NUMBER_MAX];
	size_t n = sizeof(digits);

	do
		digits[--n] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	output_octets(o, digits + n, sizeof(digits) - n);
}
