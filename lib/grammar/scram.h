/* SPDX-License-Identifier: ISC
 *
 * The messages of SCRAM (RFC 5802, section 7), taken apart: those of a client
 * for a server, and those of a server for a client.  Pure: it knows no key and
 * computes nothing.
 */
#ifndef GRAMMAR_SCRAM_H
#define GRAMMAR_SCRAM_H

#include <stddef.h>

#define SCRAM_NAME_MAX	255	/* octets of a name, decoded */
#define SCRAM_NONCE_MAX	128	/* of the client's part of the nonce */
#define SCRAM_BARE_MAX	1024	/* of client-first-message-bare */
#define SCRAM_PROOF	32	/* of a proof: SHA-256's size */

/* Octets inside a message. */
struct scram_text {
	const char	*p;
	size_t		 n;
};

struct scram_first {
	char		 flag;		/* of gs2-cbind-flag: 'n', 'y', 'p' */
	struct scram_text channel;	/* cb-name, with 'p' */
	char		 authzid[SCRAM_NAME_MAX + 1];	/* "": none */
	char		 name[SCRAM_NAME_MAX + 1];
	struct scram_text header;	/* gs2-header, its last comma too */
	struct scram_text bare;		/* client-first-message-bare */
	struct scram_text nonce;	/* c-nonce */
};

struct scram_final {
	struct scram_text channel;	/* base64 of cbind-input */
	struct scram_text nonce;	/* the whole of it */
	struct scram_text extensions;	/* with the comma before them, or "" */
	unsigned char	 proof[SCRAM_PROOF];
};

/* Parse client-first-message.  0, or -1: it is malformed, has a mandatory
 * extension, or is longer than the sizes above. */
int	 scram_first(struct scram_first *, const char *, size_t);

/* Parse client-final-message; likewise. */
int	 scram_final(struct scram_final *, const char *, size_t);

/* Is this base64 of gs2-header and the data of the channel?  1 or 0. */
int	 scram_channel_is(const struct scram_text *base64, const void *header,
	    size_t nheader, const void *data, size_t ndata);

#define SCRAM_SALT_MAX	128	/* octets, decoded */

/* server-first-message. */
struct scram_challenge {
	struct scram_text nonce;	/* the whole of it */
	unsigned char	 salt[SCRAM_SALT_MAX];
	size_t		 nsalt;
	unsigned	 rounds;
};

/* Parse it; nonce is the client's part, which must stand at its start.  0, or
 * -1: as scram_first(). */
int	 scram_challenge(struct scram_challenge *, const char *, size_t,
	    const char *nonce);

/* Parse server-final-message: 1 and its signature; 0 it is an error; -1. */
int	 scram_verdict(const char *, size_t, unsigned char proof[SCRAM_PROOF]);

#endif
