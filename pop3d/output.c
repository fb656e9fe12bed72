/* SPDX-License-Identifier: ISC
 *
 * See output.h.  No formats: a listing has a million lines.
 */
#include <string.h>

#include "output.h"
#include "system/stream.h"

static struct output output;

struct output *
output_begin(struct stream *io)
{
	output.io = io;
	return &output;
}

void
output_flush(void)
{
	if (output.n > 0)
		stream_write(output.io, output.v, output.n);
	output.n = 0;
}

void
output_room(struct output *o, size_t n)
{
	if (sizeof(o->v) - o->n < n)
		output_flush();
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
