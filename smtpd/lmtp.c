/* SPDX-License-Identifier: ISC
 *
 * The end of a message by LMTP (RFC 2033): one reply for each recipient that
 * was taken, in their order, each when it is known.  It must never answer 250
 * before mda-deliver has said that the message is in the mailbox, file and
 * name on disk.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "incoming.h"
#include "system/clock.h"
#include "system/log.h"

#define TERMS	6		/* for all deliveries: 5 minutes */

/*
 * What mda-deliver's exit code means.  The enhanced code that its last line
 * begins with stands, when it is of the same class; a full mailbox alone is
 * either.
 */
static const struct verdict {
	int		 exit;
	enum reply	 reply;
	const char	*status;	/* when it names none */
} verdicts[] = {
	{ EX_NOUSER, REPLY_DELIVER_NOBODY, "5.1.1" },
	{ EX_NOHOST, REPLY_DELIVER_NOBODY, "5.1.2" },
	{ EX_NOPERM, REPLY_DELIVER_NOBODY, "5.7.1" },
	{ EX_DATAERR, REPLY_DELIVER_REFUSED, "5.6.0" },
	{ EX_UNAVAILABLE, REPLY_DELIVER_REFUSED, "5.3.0" },
	{ EX_CANTCREAT, REPLY_DELIVER_OVER, "5.2.2" },
	{ EX_TEMPFAIL, REPLY_DELIVER_LATER, "4.3.0" }
};
#define NVERDICTS	(sizeof(verdicts) / sizeof(verdicts[0]))

/* "D.D.D " at the start of a line: its class, or 0. */
static char
status_class(const char *said)
{
	unsigned a, b, c;
	int n = 0;

	return sscanf(said, "%1u.%3u.%3u %n", &a, &b, &c, &n) == 3 && n > 0 &&
	    said[n] != '\0' ? *said : 0;
}

/* Every code that is not in the table is a fault of this host, and so is a
 * path that cannot be a mailbox: both can be mended. */
static const struct verdict *
find_verdict(int exit, const char *said)
{
	const struct verdict *v;

	for (v = verdicts; v < verdicts + NVERDICTS - 1; v++)
		if (v->exit == exit && (exit != EX_CANTCREAT ||
		    status_class(said) == '5'))
			return v;
	return v;
}

static bool
is_full(const char *said)
{
	return strncmp(said, "4.2.2 ", 6) == 0 ||
	    strncmp(said, "4.3.1 ", 6) == 0;
}

/* The reply and its detail: "5.1.1 <bob@a.test>: no such user". */
static enum reply
say(const struct deliver_reply *answer, const char *to, char *detail,
    size_t room)
{
	const struct verdict *v = find_verdict(answer->status, answer->said);
	const char *said = answer->said, *status = v->status;
	char own[12];
	size_t n;

	if (status_class(said) != 0) {
		n = strcspn(said, " ");
		if (*said == *v->status && n < sizeof(own)) {
			strlcpy(own, said, n + 1);
			status = own;
		}
		said += n + 1;
	}
	snprintf(detail, room, "%s <%s>: %s", status, to, *said == '\0' ?
	    "mda-deliver did not say what is wrong" : said);
	return v->reply == REPLY_DELIVER_LATER && is_full(detail) ?
	    REPLY_DELIVER_FULL : v->reply;
}

static enum reply
deliver(struct incoming *in, const struct rcpt *rcpt, const char *to,
    char *detail, size_t room)
{
	static struct deliver_request request;
	static struct deliver_reply answer;
	int r;

	memset(&request, 0, sizeof(request));
	request.sender = in->s->sender;
	request.rcpt = rcpt->addr;
	r = server_ask(in->s->server, OP_DELIVER, &request, &answer,
	    &in->draft, 1, NULL);
	if (r == -1)
		in->gone = true;
	if (r != 0)
		answer.status = DELIVER_DIED;
	answer.said[sizeof(answer.said) - 1] = '\0';
	if (r == 0 && answer.status == 0) {
		strlcpy(detail, to, room);
		return REPLY_DELIVERED;
	}
	return say(&answer, to, detail, room);
}

/* Was it delivered for the same recipient, who was given before? */
static bool
was_delivered(const struct session *s, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (s->rcpts[j].delivered &&
		    address_equal(&s->rcpts[j].addr, &s->rcpts[i].addr))
			return true;
	return false;
}

/* Until then deliveries are begun. */
static void
answer_one(struct incoming *in, size_t i, long long last)
{
	struct session *s = in->s;
	struct rcpt *rcpt = &s->rcpts[i];
	char to[ADDRESS_TEXT_MAX];
	char detail[ADDRESS_TEXT_MAX + DELIVER_SAID + 32];
	enum reply r;

	address_text(&rcpt->addr, to);
	strlcpy(detail, to, sizeof(detail));
	if (was_delivered(s, i))
		r = REPLY_DELIVERED;
	else if (server_stopping())
		r = REPLY_DELIVER_STOPPED;
	else if (clock_ms() >= last)
		r = REPLY_DELIVER_OVERDUE;
	else
		r = deliver(in, rcpt, to, detail, sizeof(detail));
	rcpt->delivered = r == REPLY_DELIVERED;
	log_info(rcpt->delivered ? "delivered" : "refused",
	    "from=%s to=%s size=%llu with=%s reply=\"%.3s\" said=%s",
	    log_address(&s->sender), log_address(&rcpt->addr),
	    (unsigned long long)in->data.wire, session_with(s),
	    reply_text(r), log_str(detail));
	if (r == REPLY_DELIVERED || strchr(detail, '\n') == NULL)
		reply(s, r, detail);
	else
		reply_lines(s, r, detail);
}

void
lmtp_end(struct incoming *in, enum reply fault, const char *detail)
{
	struct session *s = in->s;
	long long last = clock_ms() + TERMS * 1000LL * deliver_term();
	bool any = false;
	size_t i;

	for (i = 0; i < s->nrcpts && !in->gone; i++) {
		if (fault != REPLY_NONE) {
			reply(s, fault, detail);
			continue;
		}
		answer_one(in, i, last);
		any = any || s->rcpts[i].delivered;
		/* a client that is gone will send it again, to all */
		if (stream_flush(s->stream) != STREAM_OK)
			in->gone = true;
	}
	s->messages += any;
}
