/* SPDX-License-Identifier: ISC
 *
 * The list of recipients, and what the monitor makes of it when a filter has
 * changed it: no door may add one that its client may not have.
 */
#include <stdlib.h>
#include <string.h>

#include "reply.h"
#include "smtpd.h"
#include "system/log.h"

enum reply
session_rcpt_ask(struct session *s, const struct address *addr,
    struct rcpt_reply *answer)
{
	struct rcpt_request request;
	enum reply r;

	memset(&request, 0, sizeof(request));
	request.addr = *addr;
	r = session_ask(s, OP_RCPT, &request, answer);
	if (r == REPLY_NONE && answer->verdict == RCPT_IS_ASK)
		r = session_ask(s, OP_RCPT_ASK, &request, answer);
	return r;
}

int
session_rcpt_add(struct session *s, const struct address *addr)
{
	struct rcpt *more;
	size_t max;

	if (s->nrcpts == s->maxrcpts) {
		max = s->maxrcpts == 0 ? 4 : s->maxrcpts * 2;
		more = reallocarray(s->rcpts, max, sizeof(*more));
		if (more == NULL)
			return -1;
		s->rcpts = more;
		s->maxrcpts = max;
	}
	memset(&s->rcpts[s->nrcpts], 0, sizeof(s->rcpts[0]));
	s->rcpts[s->nrcpts++].addr = *addr;
	return 0;
}

void
session_rcpt_drop(struct session *s, size_t i)
{
	free(s->rcpts[i].orcpt);
	s->nrcpts--;
	memmove(&s->rcpts[i], &s->rcpts[i + 1],
	    (s->nrcpts - i) * sizeof(s->rcpts[0]));
}

/* What the monitor says of one: 0, or -1 it may not be. */
static int
judge(struct session *s, struct rcpt *rcpt)
{
	struct rcpt_reply answer;

	if (session_rcpt_ask(s, &rcpt->addr, &answer) != REPLY_NONE)
		return -1;
	rcpt->list = answer.verdict == RCPT_IS_LIST;
	rcpt->queue = answer.verdict == RCPT_IS_REMOTE ? SPOOL_REMOTE :
	    SPOOL_LOCAL;
	return answer.verdict == RCPT_IS_LOCAL || rcpt->list ||
	    answer.verdict == RCPT_IS_REMOTE ? 0 : -1;
}

enum reply
session_rcpts_again(struct session *s)
{
	struct begin_request again = { .again = 1 };
	struct status_reply status;
	size_t i;

	s->rcpts_again = false;
	if (s->nrcpts == 0)
		return REPLY_DISCARDED;
	if (s->nrcpts > (size_t)smtpd.settings->max_recipients ||
	    server_ask(s->server, OP_BEGIN, &again, &status, NULL, 0,
	    NULL) != 0)
		return REPLY_FILTER_FAILED;
	memset(s->nqueue, 0, sizeof(s->nqueue));
	for (i = 0; i < s->nrcpts; i++) {
		if (judge(s, &s->rcpts[i]) == -1) {
			log_error("filter", "error=\"no such recipient may be "
			    "added\" to=%s", log_address(&s->rcpts[i].addr));
			return REPLY_FILTER_FAILED;
		}
		s->nqueue[s->rcpts[i].queue]++;
	}
	return REPLY_NONE;
}
