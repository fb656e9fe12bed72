/* SPDX-License-Identifier: ISC
 *
 * A header in UTF-8 (RFC 6532) for clients that know US-ASCII only: a
 * surrogate as RFC 6855, section 7, has it, in the simple way of RFC 6858.
 * What cannot be said otherwise is left out.
 *
 *	Subject and other text		encoded words (RFC 2047)
 *	names before addresses		likewise
 *	addresses			their text as such a name, before an
 *					address that leads nowhere
 *	Content-Type and its like	without the parameters concerned
 *	any other field			left out
 *
 * Fields that are in US-ASCII stay as they are, to the octet.
 */
#ifndef GRAMMAR_SURROGATE_H
#define GRAMMAR_SURROGATE_H

#include <stddef.h>

#include "bytes/buf.h"

/* The address that stands for one in UTF-8. */
#define SURROGATE_ADDRESS	"invalid@internationalized-address.invalid"

/* Append a surrogate of the header, its empty line included when there is one.
 * New lines end in LF.  0, or -1 as buf_add(). */
int	 surrogate_header(struct buf *, const char *, size_t n);

#endif
