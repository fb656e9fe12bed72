/* SPDX-License-Identifier: ISC
 *
 * What tls.c and tls_context.c share, and nobody else sees.
 */
#ifndef SYSTEM_TLS_LOCAL_H
#define SYSTEM_TLS_LOCAL_H

#include <openssl/ssl.h>

#include "system/tls.h"
#include "system/tls_pair.h"

/* The pair is given to each SSL, not to ctx, so that a session can let go of
 * the key (see tls_accept). */
struct tls_server {
	SSL_CTX		*ctx;
	struct tls_pair	 pair;
};

struct tls_client {
	SSL_CTX	*ctx;
	int	 verify;
};

/* What OpenSSL says of its first error, in words. */
const char *tls_reason(void);

#endif
