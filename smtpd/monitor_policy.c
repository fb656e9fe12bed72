/* SPDX-License-Identifier: ISC
 *
 * The monitor's half of the policy: it counts, asks the rules, and keeps for
 * a session what a helper found in the DNS.  It must never wait, and believes
 * no byte of a request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"
#include "policy.h"
#include "system/log.h"
#include "system/sandbox.h"

#define GOOD_MS		(30 * 24 * 3600 * 1000LL)	/* then forgotten */

int
policy_open(bool read_only)
{
	const struct settings *s = smtpd.settings;
	char *path = NULL;
	int r = -1;

	if (*s->policy_state != '\0' ? (path = strdup(s->policy_state)) == NULL
	    : asprintf(&path, "%s/policy", s->spool) == -1)
		return -1;
	if (policy_tally.path == NULL ||
	    strcmp(policy_tally.path, path) != 0) {
		tally_close(&policy_tally);
		r = tally_init(&policy_tally, path, read_only);
	} else
		r = 0;
	free(path);
	return r;
}

static void
access_refresh_all(void)
{
	access_refresh(&policy_deny, smtpd.settings->deny);
	access_refresh(&policy_allow, smtpd.settings->allow);
}

bool
policy_admit(const struct peer *peer)
{
	struct policy_facts f = { .peer = peer, .count = true,
	    .now = policy_now() };
	struct policy_verdict v;

	if (!policy_applies(peer))
		return true;
	access_refresh_all();
	return policy_run(POLICY_ADMIT, &f, &v) == NULL;
}

int
policy_check(struct server_call *call)
{
	const struct policy_request *q = call->request;

	if (q->stage > POLICY_ADMIT && q->stage < POLICY_STAGES &&
	    monitor_string(q->helo, sizeof(q->helo)) &&
	    monitor_address(&q->sender) && monitor_address(&q->rcpt))
		return 1;
	server_violation(call, "policy request");
	return 0;
}

/* Who was good need not wait. */
static bool
is_good(const struct policy_facts *f)
{
	unsigned char key[17];
	size_t n = policy_key(f->peer, false, key);

	return policy_allowed(f) != NULL || tally_known(&policy_tally,
	    TALLY_GOOD, key, n, GOOD_MS, f->now) == 1;
}

/* What the stage knows. */
static void
facts_of(struct server_call *call, struct policy_facts *f)
{
	const struct policy_request *q = call->request;
	const struct policy_memory *m = monitor_policy(call);

	memset(f, 0, sizeof(*f));
	f->peer = call->peer;
	f->early = q->early != 0;
	f->count = true;
	f->now = policy_now();
	if (q->stage >= POLICY_HELO)
		f->helo = q->helo;
	if (q->stage >= POLICY_MAIL)
		f->sender = &q->sender;
	if (q->stage >= POLICY_RCPT)
		f->rcpt = &q->rcpt;
	if (m->lookup.host_known)
		f->lookup = &m->lookup;
}

void
policy_answer(struct server_call *call)
{
	const struct policy_request *q = call->request;
	struct policy_reply *answer = call->reply;
	const struct policy_rule *rule;
	struct policy_verdict v;
	struct policy_facts f;

	if (!policy_applies(call->peer) ||
	    call->state == STATE_AUTHENTICATED)
		return;
	access_refresh_all();
	facts_of(call, &f);
	rule = policy_run((enum policy_stage)q->stage, &f, &v);
	answer->reply = v.reply;
	strlcpy(answer->why, v.why, sizeof(answer->why));
	if (rule != NULL)
		strlcpy(answer->rule, rule->name, sizeof(answer->rule));
	else if (q->stage == POLICY_CONNECT &&
	    smtpd.settings->greet_pause > 0 && !is_good(&f))
		answer->pause = 1000 * (uint32_t)smtpd.settings->greet_pause;
}

/*
 * The DNS.
 */

/* What was found for the sender before it stays true for the session. */
int
lookup_check(struct server_call *call)
{
	const struct lookup_request *q = call->request;
	const struct policy_memory *m = monitor_policy(call);
	struct lookup_reply *answer = call->reply;

	if (!monitor_string(q->domain, sizeof(q->domain))) {
		server_violation(call, "lookup string");
		return 0;
	}
	if (!m->lookup.host_known || m->lookup.state == DOMAIN_LATER ||
	    strcmp(m->lookup.domain, q->domain) != 0)
		return 1;
	answer->lookup = m->lookup;
	return 0;
}

static int
lookup_alone(void)
{
	return server_become_door() == 0 && sandbox_client() == 0 ? 0 : -1;
}

void
lookup_answer(struct server_call *call)
{
	const struct lookup_request *q = call->request;
	struct lookup_reply *answer = call->reply;

	if (call->peer->kind != PEER_INET)
		return;
	answer->lookup = monitor_policy(call)->lookup;
	lookup_run(call->peer, q->domain, &answer->lookup, lookup_alone);
}

void
lookup_done(struct server_call *call)
{
	struct lookup_reply *answer = call->reply;

	answer->lookup.reverse[sizeof(answer->lookup.reverse) - 1] = '\0';
	answer->lookup.listed[sizeof(answer->lookup.listed) - 1] = '\0';
	answer->lookup.domain[sizeof(answer->lookup.domain) - 1] = '\0';
	monitor_policy(call)->lookup = answer->lookup;
}

void
policy_unknown(const struct server_call *call)
{
	if (policy_applies(call->peer) && call->state == STATE_ANYBODY)
		(void)policy_unknown_may(call->peer, policy_now(), true);
}

void
policy_taken(const struct server_call *call)
{
	unsigned char key[17];

	if (policy_applies(call->peer))
		(void)tally_touch(&policy_tally, TALLY_GOOD, key,
		    policy_key(call->peer, false, key), policy_now());
}
