/* SPDX-License-Identifier: ISC
 *
 * The character classes of the mail RFCs in one table, and comparison
 * without letter case.  ASCII only, whatever the locale: never isalpha(3).
 */
#ifndef GRAMMAR_CHARS_H
#define GRAMMAR_CHARS_H

#include <stddef.h>

#include "bytes/buf.h"

enum {
	CHAR_ALPHA = 0x001,	/* RFC 5234 core rules */
	CHAR_DIGIT = 0x002,
	CHAR_HEX = 0x004,	/* either case */
	CHAR_WSP = 0x008,	/* space, tab */
	CHAR_ATEXT = 0x010,	/* RFC 5322, section 3.2.3 */
	CHAR_QTEXT = 0x020,	/* RFC 5321, section 4.1.2: qtextSMTP */
	CHAR_DTEXT = 0x040,	/* RFC 5322, section 3.4.1 */
	CHAR_CTEXT = 0x080,	/* RFC 5322, section 3.2.2 */
	CHAR_FTEXT = 0x100,	/* RFC 5322, section 3.6.8: field names */
	CHAR_PRINT = 0x200,	/* %d32-126 */
	CHAR_LABEL = 0x400,	/* letter, digit, "-", and "_": see address.c */
	CHAR_XCHAR = 0x800,	/* RFC 3461, section 4: xtext but "+XX" */
	CHAR_ALNUM = CHAR_ALPHA | CHAR_DIGIT
};

extern const unsigned short chars_class[256];

/* Non-zero when c is in one of the classes. */
static inline int
char_is(int c, unsigned classes)
{
	return chars_class[(unsigned char)c] & classes;
}

/* A letter in lower case; everything else as it is. */
static inline int
char_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* The value of a hex digit in either case, or -1. */
int	 char_hex(int c);

/* 1 when both have the same octets but for the case of letters. */
int	 chars_equal(const char *, size_t, const char *, size_t);
/* The same with a C string. */
int	 chars_is(const char *, size_t, const char *);
/* 1 when p begins with this word, letter case apart, and has octets enough. */
int	 chars_begin(const char *p, const char *end, const char *word);
/* 1 when all of them are ASCII. */
int	 chars_ascii(const char *, size_t);

/* Append them with letters in lower case.  0, or -1 as buf_add(). */
int	 chars_add_lower(struct buf *, const char *, size_t);

#endif
