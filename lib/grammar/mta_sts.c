/* SPDX-License-Identifier: ISC
 *
 * The texts of MTA-STS (RFC 8461).  It must never take half a policy for one:
 * what is malformed is none.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/mta_sts.h"

#define EXT_NAME	32	/* octets of an extension's name */
#define ID_LEN		(MTA_STS_ID_MAX - 1)
#define AGE_DIGITS	10

static int
is_name_char(char c)
{
	return char_is(c, CHAR_ALNUM) || c == '_' || c == '-' || c == '.';
}

static const char *
skip_wsp(const char *p, const char *end)
{
	while (p < end && char_is(*p, CHAR_WSP))
		p++;
	return p;
}

/* sts-ext-name = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / "."); where
 * it ends, or NULL. */
static const char *
ext_name(const char *p, const char *end)
{
	const char *start = p;

	if (p == end || !char_is(*p, CHAR_ALNUM))
		return NULL;
	while (p < end && is_name_char(*p))
		p++;
	return p - start > EXT_NAME ? NULL : p;
}

/* ---- the record ---- */

/* sts-ext-value = 1*(%x21-3A / %x3C / %x3E-7E) */
static const char *
record_value(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && char_is(*p, CHAR_PRINT) && *p != ' ' && *p != ';' &&
	    *p != '=')
		p++;
	return p == start ? NULL : p;
}

/* sts-id = %s"id=" 1*32(ALPHA / DIGIT), from behind the "=". */
static const char *
record_id(const char *p, const char *end, char id[MTA_STS_ID_MAX],
    const char **why)
{
	const char *start = p;
	size_t n;

	while (p < end && char_is(*p, CHAR_ALNUM))
		p++;
	n = (size_t)(p - start);
	if (n == 0 || n > ID_LEN || (p < end && *p != ';' &&
	    !char_is(*p, CHAR_WSP))) {
		*why = "id= is not 1 to 32 letters and digits";
		return NULL;
	}
	if (id[0] == '\0') {
		memcpy(id, start, n);
		id[n] = '\0';
	}
	return p;
}

/* sts-field = sts-id / sts-extension; where it ends, or NULL. */
static const char *
record_field(const char *p, const char *end, char id[MTA_STS_ID_MAX],
    const char **why)
{
	const char *eq;

	*why = "a field is not of the form name=value";
	if ((eq = ext_name(p, end)) == NULL || eq == end || *eq != '=')
		return NULL;
	if (eq - p == 2 && memcmp(p, "id", 2) == 0)
		return record_id(eq + 1, end, id, why);
	return record_value(eq + 1, end);
}

/*
 * sts-text-record = sts-version 1*(sts-field-delim sts-field)
 *		     [sts-field-delim]
 * sts-field-delim = *WSP ";" *WSP
 * sts-version     = %s"v=STSv1"
 */
int
mta_sts_record(const char *p, size_t n, char id[MTA_STS_ID_MAX],
    const char **why)
{
	static const char version[] = "v=STSv1";
	const char *end = p + n;

	id[0] = '\0';
	*why = "";
	if (n < sizeof(version) - 1 ||
	    memcmp(p, version, sizeof(version) - 1) != 0)
		return 0;
	p += sizeof(version) - 1;
	if (p < end && *p != ';' && !char_is(*p, CHAR_WSP))
		return 0;
	for (;;) {
		p = skip_wsp(p, end);
		if (p == end)
			break;
		if (*p != ';') {
			*why = "a semicolon is missing";
			return -1;
		}
		p = skip_wsp(p + 1, end);
		if (p < end && (p = record_field(p, end, id, why)) == NULL)
			return -1;
	}
	*why = id[0] == '\0' ? "there is no id=" : "";
	return id[0] == '\0' ? -1 : 1;
}

/* ---- the policy ---- */

enum {
	SEEN_VERSION = 1,
	SEEN_MODE = 2,
	SEEN_AGE = 4
};

static int
bad(struct mta_sts_policy *y, const char *why)
{
	y->why = why;
	return -1;
}

static int
take_version(struct mta_sts_policy *y, const char *p, size_t n)
{
	return n == 5 && memcmp(p, "STSv1", 5) == 0 ? 1 :
	    bad(y, "the version is not STSv1");
}

static int
take_mode(struct mta_sts_policy *y, const char *p, size_t n)
{
	static const enum mta_sts_mode modes[] = {
		MTA_STS_NONE, MTA_STS_TESTING, MTA_STS_ENFORCE
	};
	const char *name;
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		name = mta_sts_mode_name(modes[i]);
		if (n == strlen(name) && memcmp(p, name, n) == 0) {
			y->mode = modes[i];
			return 1;
		}
	}
	return bad(y, "the mode is none of enforce, testing, none");
}

/* sts-policy-max-age-field-value = 1*10(DIGIT)
 * NOTE: above the year that is allowed it is taken for a year. */
static int
take_age(struct mta_sts_policy *y, const char *p, size_t n)
{
	uint64_t age = 0;
	size_t i;

	if (n == 0 || n > AGE_DIGITS)
		return bad(y, "max_age is not a number of seconds");
	for (i = 0; i < n; i++) {
		if (!char_is(p[i], CHAR_DIGIT))
			return bad(y, "max_age is not a number of seconds");
		age = age * 10 + (uint64_t)(p[i] - '0');
	}
	y->max_age = age > MTA_STS_AGE_MAX ? MTA_STS_AGE_MAX : (uint32_t)age;
	return 1;
}

/* Domain of RFC 5321, section 4.1.2, and "_", as the DNS has it. */
static int
is_domain(const char *p, size_t n)
{
	size_t label = 0, i;

	if (n == 0 || n > 253)
		return 0;
	for (i = 0; i <= n; i++) {
		if (i == n || p[i] == '.') {
			if (label == 0 || label > 63 || p[i - 1] == '-')
				return 0;
			label = 0;
		} else if (!char_is(p[i], CHAR_LABEL) ||
		    (p[i] == '-' && label == 0))
			return 0;
		else
			label++;
	}
	return 1;
}

/* sts-policy-mx-value = ["*."] Domain */
static int
take_mx(struct mta_sts_policy *y, const char *p, size_t n)
{
	size_t star = n > 2 && p[0] == '*' && p[1] == '.' ? 2 : 0;

	if (!is_domain(p + star, n - star))
		return bad(y, "a pattern of mx is neither a host name nor "
		    "\"*.\" and a domain");
	if (y->nmx == MTA_STS_MX_MAX)
		return bad(y, "there are too many patterns of mx");
	y->mx[y->nmx].p = p;
	y->mx[y->nmx++].n = n;
	return 1;
}

/* One of the fields that stand once: the first counts. */
static int
take_once(struct mta_sts_policy *y, unsigned *seen, unsigned which,
    int (*take)(struct mta_sts_policy *, const char *, size_t), const char *p,
    size_t n)
{
	if ((*seen & which) != 0)
		return 1;
	*seen |= which;
	return take(y, p, n);
}

/* The value of an extension: anything but control characters. */
static int
take_extension(struct mta_sts_policy *y, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((unsigned char)p[i] < ' ' && p[i] != '\t') ||
		    p[i] == '\177')
			return bad(y, "there is a control character");
	return n > 0 ? 1 : bad(y, "a field has no value");
}

/*
 * sts-policy-field       = name sts-policy-field-delim value
 * sts-policy-field-delim = ":" *WSP
 * NOTE: white space before the colon is taken too.
 */
static int
policy_line(struct mta_sts_policy *y, unsigned *seen, const char *p,
    const char *end)
{
	const char *name = p, *colon;
	size_t n, len;

	if ((p = ext_name(p, end)) == NULL)
		return bad(y, "a line does not begin with a name");
	n = (size_t)(p - name);
	colon = skip_wsp(p, end);
	if (colon == end || *colon != ':')
		return bad(y, "a line is not of the form name: value");
	p = skip_wsp(colon + 1, end);
	len = (size_t)(end - p);
	if (n == 7 && memcmp(name, "version", n) == 0)
		return take_once(y, seen, SEEN_VERSION, take_version, p, len);
	if (n == 4 && memcmp(name, "mode", n) == 0)
		return take_once(y, seen, SEEN_MODE, take_mode, p, len);
	if (n == 7 && memcmp(name, "max_age", n) == 0)
		return take_once(y, seen, SEEN_AGE, take_age, p, len);
	if (n == 2 && memcmp(name, "mx", n) == 0)
		return take_mx(y, p, len);
	return take_extension(y, p, len);
}

/* What must be there. */
static int
complete(struct mta_sts_policy *y, unsigned seen)
{
	y->line = 0;
	if ((seen & SEEN_VERSION) == 0)
		return bad(y, "there is no version");
	if ((seen & SEEN_MODE) == 0)
		return bad(y, "there is no mode");
	if ((seen & SEEN_AGE) == 0)
		return bad(y, "there is no max_age");
	if (y->nmx == 0 && y->mode != MTA_STS_NONE)
		return bad(y, "there is no mx");
	return 1;
}

/*
 * sts-policy-record = sts-policy-field *WSP
 *		       *(sts-policy-term sts-policy-field *WSP)
 *		       [sts-policy-term]
 * sts-policy-term   = LF / CRLF
 * NOTE: empty lines are skipped.
 */
int
mta_sts_policy(struct mta_sts_policy *y, const char *p, size_t n)
{
	const char *end = p + n, *lf, *stop;
	unsigned seen = 0;

	memset(y, 0, sizeof(*y));
	y->why = "";
	if (n > MTA_STS_POLICY_MAX)
		return bad(y, "it is too long");
	for (; p < end; p = lf + (lf < end)) {
		y->line++;
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		stop = lf;
		if (stop > p && lf < end && stop[-1] == '\r')
			stop--;
		while (stop > p && char_is(stop[-1], CHAR_WSP))
			stop--;
		if (stop > p && policy_line(y, &seen, p, stop) == -1)
			return -1;
	}
	return complete(y, seen);
}

/* ---- matching ---- */

int
mta_sts_match_one(const struct mta_sts_text *t, const char *host)
{
	size_t n = strlen(host);
	const char *dot;

	if (n > 0 && host[n - 1] == '.')
		n--;
	if (t->n < 2 || t->p[0] != '*')
		return chars_equal(t->p, t->n, host, n);
	if ((dot = memchr(host, '.', n)) == NULL || dot == host)
		return 0;
	return chars_equal(t->p + 1, t->n - 1, dot,
	    n - (size_t)(dot - host));
}

int
mta_sts_match(const struct mta_sts_policy *y, const char *host)
{
	size_t i;

	for (i = 0; i < y->nmx; i++)
		if (mta_sts_match_one(&y->mx[i], host))
			return 1;
	return 0;
}

const char *
mta_sts_mode_name(enum mta_sts_mode m)
{
	switch (m) {
	case MTA_STS_NONE:
		return "none";
	case MTA_STS_TESTING:
		return "testing";
	case MTA_STS_ENFORCE:
		return "enforce";
	}
	return "none";
}
