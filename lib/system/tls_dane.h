/* SPDX-License-Identifier: ISC
 *
 * DANE for SMTP (RFC 7672) by OpenSSL; for tls.c and tls_context.c alone.
 */
#ifndef SYSTEM_TLS_DANE_H
#define SYSTEM_TLS_DANE_H

#include <openssl/ssl.h>

#include "system/tls.h"

/* Add a record to a handshake where DANE is enabled: 1, or 0: it cannot be
 * used. */
int	 tls_dane_add(SSL *, const struct tls_tlsa *);

/* Demand a match of one of the records; 0, or -1: none can be used, or no
 * memory. */
int	 tls_dane_set(SSL *, const struct tls_demand *);

/* Verify a chain (PEM) as in a handshake: 1, 0, -1. */
int	 tls_dane_verify(SSL *, const char *pem, size_t len);

#endif
