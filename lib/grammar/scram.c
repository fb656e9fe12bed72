/* SPDX-License-Identifier: ISC
 *
 * The messages of SCRAM: RFC 5802, section 7, one function for a rule.
 * It must never take a name that it would have to guess at.
 */
#include <string.h>

#include "bytes/base64.h"
#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/scram.h"

struct cursor {
	const char	*p, *end;
};

static int
take(struct cursor *c, char ch)
{
	if (c->p == c->end || *c->p != ch)
		return 0;
	c->p++;
	return 1;
}

/* "X=", the name of an attribute. */
static int
attribute(struct cursor *c, char name)
{
	if (c->end - c->p < 2 || c->p[0] != name || c->p[1] != '=')
		return 0;
	c->p += 2;
	return 1;
}

/* All up to the next comma, which stays. */
static struct scram_text
value(struct cursor *c)
{
	struct scram_text t = { c->p, 0 };

	while (c->p < c->end && *c->p != ',')
		c->p++;
	t.n = (size_t)(c->p - t.p);
	return t;
}

/* saslname = 1*(value-safe-char / "=2C" / "=3D") */
static int
saslname(struct cursor *c, char out[SCRAM_NAME_MAX + 1])
{
	struct scram_text t = value(c);
	size_t i, n = 0;

	for (i = 0; i < t.n; i++) {
		if (n == SCRAM_NAME_MAX || t.p[i] == '\0')
			return -1;
		out[n++] = t.p[i];
		if (t.p[i] != '=')
			continue;
		if (t.n - i < 3 || (memcmp(t.p + i, "=2C", 3) != 0 &&
		    memcmp(t.p + i, "=3D", 3) != 0))
			return -1;
		out[n - 1] = t.p[i + 1] == '2' ? ',' : '=';
		i += 2;
	}
	out[n] = '\0';
	return n > 0 && utf8_valid(out, n) ? 0 : -1;
}

/* nonce = "r=" 1*printable: %x21-2B / %x2D-7E */
static int
nonce(struct cursor *c, struct scram_text *t)
{
	size_t i;

	if (!attribute(c, 'r'))
		return -1;
	*t = value(c);
	for (i = 0; i < t->n; i++)
		if (t->p[i] < 0x21 || t->p[i] > 0x7e)
			return -1;
	return t->n > 0 ? 0 : -1;
}

/* attr-val = ALPHA "=" 1*value-char.  NOTE: whether it is UTF-8 is not asked,
 * since unknown extensions are ignored (section 5.1). */
static int
extension(struct cursor *c)
{
	struct scram_text t;

	if (c->p == c->end || !char_is(*c->p, CHAR_ALPHA) ||
	    !attribute(c, *c->p))
		return -1;
	t = value(c);
	return t.n > 0 && memchr(t.p, '\0', t.n) == NULL ? 0 : -1;
}

/* gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
 * cb-name = 1*(ALPHA / DIGIT / "." / "-") */
static int
cbind_flag(struct cursor *c, struct scram_first *f)
{
	size_t i;

	f->channel = (struct scram_text){ "", 0 };
	f->flag = c->p < c->end ? *c->p : '\0';
	if (take(c, 'n') || take(c, 'y'))
		return 0;
	if (!attribute(c, 'p'))
		return -1;
	f->channel = value(c);
	for (i = 0; i < f->channel.n; i++)
		if (!char_is(f->channel.p[i], CHAR_ALNUM) &&
		    f->channel.p[i] != '.' && f->channel.p[i] != '-')
			return -1;
	return f->channel.n > 0 ? 0 : -1;
}

/* client-first-message = gs2-header client-first-message-bare
 * gs2-header = gs2-cbind-flag "," [ "a=" saslname ] ","
 * client-first-message-bare =
 *	[reserved-mext ","] "n=" saslname "," nonce ["," extensions] */
int
scram_first(struct scram_first *f, const char *p, size_t n)
{
	struct cursor c = { p, p + n };

	f->authzid[0] = f->name[0] = '\0';
	f->header.p = p;
	if (cbind_flag(&c, f) == -1 || !take(&c, ','))
		return -1;
	if (attribute(&c, 'a') && saslname(&c, f->authzid) == -1)
		return -1;
	if (!take(&c, ','))
		return -1;
	f->header.n = (size_t)(c.p - p);
	f->bare.p = c.p;
	f->bare.n = (size_t)(c.end - c.p);
	/* "m=" here is an extension that must be understood. */
	if (f->bare.n > SCRAM_BARE_MAX || !attribute(&c, 'n') ||
	    saslname(&c, f->name) == -1 || !take(&c, ',') ||
	    nonce(&c, &f->nonce) == -1 || f->nonce.n > SCRAM_NONCE_MAX)
		return -1;
	while (take(&c, ','))
		if (extension(&c) == -1)
			return -1;
	return c.p == c.end ? 0 : -1;
}

static int
proof(struct cursor *c, unsigned char out[SCRAM_PROOF])
{
	struct scram_text t = value(c);
	struct buf b;
	int r = -1;

	buf_init(&b, 2 * SCRAM_PROOF);
	if (base64_decode(&b, t.p, t.n) == 1 && b.len == SCRAM_PROOF) {
		memcpy(out, b.data, SCRAM_PROOF);
		r = 0;
	}
	buf_wipe(&b);
	return r;
}

/* client-final-message = client-final-message-without-proof "," proof
 * client-final-message-without-proof =
 *	"c=" base64 "," nonce ["," extensions] */
int
scram_final(struct scram_final *f, const char *p, size_t n)
{
	struct cursor c = { p, p + n };

	if (!attribute(&c, 'c'))
		return -1;
	f->channel = value(&c);
	if (!take(&c, ',') || nonce(&c, &f->nonce) == -1)
		return -1;
	f->extensions.p = c.p;
	for (;;) {
		f->extensions.n = (size_t)(c.p - f->extensions.p);
		if (!take(&c, ','))
			return -1;
		if (attribute(&c, 'p'))
			break;
		if (extension(&c) == -1)
			return -1;
	}
	return proof(&c, f->proof) == 0 && c.p == c.end ? 0 : -1;
}

/* cbind-input = gs2-header [ cbind-data ] */
int
scram_channel_is(const struct scram_text *base64, const void *header,
    size_t nheader, const void *data, size_t ndata)
{
	struct buf b;
	int r = 0;

	buf_init(&b, nheader + ndata + 3);
	if (base64_decode(&b, base64->p, base64->n) == 1 &&
	    b.len == nheader + ndata && b.len > 0)
		r = memcmp(b.data, header, nheader) == 0 && (ndata == 0 ||
		    memcmp(b.data + nheader, data, ndata) == 0);
	buf_free(&b);
	return r;
}

/* posit-number = %x31-39 *DIGIT, here of at most eight digits */
static unsigned
posit_number(struct cursor *c)
{
	struct scram_text t = value(c);
	unsigned n = 0;
	size_t i;

	for (i = 0; i < t.n; i++) {
		if (t.n > 8 || !char_is(t.p[i], CHAR_DIGIT) || t.p[0] == '0')
			return 0;
		n = n * 10 + (unsigned)(t.p[i] - '0');
	}
	return n;
}

/* salt = "s=" base64 */
static int
salt(struct cursor *c, struct scram_challenge *s)
{
	struct scram_text t = value(c);
	struct buf b;

	s->nsalt = 0;
	buf_init(&b, 2 * SCRAM_SALT_MAX);
	if (base64_decode(&b, t.p, t.n) == 1 && b.len <= SCRAM_SALT_MAX) {
		memcpy(s->salt, b.data, b.len);
		s->nsalt = b.len;
	}
	buf_free(&b);
	return s->nsalt > 0 ? 0 : -1;
}

/* server-first-message =
 *	[reserved-mext ","] nonce "," salt "," iteration-count
 *	["," extensions] */
int
scram_challenge(struct scram_challenge *s, const char *p, size_t n,
    const char *mine)
{
	struct cursor c = { p, p + n };
	size_t len = strlen(mine);

	if (nonce(&c, &s->nonce) == -1 || s->nonce.n <= len ||
	    memcmp(s->nonce.p, mine, len) != 0 || !take(&c, ',') ||
	    !attribute(&c, 's') || salt(&c, s) == -1 || !take(&c, ',') ||
	    !attribute(&c, 'i') || (s->rounds = posit_number(&c)) == 0)
		return -1;
	while (take(&c, ','))
		if (extension(&c) == -1)
			return -1;
	return c.p == c.end ? 0 : -1;
}

/* server-final-message = (server-error / verifier) ["," extensions]
 * server-error = "e=" value, verifier = "v=" base64 */
int
scram_verdict(const char *p, size_t n, unsigned char out[SCRAM_PROOF])
{
	struct cursor c = { p, p + n };

	if (attribute(&c, 'e'))
		return 0;
	return attribute(&c, 'v') && proof(&c, out) == 0 ? 1 : -1;
}
