/* SPDX-License-Identifier: ISC
 *
 * What smtpd's monitor says about an account that sends: as whom, and to how
 * many.  It must never take a session's word for which account that is.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mail/recipient.h"
#include "monitor.h"
#include "policy.h"
#include "system/log.h"

#define HOUR		(3600 * 1000LL)
#define FROZEN_KEY_MAX	(USERS_NAME_MAX + 16)

int
sender_check(struct server_call *call)
{
	const struct sender_request *request = call->request;

	if (monitor_address(&request->addr))
		return 1;
	server_violation(call, "sender strings");
	return 0;
}

/* A row of key send_as: an address, "@domain", or "*". */
static bool
row_matches(const char *row, const struct address *a)
{
	struct address listed;

	if (strcmp(row, "*") == 0)
		return true;
	if (*row == '@')
		return strcasecmp(row + 1, a->domain) == 0;
	return address_parse(&listed, row, strlen(row), NULL) == 1 &&
	    strcasecmp(listed.local, a->local) == 0 &&
	    strcasecmp(listed.domain, a->domain) == 0;
}

static bool
is_listed(const char *account, const struct address *a)
{
	const struct conf_pairs *rows = &smtpd.settings->send_as;
	size_t i;

	for (i = 0; i < rows->n; i++)
		if (strcmp(rows->v[i].name, account) == 0 &&
		    row_matches(rows->v[i].value, a))
			return true;
	return false;
}

static bool
is_account(const char *account, const struct recipient *r)
{
	return r->kind == RECIPIENT_LOCAL &&
	    strcmp(r->user.name, account) == 0;
}

/* Does mail to it get to the account, by its name, a sub-address or an
 * alias? */
static enum sender_verdict
owner(const char *account, const struct address *a)
{
	static struct recipient r;
	const struct directory dir = monitor_directory();
	struct recipient_list list = { 0 };
	enum sender_verdict verdict = SENDER_IS_FOREIGN;
	size_t i;

	if (recipient_find(&dir, a, &r, &list) == RECIPIENT_TEMPORARY) {
		log_error("recipient", "error=%s", log_str(r.error));
		verdict = SENDER_IS_LATER;
	} else if (is_account(account, &r))
		verdict = SENDER_IS_GOOD;
	for (i = 0; i < list.n && verdict == SENDER_IS_FOREIGN; i++) {
		(void)recipient_user(&dir, &list.v[i], &r);
		if (is_account(account, &r))
			verdict = SENDER_IS_GOOD;
	}
	recipient_list_free(&list);
	return verdict;
}

void
sender_run(struct server_call *call)
{
	const struct sender_request *request = call->request;
	const struct memory *m = call->data;
	struct sender_reply *answer = call->reply;

	answer->verdict = address_is_null(&request->addr) ||
	    is_listed(m->account, &request->addr) ? SENDER_IS_GOOD :
	    owner(m->account, &request->addr);
}

/*
 * How many recipients: counted over all processes of smtpd (mail/tally.h).
 * One of a message that a filter gave other recipients counts for one of those
 * that the client gave.
 * NOTE: as with every rate, a memory that cannot be asked stops no mail.
 */

static size_t
frozen_key(const struct memory *m, char key[FROZEN_KEY_MAX])
{
	return (size_t)snprintf(key, FROZEN_KEY_MAX, "frozen %s", m->account);
}

bool
sender_rate(struct server_call *call)
{
	const struct memory *m = call->data;
	struct rcpt_reply *answer = call->reply;
	char key[FROZEN_KEY_MAX];

	if (smtpd.settings->submission_rate == 0 || m->account[0] == '\0' ||
	    monitor_rcpts(m) < m->counted ||
	    tally_known(&policy_tally, TALLY_RATE, key, frozen_key(m, key),
	    HOUR, policy_now()) != 1)
		return true;
	answer->verdict = RCPT_IS_FROZEN;
	return false;
}

void
sender_count(struct server_call *call)
{
	struct memory *m = call->data;
	const struct rcpt_reply *answer = call->reply;
	long long max = smtpd.settings->submission_rate;
	size_t n = strlen(m->account);
	char key[FROZEN_KEY_MAX];

	if (max == 0 || n == 0 || (answer->verdict != RCPT_IS_LOCAL &&
	    answer->verdict != RCPT_IS_LIST &&
	    answer->verdict != RCPT_IS_REMOTE) ||
	    monitor_rcpts(m) <= m->counted)
		return;
	m->counted++;
	(void)tally_rate(&policy_tally, "account", m->account, n, max, HOUR,
	    policy_now(), true);
	if (tally_rate(&policy_tally, "account", m->account, n, max, HOUR,
	    policy_now(), false) != 0)
		return;
	log_warn("frozen", "user=%s rcpts=%lld within=1h",
	    log_str(m->account), max);
	(void)tally_touch(&policy_tally, TALLY_RATE, key, frozen_key(m, key),
	    policy_now());
}
