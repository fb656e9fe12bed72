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
 * The only file that includes libcrypt, libargon2 and OpenSSL's digests.
 */
#ifndef MAIL_PASSWORD_H
#define MAIL_PASSWORD_H

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

/* Can this stored form be checked at all?  PASSWORD_RIGHT, _UNKNOWN or
 * _MALFORMED, without any work. */
enum password_result password_known(const char *stored);

#endif
