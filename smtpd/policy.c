/* SPDX-License-Identifier: ISC
 *
 * The rules of the door, in one table: which stage asks them, the cheap ones
 * first.  Nothing here applies to anybody but strangers in mode mx.
 *
 * Whom a rule refuses by mistake must be able to write to our postmaster (RFC
 * 5321 section 4.5.1), so most are asked at RCPT, and before anybody looks
 * whether there is such a recipient: the answer must tell nothing of that.
 */
#include <string.h>
#include <strings.h>
#include <time.h>

#include "policy.h"

#define AT(stage)	(1u << (stage))

const struct policy_rule policy_rules[] = {
	{ "connection-rate", AT(POLICY_ADMIT), rule_connection_rate,
	    false },
	{ "deny", AT(POLICY_CONNECT) | AT(POLICY_HELO) | AT(POLICY_SENDER),
	    rule_deny, false },
	{ "pregreet", AT(POLICY_HELO), rule_early, false },
	{ "message-rate", AT(POLICY_MAIL), rule_message_rate, false },
	{ "sender-rate", AT(POLICY_MAIL), rule_sender_rate, false },
	{ "helo", AT(POLICY_RCPT), rule_helo, true },
	{ "sender-domain", AT(POLICY_RCPT), rule_sender_domain, true },
	{ "dnsbl", AT(POLICY_RCPT), rule_dnsbl, true },
	{ "unknown-rate", AT(POLICY_RCPT), rule_unknown_rate, false },
	{ "greylist", AT(POLICY_RCPT), rule_greylist, true },
};
const size_t policy_nrules = sizeof(policy_rules) / sizeof(policy_rules[0]);

/* A login, which comes later, is asked for where this is. */
bool
policy_applies(const struct peer *peer)
{
	return smtpd.mode == MODE_MX && peer->kind == PEER_INET &&
	    !peer->loopback && !client_is_trusted(peer);
}

int64_t
policy_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

const char *
policy_allowed(const struct policy_facts *f)
{
	const struct access *t = &policy_allow;
	const char *entry;

	entry = access_address(t, (const struct sockaddr *)&f->peer->addr);
	if (entry == NULL && f->lookup != NULL)
		entry = access_name(t, ACCESS_CLIENT, f->lookup->reverse);
	if (entry == NULL && f->helo != NULL)
		entry = access_name(t, ACCESS_HELO, f->helo);
	if (entry == NULL && f->sender != NULL)
		entry = access_sender(t, f->sender);
	return entry;
}

/* Postmaster and abuse of the domains we serve. */
static bool
is_desk(const struct address *a)
{
	const struct settings *s = smtpd.settings;
	size_t n = strlen(a->domain);

	return (strcasecmp(a->local, "postmaster") == 0 ||
	    strcasecmp(a->local, "abuse") == 0) && (n == 0 ||
	    settings_is_local(s, a->domain, n) ||
	    settings_is_relay(s, a->domain, n));
}

bool
policy_spares(const struct policy_rule *rule, const struct policy_facts *f)
{
	return rule->spares && f->rcpt != NULL && is_desk(f->rcpt);
}

const struct policy_rule *
policy_run(enum policy_stage stage, const struct policy_facts *f,
    struct policy_verdict *v)
{
	const struct policy_rule *rule;

	v->reply = REPLY_NONE;
	v->why[0] = '\0';
	if (policy_allowed(f) != NULL)
		return NULL;
	for (rule = policy_rules; rule < policy_rules + policy_nrules;
	    rule++) {
		if (!(rule->stages & AT(stage)) || policy_spares(rule, f))
			continue;
		rule->check(f, v);
		if (v->reply != REPLY_NONE)
			return rule;
	}
	return NULL;
}
