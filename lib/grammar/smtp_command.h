/* SPDX-License-Identifier: ISC
 *
 * One line of an SMTP client: the command and its arguments, ESMTP parameters
 * included (RFC 5321, sections 4.1.1 and 4.1.2).  Whether a command may come
 * now, and what the answer is, is the server's.
 */
#ifndef GRAMMAR_SMTP_COMMAND_H
#define GRAMMAR_SMTP_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "grammar/address.h"

/* What a server should take, CRLF included.  RFC 5321, section 4.5.3.1.4 asks
 * for 512 and more with extensions; AUTH needs the most. */
#define SMTP_LINE_MAX		2048
#define SMTP_AUTH_LINE_MAX	12288

enum smtp_verb {
	SMTP_HELO,
	SMTP_EHLO,
	SMTP_LHLO,
	SMTP_MAIL,
	SMTP_RCPT,
	SMTP_DATA,
	SMTP_RSET,
	SMTP_NOOP,
	SMTP_VRFY,
	SMTP_EXPN,
	SMTP_HELP,
	SMTP_QUIT,
	SMTP_STARTTLS,
	SMTP_AUTH,
	SMTP_UNKNOWN,
	SMTP_VERBS		/* how many, for tables */
};

enum smtp_fault {
	SMTP_GOOD,
	SMTP_NUL,		/* the line holds a NUL */
	SMTP_8BIT,		/* ... an octet above 127 */
	SMTP_CONTROL,		/* ... another control but tab: a bare CR */
	SMTP_LINE_TOO_LONG,
	SMTP_VERB_UNKNOWN,	/* the empty line too */
	SMTP_ARG_MISSING,	/* HELO, VRFY, AUTH without argument */
	SMTP_ARG_EXTRA,		/* DATA, RSET, QUIT, STARTTLS with one */
	SMTP_NO_FROM,		/* MAIL without FROM:, RCPT without TO: */
	SMTP_ADDRESS,		/* malformed address; see why */
	SMTP_PARAM_UNKNOWN,	/* a parameter that was not offered, or is of
				 * the other command */
	SMTP_PARAM_VALUE,	/* a known one, with a bad value */
	SMTP_PARAM_TWICE
};

enum smtp_body {
	SMTP_BODY_NONE,
	SMTP_BODY_7BIT,
	SMTP_BODY_8BITMIME
};

/* Parameters of MAIL and RCPT, and that they were given. */
struct smtp_params {
	int		has_size;
	uint64_t	size;		/* RFC 1870; larger than 2^63 is that */
	enum smtp_body	body;		/* RFC 6152 */
	int		has_auth;	/* AUTH=; auth is null for "<>" */
	struct address	auth;
};

struct smtp_command {
	enum smtp_verb	 verb;		/* also set with most faults */
	enum smtp_fault	 fault;
	const char	*why;		/* more about the fault, or "" */
	char		 word[64];	/* what the fault is about, printable,
					 * cut: verb or parameter; else "" */
	const char	*arg;		/* the argument as it stands in the
					 * line, trimmed; not terminated */
	size_t		 arg_len;
	/* HELO EHLO LHLO: the name, made safe for a Received field: letters,
	 * digits and ".-_:[]" stay, everything else is "?"; cut at 255. */
	char		 helo[256];
	/* MAIL, RCPT: */
	struct address	 path;
	struct smtp_params params;
	/* AUTH: mechanism in capitals; initial response as it stands in the
	 * line, NULL when there was none. */
	char		 mechanism[21];
	const char	*initial;
	size_t		 initial_len;
};

/*
 * Parse a line without its line end.  Always fills the struct, and returns its
 * fault.  Pointers point into line.  max is the limit that applies, e.g.
 * SMTP_LINE_MAX, and counts 2 for the line end.
 *
 * Taken as people and old devices type it: letter case, white space at both
 * ends and after FROM: and TO:, a path without its brackets, an 8-bit or
 * otherwise odd name in HELO.
 */
enum smtp_fault smtp_command_parse(struct smtp_command *, const char *line,
	    size_t len, size_t max);

/* "MAIL"; "" for SMTP_UNKNOWN. */
const char *smtp_verb_name(enum smtp_verb);

/* xtext (RFC 3461, section 4): append n octets decoded; 1, 0 malformed, -1 as
 * buf_add(); and encoded, 0 or -1. */
int	 smtp_xtext_decode(struct buf *, const char *, size_t n);
int	 smtp_xtext_encode(struct buf *, const char *, size_t n);

#endif
