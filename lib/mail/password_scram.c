/* SPDX-License-Identifier: ISC
 *
 * The keys of SCRAM-SHA-256, from what is stored of a password, and the proof
 * that a client knows it (RFC 5802, section 3; RFC 7677).  It must never tell
 * by its time or its answer which half of a login was wrong.
 *
 *	SaltedPassword	:= Hi(password, salt, rounds)
 *	ClientKey	:= HMAC(SaltedPassword, "Client Key")
 *	StoredKey	:= H(ClientKey)
 *	ServerKey	:= HMAC(SaltedPassword, "Server Key")
 *	ClientProof	:= ClientKey XOR HMAC(StoredKey, AuthMessage)
 *	ServerSignature	:= HMAC(ServerKey, AuthMessage)
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "bytes/base64.h"
#include "mail/password.h"

#define ROUNDS		4096	/* of plain texts: RFC 7677, section 3 */
#define ROUNDS_MAX	10000000
#define SALT		16	/* octets, of plain texts */

static int
hmac(const void *key, size_t nkey, const void *p, size_t n,
    unsigned char out[PASSWORD_SCRAM])
{
	unsigned len = 0;

	return HMAC(EVP_sha256(), key, (int)nkey, p, n, out, &len) != NULL &&
	    len == PASSWORD_SCRAM ? 0 : -1;
}

int
password_seed(const void *key, size_t nkey, const char *name,
    unsigned char seed[PASSWORD_SCRAM])
{
	return hmac(key, nkey, name, strlen(name), seed);
}

/* The next field of "rounds,salt,StoredKey,ServerKey", out of base64; its
 * length, or -1. */
static int
take_base64(const char **p, unsigned char *out, size_t size)
{
	size_t n = strcspn(*p, ",");
	struct buf b;
	int len = -1;

	buf_init(&b, 2 * size);
	if (base64_decode(&b, *p, n) == 1 && b.len > 0 && b.len <= size) {
		memcpy(out, b.data, b.len);
		len = (int)b.len;
	}
	buf_wipe(&b);
	*p += n;
	if (**p == ',')
		(*p)++;
	return len;
}

static enum password_result
parse(const char *p, struct password_scram *s)
{
	char *end;
	unsigned long rounds = strtoul(p, &end, 10);
	int n;

	if (*p < '1' || *p > '9' || *end != ',' || rounds > ROUNDS_MAX)
		return PASSWORD_MALFORMED;
	s->rounds = (unsigned)rounds;
	p = end + 1;
	if ((n = take_base64(&p, s->salt, sizeof(s->salt))) < 1)
		return PASSWORD_MALFORMED;
	s->nsalt = (size_t)n;
	if (take_base64(&p, s->stored, PASSWORD_SCRAM) != PASSWORD_SCRAM ||
	    take_base64(&p, s->server, PASSWORD_SCRAM) != PASSWORD_SCRAM ||
	    *p != '\0')
		return PASSWORD_MALFORMED;
	return PASSWORD_RIGHT;
}

/* The keys of a plain text, whose salt and rounds are there. */
static enum password_result
derive(const char *text, struct password_scram *s,
    unsigned char client[PASSWORD_SCRAM])
{
	unsigned char salted[PASSWORD_SCRAM];
	int good;

	good = PKCS5_PBKDF2_HMAC(text, (int)strlen(text), s->salt,
	    (int)s->nsalt, (int)s->rounds, EVP_sha256(), PASSWORD_SCRAM,
	    salted) == 1 &&
	    hmac(salted, sizeof(salted), "Client Key", 10, client) == 0 &&
	    hmac(salted, sizeof(salted), "Server Key", 10, s->server) == 0 &&
	    EVP_Digest(client, PASSWORD_SCRAM, s->stored, NULL, EVP_sha256(),
	    NULL) == 1;
	explicit_bzero(salted, sizeof(salted));
	return good ? PASSWORD_RIGHT : PASSWORD_FAILED;
}

/* The text of a stored form that is one, or NULL. */
static const char *
plain_text(const char *stored)
{
	static const char *const schemes[] = { "{PLAIN}", "{CLEARTEXT}",
	    "{CLEAR}" };
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(stored, schemes[i], strlen(schemes[i])) == 0)
			return stored + strlen(schemes[i]);
	return NULL;
}

enum password_result
password_scram(const char *stored, const unsigned char seed[PASSWORD_SCRAM],
    bool keys, struct password_scram *s)
{
	static const char scheme[] = "{SCRAM-SHA-256}";
	unsigned char client[PASSWORD_SCRAM];
	enum password_result r;
	const char *text;

	memset(s, 0, sizeof(*s));
	if (strncasecmp(stored, scheme, sizeof(scheme) - 1) == 0)
		return parse(stored + sizeof(scheme) - 1, s);
	if ((text = plain_text(stored)) == NULL)
		return PASSWORD_UNKNOWN;
	s->rounds = ROUNDS;
	s->nsalt = SALT;
	memcpy(s->salt, seed, SALT);
	if (!keys)
		return PASSWORD_RIGHT;
	r = derive(text, s, client);
	explicit_bzero(client, sizeof(client));
	return r;
}

enum password_result
password_scram_nobody(const char *like,
    const unsigned char seed[PASSWORD_SCRAM], bool keys,
    struct password_scram *s)
{
	enum password_result r = PASSWORD_UNKNOWN;
	size_t i;

	if (*like != '\0')
		r = password_scram(like, seed, keys, s);
	if (r != PASSWORD_RIGHT)
		r = password_scram("{PLAIN}-", seed, keys, s);
	/* Longer than the seed it repeats: a salt of that length is not to be
	 * had from Dovecot or us. */
	for (i = 0; i < s->nsalt; i++)
		s->salt[i] = seed[i % PASSWORD_SCRAM];
	/* No ClientKey is known that has this hash. */
	arc4random_buf(s->stored, sizeof(s->stored));
	arc4random_buf(s->server, sizeof(s->server));
	return r;
}

enum password_result
password_scram_check(const struct password_scram *s, const char *message,
    const unsigned char proof[PASSWORD_SCRAM],
    unsigned char signature[PASSWORD_SCRAM])
{
	unsigned char key[PASSWORD_SCRAM], got[PASSWORD_SCRAM];
	size_t i, n = strlen(message);
	int same;

	memset(signature, 0, PASSWORD_SCRAM);
	if (hmac(s->stored, PASSWORD_SCRAM, message, n, key) == -1)
		return PASSWORD_FAILED;
	for (i = 0; i < PASSWORD_SCRAM; i++)
		key[i] ^= proof[i];
	if (EVP_Digest(key, sizeof(key), got, NULL, EVP_sha256(), NULL) != 1)
		return PASSWORD_FAILED;
	same = CRYPTO_memcmp(got, s->stored, PASSWORD_SCRAM) == 0;
	explicit_bzero(key, sizeof(key));
	if (!same)
		return PASSWORD_WRONG;
	return hmac(s->server, PASSWORD_SCRAM, message, n, signature) == 0 ?
	    PASSWORD_RIGHT : PASSWORD_FAILED;
}

int
password_scram_proof(const char *password, const void *salt, size_t nsalt,
    unsigned rounds, const char *message, unsigned char proof[PASSWORD_SCRAM],
    unsigned char signature[PASSWORD_SCRAM])
{
	struct password_scram s = { .rounds = rounds, .nsalt = nsalt };
	size_t i, n = strlen(message);
	unsigned char client[PASSWORD_SCRAM];
	int done = -1;

	if (rounds > PASSWORD_SCRAM_ROUNDS || nsalt > sizeof(s.salt))
		return -1;
	memcpy(s.salt, salt, nsalt);
	if (derive(password, &s, client) == PASSWORD_RIGHT &&
	    hmac(s.stored, PASSWORD_SCRAM, message, n, proof) == 0 &&
	    hmac(s.server, PASSWORD_SCRAM, message, n, signature) == 0)
		done = 0;
	for (i = 0; i < PASSWORD_SCRAM; i++)
		proof[i] ^= client[i];
	explicit_bzero(client, sizeof(client));
	explicit_bzero(&s, sizeof(s));
	return done;
}
