/* SPDX-License-Identifier: ISC
 *
 * SASL PLAIN and LOGIN, the server's side.  It must never leave a password
 * behind where an exchange has failed.
 */
#include <string.h>

#include "bytes/base64.h"
#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/sasl.h"

/* What a client may send at most, decoded. */
#define MESSAGE_MAX	(2 * SASL_NAME_MAX + SASL_PASSWORD_MAX + 2)

/* Which line comes next. */
enum { STEP_MESSAGE, STEP_NAME, STEP_PASSWORD };

enum sasl_mechanism
sasl_mechanism(const char *s, size_t n)
{
	if (chars_is(s, n, "PLAIN"))
		return SASL_PLAIN;
	if (chars_is(s, n, "LOGIN"))
		return SASL_LOGIN;
	return SASL_UNKNOWN;
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
	}
	return r == SASL_DONE ? r : fail(s, r);
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
	memset(s, 0, sizeof(*s));
	s->mechanism = mechanism;
	switch (mechanism) {
	case SASL_PLAIN:
		ask(s, STEP_MESSAGE, "");
		break;
	case SASL_LOGIN:	/* "Username:" */
		ask(s, STEP_NAME, "VXNlcm5hbWU6");
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
