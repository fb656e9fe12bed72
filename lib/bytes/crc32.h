/* SPDX-License-Identifier: ISC
 *
 * CRC-32 as Ethernet, gzip and PNG have it: tells a file whose data a power
 * cut took from a whole one.  It is no defence against anyone who means harm.
 */
#ifndef BYTES_CRC32_H
#define BYTES_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Go on with the sum of what came before (0 at the start) over n octets. */
uint32_t crc32_add(uint32_t sum, const void *, size_t n);

#endif
