/* SPDX-License-Identifier: ISC
 *
 * From an address to what it stands for: see forward.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "forward.h"
#include "grammar/header.h"
#include "grammar/trace.h"
#include "system/fdio.h"
#include "system/log.h"

static bool
is_local(const struct forward *f, const struct address *a)
{
	return settings_is_local(f->dir->settings, a->domain,
	    strlen(a->domain));
}

static bool
all_remote(const struct forward *f)
{
	size_t i;

	for (i = 0; i < f->list->n; i++)
		if (is_local(f, &f->list->v[i]))
			return false;
	return true;
}

/* Do its bounces go to the list's owner, not to the sender? */
static bool
is_list(const struct forward *f)
{
	return !address_is_null(&f->env->sender) &&
	    !address_is_null(f->owner);
}

/* Another host asks whether we may send for this domain. */
static void
rewrite_sender(const struct forward *f, struct address *sender)
{
	const struct settings *s = f->dir->settings;
	struct address ours;

	if (!f->dir->tables->has_srs || address_is_null(sender) ||
	    is_local(f, sender))
		return;
	if (srs_forward(&f->dir->tables->srs, sender, *s->srs_domain != '\0' ?
	    s->srs_domain : s->domains.v[0], (int64_t)time(NULL), &ours) == 1)
		*sender = ours;
}

/* What the sender wants to be told of, as RFC 3461, section 5.2.7: of one
 * target all, of several not that each was reached, of a list's nothing. */
static int
set_wishes(const struct forward *f, struct envelope_rcpt *to)
{
	const struct envelope_rcpt *from = f->given;
	size_t i;

	if (is_list(f))
		return 0;
	for (i = 0; f->env->expanded != NULL && i < f->env->nrcpts; i++)
		if (address_equal(&f->env->rcpts[i].addr, &to->addr))
			from = &f->env->rcpts[i];
	to->notify = from->notify;
	if ((f->fresh ? f->several : f->env->expanded == NULL &&
	    f->list->n + f->list->nspecials > 1) &&
	    (to->notify & ENVELOPE_SUCCESS) != 0) {
		to->notify &= ~ENVELOPE_SUCCESS;
		if (to->notify == 0)
			to->notify = ENVELOPE_NEVER;
	}
	return envelope_set(&to->orcpt, from->orcpt);
}

/* Whose program wrote, and so sees in mailq what waits, is not said of a list:
 * its readers are its owner's business. */
static int
set_same(const struct forward *f, struct envelope *e)
{
	const struct envelope *from = f->env;

	e->own = from->own;	/* what a stranger sent stays so */
	e->body = from->body;
	e->utf8 = from->utf8;
	e->requiretls = from->requiretls;
	e->ret = is_list(f) ? ENVELOPE_RET_NONE : from->ret;
	e->by = from->by;
	e->by_mode = from->by_mode;
	e->by_trace = from->by_trace;
	return envelope_set(&e->auth, from->auth) == -1 ||
	    envelope_set(&e->ip, from->ip) == -1 ||
	    envelope_set(&e->uid, is_list(f) ? NULL : from->uid) == -1 ||
	    envelope_set(&e->with, from->with) == -1 ||
	    envelope_set(&e->envid, is_list(f) ? NULL : from->envid) == -1 ?
	    -1 : 0;
}

static int
fill(const struct forward *f, enum spool_queue queue, struct envelope *e)
{
	char given[ADDRESS_TEXT_MAX];
	size_t i;

	e->sender = f->env->sender;
	if (is_list(f))
		e->sender = *f->owner;
	if (queue == SPOOL_REMOTE)
		rewrite_sender(f, &e->sender);
	if (set_same(f, e) == -1)
		return -1;
	if (queue == SPOOL_LOCAL && !f->fresh && envelope_set(&e->expanded,
	    address_text(&f->given->addr, given)) == -1)
		return -1;
	for (i = 0; i < f->list->n; i++)
		if (envelope_add(e, &f->list->v[i]) == -1 ||
		    set_wishes(f, &e->rcpts[i]) == -1)
			return -1;
	return 0;
}

int
forward_begin_same(const struct forward *f, struct spool_put *put)
{
	struct envelope e;
	int r = -1;

	envelope_init(&e);
	e.sender = is_list(f) ? *f->owner : f->env->sender;
	errno = ENOMEM;
	if (set_same(f, &e) == 0 && envelope_add(&e, &f->given->addr) == 0 &&
	    set_wishes(f, &e.rcpts[0]) == 0)
		r = spool_put_begin(put, f->spool, SPOOL_LOCAL, &e,
		    (uid_t)-1);
	envelope_free(&e);
	return r;
}

bool
forward_needs_owner(const struct forward *f)
{
	return f->list->nspecials > 0 && is_list(f) &&
	    !recipient_same(&f->env->sender, f->owner);
}

/* The address had it: that is how a mail loop is found. */
static int
put_mark(const struct forward *f, struct spool_put *put)
{
	struct buf b;
	int r;

	buf_init(&b, TRACE_ENVELOPE_MAX);
	r = trace_delivered_to(&b, &f->given->addr);
	if (r == -1)
		errno = ENOMEM;
	else
		r = spool_put_write(put, b.data, b.len);
	buf_free(&b);
	return r;
}

int
forward_begin(const struct forward *f, struct spool_put *put)
{
	enum spool_queue queue = all_remote(f) ? SPOOL_REMOTE : SPOOL_LOCAL;
	struct envelope e;
	int r = -1;

	envelope_init(&e);
	if (fill(f, queue, &e) == -1)
		errno = ENOMEM;
	else
		r = spool_put_begin(put, f->spool, queue, &e, (uid_t)-1);
	envelope_free(&e);
	/* What was expanded bears the mark already. */
	if (r == 0 && (f->fresh || f->env->expanded == NULL) &&
	    put_mark(f, put) == -1) {
		spool_put_abort(put);
		r = -1;
	}
	return r;
}

static bool
has_mark(const struct buf *b, const struct address *a)
{
	return b->len > 0 && deliver_loops(b->data, b->len, a) != NULL;
}

/* What the header that came had, and the edited one has no more.  With more
 * than so many the message would not have come here. */
static int
add_lost_marks(struct buf *b, const struct buf *edited, const char *text,
    size_t n)
{
	struct header_field f;
	unsigned marks = 0;
	struct address had;
	struct header h;

	header_init(&h, text, n);
	while (marks <= LOOP_HOPS && header_next(&h, &f) == 1) {
		if (!deliver_marked(&f, &had))
			continue;
		marks++;
		if (!has_mark(edited, &had) && !has_mark(b, &had) &&
		    trace_delivered_to(b, &had) == -1)
			return -1;
	}
	return 0;
}

/* A header that its user's rules edited bears the marks that it came with:
 * else a loop of such users would have no end. */
static int
put_lost_marks(const struct forward *f, const struct spool_message *m,
    struct spool_put *put)
{
	size_t n = f->body < LOOP_HEADER_MAX ? f->body : LOOP_HEADER_MAX;
	char *text = malloc(n + 1);
	struct buf b;
	ssize_t got;
	int r = -1;

	buf_init(&b, LOOP_HEADER_MAX);
	if (text == NULL)
		errno = ENOMEM;
	else if ((got = fd_pread_all(m->fd, text, n, (off_t)m->start)) != -1) {
		if (add_lost_marks(&b, f->header, text, (size_t)got) == -1)
			errno = ENOMEM;
		else
			r = b.len == 0 ? 0 :
			    spool_put_write(put, b.data, b.len);
	}
	free(text);
	buf_free(&b);
	return r;
}

static int
copy(const struct forward *f, const struct spool_message *m,
    struct spool_put *put)
{
	uint64_t at = m->start + (f->header == NULL ? 0 : f->body);
	char data[32768];
	ssize_t got;

	if (f->header != NULL && (put_lost_marks(f, m, put) == -1 ||
	    spool_put_write(put, f->header->data, f->header->len) == -1))
		return -1;
	while ((got = fd_pread_all(m->fd, data, sizeof(data), (off_t)at)) >
	    0) {
		if (spool_put_write(put, data, (size_t)got) == -1)
			return -1;
		at += (uint64_t)got;
	}
	return (int)got;
}

/* Copy it into what was begun.  0, or -1 with the outcome. */
static int
fill_put(const struct forward *f, const struct spool_message *m,
    struct spool_put *put, struct outcome *o)
{
	if (copy(f, m, put) == -1) {
		outcome_errno(o, "the spool", errno);
		spool_put_abort(put);
		return -1;
	}
	if (spool_put_end(put) == -1) {
		outcome_errno(o, "the spool", errno);
		return -1;
	}
	o->kind = OUTCOME_DELIVERED;
	return 0;
}

void
forward_send_same(const struct forward *f, const struct spool_message *m,
    struct outcome *o)
{
	char given[ADDRESS_TEXT_MAX], owner[ADDRESS_TEXT_MAX];
	struct spool_put put;

	if (forward_begin_same(f, &put) == -1) {
		outcome_errno(o, "the spool", errno);
		return;
	}
	if (fill_put(f, m, &put, o) == -1)
		return;
	if (m->item.id[0] != '\0')
		log_info("owned", "id=%s to=%s owner=%s new=%s", m->item.id,
		    log_str(address_text(&f->given->addr, given)),
		    log_str(address_text(f->owner, owner)), put.file.id);
	strlcpy(o->text, "2.0.0 sent on in its owner's name",
	    sizeof(o->text));
}

void
forward_send(const struct forward *f, const struct spool_message *m,
    struct outcome *o)
{
	char given[ADDRESS_TEXT_MAX];
	struct spool_put put;

	if (forward_begin(f, &put) == -1) {
		outcome_errno(o, "the spool", errno);
		return;
	}
	if (fill_put(f, m, &put, o) == -1)
		return;
	if (m->item.id[0] != '\0')
		log_info(f->fresh ? "forwarded" : "expanded",
		    "id=%s to=%s new=%s rcpts=%zu", m->item.id,
		    log_str(address_text(&f->given->addr, given)), put.file.id,
		    f->list->n);
	strlcpy(o->text, f->fresh ? "2.0.0 sent on" : "2.0.0 expanded",
	    sizeof(o->text));
}
