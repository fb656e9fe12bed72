/* SPDX-License-Identifier: ISC
 *
 * The lines of POP3 commands (RFC 1939, section 3; RFC 2449, section 3) as
 * words.  Which words there are is the program's table.
 */
#ifndef GRAMMAR_POP3_H
#define GRAMMAR_POP3_H

#include <stddef.h>
#include <stdint.h>

/* The longest command line, CRLF counted: RFC 2449, section 4, asks for 255,
 * and AUTH's initial response and answers for more. */
#define POP3_LINE_MAX	4096

struct pop3_command {
	const char	*keyword;
	size_t		 keyword_len;
	const char	*rest;		/* behind one space; "" when none */
	size_t		 rest_len;
};

/* Cut a line, given without its line end: 1; -1 when it does not begin with a
 * keyword, or has control octets.  The rest may have octets above 127 (RFC
 * 6856, section 2.2): which may be there is the caller's to judge. */
int	 pop3_command(const char *, size_t, struct pop3_command *);

/*
 * The next argument of the rest at *p: 1 and it is moved behind it, 0 none is
 * left.
 * NOTE: several spaces, and spaces at the end, are taken for one and none.
 */
int	 pop3_argument(const char **p, const char *end, const char **arg,
	    size_t *len);

/* A decimal number: 1, or -1: it is none.  A number too large for 64 bits is
 * the largest. */
int	 pop3_number(const char *, size_t, uint64_t *);

/* Whether it can be a unique id (RFC 1939, section 7), whatever its length. */
int	 pop3_unique_id(const char *, size_t);

/*
 * How unique ids are made, in Dovecot's notation: text, and
 *
 *	%u	the UID
 *	%v	UIDVALIDITY
 *	%f	the base name of the file
 *
 * with 0 and a width behind the "%" to fill with zeros, and an X before the
 * letter for hexadecimal.
 */
#define POP3_UIDL_DEFAULT	"%08Xu%08Xv"

struct pop3_names {
	uint32_t	 uid, uidvalidity;
	const char	*file;
	size_t		 file_len;
};

/* Whether it is such a form, and makes ids that differ: 1, or -1. */
int	 pop3_uidl_form(const char *);

/* The id of a message into to, which has room for size octets; returns how
 * many, 0 when they do not fit.  It may not be a pop3_unique_id(): a name can
 * hold anything. */
size_t	 pop3_uidl(const char *form, const struct pop3_names *, char *to,
	    size_t size);

#endif
