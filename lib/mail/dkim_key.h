/* SPDX-License-Identifier: ISC
 *
 * The keys of DKIM and what is done with them: RSA (RFC 6376, section 3.3.2;
 * at least 1,024 bits, RFC 8301) and Ed25519 (RFC 8463) over a SHA-256 hash.
 * All that DKIM needs of OpenSSL is here; nothing of a private key is left in
 * memory that was freed.
 */
#ifndef MAIL_DKIM_KEY_H
#define MAIL_DKIM_KEY_H

#include <stddef.h>

#include "bytes/buf.h"
#include "grammar/dkim_tags.h"

#define DKIM_PEM_MAX	65536		/* of a file that is read */
#define DKIM_BITS_MIN	1024		/* of RSA: fewer are not used */
#define DKIM_BITS_GOOD	2048		/* fewer are told of; made */
#define DKIM_BITS_MAX	8192		/* more cost too much */
#define DKIM_FAULT_MAX	200		/* room for what is wrong */

struct dkim_key;

/* A private key from the text of a PEM file, without a passphrase; the text is
 * the caller's to wipe.  NULL: why is in fault[DKIM_FAULT_MAX]. */
struct dkim_key *dkim_key_read(const char *pem, size_t n, char *fault);

/* A public key from what a record's p= decodes to.  NULL: it is none, or too
 * short or too long. */
struct dkim_key *dkim_key_public(enum dkim_algorithm, const void *, size_t);

/* Make a private key (RSA: of DKIM_BITS_GOOD) and append its PEM text.  NULL:
 * OpenSSL could not, or as buf_add(). */
struct dkim_key *dkim_key_make(enum dkim_algorithm, struct buf *pem);

void	 dkim_key_free(struct dkim_key *);	/* NULL does nothing */

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *);
unsigned dkim_key_bits(const struct dkim_key *);

/* Append the text of the record that publishes it: "v=DKIM1; k=...; p=...".
 * 0, or -1 as buf_add(). */
int	 dkim_key_record(const struct dkim_key *, struct buf *);

/* Append the signature of a hash.  0, or -1. */
int	 dkim_key_sign(const struct dkim_key *,
	    const unsigned char hash[DKIM_HASH], struct buf *);

/* Is it the signature of that hash by that key? */
int	 dkim_key_verify(const struct dkim_key *,
	    const unsigned char hash[DKIM_HASH], const void *, size_t);

/* SHA-256 in pieces. */
struct dkim_hash;
struct dkim_hash *dkim_hash_new(void);		/* NULL: no memory */
void	 dkim_hash_begin(struct dkim_hash *);
void	 dkim_hash_add(void *hash, const void *, size_t); /* a dkim_sink */
/* 0, or -1: something failed since the begin. */
int	 dkim_hash_end(struct dkim_hash *, unsigned char to[DKIM_HASH]);
void	 dkim_hash_free(struct dkim_hash *);

#endif
