/* SPDX-License-Identifier: ISC
 *
 * The grammar of SPF records (RFC 7208).  It is strict, since a
 * receiver that takes more than the others sees mail pass that they refuse.
 */
#include <arpa/inet.h>

#include <string.h>

#include "grammar/chars.h"
#include "grammar/spf.h"

static const char *const names[] = {
	[SPF_ALL] = "all", [SPF_INCLUDE] = "include", [SPF_A] = "a",
	[SPF_MX] = "mx", [SPF_PTR] = "ptr", [SPF_IP4] = "ip4",
	[SPF_IP6] = "ip6", [SPF_EXISTS] = "exists",
	[SPF_REDIRECT] = "redirect", [SPF_EXP] = "exp",
	[SPF_UNKNOWN] = "modifier"
};

static int
bad(struct spf *s, const char *at, const char *why)
{
	s->why = why;
	s->at = (size_t)(at - s->text);
	return -1;
}

/* ---- macros ---- */

/*
 * macro-expand = ( "%{" macro-letter transformers *delimiter "}" )
 *		  / "%%" / "%_" / "%-"
 * transformers = *DIGIT [ "r" ]
 * From the "%"; where it ends, or NULL.  letters: those that may stand there.
 */
static const char *
macro(const char *p, const char *end, const char *letters)
{
	unsigned number = 0;
	int digits = 0;

	if (++p == end)
		return NULL;
	if (*p == '%' || *p == '_' || *p == '-')
		return p + 1;
	if (*p != '{' || ++p == end || *p == '\0' ||
	    strchr(letters, char_lower(*p)) == NULL)
		return NULL;
	for (p++; p < end && char_is(*p, CHAR_DIGIT); p++, digits = 1)
		if (number < 1000)
			number = number * 10 + (unsigned)(*p - '0');
	if (digits && number == 0)
		return NULL;
	if (p < end && char_lower(*p) == 'r')
		p++;
	while (p < end && *p != '\0' && strchr(".-+,/_=", *p) != NULL)
		p++;
	return p < end && *p == '}' ? p + 1 : NULL;
}

/*
 * macro-string  = *( macro-expand / macro-literal )
 * macro-literal = %x21-24 / %x26-7E
 * 1 or -1.  *last: where the last macro ends, NULL without any.
 */
static int
macro_string(struct spf *s, const char *p, const char *end, const char **last)
{
	const char *q;

	for (*last = NULL; p < end; ) {
		if (*p == ' ' || !char_is(*p, CHAR_PRINT))
			return bad(s, p, "a character that cannot stand "
			    "there");
		if (*p != '%') {
			p++;
			continue;
		}
		if ((q = macro(p, end, "slodiphv")) == NULL)
			return bad(s, p, "a malformed macro");
		*last = p = q;
	}
	return 1;
}

/* ---- domains ---- */

/*
 * toplabel = ( *alphanum ALPHA *alphanum ) /
 *	      ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
 */
static int
is_toplabel(const char *p, size_t n)
{
	int letters = 0;
	size_t i;

	if (n == 0 || p[0] == '-' || p[n - 1] == '-')
		return 0;
	for (i = 0; i < n; i++) {
		if (!char_is(p[i], CHAR_ALNUM) && p[i] != '-')
			return 0;
		letters |= !char_is(p[i], CHAR_DIGIT);
	}
	return letters;
}

/*
 * domain-spec = macro-string domain-end
 * domain-end  = ( "." toplabel [ "." ] ) / macro-expand
 * NOTE: a name that is no name at all, with an empty or an endless label, is
 * within this grammar; it leads nowhere.
 */
static int
take_domain(struct spf *s, struct spf_term *t, const char *p, const char *end)
{
	const char *last, *stop = end, *dot;

	if (p == end)
		return bad(s, p, "a domain is missing");
	if (macro_string(s, p, end, &last) == -1)
		return -1;
	t->domain = p;
	t->ndomain = (size_t)(end - p);
	t->macros = last != NULL;
	if (last == end)
		return 1;
	if (stop > p && stop[-1] == '.')
		stop--;
	dot = memrchr(p, '.', (size_t)(stop - p));
	if (dot == NULL || (last != NULL && dot < last) ||
	    !is_toplabel(dot + 1, (size_t)(stop - dot - 1)))
		return bad(s, p, "not a domain name");
	return 1;
}

/* ---- lengths of prefixes ---- */

/* "0" / %x31-39 *DIGIT, at most max: 1 or -1. */
static int
prefix(const char *p, const char *end, unsigned max, unsigned *value)
{
	unsigned v = 0;

	if (p == end || end - p > 3 || (*p == '0' && end - p > 1))
		return -1;
	for (; p < end; p++) {
		if (!char_is(*p, CHAR_DIGIT))
			return -1;
		v = v * 10 + (unsigned)(*p - '0');
	}
	*value = v;
	return v <= max ? 1 : -1;
}

/* Where digits at the end begin with the "/" before them, or end. */
static const char *
slash_digits(const char *p, const char *end)
{
	const char *q = end;

	while (q > p && char_is(q[-1], CHAR_DIGIT))
		q--;
	return q < end && q > p && q[-1] == '/' ? q - 1 : end;
}

/*
 * dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
 * At the end of p; *end moves before it.
 */
static int
dual_cidr(struct spf *s, struct spf_term *t, const char *p, const char **end)
{
	const char *slash = slash_digits(p, *end), *stop;

	if (slash < *end && slash > p && slash[-1] == '/') {
		if (prefix(slash + 1, *end, 128, &t->cidr6) == -1)
			return bad(s, slash + 1, "a prefix length that IPv6 "
			    "does not have");
		*end = slash - 1;
		slash = slash_digits(p, *end);
	}
	if (slash == *end)
		return 1;
	stop = *end;
	*end = slash;
	return prefix(slash + 1, stop, 32, &t->cidr4) == 1 ? 1 :
	    bad(s, slash + 1, "a prefix length that IPv4 does not have");
}

/* ---- mechanisms ---- */

/* "a" [ ":" domain-spec ] [ dual-cidr-length ]; p behind the name. */
static int
take_hosts(struct spf *s, struct spf_term *t, const char *p, const char *end)
{
	if (p < end && *p != ':' && *p != '/')
		return bad(s, p, "an unknown mechanism");
	if (dual_cidr(s, t, p, &end) == -1)
		return -1;
	if (p == end)
		return 1;
	return *p == ':' ? take_domain(s, t, p + 1, end) :
	    bad(s, p, "a malformed prefix length");
}

/* ip4-network [ ip4-cidr-length ], likewise for IPv6; p behind the ":". */
static int
take_ip(struct spf *s, struct spf_term *t, const char *p, const char *end)
{
	const char *slash = memchr(p, '/', (size_t)(end - p));
	const char *stop = slash == NULL ? end : slash;
	int v4 = t->kind == SPF_IP4;
	char text[INET6_ADDRSTRLEN];
	size_t n = (size_t)(stop - p);

	if (n == 0 || n >= sizeof(text) || memchr(p, '\0', n) != NULL)
		return bad(s, p, "not an address");
	memcpy(text, p, n);
	text[n] = '\0';
	if (inet_pton(v4 ? AF_INET : AF_INET6, text, t->ip) != 1)
		return bad(s, p, "not an address");
	if (slash != NULL && prefix(slash + 1, end, v4 ? 32 : 128, v4 ?
	    &t->cidr4 : &t->cidr6) == -1)
		return bad(s, slash, "a malformed prefix length");
	return 1;
}

/* What stands behind a mechanism's name. */
static int
take_mechanism(struct spf *s, struct spf_term *t, const char *p,
    const char *end)
{
	int colon = p < end && *p == ':';

	switch (t->kind) {
	case SPF_ALL:
		return p == end ? 1 : bad(s, p, "something behind \"all\"");
	case SPF_A:
	case SPF_MX:
		return take_hosts(s, t, p, end);
	case SPF_PTR:
		if (p == end)
			return 1;
		return colon ? take_domain(s, t, p + 1, end) :
		    bad(s, p, "something behind \"ptr\"");
	case SPF_INCLUDE:
	case SPF_EXISTS:
		return colon ? take_domain(s, t, p + 1, end) :
		    bad(s, p, "a domain is missing");
	case SPF_IP4:
	case SPF_IP6:
		return colon ? take_ip(s, t, p + 1, end) :
		    bad(s, p, "an address is missing");
	case SPF_REDIRECT:
	case SPF_EXP:
	case SPF_UNKNOWN:
		break;
	}
	return bad(s, p, "an unknown mechanism");
}

/* directive = [ qualifier ] mechanism */
static int
take_directive(struct spf *s, struct spf_term *t, const char *p,
    const char *end)
{
	const char *name;
	int k;

	t->qualifier = '+';
	if (*p == '+' || *p == '-' || *p == '~' || *p == '?')
		t->qualifier = *p++;
	for (name = p; p < end && char_is(*p, CHAR_ALNUM); p++)
		;
	for (k = SPF_ALL; k <= SPF_EXISTS; k++)
		if (chars_is(name, (size_t)(p - name), names[k])) {
			t->kind = (enum spf_kind)k;
			return take_mechanism(s, t, p, end);
		}
	return bad(s, name, "an unknown mechanism");
}

/* ---- modifiers ---- */

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ), and a "=" behind it:
 * where that is, or NULL. */
static const char *
modifier_name(const char *p, const char *end)
{
	if (!char_is(*p, CHAR_ALPHA))
		return NULL;
	while (p < end && (char_is(*p, CHAR_ALNUM) || *p == '-' ||
	    *p == '_' || *p == '.'))
		p++;
	return p < end && *p == '=' ? p : NULL;
}

static int
take_modifier(struct spf *s, struct spf_term *t, const char *p,
    const char *eq, const char *end)
{
	size_t n = (size_t)(eq - p);
	const char *last;

	if (chars_is(p, n, names[SPF_REDIRECT])) {
		t->kind = SPF_REDIRECT;
		if (s->redirects++ > 0)
			return bad(s, p, "redirect= stands twice");
		return take_domain(s, t, eq + 1, end);
	}
	if (chars_is(p, n, names[SPF_EXP])) {
		t->kind = SPF_EXP;
		if (s->exps++ > 0)
			return bad(s, p, "exp= stands twice");
		return take_domain(s, t, eq + 1, end);
	}
	t->kind = SPF_UNKNOWN;
	return macro_string(s, eq + 1, end, &last);
}

/* ---- the record ---- */

/* record = version terms *SP; version = "v=spf1" */
int
spf_begin(struct spf *s, const char *p, size_t n)
{
	static const char version[] = "v=spf1";
	size_t len = sizeof(version) - 1;

	memset(s, 0, sizeof(*s));
	s->text = p;
	s->end = p + n;
	s->p = p;
	s->why = "";
	if (n < len || !chars_is(p, len, version) ||
	    (n > len && p[len] != ' '))
		return 0;
	s->p = p + len;
	return 1;
}

/* terms = *( 1*SP ( directive / modifier ) ) */
int
spf_next(struct spf *s, struct spf_term *t)
{
	const char *p, *end, *eq;

	memset(t, 0, sizeof(*t));
	t->cidr4 = 32;
	t->cidr6 = 128;
	for (p = s->p; p < s->end && *p == ' '; p++)
		;
	if (p == s->end)
		return 0;
	if ((end = memchr(p, ' ', (size_t)(s->end - p))) == NULL)
		end = s->end;
	s->p = end;
	t->text = p;
	t->len = (size_t)(end - p);
	if ((eq = modifier_name(p, end)) != NULL)
		return take_modifier(s, t, p, eq, end);
	return take_directive(s, t, p, end);
}

int
spf_check(struct spf *s, const char *p, size_t n)
{
	struct spf_term t;
	int r;

	if (spf_begin(s, p, n) == 0)
		return 0;
	while ((r = spf_next(s, &t)) == 1)
		;
	return r == 0 ? 1 : -1;
}

int
spf_asks(enum spf_kind k)
{
	switch (k) {
	case SPF_INCLUDE:
	case SPF_A:
	case SPF_MX:
	case SPF_PTR:
	case SPF_EXISTS:
	case SPF_REDIRECT:
		return 1;
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_EXP:
	case SPF_UNKNOWN:
		break;
	}
	return 0;
}

const char *
spf_kind_name(enum spf_kind k)
{
	return names[k];
}
