/* SPDX-License-Identifier: ISC
 *
 * DKIM's keys by OpenSSL.  It must never print, and never ask for a
 * passphrase.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "bytes/base64.h"
#include "mail/dkim_key.h"

#define ED25519_LEN	32	/* of a public key */

struct dkim_key {
	EVP_PKEY		*pkey;
	enum dkim_algorithm	 algorithm;
	unsigned		 bits;
};

/* ---- hash ---- */

struct dkim_hash {
	EVP_MD_CTX	*ctx;
	int		 failed;
};

struct dkim_hash *
dkim_hash_new(void)
{
	struct dkim_hash *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return NULL;
	if ((h->ctx = EVP_MD_CTX_new()) == NULL) {
		free(h);
		return NULL;
	}
	return h;
}

void
dkim_hash_begin(struct dkim_hash *h)
{
	h->failed = EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1;
}

void
dkim_hash_add(void *arg, const void *p, size_t n)
{
	struct dkim_hash *h = arg;

	if (EVP_DigestUpdate(h->ctx, p, n) != 1)
		h->failed = 1;
}

int
dkim_hash_end(struct dkim_hash *h, unsigned char to[DKIM_HASH])
{
	unsigned len = 0;

	if (EVP_DigestFinal_ex(h->ctx, to, &len) != 1 || len != DKIM_HASH)
		h->failed = 1;
	return h->failed ? -1 : 0;
}

void
dkim_hash_free(struct dkim_hash *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

/* ---- keys ---- */

/* A key that is used: what is wrong with another, or NULL. */
static const char *
key_fault(struct dkim_key *k)
{
	switch (EVP_PKEY_get_base_id(k->pkey)) {
	case EVP_PKEY_RSA:
		k->algorithm = DKIM_RSA_SHA256;
		break;
	case EVP_PKEY_ED25519:
		k->algorithm = DKIM_ED25519_SHA256;
		return NULL;
	default:
		return "is neither an RSA nor an Ed25519 key";
	}
	if (k->bits < DKIM_BITS_MIN)
		return "has fewer than 1024 bits";
	return k->bits > DKIM_BITS_MAX ? "has more than 8192 bits" : NULL;
}

/* Takes the key over.  NULL: fault says why. */
static struct dkim_key *
wrap(EVP_PKEY *pkey, const char **fault)
{
	struct dkim_key *k;

	*fault = "out of memory";
	if ((k = calloc(1, sizeof(*k))) == NULL) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k->pkey = pkey;
	k->bits = (unsigned)EVP_PKEY_get_bits(pkey);
	if ((*fault = key_fault(k)) == NULL)
		return k;
	dkim_key_free(k);
	return NULL;
}

static int
no_passphrase(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return -1;
}

struct dkim_key *
dkim_key_read(const char *pem, size_t n, char *fault)
{
	const char *why = "is no private key in PEM form, or has a passphrase";
	struct dkim_key *k = NULL;
	EVP_PKEY *pkey = NULL;
	BIO *bio;

	if (n <= DKIM_PEM_MAX && (bio = BIO_new_mem_buf(pem, (int)n)) !=
	    NULL) {
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
		BIO_free(bio);
	}
	if (pkey != NULL)
		k = wrap(pkey, &why);
	if (k == NULL)
		snprintf(fault, DKIM_FAULT_MAX, "%s", why);
	ERR_clear_error();
	return k;
}

/* NOTE: an RSA key is a SubjectPublicKeyInfo, as everybody publishes it, or
 * the bare RSAPublicKey that RFC 6376, section 3.6.1, speaks of. */
struct dkim_key *
dkim_key_public(enum dkim_algorithm algorithm, const void *data, size_t n)
{
	const unsigned char *p = data;
	struct dkim_key *k = NULL;
	EVP_PKEY *pkey = NULL;
	const char *fault;

	if (n > DKIM_LIST_MAX)
		return NULL;
	if (algorithm == DKIM_ED25519_SHA256) {
		if (n == ED25519_LEN)
			pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519,
			    NULL, p, n);
	} else if ((pkey = d2i_PUBKEY(NULL, &p, (long)n)) == NULL) {
		p = data;
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)n);
	}
	if (pkey != NULL)
		k = wrap(pkey, &fault);
	ERR_clear_error();
	if (k != NULL && k->algorithm != algorithm) {
		dkim_key_free(k);
		return NULL;
	}
	return k;
}

static int
add_pem(EVP_PKEY *pkey, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	long n;
	int r = -1;

	if (bio == NULL)
		return -1;
	if (PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL,
	    NULL) == 1 && (n = BIO_get_mem_data(bio, &text)) > 0)
		r = buf_add(pem, text, (size_t)n);
	BIO_free(bio);
	return r;
}

struct dkim_key *
dkim_key_make(enum dkim_algorithm algorithm, struct buf *pem)
{
	EVP_PKEY *pkey = algorithm == DKIM_RSA_SHA256 ?
	    EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)DKIM_BITS_GOOD) :
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct dkim_key *k = NULL;
	const char *fault;

	if (pkey != NULL && (k = wrap(pkey, &fault)) != NULL &&
	    add_pem(k->pkey, pem) == -1) {
		dkim_key_free(k);
		k = NULL;
	}
	ERR_clear_error();
	return k;
}

void
dkim_key_free(struct dkim_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);		/* which overwrites it */
	free(k);
}

enum dkim_algorithm
dkim_key_algorithm(const struct dkim_key *k)
{
	return k->algorithm;
}

unsigned
dkim_key_bits(const struct dkim_key *k)
{
	return k->bits;
}

int
dkim_key_record(const struct dkim_key *k, struct buf *b)
{
	unsigned char raw[ED25519_LEN], *der = NULL;
	size_t n = sizeof(raw);
	int len = -1;

	(void)buf_addf(b, "v=DKIM1; k=%s; p=", dkim_key_name(k->algorithm));
	if (k->algorithm == DKIM_RSA_SHA256)
		len = i2d_PUBKEY(k->pkey, &der);
	else if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &n) == 1)
		len = (int)n;
	if (len > 0)
		(void)base64_encode(b, der == NULL ? raw : der, (size_t)len);
	OPENSSL_free(der);
	return len > 0 && !buf_failed(b) ? 0 : -1;
}

/* ---- signatures ---- */

static EVP_PKEY_CTX *
rsa_context(EVP_PKEY *pkey, int (*begin)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

	if (ctx != NULL && begin(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

/* The signature is over the hash: of RSA as PKCS #1 wraps it, of Ed25519 as a
 * message is signed (RFC 8463, section 3). */
static int
sign(const struct dkim_key *k, const unsigned char *hash, unsigned char *to,
    size_t *n)
{
	EVP_PKEY_CTX *ctx;
	EVP_MD_CTX *md;
	int r = -1;

	if (k->algorithm == DKIM_RSA_SHA256) {
		if ((ctx = rsa_context(k->pkey, EVP_PKEY_sign_init)) != NULL)
			r = EVP_PKEY_sign(ctx, to, n, hash, DKIM_HASH);
		EVP_PKEY_CTX_free(ctx);
	} else {
		if ((md = EVP_MD_CTX_new()) != NULL && EVP_DigestSignInit(md,
		    NULL, NULL, NULL, k->pkey) == 1)
			r = EVP_DigestSign(md, to, n, hash, DKIM_HASH);
		EVP_MD_CTX_free(md);
	}
	ERR_clear_error();
	return r == 1 ? 0 : -1;
}

int
dkim_key_sign(const struct dkim_key *k, const unsigned char hash[DKIM_HASH],
    struct buf *b)
{
	unsigned char data[DKIM_SIG_MAX];
	size_t n = sizeof(data);

	return sign(k, hash, data, &n) == -1 ? -1 : buf_add(b, data, n);
}

int
dkim_key_verify(const struct dkim_key *k, const unsigned char hash[DKIM_HASH],
    const void *data, size_t n)
{
	EVP_PKEY_CTX *ctx;
	EVP_MD_CTX *md;
	int r = -1;

	if (k->algorithm == DKIM_RSA_SHA256) {
		if ((ctx = rsa_context(k->pkey, EVP_PKEY_verify_init)) != NULL)
			r = EVP_PKEY_verify(ctx, data, n, hash, DKIM_HASH);
		EVP_PKEY_CTX_free(ctx);
	} else {
		if ((md = EVP_MD_CTX_new()) != NULL && EVP_DigestVerifyInit(
		    md, NULL, NULL, NULL, k->pkey) == 1)
			r = EVP_DigestVerify(md, data, n, hash, DKIM_HASH);
		EVP_MD_CTX_free(md);
	}
	ERR_clear_error();
	return r == 1;
}
