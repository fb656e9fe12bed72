/* SPDX-License-Identifier: ISC
 *
 * The record of TLSRPT.  What is malformed asks for no reports.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/tlsrpt.h"

#define EXT_NAME	32	/* octets of an extension's name */

static int
bad(struct tlsrpt *t, const char *why)
{
	t->why = why;
	return -1;
}

static const char *
skip_wsp(const char *p, const char *end)
{
	while (p < end && char_is(*p, CHAR_WSP))
		p++;
	return p;
}

/* tlsrpt-rua = %s"rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri), from behind
 * the "="; the first one counts. */
static int
take_rua(struct tlsrpt *t, const char *p, const char *end)
{
	struct report_uri u;
	int first = t->nrua == 0, r;

	while ((r = report_uri_next(&u, &p, end)) != 0) {
		if (r == -1)
			return bad(t, "an address of rua= is malformed");
		if (first && t->nrua < TLSRPT_RUA_MAX)
			t->rua[t->nrua++] = u;
	}
	return t->nrua > 0 ? 1 : bad(t, "rua= is empty");
}

/*
 * tlsrpt-extension = tlsrpt-ext-name "=" tlsrpt-ext-value
 * tlsrpt-ext-name  = (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / ".")
 * tlsrpt-ext-value = 1*(%x21-3A / %x3C / %x3E-7E)
 */
static int
take_field(struct tlsrpt *t, const char *p, const char *end)
{
	const char *eq = memchr(p, '=', (size_t)(end - p)), *q;

	if (eq == NULL || eq == p || eq - p > EXT_NAME ||
	    !char_is(*p, CHAR_ALNUM))
		return bad(t, "a field is not of the form name=value");
	for (q = p; q < eq; q++)
		if (!char_is(*q, CHAR_ALNUM) && *q != '_' && *q != '-' &&
		    *q != '.')
			return bad(t, "the name of a field is malformed");
	if (eq - p == 3 && memcmp(p, "rua", 3) == 0)
		return take_rua(t, eq + 1, end);
	if (eq + 1 == end)
		return bad(t, "a field has no value");
	for (q = eq + 1; q < end; q++)
		if (!char_is(*q, CHAR_PRINT) || *q == ' ' || *q == '=')
			return bad(t, "the value of a field is malformed");
	return 1;
}

/*
 * tlsrpt-record  = tlsrpt-version 1*(tlsrpt-field-delim tlsrpt-field)
 *		    [tlsrpt-field-delim]
 * tlsrpt-version = %s"v=TLSRPTv1"
 */
int
tlsrpt_record(struct tlsrpt *t, const char *p, size_t n)
{
	static const char version[] = "v=TLSRPTv1";
	const char *end = p + n, *semi, *stop;

	memset(t, 0, sizeof(*t));
	t->why = "";
	if (n < sizeof(version) - 1 ||
	    memcmp(p, version, sizeof(version) - 1) != 0)
		return 0;
	p = skip_wsp(p + sizeof(version) - 1, end);
	if (p < end && *p != ';')
		return p[-1] == '1' ? 0 : bad(t, "a semicolon is missing");
	for (; p < end; p = semi) {
		p = skip_wsp(p + 1, end);
		if (p == end)
			break;
		if ((semi = memchr(p, ';', (size_t)(end - p))) == NULL)
			semi = end;
		for (stop = semi; stop > p && char_is(stop[-1], CHAR_WSP);)
			stop--;
		if (stop == p && semi < end)
			return bad(t, "a field is empty");
		if (stop > p && take_field(t, p, stop) == -1)
			return -1;
	}
	return t->nrua > 0 ? 1 : bad(t, "there is no rua=");
}
