/* SPDX-License-Identifier: ISC
 *
 * Is this the password whose stored form we have?  One table of schemes; each
 * has a function that computes and compares.  The forms are Dovecot's, the
 * functions of the libraries: libcrypt, libargon2, OpenSSL.  A stored form
 * that cannot be read is never "wrong password", and nothing here prints one.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "bytes/base64.h"
#include "mail/password.h"

#define RAW_MAX		512	/* of a decoded hash with its salt */
#define ROUNDS_MAX	10000000u

struct scheme;

/* What is checked: the stored form behind its {SCHEME}. */
struct subject {
	const struct scheme *scheme;
	const char	*stored;
	bool		 hex;		/* ".hex"; else the scheme's own way */
	bool		 b64;		/* ".b64" */
	const char	*password;	/* NULL: only look at the form */
	size_t		 n;
};

struct scheme {
	const char	*name;
	enum password_result (*check)(const struct subject *);
	const char	*digest;	/* OpenSSL's name */
	size_t		 size;		/* of the digest */
};

static enum password_result
verdict(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0 ? PASSWORD_RIGHT : PASSWORD_WRONG;
}

static int
unhex(unsigned char *out, size_t size, const char *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const char *hi, *lo;
	size_t i;

	if (n % 2 != 0 || n / 2 > size)
		return -1;
	for (i = 0; i < n; i += 2) {
		hi = memchr(digits, tolower((unsigned char)s[i]), 16);
		lo = memchr(digits, tolower((unsigned char)s[i + 1]), 16);
		if (hi == NULL || lo == NULL)
			return -1;
		out[i / 2] = (unsigned char)((hi - digits) << 4 |
		    (lo - digits));
	}
	return (int)(n / 2);
}

static int
unbase64(unsigned char *out, size_t size, const char *s, size_t n)
{
	struct buf b;
	int len = -1;

	buf_init(&b, size);
	if (base64_decode(&b, s, n) == 1 && !buf_failed(&b)) {
		memcpy(out, b.len == 0 ? "" : b.data, b.len);
		len = (int)b.len;
	}
	buf_wipe(&b);
	return len;
}

/* ---- plain text ---- */

static enum password_result
check_plain(const struct subject *s)
{
	unsigned char raw[PASSWORD_MAX];
	const char *want = s->stored;
	size_t n = strlen(want);
	enum password_result r;
	int len;

	if (s->hex || s->b64) {
		len = s->hex ? unhex(raw, sizeof(raw), want, n) :
		    unbase64(raw, sizeof(raw), want, n);
		if (len < 0)
			return PASSWORD_MALFORMED;
		want = (const char *)raw;
		n = (size_t)len;
	}
	if (s->password == NULL)
		r = PASSWORD_RIGHT;
	else
		r = n == s->n ? verdict(want, s->password, n) :
		    PASSWORD_WRONG;
	explicit_bzero(raw, sizeof(raw));
	return r;
}

/* ---- crypt(3) ---- */

static enum password_result
check_crypt(const struct subject *s)
{
	struct crypt_data *data;
	char *text;
	const char *got;
	enum password_result r = PASSWORD_FAILED;

	if (crypt_checksalt(s->stored) == CRYPT_SALT_INVALID)
		return PASSWORD_MALFORMED;
	if (s->password == NULL)
		return PASSWORD_RIGHT;
	text = strndup(s->password, s->n);
	data = calloc(1, sizeof(*data));
	if (text != NULL && data != NULL) {
		errno = 0;
		got = crypt_r(text, s->stored, data);
		if (got == NULL || *got == '*')
			r = errno == ENOMEM ? PASSWORD_FAILED :
			    PASSWORD_MALFORMED;
		else
			r = strlen(got) == strlen(s->stored) ?
			    verdict(got, s->stored, strlen(got)) :
			    PASSWORD_WRONG;
	}
	if (text != NULL)
		explicit_bzero(text, s->n);
	if (data != NULL)
		explicit_bzero(data, sizeof(*data));
	free(text);
	free(data);
	return r;
}

/* ---- a digest, with the salt behind it or none ---- */

static enum password_result
check_digest(const struct subject *s)
{
	unsigned char raw[RAW_MAX], got[EVP_MAX_MD_SIZE];
	bool salted = strncasecmp(s->scheme->name, "SS", 2) == 0;
	size_t n = strlen(s->stored);
	const EVP_MD *md = EVP_get_digestbyname(s->scheme->digest);
	EVP_MD_CTX *ctx;
	unsigned len = 0;
	int rawlen, good;

	/* Without a suffix Dovecot takes hex when the length is that of hex. */
	if (s->hex || (!s->b64 && !salted && n == 2 * s->scheme->size))
		rawlen = unhex(raw, sizeof(raw), s->stored, n);
	else
		rawlen = unbase64(raw, sizeof(raw), s->stored, n);
	if (rawlen < (int)s->scheme->size ||
	    (!salted && rawlen != (int)s->scheme->size))
		return PASSWORD_MALFORMED;
	if (s->password == NULL)
		return PASSWORD_RIGHT;
	if (md == NULL || (ctx = EVP_MD_CTX_new()) == NULL)
		return PASSWORD_FAILED;
	good = EVP_DigestInit_ex(ctx, md, NULL) &&
	    EVP_DigestUpdate(ctx, s->password, s->n) &&
	    EVP_DigestUpdate(ctx, raw + s->scheme->size,
	    (size_t)rawlen - s->scheme->size) &&
	    EVP_DigestFinal_ex(ctx, got, &len);
	EVP_MD_CTX_free(ctx);
	if (!good || len != s->scheme->size)
		return PASSWORD_FAILED;
	return verdict(got, raw, len);
}

/* ---- PBKDF2 and SCRAM ---- */

/* "$" or "," fields: take one up to the separator. */
static bool
take_field(const char **p, char end, const char **field, size_t *n)
{
	const char *q = strchr(*p, end);

	if (q == NULL && end != '\0')
		return false;
	*field = *p;
	*n = (size_t)(q - *p);
	*p = q + 1;
	return true;
}

/* Rounds end at the separator, 1 to ROUNDS_MAX; 0 malformed. */
static unsigned
rounds_of(const char *s, size_t n)
{
	unsigned long v = 0;
	size_t i;

	if (n == 0 || n > 8)
		return 0;
	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		v = v * 10 + (unsigned long)(s[i] - '0');
	}
	return v > ROUNDS_MAX ? 0 : (unsigned)v;
}

static bool
pbkdf2(const struct subject *s, const void *salt, size_t nsalt,
    unsigned rounds, unsigned char *out)
{
	const EVP_MD *md = EVP_get_digestbyname(s->scheme->digest);

	return md != NULL && PKCS5_PBKDF2_HMAC(s->password, (int)s->n, salt,
	    (int)nsalt, (int)rounds, md, (int)s->scheme->size, out) == 1;
}

/* $1$salt$rounds$hex; the salt's letters are the salt. */
static enum password_result
check_pbkdf2(const struct subject *s)
{
	unsigned char want[RAW_MAX], got[EVP_MAX_MD_SIZE];
	const char *p = s->stored, *salt, *count;
	size_t nsalt, ncount;
	unsigned rounds;

	if (strncmp(p, "$1$", 3) != 0)
		return PASSWORD_MALFORMED;
	p += 3;
	if (!take_field(&p, '$', &salt, &nsalt) || nsalt > 256 ||
	    !take_field(&p, '$', &count, &ncount) ||
	    (rounds = rounds_of(count, ncount)) == 0 ||
	    unhex(want, sizeof(want), p, strlen(p)) != (int)s->scheme->size)
		return PASSWORD_MALFORMED;
	if (s->password == NULL)
		return PASSWORD_RIGHT;
	if (!pbkdf2(s, salt, nsalt, rounds, got))
		return PASSWORD_FAILED;
	return verdict(got, want, s->scheme->size);
}

/*
 * rounds,salt,StoredKey,ServerKey (base64; RFC 5802, section 3):
 *	SaltedPassword := Hi(password, salt, rounds)
 *	ClientKey      := HMAC(SaltedPassword, "Client Key")
 *	StoredKey      := H(ClientKey)
 * NOTE: the password is not normalised (SASLprep): ASCII stays itself under
 * it, and what Dovecot stored for other passwords it stored so too.
 */
static enum password_result
check_scram(const struct subject *s)
{
	unsigned char salt[RAW_MAX], want[RAW_MAX], key[EVP_MAX_MD_SIZE];
	unsigned char client[EVP_MAX_MD_SIZE], got[EVP_MAX_MD_SIZE];
	const EVP_MD *md = EVP_get_digestbyname(s->scheme->digest);
	const char *p = s->stored, *count, *f;
	size_t ncount, n, size = s->scheme->size;
	unsigned rounds, len = 0;
	int nsalt;

	if (!take_field(&p, ',', &count, &ncount) ||
	    (rounds = rounds_of(count, ncount)) == 0 ||
	    !take_field(&p, ',', &f, &n) ||
	    (nsalt = unbase64(salt, sizeof(salt), f, n)) < 1 ||
	    !take_field(&p, ',', &f, &n) ||
	    unbase64(want, sizeof(want), f, n) != (int)size)
		return PASSWORD_MALFORMED;
	if (s->password == NULL)
		return PASSWORD_RIGHT;
	if (!pbkdf2(s, salt, (size_t)nsalt, rounds, key) ||
	    HMAC(md, key, (int)size, (const unsigned char *)"Client Key", 10,
	    client, &len) == NULL ||
	    EVP_Digest(client, size, got, &len, md, NULL) != 1)
		return PASSWORD_FAILED;
	explicit_bzero(key, sizeof(key));
	explicit_bzero(client, sizeof(client));
	return verdict(got, want, size);
}

/* ---- Argon2 ---- */

static enum password_result
check_argon2(const struct subject *s)
{
	bool id = strcasecmp(s->scheme->name, "ARGON2ID") == 0;
	const char *prefix = id ? "$argon2id$" : "$argon2i$";

	if (strncmp(s->stored, prefix, strlen(prefix)) != 0)
		return PASSWORD_MALFORMED;
	if (s->password == NULL)
		return PASSWORD_RIGHT;
	switch (argon2_verify(s->stored, s->password, s->n,
	    id ? Argon2_id : Argon2_i)) {
	case ARGON2_OK:
		return PASSWORD_RIGHT;
	case ARGON2_VERIFY_MISMATCH:
		return PASSWORD_WRONG;
	case ARGON2_MEMORY_ALLOCATION_ERROR:
	case ARGON2_THREAD_FAIL:
		return PASSWORD_FAILED;
	}
	return PASSWORD_MALFORMED;
}

static const struct scheme schemes[] = {
	{ "CRYPT", check_crypt, NULL, 0 },
	{ "DES-CRYPT", check_crypt, NULL, 0 },
	{ "MD5-CRYPT", check_crypt, NULL, 0 },
	{ "BLF-CRYPT", check_crypt, NULL, 0 },
	{ "SHA256-CRYPT", check_crypt, NULL, 0 },
	{ "SHA512-CRYPT", check_crypt, NULL, 0 },
	{ "PLAIN", check_plain, NULL, 0 },
	{ "CLEARTEXT", check_plain, NULL, 0 },
	{ "CLEAR", check_plain, NULL, 0 },
	{ "SHA", check_digest, "SHA1", 20 },
	{ "SHA1", check_digest, "SHA1", 20 },
	{ "SHA256", check_digest, "SHA256", 32 },
	{ "SHA512", check_digest, "SHA512", 64 },
	{ "SSHA", check_digest, "SHA1", 20 },
	{ "SSHA256", check_digest, "SHA256", 32 },
	{ "SSHA512", check_digest, "SHA512", 64 },
	{ "PBKDF2", check_pbkdf2, "SHA1", 20 },
	{ "SCRAM-SHA-1", check_scram, "SHA1", 20 },
	{ "SCRAM-SHA-256", check_scram, "SHA256", 32 },
	{ "ARGON2I", check_argon2, NULL, 0 },
	{ "ARGON2ID", check_argon2, NULL, 0 },
};

/* Read "{SCHEME.suffix}"; without one it is crypt's. */
static bool
find_scheme(struct subject *s, const char *stored)
{
	const char *end, *dot;
	size_t i, n;

	s->scheme = &schemes[0];
	s->stored = stored;
	if (*stored != '{')
		return true;
	stored++;
	if ((end = strchr(stored, '}')) == NULL)
		return false;
	n = (size_t)(end - stored);
	if ((dot = memchr(stored, '.', n)) != NULL) {
		n = (size_t)(end - dot - 1);
		if (n == 3 && strncasecmp(dot + 1, "hex", 3) == 0)
			s->hex = true;
		else if ((n == 3 && strncasecmp(dot + 1, "b64", 3) == 0) ||
		    (n == 6 && strncasecmp(dot + 1, "base64", 6) == 0))
			s->b64 = true;
		else
			return false;
		n = (size_t)(dot - stored);
	}
	s->stored = end + 1;
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i].name) == n &&
		    strncasecmp(schemes[i].name, stored, n) == 0) {
			s->scheme = &schemes[i];
			return true;
		}
	return false;
}

static enum password_result
examine(const char *stored, const char *password, size_t n)
{
	struct subject s = { .password = password, .n = n };

	if (!find_scheme(&s, stored))
		return PASSWORD_UNKNOWN;
	/* To crypt(3) a NUL is the end, and HMAC fills keys up with them: a
	 * password with one would be as good as another without. */
	if (n > PASSWORD_MAX || (n > 0 && memchr(password, '\0', n) != NULL))
		return PASSWORD_WRONG;
	/* The schemes that are text already have no second way of writing. */
	if ((s.hex || s.b64) && s.scheme->check != check_plain &&
	    s.scheme->check != check_digest)
		return PASSWORD_UNKNOWN;
	return s.scheme->check(&s);
}

enum password_result
password_check(const char *stored, const char *password, size_t n)
{
	return examine(stored, password == NULL ? "" : password, n);
}

enum password_result
password_known(const char *stored)
{
	return examine(stored, NULL, 0);
}

void
password_waste(const char *stored, const char *password, size_t n)
{
	if (*stored == '\0')
		stored = "$6$stdmailstdmail$";
	(void)examine(stored, password == NULL ? "" : password, n);
}
