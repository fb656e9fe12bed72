/* SPDX-License-Identifier: ISC
 *
 * Counting lines, sixteen octets at a time.
 */
#ifndef BYTES_LINES_H
#define BYTES_LINES_H

#include <stdint.h>

/*
 * s is the start of a line.  Goes over whole lines, up to one that begins with
 * c or that has no LF before end, and returns where that begins; *lines becomes
 * how many it went over, *crs how many of them end in CRLF.
 */
const char *lines_until(const char *s, const char *end, char c,
	    uint64_t *lines, uint64_t *crs);

#endif
