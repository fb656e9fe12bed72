/* SPDX-License-Identifier: ISC
 *
 * BDAT: RFC 3030 section 2.  A message comes in chunks, each with its size
 * said before.  What was announced is always taken off the wire, whatever
 * becomes of it: it must never be read as commands.  Between two chunks the
 * session takes commands, of which most end the message.
 */
#include <stdio.h>

#include "incoming.h"
#include "milter.h"

static struct incoming in;

void
bdat_drop(void)
{
	incoming_drop(&in);
}

/* All of a chunk is here. */
static void
take(struct session *s, const struct smtp_command *c)
{
	char size[24];

	if (!in.open)
		session_reset(s);	/* it never began, which was replied */
	else if (c->last) {
		incoming_end(&in);
		session_reset(s);
	} else if (incoming_goes_on(&in)) {
		s->state = SESSION_BDAT;
		snprintf(size, sizeof(size), "%llu",
		    (unsigned long long)c->chunk);
		reply(s, REPLY_CHUNK_OK, size);
	} else
		session_reset(s);
}

/* The first chunk begins a message as DATA does: the milters are told, and if
 * they, or the spool, do not want it, that is said when the chunk has been
 * read. */
static void
begin(struct session *s, const struct smtp_command *c)
{
	(void)stream_flush(s->stream);
	stream_hold(s->stream, 1);
	if (milter_data(s) && incoming_begin(&in, s, c->last))
		in.data.raw = 1;
}

void
bdat_run(struct session *s, const struct smtp_command *c)
{
	if (!session_busy(s)) {
		incoming_drop(&in);
		return;
	}
	if (!in.open)
		begin(s, c);
	if (data_read(s, in.open ? &in : NULL, c->chunk))
		take(s, c);
	else {
		incoming_drop(&in);
		session_end(s);
	}
	stream_hold(s->stream, 0);
	(void)stream_flush(s->stream);	/* before SIGTERM is heard again */
	server_busy(false);
}

void
bdat_refuse(struct session *s, const struct smtp_command *c, enum reply r,
    const char *detail)
{
	if (c->fault != SMTP_GOOD) {
		/* nobody knows where the next command begins */
		reply(s, r, detail);
		session_end(s);
	} else if (data_read(s, NULL, c->chunk))
		reply(s, r, detail);
	else
		session_end(s);
}
