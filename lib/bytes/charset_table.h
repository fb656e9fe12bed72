/* SPDX-License-Identifier: ISC
 *
 * What charset.c decodes with; nobody else includes it.
 */
#ifndef BYTES_CHARSET_TABLE_H
#define BYTES_CHARSET_TABLE_H

#include <stdint.h>

#include "bytes/charset.h"

#define CHARSET_TABLES	(CHARSET_UNKNOWN - CHARSET_LATIN1)

/* Octets 0x80 to 0xff of CHARSET_LATIN1 and those behind it. */
extern const uint16_t charset_table[CHARSET_TABLES][128];

#endif
