/* SPDX-License-Identifier: ISC
 *
 * The rules of the door, in one table: which stage asks them, the cheap ones
 * first.  Nothing here applies to anybody but strangers in mode mx.
 */
#include <time.h>

#include "policy.h"

#define AT(stage)	(1u << (stage))

const struct policy_rule policy_rules[] = {
	{ "connection-rate", AT(POLICY_ADMIT), rule_connection_rate },
	{ "deny", AT(POLICY_CONNECT) | AT(POLICY_HELO) | AT(POLICY_SENDER),
	    rule_deny },
	{ "pregreet", AT(POLICY_HELO), rule_early },
	{ "helo", AT(POLICY_HELO), rule_helo },
	{ "message-rate", AT(POLICY_MAIL), rule_message_rate },
	{ "sender-rate", AT(POLICY_MAIL), rule_sender_rate },
	{ "sender-domain", AT(POLICY_SENDER), rule_sender_domain },
	{ "dnsbl", AT(POLICY_SENDER), rule_dnsbl },
	{ "unknown-rate", AT(POLICY_RCPT), rule_unknown_rate },
	{ "greylist", AT(POLICY_RCPT), rule_greylist },
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
		if (!(rule->stages & AT(stage)))
			continue;
		rule->check(f, v);
		if (v->reply != REPLY_NONE)
			return rule;
	}
	return NULL;
}
