/* SPDX-License-Identifier: ISC
 *
 * Text as a JSON string (RFC 8259).
 */
#ifndef BYTES_JSON_H
#define BYTES_JSON_H

#include <stddef.h>

#include "bytes/buf.h"

/* Append n octets in double quotes, or with NULL the word null.  Quote,
 * backslash, controls and DEL are escaped; an octet that is no UTF-8 becomes
 * U+FFFD.  0, or -1 as buf_add(). */
int	 json_add(struct buf *, const char *, size_t n);
/* The same of a C string. */
int	 json_adds(struct buf *, const char *);

#endif
