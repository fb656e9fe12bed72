/* SPDX-License-Identifier: ISC
 *
 * Proofs that something is not there, by NSEC (RFC 4034, 4035) and NSEC3 (RFC
 * 5155), with what RFC 6840 says of names below a delegation.
 *
 * ldns's own functions for this are not used: they judge by the response code,
 * which is not signed, and do not look whether the record that denies comes
 * from the right side of a delegation.
 */
#include <stdio.h>
#include <string.h>

#include "system/dns_chain_local.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define HASH		20	/* octets of SHA-1, the one hash there is */

/* ---- records ---- */

/* Whether a map of types (RFC 4034) has one. */
static int
map_has(const ldns_rr *rr, size_t part, ldns_rr_type type)
{
	const ldns_rdf *map = part < ldns_rr_rd_count(rr) ?
	    ldns_rr_rdf(rr, part) : NULL;
	const uint8_t *p;
	size_t n, i, len;

	/* An empty one is no part at all. */
	if (map == NULL)
		return 0;
	p = ldns_rdf_data(map);
	n = ldns_rdf_size(map);
	for (i = 0; i + 2 <= n; i += 2 + len) {
		len = p[i + 1];
		if (i + 2 + len > n)
			return 0;
		if (p[i] == type >> 8)
			return (type & 255) / 8 < len &&
			    (p[i + 2 + (type & 255) / 8] &
			    128u >> (type & 7)) != 0;
	}
	return 0;
}

static int
has(const ldns_rr *rr, ldns_rr_type type)
{
	return map_has(rr, ldns_rr_get_type(rr) == LDNS_RR_TYPE_NSEC ? 1 : 5,
	    type);
}

/* Where the zone gives a name, or all below it, away. */
static int
is_delegation(const ldns_rr *rr)
{
	return has(rr, LDNS_RR_TYPE_NS) && !has(rr, LDNS_RR_TYPE_SOA);
}

static int
leads_away(const ldns_rr *rr)
{
	return is_delegation(rr) || has(rr, LDNS_RR_TYPE_DNAME);
}

/* Whether the record of this very name denies a type there: the one above a
 * delegation speaks of DS alone, and the one below of all but DS. */
static int
denies(const ldns_rr *rr, const struct dns_name *name, ldns_rr_type type)
{
	if (has(rr, type) || has(rr, LDNS_RR_TYPE_CNAME))
		return 0;
	if (type == LDNS_RR_TYPE_DS)
		return name->len == 1 || !has(rr, LDNS_RR_TYPE_SOA);
	return !is_delegation(rr);
}

/* ---- NSEC ---- */

static const ldns_rr *
nsec_at(const struct dns_denial *d, const struct dns_name *name)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (dns_name_equal(&d->owner[i], name))
			return d->nsec[i];
	return NULL;
}

/* The NSEC in whose gap a name lies; its two ends are set. */
static const ldns_rr *
nsec_over(const struct dns_denial *d, const struct dns_name *name,
    const struct dns_name **from, struct dns_name *to)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		*from = &d->owner[i];
		if (dns_rr_name(d->nsec[i], 0, to) == -1 ||
		    dns_name_compare(*from, name) >= 0)
			continue;
		/* The last one of a zone leads to its top. */
		if (dns_name_compare(name, to) >= 0 &&
		    !dns_name_equal(to, d->zone))
			continue;
		if (dns_name_within(name, *from) && leads_away(d->nsec[i]))
			continue;
		return d->nsec[i];
	}
	return NULL;
}

/* How many last labels of a name in a gap exist. */
static unsigned
encloser(const struct dns_name *name, const struct dns_name *from,
    const struct dns_name *to)
{
	unsigned a = dns_name_common(name, from);
	unsigned b = dns_name_common(name, to);

	return a > b ? a : b;
}

/* A name's own records, not what a wildcard makes of it. */
static enum dns_proof
nsec_own(const struct dns_denial *d, const struct dns_name *name,
    ldns_rr_type type, unsigned *exist)
{
	const struct dns_name *from;
	const ldns_rr *rr = nsec_at(d, name);
	struct dns_name to;

	if (rr != NULL)
		return denies(rr, name, type) ? DNS_PROOF_NODATA :
		    DNS_PROOF_NONE;
	if (nsec_over(d, name, &from, &to) == NULL)
		return DNS_PROOF_NONE;
	/* Something is below it: it exists, and is empty. */
	if (dns_name_within(&to, name))
		return DNS_PROOF_NODATA;
	*exist = encloser(name, from, &to);
	return DNS_PROOF_NAME;
}

static enum dns_proof
nsec_of(const struct dns_denial *d, const struct dns_name *name,
    ldns_rr_type type)
{
	unsigned exist = 0;
	enum dns_proof r = nsec_own(d, name, type, &exist);
	struct dns_name wild;

	if (r != DNS_PROOF_NAME)
		return r;
	dns_name_tail(&wild, name, exist);
	if (dns_name_wildcard(&wild, &wild) == -1)
		return DNS_PROOF_NAME;
	return nsec_own(d, &wild, type, &exist);
}

/* ---- NSEC3 ---- */

/* The hash of a name; 0, or -1: that many are not made. */
static int
hash_name(const struct dns_denial *d, const struct dns_name *name,
    uint8_t *to)
{
	const ldns_rdf *salt = ldns_rr_rdf(d->nsec3[0], 3);
	unsigned i, n = dns_rr_number(d->nsec3[0], 2);
	size_t nsalt = ldns_rdf_size(salt) - 1;
	ldns_sha1_ctx c;

	if (d->effort->hashes == DNS_ALL_HASHES)
		return -1;
	d->effort->hashes++;
	for (i = 0; i <= n; i++) {
		ldns_sha1_init(&c);
		ldns_sha1_update(&c, i == 0 ? name->wire : to,
		    i == 0 ? name->len : HASH);
		ldns_sha1_update(&c, ldns_rdf_data(salt) + 1,
		    (unsigned)nsalt);
		ldns_sha1_final(to, &c);
	}
	return 0;
}

static const ldns_rr *
nsec3_at(const struct dns_denial *d, const uint8_t *hash)
{
	size_t i;

	for (i = 0; i < d->n3; i++)
		if (memcmp(d->hash[i], hash, HASH) == 0)
			return d->nsec3[i];
	return NULL;
}

static const ldns_rr *
nsec3_over(const struct dns_denial *d, const struct dns_name *name)
{
	const uint8_t *from, *to;
	uint8_t hash[HASH];
	size_t i;
	int after, before;

	if (hash_name(d, name, hash) == -1)
		return NULL;
	for (i = 0; i < d->n3; i++) {
		from = d->hash[i];
		to = ldns_rdf_data(ldns_rr_rdf(d->nsec3[i], 4)) + 1;
		after = memcmp(hash, from, HASH) > 0;
		before = memcmp(hash, to, HASH) < 0;
		/* The last one of a zone leads around to the first. */
		if (memcmp(from, to, HASH) < 0 ? after && before :
		    after || before)
			return d->nsec3[i];
	}
	return NULL;
}

static int
is_optout(const ldns_rr *rr)
{
	return (dns_rr_number(rr, 1) & 1) != 0;
}

/* How many last labels of a name exist for sure, less than all of them; and
 * -1: not known, or its own records say no more there. */
static int
nsec3_encloser(const struct dns_denial *d, const struct dns_name *name)
{
	unsigned n = dns_name_labels(name);
	unsigned top = dns_name_labels(d->zone);
	struct dns_name up;
	uint8_t hash[HASH];
	const ldns_rr *rr;

	while (n-- > top) {
		dns_name_tail(&up, name, n);
		if (hash_name(d, &up, hash) == -1)
			return -1;
		if ((rr = nsec3_at(d, hash)) != NULL)
			return leads_away(rr) ? -1 : (int)n;
	}
	return -1;
}

static enum dns_proof
nsec3_of(const struct dns_denial *d, const struct dns_name *name,
    ldns_rr_type type)
{
	const ldns_rr *rr, *next;
	struct dns_name up, wild;
	uint8_t hash[HASH];
	int exist;

	if (hash_name(d, name, hash) == -1)
		return DNS_PROOF_NONE;
	if ((rr = nsec3_at(d, hash)) != NULL)
		return denies(rr, name, type) ? DNS_PROOF_NODATA :
		    DNS_PROOF_NONE;
	if ((exist = nsec3_encloser(d, name)) == -1)
		return DNS_PROOF_NONE;
	dns_name_tail(&up, name, (unsigned)exist + 1);
	if ((next = nsec3_over(d, &up)) == NULL)
		return DNS_PROOF_NONE;
	if (is_optout(next))
		return DNS_PROOF_OPTOUT;
	dns_name_tail(&up, name, (unsigned)exist);
	if (dns_name_wildcard(&wild, &up) == -1)
		return DNS_PROOF_NAME;
	if (hash_name(d, &wild, hash) == -1)
		return DNS_PROOF_NONE;
	if ((rr = nsec3_at(d, hash)) != NULL)
		return denies(rr, &wild, type) ? DNS_PROOF_NODATA :
		    DNS_PROOF_NONE;
	return nsec3_over(d, &wild) != NULL ? DNS_PROOF_NAME : DNS_PROOF_NONE;
}

/* ---- both ---- */

/* Whether an NSEC3 is one that we know and of the kind of the first; its
 * owner's hash is set. */
static int
is_nsec3(struct dns_denial *d, const ldns_rr *rr, const struct dns_name *owner,
    uint8_t *hash)
{
	const ldns_rdf *salt, *first, *next;
	struct dns_name up;
	char label[33];

	if (ldns_rr_rd_count(rr) < 5 || dns_rr_number(rr, 0) != 1 ||
	    (dns_rr_number(rr, 1) & ~1u) != 0)
		return 0;
	salt = ldns_rr_rdf(rr, 3);
	next = ldns_rr_rdf(rr, 4);
	if (salt == NULL || next == NULL || ldns_rdf_size(salt) < 1 ||
	    ldns_rdf_data(salt)[0] != ldns_rdf_size(salt) - 1 ||
	    ldns_rdf_size(next) != HASH + 1 || owner->wire[0] != 32 ||
	    dns_name_labels(owner) != dns_name_labels(d->zone) + 1)
		return 0;
	dns_name_tail(&up, owner, dns_name_labels(d->zone));
	if (!dns_name_equal(&up, d->zone))
		return 0;
	memcpy(label, owner->wire + 1, 32);
	label[32] = '\0';
	if (ldns_b32_pton_extended_hex(label, 32, hash, HASH + 1) != HASH)
		return 0;
	if (d->n3 == 0)
		return 1;
	first = ldns_rr_rdf(d->nsec3[0], 3);
	return dns_rr_number(rr, 2) == dns_rr_number(d->nsec3[0], 2) &&
	    ldns_rdf_compare(first, salt) == 0;
}

void
dns_denial_add(struct dns_denial *d, const struct dns_set *s)
{
	const struct dns_name *owner = &s->owner;
	const ldns_rr *rr = ldns_rr_list_rr(s->rrs, 0);
	uint8_t hash[HASH + 1];

	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_NSEC) {
		if (d->n < COUNT(d->nsec) && ldns_rr_rd_count(rr) >= 1) {
			d->owner[d->n] = *owner;
			d->nsec[d->n++] = rr;
		}
	} else if (is_nsec3(d, rr, owner, hash)) {
		if (dns_rr_number(rr, 2) > DNS_ITERATIONS)
			d->costly = 1;
		else if (d->n3 < COUNT(d->nsec3)) {
			memcpy(d->hash[d->n3], hash, HASH);
			d->nsec3[d->n3++] = rr;
		}
	}
}

int
dns_denial_take(struct dns_denial *d, const struct dns_message *m,
    const struct dns_name *zone, const ldns_rr_list *keys, long long now,
    struct dns_effort *effort, uint32_t *ttl, char *why)
{
	const struct dns_set *s;
	unsigned labels;
	size_t i;

	memset(d, 0, sizeof(*d));
	d->zone = zone;
	d->effort = effort;
	snprintf(why, DNS_WHY_MAX, "no proof that there is none");
	for (i = 0; i < m->n; i++) {
		s = &m->sets[i];
		if (s->in_answer || ldns_rr_list_rr_count(s->rrs) != 1 ||
		    (s->type != LDNS_RR_TYPE_NSEC &&
		    s->type != LDNS_RR_TYPE_NSEC3))
			continue;
		/* One made from a wildcard would deny what it never saw. */
		if (dns_set_check(s, zone, keys, now, effort, &labels, ttl,
		    why) == DNS_GOOD)
			dns_denial_add(d, s);
	}
	return d->n > 0 || d->n3 > 0 || d->costly;
}

enum dns_proof
dns_denial_of(const struct dns_denial *d, const struct dns_name *name,
    ldns_rr_type type)
{
	enum dns_proof r = DNS_PROOF_NONE;

	if (!dns_name_within(name, d->zone))
		return DNS_PROOF_NONE;
	if (d->n > 0)
		r = nsec_of(d, name, type);
	if (r == DNS_PROOF_NONE && d->n3 > 0)
		r = nsec3_of(d, name, type);
	return r == DNS_PROOF_NONE && d->costly ? DNS_PROOF_OPTOUT : r;
}

enum dns_proof
dns_denial_closer(const struct dns_denial *d, const struct dns_name *name,
    unsigned labels)
{
	const struct dns_name *from;
	const ldns_rr *rr;
	struct dns_name to;

	if (d->n > 0 && nsec_over(d, name, &from, &to) != NULL &&
	    !dns_name_within(&to, name) && encloser(name, from, &to) == labels)
		return DNS_PROOF_NAME;
	if (d->n3 > 0) {
		dns_name_tail(&to, name, labels + 1);
		if ((rr = nsec3_over(d, &to)) != NULL)
			return is_optout(rr) ? DNS_PROOF_OPTOUT :
			    DNS_PROOF_NAME;
	}
	return d->costly ? DNS_PROOF_OPTOUT : DNS_PROOF_NONE;
}

int
dns_denial_cut(const struct dns_denial *d, const struct dns_name *name)
{
	const ldns_rr *rr = NULL;
	uint8_t hash[HASH];

	if (d->n > 0)
		rr = nsec_at(d, name);
	if (rr == NULL && d->n3 > 0 && hash_name(d, name, hash) == 0)
		rr = nsec3_at(d, hash);
	return rr != NULL && has(rr, LDNS_RR_TYPE_NS);
}
