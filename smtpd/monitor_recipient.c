/* SPDX-License-Identifier: ISC
 *
 * What smtpd's monitor says about recipients.  Who relays for whom is decided
 * here and nowhere else; requests come from processes that talk to strangers,
 * so each byte of them is checked again.
 *
 * A recipient that a file decides is answered at once.  One whose mailbox or
 * host has to be looked at is RCPT_IS_ASK: the session asks again, and a
 * helper does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/callout.h"
#include "mail/quota.h"
#include "mail/recipient.h"
#include "monitor.h"
#include "remember.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"

static bool
may_relay(const struct server_call *call)
{
	return call->state == STATE_AUTHENTICATED ||
	    client_is_trusted(call->peer);
}

struct directory
monitor_directory(void)
{
	return (struct directory){ smtpd.settings, smtpd.users,
	    smtpd.tables };
}

/*
 * rcpt
 */

/* What is wrong with the request, or NULL. */
static const char *
fault_of(const struct server_call *call)
{
	const struct rcpt_request *request = call->request;
	const struct memory *m = call->data;

	if (!monitor_address(&request->addr))
		return "rcpt strings";
	if (m->file[SPOOL_LOCAL].id[0] != '\0' ||
	    m->file[SPOOL_REMOTE].id[0] != '\0')
		return "rcpt behind create";
	/* who has not logged in submits nothing, to nobody */
	return smtpd.mode == MODE_SUBMISSION && !may_relay(call) ?
	    "rcpt before auth" : NULL;
}

int
recipient_check_rcpt(struct server_call *call)
{
	const char *fault = fault_of(call);
	struct memory *m = call->data;

	memset(&m->asked, 0, sizeof(m->asked));
	if (fault != NULL) {
		server_violation(call, fault);
		return 0;
	}
	return sender_rate(call);
}

/* Only behind the answer that a helper must find out, and of the same. */
int
recipient_check_ask(struct server_call *call)
{
	const struct rcpt_request *request = call->request;
	const struct memory *m = call->data;

	if (!monitor_address(&request->addr) ||
	    address_is_null(&request->addr) ||
	    strcmp(request->addr.local, m->asked.local) != 0 ||
	    strcmp(request->addr.domain, m->asked.domain) != 0) {
		server_violation(call, "rcpt-ask of another");
		return 0;
	}
	return sender_rate(call);
}

/* Of a domain we relay for; without a table its host may have to be asked. */
static enum rcpt_verdict
relay_verdict(const struct address *a)
{
	if (!smtpd.settings->relay_verify ||
	    *smtpd.settings->relay_recipients != '\0')
		return RCPT_IS_REMOTE;
	switch (recall(a)) {
	case REMEMBER_NOTHING:
		return RCPT_IS_ASK;
	case REMEMBER_BAD:
		return RCPT_IS_UNKNOWN;
	case REMEMBER_GOOD:
	case REMEMBER_AWAY:
		break;
	}
	return RCPT_IS_REMOTE;
}

static bool
has_limit(const struct user *u)
{
	return u->quota.set && (u->quota.bytes > 0 || u->quota.messages > 0);
}

/* By what is in memory. */
static enum rcpt_verdict
judge(struct server_call *call, struct recipient *r)
{
	const struct rcpt_request *request = call->request;
	const struct directory dir = monitor_directory();

	switch (recipient_find(&dir, &request->addr, r, NULL)) {
	case RECIPIENT_LOCAL:
		return has_limit(&r->user) ? RCPT_IS_ASK : RCPT_IS_LOCAL;
	case RECIPIENT_LIST:
	case RECIPIENT_NOBODY:
		return RCPT_IS_LIST;
	case RECIPIENT_UNKNOWN:
		return RCPT_IS_UNKNOWN;
	case RECIPIENT_REMOTE:
		return may_relay(call) ? RCPT_IS_REMOTE : RCPT_IS_REFUSED;
	case RECIPIENT_RELAY:
		return relay_verdict(&request->addr);
	case RECIPIENT_TEMPORARY:
		break;
	}
	log_error("recipient", "error=%s", log_str(r->error));
	return RCPT_IS_LATER;
}

/* The owner travels in the reply to the monitor, which does not pass it on. */
void
recipient_run_rcpt(struct server_call *call)
{
	static struct recipient r;
	struct rcpt_reply *answer = call->reply;

	answer->verdict = judge(call, &r);
	answer->owner = recipient_owner(&r);
}

static void
count(struct server_call *call)
{
	struct rcpt_reply *answer = call->reply;
	struct memory *m = call->data;

	if (answer->verdict == RCPT_IS_LOCAL ||
	    answer->verdict == RCPT_IS_LIST) {
		m->nrcpts[SPOOL_LOCAL]++;
		m->owner = answer->owner;
		m->list = answer->verdict == RCPT_IS_LIST;
	} else if (answer->verdict == RCPT_IS_REMOTE)
		m->nrcpts[SPOOL_REMOTE]++;
	else if (answer->verdict == RCPT_IS_UNKNOWN && !m->again)
		policy_unknown(call);
	else if (answer->verdict == RCPT_IS_UNKNOWN)
		m->again = false;	/* one, which the client did not give */
	sender_count(call);
	answer->owner = 0;
	answer->remember = 0;
}

void
recipient_done_rcpt(struct server_call *call)
{
	const struct rcpt_request *request = call->request;
	struct rcpt_reply *answer = call->reply;
	struct memory *m = call->data;

	if (answer->verdict == RCPT_IS_ASK) {
		m->asked = request->addr;
		m->asked_owner = answer->owner;
	}
	count(call);
}

/*
 * The helper has read what another host said, or a user's file.  Whose the
 * mailbox is was known before, and whether there is one at all: it can say
 * no more than yes or no.
 */
void
recipient_done_ask(struct server_call *call)
{
	const struct rcpt_request *request = call->request;
	struct rcpt_reply *answer = call->reply;
	struct memory *m = call->data;
	bool local = m->asked_owner != (uid_t)-1;

	if ((answer->verdict == RCPT_IS_LOCAL && !local) ||
	    (answer->verdict == RCPT_IS_REMOTE && local) ||
	    answer->verdict == RCPT_IS_LIST)
		answer->verdict = RCPT_IS_LATER;
	answer->owner = m->asked_owner;
	if (!local && answer->remember <= REMEMBER_AWAY)
		remember(&request->addr, (enum remembered)answer->remember);
	memset(&m->asked, 0, sizeof(m->asked));
	count(call);
}

/*
 * rcpt-ask, in a helper
 */

/* Is there room in the mailbox?  What cannot be found out is no reason against
 * it: mda-deliver will see. */
static enum rcpt_verdict
ask_mailbox(const struct user *u, uint64_t size)
{
	const struct sandbox_path path = { u->mailbox, SANDBOX_WRITE };
	enum rcpt_verdict verdict = RCPT_IS_LOCAL;
	struct quota quota;
	int dir;

	if (u->quota.bytes > 0 && size > u->quota.bytes)
		return RCPT_IS_FULL;
	if ((geteuid() == 0 && privilege_drop(u->uid, u->gid) == -1) ||
	    sandbox_mailbox(&path, 1) == -1 || (dir = open(u->mailbox,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return verdict;
	quota_init(&quota, dir, &u->quota);
	if (quota_read(&quota) == 0 && !quota_fits(&quota, size, 1))
		verdict = RCPT_IS_FULL;
	close(dir);
	return verdict;
}

/* Would its host take it?  A backup holds mail while that host is away. */
static enum rcpt_verdict
ask_host(const struct address *a, struct rcpt_reply *answer)
{
	enum rcpt_verdict verdict = RCPT_IS_REMOTE;
	struct callout *c;
	const char *said = "yes";

	/* not asked with SMTPUTF8, which the host may not have */
	if (!address_is_ascii(a))
		return verdict;
	c = callout_new(smtpd.settings, a->domain);
	if (c == NULL || server_become_door() == -1 || sandbox_client() == -1)
		return RCPT_IS_LATER;
	switch (callout_ask(c, a)) {
	case CALLOUT_GOOD:
		answer->remember = REMEMBER_GOOD;
		break;
	case CALLOUT_BAD:
		answer->remember = REMEMBER_BAD;
		verdict = RCPT_IS_UNKNOWN;
		said = "no";
		break;
	case CALLOUT_UNSURE:
		verdict = RCPT_IS_LATER;
		said = "later";
		break;
	case CALLOUT_AWAY:
		answer->remember = REMEMBER_AWAY;
		said = "nothing";
		break;
	}
	callout_free(c);
	log_info("callout", "to=%s said=%s", log_address(a), said);
	return verdict;
}

void
recipient_run_ask(struct server_call *call)
{
	static struct recipient r;
	const struct rcpt_request *request = call->request;
	const struct memory *m = call->data;
	struct rcpt_reply *answer = call->reply;

	answer->verdict = judge(call, &r);
	answer->owner = recipient_owner(&r);
	if (answer->verdict != RCPT_IS_ASK)
		return;
	answer->verdict = r.kind == RECIPIENT_LOCAL ?
	    ask_mailbox(&r.user, m->size) :
	    ask_host(&request->addr, answer);
}

/*
 * expand: what VRFY and EXPN say
 */

int
recipient_check_expand(struct server_call *call)
{
	const struct expand_request *request = call->request;

	if (monitor_address(&request->addr) && may_relay(call) &&
	    (!request->list || call->state == STATE_AUTHENTICATED))
		return 1;
	server_violation(call, "expand");
	return 0;
}

/* As many addresses, from the one asked for, as there is room for. */
static void
write_list(const struct recipient_list *list, size_t from,
    struct expand_reply *answer)
{
	char text[ADDRESS_TEXT_MAX];
	size_t i, n, at = 0;

	for (i = from; i < list->n; i++) {
		n = strlen(address_text(&list->v[i], text)) + 1;
		if (n > sizeof(answer->text) - at) {
			answer->more = 1;
			return;
		}
		memcpy(answer->text + at, text, n);
		at += n;
		answer->n++;
	}
}

void
recipient_run_expand(struct server_call *call)
{
	static struct recipient r;
	const struct expand_request *request = call->request;
	const struct directory dir = monitor_directory();
	struct expand_reply *answer = call->reply;
	struct recipient_list list = { 0 };

	switch (recipient_find(&dir, &request->addr, &r, &list)) {
	case RECIPIENT_LOCAL:
	case RECIPIENT_LIST:
	case RECIPIENT_NOBODY:
		answer->verdict = RCPT_IS_LOCAL;
		break;
	case RECIPIENT_UNKNOWN:
		answer->verdict = RCPT_IS_UNKNOWN;
		break;
	case RECIPIENT_REMOTE:
	case RECIPIENT_RELAY:
		answer->verdict = RCPT_IS_REMOTE;
		break;
	case RECIPIENT_TEMPORARY:
		log_error("recipient", "error=%s", log_str(r.error));
		answer->verdict = RCPT_IS_LATER;
		break;
	}
	if (request->list)
		write_list(&list, request->from, answer);
	recipient_list_free(&list);
}
