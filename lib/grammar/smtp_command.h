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
	SMTP_BDAT,
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
	SMTP_8BIT,		/* ... an octet above 127, where there is no
				 * place for UTF-8, or that is none */
	SMTP_CONTROL,		/* ... another control but tab: a bare CR */
	SMTP_LINE_TOO_LONG,
	SMTP_VERB_UNKNOWN,	/* the empty line too */
	SMTP_ARG_MISSING,	/* HELO, VRFY, AUTH without argument */
	SMTP_ARG_EXTRA,		/* DATA, RSET, QUIT, STARTTLS with one */
	SMTP_CHUNK,		/* BDAT, and its size cannot be told */
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

/* Which parameters were given. */
enum {
	SMTP_WITH_SIZE = 1u << 0,	/* MAIL: RFC 1870 */
	SMTP_WITH_BODY = 1u << 1,	/* RFC 6152 */
	SMTP_WITH_AUTH = 1u << 2,	/* RFC 4954 */
	SMTP_WITH_UTF8 = 1u << 3,	/* RFC 6531; VRFY and EXPN too */
	SMTP_WITH_REQUIRETLS = 1u << 4,	/* RFC 8689 */
	SMTP_WITH_RET = 1u << 5,	/* RFC 3461 */
	SMTP_WITH_ENVID = 1u << 6,
	SMTP_WITH_HOLD = 1u << 7,	/* RFC 4865: either of its two */
	SMTP_WITH_BY = 1u << 8,		/* RFC 2852 */
	SMTP_WITH_NOTIFY = 1u << 9,	/* RCPT: RFC 3461 */
	SMTP_WITH_ORCPT = 1u << 10
};

/* NOTIFY */
enum {
	SMTP_NOTIFY_NEVER = 0x1,
	SMTP_NOTIFY_SUCCESS = 0x2,
	SMTP_NOTIFY_FAILURE = 0x4,
	SMTP_NOTIFY_DELAY = 0x8
};

enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };

#define SMTP_ENVID_MAX	100	/* RFC 3461, section 4.4 */
#define SMTP_ORCPT_MAX	500	/* section 4.2 */

/* Parameters of MAIL and RCPT. */
struct smtp_params {
	unsigned	given;		/* SMTP_WITH_* */
	uint64_t	size;		/* larger than 2^63 is that */
	enum smtp_body	body;
	struct address	auth;		/* null for "<>" */
	enum smtp_ret	ret;
	char		envid[SMTP_ENVID_MAX + 1];	/* decoded */
	int64_t		hold_for;	/* seconds, 0: hold_until counts */
	int64_t		hold_until;	/* since 1970 */
	int64_t		by;		/* seconds, not always positive */
	char		by_mode;	/* 'R', 'N' */
	int		by_trace;
	unsigned	notify;		/* SMTP_NOTIFY_* */
	char		orcpt[SMTP_ORCPT_MAX + 1];	/* type;address,
					 * decoded: RFC 6533 too */
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
	/* BDAT: */
	uint64_t	 chunk;		/* octets that follow the line */
	int		 last;
};

/*
 * Parse a line without its line end.  Always fills the struct, and returns its
 * fault.  Pointers point into line.  max is the limit that applies, e.g.
 * SMTP_LINE_MAX, and counts 2 for the line end.
 *
 * Taken as people and old devices type it: letter case, white space at both
 * ends and after FROM: and TO:, a path without its brackets, an 8-bit or
 * otherwise odd name in HELO.  UTF-8 is taken in the arguments of MAIL, RCPT,
 * VRFY and EXPN, whether or not SMTPUTF8 was said: that is for the caller,
 * who knows the transaction.
 */
enum smtp_fault smtp_command_parse(struct smtp_command *, const char *line,
	    size_t len, size_t max);

/* "MAIL"; "" for SMTP_UNKNOWN. */
const char *smtp_verb_name(enum smtp_verb);

/* smtp_xtext.c: xtext (RFC 3461, section 4): append n octets decoded; 1, 0
 * malformed, -1 as buf_add(); and encoded, 0 or -1. */
int	 smtp_xtext_decode(struct buf *, const char *, size_t n);
int	 smtp_xtext_encode(struct buf *, const char *, size_t n);
/* utf-8-enc-addr (RFC 6533, section 3), to UTF-8: likewise. */
int	 smtp_unitext_decode(struct buf *, const char *, size_t n);

/* smtp_params.c: *(SP esmtp-param), from p to end; for smtp_command.c. */
enum smtp_fault smtp_params_parse(struct smtp_command *, const char *p,
	    const char *end);
/* smtp_command.c, for smtp_params.c: keep what a fault is about. */
void	 smtp_command_word(struct smtp_command *, const char *, size_t);

#endif
