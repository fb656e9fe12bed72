/* SPDX-License-Identifier: ISC
 *
 * STAT, LIST and UIDL (RFC 1939, sections 5 and 7): what is known of messages
 * without reading them.
 */
#include <string.h>

#include "mail/mailbox_pop3.h"
#include "output.h"
#include "pop3d.h"

/* A number, a blank, a number or an id, CRLF. */
#define LINE_ROOM	(2 * OUTPUT_NUMBER_MAX + DROP_ID_MAX + 3)

void
do_stat(struct session *s, const struct arguments *a)
{
	uint64_t octets;
	uint32_t n;

	(void)a;
	drop_total(s->drop, &n, &octets);
	reply_send(s->io, REPLY_STAT, n, (unsigned long long)octets);
}

static void
list_one(struct session *s, uint32_t number)
{
	uint64_t size;

	if (!drop_check(s, number))
		return;
	if (drop_size(s->drop, number, &size))
		reply_send(s->io, REPLY_LIST_ONE, number,
		    (unsigned long long)size);
	else
		drop_failed(s, number, drop_has(s->drop, number) ?
		    MAILBOX_TEMPORARY : MAILBOX_NONE);
}

void
do_list(struct session *s, const struct arguments *a)
{
	struct output *o;
	uint64_t size;
	uint32_t i, n;

	if (a->message != 0) {
		list_one(s, a->message);
		return;
	}
	drop_total(s->drop, &n, &size);
	o = output_begin(s->io);
	output_room(o, REPLY_MAX + 1);
	o->n += reply_put(o->v + o->n, REPLY_LIST, n,
	    (unsigned long long)size);
	for (i = 1; i <= s->drop->n; i++) {
		if (!drop_size(s->drop, i, &size))
			continue;
		output_room(o, LINE_ROOM);
		output_number(o, i);
		output_text(o, " ");
		output_number(o, size);
		output_text(o, "\r\n");
	}
	output_room(o, 3);
	output_text(o, ".\r\n");
}

/*
 * What a migration left comes first, then the form of key pop3_uidl.  NOTE:
 * 70 octets are what RFC 1939, section 7, allows; servers that name messages
 * by their files said longer ones, and a client must see the same again.
 */
static size_t
unique_id(const struct drop *d, uint32_t number, char id[DROP_ID_MAX + 1])
{
	uint32_t seq = drop_seq(d, number);
	struct mailbox_known known;
	struct pop3_names names;
	size_t n;

	if (mailbox_pop3_id(d->box, seq, id, DROP_ID_MAX + 1)) {
		n = strlen(id);
		if (pop3_unique_id(id, n))
			return n;
	}
	mailbox_known(d->box, seq, &known);
	names.uid = known.uid;
	names.uidvalidity = mailbox_uidvalidity(d->box);
	names.file = known.base;
	names.file_len = known.base_len;
	n = pop3_uidl(login.settings->pop3_uidl, &names, id, DROP_ID_MAX);
	if (!pop3_unique_id(id, n))
		n = pop3_uidl(POP3_UIDL_DEFAULT, &names, id, DROP_ID_MAX);
	id[n] = '\0';
	return n;
}

void
do_uidl(struct session *s, const struct arguments *a)
{
	char id[DROP_ID_MAX + 1];
	struct output *o;
	uint32_t i;
	size_t n;

	if (a->message != 0) {
		if (!drop_check(s, a->message))
			return;
		(void)unique_id(s->drop, a->message, id);
		reply_send(s->io, REPLY_UIDL_ONE, a->message, id);
		return;
	}
	o = output_begin(s->io);
	output_room(o, REPLY_MAX + 1);
	o->n += reply_put(o->v + o->n, REPLY_UIDL);
	for (i = 1; i <= s->drop->n; i++) {
		if (!drop_has(s->drop, i))
			continue;
		n = unique_id(s->drop, i, id);
		output_room(o, LINE_ROOM);
		output_number(o, i);
		output_text(o, " ");
		output_octets(o, id, n);
		output_text(o, "\r\n");
	}
	output_room(o, 3);
	output_text(o, ".\r\n");
}
