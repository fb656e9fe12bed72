/* SPDX-License-Identifier: ISC
 *
 * VRFY and EXPN: RFC 5321, section 3.5.  To strangers VRFY says nothing, as
 * section 7.3 allows, and EXPN is not there.
 */
#include <string.h>

#include "reply.h"
#include "smtpd.h"

/* Ask the monitor: the reply that says so, or REPLY_NONE and the answer. */
static enum reply
ask(struct session *s, const struct address *a, bool list, uint32_t from,
    struct expand_reply *answer)
{
	struct expand_request request;
	enum reply r;

	memset(&request, 0, sizeof(request));
	request.addr = *a;
	request.list = list;
	request.from = from;
	if ((r = session_ask(s, OP_EXPAND, &request, answer)) != REPLY_NONE)
		return r;
	switch (answer->verdict) {
	case RCPT_IS_LOCAL:
		return REPLY_NONE;
	case RCPT_IS_UNKNOWN:
		return REPLY_NO_SUCH_USER;
	case RCPT_IS_REMOTE:
		return REPLY_VRFY;
	default:
		return REPLY_USERS_LATER;
	}
}

/* The argument is an address, with or without brackets, or a name. */
static bool
parse(struct session *s, const struct smtp_command *c, struct address *a)
{
	const char *why = NULL;

	if (address_parse(a, c->arg, c->arg_len, &why) == 1 &&
	    !address_is_null(a))
		return true;
	reply(s, REPLY_BAD_RCPT, why == NULL ? "it is empty" : why);
	return false;
}

void
verify_vrfy(struct session *s, const struct smtp_command *c)
{
	static struct expand_reply answer;
	char text[ADDRESS_TEXT_MAX];
	struct address a = { 0 };
	enum reply r;

	if (!smtpd.settings->vrfy || !(s->authenticated || s->trusted)) {
		reply(s, REPLY_VRFY, NULL);
		return;
	}
	if (!parse(s, c, &a))
		return;
	recipient_complete(smtpd.settings, &a);
	r = ask(s, &a, false, 0, &answer);
	reply(s, r == REPLY_NONE ? REPLY_ADDRESS : r, address_text(&a, text));
}

/* The addresses of one answer; the last line of all ends the reply. */
static void
write_some(struct session *s, const struct expand_reply *answer)
{
	const char *p = answer->text, *end = p + sizeof(answer->text);
	uint32_t i;

	for (i = 0; i < answer->n && memchr(p, '\0', (size_t)(end - p)) !=
	    NULL; i++, p += strlen(p) + 1)
		stream_printf(s->stream, "250%s2.1.5 <%s>\r\n",
		    i + 1 < answer->n || answer->more ? "-" : " ", p);
}

void
verify_expn(struct session *s, const struct smtp_command *c)
{
	static struct expand_reply answer;
	char text[ADDRESS_TEXT_MAX];
	struct address a = { 0 };
	uint32_t from = 0;
	enum reply r;

	if (!parse(s, c, &a))
		return;
	recipient_complete(smtpd.settings, &a);
	r = ask(s, &a, true, 0, &answer);
	if (r == REPLY_NONE && answer.n == 0)
		r = REPLY_ADDRESS;	/* a user is himself alone */
	if (r != REPLY_NONE) {
		reply(s, r, address_text(&a, text));
		return;
	}
	for (;;) {
		write_some(s, &answer);
		from += answer.n;
		if (!answer.more || answer.n == 0)
			return;
		if (ask(s, &a, true, from, &answer) != REPLY_NONE ||
		    answer.n == 0) {
			stream_puts(s->stream, "250 2.1.5 and others\r\n");
			return;
		}
	}
}
