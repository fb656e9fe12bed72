/* SPDX-License-Identifier: ISC
 *
 * SASL PLAIN, LOGIN and SCRAM-SHA-256, the server's side.  It must never
 * leave a password behind where an exchange has failed.
 */
#include <string.h>

#include "bytes/base64.h"
#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/sasl.h"

/* What a client may send at most, decoded. */
#define MESSAGE_MAX	(2 * SASL_NAME_MAX + SASL_PASSWORD_MAX + 2)

/* Which line comes next. */
enum { STEP_MESSAGE, STEP_NAME, STEP_PASSWORD, STEP_FIRST, STEP_FINAL,
    STEP_END };

enum sasl_mechanism
sasl_mechanism(const char *s, size_t n)
{
	static const struct {
		const char		*name;
		enum sasl_mechanism	 mechanism;
	} names[] = {
		{ "PLAIN", SASL_PLAIN },
		{ "LOGIN", SASL_LOGIN },
		{ "SCRAM-SHA-256", SASL_SCRAM_SHA_256 },
		{ "SCRAM-SHA-256-PLUS", SASL_SCRAM_SHA_256_PLUS }
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (chars_is(s, n, names[i].name))
			return names[i].mechanism;
	return SASL_UNKNOWN;
}

int
sasl_is_scram(enum sasl_mechanism m)
{
	return m == SASL_SCRAM_SHA_256 || m == SASL_SCRAM_SHA_256_PLUS;
}

void
sasl_wipe(struct sasl *s)
{
	explicit_bzero(s, sizeof(*s));
}

static enum sasl_result
fail(struct sasl *s, enum sasl_result r)
{
	sasl_wipe(s);
	return r;
}

/* One of the strings: 1*SAFE, no NUL in it, UTF-8.  NOTE: octets that are no
 * UTF-8 are taken in a password: those that were set in Latin-1 work on. */
static enum sasl_result
keep(char *to, size_t max, const char *p, size_t n, int name)
{
	if (n > max)
		return SASL_TOO_LONG;
	if (memchr(p, '\0', n) != NULL || (name && !utf8_valid(p, n)))
		return SASL_BAD_MESSAGE;
	if (n > 0)
		memcpy(to, p, n);
	to[n] = '\0';
	return SASL_DONE;
}

/*
 * message = [authzid] UTF8NUL authcid UTF8NUL passwd	(RFC 4616, section 2)
 */
enum sasl_result
sasl_plain(struct sasl *s, const char *p, size_t n)
{
	const char *first, *second, *end = p + n;
	enum sasl_result r;

	if (n == 0 || (first = memchr(p, '\0', n)) == NULL)
		return fail(s, SASL_BAD_MESSAGE);
	second = memchr(first + 1, '\0', (size_t)(end - first - 1));
	if (second == NULL)
		return fail(s, SASL_BAD_MESSAGE);
	r = keep(s->authzid, SASL_NAME_MAX, p, (size_t)(first - p), 1);
	if (r == SASL_DONE)
		r = keep(s->authcid, SASL_NAME_MAX, first + 1,
		    (size_t)(second - first - 1), 1);
	if (r == SASL_DONE)
		r = keep(s->password, SASL_PASSWORD_MAX, second + 1,
		    (size_t)(end - second - 1), 0);
	if (r == SASL_DONE && (s->authcid[0] == '\0' ||
	    s->password[0] == '\0'))
		r = SASL_BAD_MESSAGE;
	return r == SASL_DONE ? r : fail(s, r);
}

static enum sasl_result
ask(struct sasl *s, int step, const char *challenge)
{
	s->step = step;
	s->challenge = challenge;
	return SASL_CONTINUE;
}

/*
 * SCRAM
 */

/* What was found, as a string of its own.  0, or -1: it has no room. */
static int
copy(char *to, size_t max, const struct scram_text *t)
{
	if (t->n > max)
		return -1;
	memcpy(to, t->p, t->n);
	to[t->n] = '\0';
	return 0;
}

/* RFC 5802, section 6: is the channel one of ours, or rightly none? */
static int
choose_channel(struct sasl *s, const struct scram_first *f)
{
	const struct sasl_channel *c = s->scram.channels;
	size_t i;

	s->scram.bound = SASL_CHANNELS;
	if (f->flag != 'p')
		return s->mechanism == SASL_SCRAM_SHA_256 &&
		    (f->flag == 'n' || c[0].name == NULL);
	if (s->mechanism != SASL_SCRAM_SHA_256_PLUS)
		return 0;
	for (i = 0; i < SASL_CHANNELS && c[i].name != NULL; i++)
		if (strlen(c[i].name) == f->channel.n &&
		    memcmp(c[i].name, f->channel.p, f->channel.n) == 0) {
			s->scram.bound = i;
			return 1;
		}
	return 0;
}

static enum sasl_result
take_first(struct sasl *s, const char *p, size_t n)
{
	struct scram_first f;

	if (scram_first(&f, p, n) == -1)
		return SASL_BAD_MESSAGE;
	if (!choose_channel(s, &f))
		return SASL_WRONG_CHANNEL;
	if (copy(s->scram.header, SASL_HEADER_MAX, &f.header) == -1 ||
	    copy(s->scram.bare, SCRAM_BARE_MAX, &f.bare) == -1 ||
	    copy(s->scram.nonce, SCRAM_NONCE_MAX, &f.nonce) == -1)
		return SASL_BAD_MESSAGE;
	memcpy(s->authcid, f.name, sizeof(f.name));
	memcpy(s->authzid, f.authzid, sizeof(f.authzid));
	return SASL_ASK_FIRST;
}

/* The whole nonce in "r=nonce,s=..." of ours. */
static int
is_nonce(const struct sasl *s, const struct scram_text *t)
{
	const char *own = s->scram.server + 2;

	return strcspn(own, ",") == t->n && memcmp(own, t->p, t->n) == 0;
}

static enum sasl_result
take_final(struct sasl *s, const char *p, size_t n)
{
	int bound = s->scram.bound < SASL_CHANNELS;
	const struct sasl_channel *c =
	    &s->scram.channels[bound ? s->scram.bound : 0];
	struct scram_final f;

	if (scram_final(&f, p, n) == -1 || !is_nonce(s, &f.nonce))
		return SASL_BAD_MESSAGE;
	if (!scram_channel_is(&f.channel, s->scram.header,
	    strlen(s->scram.header), bound ? c->data : NULL,
	    bound ? c->n : 0))
		return SASL_WRONG_CHANNEL;
	if (copy(s->scram.channel, SASL_FINAL_MAX, &f.channel) == -1 ||
	    copy(s->scram.extensions, SASL_FINAL_MAX, &f.extensions) == -1)
		return SASL_BAD_MESSAGE;
	memcpy(s->scram.proof, f.proof, sizeof(f.proof));
	return SASL_ASK_FINAL;
}

/* A challenge of our own making, in base64. */
static enum sasl_result
challenge(struct sasl *s, int step, const char *text, size_t n)
{
	struct buf b;
	int r;

	buf_init(&b, sizeof(s->scram.challenge));
	r = base64_encode(&b, text, n);
	if (r == 0 && b.len < sizeof(s->scram.challenge)) {
		memcpy(s->scram.challenge, b.data, b.len);
		s->scram.challenge[b.len] = '\0';
	} else
		r = -1;
	buf_free(&b);
	return r == 0 ? ask(s, step, s->scram.challenge) :
	    fail(s, SASL_TOO_LONG);
}

enum sasl_result
sasl_scram_challenge(struct sasl *s, const char *server)
{
	size_t n = strlen(server);

	if (n > SASL_SERVER_MAX)
		return fail(s, SASL_TOO_LONG);
	memcpy(s->scram.server, server, n + 1);
	return challenge(s, STEP_FINAL, server, n);
}

enum sasl_result
sasl_scram_signature(struct sasl *s, const unsigned char sig[SCRAM_PROOF])
{
	enum sasl_result r;
	struct buf b;

	buf_init(&b, 100);
	if (buf_adds(&b, "v=") == -1 ||
	    base64_encode(&b, sig, SCRAM_PROOF) == -1)
		r = fail(s, SASL_TOO_LONG);
	else
		r = challenge(s, STEP_END, b.data, b.len);
	buf_free(&b);
	return r;
}

/* The client's message of this step, decoded. */
static enum sasl_result
take(struct sasl *s, const char *p, size_t n)
{
	enum sasl_result r = SASL_BAD_MESSAGE;

	switch (s->step) {
	case STEP_MESSAGE:
		return sasl_plain(s, p, n);
	case STEP_NAME:
		r = keep(s->authcid, SASL_NAME_MAX, p, n, 1);
		if (r == SASL_DONE && n == 0)
			r = SASL_BAD_MESSAGE;
		if (r == SASL_DONE)	/* "Password:" */
			return ask(s, STEP_PASSWORD, "UGFzc3dvcmQ6");
		break;
	case STEP_PASSWORD:
		r = keep(s->password, SASL_PASSWORD_MAX, p, n, 0);
		if (r == SASL_DONE && n == 0)
			r = SASL_BAD_MESSAGE;
		break;
	case STEP_FIRST:
		r = take_first(s, p, n);
		break;
	case STEP_FINAL:
		r = take_final(s, p, n);
		break;
	case STEP_END:
		r = n == 0 ? SASL_DONE : SASL_BAD_MESSAGE;
		break;
	}
	return r == SASL_DONE || r == SASL_ASK_FIRST || r == SASL_ASK_FINAL ?
	    r : fail(s, r);
}

static enum sasl_result
decode(struct sasl *s, const char *line, size_t n)
{
	enum sasl_result r;
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (n > BASE64_LEN(MESSAGE_MAX))
		r = fail(s, SASL_TOO_LONG);
	else
		switch (base64_decode(&b, line, n)) {
		case 1:
			r = take(s, b.data == NULL ? "" : b.data, b.len);
			break;
		case 0:
			r = fail(s, SASL_BAD_BASE64);
			break;
		default:
			r = fail(s, SASL_TOO_LONG);
		}
	buf_wipe(&b);
	return r;
}

enum sasl_result
sasl_begin(struct sasl *s, enum sasl_mechanism mechanism,
    const char *initial, size_t n)
{
	return sasl_begin_scram(s, mechanism, NULL, initial, n);
}

enum sasl_result
sasl_begin_scram(struct sasl *s, enum sasl_mechanism mechanism,
    const struct sasl_channel channels[SASL_CHANNELS], const char *initial,
    size_t n)
{
	memset(s, 0, sizeof(*s));
	if (channels != NULL)
		memcpy(s->scram.channels, channels,
		    sizeof(s->scram.channels));
	s->mechanism = mechanism;
	switch (mechanism) {
	case SASL_PLAIN:
		ask(s, STEP_MESSAGE, "");
		break;
	case SASL_LOGIN:	/* "Username:" */
		ask(s, STEP_NAME, "VXNlcm5hbWU6");
		break;
	case SASL_SCRAM_SHA_256:
	case SASL_SCRAM_SHA_256_PLUS:
		ask(s, STEP_FIRST, "");
		break;
	case SASL_UNKNOWN:
		return fail(s, SASL_BAD_MESSAGE);
	}
	if (initial == NULL)
		return SASL_CONTINUE;
	if (n == 1 && *initial == '=')
		n = 0;
	return decode(s, initial, n);
}

enum sasl_result
sasl_step(struct sasl *s, const char *line, size_t n)
{
	if (n == 1 && *line == '*')
		return fail(s, SASL_CANCELLED);
	return decode(s, line, n);
}
