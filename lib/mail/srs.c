/* SPDX-License-Identifier: ISC
 *
 * The Sender Rewriting Scheme: see srs.h.  It must never say that an address
 * is ours which none of our secrets signed.
 */
#include <sha1.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bytes/base64.h"
#include "grammar/chars.h"
#include "mail/srs.h"

#define DAY		86400
#define DAYS		1024	/* then the time stamp begins anew */
#define HASH_LEN	4
#define HASH_TEXT	(BASE64_LEN(SHA1_DIGEST_LENGTH) + 1)

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* ---- secrets ---- */

/* The next line that is not empty, from *p: its octets, or 0. */
static size_t
next_secret(const struct srs *s, size_t *at, const char **secret)
{
	size_t n;

	for (; *at < s->text.len; *at += n + 1) {
		*secret = s->text.data + *at;
		n = strcspn(*secret, "\n");
		if (n > 0) {
			*at += n + 1;
			return n;
		}
	}
	return 0;
}

int
srs_init(struct srs *s, const char *text, size_t n, const char **why)
{
	const char *secret;
	size_t at = 0, len, i, count = 0;

	buf_init(&s->text, SRS_FILE_MAX + 1);
	*why = "there is a NUL in it";
	if (memchr(text, '\0', n) != NULL)
		return -1;
	*why = "out of memory, or it is too large";
	for (i = 0; i < n; i++)
		if (text[i] != '\r')
			buf_addc(&s->text, text[i]);
	if (buf_str(&s->text) == NULL)
		goto fail;
	while ((len = next_secret(s, &at, &secret)) > 0) {
		*why = "a secret has less than 8 octets";
		if (len < SRS_SECRET_MIN)
			goto fail;
		count++;
	}
	*why = "there is no secret in it";
	if (count > 0)
		return 0;
fail:
	srs_free(s);
	return -1;
}

void
srs_free(struct srs *s)
{
	buf_wipe(&s->text);
}

/* ---- the hash ---- */

static void
add_lower(SHA1_CTX *c, const char *text)
{
	unsigned char one;

	for (; *text != '\0'; text++) {
		one = (unsigned char)char_lower(*text);
		SHA1Update(c, &one, 1);
	}
}

static void
begin(SHA1_CTX *c, const unsigned char key[SHA1_BLOCK_LENGTH],
    unsigned char pad)
{
	unsigned char block[SHA1_BLOCK_LENGTH];
	size_t i;

	for (i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	SHA1Init(c);
	SHA1Update(c, block, sizeof(block));
	explicit_bzero(block, sizeof(block));
}

/* HMAC (RFC 2104) over the texts in lower case, in base64. */
static void
hash(const char *secret, size_t n, const char *const texts[3],
    char out[HASH_TEXT])
{
	unsigned char key[SHA1_BLOCK_LENGTH] = { 0 };
	unsigned char digest[SHA1_DIGEST_LENGTH];
	struct buf b;
	SHA1_CTX c;
	size_t i;

	if (n <= sizeof(key))
		memcpy(key, secret, n);
	else {
		SHA1Init(&c);
		SHA1Update(&c, (const unsigned char *)secret, n);
		SHA1Final(key, &c);
	}
	begin(&c, key, 0x36);
	for (i = 0; i < 3; i++)
		add_lower(&c, texts[i]);
	SHA1Final(digest, &c);
	begin(&c, key, 0x5c);
	SHA1Update(&c, digest, sizeof(digest));
	SHA1Final(digest, &c);
	explicit_bzero(key, sizeof(key));
	buf_init(&b, HASH_TEXT);
	out[0] = '\0';
	if (base64_encode(&b, digest, sizeof(digest)) == 0)
		strlcpy(out, buf_str(&b), HASH_TEXT);
	buf_free(&b);
}

/* In a time that does not depend on where they differ. */
static int
same(const char *want, const char *got, size_t n)
{
	unsigned differ = 0;
	size_t i;

	for (i = 0; i < n; i++)
		differ |= (unsigned)(char_lower(want[i]) ^
		    char_lower(got[i]));
	return differ == 0;
}

/* Did one of our secrets make this hash of n octets? */
static int
is_ours(const struct srs *s, const char *const texts[3], const char *got,
    size_t n)
{
	char want[HASH_TEXT];
	const char *secret;
	size_t at = 0, len;
	int ours = 0;

	if (n < HASH_LEN || n >= HASH_TEXT - 1)
		return 0;
	while ((len = next_secret(s, &at, &secret)) > 0) {
		hash(secret, len, texts, want);
		ours |= want[0] != '\0' && same(want, got, n);
	}
	return ours;
}

/* ---- addresses ---- */

/* Behind "SRS0" or "SRS1" stands its separator. */
static int
is_tagged(const char *local, char digit)
{
	return chars_begin(local, local + strlen(local), "SRS") &&
	    local[3] == digit && local[4] != '\0' &&
	    strchr("=+-", local[4]) != NULL;
}

static int
day_of(int64_t now)
{
	return (int)((now / DAY) % DAYS);
}

/* The days since a time stamp, or -1 it is none. */
static int
age_of(const char *stamp, int64_t now)
{
	const char *a, *b;

	a = memchr(base32, stamp[0] >= 'a' && stamp[0] <= 'z' ?
	    stamp[0] - 'a' + 'A' : stamp[0], 32);
	b = memchr(base32, stamp[1] >= 'a' && stamp[1] <= 'z' ?
	    stamp[1] - 'a' + 'A' : stamp[1], 32);
	if (a == NULL || b == NULL)
		return -1;
	return (day_of(now) - (int)((a - base32) * 32 + (b - base32)) + DAYS)
	    % DAYS;
}

/* Cut a part at "=": what is behind it, or NULL. */
static char *
cut(char *part)
{
	char *end = strchr(part, '=');

	if (end == NULL)
		return NULL;
	*end = '\0';
	return end + 1;
}

static int __attribute__((format(printf, 3, 4)))
put_local(struct address *out, const char *domain, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out->local, sizeof(out->local), fmt, ap);
	va_end(ap);
	if (n <= 0 || (size_t)n >= sizeof(out->local) ||
	    strlcpy(out->domain, domain, sizeof(out->domain)) >=
	    sizeof(out->domain))
		return 0;
	return 1;
}

/* rest begins with the separator of the SRS0 address at host. */
static int
forward_again(const struct srs *s, const char *host, const char *rest,
    const char *domain, struct address *out)
{
	const char *const texts[3] = { host, rest, "" };
	char text[HASH_TEXT];
	const char *secret = "";
	size_t at = 0, n = next_secret(s, &at, &secret);

	hash(secret, n, texts, text);
	return put_local(out, domain, "SRS1=%.*s=%s=%s", HASH_LEN, text, host,
	    rest);
}

int
srs_forward(const struct srs *s, const struct address *sender,
    const char *domain, int64_t now, struct address *out)
{
	char text[HASH_TEXT], stamp[3] = "", copy[ADDRESS_LOCAL_MAX + 1];
	const char *const texts[3] = { stamp, sender->domain,
	    sender->local };
	const char *secret;
	char *host, *rest;
	size_t at = 0, n;

	if (sender->domain[0] == '\0' || (n = next_secret(s, &at,
	    &secret)) == 0)
		return 0;
	if (is_tagged(sender->local, '0'))
		return forward_again(s, sender->domain, sender->local + 4,
		    domain, out);
	strlcpy(copy, sender->local, sizeof(copy));
	if (is_tagged(copy, '1') && (host = cut(copy + 5)) != NULL &&
	    (rest = cut(host)) != NULL && *host != '\0')
		return forward_again(s, host, rest, domain, out);
	stamp[0] = base32[day_of(now) >> 5];
	stamp[1] = base32[day_of(now) & 31];
	hash(secret, n, texts, text);
	return put_local(out, domain, "SRS0=%.*s=%s=%s=%s", HASH_LEN, text,
	    stamp, sender->domain, sender->local);
}

/* A hash of four octets can be guessed. */
static int
is_whole(const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];
	struct address again;

	address_text(a, text);
	return a->domain[0] != '\0' && address_parse_utf8(&again, text,
	    strlen(text), NULL) == 1 && address_equal(&again, a);
}

/* hash "=" stamp "=" domain "=" local */
static int
reverse_first(const struct srs *s, char *given, int64_t now,
    struct address *out)
{
	char *stamp, *domain, *local;
	int age;

	if ((stamp = cut(given)) == NULL || (domain = cut(stamp)) == NULL ||
	    (local = cut(domain)) == NULL || strlen(stamp) != 2)
		return -1;
	age = age_of(stamp, now);
	if (age == -1 || age > SRS_DAYS || !is_ours(s,
	    (const char *const[3]){ stamp, domain, local }, given,
	    strlen(given)))
		return -1;
	return put_local(out, domain, "%s", local) && is_whole(out) ?
	    1 : -1;
}

/* hash "=" host "=" rest, which begins with a separator */
static int
reverse_again(const struct srs *s, char *given, struct address *out)
{
	char *host, *rest;

	if ((host = cut(given)) == NULL || (rest = cut(host)) == NULL ||
	    *rest == '\0' || !is_ours(s,
	    (const char *const[3]){ host, rest, "" }, given, strlen(given)))
		return -1;
	return put_local(out, host, "SRS0%s", rest) && is_whole(out) ?
	    1 : -1;
}

int
srs_reverse(const struct srs *s, const struct address *a, int64_t now,
    struct address *out)
{
	char copy[ADDRESS_LOCAL_MAX + 1];

	strlcpy(copy, a->local, sizeof(copy));
	if (is_tagged(copy, '0'))
		return reverse_first(s, copy + 5, now, out);
	if (is_tagged(copy, '1'))
		return reverse_again(s, copy + 5, out);
	return 0;
}
