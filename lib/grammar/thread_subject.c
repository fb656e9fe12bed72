/* SPDX-License-Identifier: ISC
 *
 * Threads by subject: RFC 5256, section 3, THREAD: ORDEREDSUBJECT, and step 5
 * of REFERENCES.
 */
#include <stdlib.h>

#include "grammar/thread_local.h"

/* Which node stands for a subject. */
struct table {
	uint32_t	*v;		/* nodes; subjects are theirs */
	uint32_t	 bits;
};

static int
table_init(struct table *s, const struct thread *t)
{
	for (s->bits = 4; (uint32_t)1 << s->bits < 2 * (t->nmsgs + 1);)
		s->bits++;
	s->v = calloc((size_t)1 << s->bits, sizeof(*s->v));
	return s->v == NULL ? -1 : 0;
}

static uint32_t *
table_find(const struct table *s, const struct thread *t, uint64_t subject)
{
	uint32_t i = thread_slot(t, subject, s->bits);

	while (s->v[i] != 0 && t->v[s->v[i]].subject != subject)
		i = (i + 1) & (((uint32_t)1 << s->bits) - 1);
	return &s->v[i];
}

/* The first message of a subject has all others as its children. */
static int
ordered_subject(struct thread *t)
{
	uint32_t i, x, *place;
	struct table s;

	if (table_init(&s, t) == -1)
		return -1;
	for (i = 0; i < t->nmsgs; i++) {
		x = t->sorted[i];
		place = table_find(&s, t, t->v[x].subject);
		if (*place == 0)
			*place = x;
		else
			t->v[x].parent = *place;
	}
	free(s.v);
	return 0;
}

/* Step 4: the top level by the time it was sent, where the first child of a
 * dummy counts; its subject becomes the dummy's (5.B.i).  Into root, which has
 * room for all; how many. */
static uint32_t
find_roots(struct thread *t, uint32_t *root)
{
	uint32_t i, x, p, n = 0;

	for (i = 0; i < t->nmsgs; i++) {
		x = t->sorted[i];
		p = t->v[x].parent;
		if (p == 0) {
			root[n++] = x;
		} else if (t->v[p].dummy && t->v[p].order == 0) {
			t->v[p].order = t->v[x].order;
			t->v[p].subject = t->v[x].subject;
			root[n++] = p;
		}
	}
	for (i = 0; i < n; i++)
		if (t->v[root[i]].dummy)
			t->v[root[i]].order = 0;
	return n;
}

/* (B) */
static void
populate(const struct table *s, const struct thread *t, const uint32_t *root,
    uint32_t n)
{
	const struct thread_node *now, *had;
	uint32_t i, *place;

	for (i = 0; i < n; i++) {
		now = &t->v[root[i]];
		if (now->subject == 0)
			continue;
		place = table_find(s, t, now->subject);
		had = &t->v[*place];
		if (*place == 0 || (!had->dummy && (now->dummy ||
		    (had->reply && !now->reply))))
			*place = root[i];
	}
}

/* Both below a new dummy, which stands for the subject. */
static int
join(struct thread *t, uint32_t *place, uint32_t x)
{
	uint32_t dummy = thread_node(t), had = *place;

	if (dummy == 0)
		return -1;
	t->v[dummy].dummy = 1;
	t->v[dummy].subject = t->v[x].subject;
	t->v[x].parent = t->v[had].parent = dummy;
	*place = dummy;
	return 0;
}

/* (C).  to[i] becomes the dummy whose children those of dummy i are. */
static int
merge_root(struct thread *t, const struct table *s, uint32_t x, uint32_t *to)
{
	uint32_t *place;

	if (t->v[x].subject == 0)
		return 0;
	place = table_find(s, t, t->v[x].subject);
	if (*place == x)
		return 0;
	if (t->v[x].dummy && t->v[*place].dummy)
		to[x] = *place;
	else if (t->v[*place].dummy ||
	    (t->v[x].reply && !t->v[*place].reply))
		t->v[x].parent = *place;
	else
		return join(t, place, x);
	return 0;
}

static int
merge(struct thread *t, const struct table *s, uint32_t *root, uint32_t *to)
{
	uint32_t i, p, n = find_roots(t, root), nodes = t->n;

	populate(s, t, root, n);
	for (i = 0; i < n; i++)
		if (merge_root(t, s, root[i], to) == -1)
			return -1;
	for (i = 1; i < nodes; i++)
		if (!t->v[i].dummy && (p = t->v[i].parent) != 0 && p < nodes &&
		    to[p] != 0)
			t->v[i].parent = to[p];
	return 0;
}

int
thread_merge(struct thread *t)
{
	uint32_t *root, *to;
	struct table s;
	int r = -1;

	if (t->kind == THREAD_ORDEREDSUBJECT)
		return ordered_subject(t);
	if (table_init(&s, t) == -1)
		return -1;
	root = calloc((size_t)t->nmsgs + 1, sizeof(*root));
	to = calloc(t->n, sizeof(*to));
	if (root != NULL && to != NULL)
		r = merge(t, &s, root, to);
	free(root);
	free(to);
	free(s.v);
	return r;
}
