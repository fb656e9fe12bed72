/* SPDX-License-Identifier: ISC
 *
 * One copy for an address that several recipients of a message lead to: see
 * once.h.  It must never leave an address out that nobody else brings: who is
 * not delivered for good is counted as one who will be, or whose sender is
 * told.  What is written down is little: where one recipient waits, and
 * another has brought what he will be asked for again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "once.h"
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
};

/* As plan_key(), which begins with other numbers. */
static void
key_of(const struct address *a, char key[ENVELOPE_KEY])
{
	const char *parts[] = { a->local, "@", a->domain };
	uint64_t h = 14695981039346656037u;
	const char *s;
	size_t i;

	for (i = 0; i < 3; i++)
		for (s = parts[i]; *s != '\0'; s++)
			h = (h ^ (unsigned char)char_lower(*s)) *
			    1099511628211u;
	snprintf(key, ENVELOPE_KEY, "%016" PRIx64, h);
}

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

	*n = 0;
	if (v == NULL)
		return NULL;
	for (; *n < e->ndid; (*n)++)
		v[*n] = e->did[*n].key;
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
		key_of(&l->v[k], key);
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
		else if (!t->forward && envelope_is_owed(&e->rcpts[i]) &&
		    t->outcome.kind == OUTCOME_TEMPORARY)
			o->unknown = true;
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

int
once_plan(struct work *w)
{
	const struct envelope *e = &w->m->env;

	if (e->nrcpts < 2 || e->expanded != NULL || !has_lists(w) ||
	    wants_reports(e))
		return 0;
	if ((w->once = calloc(1, sizeof(*w->once))) == NULL)
		return -1;
	return plan(w, w->once);
}

static void
keep(struct work *w, size_t i, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX], words[ADDRESS_TEXT_MAX + 32];
	struct envelope_did did = { .rcpt = i, .status = ENVELOPE_DELIVERED,
	    .words = words };

	key_of(a, did.key);
	snprintf(words, sizeof(words), "2.0.0 to %s", address_text(a, text));
	if (spool_did(w->m, &did) == -1)
		log_error("spool", "id=%s error=%s", w->m->item.id,
		    log_str(strerror(errno)));
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
			keep(w, i, &o->all.v[k]);
	for (s = o->spares; !o->unknown && s < o->spares + o->nspares; s++)
		if (o->by[s->what] == i &&
		    envelope_is_owed(&w->m->env.rcpts[s->rcpt]))
			keep(w, i, &o->all.v[s->what]);
}
