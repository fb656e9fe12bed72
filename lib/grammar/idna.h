/* SPDX-License-Identifier: ISC
 *
 * A domain name in UTF-8 as the DNS has it: each label that is not ASCII in
 * its "xn--" form (RFC 5890, RFC 3492).
 */
#ifndef GRAMMAR_IDNA_H
#define GRAMMAR_IDNA_H

#include <stddef.h>

#define IDNA_MAX	256	/* of a name, NUL included */

/*
 * 0 and the name in out; -1: malformed UTF-8, or a label or the name too long.
 * NOTE: nothing is mapped: a U-label is lower case and composed by definition,
 * and what is none leads to a name that does not exist.
 */
int	 idna_ascii(char out[IDNA_MAX], const char *, size_t);

#endif
