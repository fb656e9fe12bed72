/* SPDX-License-Identifier: ISC
 *
 * From a line to its command: one table, which says in which state a command
 * may be given and what its arguments are.
 */
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "mail/start.h"
#include "pop3d.h"

#define ANY	(STATE_AUTHORIZATION | STATE_TRANSACTION)
#define AUTH	STATE_AUTHORIZATION
#define TRANS	STATE_TRANSACTION

enum wants {
	WANTS_NOTHING,
	WANTS_TEXT,		/* all the rest, at least one octet */
	WANTS_WORDS,		/* the same without blanks around it */
	WANTS_MAYBE_WORDS,	/* or nothing */
	WANTS_MESSAGE,		/* msg */
	WANTS_MAYBE_MESSAGE,	/* [msg] */
	WANTS_TOP		/* msg n */
};

static command_handler do_capa, do_noop, do_quit;

static const struct command {
	const char	*keyword;
	command_handler	*handler;
	unsigned	 states;
	enum wants	 wants;
	const char	*usage;
} commands[] = {
	{ "CAPA", do_capa, ANY, WANTS_NOTHING, "CAPA" },
	{ "USER", do_user, AUTH, WANTS_WORDS, "USER name" },
	{ "PASS", do_pass, AUTH, WANTS_TEXT, "PASS password" },
	{ "AUTH", do_auth, AUTH, WANTS_MAYBE_WORDS, "AUTH [mechanism]" },
	{ "STLS", do_stls, AUTH, WANTS_NOTHING, "STLS" },
	{ "UTF8", do_utf8, AUTH, WANTS_NOTHING, "UTF8" },
	{ "STAT", do_stat, TRANS, WANTS_NOTHING, "STAT" },
	{ "LIST", do_list, TRANS, WANTS_MAYBE_MESSAGE, "LIST [message]" },
	{ "UIDL", do_uidl, TRANS, WANTS_MAYBE_MESSAGE, "UIDL [message]" },
	{ "RETR", do_retr, TRANS, WANTS_MESSAGE, "RETR message" },
	{ "TOP", do_top, TRANS, WANTS_TOP, "TOP message lines" },
	{ "DELE", do_dele, TRANS, WANTS_MESSAGE, "DELE message" },
	{ "RSET", do_rset, TRANS, WANTS_NOTHING, "RSET" },
	{ "NOOP", do_noop, TRANS, WANTS_NOTHING, "NOOP" },
	{ "QUIT", do_quit, ANY, WANTS_NOTHING, "QUIT" },
};
#define NCOMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* ---- arguments ---- */

/* Messages are counted in 32 bits; what is beyond does not exist. */
static bool
take_message(const char *p, size_t n, uint32_t *message)
{
	uint64_t v;

	if (pop3_number(p, n, &v) != 1)
		return false;
	*message = v == 0 || v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
	return true;
}

static bool
parse_numbers(const struct pop3_command *c, enum wants wants,
    struct arguments *a)
{
	const char *p = c->rest, *end = p + c->rest_len, *arg;
	size_t n;

	if (!pop3_argument(&p, end, &arg, &n))
		return wants == WANTS_NOTHING || wants == WANTS_MAYBE_MESSAGE;
	if (wants == WANTS_NOTHING || !take_message(arg, n, &a->message))
		return false;
	if (wants == WANTS_TOP && (!pop3_argument(&p, end, &arg, &n) ||
	    pop3_number(arg, n, &a->lines) != 1))
		return false;
	return !pop3_argument(&p, end, &arg, &n);
}

static bool
parse_arguments(const struct pop3_command *c, enum wants wants, char *rest,
    struct arguments *a)
{
	memset(a, 0, sizeof(*a));
	switch (wants) {
	case WANTS_NOTHING:
	case WANTS_MESSAGE:
	case WANTS_MAYBE_MESSAGE:
	case WANTS_TOP:
		return parse_numbers(c, wants, a);
	case WANTS_TEXT:
	case WANTS_WORDS:
	case WANTS_MAYBE_WORDS:
		break;
	}
	a->text = rest;
	a->text_len = c->rest_len;
	if (wants != WANTS_TEXT) {
		for (; a->text_len > 0 && *a->text == ' '; a->text_len--)
			a->text++;
		while (a->text_len > 0 && a->text[a->text_len - 1] == ' ')
			a->text_len--;
	}
	return a->text_len > 0 || wants == WANTS_MAYBE_WORDS;
}

/* ---- dispatch ---- */

static const struct command *
find(const struct pop3_command *c)
{
	size_t i;

	for (i = 0; i < NCOMMANDS; i++)
		if (chars_is(c->keyword, c->keyword_len, commands[i].keyword))
			return &commands[i];
	return NULL;
}

/* Names and passwords: RFC 6856, section 2.2. */
static bool
may_be_utf8(const struct command *c)
{
	return login.settings->pop3_utf8 &&
	    (c->handler == do_user || c->handler == do_pass);
}

void
command_line(struct session *s, const struct stream_line *line)
{
	const struct command *command;
	struct pop3_command c;
	struct arguments a;

	if (line->flags & (LINE_NUL | LINE_BARE_CR) ||
	    (pop3_command(line->data, line->len, &c) != 1 && line->len > 0)) {
		session_error(s, REPLY_LINE_BYTES);
	} else if (line->len == 0 || (command = find(&c)) == NULL) {
		session_error(s, REPLY_UNKNOWN);
	} else if (line->flags & LINE_8BIT && !may_be_utf8(command)) {
		session_error(s, REPLY_LINE_BYTES);
	} else if (!utf8_valid(c.rest, c.rest_len)) {
		session_error(s, REPLY_LINE_UTF8);
	} else if (!(command->states & s->state)) {
		session_error(s, s->state == STATE_AUTHORIZATION ?
		    REPLY_LOGIN_FIRST : REPLY_LOGIN_ALREADY);
	} else if (!parse_arguments(&c, command->wants,
	    line->data + (c.rest - line->data), &a)) {
		s->errors++;
		reply_send(s->io, REPLY_ARGUMENTS, command->usage);
	} else {
		command->handler(s, &a);
	}
}

/* ---- commands of both states ---- */

struct naming {
	struct stream	*io;
	size_t		 n;
};

static void
name_mechanism(const char *name, void *arg)
{
	struct naming *names = arg;

	stream_printf(names->io, "%s %s", names->n++ == 0 ? "SASL" : "",
	    name);
}

/* RFC 2449, section 5: what is there before login is said after it, too; of
 * STLS only where it is permitted (RFC 2595, section 4). */
static void
do_capa(struct session *s, const struct arguments *a)
{
	struct naming names = { s->io, 0 };

	(void)a;
	reply_send(s->io, REPLY_CAPA);
	if (s->private) {
		stream_puts(s->io, "USER\r\n");
		login_mechanisms(s->io, name_mechanism, &names);
		if (names.n > 0)
			stream_puts(s->io, "\r\n");
	}
	if (s->door != NULL && login.tls != NULL && !tls_on(s->io))
		stream_puts(s->io, "STLS\r\n");
	stream_puts(s->io, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
	    "PIPELINING\r\n");
	stream_printf(s->io, "EXPIRE %s\r\n", login.settings->pop3_expire);
	if (login.settings->pop3_login_delay > 0)
		stream_printf(s->io, "LOGIN-DELAY %lld\r\n",
		    login.settings->pop3_login_delay);
	if (login.settings->pop3_utf8)
		stream_puts(s->io, "UTF8 USER\r\n");
	stream_puts(s->io, "IMPLEMENTATION stdmail-" STDMAIL_VERSION
	    "\r\n.\r\n");
}

static void
do_noop(struct session *s, const struct arguments *a)
{
	(void)a;
	reply_send(s->io, REPLY_NOOP);
}

static void
do_quit(struct session *s, const struct arguments *a)
{
	const struct drop *d = s->drop;

	(void)a;
	if (s->state == STATE_AUTHORIZATION) {
		reply_send(s->io, REPLY_BYE);
	} else if (drop_update(s)) {
		reply_send(s->io, REPLY_BYE_LEFT,
		    d->n - d->deleted - d->vanished);
	} else {
		reply_send(s->io, REPLY_NOT_REMOVED);
	}
	s->state = STATE_OVER;
}
