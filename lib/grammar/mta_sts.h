/* SPDX-License-Identifier: ISC
 *
 * MTA-STS (RFC 8461): the TXT record that says that a domain has a policy, the
 * policy itself, and whether it names an exchanger.
 */
#ifndef GRAMMAR_MTA_STS_H
#define GRAMMAR_MTA_STS_H

#include <stddef.h>
#include <stdint.h>

#define MTA_STS_ID_MAX		33	/* NUL included */
#define MTA_STS_POLICY_MAX	65536	/* octets of a policy */
#define MTA_STS_MX_MAX		128	/* further patterns: malformed */
#define MTA_STS_AGE_MAX		31557600u /* seconds */

enum mta_sts_mode {
	MTA_STS_NONE,		/* there is no policy (any more) */
	MTA_STS_TESTING,	/* failures are reported, mail goes out */
	MTA_STS_ENFORCE
};

/* A piece of the text that was parsed. */
struct mta_sts_text {
	const char	*p;
	size_t		 n;
};

struct mta_sts_policy {
	enum mta_sts_mode mode;
	uint32_t	 max_age;	/* seconds; more than MTA_STS_AGE_MAX
					 * is taken for that */
	size_t		 nmx;
	struct mta_sts_text mx[MTA_STS_MX_MAX];	/* "host" or "*.domain" */
	const char	*why;		/* of -1, in words */
	size_t		 line;		/* of -1: where; 0: of the whole */
};

/*
 * A TXT record of _mta-sts.DOMAIN, its strings joined.  1 and its
 * id; 0: it is another kind of record, to be left out of account; -1: it is
 * one, malformed, and *why says what is wrong.
 */
int	 mta_sts_record(const char *, size_t, char id[MTA_STS_ID_MAX],
	    const char **why);

/*
 * A policy.  1, or -1 with why and line.  The patterns point into
 * the text, which must outlive them.  What it does not know is skipped, of a
 * field that stands twice the first counts.
 */
int	 mta_sts_policy(struct mta_sts_policy *, const char *, size_t);

/* Whether a pattern stands for a host: "*" for exactly one
 * label.  Letter case and a dot at the host's end do not matter. */
int	 mta_sts_match_one(const struct mta_sts_text *, const char *host);

/* Whether one of the policy's patterns does. */
int	 mta_sts_match(const struct mta_sts_policy *, const char *host);

/* "none", "testing", "enforce". */
const char *mta_sts_mode_name(enum mta_sts_mode);

#endif
