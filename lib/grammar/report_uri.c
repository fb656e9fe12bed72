/* SPDX-License-Identifier: ISC
 *
 * URIs that reports go to.  It looks no deeper than those who send need: the
 * scheme, and the domain that is asked whether it wants them.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/report_uri.h"

static int
is_blank(char c)
{
	return char_is(c, CHAR_WSP);
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) (RFC 3986, section
 * 3.1); its length, or 0. */
static size_t
scheme_len(const char *p, size_t n)
{
	size_t i;

	if (n == 0 || !char_is(p[0], CHAR_ALPHA))
		return 0;
	for (i = 1; i < n && p[i] != ':'; i++)
		if (!char_is(p[i], CHAR_ALNUM) && p[i] != '+' && p[i] != '-' &&
		    p[i] != '.')
			return 0;
	return i < n ? i : 0;
}

/* A domain name's letters, with a dot in it somewhere. */
static int
is_domain(const char *p, size_t n)
{
	size_t i, label = 0, dots = 0;

	for (i = 0; i < n; i++) {
		if (p[i] == '.') {
			if (label == 0)
				return 0;
			label = 0;
			dots++;
		} else if (!char_is(p[i], CHAR_LABEL))
			return 0;
		else
			label++;
	}
	return dots > 0 && label > 0;
}

/* "mailto:" addr-spec [ "?" hfields ] (RFC 6068), one address. */
static int
take_mailto(struct report_uri *u, const char *p, size_t n)
{
	const char *end = memchr(p, '?', n), *at;

	u->scheme = REPORT_MAILTO;
	u->where = p;
	u->nwhere = end == NULL ? n : (size_t)(end - p);
	if ((at = memrchr(p, '@', u->nwhere)) == NULL || at == p)
		return -1;
	u->domain = at + 1;
	u->ndomain = u->nwhere - (size_t)(u->domain - p);
	return is_domain(u->domain, u->ndomain) ? 1 : -1;
}

/* "https://" host [ ":" port ] ... */
static int
take_https(struct report_uri *u, const char *p, size_t n)
{
	size_t i;

	u->scheme = REPORT_HTTPS;
	if (n < 3 || p[0] != '/' || p[1] != '/')
		return -1;
	u->where = u->domain = p + 2;
	for (n -= 2, i = 0; i < n && u->where[i] != '/' &&
	    u->where[i] != '?' && u->where[i] != '#'; i++)
		;
	u->nwhere = i;
	for (i = 0; i < u->nwhere && u->where[i] != ':'; i++)
		;
	u->ndomain = i;
	for (i++; i < u->nwhere; i++)
		if (!char_is(u->where[i], CHAR_DIGIT))
			return -1;
	return is_domain(u->domain, u->ndomain) ? 1 : -1;
}

static int
take(struct report_uri *u)
{
	size_t n, i;

	for (i = 0; i < u->len; i++)
		if (!char_is(u->uri[i], CHAR_PRINT) || u->uri[i] == ' ')
			return -1;
	if ((n = scheme_len(u->uri, u->len)) == 0 || n + 1 == u->len)
		return -1;
	if (chars_is(u->uri, n, "mailto"))
		return take_mailto(u, u->uri + n + 1, u->len - n - 1);
	if (chars_is(u->uri, n, "https"))
		return take_https(u, u->uri + n + 1, u->len - n - 1);
	return 1;
}

/*
 * uri-list = uri *(*WSP "," *WSP uri)
 * NOTE: "!" and a size behind a URI, which DMARC once had (RFC 7489),
 * are left out, as they are to be ignored.
 */
int
report_uri_next(struct report_uri *u, const char **p, const char *end)
{
	const char *start = *p, *stop, *bang;

	memset(u, 0, sizeof(*u));
	u->scheme = REPORT_OTHER;
	while (start < end && is_blank(*start))
		start++;
	if (start == end) {
		*p = end;
		return 0;
	}
	if (*start == ',' && ++start == end) {
		*p = end;
		return -1;
	}
	while (start < end && is_blank(*start))
		start++;
	if ((stop = memchr(start, ',', (size_t)(end - start))) == NULL)
		stop = end;
	*p = stop;
	while (stop > start && is_blank(stop[-1]))
		stop--;
	if ((bang = memrchr(start, '!', (size_t)(stop - start))) != NULL)
		stop = bang;
	u->uri = start;
	u->len = (size_t)(stop - start);
	return u->len == 0 ? -1 : take(u);
}
