/* SPDX-License-Identifier: ISC
 *
 * The way from an anchor down to a name: at each label, whether a zone begins
 * there, and whether it is signed, with which keys.  It begins at the anchor
 * each time and goes by what is known, so that it holds nothing while a
 * question is under way, and what one question learns serves all.
 */
#include <stdio.h>
#include <string.h>

#include "system/dns_chain_local.h"

#define DENIED_TTL	300	/* what a denial is believed at most */
#define KEYS_MAX	64	/* of one zone */
#define DS_MAX		32

/* ---- walking ---- */

static void
stop(struct dns_walk *w, enum dns_verdict v, const char *why)
{
	w->verdict = v;
	snprintf(w->why, sizeof(w->why), "%s", why);
}

/* What is known of where we are; 1: go on, 0: the verdict is there. */
static int
pass(struct dns_walk *w, const struct dns_zone *z)
{
	if (z == NULL) {
		w->asks = w->keys == NULL ? LDNS_RR_TYPE_DNSKEY :
		    LDNS_RR_TYPE_DS;
		stop(w, DNS_CHAIN_ASK, "");
		return 0;
	}
	switch (z->state) {
	case DNS_ZONE_DELEGATED:
		w->zone = w->at;
		w->asks = LDNS_RR_TYPE_DNSKEY;
		stop(w, DNS_CHAIN_ASK, "");
		return 0;
	case DNS_ZONE_SIGNED:
		w->zone = w->at;
		w->keys = z;
		return 1;
	case DNS_ZONE_UNSIGNED:
		stop(w, DNS_CHAIN_INSECURE, "");
		return 0;
	case DNS_ZONE_NONE:
		return 1;
	case DNS_ZONE_BOGUS:
		stop(w, DNS_CHAIN_BOGUS, z->why);
		return 0;
	}
	return 0;
}

void
dns_walk(struct dns_walk *w, struct dns_anchor *a, const struct dns_name *to,
    long long now)
{
	unsigned n, all = dns_name_labels(to);
	struct dns_name copy = *to;

	memset(w, 0, sizeof(*w));
	w->to = copy;
	if (dns_anchor_above(a, &w->to, &w->zone) == -1) {
		stop(w, DNS_CHAIN_INDETERMINATE, "");
		return;
	}
	for (n = dns_name_labels(&w->zone); n <= all; n++) {
		dns_name_tail(&w->at, &w->to, n);
		if (!pass(w, dns_zone_find(a, &w->at, now)))
			return;
	}
	stop(w, DNS_CHAIN_SECURE, "");
}

/* ---- keys ---- */

/* Whether a key is the one that a DS record, or an anchor, means. */
static int
is_meant(const ldns_rr *by, const ldns_rr *key)
{
	unsigned digest = dns_rr_number(by, 2);
	int same;
	ldns_rr *ds;

	if (ldns_rr_get_type(by) == LDNS_RR_TYPE_DNSKEY)
		return dns_rr_number(by, 0) == dns_rr_number(key, 0) &&
		    dns_rr_number(by, 2) == dns_rr_number(key, 2) &&
		    ldns_rdf_compare(ldns_rr_rdf(by, 3),
		    ldns_rr_rdf(key, 3)) == 0;
	if (dns_rr_number(by, 1) != dns_rr_number(key, 2) ||
	    dns_rr_number(by, 0) != ldns_calc_keytag(key) ||
	    (ds = ldns_key_rr2ds(key, (ldns_hash)digest)) == NULL)
		return 0;
	same = ldns_rdf_compare(ldns_rr_rdf(by, 3), ldns_rr_rdf(ds, 3)) == 0;
	ldns_rr_free(ds);
	return same;
}

/* The keys of the set that DS records or anchors mean; a list to be freed, not
 * deep; NULL: no memory. */
static ldns_rr_list *
entry_keys(const ldns_rr_list *keys, const ldns_rr_list *by)
{
	size_t i, k, n = ldns_rr_list_rr_count(keys);
	size_t nby = ldns_rr_list_rr_count(by);
	ldns_rr_list *list = ldns_rr_list_new();
	ldns_rr *key, *rr;

	for (i = 0; list != NULL && i < n; i++) {
		key = ldns_rr_list_rr(keys, i);
		if (ldns_rr_rd_count(key) != 4)
			continue;
		for (k = 0; k < nby; k++) {
			rr = ldns_rr_list_rr(by, k);
			if (is_meant(rr, key))
				break;
		}
		if (k < nby && !ldns_rr_list_push_rr(list, key)) {
			ldns_rr_list_free(list);
			return NULL;
		}
	}
	return list;
}

static int
learn(struct dns_walk *w, struct dns_anchor *a, enum dns_zone_state state,
    ldns_rr_list *records, uint32_t ttl, long long now)
{
	return dns_zone_learn(a, &w->at, state, records, ttl, "", now);
}

static int
learn_bogus(struct dns_walk *w, struct dns_anchor *a, const char *what,
    const char *why, long long now)
{
	char words[DNS_WHY_MAX], name[64];

	dns_name_text(&w->at, name, sizeof(name));
	snprintf(words, sizeof(words), "%s of %s: %.80s", what, name, why);
	return dns_zone_learn(a, &w->at, DNS_ZONE_BOGUS, NULL, DNS_KEEP_BOGUS,
	    words, now);
}

/* The keys of w->zone, which is where we are. */
static int
take_keys(struct dns_walk *w, struct dns_anchor *a,
    const struct dns_message *m, struct dns_effort *effort, long long now)
{
	const struct dns_set *s = dns_message_find(m, &w->at,
	    LDNS_RR_TYPE_DNSKEY);
	struct dns_zone *z = dns_zone_find(a, &w->at, now);
	ldns_rr_list *own = NULL, *entry, *copy;
	char why[DNS_WHY_MAX] = "there are none";
	uint32_t ttl = DNS_KEEP_MAX;
	unsigned labels;
	int r = -1, good = 0;

	if (s == NULL)
		return learn_bogus(w, a, "keys", why, now);
	if (ldns_rr_list_rr_count(s->rrs) > KEYS_MAX)
		return learn_bogus(w, a, "keys", "too many", now);
	if (z == NULL && (own = dns_anchor_of(a, &w->at)) == NULL)
		return -1;
	if (z != NULL && z->until - now < ttl)
		ttl = (uint32_t)(z->until - now);
	if ((entry = entry_keys(s->rrs, z != NULL ? z->records : own)) !=
	    NULL) {
		if (ldns_rr_list_rr_count(entry) == 0)
			snprintf(why, sizeof(why), "none is the one that the "
			    "%s", z != NULL ? "zone above means" :
			    "trust anchor means");
		else
			good = dns_set_check(s, &w->at, entry, now, effort,
			    &labels, &ttl, why) == DNS_GOOD;
		if (!good)
			r = learn_bogus(w, a, "keys", why, now);
		else if ((copy = ldns_rr_list_clone(s->rrs)) != NULL)
			r = learn(w, a, DNS_ZONE_SIGNED, copy, ttl, now);
	}
	ldns_rr_list_free(entry);
	ldns_rr_list_free(own);
	return r;
}

/* ---- delegations ---- */

static int
is_known(const ldns_rr *ds)
{
	return ldns_rr_rd_count(ds) == 4 &&
	    dns_algorithm_known(dns_rr_number(ds, 1)) &&
	    dns_digest_known(dns_rr_number(ds, 2));
}

/* Copies of the DS records that count: of what is known here, and with SHA-1
 * only where nothing better stands beside it (RFC 4509).  NULL: no memory. */
static ldns_rr_list *
useful(const ldns_rr_list *ds)
{
	size_t i, n = ldns_rr_list_rr_count(ds);
	ldns_rr_list *list = ldns_rr_list_new();
	const ldns_rr *rr;
	ldns_rr *copy;
	int better = 0;

	for (i = 0; i < n; i++) {
		rr = ldns_rr_list_rr(ds, i);
		better |= is_known(rr) && dns_rr_number(rr, 2) != LDNS_SHA1;
	}
	for (i = 0; list != NULL && i < n; i++) {
		rr = ldns_rr_list_rr(ds, i);
		if (!is_known(rr) || (better && dns_rr_number(rr, 2) ==
		    LDNS_SHA1) || ldns_rr_list_rr_count(list) >= DS_MAX)
			continue;
		copy = ldns_rr_clone(rr);
		if (copy == NULL || !ldns_rr_list_push_rr(list, copy)) {
			ldns_rr_free(copy);
			ldns_rr_list_deep_free(list);
			return NULL;
		}
	}
	return list;
}

/* No DS record: why not. */
static int
take_no_ds(struct dns_walk *w, struct dns_anchor *a,
    const struct dns_message *m, struct dns_effort *effort, long long now)
{
	char why[DNS_WHY_MAX];
	uint32_t ttl = DENIED_TTL;
	struct dns_denial d;

	if (dns_denial_take(&d, m, &w->zone, w->keys->records, now, effort,
	    &ttl, why)) {
		switch (dns_denial_of(&d, &w->at, LDNS_RR_TYPE_DS)) {
		case DNS_PROOF_NODATA:
			return learn(w, a, dns_denial_cut(&d, &w->at) ?
			    DNS_ZONE_UNSIGNED : DNS_ZONE_NONE, NULL, ttl, now);
		case DNS_PROOF_NAME:
			return learn(w, a, DNS_ZONE_NONE, NULL, ttl, now);
		case DNS_PROOF_OPTOUT:
			return learn(w, a, DNS_ZONE_UNSIGNED, NULL, ttl, now);
		case DNS_PROOF_NONE:
			snprintf(why, sizeof(why), "its absence is not "
			    "proved");
			break;
		}
	}
	return learn_bogus(w, a, "DS", why, now);
}

/* Whether a zone begins where we are, below w->zone. */
static int
take_ds(struct dns_walk *w, struct dns_anchor *a, const struct dns_message *m,
    struct dns_effort *effort, long long now)
{
	const ldns_rr_list *keys = w->keys->records;
	const struct dns_set *s;
	char why[DNS_WHY_MAX];
	uint32_t ttl = DENIED_TTL;
	ldns_rr_list *ds;
	unsigned labels;

	/* Where there is a CNAME, no zone begins. */
	if ((s = dns_message_find(m, &w->at, LDNS_RR_TYPE_CNAME)) != NULL &&
	    dns_set_check(s, &w->zone, keys, now, effort, &labels, &ttl,
	    why) != DNS_BAD)
		return learn(w, a, DNS_ZONE_NONE, NULL, ttl, now);
	if ((s = dns_message_find(m, &w->at, LDNS_RR_TYPE_DS)) == NULL)
		return take_no_ds(w, a, m, effort, now);
	ttl = DNS_KEEP_MAX;
	if (dns_set_check(s, &w->zone, keys, now, effort, &labels, &ttl,
	    why) != DNS_GOOD)
		return learn_bogus(w, a, "DS", why, now);
	if ((ds = useful(s->rrs)) == NULL)
		return -1;
	if (ldns_rr_list_rr_count(ds) > 0)
		return learn(w, a, DNS_ZONE_DELEGATED, ds, ttl, now);
	/* Signed by means that nobody here knows (RFC 4035). */
	ldns_rr_list_free(ds);
	return learn(w, a, DNS_ZONE_UNSIGNED, NULL, ttl, now);
}

int
dns_walk_take(struct dns_walk *w, struct dns_anchor *a, const uint8_t *p,
    size_t n, struct dns_effort *effort, long long now)
{
	struct dns_message m;
	ldns_pkt_rcode rcode;
	int r = -1;

	if (dns_message_open(&m, p, n, w->why) == -1)
		return -1;
	rcode = ldns_pkt_get_rcode(m.pkt);
	snprintf(w->why, sizeof(w->why), "no memory");
	if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
		snprintf(w->why, sizeof(w->why), "response code %d",
		    (int)rcode);
	else if (w->asks == LDNS_RR_TYPE_DNSKEY)
		r = take_keys(w, a, &m, effort, now);
	else
		r = take_ds(w, a, &m, effort, now);
	dns_message_close(&m);
	return r;
}
