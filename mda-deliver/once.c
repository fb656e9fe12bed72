/* SPDX-License-Identifier: ISC
 *
 * One copy for what several recipients of a message lead to: see once.h.  It
 * must never leave an address out that nobody else brings: who is not delivered
 * for good is counted as one who will be, or whose sender is told.  Of a place
 * that counts alone which is done.  What is written down is little: where one
 * recipient is owed, and another has brought what he will be asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "once.h"
#include "place.h"
#include "system/log.h"

/* An address that was left out of somebody's list. */
struct spare {
	size_t	what;		/* in all */
	size_t	rcpt;		/* whose list */
};

struct once {
	struct recipient_list	 all;
	size_t			*by;	/* who brings each of these */
	size_t			 room;
	struct spare		*spares;
	size_t			 nspares, spares_room;
	bool			 unknown;	/* somebody waits, and nobody
						 * knows for what */
	bool			 forwards;	/* rules of several may send it
						 * on to one address */
};

/* ---- addresses ---- */

static int
by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of all that is recorded, sorted.  *n may be 0; NULL no memory. */
static const char **
read_keys(const struct envelope *e, size_t *n)
{
	const char **v = calloc(e->ndid + 1, sizeof(*v));
	size_t i;

	*n = 0;
	if (v == NULL)
		return NULL;
	for (i = 0; i < e->ndid; i++)
		if (place_is_key(e->did[i].key))
			v[(*n)++] = e->did[i].key;
	qsort(v, *n, sizeof(*v), by_key);
	return v;
}

static int
bring(struct once *o, const struct address *a, size_t rcpt)
{
	size_t n = o->all.n, *by;

	if (recipient_list_add(&o->all, a) == -1)
		return -1;
	if (o->all.n == n)
		return 0;
	if (n >= o->room) {
		o->room = o->all.room;
		by = reallocarray(o->by, o->room, sizeof(*by));
		if (by == NULL)
			return -1;
		o->by = by;
	}
	o->by[n] = rcpt;
	return 0;
}

static int
spare(struct once *o, size_t what, size_t rcpt)
{
	struct spare *v;

	if (o->nspares == o->spares_room) {
		o->spares_room = 2 * o->spares_room + 8;
		v = reallocarray(o->spares, o->spares_room, sizeof(*v));
		if (v == NULL)
			return -1;
		o->spares = v;
	}
	o->spares[o->nspares++] = (struct spare){ what, rcpt };
	return 0;
}

/* One list: what is left of it.  0, -1. */
static int
thin_out(struct once *o, const struct recipient_list *l,
    struct recipient_list *rest, size_t rcpt, const char **keys, size_t nkeys)
{
	char key[ENVELOPE_KEY];
	const char *text = key;
	size_t k, at;

	for (k = 0; k < l->n; k++) {
		place_address_key(&l->v[k], key);
		if (bsearch(&text, keys, nkeys, sizeof(*keys), by_key) != NULL)
			continue;
		at = recipient_list_find(&o->all, &l->v[k]);
		if (at < o->all.n ? spare(o, at, rcpt) == -1 :
		    bring(o, &l->v[k], rcpt) == -1 ||
		    recipient_list_add(rest, &l->v[k]) == -1)
			return -1;
	}
	return 0;
}

static int
thin_out_target(struct once *o, struct target *t, size_t rcpt,
    const char **keys, size_t nkeys)
{
	struct recipient_list rest = { 0 };

	if (thin_out(o, &t->list, &rest, rcpt, keys, nkeys) == -1) {
		recipient_list_free(&rest);
		return -1;
	}
	rest.specials = t->list.specials;
	rest.nspecials = t->list.nspecials;
	t->list.specials = NULL;
	t->list.nspecials = 0;
	recipient_list_free(&t->list);
	t->list = rest;
	return 0;
}

/* Recipients that are mailboxes come before all lists. */
static int
plan(struct work *w, struct once *o)
{
	const struct envelope *e = &w->m->env;
	size_t i, nkeys;
	const char **keys = read_keys(e, &nkeys);
	int r = keys == NULL ? -1 : 0;
	struct target *t;

	for (i = 0; r == 0 && i < e->nrcpts; i++) {
		t = &w->targets[i];
		if (t->local)
			r = bring(o, &t->address, i);
	}
	for (i = 0; r == 0 && i < e->nrcpts; i++)
		if (w->targets[i].forward)
			r = thin_out_target(o, &w->targets[i], i, keys, nkeys);
	free(keys);
	return r;
}

static bool
has_lists(const struct work *w)
{
	size_t i;

	for (i = 0; i < w->m->env.nrcpts; i++)
		if (!w->targets[i].local &&
		    envelope_is_owed(&w->m->env.rcpts[i]))
			return true;
	return false;
}

/* Who wants to hear that each recipient has it gets it for each. */
static bool
wants_reports(const struct envelope *e)
{
	size_t i;

	for (i = 0; i < e->nrcpts; i++)
		if (envelope_wants(&e->rcpts[i], ENVELOPE_SUCCESS))
			return true;
	return false;
}

/* ---- places ---- */

static bool
is_unknown(const struct work *w)
{
	const struct target *t;
	size_t i;

	for (i = 0; i < w->m->env.nrcpts; i++) {
		t = &w->targets[i];
		if (!t->local && !t->forward &&
		    t->outcome.kind == OUTCOME_TEMPORARY &&
		    envelope_is_owed(&w->m->env.rcpts[i]))
			return true;
	}
	return false;
}

static int
by_mailbox(const void *a, const void *b)
{
	const struct user *u = (*(struct target *const *)a)->user;
	const struct user *v = (*(struct target *const *)b)->user;
	int r = strcmp(u->mailbox, v->mailbox);

	return r != 0 ? r : (u->uid > v->uid) - (u->uid < v->uid);
}

/* Those of one mailbox share it. */
static void
share_mailboxes(struct target **v, size_t n)
{
	size_t i;

	qsort(v, n, sizeof(*v), by_mailbox);
	for (i = 1; i < n; i++)
		if (by_mailbox(&v[i - 1], &v[i]) == 0)
			v[i - 1]->shared = v[i]->shared = true;
}

/* Aliases may have the same program; and who is not known may be anybody.  0,
 * -1. */
static int
find_shared(struct work *w, struct once *o)
{
	size_t n = w->m->env.nrcpts, nlocal = 0, nrules = 0, nspecials = 0;
	struct target **v = calloc(n, sizeof(*v)), *t;

	if (v == NULL)
		return -1;
	for (t = w->targets; t < w->targets + n; t++) {
		if (t->local)
			v[nlocal++] = t;
		nrules += t->rules != 0;
		nspecials += t->specials != NULL;
	}
	o->forwards = o->unknown || nrules > 1;
	for (t = w->targets; t < w->targets + n; t++)
		t->shared = o->unknown ||
		    (nspecials > 1 && t->specials != NULL);
	share_mailboxes(v, nlocal);
	free(v);
	return 0;
}

int
once_plan(struct work *w)
{
	const struct envelope *e = &w->m->env;
	struct once *o;

	if (e->nrcpts < 2)
		return 0;
	if ((w->once = o = calloc(1, sizeof(*o))) == NULL)
		return -1;
	o->unknown = is_unknown(w);
	if (find_shared(w, o) == -1)
		return -1;
	return e->expanded != NULL || !has_lists(w) || wants_reports(e) ? 0 :
	    plan(w, o);
}

/* ---- the record ---- */

static void
keep(struct work *w, size_t i, const char *key, const char *words)
{
	char text[ADDRESS_TEXT_MAX + 32];
	struct envelope_did did = { .rcpt = i, .status = ENVELOPE_DELIVERED,
	    .words = text };

	strlcpy(did.key, key, sizeof(did.key));
	strlcpy(text, words, sizeof(text));
	if (spool_did(w->m, &did) == -1)
		log_error("spool", "id=%s error=%s", w->m->item.id,
		    log_str(strerror(errno)));
}

static void
keep_address(struct work *w, size_t i, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX], words[ADDRESS_TEXT_MAX + 32];
	char key[ENVELOPE_KEY];

	place_address_key(a, key);
	snprintf(words, sizeof(words), "2.0.0 to %s", address_text(a, text));
	keep(w, i, key, words);
}

void
once_brought(struct work *w, size_t i)
{
	const struct once *o = w->once;
	const struct spare *s;
	size_t k;

	if (o == NULL)
		return;
	for (k = 0; o->unknown && k < o->all.n; k++)
		if (o->by[k] == i)
			keep_address(w, i, &o->all.v[k]);
	for (s = o->spares; !o->unknown && s < o->spares + o->nspares; s++)
		if (o->by[s->what] == i &&
		    envelope_is_owed(&w->m->env.rcpts[s->rcpt]))
			keep_address(w, i, &o->all.v[s->what]);
}

static bool
others_are_owed(const struct envelope *e, size_t but)
{
	size_t i;

	for (i = e->nrcpts; i-- > 0;)
		if (i != but && envelope_is_owed(&e->rcpts[i]))
			return true;
	return false;
}

void
once_done(struct work *w, size_t i, const struct dest *d)
{
	bool forward = d != NULL && d->kind == DEST_FORWARD;
	char key[ENVELOPE_KEY];

	if (w->once != NULL &&
	    (forward ? w->once->forwards : w->targets[i].shared) &&
	    others_are_owed(&w->m->env, i) && place_key(w, i, d, key))
		keep(w, i, key, "2.0.0 delivered");
}

/* A recipient's own places are told apart by his plan. */
bool
once_is_done(const struct work *w, size_t i, const struct dest *d)
{
	const struct envelope *e = &w->m->env;
	char key[ENVELOPE_KEY] = "", to[ADDRESS_TEXT_MAX];
	char with[ADDRESS_TEXT_MAX];
	const struct envelope_did *did;

	for (did = e->did; did < e->did + e->ndid; did++) {
		if (did->rcpt == i || !place_is_key(did->key))
			continue;
		if (*key == '\0' && !place_key(w, i, d, key))
			return false;
		if (strcmp(did->key, key) != 0)
			continue;
		log_info("one-copy", "id=%s to=%s with=%s", w->m->item.id,
		    log_str(address_text(&e->rcpts[i].addr, to)),
		    log_str(address_text(&e->rcpts[did->rcpt].addr, with)));
		return true;
	}
	return false;
}
