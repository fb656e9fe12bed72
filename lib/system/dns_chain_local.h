/* SPDX-License-Identifier: ISC
 *
 * Between the dns_chain files: messages as sets of records (dns_chain_set.c),
 * proofs that something is not there (dns_chain_denial.c), what is known of
 * zones (dns_chain_zone.c) and how it is found out (dns_chain_walk.c).
 *
 * Memory is counted in each of them, cost in struct dns_effort.
 */
#ifndef SYSTEM_DNS_CHAIN_LOCAL_H
#define SYSTEM_DNS_CHAIN_LOCAL_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include <ldns/ldns.h>

#include "system/dns_chain.h"
#include "system/dns_name.h"

/* What one question may cost: a zone can be made so that each of many
 * signatures must be tried with each of many keys. */
struct dns_effort {
	unsigned	 signatures;	/* tried so far */
	unsigned	 hashes;	/* of NSEC3 */
	unsigned	 questions;
};

#define DNS_SET_TRIES	16	/* signatures of one set */
#define DNS_ALL_TRIES	200	/* of one question */
#define DNS_ALL_HASHES	300
#define DNS_ITERATIONS	150	/* of NSEC3; above it: not signed (RFC 9276) */
#define DNS_QUESTIONS	64

/* ---- sets ---- */

/* The records of one owner and type, and the signatures over them; all are
 * the packet's. */
struct dns_set {
	struct dns_name	 owner;
	ldns_rr_type	 type;
	int		 in_answer;	/* or in authority */
	ldns_rr_list	*rrs;
	ldns_rr_list	*sigs;		/* RRSIG, whole ones only */
};

struct dns_message {
	ldns_pkt	*pkt;
	struct dns_set	*sets;
	size_t		 n;
};

/* Parse; 0, or -1 with words: malformed, too many records, no memory. */
int	 dns_message_open(struct dns_message *, const uint8_t *, size_t,
	    char *why);
void	 dns_message_close(struct dns_message *);

/* The set of the answer section, or NULL. */
const struct dns_set *dns_message_find(const struct dns_message *,
	    const struct dns_name *, ldns_rr_type);

/* The zone that signed it, as its signatures say: the name itself or one
 * above it (above set: not the name itself).  0, or -1: not signed. */
int	 dns_set_signer(const struct dns_set *, int above, struct dns_name *);

enum dns_checked {
	DNS_GOOD,
	DNS_EXPANDED,	/* good, and made from a wildcard */
	DNS_BAD		/* words say why */
};

/*
 * Whether one of a set's signatures by the zone is right, with one of its
 * keys.  labels gets how many of the owner's labels are signed (all of them
 * when it is GOOD), ttl is lowered to what the set may be kept.
 */
enum dns_checked dns_set_check(const struct dns_set *,
	    const struct dns_name *zone, const ldns_rr_list *keys,
	    long long now, struct dns_effort *, unsigned *labels,
	    uint32_t *ttl, char *why);

/* A name in the data of a record; 0, or -1: it has none there. */
int	 dns_rr_name(const ldns_rr *, size_t, struct dns_name *);
/* A number there of 1, 2 or 4 octets; 0 if it is missing. */
uint32_t dns_rr_number(const ldns_rr *, size_t);

/* Whether signatures with this algorithm, digests of this kind, can be
 * checked. */
int	 dns_algorithm_known(unsigned);
int	 dns_digest_known(unsigned);

/* ---- denial ---- */

enum dns_proof {
	DNS_PROOF_NONE,		/* it proves nothing */
	DNS_PROOF_NODATA,	/* the name exists, without this type */
	DNS_PROOF_NAME,		/* the name does not exist */
	DNS_PROOF_OPTOUT	/* it may stand unsigned in a gap of NSEC3 with
				 * opt-out, or the hashing costs too much */
};

/* The NSEC or NSEC3 records of a message that a zone has signed. */
struct dns_denial {
	const struct dns_name *zone;
	struct dns_effort *effort;
	const ldns_rr	*nsec[32];
	struct dns_name	 owner[32];
	size_t		 n;
	const ldns_rr	*nsec3[32];
	uint8_t		 hash[32][20];
	size_t		 n3;
	int		 costly;	/* NSEC3 above DNS_ITERATIONS */
};

/* Take those of the message that are right; ttl as above.  1 there are some, 0
 * none, with words why those there are were not taken. */
int	 dns_denial_take(struct dns_denial *, const struct dns_message *,
	    const struct dns_name *zone, const ldns_rr_list *keys,
	    long long now, struct dns_effort *, uint32_t *ttl, char *why);

/* One set of NSEC or NSEC3 that is right.  One that is not whole, or of another
 * kind of NSEC3 than the first, is left out. */
void	 dns_denial_add(struct dns_denial *, const struct dns_set *);

/* What they prove of a name and type. */
enum dns_proof dns_denial_of(const struct dns_denial *,
	    const struct dns_name *, ldns_rr_type);

/* Of a name made from the wildcard below its last labels: that nothing closer
 * exists.  NONE, NAME or OPTOUT. */
enum dns_proof dns_denial_closer(const struct dns_denial *,
	    const struct dns_name *, unsigned labels);

/* With DNS_PROOF_NODATA for DS: whether the name is one where a zone begins:
 * the same records say that it has NS. */
int	 dns_denial_cut(const struct dns_denial *, const struct dns_name *);

/* ---- zones ---- */

enum dns_zone_state {
	DNS_ZONE_DELEGATED,	/* has DS records; keys not known yet */
	DNS_ZONE_SIGNED,	/* its keys are known */
	DNS_ZONE_UNSIGNED,	/* proved */
	DNS_ZONE_NONE,		/* no zone begins here */
	DNS_ZONE_BOGUS
};

/* What is known of a name. */
struct dns_zone {
	TAILQ_ENTRY(dns_zone) by_use;
	SLIST_ENTRY(dns_zone) by_name;
	struct dns_name	 name;
	enum dns_zone_state state;
	ldns_rr_list	*records;	/* DS, or DNSKEY */
	long long	 until;		/* known up to then */
	char		 why[DNS_WHY_MAX];
};

#define DNS_BUCKETS	1024
#define DNS_ZONES_MAX	4096
#define DNS_KEEP_MIN	10	/* s: less and a walk might never end */
#define DNS_KEEP_MAX	86400
#define DNS_KEEP_BOGUS	30	/* short: it may be mended */

SLIST_HEAD(dns_zone_bucket, dns_zone);
TAILQ_HEAD(dns_zones, dns_zone);

struct dns_anchor {
	ldns_rr_list	*anchors;	/* DS and DNSKEY */
	struct dns_zone_bucket bucket[DNS_BUCKETS];
	struct dns_zones zones;		/* the last used at the end */
	size_t		 n;
};

/* What is known of a name now, or NULL; it lives until the next _learn. */
struct dns_zone *dns_zone_find(struct dns_anchor *, const struct dns_name *,
	    long long now);

/* Know it for ttl seconds from now on, in place of what was known.  records
 * become its own.  0, or -1: no memory. */
int	 dns_zone_learn(struct dns_anchor *, const struct dns_name *,
	    enum dns_zone_state, ldns_rr_list *records, uint32_t ttl,
	    const char *why, long long now);

/* The deepest anchored name at or above a name; 0, or -1: none. */
int	 dns_anchor_above(const struct dns_anchor *, const struct dns_name *,
	    struct dns_name *);

/* The anchors of this very name; a list to be freed, not deep; NULL: no
 * memory. */
ldns_rr_list *dns_anchor_of(const struct dns_anchor *,
	    const struct dns_name *);

/* ---- the walk ---- */

/* A way down from an anchor towards a name. */
struct dns_walk {
	struct dns_name	 to;
	struct dns_name	 zone;		/* the deepest zone so far that is
					 * signed (or whose keys are wanted) */
	struct dns_name	 at;		/* where the way has come to */
	const struct dns_zone *keys;	/* of that zone */
	enum dns_verdict verdict;
	unsigned	 asks;		/* type, with DNS_CHAIN_ASK; of at */
	char		 why[DNS_WHY_MAX];
};

/* Walk with what is known.  ASK, SECURE (keys are set; they live until the
 * next dns_walk_take), INSECURE, BOGUS or INDETERMINATE. */
void	 dns_walk(struct dns_walk *, struct dns_anchor *,
	    const struct dns_name *to, long long now);

/* Learn from the answer to what the walk asks.  0, or -1 with words in why of
 * the walk: it is no answer, or no memory. */
int	 dns_walk_take(struct dns_walk *, struct dns_anchor *,
	    const uint8_t *, size_t, struct dns_effort *, long long now);

#endif
