/* SPDX-License-Identifier: ISC
 *
 * One message: what is known of it, its header, and what happened to it.  It
 * takes no lock and changes nothing.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bytes/json.h"
#include "each.h"
#include "grammar/header.h"
#include "list.h"
#include "system/fdio.h"

#define HEADER_MAX	(1u << 20)	/* octets of a header that is shown */

struct show {
	struct each	 each;
	enum view_form	 form;
	bool		 whole;
};

/* ---- -s ---- */

/* The text of the message, or its header; malloc'd. */
static char *
read_text(const struct spool_message *m, bool whole, size_t *n)
{
	uint64_t size = m->size - m->start;
	char *text;
	ssize_t got;

	if (!whole && size > HEADER_MAX)
		size = HEADER_MAX;
	if ((text = malloc((size_t)size + 1)) == NULL)
		return NULL;
	if ((got = fd_pread_all(m->fd, text, (size_t)size,
	    (off_t)m->start)) == -1) {
		free(text);
		return NULL;
	}
	*n = whole ? (size_t)got : header_length(text, (size_t)got);
	return text;
}

static void
add_line(struct buf *b, const char *name, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	buf_addf(b, "%-10s", name);
	view_text(b, text);
	buf_addc(b, '\n');
}

static void
add_time(struct buf *b, const char *name, int64_t when)
{
	char text[VIEW_TIME_MAX];

	if (when > 0)
		add_line(b, name, view_local(text, when));
}

static void
add_origin(struct buf *b, const struct envelope *e)
{
	add_line(b, "login", e->auth);
	add_line(b, "uid", e->uid);
	add_line(b, "address", e->ip);
	add_line(b, "protocol", e->with);
	add_line(b, "expanded", e->expanded);
	add_line(b, "envid", e->envid);
	add_line(b, "smtputf8", e->utf8 ? "yes" : NULL);
	add_line(b, "requiretls", e->requiretls ? "yes" : NULL);
	add_time(b, "not before", e->hold);
	add_time(b, e->by_mode == 'R' ? "deliver by" : "tell at", e->by);
	add_time(b, "warned", e->warned);
}

/* Its lines, as a terminal may see them; what is not text says so. */
static void
add_text(struct buf *b, const char *text, size_t n)
{
	const char *p = text, *end = text + n, *nl;
	char *line;
	size_t len;

	for (; p < end; p = nl + 1) {
		if ((nl = memchr(p, '\n', (size_t)(end - p))) == NULL)
			nl = end;
		len = (size_t)(nl - p);
		len -= len > 0 && p[len - 1] == '\r';
		if ((line = strndup(p, len)) == NULL) {
			b->failed = 1;
			return;
		}
		view_text(b, line);
		buf_addc(b, '\n');
		free(line);
	}
}

static int
show_one(struct each *each, struct spool_message *m)
{
	const struct show *s = each->arg;
	char *text;
	size_t n = 0;
	struct buf b;

	if ((text = read_text(m, s->whole, &n)) == NULL) {
		warn("%s", m->item.id);
		each->trouble = true;
		return 0;
	}
	buf_init(&b, 2 * VIEW_MAX);
	view_message(&b, m, s->form == VIEW_JSON ? VIEW_JSON : VIEW_PLAIN,
	    each->now);
	if (s->form == VIEW_JSON) {
		b.len -= strlen("}\n");
		buf_addf(&b, ",\"%s\":", s->whole ? "message" : "header");
		json_add(&b, text, n);
		buf_adds(&b, "}\n");
	} else {
		add_line(&b, "queue", m->item.queue == SPOOL_LOCAL ?
		    "local" : "remote");
		add_origin(&b, &m->env);
		buf_addc(&b, '\n');
		add_text(&b, text, n);
		if (s->whole || n < 2 || text[n - 2] != '\n')
			buf_addc(&b, '\n');
	}
	free(text);
	return view_print(&b);
}

/* ---- -t ---- */

struct step {
	int64_t		 when;
	const char	*event;		/* "arrived", "tried" ... */
	const char	*to;		/* a recipient, or NULL */
	const char	*words;		/* as of struct envelope_words */
};

static void
step_plain(struct buf *b, const struct step *st)
{
	char when[VIEW_TIME_MAX];
	struct envelope_words w;

	buf_addf(b, "\t%s  %-9s", view_local(when, st->when), st->event);
	if (st->to != NULL) {
		buf_addc(b, ' ');
		view_text(b, st->to);
	}
	envelope_words_parse(&w, st->words);
	if (w.status[0] != '\0')
		buf_addf(b, "  %s %s", w.status, w.host[0] == '\0' ? "-" :
		    w.host);
	if (w.tls[0] != '\0') {
		buf_adds(b, " tls=");
		view_text(b, w.tls);
	}
	if (w.reply[0] != '\0') {
		buf_addc(b, ' ');
		view_text(b, w.reply);
	}
	buf_addc(b, '\n');
}

static void
add_column(struct buf *b, const char *s)
{
	buf_addc(b, '\t');
	view_text(b, s == NULL || s[0] == '\0' ? "-" : s);
}

static void
step_tsv(struct buf *b, const char *id, const struct step *st)
{
	char when[VIEW_TIME_MAX];
	struct envelope_words w;

	buf_addf(b, "%s\t%s\t%s", id, view_utc(when, st->when), st->event);
	envelope_words_parse(&w, st->words);
	add_column(b, st->to);
	add_column(b, w.status);
	add_column(b, w.host);
	add_column(b, w.tls);
	add_column(b, w.reply);
	buf_addc(b, '\n');
}

static void
add_member(struct buf *b, const char *name, const char *s)
{
	if (s == NULL || s[0] == '\0')
		return;
	buf_addf(b, ",\"%s\":", name);
	json_adds(b, s);
}

static void
step_json(struct buf *b, const char *id, const struct step *st)
{
	char when[VIEW_TIME_MAX];
	struct envelope_words w;

	buf_adds(b, "{\"id\":");
	json_adds(b, id);
	add_member(b, "time", view_utc(when, st->when));
	add_member(b, "event", st->event);
	envelope_words_parse(&w, st->words);
	add_member(b, "recipient", st->to);
	add_member(b, "status", w.status);
	add_member(b, "host", w.host);
	add_member(b, "tls", w.tls);
	add_member(b, "reply", w.reply);
	buf_adds(b, "}\n");
}

static void
add_step(struct buf *b, enum view_form form, const char *id,
    const struct step *st)
{
	switch (form) {
	case VIEW_PLAIN:
		step_plain(b, st);
		break;
	case VIEW_TSV:
		step_tsv(b, id, st);
		break;
	case VIEW_JSON:
		step_json(b, id, st);
		break;
	}
}

/* The lines behind "end", each a step or two. */
static void
add_event(struct buf *b, enum view_form form, const struct spool_message *m,
    struct envelope_event *ev)
{
	struct step st = { .when = ev->when };
	char to[ADDRESS_TEXT_MAX];

	switch (ev->what) {
	case ENVELOPE_TRIED:
		st.event = "tried";
		st.words = ev->words;
		if (ev->rcpt < m->env.nrcpts)
			st.to = address_text(&m->env.rcpts[ev->rcpt].addr,
			    to);
		break;
	case ENVELOPE_WARNED:
		st.event = "warned";
		break;
	case ENVELOPE_HELD:
		st.event = "held";
		add_step(b, form, m->item.id, &st);
		st.event = "released";
		st.when = ev->until;
		break;
	case ENVELOPE_DID:
		st.event = ev->status == ENVELOPE_FAILED ? "failed-in-part" :
		    "delivered-in-part";
		st.words = ev->words;
		if (ev->rcpt < m->env.nrcpts)
			st.to = address_text(&m->env.rcpts[ev->rcpt].addr,
			    to);
		break;
	}
	add_step(b, form, m->item.id, &st);
	free(ev->words);
}

static int
add_history(struct buf *b, enum view_form form, const struct spool_message *m)
{
	struct envelope_event ev;
	const char *p, *end, *nl;
	char *text;
	size_t n;
	int got = 0;

	if (m->env_fd == -1)
		return 0;
	if ((text = spool_envelope_text(m, &n)) == NULL)
		return -1;
	end = text + n;
	for (p = envelope_history(text, n); got != -1 && p < end &&
	    (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1)
		if ((got = envelope_event_parse(&ev, p, nl)) == 1)
			add_event(b, form, m, &ev);
	free(text);
	return got == -1 ? -1 : 0;
}

static void
add_now(struct buf *b, enum view_form form, const struct spool_message *m,
    int64_t now)
{
	struct step st = { .when = m->item.held, .event = "held" };

	if (m->item.bucket != SPOOL_HELD) {
		if (m->item.due == 0)
			return;
		st.when = m->item.due;
		st.event = m->item.due > now ? "next" : "due";
	}
	add_step(b, form, m->item.id, &st);
}

static int
trace_one(struct each *each, struct spool_message *m)
{
	const struct show *s = each->arg;
	struct step st = { .when = m->item.arrived, .event = "arrived" };
	char from[ADDRESS_TEXT_MAX];
	struct buf b;

	buf_init(&b, VIEW_MAX);
	if (s->form == VIEW_PLAIN) {
		buf_addf(&b, "%s  ", m->item.id);
		view_text(&b, view_sender(&m->env, from));
		buf_addc(&b, '\n');
	}
	add_step(&b, s->form, m->item.id, &st);
	if (add_history(&b, s->form, m) == -1) {
		warn("%s", m->item.id);
		each->trouble = true;
	}
	add_now(&b, s->form, m, each->now);
	return view_print(&b);
}

static int
run(const struct settings *s, struct select *sel, struct show *show,
    int (*one)(struct each *, struct spool_message *))
{
	struct spool sp;
	int code;

	if ((code = list_open(&sp, s)) != 0)
		return code;
	show->each.spool = &sp;
	show->each.select = sel;
	show->each.one = one;
	show->each.arg = show;
	code = each_message(&show->each);
	if (code == 0 && show->each.met == 0 && !sel->ids) {
		warnx("nothing of that kind waits");
		code = 1;
	}
	code = each_end(&show->each, code);
	spool_close(&sp);
	return code;
}

int
list_show(const struct settings *s, struct select *sel, enum view_form form,
    bool whole)
{
	struct show show = { .form = form, .whole = whole };

	return run(s, sel, &show, show_one);
}

int
list_trace(const struct settings *s, struct select *sel, enum view_form form)
{
	struct show show = { .form = form };

	return run(s, sel, &show, trace_one);
}
