/* SPDX-License-Identifier: ISC
 *
 * What smtpd's monitor says about an account that sends: as whom, and to how
 * many.  It must never take a session's word for which account that is.
 */
#include <string.h>
#include <strings.h>

#include "mail/recipient.h"
#include "monitor.h"
#include "rate.h"
#include "system/log.h"

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

bool
sender_rate(struct server_call *call)
{
	const struct memory *m = call->data;
	struct rcpt_reply *answer = call->reply;
	long long limit = smtpd.settings->submission_rate;
	bool first;

	if (limit == 0 || m->account[0] == '\0' ||
	    !rate_frozen(m->account, (unsigned long)limit, &first))
		return true;
	if (first)
		log_warn("frozen", "user=%s rcpts=%lld within=1h",
		    log_str(m->account), limit);
	answer->verdict = RCPT_IS_FROZEN;
	return false;
}

void
sender_count(struct server_call *call)
{
	const struct memory *m = call->data;
	const struct rcpt_reply *answer = call->reply;

	if (m->account[0] != '\0' && (answer->verdict == RCPT_IS_LOCAL ||
	    answer->verdict == RCPT_IS_LIST ||
	    answer->verdict == RCPT_IS_REMOTE))
		rate_count(m->account);
}
