/* SPDX-License-Identifier: ISC
 *
 * What a message submission server asks of a user's message, and does to its
 * header (RFC 6409).  It must never pass on whom a Bcc field names.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/date.h"
#include "grammar/message_id.h"
#include "grammar/submit.h"
#include "incoming.h"

/* NOTE: who came by the UNIX socket is known by uid, which Received says, and
 * may send as anybody, as with every sendmail(8). */
enum reply
submission_sender(struct session *s, const struct address *a)
{
	struct sender_request request;
	struct sender_reply answer;
	enum reply r;

	if (!s->authenticated)
		return REPLY_NONE;
	memset(&request, 0, sizeof(request));
	request.addr = *a;
	if ((r = session_ask(s, OP_SENDER, &request, &answer)) != REPLY_NONE)
		return r;
	switch (answer.verdict) {
	case SENDER_IS_GOOD:
		return REPLY_NONE;
	case SENDER_IS_FOREIGN:
		return REPLY_NOT_YOURS;
	case SENDER_IS_LATER:
		break;
	}
	return REPLY_USERS_LATER;
}

static enum reply
judge_authors(struct incoming *in, const struct submit_authors *all)
{
	enum reply r;
	size_t i;

	for (i = 0; i < all->n; i++) {
		/* most often the envelope's, which was judged */
		if (address_equal(&all->v[i], &in->s->sender))
			continue;
		r = submission_sender(in->s, &all->v[i]);
		if (r == REPLY_NONE)
			continue;
		in->gone = in->s->state == SESSION_END;
		address_text(&all->v[i], in->detail);
		return r == REPLY_NOT_YOURS ? REPLY_FROM_NOT_YOURS : r;
	}
	return REPLY_NONE;
}

/* The account's own address; null: there is none. */
static void
own_address(const struct session *s, struct address *a)
{
	memset(a, 0, sizeof(*a));
	if (!s->authenticated)
		*a = s->sender;
	else if (address_parse(a, s->login, strlen(s->login), NULL) != 1)
		memset(a, 0, sizeof(*a));
	else
		recipient_complete(smtpd.settings, a);
}

static void
add_from(const struct session *s, struct buf *header)
{
	struct address a;

	own_address(s, &a);
	if (address_is_null(&a))
		return;
	buf_adds(header, "From: ");
	address_write(header, &a);
	buf_addc(header, '\n');
}

/* The fields that are missing. */
static void
add_fields(const struct incoming *in, struct buf *header)
{
	char id[MESSAGE_ID_MAX], date[DATE_MAX];
	uint64_t random;

	if (!(in->data.facts & SMTP_DATA_HAS_DATE))
		buf_addf(header, "Date: %s\n",
		    date_format(date, in->now, in->zone));
	if (!(in->data.facts & SMTP_DATA_HAS_MESSAGE_ID)) {
		arc4random_buf(&random, sizeof(random));
		buf_addf(header, "Message-ID: %s\n",
		    message_id_make(id, (uint64_t)in->now, random,
		    smtpd.settings->hostname));
	}
}

enum reply
submission_header(struct incoming *in, struct buf *header)
{
	struct submit_authors all;
	enum submit_from from;
	enum reply r = REPLY_NONE;

	if (header->len > 0)
		header->len = submit_strip(header->data, header->len);
	from = submit_authors(&all, header->data, header->len);
	if (in->s->authenticated) {
		switch (from) {
		case SUBMIT_GOOD:
		case SUBMIT_NONE:
			r = judge_authors(in, &all);
			break;
		case SUBMIT_TWICE:
			return REPLY_FROM_TWICE;
		case SUBMIT_MALFORMED:
			return REPLY_FROM_BAD;
		case SUBMIT_MANY:
			return REPLY_FROM_MANY;
		}
	}
	if (from == SUBMIT_NONE)
		add_from(in->s, header);
	add_fields(in, header);
	return r;
}
