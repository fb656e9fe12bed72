/* SPDX-License-Identifier: ISC
 *
 * The verdict over one answer: its CNAMEs, and the records or the denial at
 * their end, each judged by the keys of the zone that should have signed it.
 * The worst of them is the verdict.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/dns_chain_local.h"

#define CHAIN_MAX	16	/* CNAMEs in one answer, as in dns.c */
#define CLAIMS_MAX	(CHAIN_MAX + 1)

/* What an answer says: a set of records, or (set NULL) that there is none. */
struct claim {
	const struct dns_set *set;
	struct dns_name	 name;
};

struct dns_chain {
	struct dns_anchor *anchor;
	struct dns_message m;
	ldns_rr_type	 type;
	int		 nxdomain;	/* says the answer */
	struct claim	 claim[CLAIMS_MAX];
	size_t		 n, at;		/* how many, and which is judged */
	int		 by_name;	/* go down to the name of the claim,
					 * not to the signer */
	struct dns_effort effort;
	struct dns_walk	 walk;
	enum dns_verdict verdict;	/* the worst so far */
	int		 nodata;
	uint32_t	 ttl;
	char		*asks;
	char		 why[DNS_WHY_MAX];
};

static enum dns_verdict
end(struct dns_chain *c, enum dns_verdict v, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s", why);
	return c->verdict = v;
}

/* A verdict that is about a name. */
static enum dns_verdict
bogus(struct dns_chain *c, const struct dns_name *name, const char *what,
    const char *why)
{
	char text[64];

	snprintf(c->why, sizeof(c->why), "%s%s: %.80s", what,
	    dns_name_text(name, text, sizeof(text)), why);
	return c->verdict = DNS_CHAIN_BOGUS;
}

/* ---- what the answer claims ---- */

static void
claim(struct dns_chain *c, const struct dns_set *set,
    const struct dns_name *name)
{
	if (c->n < CLAIMS_MAX) {
		c->claim[c->n].set = set;
		c->claim[c->n++].name = *name;
	}
}

/* The DNAME that a CNAME without signature was made from, or NULL: there is
 * none, or it leads elsewhere (RFC 6672). */
static const struct dns_set *
dname_of(const struct dns_chain *c, const struct dns_name *name,
    const struct dns_name *target)
{
	struct dns_name up, to, end_;
	const struct dns_set *s;
	unsigned n = dns_name_labels(name), k;

	for (k = n; k-- > 0; ) {
		dns_name_tail(&up, name, k);
		s = dns_message_find(&c->m, &up, LDNS_RR_TYPE_DNAME);
		if (s == NULL || ldns_rr_list_rr_count(s->rrs) != 1 ||
		    dns_rr_name(ldns_rr_list_rr(s->rrs, 0), 0, &to) == -1 ||
		    dns_name_labels(target) != n - k + dns_name_labels(&to))
			continue;
		/* The labels before the owner stay, the rest is its target. */
		dns_name_tail(&end_, target, dns_name_labels(&to));
		if (dns_name_equal(&end_, &to) && target->len - to.len ==
		    name->len - up.len && memcmp(target->wire, name->wire,
		    (size_t)(name->len - up.len)) == 0)
			return s;
	}
	return NULL;
}

/* A CNAME, and the name that it leads to; 0, or -1: it is none. */
static int
claim_alias(struct dns_chain *c, const struct dns_set *s,
    struct dns_name *name)
{
	const struct dns_set *dname = NULL;
	struct dns_name to;

	if (ldns_rr_list_rr_count(s->rrs) != 1 ||
	    dns_rr_name(ldns_rr_list_rr(s->rrs, 0), 0, &to) == -1)
		return -1;
	if (ldns_rr_list_rr_count(s->sigs) == 0)
		dname = dname_of(c, name, &to);
	claim(c, dname != NULL ? dname : s, name);
	*name = to;
	return 0;
}

/* As dns_parse() reads it. */
static void
read_claims(struct dns_chain *c, struct dns_name *name)
{
	const struct dns_set *s;
	unsigned hops = 0;

	while (hops < CHAIN_MAX && (s = dns_message_find(&c->m, name,
	    LDNS_RR_TYPE_CNAME)) != NULL) {
		if (claim_alias(c, s, name) == -1) {
			bogus(c, name, "", "more than one CNAME");
			return;
		}
		hops++;
	}
	if ((s = dns_message_find(&c->m, name, c->type)) != NULL)
		claim(c, s, name);
	else if (c->nxdomain || hops == 0)
		claim(c, NULL, name);
	/* Else what the last CNAME leads to is a question of its own. */
}

struct dns_chain *
dns_chain_new(struct dns_anchor *anchor, const char *text, unsigned type,
    const uint8_t *wire, size_t len)
{
	struct dns_chain *c = calloc(1, sizeof(*c));
	struct dns_name name;
	ldns_rdf *rdf;

	if (c == NULL)
		return NULL;
	c->anchor = anchor;
	c->type = (ldns_rr_type)type;
	c->verdict = DNS_CHAIN_SECURE;
	c->ttl = UINT32_MAX;
	rdf = ldns_dname_new_frm_str(*text == '\0' ? "." : text);
	if (rdf == NULL || dns_name_set(&name, ldns_rdf_data(rdf),
	    ldns_rdf_size(rdf)) == -1)
		end(c, DNS_CHAIN_FAILED, "not a domain name");
	else if (dns_message_open(&c->m, wire, len, c->why) == -1)
		c->verdict = DNS_CHAIN_FAILED;
	else {
		c->nxdomain = ldns_pkt_get_rcode(c->m.pkt) ==
		    LDNS_RCODE_NXDOMAIN;
		read_claims(c, &name);
	}
	ldns_rdf_deep_free(rdf);
	return c;
}

void
dns_chain_free(struct dns_chain *c)
{
	if (c == NULL)
		return;
	dns_message_close(&c->m);
	free(c->asks);
	free(c);
}

/* ---- judging ---- */

/* Which zone should have signed a claim: as its signatures say, else the one
 * that the name is in. */
static void
aim(const struct dns_chain *c, const struct claim *k, struct dns_name *to)
{
	const struct dns_set *s;
	struct dns_name signer;
	size_t i;

	*to = k->set != NULL ? k->set->owner : k->name;
	if (c->by_name)
		return;
	if (k->set != NULL) {
		dns_set_signer(k->set, 0, to);
		return;
	}
	for (i = 0; i < c->m.n; i++) {
		s = &c->m.sets[i];
		if (!s->in_answer && (s->type == LDNS_RR_TYPE_NSEC ||
		    s->type == LDNS_RR_TYPE_NSEC3) &&
		    dns_set_signer(s, 0, &signer) == 0 &&
		    dns_name_within(&k->name, &signer)) {
			*to = signer;
			return;
		}
	}
}

/* The set made from a wildcard: nothing closer may exist.  1 good, 0 it may
 * with opt-out, -1 not proved. */
static int
judge_expanded(struct dns_chain *c, const struct dns_set *s, unsigned labels,
    long long now)
{
	struct dns_denial d;
	char why[DNS_WHY_MAX];

	if (dns_denial_take(&d, &c->m, &c->walk.zone, c->walk.keys->records,
	    now, &c->effort, &c->ttl, why))
		switch (dns_denial_closer(&d, &s->owner, labels)) {
		case DNS_PROOF_NAME:
			return 1;
		case DNS_PROOF_OPTOUT:
			return 0;
		case DNS_PROOF_NODATA:
		case DNS_PROOF_NONE:
			break;
		}
	return -1;
}

/* A set in a zone that is signed.  1 secure, 0 insecure, -1 bogus. */
static int
judge_set(struct dns_chain *c, const struct claim *k, long long now)
{
	char why[DNS_WHY_MAX];
	unsigned labels;
	int r;

	switch (dns_set_check(k->set, &c->walk.zone, c->walk.keys->records,
	    now, &c->effort, &labels, &c->ttl, why)) {
	case DNS_GOOD:
		return 1;
	case DNS_EXPANDED:
		if ((r = judge_expanded(c, k->set, labels, now)) == -1)
			bogus(c, &k->set->owner, "",
			    "from a wildcard, without proof");
		return r;
	case DNS_BAD:
		bogus(c, &k->set->owner, "", why);
		break;
	}
	return -1;
}

/* That there is none, in a zone that is signed; likewise. */
static int
judge_denial(struct dns_chain *c, const struct claim *k, long long now)
{
	char why[DNS_WHY_MAX];
	struct dns_denial d;

	if (!dns_denial_take(&d, &c->m, &c->walk.zone, c->walk.keys->records,
	    now, &c->effort, &c->ttl, why)) {
		bogus(c, &k->name, "", why);
		return -1;
	}
	switch (dns_denial_of(&d, &k->name, c->type)) {
	case DNS_PROOF_NODATA:
		c->nodata = c->nxdomain;
		return 1;
	case DNS_PROOF_NAME:
		if (c->nxdomain)
			return 1;
		break;
	case DNS_PROOF_OPTOUT:
		return 0;
	case DNS_PROOF_NONE:
		break;
	}
	bogus(c, &k->name, "", "its absence is not proved");
	return -1;
}

/* The claim whose zone is signed; whether it is done with. */
static int
judge(struct dns_chain *c, const struct claim *k, const struct dns_name *to,
    long long now)
{
	enum dns_verdict before = c->verdict;
	int r = k->set != NULL ? judge_set(c, k, now) :
	    judge_denial(c, k, now);

	if (r == 0)
		c->verdict = DNS_CHAIN_INSECURE;
	/* What failed may be from a zone above an unsigned one. */
	if (r == -1 && k->set == NULL && !c->by_name &&
	    !dns_name_equal(to, &k->name)) {
		end(c, before, "");
		c->by_name = 1;
		return 0;
	}
	return 1;
}

/* ---- stepping ---- */

/* Put the walk's question into words of the caller. */
static enum dns_verdict
ask(struct dns_chain *c)
{
	ldns_rdf *rdf;

	if (++c->effort.questions > DNS_QUESTIONS)
		return end(c, DNS_CHAIN_FAILED, "too many questions");
	free(c->asks);
	rdf = ldns_dname_new_frm_data(c->walk.at.len, c->walk.at.wire);
	c->asks = rdf == NULL ? NULL : ldns_rdf2str(rdf);
	ldns_rdf_deep_free(rdf);
	return c->asks == NULL ? end(c, DNS_CHAIN_FAILED, "no memory") :
	    DNS_CHAIN_ASK;
}

enum dns_verdict
dns_chain_step(struct dns_chain *c, long long now)
{
	const struct claim *k;
	struct dns_name to;

	while (c->at < c->n && (c->verdict == DNS_CHAIN_SECURE ||
	    c->verdict == DNS_CHAIN_INSECURE)) {
		k = &c->claim[c->at];
		aim(c, k, &to);
		dns_walk(&c->walk, c->anchor, &to, now);
		switch (c->walk.verdict) {
		case DNS_CHAIN_ASK:
			return ask(c);
		case DNS_CHAIN_SECURE:
			if (!judge(c, k, &to, now))
				continue;
			break;
		case DNS_CHAIN_INSECURE:
			c->verdict = DNS_CHAIN_INSECURE;
			break;
		case DNS_CHAIN_BOGUS:
		case DNS_CHAIN_INDETERMINATE:
		case DNS_CHAIN_FAILED:
			return end(c, c->walk.verdict, c->walk.why);
		}
		c->at++;
		c->by_name = 0;
	}
	return c->verdict;
}

const char *
dns_chain_asks(const struct dns_chain *c, unsigned *type)
{
	*type = c->walk.asks;
	return c->asks;
}

void
dns_chain_feed(struct dns_chain *c, const uint8_t *p, size_t n,
    const char *why, long long now)
{
	const struct dns_name asked = c->walk.at;
	unsigned type = c->walk.asks;
	char name[64];

	/* Another question may have learnt it meanwhile. */
	dns_walk(&c->walk, c->anchor, &c->walk.to, now);
	if (c->walk.verdict != DNS_CHAIN_ASK || c->walk.asks != type ||
	    !dns_name_equal(&c->walk.at, &asked))
		return;
	if (p != NULL && dns_walk_take(&c->walk, c->anchor, p, n, &c->effort,
	    now) == 0)
		return;
	snprintf(c->why, sizeof(c->why), "%s of %s: %.80s",
	    type == LDNS_RR_TYPE_DS ? "DS" : "keys",
	    dns_name_text(&asked, name, sizeof(name)), p != NULL ?
	    c->walk.why : why != NULL ? why : "no answer");
	c->verdict = DNS_CHAIN_FAILED;
}

const char *
dns_chain_why(const struct dns_chain *c)
{
	return c->why;
}

uint32_t
dns_chain_ttl(const struct dns_chain *c)
{
	return c->ttl;
}

int
dns_chain_is_nodata(const struct dns_chain *c)
{
	return c->nodata;
}
