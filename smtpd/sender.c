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

/* Whose address it is; a sub-address is that of the name before its "+". */
static enum sender_verdict
owner(const char *account, const struct address *a)
{
	static struct recipient r;
	struct address main = *a;
	char *plus;

	if (recipient_find(smtpd.settings, smtpd.users, a, &r) ==
	    RECIPIENT_UNKNOWN &&
	    (plus = strchr(main.local + (*main.local != '\0'), '+')) !=
	    NULL) {
		*plus = '\0';
		recipient_find(smtpd.settings, smtpd.users, &main, &r);
	}
	if (r.kind == RECIPIENT_TEMPORARY) {
		log_error("users", "error=%s", log_str(r.error));
		return SENDER_IS_LATER;
	}
	return r.kind == RECIPIENT_LOCAL &&
	    strcmp(r.user.name, account) == 0 ? SENDER_IS_GOOD :
	    SENDER_IS_FOREIGN;
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
	    answer->verdict == RCPT_IS_REMOTE))
		rate_count(m->account);
}
