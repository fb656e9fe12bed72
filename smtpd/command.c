/* SPDX-License-Identifier: ISC
 *
 * The protocol: one table of commands, each with the states it is allowed in,
 * a check_ that only looks and a do_ that acts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "milter.h"
#include "policy.h"
#include "reply.h"
#include "smtpd.h"
#include "system/log.h"

#define IN(state)	(1u << (state))
#define ANYTIME		(IN(SESSION_START) | IN(SESSION_GREETED) | \
			IN(SESSION_MAIL) | IN(SESSION_RCPT))
#define GREETED		(ANYTIME & ~IN(SESSION_START))
#define ALWAYS		(ANYTIME | IN(SESSION_BDAT))

#define NO_AUTH_NEEDED	0x1	/* also where submission wants AUTH first */

typedef enum reply check_fn(struct session *, const struct smtp_command *);
typedef void do_fn(struct session *, const struct smtp_command *);

/*
 * HELO, EHLO: RFC 5321 section 4.1.1.1.
 */

/* LMTP has LHLO instead, so that neither is taken for the other: RFC 2033. */
static enum reply
check_greeting(struct session *s, const struct smtp_command *c)
{
	(void)s;
	if ((c->verb == SMTP_LHLO) == (smtpd.mode == MODE_LMTP))
		return REPLY_NONE;
	return c->verb == SMTP_LHLO ? REPLY_NOT_OFFERED : REPLY_SAY_LHLO;
}

static void
greet(struct session *s, const struct smtp_command *c, bool esmtp)
{
	session_reset(s);	/* as RSET: section 4.1.4 */
	strlcpy(s->helo, c->helo, sizeof(s->helo));
	s->esmtp = esmtp;
	s->state = SESSION_GREETED;
}

/* By the milters; else it was not said. */
static bool
greeting_taken(struct session *s)
{
	if (milter_helo(s))
		return true;
	s->state = SESSION_START;
	return false;
}

static void
do_helo(struct session *s, const struct smtp_command *c)
{
	if (policy_helo(s, c))
		return;
	greet(s, c, false);
	if (!greeting_taken(s))
		return;
	stream_printf(s->stream, "250 %s\r\n", smtpd.settings->hostname);
}

static void
do_ehlo(struct session *s, const struct smtp_command *c)
{
	if (policy_helo(s, c))
		return;
	greet(s, c, true);
	if (greeting_taken(s))
		ehlo_reply(s);
}

/*
 * MAIL: section 4.1.1.2.  The monitor forgets the transaction before, and
 * says whether there is room for the size that was announced.
 */

/* A sender without a domain, of a client that may send on: to another host
 * it would be malformed (section 4.1.2). */
static void
sender_complete(const struct session *s, struct address *sender)
{
	if ((s->trusted || s->authenticated) && !address_is_null(sender))
		recipient_complete(smtpd.settings, sender);
}

static enum reply
check_mail(struct session *s, const struct smtp_command *c)
{
	const struct smtp_params *p = &c->params;
	struct address sender;

	if (p->given & SMTP_WITH_REQUIRETLS && !s->tls)
		return REPLY_NEEDS_TLS;
	if (!ehlo_offers(s, p->given))
		return REPLY_PARAM_HERE;
	if (p->size > (uint64_t)smtpd.settings->max_size)
		return REPLY_TOO_BIG;
	if (!(p->given & SMTP_WITH_UTF8) && !address_is_ascii(&c->path))
		return REPLY_UTF8_SENDER;
	if (p->given & SMTP_WITH_BY && p->by_mode == 'R' && p->by <= 0)
		return REPLY_BY_OVER;
	if (p->hold_for > HOLD_MAX ||
	    p->hold_until > (int64_t)time(NULL) + HOLD_MAX)
		return REPLY_HOLD;
	sender = c->path;
	sender_complete(s, &sender);
	return submission_sender(s, &sender);
}

/* Keep what MAIL said, its times as moments. */
static void
take_params(struct session *s, const struct smtp_params *p)
{
	int64_t now = time(NULL);

	s->mail = *p;
	if (p->given & SMTP_WITH_HOLD)
		s->due = p->hold_for > 0 ? now + p->hold_for : p->hold_until;
	if (s->due <= now)
		s->due = 0;
	if (p->given & SMTP_WITH_BY)
		s->by = now + p->by;
}

static void
do_mail(struct session *s, const struct smtp_command *c)
{
	struct begin_request request = { 0 };
	struct status_reply status;
	char text[ADDRESS_TEXT_MAX];

	if (policy_mail(s, c))
		return;
	request.size = c->params.size;
	if (server_ask(s->server, OP_BEGIN, &request, &status, NULL, 0,
	    NULL) != 0) {
		reply(s, REPLY_INTERNAL, NULL);
		session_end(s);
		return;
	}
	if (status.error != 0) {
		reply(s, REPLY_SPOOL_FULL, NULL);
		return;
	}
	s->sender = c->path;
	sender_complete(s, &s->sender);
	take_params(s, &c->params);
	if (!milter_mail(s)) {
		session_reset(s);
		return;
	}
	s->state = SESSION_MAIL;
	reply(s, REPLY_SENDER_OK, address_text(&s->sender, text));
}

/*
 * RCPT: section 4.1.1.3.
 */

static enum reply
check_rcpt(struct session *s, const struct smtp_command *c)
{
	if (address_is_null(&c->path))
		return REPLY_RCPT_NULL;
	if (!(s->mail.given & SMTP_WITH_UTF8) && !address_is_ascii(&c->path))
		return REPLY_UTF8_RCPT;
	if (s->nrcpts >= (size_t)smtpd.settings->max_recipients)
		return REPLY_TOO_MANY_RCPTS;
	return REPLY_NONE;
}

static int
rcpt_add(struct session *s, const struct smtp_command *c,
    enum spool_queue queue)
{
	const char *orcpt = c->params.orcpt;
	struct rcpt *r;

	if (session_rcpt_add(s, &c->path) == -1)
		return -1;
	r = &s->rcpts[s->nrcpts - 1];
	r->queue = queue;
	r->notify = c->params.notify;
	if (orcpt[0] != '\0' && (r->orcpt = strdup(orcpt)) == NULL) {
		s->nrcpts--;
		return -1;
	}
	s->nqueue[queue]++;
	return 0;
}

static bool
rcpt_given(const struct session *s, const struct address *addr)
{
	size_t i;

	for (i = 0; i < s->nrcpts; i++)
		if (address_equal(&s->rcpts[i].addr, addr))
			return true;
	return false;
}

static enum reply
rcpt_judge(struct session *s, const struct smtp_command *c)
{
	struct rcpt_reply answer;
	enum reply r = session_rcpt_ask(s, &c->path, &answer);

	if (r != REPLY_NONE)
		return r;
	switch (answer.verdict) {
	case RCPT_IS_LOCAL:
	case RCPT_IS_LIST:
		if (rcpt_add(s, c, SPOOL_LOCAL) == -1)
			return REPLY_USERS_LATER;
		s->rcpts[s->nrcpts - 1].list = answer.verdict == RCPT_IS_LIST;
		return REPLY_RCPT_OK;
	case RCPT_IS_REMOTE:
		if (smtpd.mode == MODE_LMTP)
			return REPLY_NOT_HERE;
		return rcpt_add(s, c, SPOOL_REMOTE) == -1 ?
		    REPLY_USERS_LATER : REPLY_RCPT_OK;
	case RCPT_IS_UNKNOWN:
		return REPLY_NO_SUCH_USER;
	case RCPT_IS_REFUSED:
		return smtpd.mode == MODE_LMTP ? REPLY_NOT_HERE :
		    REPLY_NO_RELAY;
	case RCPT_IS_FULL:
		return smtpd.settings->quota_tempfail ?
		    REPLY_MAILBOX_FULL_NOW : REPLY_MAILBOX_FULL;
	case RCPT_IS_FROZEN:
		return REPLY_FROZEN;
	case RCPT_IS_ASK:
	case RCPT_IS_LATER:
		break;
	}
	return REPLY_USERS_LATER;
}

/* One that the monitor knows already. */
static bool
rcpt_taken(struct session *s)
{
	struct rcpt *last = &s->rcpts[s->nrcpts - 1];

	if (milter_rcpt(s, last))
		return true;
	s->nqueue[last->queue]--;
	session_rcpt_drop(s, s->nrcpts - 1);
	s->rcpts_again = true;
	return false;
}

static void
do_rcpt(struct session *s, const struct smtp_command *c)
{
	bool given = rcpt_given(s, &c->path);
	char text[ADDRESS_TEXT_MAX];
	enum reply r;

	if (policy_rcpt(s, c))
		return;
	/* the same one again is the same recipient; LMTP answers twice */
	given = given && smtpd.mode != MODE_LMTP;
	r = given ? REPLY_RCPT_OK : rcpt_judge(s, c);
	if (r == REPLY_RCPT_OK && !given && !rcpt_taken(s))
		return;
	address_text(&c->path, text);
	if (r == REPLY_RCPT_OK)
		s->state = SESSION_RCPT;
	else
		log_info("refused", "from=%s to=%s reply=\"%.9s\"",
		    log_address(&s->sender), log_address(&c->path),
		    reply_text(r));
	reply(s, r, text);
}

static void
do_data(struct session *s, const struct smtp_command *c)
{
	(void)c;
	if (milter_data(s))
		data_run(s);
	else
		session_reset(s);
}

static void
do_rset(struct session *s, const struct smtp_command *c)
{
	(void)c;
	session_reset(s);
	reply(s, REPLY_OK, NULL);
}

static void
do_noop(struct session *s, const struct smtp_command *c)
{
	(void)c;
	reply(s, REPLY_OK, NULL);
}

/* Is every octet of the argument ASCII, or the client prepared for more? */
static enum reply
check_vrfy(struct session *s, const struct smtp_command *c)
{
	size_t i;

	(void)s;
	for (i = 0; i < c->arg_len; i++)
		if ((unsigned char)c->arg[i] > 127 &&
		    !(c->params.given & SMTP_WITH_UTF8))
			return REPLY_UTF8_ASKED;
	return REPLY_NONE;
}

static enum reply
check_expn(struct session *s, const struct smtp_command *c)
{
	(void)c;
	return s->authenticated ? REPLY_NONE : REPLY_NOT_OFFERED;
}

static void
do_help(struct session *s, const struct smtp_command *c)
{
	(void)c;
	reply_help(s);
}

static void
do_quit(struct session *s, const struct smtp_command *c)
{
	(void)c;
	reply(s, REPLY_BYE, NULL);
	session_end(s);
}

/*
 * STARTTLS: RFC 3207.
 */

static enum reply
check_starttls(struct session *s, const struct smtp_command *c)
{
	(void)c;
	if (s->tls)
		return REPLY_TLS_ALREADY;
	/* A login in the clear must not count under TLS: section 4.2. */
	if (s->authenticated)
		return REPLY_TLS_LATE;
	if (smtpd.tls == NULL || !tls_server_ready(smtpd.tls))
		return REPLY_NO_TLS_NOW;
	if (!stream_input_empty(s->stream)) {
		session_end(s);
		return REPLY_TLS_PIPELINED;
	}
	return REPLY_NONE;
}

static void
do_starttls(struct session *s, const struct smtp_command *c)
{
	struct tls_info info;

	(void)c;
	reply(s, REPLY_READY_TLS, NULL);
	if (tls_accept(s->stream, smtpd.tls, TLS_STARTTLS) != STREAM_OK) {
		log_info("tls", "error=%s",
		    log_str(stream_error(s->stream)));
		session_end(s);
		return;
	}
	tls_server_free(smtpd.tls);	/* the key is no longer needed */
	smtpd.tls = NULL;
	if (tls_describe(s->stream, &info))
		log_info("tls", "version=%s cipher=%s", info.version,
		    info.cipher);
	/* what was said before is forgotten: section 4.2 */
	session_reset(s);
	s->tls = true;
	s->esmtp = false;
	s->helo[0] = '\0';
	s->state = SESSION_START;
}

static enum reply
check_auth(struct session *s, const struct smtp_command *c)
{
	(void)c;
	if (s->authenticated)
		return REPLY_AUTH_ALREADY;
	if (s->state != SESSION_GREETED)
		return REPLY_AUTH_IN_MAIL;
	if (!auth_offered(s))
		return smtpd.settings->auth_mechanisms.n == 0 ||
		    smtpd.mode == MODE_LMTP ?
		    REPLY_NOT_OFFERED : REPLY_AUTH_NEEDS_TLS;
	return REPLY_NONE;
}

/*
 * The table.
 */
static const struct command {
	unsigned	 states;
	unsigned	 flags;
	check_fn	*check;
	do_fn		*run;
} commands[SMTP_VERBS] = {
	[SMTP_HELO] = { ALWAYS, NO_AUTH_NEEDED, check_greeting, do_helo },
	[SMTP_EHLO] = { ALWAYS, NO_AUTH_NEEDED, check_greeting, do_ehlo },
	[SMTP_LHLO] = { ALWAYS, NO_AUTH_NEEDED, check_greeting, do_ehlo },
	[SMTP_MAIL] = { IN(SESSION_GREETED), 0, check_mail, do_mail },
	[SMTP_RCPT] = { IN(SESSION_MAIL) | IN(SESSION_RCPT), 0, check_rcpt,
	    do_rcpt },
	[SMTP_DATA] = { IN(SESSION_RCPT), 0, NULL, do_data },
	[SMTP_BDAT] = { IN(SESSION_RCPT) | IN(SESSION_BDAT), 0, NULL,
	    bdat_run },
	[SMTP_RSET] = { ALWAYS, NO_AUTH_NEEDED, NULL, do_rset },
	[SMTP_NOOP] = { ALWAYS, NO_AUTH_NEEDED, NULL, do_noop },
	[SMTP_VRFY] = { ALWAYS, 0, check_vrfy, verify_vrfy },
	[SMTP_EXPN] = { ALWAYS, NO_AUTH_NEEDED, check_expn, verify_expn },
	[SMTP_HELP] = { ALWAYS, NO_AUTH_NEEDED, NULL, do_help },
	[SMTP_QUIT] = { ALWAYS | IN(SESSION_DENIED), NO_AUTH_NEEDED, NULL,
	    do_quit },
	[SMTP_STARTTLS] = { ANYTIME, NO_AUTH_NEEDED, check_starttls,
	    do_starttls },
	[SMTP_AUTH] = { GREETED, NO_AUTH_NEEDED, check_auth, auth_run },
};

/* What the grammar found wrong, as a reply. */
static enum reply
fault_reply(const struct smtp_command *c)
{
	switch (c->fault) {
	case SMTP_GOOD:
		return REPLY_NONE;
	case SMTP_NUL:
	case SMTP_8BIT:
	case SMTP_CONTROL:
		return REPLY_BAD_BYTE;
	case SMTP_LINE_TOO_LONG:
		return REPLY_LINE_TOO_LONG;
	case SMTP_VERB_UNKNOWN:
		return REPLY_UNKNOWN_COMMAND;
	case SMTP_ARG_MISSING:
		return REPLY_ARG_MISSING;
	case SMTP_ARG_EXTRA:
		return REPLY_ARG_EXTRA;
	case SMTP_CHUNK:
		return REPLY_CHUNK;
	case SMTP_NO_FROM:
		return c->verb == SMTP_RCPT ? REPLY_NO_TO : REPLY_NO_FROM;
	case SMTP_ADDRESS:
		return c->verb == SMTP_RCPT ? REPLY_BAD_RCPT :
		    REPLY_BAD_SENDER;
	case SMTP_PARAM_UNKNOWN:
		return REPLY_PARAM_UNKNOWN;
	case SMTP_PARAM_VALUE:
		return REPLY_PARAM_VALUE;
	case SMTP_PARAM_TWICE:
		return REPLY_PARAM_TWICE;
	}
	return REPLY_UNKNOWN_COMMAND;
}

/* What the detail of a refusal is. */
static const char *
fault_detail(const struct smtp_command *c, enum reply r)
{
	static char size[24], text[ADDRESS_TEXT_MAX];

	if (r == REPLY_TOO_BIG || r == REPLY_HOLD) {
		snprintf(size, sizeof(size), "%lld", r == REPLY_HOLD ?
		    (long long)HOLD_MAX : smtpd.settings->max_size);
		return size;
	}
	if (r == REPLY_NOT_YOURS || r == REPLY_USERS_LATER)
		return address_text(&c->path, text);
	if (r == REPLY_BAD_SENDER || r == REPLY_BAD_RCPT)
		return c->why;
	if (r == REPLY_ARG_MISSING || r == REPLY_ARG_EXTRA ||
	    r == REPLY_NOT_OFFERED)
		return smtp_verb_name(c->verb);
	return c->word;
}

/* The command in a state that does not allow it. */
static enum reply
order_reply(const struct session *s, enum smtp_verb verb)
{
	switch (s->state) {
	case SESSION_START:
		return smtpd.mode == MODE_LMTP ? REPLY_NEED_LHLO :
		    REPLY_NEED_HELO;
	case SESSION_GREETED:
		return REPLY_NEED_MAIL;
	case SESSION_MAIL:
		if (verb == SMTP_MAIL)
			return REPLY_NESTED_MAIL;
		return smtpd.mode == MODE_LMTP ? REPLY_NEED_RCPT_LMTP :
		    REPLY_NEED_RCPT;
	case SESSION_RCPT:
		return REPLY_NESTED_MAIL;
	case SESSION_BDAT:
		return REPLY_NESTED_BDAT;
	case SESSION_DENIED:
		return REPLY_ONLY_QUIT;
	case SESSION_END:
		break;
	}
	return REPLY_INTERNAL;
}

/* May this client, in this state, say this now? */
static enum reply
check_command(struct session *s, const struct smtp_command *c)
{
	const struct command *row = &commands[c->verb];
	enum reply r;

	if ((r = fault_reply(c)) != REPLY_NONE)
		return r;
	if (smtpd.mode == MODE_SUBMISSION && !s->authenticated &&
	    !s->trusted && !(row->flags & NO_AUTH_NEEDED))
		return REPLY_AUTH_REQUIRED;
	if (!(row->states & IN(s->state)))
		return order_reply(s, c->verb);
	return row->check == NULL ? REPLY_NONE : row->check(s, c);
}

void
command_line(struct session *s, const struct stream_line *line)
{
	struct smtp_command c;
	enum reply r;

	(void)smtp_command_parse(&c, line->data, line->len, SMTP_LINE_MAX);
	r = check_command(s, &c);
	if (r != REPLY_NONE && c.verb == SMTP_BDAT)
		bdat_refuse(s, &c, r, fault_detail(&c, r));
	else if (r != REPLY_NONE)
		reply(s, r, fault_detail(&c, r));
	else
		commands[c.verb].run(s, &c);
}
