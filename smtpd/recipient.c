/* SPDX-License-Identifier: ISC
 *
 * What smtpd's monitor says about recipients.  Who relays for whom is decided
 * here and nowhere else; requests come from processes that talk to strangers,
 * so each byte of them is checked again.
 */
#include <string.h>

#include "mail/recipient.h"
#include "monitor.h"
#include "system/log.h"

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

int
recipient_check_rcpt(struct server_call *call)
{
	const struct rcpt_request *request = call->request;
	const struct memory *m = call->data;

	if (!monitor_address(&request->addr)) {
		server_violation(call, "rcpt strings");
		return 0;
	}
	if (m->file[SPOOL_LOCAL].id[0] != '\0' ||
	    m->file[SPOOL_REMOTE].id[0] != '\0') {
		server_violation(call, "rcpt behind create");
		return 0;
	}
	return sender_rate(call);
}

/* What a helper finds out; the owner travels in the reply to the monitor,
 * which does not pass it on. */
void
recipient_run_rcpt(struct server_call *call)
{
	static struct recipient r;
	const struct rcpt_request *request = call->request;
	const struct directory dir = monitor_directory();
	struct rcpt_reply *answer = call->reply;

	switch (recipient_find(&dir, &request->addr, &r, NULL)) {
	case RECIPIENT_LOCAL:
	case RECIPIENT_LIST:
	case RECIPIENT_NOBODY:
		answer->verdict = RCPT_IS_LOCAL;
		answer->owner = recipient_owner(&r);
		break;
	case RECIPIENT_UNKNOWN:
		answer->verdict = RCPT_IS_UNKNOWN;
		break;
	case RECIPIENT_REMOTE:
		answer->verdict = may_relay(call) ? RCPT_IS_REMOTE :
		    RCPT_IS_REFUSED;
		break;
	case RECIPIENT_RELAY:
		answer->verdict = RCPT_IS_REMOTE;
		break;
	case RECIPIENT_TEMPORARY:
		log_error("recipient", "error=%s", log_str(r.error));
		answer->verdict = RCPT_IS_LATER;
		break;
	}
}

void
recipient_done_rcpt(struct server_call *call)
{
	struct rcpt_reply *answer = call->reply;
	struct memory *m = call->data;

	if (answer->verdict == RCPT_IS_LOCAL) {
		m->nrcpts[SPOOL_LOCAL]++;
		m->owner = answer->owner;
	} else if (answer->verdict == RCPT_IS_REMOTE)
		m->nrcpts[SPOOL_REMOTE]++;
	sender_count(call);
	answer->owner = 0;
}
