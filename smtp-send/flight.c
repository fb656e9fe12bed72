/* SPDX-License-Identifier: ISC
 *
 * Every recipient's letter in the envelope file is written before the step it
 * announces, so that a crash at any point leaves the message in the queue with
 * all that is known.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flight.h"
#include "mail/bounce.h"
#include "mail/late.h"
#include "system/log.h"

#define BROKEN_WAIT	(24 * 60 * 60)	/* for an unreadable message */

static void
log_failure(const char *event, const struct spool_message *m)
{
	log_error(event, "id=%s error=%s", m->item.id,
	    log_str(strerror(errno)));
}

/* ---- books ---- */

static void
mark(struct books *b, struct spool_message *m, size_t i,
    enum envelope_status status, const char *words)
{
	if (spool_mark(m, i, status, time(NULL), words) == -1) {
		log_failure("mark", m);
		b->trouble = true;
	}
}

static const char *
outcome_name(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_SENT:
		return "sent";
	case OUTCOME_PERMANENT:
		return "failed";
	case OUTCOME_PENDING:
	case OUTCOME_UNFIT:
	case OUTCOME_TEMPORARY:
		break;
	}
	return "deferred";
}

/* The letter of one that a host has taken: a report is owed when it was asked
 * for and the host will make none (RFC 3461, section 5.2.2), and of every hop
 * of a trace (RFC 2852). */
static enum envelope_status
sent_status(const struct envelope *e, const struct envelope_rcpt *r, bool dsn)
{
	if (envelope_wants(r, ENVELOPE_SUCCESS) && !dsn)
		return ENVELOPE_REPORT;
	if (e->by_trace && !(r->notify & ENVELOPE_NEVER))
		return ENVELOPE_REPORT;
	return ENVELOPE_DELIVERED;
}

/* Is nothing left to be done but for recipient i? */
static bool
is_last(const struct envelope *e, size_t i)
{
	size_t k;

	for (k = 0; k < e->nrcpts; k++)
		if (k != i && e->rcpts[k].status != ENVELOPE_DELIVERED &&
		    e->rcpts[k].status != ENVELOPE_BOUNCED)
			return false;
	return true;
}

/* "5.1.1 mx.example.net[192.0.2.1] 550 5.1.1 no such user" */
static void
book_report(struct books *b, struct spool_message *m, size_t i,
    const struct report *r)
{
	char to[ADDRESS_TEXT_MAX], words[ENVELOPE_TEXT];
	enum envelope_status status = ENVELOPE_QUEUED;

	log_info(outcome_name(r->outcome), "id=%s to=%s host=%s tls=%s "
	    "status=%s reply=%s", m->item.id,
	    log_str(address_text(&m->env.rcpts[i].addr, to)),
	    log_str(r->host[0] == '\0' ? "-" : r->host),
	    log_str(r->tls[0] == '\0' ? "-" : r->tls), r->status,
	    log_str(r->reply));
	if (r->outcome == OUTCOME_SENT)
		status = sent_status(&m->env, &m->env.rcpts[i], r->dsn);
	else if (r->outcome == OUTCOME_PERMANENT)
		status = ENVELOPE_FAILED;
	envelope_words_text(words, sizeof(words), r->status, r->host,
	    r->tls, r->reply);
	/* Nobody reads the words of a file that goes at once. */
	mark(b, m, i, status, status == ENVELOPE_DELIVERED &&
	    is_last(&m->env, i) ? NULL : words);
}

/* It is put off without a try: its destination does not answer. */
static void
book_dead(struct books *b, struct spool_message *m, size_t i,
    const struct dest *d)
{
	const struct report *last = d->last;
	struct report r = *last;

	snprintf(r.reply, sizeof(r.reply), "not tried now, the last try of "
	    "another message said: %.400s", last->reply);
	book_report(b, m, i, &r);
}

/* Somebody has to wait for a place there. */
static void
rest(struct flight *f, struct dest *d)
{
	if (f->rest != NULL)
		return;
	f->rest = d;
	d->held++;
}

/* ---- the end of a flight ---- */

static void
finish_time(struct books *b, struct spool_message *m)
{
	int64_t now = time(NULL);

	if (late_by(&b->spool, b->settings, m, now) == -1 ||
	    late_age(&b->spool, b->settings, m, now) == -1)
		log_failure("late", m);
}

/* The message is gone, and all that there was of it. */
static void
drop(struct books *b, struct flight *f)
{
	if (spool_vanish(&f->msg) == -1) {
		log_failure("queue", &f->msg);
		b->trouble = true;
		return;
	}
	sweep_add(&b->sweep, &f->msg);
	b->worked++;
}

/* Who was served must stay so also when the power goes; the rest are only
 * words. */
static int
sync_marks(struct spool_message *m)
{
	if (envelope_count(&m->env, ENVELOPE_DELIVERED) +
	    envelope_count(&m->env, ENVELOPE_REPORT) +
	    envelope_count(&m->env, ENVELOPE_BOUNCED) +
	    envelope_count(&m->env, ENVELOPE_FAILED) == 0)
		m->dirty = false;
	return spool_marks_sync(m);
}

static void
defer(struct books *b, struct flight *f)
{
	struct spool_message *m = &f->msg;
	int64_t due = late_next(m, time(NULL), FLIGHT_FIRST, FLIGHT_MOST);

	if (sync_marks(m) == -1 || spool_defer(m, due) == -1) {
		log_failure("queue", m);
		b->trouble = true;
		return;
	}
	if (b->due == 0 || due < b->due)
		b->due = due;
	b->worked++;
}

static void
land(struct books *b, struct flight *f)
{
	if (f->rest != NULL)
		f->rest->held--;
	flight_unsign(f);
	spool_release(&f->msg);
	b->flights--;
	free(f);
}

/* All workers of a message are done: report what is owed, keep what waits. */
static void
finish(struct books *b, struct flight *f)
{
	struct spool_message *m = &f->msg;
	struct entry *e = f->entry;

	if (f->rest == NULL)
		finish_time(b, m);
	if (bounce_send(&b->spool, b->settings, m) == -1)
		log_failure("bounce", m);
	if (envelope_done(&m->env))
		drop(b, f);
	else if (f->rest == NULL)
		defer(b, f);
	else
		(void)sync_marks(m);
	if (f->rest != NULL && !envelope_done(&m->env)) {
		flight_keep(b, f);
		entry_wait(&b->dests, e, f->rest);
	} else
		entry_free(&b->dests, e);
	land(b, f);
}

/* What the end of a delivery says about its destination. */
static void
judge(struct books *b, const struct load *l)
{
	int64_t now = time(NULL);

	if (l->decided)
		dest_good(l->dest, (unsigned)b->settings->
		    destination_concurrency, now);
	else if (l->reached)
		dest_busy(l->dest);
	else if (l->done > 0)
		dest_bad(l->dest, &l->last, now);
}

static void
finish_load(struct books *b, struct post *p, struct load *l)
{
	struct flight *f = l->flight;

	judge(b, l);
	pool_done(&b->pool, p, l, time(NULL));
	free(l);
	if (--f->loads == 0)
		finish(b, f);
}

/* Its worker died before it came to it. */
static void
take_back(struct books *b, struct load *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		mark(b, &l->flight->msg, l->index[i], ENVELOPE_QUEUED, NULL);
	rest(l->flight, l->dest);
}

void
flight_record(struct books *b, struct post *p, const struct record *r)
{
	struct load *l = pool_load(p, r->seq);

	if (l == NULL)
		return;
	switch ((enum record_type)r->type) {
	case RECORD_DEAD:
		hosts_take(&b->hosts, &r->u.dead);
		return;
	case RECORD_NEWS:
		keeper_news(b->keeper, &r->u.news);
		return;
	case RECORD_BACK:
		take_back(b, l);
		finish_load(b, p, l);
		return;
	case RECORD_REPORT:
		break;
	}
	book_report(b, &l->flight->msg, l->index[r->u.report.rcpt],
	    &r->u.report);
	l->reached |= r->u.report.reached;
	if (r->u.report.outcome == OUTCOME_TEMPORARY)
		l->last = r->u.report;
	else
		l->decided = true;
	if (++l->done == l->n)
		finish_load(b, p, l);
}

/* ---- its beginning ---- */

/* Where a recipient that is to be served now goes. */
struct target {
	struct dest	*dest;
	size_t		 rcpt;
};

static int
by_dest(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	if (x->dest != y->dest)
		return (uintptr_t)x->dest < (uintptr_t)y->dest ? -1 : 1;
	return x->rcpt < y->rcpt ? -1 : x->rcpt > y->rcpt;
}

/* Has its turn come, in this round of the message? */
static bool
is_open(const struct entry *e, const struct envelope_rcpt *r)
{
	if (r->status != ENVELOPE_QUEUED && r->status != ENVELOPE_TRYING)
		return false;
	return e->began == 0 || r->tries == 0 || r->last < e->began;
}

/* Sort out who goes where.  How many; -1 no memory. */
static ssize_t
find_targets(struct books *b, const struct entry *e,
    const struct envelope *env, struct target **to)
{
	struct target *t;
	size_t i, n = 0;

	if ((t = calloc(env->nrcpts, sizeof(*t))) == NULL)
		return -1;
	for (i = 0; i < env->nrcpts; i++) {
		if (!is_open(e, &env->rcpts[i]))
			continue;
		t[n].rcpt = i;
		t[n].dest = dest_get(&b->dests, b->settings, &env->sender,
		    env->rcpts[i].addr.domain);
		if (t[n++].dest == NULL) {
			free(t);
			return -1;
		}
	}
	if (n > 1)
		qsort(t, n, sizeof(*t), by_dest);
	*to = t;
	return (ssize_t)n;
}

static struct load *
make_load(struct flight *f, const struct target *t, size_t n)
{
	struct load *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->flight = f;
	l->dest = t->dest;
	while (l->n < n && l->n < PARCEL_RCPTS &&
	    t[l->n].dest == t->dest) {
		l->index[l->n] = t[l->n].rcpt;
		l->n++;
	}
	return l;
}

/* Give the first of these, that go to one destination, to a worker: how many;
 * 0 there is no place now. */
static size_t
give(struct books *b, struct flight *f, const struct target *t, size_t n)
{
	struct spool_message *m = &f->msg;
	struct envelope_rcpt rcpts[PARCEL_RCPTS];
	struct delivery d = { .offset = (off_t)m->start, .env = &m->env,
	    .prefix = f->prefix, .fd_7bit = f->fd_7bit,
	    .prefix_7bit = f->prefix_7bit, .rcpts = rcpts, .key = t->dest->key,
	    .anyway = f->entry->manual };
	struct post *p;
	struct load *l;
	size_t i, given;
	bool full;

	d.domain = m->env.rcpts[t->rcpt].addr.domain;
	if (delivery_host(d.key)[0] == '\0')
		d.sts = keeper_sts(b->keeper, d.domain);
	if ((p = pool_place(&b->pool, t->dest, time(NULL), &full)) == NULL ||
	    (l = make_load(f, t, n)) == NULL)
		return 0;
	for (i = 0; i < l->n; i++) {
		rcpts[i] = m->env.rcpts[l->index[i]];
		mark(b, m, l->index[i], ENVELOPE_TRYING, NULL);
	}
	given = d.nrcpts = l->n;
	if ((d.fd = spool_reader(m)) == -1 ||
	    pool_give(&b->pool, p, l, &d, &b->hosts) == -1) {
		log_failure("worker", m);
		for (i = 0; i < l->n; i++)
			mark(b, m, l->index[i], ENVELOPE_QUEUED, NULL);
		free(l);
		given = 0;
	} else
		f->loads++;
	if (d.fd != -1)
		close(d.fd);
	return given;
}

/* Found so, a recipient was with a host when an agent was killed. */
static void
tell_doubtful(const struct spool_message *m)
{
	char to[ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < m->env.nrcpts; i++)
		if (m->env.rcpts[i].status == ENVELOPE_TRYING)
			log_warn("doubtful", "id=%s to=%s note=%s",
			    m->item.id, log_str(address_text(
			    &m->env.rcpts[i].addr, to)),
			    "\"interrupted while it was sent: it may arrive "
			    "twice\"");
}

/* The first look at a message in its round. */
static void
begin(struct books *b, struct flight *f, int64_t now)
{
	struct spool_message *m = &f->msg;
	struct entry *e = f->entry;
	size_t i;

	tell_doubtful(m);
	/* In now/ with tries: a person has put it there. */
	if (e->bucket == SPOOL_NOW)
		for (i = 0; i < m->env.nrcpts; i++)
			e->manual |= m->env.rcpts[i].tries > 0 &&
			    is_open(e, &m->env.rcpts[i]);
	if (late_by(&b->spool, b->settings, m, now) == -1)
		log_failure("late", m);
}

/* Let them off as far as there are places; how many had their turn. */
static size_t
serve(struct books *b, struct flight *f, const struct target *t, size_t n)
{
	size_t i, given, served = 0;

	for (i = 0; i < n; i += given) {
		given = 1;
		if (dest_is_dead(t[i].dest, time(NULL)) && !f->entry->manual) {
			book_dead(b, &f->msg, t[i].rcpt, t[i].dest);
			served++;
		} else if ((given = give(b, f, t + i, n - i)) == 0) {
			rest(f, t[i].dest);
			for (given = 1; i + given < n &&
			    t[i + given].dest == t[i].dest; given++)
				;
		} else
			served += given;
	}
	return served;
}

/* Forget an entry that was launched in vain. */
static void
leave(struct books *b, struct entry *e)
{
	b->kept -= e->prefix != NULL;
	entry_free(&b->dests, e);
}

/* A message that cannot be opened. */
static void
reject(struct books *b, struct entry *e, const struct spool_item *it, int got)
{
	if (got == -1 && errno == EBADMSG) {
		if (spool_defer_item(&b->spool, it, time(NULL) +
		    BROKEN_WAIT) == -1)
			b->trouble = true;
	} else if (got == -1)
		b->trouble = true;
	leave(b, e);
}

void
flight_go(struct books *b, struct flight *f)
{
	struct entry *e = f->entry;
	struct target *t = NULL;
	int64_t now;
	ssize_t n;

	if ((n = find_targets(b, e, &f->msg.env, &t)) == -1) {
		b->trouble = true;
		entry_free(&b->dests, e);
		land(b, f);
		return;
	}
	f->loads = 1;		/* we: so that it does not end meanwhile */
	now = time(NULL);
	if (serve(b, f, t, (size_t)n) > 0 && e->began == 0)
		e->began = now;
	free(t);
	if (--f->loads == 0)
		finish(b, f);
}

void
flight_put_off(struct books *b, struct flight *f, const char *why)
{
	struct report r = { .outcome = OUTCOME_TEMPORARY };
	struct envelope *env = &f->msg.env;
	size_t i;

	strlcpy(r.status, "4.3.0", sizeof(r.status));
	strlcpy(r.reply, why, sizeof(r.reply));
	for (i = 0; i < env->nrcpts; i++)
		if (is_open(f->entry, &env->rcpts[i]))
			book_report(b, &f->msg, i, &r);
	finish(b, f);
}

void
flight_drop(struct books *b, struct flight *f)
{
	land(b, f);
}

void
flight_launch(struct books *b, struct entry *e)
{
	struct spool_item it;
	struct flight *f;
	int got;

	if (entry_item(e, &it) == -1 || (f = calloc(1, sizeof(*f))) == NULL) {
		b->trouble = true;
		leave(b, e);
		return;
	}
	f->fd_7bit = -1;
	if ((got = spool_take(&b->spool, &it, &f->msg)) != 1) {
		reject(b, e, &it, got);
		free(f);
		return;
	}
	b->flights++;
	f->entry = e;
	if (!e->seen)
		begin(b, f, time(NULL));
	e->seen = true;
	if (!flight_sign(b, f))
		flight_go(b, f);
}

/* Where the fewest wait it is served first; the others follow. */
void
flight_park(struct books *b, struct entry *e)
{
	struct dest *d = NULL, *one;
	struct spool_item it;
	struct envelope env;
	size_t i;

	if (entry_item(e, &it) == 0 &&
	    spool_peek(&b->spool, &it, &env) == 1) {
		for (i = 0; i < env.nrcpts; i++) {
			if (!is_open(e, &env.rcpts[i]))
				continue;
			one = dest_get(&b->dests, b->settings, &env.sender,
			    env.rcpts[i].addr.domain);
			if (one != NULL && (d == NULL ||
			    one->nwaiting < d->nwaiting))
				d = one;
		}
		envelope_free(&env);
	}
	/* Whatever is wrong with it, a launch will say so. */
	if (d != NULL)
		entry_wait(&b->dests, e, d);
	else
		flight_launch(b, e);
}

void
flight_abandon(struct books *b)
{
	struct flight *f;
	struct post *p;

	for (p = b->pool.posts; p < b->pool.posts + b->pool.max; p++)
		while (p->n > 0) {
			f = p->loads[--p->n]->flight;
			free(p->loads[p->n]);
			if (--f->loads == 0)
				land(b, f);
		}
}
