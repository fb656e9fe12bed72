/* SPDX-License-Identifier: ISC
 *
 * One message of the queue.  It must never let go of a recipient that is
 * neither delivered, on disk, nor bounced; nor do again what is recorded.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "carry.h"
#include "follow.h"
#include "bundle.h"
#include "launch.h"
#include "mail/bounce.h"
#include "mail/late.h"
#include "message.h"
#include "message_local.h"
#include "once.h"
#include "rules.h"
#include "system/clock.h"
#include "system/fdio.h"
#include "system/log.h"

#define FIRST_WAIT	60	/* seconds; then as spool_wait() */
#define MOST_WAIT	(2 * 3600)
#define BATCH_MS	500	/* then the next of several is not begun */

int
refuse(struct target *t, enum outcome_kind kind, const char *fmt, ...)
{
	va_list ap;

	t->outcome.kind = kind;
	va_start(ap, fmt);
	vsnprintf(t->outcome.text, sizeof(t->outcome.text), fmt, ap);
	va_end(ap);
	return 0;
}

static void
drop_text(struct work *w)
{
	free(w->text);
	w->text = NULL;
}

/* The message, or its beginning, once for all: 0, -1. */
static int
read_text(struct work *w)
{
	const struct spool_message *m = w->m;
	uint64_t size = m->size - m->start;
	size_t n = size < LOOP_HEADER_MAX ? (size_t)size : LOOP_HEADER_MAX;
	ssize_t got;

	if (w->text != NULL)
		return 0;
	if ((w->text = malloc(n + 1)) == NULL)
		return -1;
	if ((got = fd_pread_all(m->fd, w->text, n, (off_t)m->start)) == -1) {
		drop_text(w);
		return -1;
	}
	w->ntext = (size_t)got;
	return 0;
}

static void
deliver_target(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];
	const struct envelope *env = &w->m->env;
	const char *why;

	if (read_text(w) == -1) {
		outcome_errno(&t->outcome, "the spool", errno);
		return;
	}
	/* In an expanded message the mark is that of the address before. */
	why = deliver_loops(w->text, w->ntext, env->expanded != NULL ? NULL :
	    &env->rcpts[i].addr);
	if (why != NULL)
		refuse(t, OUTCOME_PERMANENT, "5.4.6 mail loop: %s", why);
	else if (t->plan.n > 0)
		follow_list(w, i);
	else if (t->forward)
		carry_list(w, i, &t->outcome);
	else
		follow(w, i);
}

static void
log_outcome(const struct work *w, size_t i, const char *what)
{
	const struct envelope_rcpt *r = &w->m->env.rcpts[i];
	char to[ADDRESS_TEXT_MAX], from[ADDRESS_TEXT_MAX];

	log_info(what, "id=%s from=%s to=%s%s%s", w->m->item.id,
	    log_str(address_text(&w->m->env.sender, from)),
	    log_str(address_text(&r->addr, to)),
	    r->reply == NULL ? "" : " reply=",
	    r->reply == NULL ? "" : log_str(r->reply));
}

/*
 * The letter of one who was delivered, and the words of the report that is
 * owed when it was asked for: of a mailbox and of a list with an owner
 * (RFC 3461, section 5.2.7.1), and that an alias was expanded (5.2.7.3).  A
 * single target, and who is in an expanded message, got the wish too.
 */
static enum envelope_status
taken_status(const struct work *w, size_t i, char *text, size_t size)
{
	const struct target *t = &w->targets[i];
	enum follow_way way = t->forward && t->plan.n == 0 ?
	    FOLLOW_SENT_ON : follow_way(t);

	if (!envelope_wants(&w->m->env.rcpts[i], ENVELOPE_SUCCESS))
		return ENVELOPE_DELIVERED;
	if (way == FOLLOW_KEPT || !address_is_null(&t->owner)) {
		strlcpy(text, "2.0.0 - delivered", size);
		return ENVELOPE_REPORT;
	}
	if (way == FOLLOW_ONE || (t->forward &&
	    (w->m->env.expanded != NULL || t->list.n == 1)))
		return ENVELOPE_DELIVERED;
	strlcpy(text, "2.0.0 - sent on", size);
	return ENVELOPE_EXPANDED;
}

/* Status and words, and between them the host: none but us. */
static void
put_words(char *text, size_t size, const struct target *t)
{
	const char *s = t->reason != NULL ? t->reason : t->outcome.text;
	int n = (int)strcspn(s, " ");

	snprintf(text, size, "%.*s -%s", n, s, s + n);
}

/* Keep what became of recipient i. */
static void
record(struct work *w, size_t i)
{
	const struct outcome *o = &w->targets[i].outcome;
	enum envelope_status status = ENVELOPE_DELIVERED;
	static char text[PLAN_TEXT_MAX + 8];
	const char *event = "delivered";
	int64_t now = (int64_t)time(NULL);

	put_words(text, sizeof(text), &w->targets[i]);
	switch (o->kind) {
	case OUTCOME_BEFORE:
		event = "delivered-before";
		break;
	case OUTCOME_DELIVERED:
		break;
	case OUTCOME_TEMPORARY:
		event = "deferred";
		status = ENVELOPE_QUEUED;
		break;
	case OUTCOME_PERMANENT:
		event = "failed";
		status = ENVELOPE_FAILED;
		break;
	}
	if (status == ENVELOPE_DELIVERED)
		status = taken_status(w, i, text, sizeof(text));
	if (status != ENVELOPE_QUEUED && status != ENVELOPE_FAILED)
		once_brought(w, i);
	if (!w->gone && spool_mark(w->m, i, status, now,
	    status == ENVELOPE_DELIVERED ? NULL : text) == -1)
		log_error("spool", "id=%s error=%s", w->m->item.id,
		    log_str(strerror(errno)));
	log_outcome(w, i, event);
}

static void
warn_owner(const struct work *w, size_t i)
{
	if (w->targets[i].outcome.warn)
		carry_warning(w, w->targets[i].user);
}

/* Is there nothing to do but copies that are begun, and nothing to record that
 * the message's end would not say? */
static bool
is_whole(const struct work *w)
{
	const struct envelope_rcpt *r = w->m->env.rcpts;
	size_t i;

	for (i = 0; i < w->m->env.nrcpts; i++)
		if (r[i].status != ENVELOPE_DELIVERED &&
		    (!w->targets[i].outcome.begun || w->targets[i].alone ||
		    envelope_wants(&r[i], ENVELOPE_SUCCESS)))
			return false;
	return true;
}

/*
 * Copies that share a sync are recorded behind it.  The last of a message need
 * none where its own end comes to disk behind theirs: nothing is written of
 * them that could be there before.
 */
static void
record_bundle(struct work *w)
{
	bool whole = is_whole(w);
	size_t rcpts[BUNDLE_MAX], k, n = bundle_name(w, rcpts);

	if (n == 0)
		return;
	w->gone = whole && bundle_is_ordered(w) &&
	    spool_drop_unsynced(w->m) == 0;
	bundle_end(w, !w->gone);
	for (k = 0; k < n; k++)
		record(w, rcpts[k]);
	for (k = 0; k < n; k++)
		warn_owner(w, rcpts[k]);
}

static void
deliver_one(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];

	t->outcome.begun = false;
	if (w->m->env.rcpts[i].status == ENVELOPE_TRYING && !t->alone)
		log_outcome(w, i, "may-be-doubled");
	if (t->local || t->forward) {
		(void)spool_mark(w->m, i, ENVELOPE_TRYING, 0, NULL);
		deliver_target(w, i);
	}
	if (!t->outcome.begun) {
		record(w, i);
		warn_owner(w, i);
	} else if (bundle_is_full(w))
		record_bundle(w);
	plan_free(&t->plan);
	free(t->reason);
	t->reason = NULL;
}

enum pace { PLAIN, ALONE, DECIDED, SLOW, PACES };

/* What he has may take its time: rules, and more so programs. */
static enum pace
pace_of(const struct target *t)
{
	if ((t->rules & RULES_DOTFILE) != 0 || t->specials != NULL)
		return SLOW;
	return !t->local || t->rules != 0 ? DECIDED : t->alone || t->shared ?
	    ALONE : PLAIN;
}

static void
deliver_some(struct work *w, enum pace pace)
{
	size_t i;

	for (i = 0; i < w->m->env.nrcpts; i++)
		if (envelope_is_owed(&w->m->env.rcpts[i]) &&
		    pace_of(&w->targets[i]) == pace)
			deliver_one(w, i);
}

/* First those whom nothing keeps. */
static void
deliver_all(struct work *w)
{
	enum pace pace;

	if (w->m->env.nrcpts > 1)
		bundle_open(w);
	deliver_some(w, PLAIN);
	record_bundle(w);
	bundle_close(w);
	for (pace = PLAIN + 1; pace < PACES; pace++)
		deliver_some(w, pace);
	drop_text(w);
}

/* Nobody is owed anything: it goes.  Else it waits.  0, -1. */
static int
put_away(struct work *w)
{
	struct spool_message *m = w->m;
	int64_t now = (int64_t)time(NULL);

	if (late_by(w->spool, w->settings, m, now) == -1 ||
	    late_age(w->spool, w->settings, m, now) == -1)
		log_error("late", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
	if (bounce_send(w->spool, w->settings, m) == -1)
		log_error("bounce", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
	if (envelope_done(&m->env)) {
		if (spool_drop(m) == 0)
			return 0;
	} else if (spool_marks_sync(m) == 0 && spool_defer(m,
	    late_next(m, now, FIRST_WAIT, MOST_WAIT)) == 0)
		return 0;
	log_error("spool", "id=%s error=%s", m->item.id,
	    log_str(strerror(errno)));
	return -1;
}

/* Does any of them want what a confined process cannot do? */
static bool
needs_launch(const struct work *works, size_t n)
{
	const struct work *w;
	size_t i;

	for (w = works; w < works + n; w++)
		for (i = 0; i < w->m->env.nrcpts; i++)
			if (pace_of(&w->targets[i]) == SLOW)
				return true;
	return false;
}

static int
prepare(struct work *works, size_t n)
{
	struct launch *launch = NULL;
	size_t i;

	if (needs_launch(works, n) &&
	    (launch = launch_start(works, n)) == NULL)
		return -1;
	for (i = 0; i < n; i++)
		works[i].launch = launch;
	return confine_to_owner(works, n) == -1 ? -1 :
	    confine_to_mailboxes(works, n);
}

int
message_handle(const struct directory *dir, struct spool *spool,
    struct spool_message *v, size_t n)
{
	struct work *works = calloc(n, sizeof(*works)), *w;
	long long end = clock_ms() + BATCH_MS;
	bool good = works != NULL;
	int r = 0;
	size_t i;

	for (i = 0; good && i < n; i++) {
		w = &works[i];
		w->dir = dir;
		w->settings = dir->settings;
		w->spool = spool;
		w->m = &v[i];
		w->index = i;
		good = find_targets(w) == 0 && once_plan(w) == 0;
	}
	if (!good || prepare(works, n) == -1)
		return -1;
	for (w = works; w < works + n; w++) {
		if (w > works && clock_ms() >= end) {
			r = r == -1 ? -1 : 1;
			break;
		}
		(void)alarm(MESSAGE_SECONDS);
		if (late_by(spool, dir->settings, w->m, time(NULL)) == -1)
			log_error("late", "id=%s error=%s", w->m->item.id,
			    log_str(strerror(errno)));
		deliver_all(w);
		if (!w->gone && put_away(w) == -1)
			r = -1;
		/* The next agent may have what is left. */
		spool_release(w->m);
	}
	launch_end(works->launch);
	return r;
}
