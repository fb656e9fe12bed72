/* SPDX-License-Identifier: ISC
 *
 * Is this the password whose stored form we have?  Dovecot's schemes:
 *
 *	CRYPT, DES-CRYPT, MD5-CRYPT, BLF-CRYPT, SHA256-CRYPT, SHA512-CRYPT:
 *		all that crypt(3) knows; also without any {SCHEME}
 *	PLAIN CLEARTEXT CLEAR
 *	SHA SHA1 SHA256 SHA512 SSHA SSHA256 SSHA512	(base64)
 *	PBKDF2		$1$salt$rounds$hex		(HMAC-SHA-1)
 *	SCRAM-SHA-1 SCRAM-SHA-256	rounds,salt,stored key,server key
 *	ARGON2I ARGON2ID
 *
 * ".b64", ".base64" or ".hex" behind a scheme says how it is written.
 * Only password.c and password_scram.c include libcrypt, libargon2 and
 * OpenSSL's digests.
 */
#ifndef MAIL_PASSWORD_H
#define MAIL_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

enum password_result {
	PASSWORD_RIGHT,
	PASSWORD_WRONG,
	PASSWORD_UNKNOWN,	/* a scheme we do not have */
	PASSWORD_MALFORMED,	/* a stored form that is none */
	PASSWORD_FAILED		/* no memory, library failure: temporary */
};

#define PASSWORD_MAX	1024	/* a longer one is wrong */

/*
 * Check n octets of password against a stored form with or without {SCHEME}.
 * Takes as long as the scheme wants (1 to 300 ms): never in a monitor.
 * Compares in constant time; a password with a NUL is wrong.  Wipes its
 * copies.
 */
enum password_result password_check(const char *stored,
	    const char *password, size_t n);

/* Do the work of a check and forget it: for a user who does not exist.
 * stored "" does crypt's SHA-512. */
void	 password_waste(const char *stored, const char *password, size_t n);

/* ---- SCRAM-SHA-256 (RFC 5802, RFC 7677): password_scram.c ---- */

#define PASSWORD_SCRAM	32	/* octets of a key, a proof, a signature */

struct password_scram {
	unsigned char	salt[64];
	size_t		nsalt;
	unsigned	rounds;
	unsigned char	stored[PASSWORD_SCRAM];		/* StoredKey */
	unsigned char	server[PASSWORD_SCRAM];		/* ServerKey */
};

/*
 * From a stored form: {SCRAM-SHA-256} as it is, a plain text with a salt made
 * of the seed.  keys false: only salt and rounds, which costs nothing.
 * PASSWORD_RIGHT; PASSWORD_UNKNOWN: the scheme has no such keys; _MALFORMED,
 * _FAILED.
 */
enum password_result password_scram(const char *stored,
	    const unsigned char seed[PASSWORD_SCRAM], bool keys,
	    struct password_scram *);

/* The same work for nobody, in the manner of this stored form ("": of a plain
 * text), so that he looks like its user: another salt for another seed, and
 * keys of nobody. */
enum password_result password_scram_nobody(const char *like,
	    const unsigned char seed[PASSWORD_SCRAM], bool keys,
	    struct password_scram *);

/* The other side of it: what a client who knows the password sends, and what
 * the server then must answer.  Salt and rounds (at most
 * PASSWORD_SCRAM_ROUNDS) are the server's; -1: more rounds, or no memory. */
#define PASSWORD_SCRAM_ROUNDS	1000000
int	 password_scram_proof(const char *password, const void *salt,
	    size_t nsalt, unsigned rounds, const char *message,
	    unsigned char proof[PASSWORD_SCRAM],
	    unsigned char signature[PASSWORD_SCRAM]);

/* Is this the proof of who knows the password?  Fills in ServerSignature.
 * PASSWORD_RIGHT, _WRONG, _FAILED. */
enum password_result password_scram_check(const struct password_scram *,
	    const char *auth_message, const unsigned char proof[PASSWORD_SCRAM],
	    unsigned char signature[PASSWORD_SCRAM]);

/* A seed for a name, under a key: HMAC-SHA-256.  0, or -1. */
int	 password_seed(const void *key, size_t nkey, const char *name,
	    unsigned char seed[PASSWORD_SCRAM]);

/* Can this stored form be checked at all?  PASSWORD_RIGHT, _UNKNOWN or
 * _MALFORMED, without any work. */
enum password_result password_known(const char *stored);

#endif
