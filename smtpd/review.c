/* SPDX-License-Identifier: ISC
 *
 * A message that is whole, before it is taken: the filter judges it, then the
 * milters, one after the other; what they change is in in->text and in the
 * session's envelope.  It must never take a message that one of them could not
 * judge, but as milter_default says.
 */
#include <errno.h>
#include <string.h>

#include "filter.h"
#include "milter.h"
#include "review.h"
#include "system/log.h"

enum { NOTE_REASON, NOTE_SENDER, NOTE_RECIPIENT };
static const char *const notes[] = { "X-Quarantine-Reason",
	"X-Quarantine-Sender", "X-Quarantine-Recipient" };

bool
review_wanted(void)
{
	return smtpd.settings->milter.n > 0 || smtpd.settings->filter.n > 0;
}

static enum reply
load(struct incoming *in)
{
	if (text_load(&in->text, in->draft, in->draft_w.size) == 0)
		return REPLY_NONE;
	if (errno == EMSGSIZE)
		return REPLY_HEADER_TOO_BIG;
	in->error = errno;
	return REPLY_NONE;
}

/* A field that says something of the envelope. */
static int
note(struct incoming *in, const char *name, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX + 2] = "<";

	(void)address_text(a, text + 1);
	(void)strlcat(text, ">", sizeof(text));
	return fields_insert(&in->text.fields, 0, name, text, false);
}

/* To the one who looks through such mail, instead of its recipients. */
static enum reply
hold(struct incoming *in, const char *reason)
{
	const char *to = smtpd.settings->quarantine;
	struct session *s = in->s;
	struct address a;
	size_t i;

	log_info("quarantine", "from=%s to=%s rcpts=%zu reason=%s",
	    log_address(&s->sender), log_address(&s->rcpts[0].addr),
	    s->nrcpts, log_str(reason));
	if (*to == '\0' || address_parse(&a, to, strlen(to), NULL) != 1) {
		log_error("quarantine", "error=\"key quarantine is not set\"");
		return REPLY_FILTER_FAILED;
	}
	recipient_complete(smtpd.settings, &a);
	/* what the message says of itself must not be believed */
	for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		fields_remove(&in->text.fields, notes[i]);
	for (i = s->nrcpts; i > 0; i--)
		if (note(in, notes[NOTE_RECIPIENT],
		    &s->rcpts[i - 1].addr) == -1)
			return REPLY_FILTER_FAILED;
	if (note(in, notes[NOTE_SENDER], &s->sender) == -1 ||
	    fields_insert(&in->text.fields, 0, notes[NOTE_REASON], reason,
	    false) == -1)
		return REPLY_FILTER_FAILED;
	/* what cannot be delivered there is no matter of the sender's */
	memset(&s->sender, 0, sizeof(s->sender));
	s->mail = (struct smtp_params){ .body = s->mail.body,
	    .given = s->mail.given & SMTP_WITH_UTF8 };
	s->due = s->by = 0;
	while (s->nrcpts > 0)
		session_rcpt_drop(s, s->nrcpts - 1);
	if (session_rcpt_add(s, &a) == -1)
		return REPLY_FILTER_FAILED;
	return session_rcpts_again(s);
}

enum reply
review(struct incoming *in)
{
	char reason[REASON_MAX] = "";
	struct session *s = in->s;
	enum reply r = load(in);

	if (r != REPLY_NONE || in->error != 0)
		return r;
	r = filter_message(in, reason, sizeof(reason));
	if (r == REPLY_NONE && *reason == '\0') {
		r = milter_message(in, reason);
		if (r == REPLY_OWN_WORDS)
			(void)buf_add(&in->words, s->milters->words.data,
			    s->milters->words.len);
	}
	if (in->error != 0 || r != REPLY_NONE)
		return r;
	if (*reason != '\0')
		return hold(in, reason);
	return s->rcpts_again ? session_rcpts_again(s) : REPLY_NONE;
}
