/* SPDX-License-Identifier: ISC
 *
 * RFC 5256, section 3, THREAD=REFERENCES: steps 1 to 3, and writing the result.
 * Dummies are nodes like messages until step 3.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/thread_local.h"

/* NOTE: of dummies there are at most this many, beside some for each message;
 * ids of messages that nobody sees count only as far as that. */
enum { DUMMIES_MIN = 65536, DUMMIES_EACH = 4, HASH_BITS_MIN = 10 };

struct thread *
thread_new(enum thread_kind kind, uint64_t seed)
{
	struct thread *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	t->kind = kind;
	t->seed = seed;
	t->hash_bits = HASH_BITS_MIN;
	t->hash = calloc((size_t)1 << t->hash_bits, sizeof(*t->hash));
	(void)thread_node(t);
	if (t->hash == NULL || t->n == 0) {
		thread_free(t);
		return NULL;
	}
	return t;
}

void
thread_free(struct thread *t)
{
	if (t == NULL)
		return;
	free(t->v);
	free(t->hash);
	free(t->sorted);
	free(t->first);
	free(t->child);
	free(t->root);
	free(t);
}

uint32_t
thread_node(struct thread *t)
{
	struct thread_node *v;
	uint32_t cap;

	if (t->n == t->cap) {
		cap = t->cap == 0 ? 1024 : t->cap + t->cap / 2;
		if (cap <= t->cap || cap > UINT32_MAX / 4 ||
		    (v = reallocarray(t->v, cap, sizeof(*v))) == NULL)
			return 0;
		t->v = v;
		t->cap = cap;
	}
	memset(&t->v[t->n], 0, sizeof(*t->v));
	return t->n++;
}

/* ---- ids ---- */

static uint32_t *
find_id(const struct thread *t, uint64_t id)
{
	uint32_t mask = ((uint32_t)1 << t->hash_bits) - 1;
	uint32_t i = thread_slot(t, id, t->hash_bits);

	while (t->hash[i] != 0 && t->v[t->hash[i]].id != id)
		i = (i + 1) & mask;
	return &t->hash[i];
}

/* Keep the table at most half full. */
static int
grow_hash(struct thread *t)
{
	uint32_t *old = t->hash, i, size = (uint32_t)1 << t->hash_bits;

	if (t->nhash < size / 2)
		return 0;
	if (t->hash_bits == 30 || (t->hash = calloc((size_t)size * 2,
	    sizeof(*t->hash))) == NULL) {
		t->hash = old;
		return -1;
	}
	t->hash_bits++;
	for (i = 0; i < size; i++)
		if (old[i] != 0)
			*find_id(t, t->v[old[i]].id) = old[i];
	free(old);
	return 0;
}

/* A node of this id, made if there is none; 0 no memory. */
static uint32_t
node_of(struct thread *t, uint64_t id)
{
	uint32_t *place, x;

	if (grow_hash(t) == -1)
		return 0;
	place = find_id(t, id);
	if (*place != 0)
		return *place;
	if ((x = thread_node(t)) == 0)
		return 0;
	t->v[x].id = id;
	t->v[x].dummy = 1;
	*place = x;
	t->nhash++;
	return x;
}

/* ---- step 1 ---- */

/* Whether x, which is a root, can be a child of parent: no loop comes of it. */
static int
can_link(struct thread *t, uint32_t parent, uint32_t x)
{
	if (parent == x)
		return 0;
	if (t->v[x].nchild == 0 || t->v[parent].parent == 0)
		return 1;
	return thread_forest_root(t->v, parent) != x;
}

static void
link_nodes(struct thread *t, uint32_t parent, uint32_t x)
{
	if (!can_link(t, parent, x))
		return;
	thread_forest_link(t->v, x, parent);
	t->v[x].parent = parent;
	t->v[parent].nchild++;
}

static uint64_t
get64(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	uint64_t v = 0;
	int i;

	for (i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

static int
room_for_dummy(const struct thread *t)
{
	return t->n - t->nmsgs < DUMMIES_MIN + DUMMIES_EACH * t->nmsgs;
}

/* (A): each reference the parent of the next one.  The last one; 0 there is
 * none; -1 no memory. */
static int64_t
add_refs(struct thread *t, const struct thread_msg *m)
{
	uint32_t last = 0, x;
	uint64_t id;
	size_t i;

	for (i = 0; i < m->nrefs; i++) {
		id = get64(m->refs + 8 * i);
		if (!room_for_dummy(t) && *find_id(t, id) == 0)
			continue;
		if ((x = node_of(t, id)) == 0)
			return -1;
		if (last != 0 && t->v[x].parent == 0)
			link_nodes(t, last, x);
		last = x;
	}
	return last;
}

/* The node of the message; one whose id another has gets one of its own. */
static uint32_t
node_for(struct thread *t, const struct thread_msg *m)
{
	uint32_t x = 0;

	if (m->id != 0 && t->kind != THREAD_ORDEREDSUBJECT &&
	    (x = node_of(t, m->id)) == 0)
		return 0;
	if (x == 0 || !t->v[x].dummy)
		x = thread_node(t);
	return x;
}

int
thread_add(struct thread *t, const struct thread_msg *m)
{
	struct thread_node *node;
	int64_t last = 0;
	uint32_t x;

	if (t->kind != THREAD_ORDEREDSUBJECT && (last = add_refs(t, m)) == -1)
		return -1;
	if ((x = node_for(t, m)) == 0)
		return -1;
	node = &t->v[x];
	node->dummy = 0;
	node->order = ++t->nmsgs;
	node->number = m->number;
	node->sent = m->sent;
	node->subject = m->subject;
	node->reply = m->reply != 0;
	/* (B) */
	if (node->parent != 0) {
		thread_forest_cut(t->v, x);
		t->v[node->parent].nchild--;
		node->parent = 0;
	}
	if (last != 0)
		link_nodes(t, (uint32_t)last, x);
	return 0;
}

/* ---- step 3 ---- */

/*
 * The parent of each node becomes the next message above, or else the dummy at
 * the top.  The dummies on the way up are told the same, so that nobody walks
 * there again; seen marks them.
 */
static void
prune_node(struct thread *t, uint32_t x, unsigned char *seen)
{
	uint32_t at, to, next;

	for (at = t->v[x].parent; at != 0 && t->v[at].dummy && !seen[at] &&
	    t->v[at].parent != 0; at = t->v[at].parent)
		;
	/* A dummy that was seen says where to go, if not that it is the top. */
	to = at != 0 && t->v[at].dummy && t->v[at].parent != 0 ?
	    t->v[at].parent : at;
	for (at = x; t->v[at].parent != 0 && at != to && !seen[at];
	    at = next) {
		next = t->v[at].parent;
		t->v[at].parent = to;
		seen[at] = 1;
	}
}

/* A dummy at the top that has but one child gives way to it; one without any is
 * no more. */
static int
prune(struct thread *t)
{
	unsigned char *seen = calloc(t->n, 1);
	uint32_t i, p;

	if (seen == NULL)
		return -1;
	for (i = 1; i < t->n; i++)
		if (!t->v[i].dummy)
			prune_node(t, i, seen);
	for (i = 1; i < t->n; i++)
		t->v[i].nchild = 0;
	for (i = 1; i < t->n; i++)
		if (!t->v[i].dummy && (p = t->v[i].parent) != 0)
			t->v[p].nchild++;
	for (i = 1; i < t->n; i++)
		if (!t->v[i].dummy && (p = t->v[i].parent) != 0 &&
		    t->v[p].dummy && t->v[p].nchild == 1) {
			t->v[i].parent = 0;
			t->v[p].nchild = 0;
		}
	free(seen);
	return 0;
}

int
thread_end(struct thread *t)
{
	free(t->hash);
	t->hash = NULL;
	if (thread_sort(t) == -1)
		return -1;
	if (t->kind != THREAD_ORDEREDSUBJECT && prune(t) == -1)
		return -1;
	if (t->kind != THREAD_REFS && thread_merge(t) == -1)
		return -1;
	return thread_lists(t) == -1 || thread_sort_roots(t) == -1 ? -1 : 0;
}

/* ---- writing ---- */

struct writer {
	int	(*put)(void *, const char *, size_t);
	void	*arg;
	char	 out[4096];
	size_t	 n;
	int	 r;
};

static void
flush(struct writer *w)
{
	if (w->r == 0 && w->n > 0)
		w->r = w->put(w->arg, w->out, w->n);
	w->n = 0;
}

static void
put_char(struct writer *w, char c)
{
	if (w->n == sizeof(w->out))
		flush(w);
	w->out[w->n++] = c;
}

static void
put_number(struct writer *w, uint32_t number)
{
	char digits[10];
	int i = 10;

	do
		digits[--i] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	while (i < 10)
		put_char(w, digits[i++]);
}

/* A message and those below it as long as each is the only one; what it ends
 * with. */
static uint32_t
put_line(struct writer *w, const struct thread *t, uint32_t x)
{
	put_char(w, '(');
	if (!t->v[x].dummy)
		put_number(w, t->v[x].number);
	while (t->first[x + 1] - t->first[x] == 1) {
		if (!t->v[x].dummy)
			put_char(w, ' ');
		x = t->child[t->first[x]];
		put_number(w, t->v[x].number);
	}
	if (t->first[x + 1] > t->first[x] && !t->v[x].dummy)
		put_char(w, ' ');
	return x;
}

/* thread-list = "(" (thread-members / thread-nested) ")"; up has room for all
 * that are being written. */
static void
put_thread(struct writer *w, const struct thread *t, uint32_t x,
    uint32_t (*up)[2])
{
	size_t depth = 0;

	x = put_line(w, t, x);
	up[0][0] = t->first[x];
	up[0][1] = t->first[x + 1];
	for (;;) {
		if (up[depth][0] == up[depth][1]) {
			put_char(w, ')');
			if (depth-- == 0)
				break;
			continue;
		}
		x = put_line(w, t, t->child[up[depth][0]++]);
		depth++;
		up[depth][0] = t->first[x];
		up[depth][1] = t->first[x + 1];
	}
}

int
thread_write(const struct thread *t,
    int (*put)(void *, const char *, size_t), void *arg)
{
	struct writer w = { .put = put, .arg = arg };
	uint32_t (*up)[2];
	uint32_t i;

	if ((up = calloc((size_t)t->nmsgs + 2, sizeof(*up))) == NULL)
		return -1;
	for (i = 0; i < t->nroots && w.r == 0; i++)
		put_thread(&w, t, t->root[i], up);
	flush(&w);
	free(up);
	return w.r;
}
