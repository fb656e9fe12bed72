/* SPDX-License-Identifier: ISC
 *
 * A whole text in the gzip format (RFC 1952), by zlib.
 */
#ifndef SYSTEM_GZIP_H
#define SYSTEM_GZIP_H

#include <stddef.h>

#include "bytes/buf.h"

/* Append n octets, compressed.  0, or -1: no memory, or beyond the buffer's
 * maximum. */
int	 gzip_add(struct buf *, const void *, size_t n);

#endif
