/* SPDX-License-Identifier: ISC
 *
 * A DNS message as sets of records with their signatures, and whether one of
 * a set's signatures is right.  ldns does the arithmetic (canonical form,
 * digest, public key); what a signature may say, and how many are tried, is
 * judged here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/dns_chain_local.h"

#define RECORDS_MAX	512	/* in answer and authority together */
#define SETS_MAX	128
#define SIGS_MAX	64	/* looked at of one set */

/* Parts of an RRSIG (RFC 4034). */
enum { R_TYPE, R_ALGORITHM, R_LABELS, R_TTL, R_END, R_BEGIN, R_TAG, R_SIGNER,
    R_SIGNATURE, R_PARTS };

#define FLAG_ZONE	0x0100	/* of a DNSKEY */
#define FLAG_REVOKED	0x0080

/* ---- records ---- */

uint32_t
dns_rr_number(const ldns_rr *rr, size_t i)
{
	const ldns_rdf *rdf = i < ldns_rr_rd_count(rr) ?
	    ldns_rr_rdf(rr, i) : NULL;
	uint32_t v = 0;
	size_t k, n;

	if (rdf == NULL)
		return 0;
	n = ldns_rdf_size(rdf);
	for (k = 0; k < n && n <= 4; k++)
		v = v << 8 | ldns_rdf_data(rdf)[k];
	return v;
}

int
dns_rr_name(const ldns_rr *rr, size_t i, struct dns_name *to)
{
	const ldns_rdf *rdf = i < ldns_rr_rd_count(rr) ?
	    ldns_rr_rdf(rr, i) : NULL;

	if (rdf == NULL || ldns_rdf_get_type(rdf) != LDNS_RDF_TYPE_DNAME)
		return -1;
	return dns_name_set(to, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

static int
same_data(const ldns_rr *a, const ldns_rr *b)
{
	size_t i, n = ldns_rr_rd_count(a);
	const ldns_rdf *x, *y;

	if (n != ldns_rr_rd_count(b))
		return 0;
	for (i = 0; i < n; i++) {
		x = ldns_rr_rdf(a, i);
		y = ldns_rr_rdf(b, i);
		if (x == NULL || y == NULL || ldns_rdf_size(x) !=
		    ldns_rdf_size(y) || memcmp(ldns_rdf_data(x),
		    ldns_rdf_data(y), ldns_rdf_size(x)) != 0)
			return 0;
	}
	return 1;
}

/* ---- a message ---- */

/* The set that a record belongs to, made if need be; NULL: no room. */
static struct dns_set *
set_for(struct dns_message *m, const struct dns_name *owner, ldns_rr_type type,
    int in_answer)
{
	struct dns_set *s;
	size_t i;

	for (i = 0; i < m->n; i++) {
		s = &m->sets[i];
		if (s->type == type && s->in_answer == in_answer &&
		    dns_name_equal(&s->owner, owner))
			return s;
	}
	if (m->n == SETS_MAX)
		return NULL;
	s = &m->sets[m->n];
	s->owner = *owner;
	s->type = type;
	s->in_answer = in_answer;
	s->rrs = ldns_rr_list_new();
	s->sigs = ldns_rr_list_new();
	m->n++;
	return s->rrs == NULL || s->sigs == NULL ? NULL : s;
}

static int
add(ldns_rr_list *list, const ldns_rr *rr)
{
	return ldns_rr_list_push_rr(list, rr) ? 0 : -1;
}

/* Sort one record in; 0, or -1: no room. */
static int
take(struct dns_message *m, const ldns_rr *rr, int in_answer)
{
	ldns_rr_type type = ldns_rr_get_type(rr);
	const ldns_rdf *name = ldns_rr_owner(rr);
	struct dns_name owner;
	struct dns_set *s;
	size_t i;

	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN || name == NULL ||
	    dns_name_set(&owner, ldns_rdf_data(name), ldns_rdf_size(name)))
		return 0;
	if (type == LDNS_RR_TYPE_RRSIG) {
		if (ldns_rr_rd_count(rr) != R_PARTS)
			return 0;
		s = set_for(m, &owner, dns_rr_number(rr, R_TYPE), in_answer);
		if (s == NULL)
			return -1;
		return ldns_rr_list_rr_count(s->sigs) >= SIGS_MAX ? 0 :
		    add(s->sigs, rr);
	}
	if ((s = set_for(m, &owner, type, in_answer)) == NULL)
		return -1;
	/* The same record twice is signed as one (RFC 4034). */
	for (i = 0; i < ldns_rr_list_rr_count(s->rrs); i++)
		if (same_data(ldns_rr_list_rr(s->rrs, i), rr))
			return 0;
	return add(s->rrs, rr);
}

static int
take_all(struct dns_message *m, const ldns_rr_list *list, int in_answer)
{
	size_t i, n = ldns_rr_list_rr_count(list);

	for (i = 0; i < n; i++)
		if (take(m, ldns_rr_list_rr(list, i), in_answer) == -1)
			return -1;
	return 0;
}

int
dns_message_open(struct dns_message *m, const uint8_t *wire, size_t len,
    char *why)
{
	const char *words = "too many records";
	const ldns_rr_list *answer, *authority;

	memset(m, 0, sizeof(*m));
	if (ldns_wire2pkt(&m->pkt, wire, len) != LDNS_STATUS_OK) {
		m->pkt = NULL;
		snprintf(why, DNS_WHY_MAX, "malformed answer");
		return -1;
	}
	answer = ldns_pkt_answer(m->pkt);
	authority = ldns_pkt_authority(m->pkt);
	if (ldns_rr_list_rr_count(answer) +
	    ldns_rr_list_rr_count(authority) <= RECORDS_MAX) {
		if ((m->sets = calloc(SETS_MAX, sizeof(*m->sets))) == NULL)
			words = "no memory";
		else if (take_all(m, answer, 1) == 0 &&
		    take_all(m, authority, 0) == 0)
			return 0;
	}
	snprintf(why, DNS_WHY_MAX, "%s", words);
	dns_message_close(m);
	return -1;
}

void
dns_message_close(struct dns_message *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		ldns_rr_list_free(m->sets[i].rrs);
		ldns_rr_list_free(m->sets[i].sigs);
	}
	free(m->sets);
	ldns_pkt_free(m->pkt);
	memset(m, 0, sizeof(*m));
}

const struct dns_set *
dns_message_find(const struct dns_message *m, const struct dns_name *owner,
    ldns_rr_type type)
{
	const struct dns_set *s;
	size_t i;

	for (i = 0; i < m->n; i++) {
		s = &m->sets[i];
		if (s->in_answer && s->type == type &&
		    ldns_rr_list_rr_count(s->rrs) > 0 &&
		    dns_name_equal(&s->owner, owner))
			return s;
	}
	return NULL;
}

int
dns_set_signer(const struct dns_set *s, int above, struct dns_name *to)
{
	size_t i, n = ldns_rr_list_rr_count(s->sigs);
	struct dns_name name;
	int r = -1;

	/* The deepest: one above the zone that signs is not the zone. */
	for (i = 0; i < n; i++) {
		if (dns_rr_name(ldns_rr_list_rr(s->sigs, i), R_SIGNER,
		    &name) == -1 || !dns_name_within(&s->owner, &name) ||
		    (above && dns_name_equal(&s->owner, &name)))
			continue;
		if (r == -1 || name.len > to->len)
			*to = name;
		r = 0;
	}
	return r;
}

/* ---- signatures ---- */

int
dns_algorithm_known(unsigned algorithm)
{
	switch (algorithm) {
	case LDNS_RSASHA1:
	case LDNS_RSASHA1_NSEC3:
	case LDNS_RSASHA256:
	case LDNS_RSASHA512:
	case LDNS_ECDSAP256SHA256:
	case LDNS_ECDSAP384SHA384:
	case LDNS_ED25519:
	case LDNS_ED448:
		return 1;
	}
	return 0;
}

int
dns_digest_known(unsigned digest)
{
	return digest == LDNS_SHA1 || digest == LDNS_SHA256 ||
	    digest == LDNS_SHA384;
}

/* Whether this is a signature over the set by the zone, at this time; words
 * why not. */
static int
is_usable(const ldns_rr *sig, const struct dns_set *s,
    const struct dns_name *zone, long long now, char *why)
{
	unsigned labels = dns_name_labels(&s->owner) -
	    (unsigned)dns_name_is_wildcard(&s->owner);
	struct dns_name signer;

	if (dns_rr_name(sig, R_SIGNER, &signer) == -1 ||
	    !dns_name_equal(&signer, zone))
		return 0;
	if (dns_rr_number(sig, R_LABELS) > labels ||
	    dns_rr_number(sig, R_LABELS) < dns_name_labels(zone) ||
	    !dns_algorithm_known(dns_rr_number(sig, R_ALGORITHM)))
		return 0;
	/* Times are numbers in a ring of 2^32 seconds. */
	if ((int32_t)(dns_rr_number(sig, R_END) - (uint32_t)now) < 0) {
		snprintf(why, DNS_WHY_MAX, "signature expired");
		return 0;
	}
	if ((int32_t)((uint32_t)now - dns_rr_number(sig, R_BEGIN)) < 0) {
		snprintf(why, DNS_WHY_MAX, "signature not yet valid");
		return 0;
	}
	return 1;
}

static int
is_key_for(const ldns_rr *key, const ldns_rr *sig)
{
	unsigned flags = dns_rr_number(key, 0);

	return ldns_rr_rd_count(key) == 4 && (flags & FLAG_ZONE) != 0 &&
	    (flags & FLAG_REVOKED) == 0 && dns_rr_number(key, 1) == 3 &&
	    dns_rr_number(key, 2) == dns_rr_number(sig, R_ALGORITHM) &&
	    ldns_calc_keytag(key) == dns_rr_number(sig, R_TAG);
}

static void
lower(uint32_t *ttl, long long to)
{
	if (to < (long long)*ttl)
		*ttl = to < 0 ? 0 : (uint32_t)to;
}

/* What a set may be kept: no longer than any record says, than was signed,
 * and than the signature lives. */
static void
lower_ttl(const struct dns_set *s, const ldns_rr *sig, long long now,
    uint32_t *ttl)
{
	size_t i, n = ldns_rr_list_rr_count(s->rrs);

	for (i = 0; i < n; i++)
		lower(ttl, ldns_rr_ttl(ldns_rr_list_rr(s->rrs, i)));
	lower(ttl, dns_rr_number(sig, R_TTL));
	lower(ttl, (int32_t)(dns_rr_number(sig, R_END) - (uint32_t)now));
}

/* Try one signature with all keys that it may be of; whether it is right. */
static int
try_keys(const struct dns_set *s, const ldns_rr *sig, const ldns_rr_list *keys,
    long long now, struct dns_effort *effort, unsigned *tries, char *why)
{
	size_t i, n = ldns_rr_list_rr_count(keys);
	ldns_rr *key;

	for (i = 0; i < n; i++) {
		key = ldns_rr_list_rr(keys, i);
		if (!is_key_for(key, sig))
			continue;
		if (*tries == DNS_SET_TRIES ||
		    effort->signatures == DNS_ALL_TRIES) {
			snprintf(why, DNS_WHY_MAX, "too many signatures");
			return 0;
		}
		++*tries;
		effort->signatures++;
		/* ldns asks for what it does not change. */
		if (ldns_verify_rrsig_time(s->rrs, (ldns_rr *)(uintptr_t)sig,
		    key, (time_t)now) == LDNS_STATUS_OK)
			return 1;
		snprintf(why, DNS_WHY_MAX, "wrong signature");
	}
	return 0;
}

enum dns_checked
dns_set_check(const struct dns_set *s, const struct dns_name *zone,
    const ldns_rr_list *keys, long long now, struct dns_effort *effort,
    unsigned *labels, uint32_t *ttl, char *why)
{
	size_t i, n = ldns_rr_list_rr_count(s->sigs);
	unsigned all = dns_name_labels(&s->owner), tries = 0;
	const ldns_rr *sig;

	snprintf(why, DNS_WHY_MAX, n == 0 ? "not signed" :
	    "no signature by a key of the zone");
	for (i = 0; i < n; i++) {
		sig = ldns_rr_list_rr(s->sigs, i);
		if (!is_usable(sig, s, zone, now, why) ||
		    !try_keys(s, sig, keys, now, effort, &tries, why))
			continue;
		lower_ttl(s, sig, now, ttl);
		*labels = dns_rr_number(sig, R_LABELS);
		return *labels + (unsigned)dns_name_is_wildcard(&s->owner) <
		    all ? DNS_EXPANDED : DNS_GOOD;
	}
	return DNS_BAD;
}
