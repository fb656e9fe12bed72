/* SPDX-License-Identifier: ISC
 *
 * What is demanded of a host before it gets a message: a pure decision from
 * what the DNS, the domain's MTA-STS policy, the administrator and the message
 * say.  The order is DANE, MTA-STS, opportunistic TLS; nothing here asks or
 * connects.
 */
#ifndef SMTP_SEND_POLICY_H
#define SMTP_SEND_POLICY_H

#include <stdbool.h>

#include "system/dns.h"

/* The key tls_policy of a destination. */
enum policy_key {
	POLICY_DEFAULT,		/* not set: all that follows from the facts */
	POLICY_NONE,		/* never TLS */
	POLICY_MAY,		/* opportunistic, whatever is published */
	POLICY_ENCRYPT,		/* TLS, any certificate */
	POLICY_VERIFY,		/* TLS, certificate of a known authority, for
				 * the host's name */
	POLICY_DANE		/* DANE, or not at all (RFC 7672) */
};

/* What became of the search for TLSA records. */
enum policy_tlsa {
	TLSA_ABSENT,		/* none, or not secure, or not looked for: the
				 * names are not secure */
	TLSA_USABLE,		/* secure, and at least one can be used */
	TLSA_UNUSABLE,		/* secure, and none can */
	TLSA_FAILED		/* no answer, or a bogus one */
};

enum policy_sts {
	STS_ABSENT,		/* no policy, or mode none */
	STS_TESTING,
	STS_ENFORCE
};

struct policy_facts {
	enum policy_key	 key;
	enum dns_security names;	/* of the MX answer and the addresses */
	bool		 given;		/* the administrator named the host */
	enum policy_tlsa tlsa;
	enum policy_sts	 sts;
	bool		 sts_match;	/* its patterns have the host */
	bool		 strict;	/* REQUIRETLS (RFC 8689) */
	bool		 lenient;	/* TLS-Required: No, and as published it
					 * did not go */
	bool		 authorities;	/* are known here */
};

enum policy_verdict {
	POLICY_USE,		/* go there, with the level */
	POLICY_LATER,		/* not now, and not without what is missing */
	POLICY_UNFIT		/* never with this message (REQUIRETLS) */
};

/* The least that will do. */
enum policy_level {
	LEVEL_CLEAR,		/* no TLS */
	LEVEL_MAY,		/* TLS where it works, else in the clear */
	LEVEL_ENCRYPT,		/* TLS, any certificate */
	LEVEL_PKIX,		/* and a known authority, for the name */
	LEVEL_DANE		/* and by TLSA */
};

/* Which policy is applied, as a TLS report says it (RFC 8460). */
enum policy_type {
	POLICY_TYPE_NONE,	/* no-policy-found */
	POLICY_TYPE_STS,
	POLICY_TYPE_TLSA
};

/* Why a host is not gone to. */
enum policy_reason {
	REASON_NONE,
	REASON_TLSA_LOOKUP,	/* dnssec-invalid */
	REASON_DANE_REQUIRED,	/* the key says dane, and there is none */
	REASON_STS_MISMATCH,	/* the host is not in the policy */
	REASON_AUTHORITIES,	/* none is known here */
	REASON_UNSIGNED		/* REQUIRETLS, and anybody may have named it */
};

struct policy {
	enum policy_verdict verdict;
	enum policy_level level;
	enum policy_type type;
	enum policy_reason reason;
	bool		 note;		/* verify, go on without, and tell:
					 * MTA-STS is being tested */
};

struct policy policy_decide(const struct policy_facts *);

/* Reply code and words for a reason. */
const char *policy_status(enum policy_reason);
const char *policy_words(enum policy_reason);

/* "none", "may" ...: 1 and the key, or 0. */
int	 policy_key(const char *, enum policy_key *);

#endif
