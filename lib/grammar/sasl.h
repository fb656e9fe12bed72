/* SPDX-License-Identifier: ISC
 *
 * The server's side of SASL exchanges with the base64 of SMTP, POP3 and IMAP:
 * those that end in a name and a password, PLAIN (RFC 4616) and LOGIN; and
 * SCRAM-SHA-256 (RFC 5802, RFC 7677), which asks its caller for what only the
 * holder of the keys can say.  It never judges a password; it wipes them.
 */
#ifndef GRAMMAR_SASL_H
#define GRAMMAR_SASL_H

#include <stddef.h>

#include "bytes/base64.h"
#include "grammar/scram.h"

#define SASL_NAME_MAX		255
#define SASL_PASSWORD_MAX	1024	/* as RFC 4616's grammar allows at
					 * least */

enum sasl_mechanism {
	SASL_UNKNOWN,
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_256_PLUS
};

enum sasl_result {
	SASL_CONTINUE,		/* send the challenge, read a line */
	SASL_DONE,		/* name and password are there; with SCRAM the
				 * client has taken the server's proof */
	SASL_ASK_FIRST,		/* SCRAM: authcid and scram.bare are there;
				 * sasl_scram_challenge() goes on */
	SASL_ASK_FINAL,		/* SCRAM: the client's proof is there;
				 * sasl_scram_signature() goes on */
	SASL_CANCELLED,		/* the client sent "*" */
	SASL_BAD_BASE64,
	SASL_BAD_MESSAGE,	/* decoded, but malformed */
	SASL_WRONG_CHANNEL,	/* SCRAM: bound to another connection than
				 * ours, to none of ours, or to none where we
				 * had offered it */
	SASL_TOO_LONG
};

#define SASL_SERVER_MAX	512	/* of server-first-message */
#define SASL_FINAL_MAX	512	/* of a part of client-final-message */
#define SASL_HEADER_MAX	(3 * SASL_NAME_MAX + 64) /* of a gs2-header */
#define SASL_CHANNELS	2

/* What SCRAM may be bound to (RFC 5802, section 6), as long as it is used. */
struct sasl_channel {
	const char	*name;		/* "tls-exporter"; NULL: none */
	unsigned char	 data[64];
	size_t		 n;
};

/* SCRAM's part; strings, and all of it the client's or public. */
struct sasl_scram {
	struct sasl_channel channels[SASL_CHANNELS];
	size_t		 bound;		/* index of the one chosen */
	char		 header[SASL_HEADER_MAX + 1];
	char		 bare[SCRAM_BARE_MAX + 1];
	char		 nonce[SCRAM_NONCE_MAX + 1];	/* the client's */
	char		 server[SASL_SERVER_MAX + 1];	/* its first message */
	char		 channel[SASL_FINAL_MAX + 1];	/* base64 */
	char		 extensions[SASL_FINAL_MAX + 1];
	unsigned char	 proof[SCRAM_PROOF];
	char		 challenge[BASE64_LEN(SASL_SERVER_MAX) + 1];
};

struct sasl {
	enum sasl_mechanism mechanism;
	int		 step;
	const char	*challenge;	/* base64, for SASL_CONTINUE; static or
					 * in here */
	int		 verdict;	/* the caller's, who asked for SCRAM */
	struct sasl_scram scram;
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

/* For SCRAM, whose PLUS form wants one of the channels to be named by the
 * client.  There are some: the server does support channel binding, and who
 * says that it does not was lied to.  NULL: none.  sasl_begin() has none. */
enum sasl_result sasl_begin_scram(struct sasl *, enum sasl_mechanism,
	    const struct sasl_channel channels[SASL_CHANNELS],
	    const char *initial, size_t len);

/* After SASL_ASK_FIRST: server-first-message. */
enum sasl_result sasl_scram_challenge(struct sasl *, const char *server);

/* After SASL_ASK_FINAL, when the proof was good: ServerSignature. */
enum sasl_result sasl_scram_signature(struct sasl *,
	    const unsigned char signature[SCRAM_PROOF]);

/* Does it need a password, or only proofs that one is known? */
int	 sasl_is_scram(enum sasl_mechanism);

/* The client's next line, without its line end. */
enum sasl_result sasl_step(struct sasl *, const char *, size_t);

/* PLAIN's message itself, decoded: authzid NUL authcid NUL passwd. */
enum sasl_result sasl_plain(struct sasl *, const char *, size_t);

/* Forget name and password. */
void	 sasl_wipe(struct sasl *);

#endif
