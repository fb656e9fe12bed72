/* SPDX-License-Identifier: ISC
 *
 * The collation i;unicode-casemap (RFC 5051): texts are equal, or in order, when
 * their titlecased canonicalized UTF-8 is, octet by octet.
 */
#ifndef BYTES_CASEMAP_H
#define BYTES_CASEMAP_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

#define CASEMAP_MAX	80	/* octets that one character may become */

/* What a character becomes, in UTF-8: its length. */
size_t	 casemap_char(char out[CASEMAP_MAX], uint32_t c);

/* Append n octets of a text mapped; octets that are not UTF-8 stay as they are.
 * 1 when all of it was UTF-8, 0 when not, -1 as buf_add(). */
int	 casemap_add(struct buf *, const char *, size_t n);

/* See casemap_data.c. */
extern const char casemap_data[];

#endif
