/* SPDX-License-Identifier: ISC
 *
 * Finding a US-ASCII text in octets without regard to the case of its letters,
 * sixteen places at a time.
 */
#ifndef BYTES_CASEFIND_H
#define BYTES_CASEFIND_H

#include <stddef.h>

/* What is looked for, and which two octets of it are looked for first: those
 * that are rare in texts. */
struct casefind {
	const char	*needle;	/* the caller's; small letters */
	size_t		 n;
	size_t		 a, b;		/* places in it, a <= b */
};

/* needle has n octets, one at least, none above 127, no capitals. */
void	 casefind_init(struct casefind *, const char *needle, size_t n);

/* Whether it is in s. */
int	 casefind(const struct casefind *, const char *s, size_t n);

#endif
