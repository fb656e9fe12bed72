/* SPDX-License-Identifier: ISC
 *
 * Policy at the door: what strangers in mode mx must pass.  One table of
 * rules (policy.c); the monitor asks it, with what a helper found in the DNS
 * and what all processes remember together (mail/tally.h).
 */
#ifndef SMTPD_POLICY_H
#define SMTPD_POLICY_H

#include "mail/access.h"
#include "mail/tally.h"
#include "reply.h"
#include "smtpd.h"

enum policy_stage {
	POLICY_ADMIT,		/* in the accept loop, before the fork */
	POLICY_CONNECT,		/* instead of the banner */
	POLICY_HELO,
	POLICY_MAIL,		/* before the DNS is asked */
	POLICY_SENDER,		/* MAIL too, with its answers */
	POLICY_RCPT,
	POLICY_STAGES
};

enum domain_state {
	DOMAIN_UNKNOWN,		/* not asked */
	DOMAIN_GOOD,
	DOMAIN_NONE,		/* does not exist */
	DOMAIN_MUTE,		/* neither MX nor address */
	DOMAIN_NULL_MX,		/* takes no mail: RFC 7505 */
	DOMAIN_LATER		/* cannot be told now */
};

/* What the DNS says, of a session and of its last sender. */
struct lookup {
	bool		  host_known;	/* these: */
	char		  reverse[DNS_NAME_MAX];
	int32_t		  score;	/* of the lists */
	char		  listed[256];	/* block lists that have it */
	enum domain_state state;	/* of domain: */
	char		  domain[ADDRESS_DOMAIN_MAX + 1];
};

/* In the monitor's memory of a session. */
struct policy_memory {
	struct lookup	lookup;
};

/* Of a client, as far as it has come: what is not known is NULL. */
struct policy_facts {
	const struct peer	*peer;
	bool			 early;		/* spoke before the banner */
	const char		*helo;
	const struct address	*sender, *rcpt;
	const struct lookup	*lookup;
	bool			 count;		/* no dry run */
	int64_t			 now;		/* ms since 1970 */
};

#define POLICY_WHY_MAX	340

/* What a rule says; REPLY_NONE: nothing.  why takes the place of {}. */
struct policy_verdict {
	enum reply	reply;
	char		why[POLICY_WHY_MAX];
};

struct policy_rule {
	const char	*name;		/* for the log */
	unsigned	 stages;	/* bit mask */
	void		(*check)(const struct policy_facts *,
			    struct policy_verdict *);
	bool		 spares;	/* postmaster and abuse */
};

/* policy.c.  policy_run: the first rule of the stage that objects, or NULL. */
extern const struct policy_rule policy_rules[];
extern const size_t policy_nrules;
bool	 policy_applies(const struct peer *);
const struct policy_rule *policy_run(enum policy_stage,
	    const struct policy_facts *, struct policy_verdict *);
/* Is the rule not for this recipient? */
bool	 policy_spares(const struct policy_rule *, const struct policy_facts *);
/* The entry of the allow table that exempts, or NULL. */
const char *policy_allowed(const struct policy_facts *);
int64_t	 policy_now(void);

/* policy_rules.c: what all of them stand on. */
extern struct tally policy_tally;
extern struct access policy_deny, policy_allow;
/* Counts, or looks whether one more may come. */
bool	 policy_unknown_may(const struct peer *, int64_t now, bool count);
size_t	 policy_key(const struct peer *, bool network,
	    unsigned char key[17]);
void	 rule_connection_rate(const struct policy_facts *,
	    struct policy_verdict *);
void	 rule_deny(const struct policy_facts *, struct policy_verdict *);
void	 rule_early(const struct policy_facts *, struct policy_verdict *);
void	 rule_helo(const struct policy_facts *, struct policy_verdict *);
void	 rule_message_rate(const struct policy_facts *,
	    struct policy_verdict *);
void	 rule_sender_rate(const struct policy_facts *,
	    struct policy_verdict *);
void	 rule_sender_domain(const struct policy_facts *,
	    struct policy_verdict *);
void	 rule_dnsbl(const struct policy_facts *, struct policy_verdict *);
void	 rule_unknown_rate(const struct policy_facts *,
	    struct policy_verdict *);
void	 rule_greylist(const struct policy_facts *, struct policy_verdict *);

/* policy_lookup.c: ask the DNS all there is to ask, at most LOOKUP_MS.
 * out->host_known: the host was asked before.  before() is called when
 * nothing more is read from files; -1: nothing is asked. */
void	 lookup_run(const struct peer *, const char *domain,
	    struct lookup *out, int (*before)(void));

/*
 * monitor_policy.c: requests.
 */
struct policy_request {
	uint32_t	stage;
	uint32_t	early;
	char		helo[256];
	struct address	sender, rcpt;
};

struct policy_reply {
	uint32_t	reply;		/* enum reply; REPLY_NONE: go on */
	uint32_t	pause;		/* CONNECT: ms before the banner */
	char		rule[32];
	char		why[POLICY_WHY_MAX];
};

struct lookup_request {
	char	domain[ADDRESS_DOMAIN_MAX + 1];
};

struct lookup_reply {
	struct lookup	lookup;
};

int	 policy_check(struct server_call *);
void	 policy_answer(struct server_call *);
int	 lookup_check(struct server_call *);
void	 lookup_answer(struct server_call *);
void	 lookup_done(struct server_call *);
/* Of monitor.c. */
struct policy_memory *monitor_policy(struct server_call *);
/* Of struct server. */
bool	 policy_admit(const struct peer *);
/* At the start and after a reload.  read_only: a dry run.  0, -1. */
int	 policy_open(bool read_only);
/* A message of this client was taken; a recipient was unknown. */
void	 policy_taken(const struct server_call *);
void	 policy_unknown(const struct server_call *);

/*
 * policy_door.c: in the session.  true: it was refused, and told so.
 */
bool	 policy_connect(struct session *);
bool	 policy_helo(struct session *, const struct smtp_command *);
bool	 policy_mail(struct session *, const struct smtp_command *);
bool	 policy_rcpt(struct session *, const struct smtp_command *);
/* Errors cost a stranger time. */
void	 policy_delay(struct session *);

/* policy_dry.c: smtpd -t CLIENT HELO FROM TO; the exit code. */
int	 policy_dry(char **argv);

#endif
