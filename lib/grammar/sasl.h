/* SPDX-License-Identifier: ISC
 *
 * The server's side of SASL exchanges that end in a name and a password:
 * PLAIN (RFC 4616) and LOGIN, with the base64 of SMTP, POP3 and IMAP.  It
 * never judges a password; it wipes them.
 */
#ifndef GRAMMAR_SASL_H
#define GRAMMAR_SASL_H

#include <stddef.h>

#define SASL_NAME_MAX		255
#define SASL_PASSWORD_MAX	1024	/* as RFC 4616's grammar allows at
					 * least */

enum sasl_mechanism {
	SASL_UNKNOWN,
	SASL_PLAIN,
	SASL_LOGIN
};

enum sasl_result {
	SASL_CONTINUE,		/* send the challenge, read a line */
	SASL_DONE,		/* name and password are there */
	SASL_CANCELLED,		/* the client sent "*" */
	SASL_BAD_BASE64,
	SASL_BAD_MESSAGE,	/* decoded, but malformed */
	SASL_TOO_LONG
};

struct sasl {
	enum sasl_mechanism mechanism;
	int		 step;
	const char	*challenge;	/* base64, for SASL_CONTINUE; static */
	char		 authzid[SASL_NAME_MAX + 1];	/* "": as authcid */
	char		 authcid[SASL_NAME_MAX + 1];
	char		 password[SASL_PASSWORD_MAX + 1];
};

/* By name, in any letter case. */
enum sasl_mechanism sasl_mechanism(const char *, size_t);

/*
 * Begin.  initial is the initial response in base64, "=" for an empty one
 * (NULL: none came).  After anything but SASL_CONTINUE the exchange is over;
 * without SASL_DONE the struct has been wiped.
 */
enum sasl_result sasl_begin(struct sasl *, enum sasl_mechanism,
	    const char *initial, size_t len);

/* The client's next line, without its line end. */
enum sasl_result sasl_step(struct sasl *, const char *, size_t);

/* PLAIN's message itself, decoded: authzid NUL authcid NUL passwd. */
enum sasl_result sasl_plain(struct sasl *, const char *, size_t);

/* Forget name and password. */
void	 sasl_wipe(struct sasl *);

#endif
