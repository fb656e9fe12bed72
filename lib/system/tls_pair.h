/* SPDX-License-Identifier: ISC
 *
 * A certificate with its chain and private key, read from two files, and
 * whether these have changed.  Only tls*.c includes this.  It needs nothing of
 * OpenSSL's TLS header.
 */
#ifndef SYSTEM_TLS_PAIR_H
#define SYSTEM_TLS_PAIR_H

#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

/* A file as it was when it was last read or tried. */
struct tls_file {
	char		*name;		/* NULL: none */
	struct stat	 st;
	int		 missing;
};

struct tls_pair {
	X509		*cert;
	STACK_OF(X509)	*chain;
	EVP_PKEY	*key;		/* NULL: nothing loaded */
	struct tls_file	 files[2];	/* certificate, key */
};

/* Keep the names of the files; 0, or -1: no memory. */
int	 tls_pair_name(struct tls_pair *, const char *cert, const char *key);

/* Whether a file is not what it was when it was last read or tried. */
int	 tls_pair_changed(const struct tls_pair *);

/* Read the files of named into fresh (zeroed by the caller, without names),
 * and note in named how they are now.  0, or -1 with the reason in err; fresh
 * is to be cleared then too. */
int	 tls_pair_read(struct tls_pair *named, struct tls_pair *fresh,
	    char *err, size_t errlen);

/* Free what was read: OpenSSL overwrites the key when nobody else holds it.
 * tls_pair_free() frees the names too. */
void	 tls_pair_clear(struct tls_pair *);
void	 tls_pair_free(struct tls_pair *);

#endif
