/* SPDX-License-Identifier: ISC
 *
 * The envelope file as text, both ways.  It must never let a value become a
 * second line, nor believe a line that a crash tore.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mail/envelope_local.h"

#define MAGIC	"stdmail-envelope 1"

void
envelope_init(struct envelope *e)
{
	memset(e, 0, sizeof(*e));
}

void
envelope_free(struct envelope *e)
{
	size_t i;

	for (i = 0; i < e->nrcpts; i++) {
		free(e->rcpts[i].reply);
		free(e->rcpts[i].orcpt);
	}
	for (i = 0; i < e->ndid; i++)
		free(e->did[i].words);
	free(e->did);
	free(e->rcpts);
	free(e->auth);
	free(e->ip);
	free(e->uid);
	free(e->with);
	free(e->expanded);
	free(e->envid);
	envelope_init(e);
}

int
envelope_add(struct envelope *e, const struct address *addr)
{
	struct envelope_rcpt *r;

	/* Room grows by doubling, so it is a power of two at least 8. */
	if (e->nrcpts == 0 || (e->nrcpts >= 8 &&
	    (e->nrcpts & (e->nrcpts - 1)) == 0)) {
		r = reallocarray(e->rcpts, e->nrcpts == 0 ? 8 : e->nrcpts * 2,
		    sizeof(*r));
		if (r == NULL)
			return -1;
		e->rcpts = r;
	}
	r = &e->rcpts[e->nrcpts++];
	memset(r, 0, sizeof(*r));
	r->addr = *addr;
	r->status = ENVELOPE_QUEUED;
	return 0;
}

int
envelope_set(char **field, const char *text)
{
	char *copy = NULL;

	if (text != NULL && (copy = strdup(text)) == NULL)
		return -1;
	free(*field);
	*field = copy;
	return 0;
}

size_t
envelope_count(const struct envelope *e, enum envelope_status status)
{
	size_t i, n = 0;

	for (i = 0; i < e->nrcpts; i++)
		n += e->rcpts[i].status == status;
	return n;
}

int
envelope_is_owed(const struct envelope_rcpt *r)
{
	return r->status == ENVELOPE_QUEUED || r->status == ENVELOPE_TRYING;
}

int
envelope_done(const struct envelope *e)
{
	return envelope_count(e, ENVELOPE_DELIVERED) +
	    envelope_count(e, ENVELOPE_BOUNCED) == e->nrcpts;
}

int
envelope_wants(const struct envelope_rcpt *r, unsigned what)
{
	unsigned notify = r->notify != 0 ? r->notify :
	    ENVELOPE_FAILURE | ENVELOPE_DELAY;

	return (notify & what) != 0;
}

int
envelope_is_plain(const struct envelope *e)
{
	return e->nrcpts == 1 && !e->utf8 && !e->requiretls &&
	    e->ret == ENVELOPE_RET_NONE && e->envid == NULL &&
	    e->hold == 0 && e->by == 0 && e->rcpts[0].notify == 0 &&
	    e->rcpts[0].orcpt == NULL && e->expanded == NULL && e->skip == 0;
}

static void
add_line(struct buf *b, const char *key, const char *text)
{
	if (text == NULL)
		return;
	buf_addf(b, "%s ", key);
	envelope_add_text(b, text, strlen(text));
	buf_addc(b, '\n');
}

static const struct {
	const char	*name;
	unsigned	 bit;
} notify_names[] = {
	{ "NEVER", ENVELOPE_NEVER },
	{ "SUCCESS", ENVELOPE_SUCCESS },
	{ "FAILURE", ENVELOPE_FAILURE },
	{ "DELAY", ENVELOPE_DELAY }
};
#define NOTIFIES (sizeof(notify_names) / sizeof(notify_names[0]))

static void
add_notify(struct buf *b, unsigned notify)
{
	const char *before = "notify ";
	size_t i;

	if (notify == 0)
		return;
	for (i = 0; i < NOTIFIES; i++)
		if (notify & notify_names[i].bit) {
			buf_addf(b, "%s%s", before, notify_names[i].name);
			before = ",";
		}
	buf_addc(b, '\n');
}

int
envelope_write(struct buf *b, struct envelope *e)
{
	char text[ADDRESS_TEXT_MAX];
	size_t i, start = b->len;

	buf_addf(b, MAGIC "\nsender %s\narrived %" PRId64 "\n",
	    address_is_null(&e->sender) ? "<>" :
	    address_text(&e->sender, text), e->arrived);
	add_line(b, "auth", e->auth);
	add_line(b, "ip", e->ip);
	add_line(b, "uid", e->uid);
	add_line(b, "with", e->with);
	add_line(b, "own", e->own ? "yes" : NULL);
	if (e->body != SMTP_BODY_NONE)
		add_line(b, "body", e->body == SMTP_BODY_7BIT ? "7BIT" :
		    "8BITMIME");
	add_line(b, "expanded", e->expanded);
	add_line(b, "utf8", e->utf8 ? "yes" : NULL);
	add_line(b, "requiretls", e->requiretls ? "yes" : NULL);
	if (e->ret != ENVELOPE_RET_NONE)
		add_line(b, "ret", e->ret == ENVELOPE_RET_FULL ? "FULL" :
		    "HDRS");
	add_line(b, "envid", e->envid);
	if (e->hold != 0)
		buf_addf(b, "hold %" PRId64 "\n", e->hold);
	if (e->by != 0)
		buf_addf(b, "by %" PRId64 " %c%s\n", e->by, e->by_mode,
		    e->by_trace ? "T" : "");
	if (e->skip != 0)
		buf_addf(b, "skip %" PRIu64 "\n", e->skip);
	for (i = 0; i < e->nrcpts; i++) {
		e->rcpts[i].at = b->len - start + 3;
		buf_addf(b, "to %c %s\n", (int)e->rcpts[i].status,
		    address_text(&e->rcpts[i].addr, text));
		add_notify(b, e->rcpts[i].notify);
		add_line(b, "orcpt", e->rcpts[i].orcpt);
	}
	return buf_adds(b, "end\n");
}

static int
get_status(char c, enum envelope_status *status)
{
	switch (c) {
	case ENVELOPE_QUEUED:
	case ENVELOPE_TRYING:
	case ENVELOPE_DELIVERED:
	case ENVELOPE_REPORT:
	case ENVELOPE_EXPANDED:
	case ENVELOPE_FAILED:
	case ENVELOPE_BOUNCED:
		*status = (enum envelope_status)c;
		return 1;
	}
	return -1;
}

/* "to" SP status SP address; p is behind the first SP, at its offset. */
static int
take_to(struct envelope *e, const char *p, const char *end, size_t at)
{
	enum envelope_status status;
	struct address addr;

	if (end - p < 3 || p[1] != ' ' || get_status(*p, &status) != 1 ||
	    address_parse_utf8(&addr, p + 2, (size_t)(end - p - 2),
	    NULL) != 1 || address_is_null(&addr))
		return 0;
	if (envelope_add(e, &addr) == -1)
		return -1;
	e->rcpts[e->nrcpts - 1].status = status;
	e->rcpts[e->nrcpts - 1].at = at;
	return 1;
}

static int
take_text(char **field, const char *p, const char *end)
{
	free(*field);
	*field = envelope_get_text(p, (size_t)(end - p));
	return *field == NULL ? -1 : 1;
}

/* name *( "," name ) */
static int
take_notify(struct envelope *e, const char *p, const char *end)
{
	const char *word;
	size_t i, n;

	if (e->nrcpts == 0)
		return 0;
	for (;;) {
		for (word = p; p < end && *p != ','; p++)
			;
		n = (size_t)(p - word);
		for (i = 0; i < NOTIFIES; i++)
			if (n == strlen(notify_names[i].name) &&
			    memcmp(word, notify_names[i].name, n) == 0)
				break;
		if (i == NOTIFIES)
			return 0;
		e->rcpts[e->nrcpts - 1].notify |= notify_names[i].bit;
		if (p++ == end)
			return 1;
	}
}

void
envelope_add_held(struct envelope *e, int64_t since, int64_t until)
{
	if (since < e->arrived)
		since = e->arrived;
	if (since < e->hold)
		since = e->hold;
	if (since < e->held_until)
		since = e->held_until;
	if (until <= since)
		return;
	e->held += until - since;
	e->held_until = until;
}

/* time SP mode ["T"] */
static int
take_by(struct envelope *e, const char *p, const char *end)
{
	if (envelope_get_number(&p, end, &e->by) != 1 || end - p < 2 ||
	    *p != ' ' || (p[1] != 'R' && p[1] != 'N'))
		return 0;
	e->by_mode = p[1];
	e->by_trace = end - p == 3 && p[2] == 'T';
	return end - p == 2 || e->by_trace;
}

static int
take_skip(struct envelope *e, const char *p, const char *end)
{
	int64_t n;

	if (envelope_get_number(&p, end, &n) != 1 || p != end)
		return 0;
	e->skip = (uint64_t)n;
	return 1;
}

static int
take_ret(struct envelope *e, const char *p, const char *end)
{
	e->ret = end - p == 4 && memcmp(p, "FULL", 4) == 0 ?
	    ENVELOPE_RET_FULL : ENVELOPE_RET_HDRS;
	return 1;
}

/* A line behind "end".  A malformed one is one that a crash tore: it says
 * nothing. */
static int
take_event(struct envelope *e, const char *p, const char *end)
{
	struct envelope_event ev;
	struct envelope_did did;
	struct envelope_rcpt *r;
	int got;

	if ((got = envelope_event_parse(&ev, p, end)) != 1)
		return got == 0 ? 1 : -1;
	switch (ev.what) {
	case ENVELOPE_TRIED:
		if (ev.rcpt >= e->nrcpts) {
			free(ev.words);
			break;
		}
		r = &e->rcpts[ev.rcpt];
		free(r->reply);
		r->reply = ev.words;
		r->last = ev.when;
		r->tries++;
		break;
	case ENVELOPE_WARNED:
		e->warned = ev.when;
		break;
	case ENVELOPE_HELD:
		envelope_add_held(e, ev.when, ev.until);
		break;
	case ENVELOPE_DID:
		did = (struct envelope_did){ .rcpt = ev.rcpt,
		    .status = ev.status, .words = ev.words };
		strlcpy(did.key, ev.key, sizeof(did.key));
		got = ev.rcpt >= e->nrcpts ? 0 : envelope_keep_did(e, &did);
		free(ev.words);
		return got == -1 ? -1 : 1;
	}
	return 1;
}

/* A line before "end": 1, 0 malformed, -1 no memory.  Keys that are not known
 * here are of a newer version, and left alone. */
static int
take_line(struct envelope *e, const char *p, const char *end,
    const char *text)
{
	if (envelope_is_key(&p, end, "to"))
		return take_to(e, p, end, (size_t)(p - text));
	if (envelope_is_key(&p, end, "sender"))
		return address_parse_utf8(&e->sender, p, (size_t)(end - p),
		    NULL) == 1;
	if (envelope_is_key(&p, end, "arrived"))
		return envelope_get_number(&p, end, &e->arrived) == 1 &&
		    p == end;
	if (envelope_is_key(&p, end, "auth"))
		return take_text(&e->auth, p, end);
	if (envelope_is_key(&p, end, "ip"))
		return take_text(&e->ip, p, end);
	if (envelope_is_key(&p, end, "uid"))
		return take_text(&e->uid, p, end);
	if (envelope_is_key(&p, end, "with"))
		return take_text(&e->with, p, end);
	if (envelope_is_key(&p, end, "expanded"))
		return take_text(&e->expanded, p, end);
	if (envelope_is_key(&p, end, "own"))
		return e->own = end - p == 3 && memcmp(p, "yes", 3) == 0;
	if (envelope_is_key(&p, end, "utf8"))
		return e->utf8 = 1;
	if (envelope_is_key(&p, end, "requiretls"))
		return e->requiretls = 1;
	if (envelope_is_key(&p, end, "ret"))
		return take_ret(e, p, end);
	if (envelope_is_key(&p, end, "envid"))
		return take_text(&e->envid, p, end);
	if (envelope_is_key(&p, end, "hold"))
		return envelope_get_number(&p, end, &e->hold) == 1 && p == end;
	if (envelope_is_key(&p, end, "by"))
		return take_by(e, p, end);
	if (envelope_is_key(&p, end, "skip"))
		return take_skip(e, p, end);
	if (envelope_is_key(&p, end, "notify"))
		return take_notify(e, p, end);
	if (envelope_is_key(&p, end, "orcpt"))
		return e->nrcpts == 0 ? 0 :
		    take_text(&e->rcpts[e->nrcpts - 1].orcpt, p, end);
	if (envelope_is_key(&p, end, "body")) {
		e->body = end - p == 8 && memcmp(p, "8BITMIME", 8) == 0 ?
		    SMTP_BODY_8BITMIME : SMTP_BODY_7BIT;
		return 1;
	}
	return 1;
}

int
envelope_parse(struct envelope *e, const char *text, size_t n,
    unsigned *line)
{
	const char *p = text, *end = text + n, *nl;
	int ended = 0, r = 1;

	*line = 0;
	for (; r == 1 && p < end && (nl = memchr(p, '\n', (size_t)(end - p)))
	    != NULL; p = nl + 1) {
		++*line;
		if (*line == 1)
			r = (size_t)(nl - p) == strlen(MAGIC) &&
			    memcmp(p, MAGIC, strlen(MAGIC)) == 0;
		else if (ended)
			r = take_event(e, p, nl);
		else if (nl - p == 3 && memcmp(p, "end", 3) == 0)
			ended = 1;
		else
			r = take_line(e, p, nl, text);
	}
	if (r == 1 && (!ended || e->nrcpts == 0)) {
		++*line;
		r = 0;
	}
	if (r != 1)
		envelope_free(e);
	return r;
}
