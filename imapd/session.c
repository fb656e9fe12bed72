/* SPDX-License-Identifier: ISC
 *
 * The loop of a session.  It must never run a command that the table does not
 * allow in this state, nor answer before what changed has been told.
 */
#include <stdlib.h>
#include <string.h>

#include "append.h"
#include "commands.h"
#include "fetch.h"
#include "system/clock.h"
#include "system/log.h"
#include "waiting.h"

enum {
	LAZY_MS = 10 * 1000,
	QUIET_MS = 20		/* the client has nothing to ask for now */
};

int
session_silence(const struct session *s)
{
	long long seconds = s->settings->timeout;

	if (seconds == 0)
		seconds = IDLE_SECONDS;
	if (s->state == STATE_FRESH && seconds > LOGIN_SECONDS)
		seconds = LOGIN_SECONDS;
	return (int)(seconds * 1000);
}

void
session_init(struct session *s, struct stream *io,
    const struct settings *settings, enum session_state state)
{
	memset(s, 0, sizeof(*s));
	s->io = io;
	s->settings = settings;
	s->state = state;
	s->name = s->hide = "";
	buf_init(&s->command, state == STATE_FRESH ? COMMAND_MAX_FRESH :
	    COMMAND_MAX_AUTH);
	/* COPYUID has two sets of as many ranges as a command may name. */
	buf_init(&s->code, 64 << 20);
	stream_set_timeout(io, session_silence(s));
}

void
session_deselect(struct session *s)
{
	fetch_forget(s);
	imap_set_free(&s->saved);
	mailbox_close(s->box);
	s->box = NULL;
	if (s->state == STATE_SELECTED)
		s->state = STATE_AUTH;
}

void
session_closed(struct session *s)
{
	if (s->box == NULL)
		return;
	stream_puts(s->io, "* OK [CLOSED] The mailbox is no longer selected"
	    "\r\n");
	session_deselect(s);
}

void
session_free(struct session *s)
{
	notify_free(s);
	session_deselect(s);
	append_forget(s);
	mailbox_root_close(s->root);
	s->root = NULL;
	free(s->user);
	s->user = NULL;
	buf_wipe(&s->command);
	buf_free(&s->code);
	if (s->io != NULL)
		(void)stream_close(s->io);
	s->io = NULL;
}

bool
session_privacy(const struct session *s)
{
	return tls_on(s->io) || s->settings->allow_plaintext ||
	    s->door == NULL || (s->door->peer.loopback &&
	    !s->door->peer.proxied);
}

static enum reply
wrong_state(const struct session *s, const struct command *c)
{
	if (s->state == STATE_FRESH)
		return REPLY_LOGIN_FIRST;
	if (c->states == STATE_FRESH)
		return REPLY_LOGIN_ALREADY;
	return REPLY_SELECT_FIRST;
}

/* command = tag SP (command-any / ...): find the row, the cursor then stands
 * behind the name.  NULL: *r is the answer. */
static const struct command *
parse_command(struct session *s, struct imap_lex *l, enum reply *r)
{
	const struct command *c;
	struct imap_string tag, name;

	*r = REPLY_NO_TAG;
	/* What is no tag up to its end is not given back in part. */
	if (imap_lex_tag(l, &tag) != 1 || tag.len > TAG_MAX ||
	    (l->p < l->end && *l->p != ' '))
		return NULL;
	memcpy(s->tag, tag.s, tag.len + 1);
	if (!imap_lex_sp(l) || imap_lex_atom(l, &name) != 1)
		return NULL;
	if (strcasecmp(name.s, "UID") == 0) {
		s->uid = true;
		if (!imap_lex_sp(l) || imap_lex_atom(l, &name) != 1)
			name.len = 0;
	}
	if ((c = command_find(&name, s->uid)) == NULL) {
		*r = REPLY_UNKNOWN;
		return NULL;
	}
	s->name = c->name;
	if (!(c->states & s->state)) {
		*r = wrong_state(s, c);
		return NULL;
	}
	/* RFC 9586 section 3 */
	if (s->enabled & ENABLED_UIDONLY && !s->uid &&
	    (c->flags & (COMMAND_UID | COMMAND_BARE)) == COMMAND_UID) {
		*r = REPLY_UID_REQUIRED;
		return NULL;
	}
	return c;
}

/* What happened meanwhile, as far as this command allows to say it. */
static void
tell_changes(struct session *s, const struct command *c)
{
	bool delayed;

	if (c->flags & COMMAND_TREE)
		notify_own(s);
	if (c->flags & COMMAND_QUIET || s->state != STATE_SELECTED ||
	    (notify_selected(s, &delayed) == 0 &&
	    !(c->flags & COMMAND_TELLS)))
		return;
	if (c->flags & COMMAND_LAZY && clock_ms() - s->synced < LAZY_MS)
		return;
	s->own = (c->flags & COMMAND_OWN) != 0;
	sync_mailbox(s, s->uid || !(c->flags & COMMAND_NUMBERS));
	s->own = false;
}

/* One command from its octets to its answer. */
static void
run_command(struct session *s)
{
	const struct command *c;
	struct imap_lex l;
	enum reply r;

	s->uid = false;
	s->why = NULL;
	s->name = "";
	buf_reset(&s->code);
	if (imap_lex_init(&l, s->command.data, s->command.len) == -1) {
		reply_send(s, REPLY_MEMORY);
		return;
	}
	l.names = session_names(s);
	l.utf8 = (s->enabled & (ENABLED_UTF8 | ENABLED_REV2)) != 0;
	c = parse_command(s, &l, &r);
	if (c == NULL || !(c->flags & COMMAND_LITERAL))
		append_forget(s);
	if (c != NULL) {
		/* What others changed before is still news. */
		if (c->flags & COMMAND_TREE)
			notify_before_own(s);
		r = c->handler(s, &l);
	}
	if (c != NULL)
		tell_changes(s, c);
	if (s->state != STATE_OVER)
		reply_send(s, r);
	imap_lex_free(&l);
}

void
session_learn(struct session *s)
{
	mailbox_index_make(s->box);
	mailbox_summary_rest(s->box);
}

/* The client has nothing more to ask for now: let it have its answer before
 * files are renamed.  What was learnt, and serves later sessions, has time: one
 * that asks on does not wait for that. */
static void
rest(struct session *s)
{
	if (s->box == NULL || stream_pending(s->io) > 0)
		return;
	(void)stream_flush(s->io);
	mailbox_flush(s->box);
	/* Who opens the mailbox before there is an index numbers its messages
	 * anew (RFC 7162). */
	if (s->enabled & ENABLED_CONDSTORE)
		mailbox_index_make(s->box);
	if ((!mailbox_index_pending(s->box) &&
	    !mailbox_summary_pending(s->box)) || waiting_quiet(s, QUIET_MS))
		session_learn(s);
}

void
session_run(struct session *s)
{
	while (s->state != STATE_OVER) {
		waiting_for_command(s);
		if (s->state == STATE_OVER)
			break;
		switch (input_command(s)) {
		case INPUT_COMMAND:
			server_busy(true);
			run_command(s);
			rest(s);
			server_busy(false);
			break;
		case INPUT_AGAIN:
			break;
		case INPUT_END:
			s->state = STATE_OVER;
			break;
		}
		if (s->command.data != NULL)
			explicit_bzero(s->command.data, s->command.len);
	}
	if (s->io != NULL)
		(void)stream_flush(s->io);
}

void
session_mailbox(struct session *s)
{
	server_stop_fd(stream_rfd(s->io));
	session_run(s);
	if (s->user != NULL)
		log_info("logout", "user=%s", log_str(s->user));
	/* The client waits no longer; a signal has nothing to cut, since the
	 * descriptor may be another file's from here on. */
	server_busy(true);
	(void)stream_close(s->io);
	s->io = NULL;
	if (s->box != NULL)
		mailbox_settle(s->box);
	session_free(s);
}
