/* SPDX-License-Identifier: ISC
 *
 * A user's rules followed: see follow.h.  A place is recorded when it is done,
 * and before the next is begun: a kill between the two doubles that one alone.
 * Whatever is wrong with rules, no report and no mail of postmaster's is kept
 * from the mailbox.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "carry.h"
#include "follow.h"
#include "forward.h"
#include "once.h"
#include "seen.h"
#include "system/log.h"
#include "system/privilege.h"

/* A plan on its way. */
struct course {
	struct work	*w;
	size_t		 i;
	struct target	*t;
	bool		 tried[PLAN_MOST];	/* in this run */
	struct outcome	 later, failed;	/* the first of each; or no text */
	struct buf	 waits, fails;	/* what is said of all of them */
	bool		 kept;		/* it is in a mailbox */
};

static struct course
begin(struct work *w, size_t i)
{
	struct course c = { .w = w, .i = i, .t = &w->targets[i] };

	buf_init(&c.waits, PLAN_TEXT_MAX);
	buf_init(&c.fails, PLAN_TEXT_MAX);
	return c;
}

/* It may be there already, by rules that were others then. */
static bool
was_kept(const struct work *w, size_t i)
{
	const struct dest mailbox = { .kind = DEST_KEEP };
	const struct envelope_did *did;
	const struct plan none = { .n = 0 };
	char key[ENVELOPE_KEY];

	plan_key(&none, &mailbox, key);
	did = envelope_find_did(&w->m->env, i, key);
	return did != NULL && did->status == ENVELOPE_DELIVERED;
}

static bool
is_done(const struct outcome *o)
{
	return o->kind == OUTCOME_DELIVERED || o->kind == OUTCOME_BEFORE;
}

static void
keep(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];

	if (was_kept(w, i))
		t->outcome.kind = OUTCOME_BEFORE;
	else if (once_is_done(w, i, NULL))
		t->outcome.kind = OUTCOME_DELIVERED;
	else if (carry_whole(w, i)) {
		w->gone = true;
		t->outcome.kind = OUTCOME_DELIVERED;
	} else {
		carry_copy(w, i, NULL, &t->outcome);
		if (is_done(&t->outcome))
			once_done(w, i, NULL);
	}
}

static const char *
kind_name(enum dest_kind kind)
{
	switch (kind) {
	case DEST_KEEP:
		return "keep";
	case DEST_FOLDER:
		return "folder";
	case DEST_MAILBOX:
		return "mailbox";
	case DEST_PROGRAM:
		return "program";
	case DEST_FORWARD:
		return "forward";
	case DEST_DISCARD:
		return "discard";
	case DEST_REJECT:
		return "reject";
	case DEST_REPLY:
		return "reply";
	}
	return "";
}

static void
log_place(const struct course *c, const struct dest *d,
    const struct outcome *o)
{
	static const char *const words[] = {
		[OUTCOME_TEMPORARY] = "deferred",
		[OUTCOME_PERMANENT] = "failed",
		[OUTCOME_DELIVERED] = "done",
		[OUTCOME_BEFORE] = "done-before"
	};
	const struct spool_message *m = c->w->m;
	char to[ADDRESS_TEXT_MAX], line[32] = "";

	if (d->line != 0)
		snprintf(line, sizeof(line), ":%u", d->line);
	log_info("place", "id=%s to=%s %s=%s by=%s%s what=%s reply=%s",
	    m->item.id, log_str(address_text(&m->env.rcpts[c->i].addr, to)),
	    kind_name(d->kind), log_str(d->text == NULL ? "" : d->text),
	    log_str(d->file == NULL ? "" : d->file), line, words[o->kind],
	    log_str(o->text));
}

/* A message that is not in the spool: who calls us sets its time, and hears
 * one line. */
static bool
is_direct(const struct work *w)
{
	return w->m->item.id[0] == '\0';
}

/* ---- the record ---- */

static void
record(const struct course *c, const struct dest *d, const struct outcome *o)
{
	struct envelope_did did = { .rcpt = c->i };
	struct spool_message *m = c->w->m;
	char words[sizeof(o->text)];

	did.status = o->kind == OUTCOME_PERMANENT ? ENVELOPE_FAILED :
	    ENVELOPE_DELIVERED;
	did.words = words;
	strlcpy(words, o->text, sizeof(words));
	plan_key(&c->t->plan, d, did.key);
	if (spool_did(m, &did) == -1)
		log_error("spool", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
}

static const char *
behind_status(const char *words)
{
	return words + strcspn(words, " ") + 1;
}

/* Each once, on a line, the first with its status; who calls us hears of one
 * place. */
static void
add_words(const struct course *c, struct buf *b, const char *words)
{
	if (b->len == 0) {
		buf_adds(b, words);
		return;
	}
	words = behind_status(words);
	if (!is_direct(c->w) && !buf_failed(b) &&
	    strstr(buf_str(b), words) == NULL)
		buf_addf(b, "\n%s", words);
}

static void
count(struct course *c, const struct dest *d, const struct outcome *o)
{
	switch (o->kind) {
	case OUTCOME_TEMPORARY:
		if (c->later.text[0] == '\0')
			c->later = *o;
		add_words(c, &c->waits, o->text);
		break;
	case OUTCOME_PERMANENT:
		if (c->failed.text[0] == '\0')
			c->failed = *o;
		add_words(c, &c->fails, d->kind == DEST_REJECT &&
		    strncmp(d->text, "5.", 2) == 0 ? d->text : o->text);
		break;
	case OUTCOME_DELIVERED:
	case OUTCOME_BEFORE:
		c->kept = c->kept || d->kind == DEST_KEEP ||
		    d->kind == DEST_FOLDER || d->kind == DEST_MAILBOX;
		break;
	}
}

/* What became of it in a run before this?  False: it is owed. */
static bool
is_settled(struct course *c, const struct dest *d)
{
	const struct envelope_did *did;
	struct outcome o = { .kind = OUTCOME_DELIVERED };
	char key[ENVELOPE_KEY];

	plan_key(&c->t->plan, d, key);
	did = envelope_find_did(&c->w->m->env, c->i, key);
	if (did == NULL)
		return false;
	if (did->status == ENVELOPE_FAILED)
		o.kind = OUTCOME_PERMANENT;
	strlcpy(o.text, did->words, sizeof(o.text));
	count(c, d, &o);
	return true;
}

/* Or did another recipient of the message bring it there? */
static bool
is_brought(struct course *c, const struct dest *d)
{
	const struct outcome o = { .kind = OUTCOME_BEFORE,
	    .text = "2.0.0 another recipient's copy" };

	if (!once_is_done(c->w, c->i, d))
		return false;
	log_place(c, d, &o);
	count(c, d, &o);
	record(c, d, &o);
	return true;
}

/* ---- what is kept in mind ---- */

static int
write_marks(const struct user *u, const struct plan_mark *v, size_t n)
{
	static const unsigned char none[sizeof(v->id)];
	const char *dir = seen_dir(u->home, u->mailbox);
	int64_t now = (int64_t)time(NULL);
	int r = 0;
	size_t k;

	for (k = 0; k < n; k++)
		if (memcmp(v[k].id, none, sizeof(none)) != 0 &&
		    (dir == NULL || seen_mark(dir, &v[k], now) == -1))
			r = -1;
	return r;
}

/* As the user.  What fails stops no mail: at worst somebody is answered
 * twice. */
static void
remember(const struct course *c, const struct plan_mark *v, size_t n)
{
	const struct user *u = c->t->user;
	pid_t pid;
	int r;

	if (n == 0)
		return;
	if (geteuid() != 0)
		r = write_marks(u, v, n);
	else if ((pid = fork()) == 0) {
		(void)alarm(MESSAGE_SECONDS);
		_exit(confine_open(c->w, -1) == -1 ||
		    privilege_drop(u->uid, u->gid) == -1 ||
		    write_marks(u, v, n) == -1);
	} else
		r = pid == -1 || wait_child(pid) != 0 ? -1 : 0;
	if (r == -1)
		log_warn("seen", "id=%s to=%s error=%s", c->w->m->item.id,
		    log_str(u->name), "\"it cannot be kept in mind\"");
}

/* ---- one after the other ---- */

static void
set_alarm(const struct work *w, long long more)
{
	if (!is_direct(w))
		(void)alarm((unsigned)more + MESSAGE_SECONDS);
}

/* An alias postmaster of a program that fails for good: nobody is left who
 * could be told, so it waits for a person. */
static void
never_lose(const struct course *c, struct outcome *o)
{
	if (!c->t->forward || o->kind != OUTCOME_PERMANENT || strcasecmp(
	    c->w->m->env.rcpts[c->i].addr.local, "postmaster") != 0)
		return;
	o->kind = OUTCOME_TEMPORARY;
	if (o->text[0] == '5')
		o->text[0] = '4';
}

/* A report is not sent back: the reject that would is none. */
static int
carry_one(const struct course *c, const struct dest *d, struct outcome *o)
{
	const struct dest mailbox = { .kind = DEST_KEEP };
	int left_out;

	/* A program's end is waited for. */
	set_alarm(c->w, d->kind != DEST_PROGRAM ? 0 :
	    2 * MESSAGE_SECONDS + c->w->settings->program_timeout);
	if (d->kind == DEST_REJECT &&
	    address_is_null(&c->w->m->env.sender))
		left_out = carry(c->w, c->i, &mailbox, o);
	else
		left_out = carry(c->w, c->i, d, o);
	never_lose(c, o);
	if (!is_direct(c->w))
		log_place(c, d, o);
	if (d->kind == DEST_REPLY && o->kind == OUTCOME_DELIVERED)
		remember(c, &d->mark, 1);
	set_alarm(c->w, 0);
	return left_out;
}

/* Those that went with it in one message have its outcome. */
static void
settle(struct course *c, const struct dest *d, const struct outcome *o)
{
	const struct plan *p = &c->t->plan;
	size_t k;

	for (k = 0; k < p->n; k++) {
		if (c->tried[k] || !carry_together(c->w, d, &p->v[k]))
			continue;
		c->tried[k] = true;
		count(c, &p->v[k], o);
		if (o->kind != OUTCOME_TEMPORARY)
			record(c, &p->v[k], o);
		if (is_done(o))
			once_done(c->w, c->i, &p->v[k]);
	}
}

/* What stands behind it in the list is not done. */
static void
leave_out(struct course *c, size_t k)
{
	const struct outcome o = { .kind = OUTCOME_DELIVERED,
	    .text = "2.0.0 left out" };
	const struct plan *p = &c->t->plan;

	while (++k < p->n)
		if (!c->tried[k])
			record(c, &p->v[k], &o);
}

static bool
is_plain_keep(const struct dest *d)
{
	return d->kind == DEST_KEEP && d->flags == NULL && d->edit == 0;
}

/* The mailbox comes last: when all else is done, the file of the spool goes
 * there, and no copy is made.  qmail's order is the user's. */
static bool
comes_last(const struct course *c, const struct dest *d)
{
	return is_plain_keep(d) && !d->qmail && c->t->local &&
	    c->w->m->env.skip != 0;
}

static void
carry_last(struct course *c, const struct dest *d)
{
	struct outcome o = { .kind = OUTCOME_DELIVERED,
	    .text = "2.0.0 delivered" };

	if (c->later.text[0] == '\0' && c->failed.text[0] == '\0' &&
	    carry_whole(c->w, c->i)) {
		c->w->gone = true;
		log_place(c, d, &o);
	} else {
		(void)carry_one(c, d, &o);
		settle(c, d, &o);
	}
}

static void
carry_all(struct course *c)
{
	const struct plan *p = &c->t->plan;
	const struct dest *d, *last = NULL;
	struct outcome o;
	size_t k;

	for (k = 0; k < p->n; k++)
		c->tried[k] = is_settled(c, &p->v[k]) ||
		    is_brought(c, &p->v[k]);
	for (k = 0; k < p->n; k++) {
		d = &p->v[k];
		if (c->tried[k])
			continue;
		if (comes_last(c, d)) {
			last = d;
			continue;
		}
		if (carry_one(c, d, &o) == 1) {
			settle(c, d, &o);
			leave_out(c, k);
			return;
		}
		settle(c, d, &o);
		/* qmail goes no further, and tries all of the rest again. */
		if (o.kind == OUTCOME_TEMPORARY && d->qmail)
			return;
	}
	if (last != NULL)
		carry_last(c, last);
}

/* All that is said of the outcome, when its own text is not that.  What failed
 * is told with what waits: should that expire, it is the last word. */
static void
set_reason(struct course *c)
{
	struct buf *all = c->waits.len > 0 ? &c->waits : &c->fails;

	if (c->waits.len > 0 && c->fails.len > 0 && !buf_failed(&c->fails))
		add_words(c, all, buf_str(&c->fails));
	if (all->len > 0 && !buf_failed(all) &&
	    strcmp(buf_str(all), c->t->outcome.text) != 0)
		c->t->reason = strdup(buf_str(all));
	buf_free(&c->waits);
	buf_free(&c->fails);
}

/* The outcome of all.  What failed is told when nothing is owed any more. */
static void
conclude(struct course *c)
{
	struct outcome *o = &c->t->outcome;

	if (c->later.text[0] != '\0')
		*o = c->later;
	else if (c->failed.text[0] != '\0')
		*o = c->failed;
	else {
		o->kind = OUTCOME_DELIVERED;
		o->code = 0;
		strlcpy(o->text, "2.0.0 delivered", sizeof(o->text));
		remember(c, c->t->plan.marks, c->t->plan.nmarks);
	}
	set_reason(c);
	/* A report, or postmaster's: it comes to the mailbox at once. */
	if (!c->t->precious || !c->t->local || c->kept ||
	    o->kind == OUTCOME_DELIVERED)
		return;
	log_warn("rules", "id=%s to=%s kept=mailbox reply=%s",
	    c->w->m->item.id, log_str(c->t->user->name), log_str(o->text));
	free(c->t->reason);
	c->t->reason = NULL;
	keep(c->w, c->i);
}

/* A message of two lines has no place for a record of several. */
static int
make_room(struct work *w, size_t i)
{
	char id[SPOOL_ID_MAX];

	if (w->spool == NULL || w->targets[i].plan.n < 2 ||
	    w->m->item.form != SPOOL_LINES)
		return 0;
	strlcpy(id, w->m->item.id, sizeof(id));
	if (spool_add_envelope(w->m) == -1)
		return -1;
	(void)spool_mark(w->m, i, ENVELOPE_TRYING, 0, NULL);
	log_info("envelope", "id=%s new=%s", id, w->m->item.id);
	return 0;
}

static void
carry_out(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];
	struct course c = begin(w, i);
	struct outcome o;

	if (make_room(w, i) == -1) {
		outcome_errno(&t->outcome, "the spool", errno);
		return;
	}
	if (t->plan.n == 1 && w->m->env.ndid == 0) {
		(void)carry_one(&c, &t->plan.v[0], &o);
		count(&c, &t->plan.v[0], &o);
		if (is_done(&o))
			once_done(w, i, &t->plan.v[0]);
	} else
		carry_all(&c);
	conclude(&c);
}

/* Unless it is there already: the rules may have been others at the first
 * try. */
static void
keep_once(struct work *w, size_t i)
{
	const struct dest mailbox = { .kind = DEST_KEEP };
	struct course c = begin(w, i);

	if (w->m->env.ndid > 0 && is_settled(&c, &mailbox))
		conclude(&c);
	else
		keep(w, i);
}

/* The mail is kept, and the log says what is wrong. */
static void
keep_broken(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];

	log_warn("rules", "id=%s to=%s kept=mailbox error=%s", w->m->item.id,
	    log_str(t->user->name), log_str(t->plan.error));
	plan_free(&t->plan);
	keep_once(w, i);
}

void
follow_plan(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];

	switch (t->plan.kind) {
	case PLAN_NONE:
		keep_once(w, i);
		return;
	case PLAN_BROKEN:
		keep_broken(w, i);
		return;
	case PLAN_TEMPORARY:
		if (t->precious)
			keep_broken(w, i);
		else
			refuse(t, OUTCOME_TEMPORARY, "4.3.5 the recipient's "
			    "rules: %.300s", t->plan.error);
		return;
	case PLAN_GOOD:
		break;
	}
	if (t->plan.n == 1 && t->plan.nmarks == 0 &&
	    is_plain_keep(&t->plan.v[0]))
		keep_once(w, i);
	else
		carry_out(w, i);
}

void
follow(struct work *w, size_t i)
{
	decide(w, i);
	follow_plan(w, i);
}

/* Bounces of what has an owner go to him: then it is another message. */
void
follow_list(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];
	const struct forward f = {
		.dir = w->dir,
		.spool = w->spool,
		.env = &w->m->env,
		.given = &w->m->env.rcpts[i],
		.owner = &t->owner,
		.list = &t->list,
	};

	if (forward_needs_owner(&f))
		forward_send_same(&f, w->m, &t->outcome);
	else
		carry_out(w, i);
}

enum follow_way
follow_way(const struct target *t)
{
	const struct plan *p = &t->plan;
	size_t k;

	if (p->n == 0 || !address_is_null(&p->forwarder))
		return FOLLOW_KEPT;
	for (k = 0; k < p->n; k++)
		if (p->v[k].kind != DEST_FORWARD &&
		    p->v[k].kind != DEST_REPLY)
			return FOLLOW_KEPT;
	return p->n == 1 ? FOLLOW_ONE : FOLLOW_SENT_ON;
}
