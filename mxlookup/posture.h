/* SPDX-License-Identifier: ISC
 *
 * The posture of a domain: all that decides whether mail to it and from it
 * works.  Gathered (posture_gather.c), judged (posture_judge.c and
 * posture_policy.c, with the texts of posture_fault.c), printed
 * (posture_page.c, posture_line.c).
 */
#ifndef MXLOOKUP_POSTURE_H
#define MXLOOKUP_POSTURE_H

#include "bytes/buf.h"
#include "grammar/idna.h"
#include "grammar/mta_sts.h"
#include "grammar/tlsrpt.h"
#include "mail/ask.h"
#include "mail/dmarc.h"
#include "mail/mx.h"
#include "mail/spf_walk.h"
#include "many.h"
#include "system/https.h"

#define POSTURE_HOSTS	32	/* exchangers looked at */
#define POSTURE_ADDRS	8	/* of each of A and AAAA of one */
#define POSTURE_NAMES	5	/* names of an address that are confirmed */
#define POSTURE_FAULTS	128	/* found in one domain */
#define POSTURE_RUA	8

/* ---- faults ---- */

enum posture_fault {
	NO_DOMAIN, NOT_A_DOMAIN, DOMAIN_BOGUS, NO_MAIL, MX_ABSENT,
	NULLMX_MIXED, MX_LITERAL, MX_ALIAS, MX_NO_ADDRESS, MX_PRIVATE,
	MX_BOGUS_ADDRESS, REVERSE_ABSENT, REVERSE_UNCONFIRMED,
	TLSA_INSECURE, TLSA_UNUSABLE, TLSA_PARTLY, TLSA_BOGUS, TLSA_SOME,
	STS_ABSENT, STS_SEVERAL, STS_RECORD, STS_NO_POLICY, STS_CERTIFICATE,
	STS_TYPE, STS_SYNTAX, STS_ORPHAN, STS_MX, STS_IS_TESTING, STS_IS_NONE,
	STS_SHORT,
	TLSRPT_ABSENT, TLSRPT_SEVERAL, TLSRPT_MALFORMED, TLSRPT_USELESS,
	SPF_ABSENT, SPF_IS_SEVERAL, SPF_SYNTAX, SPF_TARGET, SPF_LOOKUPS,
	SPF_IS_LOOP, SPF_EXCHANGERS, SPF_VOIDS, SPF_PTR_USED, SPF_PASS_ALL,
	SPF_OPEN, SPF_DEAD, SPF_NO_SENDER,
	DMARC_ABSENT, DMARC_SEVERAL, DMARC_NO_POLICY, DMARC_SYNTAX,
	DMARC_IS_NONE, DMARC_TESTING, DMARC_OLD_TAGS, DMARC_NO_REPORTS,
	DMARC_FOREIGN,
	CLIENTS_ABSENT, CLIENTS_PLAIN, CLIENTS_TARGET, CLIENTS_ALIAS,
	CLIENTS_MIXED, CLIENTS_INCOMPLETE,
	UNANSWERED,
	POSTURE_NFAULTS
};

enum posture_severity {
	POSTURE_ADVICE,		/* mail works, and could be better off */
	POSTURE_FAULT,		/* mail is lost, refused or forged by it */
	POSTURE_UNKNOWN		/* it cannot be said now */
};

struct posture_text {
	const char	*code;		/* "mx-alias" */
	enum posture_severity severity;
	const char	*words;		/* a sentence */
};

extern const struct posture_text posture_texts[POSTURE_NFAULTS];

const char *posture_severity_name(enum posture_severity);

struct posture_found {
	enum posture_fault fault;
	char	 subject[300];	/* what has it: a host, a name; or "" */
	char	 detail[512];	/* more words, or "" */
	char	 publish[1200];	/* records to publish, as lines of a zone file
				 * without their ends, or "" */
	char	 change[300];	/* else what to change, or "" */
};

/* ---- facts ---- */

enum posture_reverse {
	REVERSE_UNASKED,	/* of a private address */
	REVERSE_GOOD,
	REVERSE_NONE,
	REVERSE_OTHER,		/* a name that does not lead back */
	REVERSE_UNSURE
};

struct posture_addr {
	struct dns_addr	 addr;
	size_t		 ptr;			/* question */
	size_t		 forward[POSTURE_NAMES];
	enum posture_reverse reverse;
	const char	*name;			/* the first, or NULL */
};

struct posture_host {
	const char	*name;
	unsigned	 preference;
	size_t		 a, aaaa;		/* questions */
	size_t		 tlsa;			/* that of base, in the end */
	size_t		 tlsa_own, tlsa_target;	/* of its name; of where CNAMEs
						 * lead, or 0 */
	const char	*base;			/* the TLSA base domain */
	size_t		 naddrs;
	struct posture_addr addrs[2 * POSTURE_ADDRS];
};

enum { SRV_SUBMISSIONS, SRV_SUBMISSION, SRV_IMAPS, SRV_IMAP, SRV_POP3S,
    SRV_POP3, SRV_SERVICES };

struct posture {
	const char	*shown;			/* as it was given */
	unsigned	 flags;			/* those of posture_means */
	char		 domain[IDNA_MAX];	/* as the DNS has it */
	struct ask	*ask;
	size_t		 mx, a, aaaa;		/* questions */
	enum mx_status	 mail;
	int		 literal;		/* "[192.0.2.1]": nothing but
						 * its address counts */
	int		 nullmx_mixed;
	size_t		 nhosts;
	struct posture_host hosts[POSTURE_HOSTS];

	size_t		 sts_txt, sts_a, sts_aaaa;
	size_t		 sts_records;
	char		 sts_id[MTA_STS_ID_MAX];
	const char	*sts_why;		/* of a malformed record */
	int		 sts_fetched;
	struct https_answer sts_answer;
	int		 sts_valid;		/* sts_policy can be used */
	struct mta_sts_policy sts_policy;

	size_t		 tlsrpt_txt;
	size_t		 tlsrpt_records;
	struct tlsrpt	 tlsrpt;		/* why: "" when good */

	struct spf_walk	 spf;
	struct dmarc_found dmarc;
	size_t		 rua[POSTURE_RUA];	/* questions: whether they take
						 * the reports; 0: nobody is
						 * to be asked */
	size_t		 srv[SRV_SERVICES];	/* questions */

	struct posture_found *last;		/* where posture_change() adds;
						 * or NULL */
	size_t		 nfound;
	struct posture_found found[POSTURE_FAULTS];
	size_t		 count[POSTURE_UNKNOWN + 1];
};

/* What a look needs.  tls: to fetch policies; NULL: they cannot be verified,
 * as why says. */
struct posture_means {
	struct dns	*dns;
	struct tls_client *tls;
	const char	*why;
	unsigned short	 https_port;
	unsigned	 flags;		/* MX_IPV4 or MX_IPV6: of exchangers
					 * that family alone */
};

/* Does the domain take mail? */
int	 posture_takes_mail(const struct posture *);

/* "_imaps._tcp" of SRV_IMAPS, and its usual port. */
const char *posture_service(int, unsigned *port);

/* Gather all facts; 0, or -1: no memory. */
int	 posture_gather(struct posture *, const struct posture_means *);

/* Find the faults in them. */
void	 posture_judge(struct posture *);

/* A page for people; a line of a table; a line of JSON. */
void	 posture_page(struct buf *, const struct posture *);
void	 posture_line(struct buf *, const struct posture *);
void	 posture_json(struct buf *, const struct posture *);

enum posture_form { POSTURE_PAGE, POSTURE_LINE, POSTURE_JSON };

/* All of it for one domain, appended to the buffer: an exit code (0; 1: a
 * fault, or no mail; EX_TEMPFAIL); -1: no memory. */
int	 posture(struct buf *, const char *domain, enum posture_form,
	    const struct posture_means *);

/* The same for one of which nothing could be found out; 0, or -1: no
 * memory. */
int	 posture_unanswered(struct buf *, const char *domain,
	    enum posture_form);

/* Look at the first name of an input, in this process. */
enum many_status posture_one(struct many *, enum posture_form,
	    const struct posture_means *);

/*
 * Look at all names of an input, up to 32 at once, and print what is found in
 * the order of the input, or, unordered, as it comes.  It starts processes
 * that share the means, of which nothing was used before; each calls
 * sandbox_client(), none outlives the call.  Of a name whose process dies the
 * answer is that there is none.
 */
enum many_status posture_many(struct many *, enum posture_form,
	    const struct posture_means *);

#endif
