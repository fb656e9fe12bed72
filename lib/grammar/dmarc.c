/* SPDX-License-Identifier: ISC
 *
 * The record of DMARC.  A tag that cannot be read never spoils the rest.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/dmarc.h"

static const char *
skip_wsp(const char *p, const char *end)
{
	while (p < end && char_is(*p, CHAR_WSP))
		p++;
	return p;
}

/* dmarc-request = "none" / "quarantine" / "reject" */
static enum dmarc_policy
request(const char *p, size_t n)
{
	static const enum dmarc_policy all[] = {
		DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (chars_is(p, n, dmarc_policy_name(all[i])))
			return all[i];
	return DMARC_UNSET;
}

/* dmarc-urilist; those that are well-formed are kept. */
static unsigned
uris(const char *p, size_t n, struct report_uri *list, size_t *count,
    unsigned fault)
{
	const char *end = p + n;
	unsigned faults = 0;
	struct report_uri u;
	int r;

	while ((r = report_uri_next(&u, &p, end)) != 0)
		if (r == -1)
			faults = fault;
		else if (*count < DMARC_URI_MAX)
			list[(*count)++] = u;
	return *count == 0 ? fault : faults;
}

/* dmarc-fo = "0" / "1" / "d" / "s" / "d:s" / "s:d"
 * NOTE: any list of the four with colons is taken. */
static unsigned
options(struct dmarc_record *d, const char *p, size_t n)
{
	static const char letters[] = "01ds";
	const char *found;
	unsigned fo = 0;
	size_t i;

	if (n % 2 == 0)
		return DMARC_BAD_TAG;
	for (i = 0; i < n; i += 2) {
		found = strchr(letters, char_lower(p[i]));
		if (p[i] == '\0' || found == NULL ||
		    (i + 1 < n && p[i + 1] != ':'))
			return DMARC_BAD_TAG;
		fo |= 1u << (found - letters);
	}
	d->fo = fo;
	return 0;
}

/* A value of one letter: its index in letters, or -1. */
static int
letter(const char *p, size_t n, const char *letters)
{
	const char *found;

	if (n != 1 || *p == '\0' ||
	    (found = strchr(letters, char_lower(*p))) == NULL)
		return -1;
	return (int)(found - letters);
}

static unsigned
take_letter(int *to, const char *p, size_t n, const char *letters)
{
	int v = letter(p, n, letters);

	if (v == -1)
		return DMARC_BAD_TAG;
	*to = v;
	return 0;
}

static unsigned
take_policy(enum dmarc_policy *to, const char *p, size_t n, unsigned fault)
{
	*to = request(p, n);
	return *to == DMARC_UNSET ? fault : 0;
}

enum tag {
	TAG_P, TAG_SP, TAG_NP, TAG_RUA, TAG_RUF, TAG_FO, TAG_ADKIM, TAG_ASPF,
	TAG_T, TAG_PSD, TAG_PCT, TAG_RF, TAG_RI, TAG_UNKNOWN
};

static enum tag
find_tag(const char *p, size_t n)
{
	static const char *const names[] = {
		[TAG_P] = "p", [TAG_SP] = "sp", [TAG_NP] = "np",
		[TAG_RUA] = "rua", [TAG_RUF] = "ruf", [TAG_FO] = "fo",
		[TAG_ADKIM] = "adkim", [TAG_ASPF] = "aspf", [TAG_T] = "t",
		[TAG_PSD] = "psd", [TAG_PCT] = "pct", [TAG_RF] = "rf",
		[TAG_RI] = "ri"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (chars_is(p, n, names[i]))
			return (enum tag)i;
	return TAG_UNKNOWN;
}

/* One tag: what is wrong with it. */
static unsigned
take_tag(struct dmarc_record *d, enum tag tag, const char *p, size_t n)
{
	int v = 0;

	switch (tag) {
	case TAG_P:
		return take_policy(&d->p, p, n, DMARC_BAD_P);
	case TAG_SP:
		return take_policy(&d->sp, p, n, DMARC_BAD_SP);
	case TAG_NP:
		return take_policy(&d->np, p, n, DMARC_BAD_NP);
	case TAG_RUA:
		return uris(p, n, d->rua, &d->nrua, DMARC_BAD_RUA);
	case TAG_RUF:
		return uris(p, n, d->ruf, &d->nruf, DMARC_BAD_RUF);
	case TAG_FO:
		return options(d, p, n);
	case TAG_ADKIM:
		return take_letter(&d->strict_dkim, p, n, "rs");
	case TAG_ASPF:
		return take_letter(&d->strict_spf, p, n, "rs");
	case TAG_T:
		return take_letter(&d->test, p, n, "ny");
	case TAG_PSD:
		if (take_letter(&v, p, n, "uyn") != 0)
			return DMARC_BAD_TAG;
		d->psd = (enum dmarc_psd)v;
		return 0;
	case TAG_PCT:
	case TAG_RF:
	case TAG_RI:
		return DMARC_OBSOLETE;
	case TAG_UNKNOWN:
		return 0;
	}
	return 0;
}

/* dmarc-tag = 1*ALPHA equals 1*dmarc-value; of a tag that stands twice the
 * first counts.  What is wrong. */
static unsigned
read_tag(struct dmarc_record *d, unsigned *seen, const char *p,
    const char *end)
{
	const char *name = p;
	enum tag tag;
	size_t n;

	while (p < end && char_is(*p, CHAR_ALPHA))
		p++;
	n = (size_t)(p - name);
	p = skip_wsp(p, end);
	if (n == 0 || p == end || *p != '=')
		return DMARC_BAD_TAG;
	p = skip_wsp(p + 1, end);
	tag = find_tag(name, n);
	if (tag != TAG_UNKNOWN && (*seen & 1u << tag) != 0)
		return DMARC_BAD_TAG;
	*seen |= 1u << tag;
	return take_tag(d, tag, p, (size_t)(end - p));
}

/* dmarc-version = "v" equals %s"DMARC1"; where it ends, or NULL. */
static const char *
version(const char *p, const char *end)
{
	p = skip_wsp(p, end);
	if (p == end || char_lower(*p) != 'v')
		return NULL;
	p = skip_wsp(p + 1, end);
	if (p == end || *p != '=')
		return NULL;
	p = skip_wsp(p + 1, end);
	if (end - p < 6 || memcmp(p, "DMARC1", 6) != 0)
		return NULL;
	p = skip_wsp(p + 6, end);
	return p == end || *p == ';' ? p : NULL;
}

static void
fault(struct dmarc_record *d, unsigned which, size_t at)
{
	if (which != 0 && (d->faults & ~(unsigned)DMARC_OBSOLETE) == 0)
		d->at = at;
	d->faults |= which;
}

/* dmarc-record = dmarc-version *(dmarc-sep dmarc-tag) [dmarc-sep]
 * NOTE: white space before the version is skipped. */
int
dmarc_record(struct dmarc_record *d, const char *text, size_t n)
{
	const char *end = text + n, *p, *semi, *stop;
	unsigned seen = 0;

	memset(d, 0, sizeof(*d));
	d->fo = DMARC_FO_ALL;
	if ((p = version(text, end)) == NULL)
		return 0;
	while (p < end) {
		p = skip_wsp(p + 1, end);
		if ((semi = memchr(p, ';', (size_t)(end - p))) == NULL)
			semi = end;
		for (stop = semi; stop > p && char_is(stop[-1], CHAR_WSP);)
			stop--;
		if (stop > p)
			fault(d, read_tag(d, &seen, p, stop),
			    (size_t)(p - text));
		else if (semi < end)
			fault(d, DMARC_BAD_TAG, (size_t)(p - text));
		p = semi;
	}
	if ((seen & 1u << TAG_P) == 0)
		d->faults |= DMARC_NO_P;
	return 1;
}

enum dmarc_policy
dmarc_applies(const struct dmarc_record *d, int sub, int exists)
{
	if (d->p == DMARC_UNSET ||
	    (d->faults & (DMARC_BAD_SP | DMARC_BAD_NP)) != 0)
		return d->nrua > 0 ? DMARC_NONE : DMARC_UNSET;
	if (sub && !exists && d->np != DMARC_UNSET)
		return d->np;
	if (sub && d->sp != DMARC_UNSET)
		return d->sp;
	return d->p;
}

/* From nine labels on, the second name has seven. */
size_t
dmarc_walk(const char *domain, const char *names[DMARC_WALK_MAX])
{
	const char *p;
	size_t n = 0, labels = 1;

	if (*domain == '\0')
		return 0;
	names[n++] = domain;
	for (p = domain; *p != '\0'; p++)
		labels += *p == '.';
	for (p = domain; (p = strchr(p, '.')) != NULL; ) {
		p++;
		if (--labels < DMARC_WALK_MAX && *p != '\0')
			names[n++] = p;
	}
	return n;
}

size_t
dmarc_choose(const struct dmarc_record *const *r, size_t n)
{
	size_t i, last = n;

	if (n > 0 && r[0] != NULL)
		return 0;
	for (i = 1; i < n; i++) {
		if (r[i] == NULL)
			continue;
		if (r[i]->psd == DMARC_PSD_N)
			return i;
		/* The organizational domain is one label below. */
		if (r[i]->psd == DMARC_PSD_Y)
			return r[i - 1] != NULL ? i - 1 : i;
		last = i;
	}
	return last;
}

/* The name in domain that has one label more than its end has; not the end
 * itself. */
static const char *
one_below(const char *domain, const char *end)
{
	const char *p = end - 1;

	while (p > domain && p[-1] != '.')
		p--;
	return p;
}

const char *
dmarc_org(const char *const *names, const struct dmarc_record *const *r,
    size_t n)
{
	size_t i, last = 0;

	for (i = 0; i < n; i++) {
		if (r[i] == NULL)
			continue;
		if (r[i]->psd == DMARC_PSD_N)
			return names[i];
		if (i > 0 && r[i]->psd == DMARC_PSD_Y)
			return one_below(names[0], names[i]);
		last = i;
	}
	return names[last];
}

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	switch (p) {
	case DMARC_UNSET:
		return "-";
	case DMARC_NONE:
		return "none";
	case DMARC_QUARANTINE:
		return "quarantine";
	case DMARC_REJECT:
		return "reject";
	}
	return "-";
}
