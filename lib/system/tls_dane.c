/* SPDX-License-Identifier: ISC
 *
 * TLSA records (RFC 6698) as what a handshake is verified by.  It never asks
 * the DNS, and never lets an authority of the system stand in for a record.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "system/tls_dane.h"

int
tls_dane_add(SSL *ssl, const struct tls_tlsa *rr)
{
	/* PKIX-TA and PKIX-EE are of no use between mail servers (RFC
	 * 7672). */
	if (rr->usage != TLS_USAGE_DANE_TA && rr->usage != TLS_USAGE_DANE_EE)
		return 0;
	if (rr->selector > 255 || rr->matching > 255)
		return 0;
	return SSL_dane_tlsa_add(ssl, (uint8_t)rr->usage,
	    (uint8_t)rr->selector, (uint8_t)rr->matching, rr->data,
	    rr->len) > 0;
}

int
tls_dane_set(SSL *ssl, const struct tls_demand *d)
{
	size_t i;
	int n = 0;

	/* It sets the name for SNI too. */
	if (SSL_dane_enable(ssl, d->host) != 1)
		return -1;
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (i = 0; i < TLS_NAMES_MAX; i++)
		if (d->names[i] != NULL &&
		    SSL_add1_host(ssl, d->names[i]) != 1)
			return -1;
	for (i = 0; i < d->ntlsa; i++)
		n += tls_dane_add(ssl, &d->tlsa[i]);
	ERR_clear_error();
	return n > 0 ? 0 : -1;
}

static STACK_OF(X509) *
read_chain(const char *pem, size_t len)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509 *x;

	while (chain != NULL && bio != NULL &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (sk_X509_push(chain, x) <= 0)
			X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	return chain;
}

int
tls_dane_verify(SSL *ssl, const char *pem, size_t len)
{
	STACK_OF(X509) *chain = read_chain(pem, len);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
	int r = -1;

	if (chain != NULL && sk_X509_num(chain) > 0 && ctx != NULL &&
	    X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) ==
	    1 && X509_STORE_CTX_set_ex_data(ctx,
	    SSL_get_ex_data_X509_STORE_CTX_idx(), ssl) == 1 &&
	    X509_STORE_CTX_set_default(ctx, "ssl_server") == 1) {
		X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(ctx),
		    SSL_get0_param(ssl));
		X509_STORE_CTX_set0_dane(ctx, SSL_get0_dane(ssl));
		r = X509_verify_cert(ctx) == 1 &&
		    X509_STORE_CTX_get_error(ctx) == X509_V_OK;
	}
	X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return r;
}
