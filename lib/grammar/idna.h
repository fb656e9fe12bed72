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
 * By libidn2, the only place that knows it: labels that are not ASCII are
 * mapped (UTS 46, not transitional: case, width, composition, the full stops
 * of other scripts) and checked by IDNA2008; those in "xn--" form are checked;
 * all others are taken as they are.  0 and the name in out; -1: malformed
 * UTF-8, a label that IDNA2008 does not allow, a label or the name too long,
 * or no memory.
 * NOTE: an "xn--" label of characters that IDNA2008 does not allow, such as
 * emoji, is taken: registries sell them, and the DNS knows whether it is there.
 */
int	 idna_ascii(char out[IDNA_MAX], const char *, size_t);

/*
 * Likewise, without the library, which costs each start of a program.
 * NOTE: nothing is mapped or checked: a U-label is lower case and composed by
 * definition, and what is none leads to a name that does not exist.
 */
int	 idna_strict(char out[IDNA_MAX], const char *, size_t);

#endif
