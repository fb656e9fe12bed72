/* SPDX-License-Identifier: ISC
 *
 * What a server or a client shakes hands with: protocols, ciphers, the
 * certificate and its key, the authorities.  It must never read a file after
 * the contexts are made but for a server that refreshes its own, and never
 * give up a good pair for one that OpenSSL does not take.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "system/tls_dane.h"
#include "system/tls_local.h"
#include "system/tls_memory.h"

/* Forward secrecy only.  CBC stays for old MTAs, behind the others. */
#define TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:" \
	"ECDHE+AES:DHE+AES:!aNULL:!PSK:!SRP:!DSS"

static int
bad(char *err, size_t errlen, const char *file, const char *what)
{
	snprintf(err, errlen, "%s: %s", file, what);
	return -1;
}

/* What server and client have in common. */
static SSL_CTX *
new_context(const SSL_METHOD *method)
{
	SSL_CTX *ctx;

	if (tls_init() == -1)
		return NULL;
	ERR_clear_error();
	if ((ctx = SSL_CTX_new(method)) == NULL)
		return NULL;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, TLS_CIPHERS) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* ---- the server ---- */

/* Whether OpenSSL takes the pair, which includes that they belong together
 * and are strong enough. */
static int
try_pair(struct tls_server *ts, const struct tls_pair *p, char *err,
    size_t errlen)
{
	SSL *ssl;
	int r = -1;

	ERR_clear_error();
	if ((ssl = SSL_new(ts->ctx)) != NULL && SSL_use_cert_and_key(ssl,
	    p->cert, p->key, p->chain, 1) == 1)
		r = 0;
	else
		bad(err, errlen, ts->pair.files[0].name, tls_reason());
	SSL_free(ssl);
	return r;
}

/* One handshake of the server with itself: what OpenSSL looks up at the first
 * (algorithms, groups) is then in memory that all sessions share, and none
 * takes the time for it. */
static void
warm_up(struct tls_server *ts, const struct tls_pair *p)
{
	SSL_CTX *other = SSL_CTX_new(TLS_client_method());
	SSL *server = SSL_new(ts->ctx), *client = NULL;
	BIO *near = NULL, *far = NULL;
	char octet = 'x';
	int i;

	if (other != NULL)
		client = SSL_new(other);
	if (server != NULL && client != NULL && SSL_use_cert_and_key(server,
	    p->cert, p->key, p->chain, 1) == 1 &&
	    BIO_new_bio_pair(&near, 0, &far, 0) == 1) {
		SSL_set_bio(server, near, near);
		SSL_set_bio(client, far, far);
		SSL_set_accept_state(server);
		SSL_set_connect_state(client);
		for (i = 0; i < 4; i++) {
			(void)SSL_do_handshake(client);
			(void)SSL_do_handshake(server);
		}
		(void)SSL_write(client, &octet, 1);
		(void)SSL_read(server, &octet, 1);
		(void)SSL_write(server, &octet, 1);
	}
	SSL_free(server);
	SSL_free(client);
	SSL_CTX_free(other);
	ERR_clear_error();
}

/* Read both files again; the old pair stays unless all is well. */
static int
reload(struct tls_server *ts, char *err, size_t errlen)
{
	struct tls_pair fresh;

	memset(&fresh, 0, sizeof(fresh));
	if (tls_pair_read(&ts->pair, &fresh, err, errlen) == -1 ||
	    try_pair(ts, &fresh, err, errlen) == -1) {
		tls_pair_clear(&fresh);
		return -1;
	}
	tls_pair_clear(&ts->pair);
	ts->pair.cert = fresh.cert;
	ts->pair.chain = fresh.chain;
	ts->pair.key = fresh.key;
	warm_up(ts, &ts->pair);
	return 0;
}

/* Take any name a client asks for: there is one certificate. */
static int
accept_sni(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)alert;
	(void)arg;
	return SSL_TLSEXT_ERR_OK;
}

struct tls_server *
tls_server_new(void)
{
	struct tls_server *ts;

	if ((ts = calloc(1, sizeof(*ts))) == NULL)
		return NULL;
	if ((ts->ctx = new_context(TLS_server_method())) == NULL) {
		free(ts);
		return NULL;
	}
	SSL_CTX_set_options(ts->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_num_tickets(ts->ctx, 0);
	/* A session's process ends with it. */
	SSL_CTX_set_session_cache_mode(ts->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_dh_auto(ts->ctx, 1);
	SSL_CTX_set_tlsext_servername_callback(ts->ctx, accept_sni);
	return ts;
}

int
tls_server_load(struct tls_server *ts, const char *cert, const char *key,
    char *err, size_t errlen)
{
	if (tls_pair_name(&ts->pair, cert, key) == -1)
		return bad(err, errlen, cert, strerror(ENOMEM));
	return reload(ts, err, errlen);
}

int
tls_server_refresh(struct tls_server *ts, char *err, size_t errlen)
{
	if (!tls_pair_changed(&ts->pair))
		return 0;
	return reload(ts, err, errlen) == 0 ? 1 : -1;
}

int
tls_server_ready(const struct tls_server *ts)
{
	return ts->pair.key != NULL;
}

long long
tls_server_not_after(const struct tls_server *ts)
{
	struct tm tm;

	if (ts->pair.cert == NULL ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(ts->pair.cert), &tm) != 1)
		return 0;
	return timegm(&tm);
}

void
tls_server_free(struct tls_server *ts)
{
	if (ts == NULL)
		return;
	tls_pair_free(&ts->pair);
	SSL_CTX_free(ts->ctx);
	free(ts);
}

void
tls_server_forget(struct tls_server *ts)
{
	if (ts == NULL)
		return;
	tls_memory_end();
	EVP_PKEY_free(ts->pair.key);
	ts->pair.key = NULL;
}

void
tls_server_abandon(struct tls_server *ts)
{
	if (ts == NULL)
		return;
	tls_server_forget(ts);
	tls_memory_drop();
}

/* ---- the client ---- */

/* The system's authorities in one file: a folder of hashed names would be
 * opened only at a handshake. */
static const char *
system_cafile(void)
{
	static const char *const known[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/cert.pem",
		"/etc/ssl/ca-bundle.pem",
		"/usr/local/share/certs/ca-root-nss.crt"
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (access(known[i], R_OK) == 0)
			return known[i];
	return known[0];
}

struct tls_client *
tls_client_new(int verify, const char *cafile, char *err, size_t errlen)
{
	struct tls_client *tc;

	if ((tc = calloc(1, sizeof(*tc))) == NULL ||
	    (tc->ctx = new_context(TLS_client_method())) == NULL) {
		free(tc);
		bad(err, errlen, "TLS", strerror(ENOMEM));
		return NULL;
	}
	if (SSL_CTX_dane_enable(tc->ctx) != 1) {
		tls_client_free(tc);
		bad(err, errlen, "TLS", strerror(ENOMEM));
		return NULL;
	}
	if (verify && cafile == NULL)
		cafile = system_cafile();
	if (verify && SSL_CTX_load_verify_file(tc->ctx, cafile) != 1) {
		bad(err, errlen, cafile, access(cafile, R_OK) == -1 ?
		    strerror(errno) : "no usable certificate");
		tls_client_free(tc);
		return NULL;
	}
	tc->verify = verify;
	return tc;
}

void
tls_client_free(struct tls_client *tc)
{
	if (tc == NULL)
		return;
	SSL_CTX_free(tc->ctx);
	free(tc);
}

int
tls_tlsa_usable(struct tls_client *tc, const struct tls_tlsa *rr)
{
	SSL *ssl;
	int r;

	if (rr->usage != TLS_USAGE_DANE_TA && rr->usage != TLS_USAGE_DANE_EE)
		return 0;
	ERR_clear_error();
	if ((ssl = SSL_new(tc->ctx)) == NULL)
		return 0;
	r = SSL_dane_enable(ssl, "x.invalid") == 1 && tls_dane_add(ssl, rr);
	SSL_free(ssl);
	return r;
}

int
tls_dane_check(struct tls_client *tc, const struct tls_demand *d,
    const char *pem, size_t len)
{
	SSL *ssl;
	int r = -1;

	ERR_clear_error();
	if ((ssl = SSL_new(tc->ctx)) == NULL)
		return -1;
	SSL_set_connect_state(ssl);
	SSL_set_security_level(ssl, 1);
	if (tls_dane_set(ssl, d) == 0)
		r = tls_dane_verify(ssl, pem, len);
	SSL_free(ssl);
	return r;
}
