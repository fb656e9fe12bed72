/* SPDX-License-Identifier: ISC
 *
 * What a mailto: URL asks for (RFC 2368): see sieve_mailto.h.
 *
 *	mailtoURL = "mailto:" [ to ] [ "?" header *( "&" header ) ]
 *	header    = hname "=" hvalue
 *
 * NOTE: characters that should be encoded are taken as they stand, but for
 * blanks, controls and what is not ASCII.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar/addrlist.h"
#include "grammar/chars.h"
#include "sieve_mailto.h"

#define SCHEME	"mailto:"

/* Fields that are not the URI's to set: RFC 5436, section 2.7, and what would
 * make the message another one. */
static bool
is_reserved(const char *name)
{
	static const char *const names[] = { "from", "sender", "bcc",
	    "auto-submitted", "received", "message-id", "date", "return-path",
	    "delivered-to", "in-reply-to", "references", "mime-version" };
	const char *end = name + strlen(name);
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (chars_is(name, strlen(name), names[i]))
			return true;
	return chars_begin(name, end, "resent-") ||
	    chars_begin(name, end, "content-");
}

/* Decode "%XX" in place: 1, 0 malformed. */
static int
decode(char *p)
{
	char *to = p;
	int hi, lo;

	for (; *p != '\0'; p++) {
		if (*p != '%') {
			*to++ = *p;
			continue;
		}
		if ((hi = char_hex(p[1])) == -1 ||
		    (lo = char_hex(p[2])) == -1 ||
		    hi + lo == 0)
			return 0;
		*to++ = (char)(hi << 4 | lo);
		p += 2;
	}
	*to = '\0';
	return 1;
}

/* The addresses of a list: 1, 0 one is none or they are too many, -1 no
 * memory. */
static int
take_addresses(struct mailto *m, const char *text)
{
	struct addrlist_item item;
	struct addrlist list;
	int ret = 1, next;

	addrlist_init(&list, text, strlen(text));
	while (ret == 1 && (next = addrlist_next(&list, &item)) == 1) {
		if (m->n == MAILTO_ADDRESSES_MAX ||
		    !addrlist_address(&item, &m->to[m->n]))
			ret = 0;
		else
			m->n++;
	}
	addrlist_free(&list);
	return ret == 1 && next == -1 ? -1 : ret;
}

static bool
is_name(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!char_is(*s, CHAR_FTEXT))
			return false;
	return true;
}

/* The values of Cc, whose addresses come behind all others. */
struct copies {
	const char	*v[MAILTO_ADDRESSES_MAX];
	size_t		 n;
};

/* A header of the URI, decoded: as above. */
static int
take_field(struct mailto *m, const char *name, const char *value,
    struct copies *cc)
{
	if (!is_name(name))
		return 0;
	if (strcasecmp(name, "to") == 0)
		return take_addresses(m, value);
	if (strcasecmp(name, "cc") == 0) {
		if (cc->n == MAILTO_ADDRESSES_MAX)
			return 0;
		cc->v[cc->n++] = value;
	} else if (strcasecmp(name, "subject") == 0)
		m->subject = value;
	else if (strcasecmp(name, "body") == 0)
		m->body = value;
	else if (!is_reserved(name)) {
		if (m->nfields == MAILTO_FIELDS_MAX)
			return 0;
		m->fields[m->nfields].name = name;
		m->fields[m->nfields++].value = value;
	}
	return 1;
}

/* What stands behind "?". */
static int
take_fields(struct mailto *m, char *p, struct copies *cc)
{
	char *next, *value;
	int ret = 1;

	for (; ret == 1 && p != NULL; p = next) {
		if ((next = strchr(p, '&')) != NULL)
			*next++ = '\0';
		if ((value = strchr(p, '=')) == NULL)
			return 0;
		*value++ = '\0';
		ret = decode(p) && decode(value) ?
		    take_field(m, p, value, cc) : 0;
	}
	return ret;
}

static int
parse(struct mailto *m)
{
	char *p = m->text + strlen(SCHEME), *fields = strchr(p, '?');
	struct copies cc = { .n = 0 };
	size_t before, i;
	int ret;

	if (fields != NULL)
		*fields++ = '\0';
	ret = decode(p) ? take_addresses(m, p) : 0;
	if (ret == 1)
		ret = take_fields(m, fields, &cc);
	before = m->n;
	for (i = 0; ret == 1 && i < cc.n; i++)
		ret = take_addresses(m, cc.v[i]);
	m->ncc = m->n - before;
	return ret;
}

int
mailto_parse(struct mailto *m, const char *p, size_t n)
{
	size_t i;
	int ret;

	memset(m, 0, sizeof(*m));
	if (!chars_begin(p, p + n, SCHEME))
		return 0;
	for (i = 0; i < n; i++)
		if (p[i] == ' ' || !char_is(p[i], CHAR_PRINT))
			return 0;
	if ((m->text = strndup(p, n)) == NULL)
		return -1;
	if ((ret = parse(m)) != 1)
		mailto_free(m);
	return ret;
}

void
mailto_free(struct mailto *m)
{
	free(m->text);
	memset(m, 0, sizeof(*m));
}
