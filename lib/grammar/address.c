/* SPDX-License-Identifier: ISC
 *
 * Addresses of the envelope: RFC 5321, sections 4.1.2 and 4.1.3.  One
 * function for each rule, with the UTF-8 of RFC 6531, section 3.3.  It must
 * never let a control or malformed UTF-8 into an address, since addresses go
 * on into commands, files and logs.
 */
#include <arpa/inet.h>

#include <string.h>

#include "bytes/utf8.h"
#include "grammar/address.h"
#include "grammar/chars.h"

static int
fail(const char **why, const char *text)
{
	if (why != NULL)
		*why = text;
	return -1;
}

/*
 * UTF8-non-ascii = UTF8-2 / UTF8-3 / UTF8-4	(RFC 6532, section 3.1)
 *
 * The length of a character that is one, or is of these classes; 0 neither.
 * The controls U+0080 to U+009F are none.
 */
static size_t
character(const char *p, const char *end, unsigned classes)
{
	uint32_t c;
	size_t n;

	if (p >= end)
		return 0;
	if (!((unsigned char)*p & 0x80))
		return char_is(*p, classes) != 0;
	n = utf8_next(p, end, &c);
	return n > 0 && c >= 0xa0 ? n : 0;
}

/*
 * sub-domain     = Let-dig [Ldh-str] / U-label
 * Let-dig        = ALPHA / DIGIT
 * Ldh-str        = *( ALPHA / DIGIT / "-" ) Let-dig
 *
 * NOTE: any text without ASCII's other characters is taken for a U-label.
 * NOTE: "_" is taken like a letter: names of machines have it, mail from them
 * comes, and DNS does not mind (RFC 5321, section 4.1.2 forbids it).
 */
static int
sub_domain(const char **p, const char *end, const char **why)
{
	const char *start = *p;
	size_t n;

	while ((n = character(*p, end, CHAR_LABEL)) > 0)
		*p += n;
	if (*p == start)
		return 0;
	if (*start == '-' || (*p)[-1] == '-')
		return fail(why, "a label of the domain begins or ends "
		    "with a hyphen");
	if (*p - start > ADDRESS_LABEL_MAX)
		return fail(why, "a label of the domain is too long");
	return 1;
}

/* Domain = sub-domain *("." sub-domain) */
static int
domain_rule(const char **p, const char *end, const char **why)
{
	const char *start = *p;
	int found;

	if ((found = sub_domain(p, end, why)) <= 0)
		return found;
	while (*p < end && **p == '.') {
		(*p)++;
		if ((found = sub_domain(p, end, why)) < 0)
			return -1;
		if (found == 0)
			return fail(why, "the domain has an empty label");
	}
	if (*p - start > ADDRESS_DOMAIN_MAX)
		return fail(why, "the domain is too long");
	return 1;
}

int
address_literal_ip(const char *s, size_t n, unsigned char ip[16])
{
	char text[INET6_ADDRSTRLEN];

	if (n < 2 || s[0] != '[' || s[n - 1] != ']')
		return 0;
	s++;
	n -= 2;
	if (n > 5 && chars_begin(s, s + n, "IPv6:")) {
		s += 5;
		n -= 5;
		if (n >= sizeof(text))
			return 0;
		memcpy(text, s, n);
		text[n] = '\0';
		return inet_pton(AF_INET6, text, ip) == 1 ? 6 : 0;
	}
	if (n >= sizeof(text) || memchr(s, '\0', n) != NULL)
		return 0;
	memcpy(text, s, n);
	text[n] = '\0';
	return inet_pton(AF_INET, text, ip) == 1 ? 4 : 0;
}

/*
 * address-literal = "[" ( IPv4-address-literal / IPv6-address-literal /
 *                   General-address-literal ) "]"
 *
 * A General-address-literal needs a registered tag, and none but IPv6 is:
 * others are malformed.  "::" may stand for a single group, as elsewhere.
 */
static int
literal_rule(const char **p, const char *end, const char **why)
{
	unsigned char ip[16];
	const char *start = *p;

	if (*p >= end || **p != '[')
		return 0;
	do
		(*p)++;
	while (*p < end && char_is(**p, CHAR_DTEXT));
	if (*p >= end || **p != ']')
		return fail(why, "the address literal has no end");
	(*p)++;
	if (address_literal_ip(start, (size_t)(*p - start), ip) == 0)
		return fail(why, "the address literal is neither IPv4 "
		    "nor IPv6");
	return 1;
}

/* Add a character of some octets to the local part. */
static int
put(struct address *a, size_t *len, const char *p, size_t n)
{
	if (*len + n > ADDRESS_LOCAL_MAX)
		return -1;
	memcpy(a->local + *len, p, n);
	*len += n;
	return 0;
}

/*
 * Dot-string = Atom *("."  Atom)
 * Atom       = 1*atext
 * atext      =/ UTF8-non-ascii
 */
static int
dot_string(const char **p, const char *end, struct address *a,
    const char **why)
{
	const char *start = *p;
	size_t n;

	for (;;) {
		if (*p < end && **p == '.') {
			if (*p == start || (*p)[-1] == '.')
				return fail(why, "a dot in the local part is "
				    "not between two words");
			n = 1;
		} else if ((n = character(*p, end, CHAR_ATEXT)) == 0)
			break;
		*p += n;
	}
	if ((n = (size_t)(*p - start)) == 0)
		return 0;
	if ((*p)[-1] == '.')
		return fail(why, "the local part ends with a dot");
	if (n > ADDRESS_LOCAL_MAX)
		return fail(why, "the local part is too long");
	memcpy(a->local, start, n);
	a->local[n] = '\0';
	return 1;
}

/*
 * Quoted-string   = DQUOTE *QcontentSMTP DQUOTE
 * QcontentSMTP    = qtextSMTP / quoted-pairSMTP
 * quoted-pairSMTP = %d92 %d32-126
 * qtextSMTP       =/ UTF8-non-ascii
 */
static int
quoted_string(const char **p, const char *end, struct address *a,
    const char **why)
{
	size_t n = 0, some;

	if (*p >= end || **p != '"')
		return 0;
	for ((*p)++; *p < end && **p != '"'; *p += some) {
		some = 1;
		if (**p == '\\') {
			(*p)++;
			if (*p >= end || !char_is(**p, CHAR_PRINT))
				break;
		} else if ((some = character(*p, end, CHAR_QTEXT)) == 0)
			return fail(why, "the quoted local part holds a "
			    "character that is not allowed");
		if (put(a, &n, *p, some) == -1)
			return fail(why, "the local part is too long");
	}
	if (*p >= end || **p != '"')
		return fail(why, "the quoted local part has no end");
	(*p)++;
	a->local[n] = '\0';
	return 1;
}

/*
 * Mailbox    = Local-part "@" ( Domain / address-literal )
 * Local-part = Dot-string / Quoted-string
 */
int
address_mailbox(const char **p, const char *end, struct address *a,
    const char **why)
{
	const char *start;
	int found;

	a->local[0] = a->domain[0] = '\0';
	if ((found = quoted_string(p, end, a, why)) == 0)
		found = dot_string(p, end, a, why);
	if (found <= 0)
		return found;
	if (*p >= end || **p != '@')
		return a->local[0] == '\0' ?
		    fail(why, "the address has no domain") : 1;
	start = ++(*p);
	if ((found = literal_rule(p, end, why)) == 0)
		found = domain_rule(p, end, why);
	if (found == 0)
		return fail(why, "no domain behind the @");
	if (found < 0)
		return -1;
	memcpy(a->domain, start, (size_t)(*p - start));
	a->domain[*p - start] = '\0';
	return 1;
}

/*
 * A-d-l     = At-domain *( "," At-domain )
 * At-domain = "@" Domain
 *
 * Taken and dropped, with its ":" (RFC 5321, section 4.1.2 and appendix C).
 */
static int
source_route(const char **p, const char *end, const char **why)
{
	if (*p >= end || **p != '@')
		return 0;
	for (;;) {
		(*p)++;
		switch (domain_rule(p, end, why)) {
		case 0:
			return fail(why, "the address begins with @");
		case -1:
			return -1;
		}
		if (*p < end && **p == ':') {
			(*p)++;
			return 1;
		}
		if (end - *p < 2 || (*p)[0] != ',' || (*p)[1] != '@')
			return fail(why, "the source route has no end");
		(*p)++;
	}
}

/*
 * Path         = "<" [ A-d-l ":" ] Mailbox ">"
 * Reverse-path = Path / "<>"
 */
int
address_path(const char **p, const char *end, struct address *a,
    const char **why)
{
	int route;

	a->local[0] = a->domain[0] = '\0';
	if (*p >= end || **p != '<')
		return 0;
	(*p)++;
	if (*p < end && **p == '>') {
		(*p)++;
		return 1;
	}
	if ((route = source_route(p, end, why)) < 0)
		return -1;
	switch (address_mailbox(p, end, a, why)) {
	case 0:
		return fail(why, "there is no local part");
	case -1:
		return -1;
	}
	if (route && a->domain[0] == '\0')
		return fail(why, "the address has no domain");
	if (*p >= end || **p != '>')
		return fail(why, "the address holds a character that is not "
		    "allowed, or its > is missing");
	(*p)++;
	return 1;
}

int
address_parse_utf8(struct address *a, const char *s, size_t n,
    const char **why)
{
	const char *p = s, *end = s + n;
	int found;

	a->local[0] = a->domain[0] = '\0';
	if (n == 0)
		return 1;
	if ((found = address_path(&p, end, a, why)) == 0)
		found = address_mailbox(&p, end, a, why);
	if (found == 0)
		return fail(why, "there is no local part");
	if (found == 1 && p < end)
		return fail(why, "the address holds a character that is not "
		    "allowed");
	return found;
}

int
address_parse(struct address *a, const char *s, size_t n, const char **why)
{
	int found = address_parse_utf8(a, s, n, why);

	if (found != 1 || address_is_ascii(a))
		return found;
	return fail(why, "the address holds a character that is not ASCII");
}

int
address_is_ascii(const struct address *a)
{
	return chars_ascii(a->local, strlen(a->local)) &&
	    chars_ascii(a->domain, strlen(a->domain));
}

int
address_is_host(const char *s, size_t n)
{
	const char *p = s, *end = s + n;
	int found;

	if ((found = literal_rule(&p, end, NULL)) == 0)
		found = domain_rule(&p, end, NULL);
	return found == 1 && p == end && chars_ascii(s, n);
}

int
address_is_null(const struct address *a)
{
	return a->local[0] == '\0' && a->domain[0] == '\0';
}

int
address_equal(const struct address *a, const struct address *b)
{
	return strcmp(a->local, b->local) == 0 &&
	    chars_is(a->domain, strlen(a->domain), b->domain);
}

/* Whether a local part can stand without quotes. */
static int
is_dot_string(const char *s)
{
	struct address a;
	const char *p = s, *end = s + strlen(s);

	return dot_string(&p, end, &a, NULL) == 1 && p == end;
}

char *
address_text(const struct address *a, char text[ADDRESS_TEXT_MAX])
{
	const char *s = a->local;
	char *out = text;
	int quote;

	*out = '\0';
	if (address_is_null(a))
		return text;
	quote = !is_dot_string(s);
	if (quote)
		*out++ = '"';
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			*out++ = '\\';
		*out++ = *s;
	}
	if (quote)
		*out++ = '"';
	if (a->domain[0] != '\0') {
		*out++ = '@';
		strlcpy(out, a->domain, ADDRESS_DOMAIN_MAX + 1);
	} else
		*out = '\0';
	return text;
}

int
address_write(struct buf *b, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	return buf_adds(b, address_text(a, text));
}
