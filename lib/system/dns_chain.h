/* SPDX-License-Identifier: ISC
 *
 * DNSSEC (RFC 4033 to 4035, 5155) checked by ourselves, from a trust anchor
 * down: for hosts without a resolver that validates and can be believed.  A
 * state machine without socket and clock: made for one question and the raw
 * answer to it, it says which further question it needs, is given the raw
 * answer to that, and ends in a verdict.
 *
 * All questions must be asked with DO, and with CD so that a resolver which
 * validates hands out what it takes for bogus, too.
 *
 * What each verdict costs is bounded: signatures tried, names hashed, and
 * questions.  Key roll-over by RFC 5011 is not done: the anchors are a file
 * that others keep up to date.
 */
#ifndef SYSTEM_DNS_CHAIN_H
#define SYSTEM_DNS_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "system/dns.h"

/* The anchors, and what is known of the zones below them: which are signed
 * with what keys, and which are not.  One for a process. */
struct dns_anchor;

struct dns_anchor *dns_anchor_new(void);	/* NULL: no memory */
void	 dns_anchor_free(struct dns_anchor *);

/*
 * Take DS and DNSKEY records as zone files have them (absolute names, any
 * zones, comments, parentheses; of the file that unbound keeps for RFC 5011,
 * the keys that it holds valid).  0, or -1 with a line in why[DNS_WHY_MAX]:
 * malformed, another type, or no key whose algorithm is known here.
 */
int	 dns_anchor_text(struct dns_anchor *, const char *, char *why);

/* The same of a file of up to 1 MB.  Before a sandbox: libcrypto is made to
 * read its own configuration, too. */
int	 dns_anchor_read(struct dns_anchor *, const char *path, char *why);

enum dns_verdict {
	DNS_CHAIN_ASK,		/* dns_chain_asks() says what */
	DNS_CHAIN_SECURE,	/* every record that counts is signed, or its
				 * absence */
	DNS_CHAIN_INSECURE,	/* proved that it need not be signed */
	DNS_CHAIN_BOGUS,	/* it should be, and is not, or wrongly */
	DNS_CHAIN_INDETERMINATE, /* no anchor above the name */
	DNS_CHAIN_FAILED	/* cannot be said now: a question had no
				 * answer, or no memory */
};

struct dns_chain;

/*
 * For a name in text form and a type by number, and the message that came as
 * the answer (NOERROR or NXDOMAIN, which the caller has matched to the
 * question).  The records judged are those that dns_parse() takes: all CNAMEs
 * from the name on, and the records or the denial at their end.  The anchor
 * must outlive it.  NULL: no memory.  To be freed with dns_chain_free().
 */
struct dns_chain *dns_chain_new(struct dns_anchor *, const char *name,
	    unsigned type, const uint8_t *, size_t);
void	 dns_chain_free(struct dns_chain *);

/* Go on as far as can be; now in seconds since 1970. */
enum dns_verdict dns_chain_step(struct dns_chain *, long long now);

/* After DNS_CHAIN_ASK: the question, its name in text form, which lives until
 * the next call, and its type (DS or DNSKEY). */
const char *dns_chain_asks(const struct dns_chain *, unsigned *type);

/* The answer to that; p NULL: there is none (words in why, or NULL).  Then
 * dns_chain_step() again. */
void	 dns_chain_feed(struct dns_chain *, const uint8_t *p, size_t,
	    const char *why, long long now);

/* Words for BOGUS and FAILED, else "". */
const char *dns_chain_why(const struct dns_chain *);

/* After SECURE: how many seconds the answer may be kept at most. */
uint32_t dns_chain_ttl(const struct dns_chain *);

/* After SECURE: whether what is proved is that the name has no such records,
 * though the answer said that it does not exist. */
int	 dns_chain_is_nodata(const struct dns_chain *);

#endif
