/* SPDX-License-Identifier: ISC
 *
 * Base64.  It must never take for good, in a protocol message, what another
 * program would decode differently.
 */
#include <string.h>

#include "bytes/base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a digit; 64 for white space, 65 for "=", 66 for the rest. */
enum { SPACE = 64, PAD = 65, OTHER = 66 };

static unsigned
value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	switch (c) {
	case '+':
		return 62;
	case '/':
		return 63;
	case '=':
		return PAD;
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return SPACE;
	}
	return OTHER;
}

int
base64_encode(struct buf *b, const void *from, size_t n)
{
	const unsigned char *in = from;
	uint32_t v;
	char *out;
	size_t i;

	if (n > SIZE_MAX / 2 || (out = buf_reserve(b, BASE64_LEN(n))) == NULL)
		return buf_add(b, "", SIZE_MAX);
	for (i = 0; i < n; i += 3) {
		v = (uint32_t)in[i] << 16;
		if (i + 1 < n)
			v |= (uint32_t)in[i + 1] << 8;
		if (i + 2 < n)
			v |= in[i + 2];
		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		*out++ = i + 1 < n ? alphabet[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? alphabet[v & 63] : '=';
	}
	buf_commit(b, BASE64_LEN(n));
	return 0;
}

/* The three octets of four digits, the last group with its padding. */
static int
group(const char *in, int last, unsigned char out[3])
{
	unsigned v[4], pad = 0;
	uint32_t bits;
	int i;

	for (i = 0; i < 4; i++) {
		v[i] = value((unsigned char)in[i]);
		if (v[i] == PAD && last && i >= 2) {
			pad++;
			v[i] = 0;
		} else if (v[i] > 63 || pad > 0)
			return -1;
	}
	bits = v[0] << 18 | v[1] << 12 | v[2] << 6 | v[3];
	if ((pad == 1 && (v[2] & 3)) || (pad == 2 && (v[1] & 15)))
		return -1;
	out[0] = (unsigned char)(bits >> 16);
	out[1] = (unsigned char)(bits >> 8);
	out[2] = (unsigned char)bits;
	return 3 - (int)pad;
}

int
base64_decode(struct buf *b, const char *in, size_t n)
{
	unsigned char *out;
	size_t i, len = 0;
	int got;

	if (n % 4 != 0)
		return 0;
	if ((out = (unsigned char *)buf_reserve(b, n / 4 * 3)) == NULL)
		return -1;
	for (i = 0; i < n; i += 4) {
		if ((got = group(in + i, i + 4 == n, out + len)) < 0)
			return 0;
		len += (size_t)got;
	}
	buf_commit(b, len);
	return 1;
}

/* Four digits without anything between them: whether there were such. */
static int
whole_group(const unsigned char *in, unsigned char *out)
{
	unsigned a = value(in[0]), b = value(in[1]);
	unsigned c = value(in[2]), d = value(in[3]);

	if ((a | b | c | d) > 63)
		return 0;
	out[0] = (unsigned char)(a << 2 | b >> 4);
	out[1] = (unsigned char)(b << 4 | c >> 2);
	out[2] = (unsigned char)(c << 6 | d);
	return 1;
}

size_t
base64_feed(struct base64 *d, const void *from, size_t n, void *to)
{
	const unsigned char *in = from, *end = n > 0 ? in + n : in;
	unsigned char *out = to;
	unsigned v;

	while (in < end) {
		if (d->nbits == 0 && !d->done && end - in >= 4 &&
		    whole_group(in, out)) {
			in += 4;
			out += 3;
			continue;
		}
		v = value(*in++);
		if (v > 63) {
			if (v == PAD)
				d->done = 1;
			else if (v == OTHER)
				d->dirt = 1;
			continue;
		}
		if (d->done) {
			d->dirt = 1;
			continue;
		}
		d->bits = (d->bits << 6 | v) & 0xffffff;
		if ((d->nbits += 6) >= 8) {
			d->nbits -= 8;
			*out++ = (unsigned char)(d->bits >> d->nbits);
		}
	}
	return (size_t)(out - (unsigned char *)to);
}

int
base64_end(const struct base64 *d)
{
	return d->nbits == 0 || d->done;
}
