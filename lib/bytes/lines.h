/* SPDX-License-Identifier: ISC
 *
 * Whole lines passed over at once, and their ends counted: what a parser does
 * with the body of a message, where it waits for a line that begins with "-".
 */
#ifndef BYTES_LINES_H
#define BYTES_LINES_H

#include <stddef.h>
#include <stdint.h>

struct lines {
	uint64_t	ends;	/* LFs */
	uint64_t	crlf;	/* those behind a CR */
};

/*
 * s, of n octets, begins with a line.  Pass the lines that are whole; with
 * dash only those before the first that begins with "-".  Returns how many
 * octets that are; the line ends among them are added to *l.
 */
size_t	 lines_pass(const char *s, size_t n, int dash, struct lines *l);

#endif
