/* SPDX-License-Identifier: ISC
 *
 * UTF-8 (RFC 3629): is it, and what is the next character.  Overlong forms,
 * surrogates and anything above U+10FFFF are malformed.
 */
#ifndef BYTES_UTF8_H
#define BYTES_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Take one character from p (end not included): returns its length 1 to 4
 * and sets *c, or 0 when what stands there is malformed, cut or empty. */
size_t	 utf8_next(const char *p, const char *end, uint32_t *c);

/* 1 when all n octets are UTF-8, else 0. */
int	 utf8_valid(const char *, size_t n);

/* The same in pieces; all zero is the start. */
struct utf8 {
	unsigned char	lo, hi;		/* bounds of the next octet */
	unsigned char	left;		/* octets missing of a character */
	unsigned char	bad;		/* sticks */
};

void	 utf8_feed(struct utf8 *, const char *, size_t n);
int	 utf8_end(const struct utf8 *);		/* 1: it was all UTF-8 */

/* Append c encoded to out (room for 4); returns its length, 0 when c is not
 * a character. */
size_t	 utf8_put(char *out, uint32_t c);

#endif
