/* SPDX-License-Identifier: ISC
 *
 * TLS behind a stream, by OpenSSL: handshakes, and what is agreed in them.  It
 * must never leave a private key in a session, never read a file, and never
 * fall back to the clear by itself.
 */
#include <arpa/inet.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "system/stream_backend.h"
#include "system/tls.h"
#include "system/tls_dane.h"
#include "system/tls_local.h"
#include "system/tls_memory.h"

/* ---- TLS under way on a stream ---- */

struct tls {
	struct stream	*s;
	SSL		*ssl;
	int		 eof;		/* the peer ended the connection */
	int		 verify;	/* authorities were loaded */
	unsigned char	 end_point[EVP_MAX_MD_SIZE]; /* RFC 5929 */
	unsigned	 end_point_len;
	char		*early;		/* read before TLS_DIRECT */
	size_t		 earlypos, earlyend;
};

static BIO_METHOD *bio_method;

static int
bio_read(BIO *bio, char *to, int n)
{
	struct tls *t = BIO_get_data(bio);
	size_t k = t->earlyend - t->earlypos;
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (k > 0) {
		if (k > (size_t)n)
			k = (size_t)n;
		memcpy(to, t->early + t->earlypos, k);
		t->earlypos += k;
		return (int)k;
	}
	got = stream_raw_read(t->s, to, (size_t)n);
	if (got == BACKEND_READ)
		BIO_set_retry_read(bio);
	if (got == BACKEND_END)
		t->eof = 1;
	return got > 0 ? (int)got : got == BACKEND_END ? 0 : -1;
}

static int
bio_write(BIO *bio, const char *p, int n)
{
	struct tls *t = BIO_get_data(bio);
	ssize_t put;

	BIO_clear_retry_flags(bio);
	put = stream_raw_write(t->s, p, (size_t)n);
	if (put == BACKEND_WRITE)
		BIO_set_retry_write(bio);
	return put > 0 ? (int)put : -1;
}

static long
bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	struct tls *t = BIO_get_data(bio);

	(void)num;
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return t->eof;
	default:
		return 0;
	}
}

const char *
tls_reason(void)
{
	unsigned long e = ERR_peek_error();
	const char *text = ERR_reason_error_string(e);

	if (text == NULL)
		text = e == 0 ? "connection closed" : "unknown TLS error";
	return text;
}

/* Tell the stream; of a certificate that is not good, why. */
static void
tell(struct tls *t)
{
	const char *reason = tls_reason();
	char text[TLS_ERROR_MAX];

	if (ERR_GET_REASON(ERR_peek_error()) ==
	    SSL_R_CERTIFICATE_VERIFY_FAILED) {
		snprintf(text, sizeof(text), "%s: %s", reason,
		    X509_verify_cert_error_string(
		    SSL_get_verify_result(t->ssl)));
		reason = text;
	}
	stream_fail(t->s, STREAM_ERROR, reason);
}

/* Translate a result of SSL_*() <= 0 for the stream. */
static ssize_t
again(struct tls *t, int r)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return BACKEND_READ;
	case SSL_ERROR_WANT_WRITE:
		return BACKEND_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return BACKEND_END;
	default:
		/* When it was the connection, that reason is there already. */
		tell(t);
		return BACKEND_ERROR;
	}
}

static ssize_t
tls_read(struct stream *s, void *state, void *to, size_t n)
{
	struct tls *t = state;
	int r;

	(void)s;
	ERR_clear_error();
	r = SSL_read(t->ssl, to, n > INT_MAX ? INT_MAX : (int)n);
	return r > 0 ? r : again(t, r);
}

static ssize_t
tls_write(struct stream *s, void *state, const void *p, size_t n)
{
	struct tls *t = state;
	ssize_t r;

	ERR_clear_error();
	r = SSL_write(t->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
	if (r > 0)
		return r;
	if ((r = again(t, (int)r)) == BACKEND_END) {
		stream_fail(s, STREAM_RESET, "peer closed TLS");
		return BACKEND_ERROR;
	}
	return r;
}

static size_t
tls_pending(const void *state)
{
	const struct tls *t = state;

	return (size_t)SSL_pending(t->ssl);
}

static void
tls_end(struct stream *s, void *state)
{
	struct tls *t = state;

	(void)s;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
}

static void
tls_free(void *state)
{
	struct tls *t = state;

	SSL_free(t->ssl);
	free(t->early);
	free(t);
}

static const struct stream_backend backend = {
	tls_read, tls_write, tls_pending, tls_end, tls_free
};

/* ---- set-up ---- */

int
tls_init(void)
{
	static int ready;
	unsigned char seed[32];

	if (ready)
		return 0;
	tls_memory_init();
	if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_NO_ATEXIT, NULL) != 1)
		return -1;
	if (RAND_bytes(seed, sizeof(seed)) != 1 ||
	    RAND_priv_bytes(seed, sizeof(seed)) != 1)
		return -1;
	explicit_bzero(seed, sizeof(seed));
	if (bio_method == NULL) {
		bio_method = BIO_meth_new(BIO_get_new_index() |
		    BIO_TYPE_SOURCE_SINK, "stream");
		if (bio_method == NULL)
			return -1;
		BIO_meth_set_read(bio_method, bio_read);
		BIO_meth_set_write(bio_method, bio_write);
		BIO_meth_set_ctrl(bio_method, bio_ctrl);
	}
	ready = 1;
	return 0;
}

/* ---- facts ---- */

/* What stood against the peer's certificate. */
static enum tls_fault
fault_of(long v)
{
	switch (v) {
	case X509_V_OK:
		return TLS_FAULT_NONE;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TLS_FAULT_EXPIRED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_FAULT_NAME;
	case X509_V_ERR_DANE_NO_MATCH:
		return TLS_FAULT_TLSA;
	default:	/* of some eighty, most of the chain */
		return TLS_FAULT_TRUST;
	}
}

static void
describe_client(const struct tls *t, struct tls_info *info)
{
	long v = SSL_get_verify_result(t->ssl);

	if (!t->verify) {
		strlcpy(info->why, "not looked at", sizeof(info->why));
	} else if (SSL_get0_peer_certificate(t->ssl) == NULL &&
	    v == X509_V_OK) {
		strlcpy(info->why, "no certificate", sizeof(info->why));
	} else if (v != X509_V_OK) {
		info->fault = fault_of(v);
		strlcpy(info->why, X509_verify_cert_error_string(v),
		    sizeof(info->why));
	} else {
		info->verified = 1;
		info->dane = SSL_get0_dane_authority(t->ssl, NULL, NULL) >= 0;
	}
}

static void
describe(const struct tls *t, struct tls_info *info)
{
	const char *sni;

	strlcpy(info->version, SSL_get_version(t->ssl), sizeof(info->version));
	strlcpy(info->cipher, SSL_get_cipher_name(t->ssl),
	    sizeof(info->cipher));
	info->bits = SSL_get_cipher_bits(t->ssl, NULL);
	if (!SSL_is_server(t->ssl)) {
		describe_client(t, info);
		return;
	}
	sni = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);
	if (sni != NULL)
		strlcpy(info->sni, sni, sizeof(info->sni));
}

int
tls_describe(const struct stream *s, struct tls_info *info)
{
	const struct tls *t = stream_state(s, &backend);

	memset(info, 0, sizeof(*info));
	if (t == NULL)
		return 0;
	describe(t, info);
	return 1;
}

/* ---- handshakes ---- */

/* A TLS state over the stream, the handshake not begun; NULL after
 * stream_fail(). */
static struct tls *
begin(struct stream *s, SSL_CTX *ctx, enum tls_begin how)
{
	struct tls *t;
	BIO *bio;

	ERR_clear_error();
	if ((t = calloc(1, sizeof(*t))) == NULL)
		goto fail;
	t->s = s;
	t->earlyend = stream_pending(s);
	if (how == TLS_DIRECT && t->earlyend > 0) {
		if ((t->early = malloc(t->earlyend)) == NULL)
			goto fail;
		stream_take_input(s, t->early, t->earlyend);
	}
	if ((t->ssl = SSL_new(ctx)) == NULL ||
	    (bio = BIO_new(bio_method)) == NULL)
		goto fail;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return t;
fail:
	if (t != NULL)
		tls_free(t);
	stream_fail(s, STREAM_ERROR, strerror(ENOMEM));
	return NULL;
}

/* Whether the stream may go under TLS now. */
static enum stream_status
check_begin(struct stream *s, enum tls_begin how)
{
	if (tls_on(s))
		return STREAM_ERROR;
	if (how == TLS_STARTTLS && !stream_input_empty(s)) {
		stream_note(s, "input before the TLS handshake");
		return STREAM_ERROR;
	}
	return stream_flush(s);
}

static enum stream_status
shake(struct stream *s, struct tls *t)
{
	long long deadline = stream_deadline(s);
	enum stream_status st;
	ssize_t want;
	int r;

	for (;;) {
		ERR_clear_error();
		if ((r = SSL_do_handshake(t->ssl)) == 1)
			return STREAM_OK;
		want = again(t, r);
		if (want == BACKEND_END)
			return stream_fail(s, STREAM_RESET,
			    "closed during the TLS handshake");
		if (want == BACKEND_ERROR)
			return stream_fail(s, STREAM_ERROR, "TLS");
		st = stream_await(s, (int)want, deadline);
		if (st != STREAM_OK)
			return stream_fail(s, st, "TLS handshake too slow");
	}
}

/* Shake hands and, when it went well, put TLS behind the stream. */
static enum stream_status
finish(struct stream *s, struct tls *t)
{
	enum stream_status st;

	if ((st = shake(s, t)) != STREAM_OK) {
		tls_free(t);
		return st;
	}
	stream_set_backend(s, &backend, t);
	return STREAM_OK;
}

/* RFC 5929, section 4.1: the certificate's hash, by the function its own
 * signature uses, but SHA-256 for MD5 and SHA-1; undefined for one with none
 * (Ed25519). */
static void
note_end_point(struct tls *t, X509 *cert)
{
	const EVP_MD *md;
	int nid, pk;

	if (X509_get_signature_info(cert, &nid, &pk, NULL, NULL) != 1)
		return;
	if (nid == NID_md5 || nid == NID_sha1)
		nid = NID_sha256;
	if ((md = EVP_get_digestbynid(nid)) != NULL && X509_digest(cert, md,
	    t->end_point, &t->end_point_len) != 1)
		t->end_point_len = 0;
}

enum stream_status
tls_accept(struct stream *s, struct tls_server *ts, enum tls_begin how)
{
	enum stream_status st;
	struct tls *t;

	tls_memory_end();
	if (!tls_server_ready(ts)) {
		stream_note(s, "no certificate");
		return STREAM_ERROR;
	}
	if ((st = check_begin(s, how)) != STREAM_OK)
		return st;
	if ((t = begin(s, ts->ctx, how)) == NULL)
		return STREAM_ERROR;
	SSL_set_accept_state(t->ssl);
	if (SSL_use_cert_and_key(t->ssl, ts->pair.cert, ts->pair.key,
	    ts->pair.chain, 1) != 1) {
		stream_fail(s, STREAM_ERROR, tls_reason());
		tls_free(t);
		return STREAM_ERROR;
	}
	st = finish(s, t);
	/* Without tickets and renegotiation the key is needed no more; the
	 * last one who holds it is now ts. */
	if (st == STREAM_OK) {
		note_end_point(t, ts->pair.cert);
		SSL_certs_clear(t->ssl);
	}
	return st;
}

/* Set the name to ask for and to verify; 0 or -1. */
static int
set_host(SSL *ssl, const char *host)
{
	unsigned char ip[16];
	char name[256];
	size_t n = strlen(host);

	if (inet_pton(AF_INET, host, ip) == 1 ||
	    inet_pton(AF_INET6, host, ip) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
		    host) == 1 ? 0 : -1;
	if (n > 0 && host[n - 1] == '.')
		n--;
	if (n == 0 || n >= sizeof(name))
		return -1;
	memcpy(name, host, n);
	name[n] = '\0';
	if (SSL_set_tlsext_host_name(ssl, name) != 1 ||
	    SSL_set1_host(ssl, name) != 1)
		return -1;
	/* A name is in the certificate's list of names (RFC 8461, section
	 * 4.2), not its subject. */
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return 0;
}

/* What is asked of the peer's certificate; 0, or -1 and what is wrong. */
static int
set_demand(struct tls *t, const struct tls_demand *d, const char **why)
{
	*why = "not a host name";
	/* Weak keys of a peer that is not verified, or by a key of its own,
	 * beat no encryption. */
	if (d->verify != TLS_VERIFY)
		SSL_set_security_level(t->ssl, 1);
	SSL_set_verify(t->ssl, d->verify == TLS_ANY ? SSL_VERIFY_NONE :
	    SSL_VERIFY_PEER, NULL);
	if (d->verify != TLS_DANE)
		return set_host(t->ssl, d->host);
	*why = "no TLSA record can be used";
	return tls_dane_set(t->ssl, d);
}

enum stream_status
tls_connect_to(struct stream *s, struct tls_client *tc,
    const struct tls_demand *d, enum tls_begin how, struct tls_info *info)
{
	enum stream_status st;
	const char *why;
	struct tls *t;

	memset(info, 0, sizeof(*info));
	if (d->verify == TLS_VERIFY && !tc->verify) {
		stream_note(s, "no certificates of authorities");
		return STREAM_ERROR;
	}
	if ((st = check_begin(s, how)) != STREAM_OK)
		return st;
	if ((t = begin(s, tc->ctx, how)) == NULL)
		return STREAM_ERROR;
	t->verify = tc->verify || d->verify == TLS_DANE;
	SSL_set_connect_state(t->ssl);
	if (set_demand(t, d, &why) == -1) {
		stream_fail(s, STREAM_ERROR, why);
		tls_free(t);
		return STREAM_ERROR;
	}
	if ((st = shake(s, t)) == STREAM_OK)
		stream_set_backend(s, &backend, t);
	describe(t, info);
	if (st != STREAM_OK)
		tls_free(t);
	return st;
}

enum stream_status
tls_connect(struct stream *s, struct tls_client *tc, const char *host,
    enum tls_verify verify, enum tls_begin how)
{
	struct tls_demand d = { .host = host, .verify = verify };
	struct tls_info info;

	return tls_connect_to(s, tc, &d, how, &info);
}

int
tls_on(const struct stream *s)
{
	return stream_state(s, &backend) != NULL;
}

size_t
tls_channel(const struct stream *s, enum tls_binding binding, void *out,
    size_t size)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	const struct tls *t = stream_state(s, &backend);

	if (t == NULL || size < sizeof(t->end_point))
		return 0;
	switch (binding) {
	case TLS_SERVER_END_POINT:
		memcpy(out, t->end_point, t->end_point_len);
		return t->end_point_len;
	case TLS_EXPORTER:
		break;
	}
	if ((SSL_version(t->ssl) < TLS1_3_VERSION &&
	    SSL_get_extms_support(t->ssl) != 1) ||
	    SSL_export_keying_material(t->ssl, out, 32, label,
	    sizeof(label) - 1, (const unsigned char *)"", 0, 1) != 1)
		return 0;
	return 32;
}
