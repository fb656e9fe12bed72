/* SPDX-License-Identifier: ISC
 *
 * How a message that waits is shown.  What other hosts and senders wrote is
 * never obeyed: a line is a line, and a terminal gets printable text alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bytes/json.h"
#include "bytes/utf8.h"
#include "view.h"

char *
view_local(char to[VIEW_TIME_MAX], int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(to, VIEW_TIME_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strlcpy(to, "-", VIEW_TIME_MAX);
	return to;
}

char *
view_utc(char to[VIEW_TIME_MAX], int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;

	if (when == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(to, VIEW_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strlcpy(to, "-", VIEW_TIME_MAX);
	return to;
}

const char *
view_sender(const struct envelope *e, char text[ADDRESS_TEXT_MAX])
{
	return address_is_null(&e->sender) ? "<>" :
	    address_text(&e->sender, text);
}

void
view_text(struct buf *b, const char *s)
{
	const char *end = s + strlen(s);
	size_t len;
	uint32_t c;

	for (; s < end; s += len) {
		if ((len = utf8_next(s, end, &c)) == 0) {
			buf_addc(b, '?');
			len = 1;
		} else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			buf_addc(b, ' ');
		else
			buf_add(b, s, len);
	}
}

static const char *
waiting(const struct spool_message *m, const struct envelope_rcpt *r,
    int64_t now)
{
	if (m->item.bucket == SPOOL_HELD)
		return "held";
	if (m->env.hold > now && m->item.bucket != SPOOL_NOW)
		return "scheduled";
	if (r->status == ENVELOPE_TRYING)
		return "sending";
	return m->item.bucket == SPOOL_NOW ? "queued" : "deferred";
}

const char *
view_state(const struct spool_message *m, size_t i, int64_t now)
{
	const struct envelope_rcpt *r = &m->env.rcpts[i];

	switch (r->status) {
	case ENVELOPE_QUEUED:
	case ENVELOPE_TRYING:
		return waiting(m, r, now);
	case ENVELOPE_REPORT:
	case ENVELOPE_EXPANDED:
		return "reporting";
	case ENVELOPE_FAILED:
		return "failed";
	case ENVELOPE_DELIVERED:
	case ENVELOPE_BOUNCED:
		break;
	}
	return "done";
}

static bool
is_done(const struct envelope_rcpt *r)
{
	return r->status == ENVELOPE_DELIVERED ||
	    r->status == ENVELOPE_BOUNCED;
}

/* ---- for people ---- */

/* What a person must know of one that waits, in parentheses. */
static void
plain_waiting(struct buf *b, const struct spool_message *m,
    const struct envelope_rcpt *r)
{
	const struct spool_item *it = &m->item;
	char when[VIEW_TIME_MAX];
	const char *before = "  (";

	if (it->bucket == SPOOL_HELD) {
		buf_addf(b, "  (held since %s", view_local(when, it->held));
		before = ", ";
	}
	if (r->tries > 0) {
		buf_addf(b, "%s%u %s", before, r->tries,
		    r->tries == 1 ? "try" : "tries");
		before = ", ";
	}
	if (it->due > 0)
		buf_addf(b, "%s%s at %s", before, r->tries > 0 ? "next" :
		    "leaves", view_local(when, it->due));
	if (it->due > 0 || before[0] == ',')
		buf_addc(b, ')');
}

static void
plain_rcpt(struct buf *b, const struct spool_message *m,
    const struct envelope_rcpt *r)
{
	char text[ADDRESS_TEXT_MAX > ENVELOPE_TEXT ? ADDRESS_TEXT_MAX :
	    ENVELOPE_TEXT];
	struct envelope_words w;

	buf_addc(b, '\t');
	view_text(b, address_text(&r->addr, text));
	switch (r->status) {
	case ENVELOPE_REPORT:
	case ENVELOPE_EXPANDED:
		buf_adds(b, "  (delivered, to be reported)");
		break;
	case ENVELOPE_DELIVERED:
	case ENVELOPE_BOUNCED:
	case ENVELOPE_FAILED:
		buf_adds(b, "  (failed, to be returned)");
		break;
	case ENVELOPE_TRYING:
		if (m->item.bucket != SPOOL_HELD) {
			buf_adds(b, "  (being delivered)");
			break;
		}
		/* FALLTHROUGH */
	case ENVELOPE_QUEUED:
		plain_waiting(b, m, r);
		break;
	}
	buf_addc(b, '\n');
	if (r->reply == NULL)
		return;
	envelope_words_parse(&w, r->reply);
	buf_adds(b, "\t    ");
	view_text(b, w.status[0] == '\0' ? w.reply : envelope_words_text(text,
	    sizeof(text), w.status, w.host, "", w.reply));
	buf_addc(b, '\n');
}

static void
plain_message(struct buf *b, const struct spool_message *m)
{
	const struct envelope *e = &m->env;
	char from[ADDRESS_TEXT_MAX], when[VIEW_TIME_MAX];
	size_t i;

	buf_addf(b, "%s  %" PRIu64 "  %s  ", m->item.id, m->item.size,
	    view_local(when, m->item.arrived));
	view_text(b, view_sender(e, from));
	buf_addc(b, '\n');
	for (i = 0; i < e->nrcpts; i++)
		if (!is_done(&e->rcpts[i]))
			plain_rcpt(b, m, &e->rcpts[i]);
}

/* ---- for programs ---- */

static const char *
queue_name(const struct spool_item *it)
{
	return it->queue == SPOOL_LOCAL ? "local" : "remote";
}

/* A column is never empty. */
static void
column(struct buf *b, const char *s)
{
	if (s[0] == '\0')
		buf_addc(b, '-');
	else
		view_text(b, s);
	buf_addc(b, '\t');
}

static void
tsv_rcpt(struct buf *b, const struct spool_message *m, size_t i, int64_t now)
{
	const struct envelope_rcpt *r = &m->env.rcpts[i];
	char text[ADDRESS_TEXT_MAX], when[VIEW_TIME_MAX];
	struct envelope_words w;

	column(b, m->item.id);
	column(b, queue_name(&m->item));
	column(b, view_state(m, i, now));
	column(b, view_utc(when, m->item.arrived));
	column(b, view_utc(when, m->item.due));
	buf_addf(b, "%" PRIu64 "\t", m->item.size);
	column(b, view_sender(&m->env, text));
	column(b, address_text(&r->addr, text));
	buf_addf(b, "%u\t", r->tries);
	envelope_words_parse(&w, r->reply);
	column(b, w.status);
	column(b, w.host);
	column(b, w.tls);
	column(b, w.reply);
	b->data[b->len - 1] = '\n';
}

static void
json_time(struct buf *b, const char *name, int64_t when)
{
	char text[VIEW_TIME_MAX];

	if (when != 0)
		buf_addf(b, ",\"%s\":\"%s\"", name, view_utc(text, when));
}

static void
json_text(struct buf *b, const char *name, const char *s)
{
	if (s == NULL || s[0] == '\0')
		return;
	buf_addf(b, ",\"%s\":", name);
	json_adds(b, s);
}

static void
json_rcpt(struct buf *b, const struct spool_message *m, size_t i, int64_t now)
{
	const struct envelope_rcpt *r = &m->env.rcpts[i];
	char text[ADDRESS_TEXT_MAX];
	struct envelope_words w;

	buf_addf(b, "%s{\"address\":", i == 0 ? "" : ",");
	json_adds(b, address_text(&r->addr, text));
	json_text(b, "state", view_state(m, i, now));
	buf_addf(b, ",\"tries\":%u", r->tries);
	json_time(b, "last", r->last);
	envelope_words_parse(&w, r->reply);
	json_text(b, "status", w.status);
	json_text(b, "host", w.host);
	json_text(b, "tls", w.tls);
	json_text(b, "reply", w.reply);
	buf_addc(b, '}');
}

static void
json_message(struct buf *b, const struct spool_message *m, int64_t now)
{
	const struct envelope *e = &m->env;
	char text[ADDRESS_TEXT_MAX];
	size_t i;

	buf_adds(b, "{\"id\":");
	json_adds(b, m->item.id);
	json_text(b, "queue", queue_name(&m->item));
	json_time(b, "arrived", m->item.arrived);
	json_time(b, "next", m->item.due);
	json_time(b, "held", m->item.held);
	buf_addf(b, ",\"size\":%" PRIu64 ",\"sender\":", m->item.size);
	json_adds(b, address_is_null(&e->sender) ? "" :
	    address_text(&e->sender, text));
	json_text(b, "auth", e->auth);
	json_text(b, "uid", e->uid);
	json_text(b, "ip", e->ip);
	json_text(b, "with", e->with);
	json_text(b, "envid", e->envid);
	buf_adds(b, ",\"recipients\":[");
	for (i = 0; i < e->nrcpts; i++)
		json_rcpt(b, m, i, now);
	buf_adds(b, "]}\n");
}

void
view_message(struct buf *b, const struct spool_message *m,
    enum view_form form, int64_t now)
{
	size_t i;

	switch (form) {
	case VIEW_PLAIN:
		plain_message(b, m);
		break;
	case VIEW_TSV:
		for (i = 0; i < m->env.nrcpts; i++)
			if (!is_done(&m->env.rcpts[i]))
				tsv_rcpt(b, m, i, now);
		break;
	case VIEW_JSON:
		json_message(b, m, now);
		break;
	}
}

int
view_print(struct buf *b)
{
	int r = 0;

	if (buf_failed(b)) {
		errno = ENOMEM;
		r = -1;
	} else if (b->len > 0 && fwrite(b->data, 1, b->len, stdout) != b->len)
		r = -1;
	buf_free(b);
	return r;
}

void
view_unreadable(struct buf *b, const struct spool_item *it,
    enum view_form form, const char *why)
{
	char when[VIEW_TIME_MAX];

	switch (form) {
	case VIEW_PLAIN:
		buf_addf(b, "%s  %" PRIu64 "  cannot be read: %s\n", it->id,
		    it->size, why);
		break;
	case VIEW_TSV:
		buf_addf(b, "%s\t%s\tunreadable\t%s\t-\t%" PRIu64
		    "\t-\t-\t0\t-\t-\t-\t%s\n", it->id, queue_name(it),
		    view_utc(when, it->arrived), it->size, why);
		break;
	case VIEW_JSON:
		buf_adds(b, "{\"id\":");
		json_adds(b, it->id);
		json_text(b, "queue", queue_name(it));
		json_text(b, "error", why);
		buf_adds(b, "}\n");
		break;
	}
}
