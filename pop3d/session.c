/* SPDX-License-Identifier: ISC
 *
 * The life of a session, before login in the door and after it in the mailbox
 * process.  A client that goes away has removed nothing.
 */
#include <string.h>

#include "output.h"
#include "pop3d.h"
#include "system/log.h"

#define IDLE_SECONDS	600	/* RFC 1939, section 3: at least that */
#define ERRORS_MAX	20	/* then the client is shown out */

void
session_error(struct session *s, int reply)
{
	s->errors++;
	reply_send(s->io, reply);
}

/* Why there is no line.  NOTE: a session out of time is closed without a word
 * (RFC 1939, section 3). */
static void
say_end(struct session *s, enum stream_status status)
{
	s->state = STATE_OVER;
	if (server_stopping())
		reply_send(s->io, REPLY_STOPPING);
	else if (status != STREAM_EOF)
		log_info("gone", "how=%s %s", stream_status_name(status),
		    stream_error(s->io));
}

/* Whether a whole line is here already: to read it takes no time. */
static bool
line_waits(struct stream *io)
{
	const char *p;
	size_t n;

	return !tls_on(io) && stream_pending(io) > 0 &&
	    stream_peek(io, 1, &p, &n) == STREAM_OK &&
	    memchr(p, '\n', n) != NULL;
}

/*
 * NOTE: a line that ends in LF alone is a line, whoever sends it: people type
 * POP3 by hand, and there is nothing in it that could be smuggled.
 */
int
session_line(struct session *s, struct stream_line *line)
{
	enum stream_status status;

	/* Mostly nothing has come yet: a look for it would only hold back
	 * what the client waits for. */
	if (!line_waits(s->io)) {
		output_flush();
		(void)stream_flush(s->io);
	}
	status = stream_line(s->io, POP3_LINE_MAX, line);
	if (status == STREAM_OK)
		return 1;
	if (status == STREAM_TOOLONG) {
		session_error(s, REPLY_LINE_LONG);
		return -1;
	}
	say_end(s, status);
	return 0;
}

void
session_run(struct session *s)
{
	long long seconds = login.settings->timeout == 0 ? IDLE_SECONDS :
	    login.settings->timeout;
	struct stream_line line;

	stream_set_timeout(s->io, (int)(seconds * 1000));
	while (s->state != STATE_OVER) {
		if (session_line(s, &line) == 1) {
			server_busy(true);
			command_line(s, &line);
			server_busy(false);
		}
		if (s->errors > ERRORS_MAX && s->state != STATE_OVER) {
			log_info("errors", "count=%u", s->errors);
			reply_send(s->io, REPLY_ERRORS);
			s->state = STATE_OVER;
		}
	}
}

void
door_run(struct server_session *door)
{
	struct session s = { .door = door, .state = STATE_AUTHORIZATION };

	log_info("connect", NULL);
	if ((s.io = login_stream(door)) == NULL)
		return;
	s.private = login_private(door, s.io);
	s.utf8 = !login.settings->pop3_utf8;
	reply_send(s.io, REPLY_GREETING, login.settings->hostname);
	session_run(&s);
	explicit_bzero(s.user, sizeof(s.user));
	/* Handed over, its end is the mailbox process's to tell. */
	if (s.io == NULL)
		return;
	log_info("disconnect", "errors=%u", s.errors);
	stream_close(s.io);
}

void
mailbox_run(struct login_mailbox *m)
{
	struct session s = { .io = m->stream, .drop = m->data,
	    .state = STATE_TRANSACTION };
	struct hello hello;

	s.local = m->hello_len != sizeof(hello);
	if (!s.local) {
		memcpy(&hello, m->hello, sizeof(hello));
		s.private = hello.private;
		s.utf8 = hello.utf8;
	} else
		s.utf8 = true;
	server_stop_fd(stream_rfd(s.io));
	log_info("login", "user=%s messages=%u", log_str(m->user), s.drop->n);
	reply_send(s.io, REPLY_OPEN, s.drop->n);
	session_run(&s);
	log_info("logout", "user=%s retrieved=%u removed=%u", log_str(m->user),
	    s.retrieved, s.removed);
	output_flush();
	/* The client waits no longer; a signal has nothing to cut, since the
	 * descriptor may be another file's from here on. */
	server_busy(true);
	stream_close(s.io);
	if (s.removed > 0)
		mailbox_settle(s.drop->box);
	drop_close(s.drop);
	mailbox_root_close(m->root);
}
