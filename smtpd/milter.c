/* SPDX-License-Identifier: ISC
 *
 * What milters are told while the client speaks, and what becomes of the
 * client by their answers.  It must never let one step go by that a milter
 * which can be reached did not take, nor send a client a word of it that was
 * not made printable.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milter.h"
#include "system/log.h"

#define OUT_MAX		(2 * FIELDS_BYTES_MAX)

#define WORDS_REJECT	"550 5.7.1 Refused by a filter\r\n"
#define WORDS_LATER	"451 4.7.1 Refused by a filter for now, try again " \
			"later\r\n"
#define WORDS_CLOSE	"421 4.3.2 Closed by a filter, try again later\r\n"

const struct milter_step milter_steps[MILTER_STAGES] = {
	[MILTER_AT_CONNECT] = { MILTER_AT_CONNECT, MILTER_CONNECT,
	    MILTER_NO_CONNECT, MILTER_MUTE_CONNECT, 2 },
	[MILTER_AT_HELO] = { MILTER_AT_HELO, MILTER_HELO, MILTER_NO_HELO,
	    MILTER_MUTE_HELO, 2 },
	[MILTER_AT_MAIL] = { MILTER_AT_MAIL, MILTER_MAIL, MILTER_NO_MAIL,
	    MILTER_MUTE_MAIL, 2 },
	[MILTER_AT_RCPT] = { MILTER_AT_RCPT, MILTER_RCPT, MILTER_NO_RCPT,
	    MILTER_MUTE_RCPT, 2 },
	[MILTER_AT_DATA] = { MILTER_AT_DATA, MILTER_DATA, MILTER_NO_DATA,
	    MILTER_MUTE_DATA, 4 },
	[MILTER_AT_EOH] = { MILTER_AT_EOH, MILTER_EOH, MILTER_NO_EOH,
	    MILTER_MUTE_EOH, 2 },
	[MILTER_AT_END] = { MILTER_AT_END, MILTER_END, 0, 0, 2 },
};

const char *
milter_client_name(const struct session *s)
{
	static char literal[INET6_ADDRSTRLEN + 2];

	if (s->server->peer.kind != PEER_INET)
		return "localhost";
	if (*s->reverse != '\0')
		return s->reverse;
	snprintf(literal, sizeof(literal), "[%s]", s->server->peer.ip);
	return literal;
}

static bool
set_words(struct session *s, const char *words)
{
	buf_reset(&s->milters->words);
	return buf_adds(&s->milters->words, words) == 0;
}

/* What it says of a client in its own words. */
static bool
own_words(struct session *s, const struct milter_reply *r)
{
	buf_reset(&s->milters->words);
	return milter_reply_lines(&s->milters->words, r->data, r->len) != 0;
}

enum milter_verdict
milter_judge(struct session *s, struct milter *m,
    const struct milter_reply *r, enum milter_stage stage)
{
	bool good = false;

	switch (r->what) {
	case MILTER_CONTINUE:
		return MILTER_GOOD;
	case MILTER_ACCEPT:
		if (stage <= MILTER_AT_HELO)
			milter_leave(s, m);
		else
			m->done = true;
		m->telling = m->telling && !m->done;
		return MILTER_GOOD;
	case MILTER_DISCARD:
		if (stage <= MILTER_AT_HELO)
			break;
		s->milters->discard = true;
		log_info("milter", "name=%s job=%s says=discard",
		    log_str(m->name), s->milters->job);
		return MILTER_GOOD;
	case MILTER_REJECT:
		good = set_words(s, WORDS_REJECT);
		break;
	case MILTER_TEMPFAIL:
		good = set_words(s, WORDS_LATER);
		break;
	case MILTER_SHUTDOWN:
	case MILTER_FAIL:
		good = set_words(s, WORDS_CLOSE);
		break;
	case MILTER_REPLYCODE:
		good = own_words(s, r);
		break;
	case MILTER_ADD_RCPT:
	case MILTER_DELETE_RCPT:
	case MILTER_ADD_RCPT_ARGS:
	case MILTER_REPLACE_BODY:
	case MILTER_CHANGE_FROM:
	case MILTER_ADD_HEADER:
	case MILTER_INSERT_HEADER:
	case MILTER_CHANGE_HEADER:
	case MILTER_OPTIONS:
	case MILTER_PROGRESS:
	case MILTER_QUARANTINE:
	case MILTER_SKIP:
		break;
	}
	if (good)
		return MILTER_REFUSED;
	milter_failed(s, m, "an answer that does not belong here");
	return m->failed ? MILTER_BROKEN : MILTER_GOOD;
}

/* Say milters->out, which has a step of this stage; hear and judge. */
enum milter_verdict
milter_tell(struct session *s, struct milter *m, enum milter_stage stage)
{
	struct milter_reply r;

	if (!milter_say(s, m))
		return m->failed ? MILTER_BROKEN : MILTER_GOOD;
	if (m->protocol & milter_steps[stage].mute)
		return MILTER_GOOD;
	if (!milter_hear(s, m, &r))
		return m->failed ? MILTER_BROKEN : MILTER_GOOD;
	return milter_judge(s, m, &r, stage);
}

/* Whether a step is for this one. */
bool
milter_wants(const struct session *s, const struct milter *m,
    enum milter_stage stage)
{
	const struct milter_step *step = &milter_steps[stage];

	return m->stream != NULL && !m->done && !s->milters->discard &&
	    m->version >= step->version && !(m->protocol & step->no);
}

/* MAIL: the address, and of its parameters those that milters look at. */
static void
put_mail(struct session *s, const char *address)
{
	const struct smtp_params *p = &s->mail;
	struct buf *out = &s->milters->out;
	size_t begun = milter_begin(out, MILTER_MAIL);
	char text[32];

	milter_put_string(out, address, strlen(address));
	if (p->given & SMTP_WITH_SIZE) {
		snprintf(text, sizeof(text), "SIZE=%llu",
		    (unsigned long long)p->size);
		milter_put_string(out, text, strlen(text));
	}
	if (p->body != SMTP_BODY_NONE) {
		snprintf(text, sizeof(text), "BODY=%s", p->body ==
		    SMTP_BODY_8BITMIME ? "8BITMIME" : "7BIT");
		milter_put_string(out, text, strlen(text));
	}
	if (p->given & SMTP_WITH_UTF8)
		milter_put_string(out, "SMTPUTF8", strlen("SMTPUTF8"));
	milter_end(out, begun);
}

static void
put_step(struct session *s, enum milter_stage stage)
{
	struct buf *out = &s->milters->out;
	char text[ADDRESS_TEXT_MAX + 2] = "<";

	switch (stage) {
	case MILTER_AT_CONNECT:
		milter_put_connect(out, milter_client_name(s),
		    s->server->peer.kind == PEER_INET ? s->server->peer.ip :
		    NULL, s->server->peer.port);
		break;
	case MILTER_AT_HELO:
		milter_put_argument(out, MILTER_HELO, s->helo);
		break;
	case MILTER_AT_MAIL:
		(void)address_text(&s->sender, text + 1);
		(void)strlcat(text, ">", sizeof(text));
		put_mail(s, text);
		break;
	case MILTER_AT_RCPT:
		(void)address_text(&s->milters->rcpt->addr, text + 1);
		(void)strlcat(text, ">", sizeof(text));
		milter_put_argument(out, MILTER_RCPT, text);
		break;
	case MILTER_AT_DATA:
	case MILTER_AT_EOH:
	case MILTER_AT_END:
		milter_put(out, milter_steps[stage].command);
		break;
	case MILTER_STAGES:
		break;
	}
}

/* Refuse in the words there are; v MILTER_BROKEN: in ours. */
static bool
refuse(struct session *s, const struct milter *m, enum milter_verdict v)
{
	const char *words;

	if (v == MILTER_BROKEN) {
		reply(s, REPLY_FILTER_FAILED, NULL);
		return false;
	}
	words = buf_str(&s->milters->words);
	log_info("refused", "milter=%s reply=\"%.9s\"", log_str(m->name),
	    words);
	reply_words(s, words);
	return false;
}

/* One step, to all.  False: refused, and replied so. */
static bool
step(struct session *s, enum milter_stage stage)
{
	struct milters *all = s->milters;
	enum milter_verdict v;
	struct milter *m;

	if (all == NULL)
		return true;
	if (milter_broken(s))
		return refuse(s, NULL, MILTER_BROKEN);
	for (m = all->v; m < all->v + all->n; m++) {
		if (!milter_wants(s, m, stage))
			continue;
		buf_reset(&all->out);
		milter_macros(s, m, stage);
		put_step(s, stage);
		if (stage >= MILTER_AT_MAIL)
			m->telling = true;
		if ((v = milter_tell(s, m, stage)) != MILTER_GOOD)
			return refuse(s, m, v);
	}
	return true;
}

/*
 * The session.
 */

static int
make(struct session *s)
{
	const struct conf_list *list = &smtpd.settings->milter;
	struct milters *all;
	size_t i;

	if ((all = calloc(1, sizeof(*all))) == NULL)
		return -1;
	all->n = list->n < MILTERS_MAX ? list->n : MILTERS_MAX;
	for (i = 0; i < all->n; i++)
		all->v[i].name = list->v[i];
	buf_init(&all->out, OUT_MAX);
	buf_init(&all->in, MILTER_DATA_MAX);
	buf_init(&all->words, MILTER_REPLY_MAX);
	s->milters = all;
	return 0;
}

bool
milter_connect(struct session *s)
{
	size_t i;

	if (smtpd.settings->milter.n == 0 || smtpd.mode == MODE_LMTP)
		return true;
	if (make(s) == -1) {
		reply(s, REPLY_INTERNAL, NULL);
		session_end(s);
		return false;
	}
	session_learn_reverse(s);
	for (i = 0; i < s->milters->n; i++)
		if (!milter_meet(s, &s->milters->v[i]) &&
		    s->milters->v[i].failed)
			return true;	/* MAIL will be told */
	if (step(s, MILTER_AT_CONNECT))
		return true;
	/* RFC 5321 section 3.1: 554, and then nothing but QUIT */
	s->state = SESSION_DENIED;
	if (s->milters->words.len == 0 || s->milters->words.data[0] != '5')
		session_end(s);
	return false;
}

bool
milter_helo(struct session *s)
{
	/* who cannot be asked is heard of at MAIL */
	return s->milters == NULL || milter_broken(s) ||
	    step(s, MILTER_AT_HELO);
}

bool
milter_mail(struct session *s)
{
	if (s->milters != NULL)
		snprintf(s->milters->job, sizeof(s->milters->job), "%08x%08x",
		    arc4random(), arc4random());
	return step(s, MILTER_AT_MAIL);
}

bool
milter_rcpt(struct session *s, const struct rcpt *rcpt)
{
	bool good;

	if (s->milters == NULL)
		return true;
	s->milters->rcpt = rcpt;
	good = step(s, MILTER_AT_RCPT);
	s->milters->rcpt = NULL;
	return good;
}

bool
milter_data(struct session *s)
{
	return step(s, MILTER_AT_DATA);
}

bool
milter_broken(const struct session *s)
{
	size_t i;

	for (i = 0; s->milters != NULL && i < s->milters->n; i++)
		if (s->milters->v[i].failed)
			return true;
	return false;
}

void
milter_reset(struct session *s)
{
	struct milters *all = s->milters;
	struct milter *m;

	if (all == NULL)
		return;
	for (m = all->v; m < all->v + all->n; m++) {
		if (m->telling && m->stream != NULL) {
			buf_reset(&all->out);
			milter_put(&all->out, MILTER_ABORT);
			(void)milter_say(s, m);
		}
		m->telling = m->done = false;
	}
	all->discard = false;
}

void
milter_close(struct session *s)
{
	struct milters *all = s->milters;
	size_t i;

	if (all == NULL)
		return;
	for (i = 0; i < all->n; i++)
		milter_leave(s, &all->v[i]);
	buf_free(&all->out);
	buf_free(&all->in);
	buf_free(&all->words);
	free(all);
	s->milters = NULL;
}
