/* SPDX-License-Identifier: ISC
 *
 * Putting threads in order: RFC 5256, section 3, THREAD, steps 4 and 6.  All
 * messages are sorted once, by the time they were sent and then by sequence
 * number (section 2.2); lists that are filled in that order are sorted.
 */
#include <stdlib.h>

#include "grammar/thread_local.h"

/* What is sorted, with its place: so no comparison looks elsewhere. */
struct key {
	int64_t		time;
	uint32_t	order, node;
};

static int
compare(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int
thread_sort(struct thread *t)
{
	struct key *key = calloc((size_t)t->nmsgs + 1, sizeof(*key));
	uint32_t i, n = 0;

	t->sorted = calloc((size_t)t->nmsgs + 1, sizeof(*t->sorted));
	if (key == NULL || t->sorted == NULL) {
		free(key);
		return -1;
	}
	for (i = 1; i < t->n; i++)
		if (!t->v[i].dummy)
			key[n++] = (struct key){ t->v[i].sent, t->v[i].order,
			    i };
	qsort(key, n, sizeof(*key), compare);
	for (i = 0; i < n; i++)
		t->sorted[i] = key[i].node;
	free(key);
	return 0;
}

int
thread_lists(struct thread *t)
{
	uint32_t i, x, p, sum = 0, n;

	t->first = calloc((size_t)t->n + 1, sizeof(*t->first));
	t->child = calloc((size_t)t->nmsgs + 1, sizeof(*t->child));
	t->root = calloc((size_t)t->nmsgs + 1, sizeof(*t->root));
	if (t->first == NULL || t->child == NULL || t->root == NULL)
		return -1;
	for (i = 0; i < t->nmsgs; i++)
		t->first[t->v[t->sorted[i]].parent]++;
	t->first[0] = 0;
	for (x = 1; x <= t->n; x++) {
		n = t->first[x];
		t->first[x] = sum;
		sum += n;
	}
	for (i = 0; i < t->nmsgs; i++) {
		x = t->sorted[i];
		p = t->v[x].parent;
		if (p == 0) {
			t->root[t->nroots++] = x;
			continue;
		}
		/* In the case of a dummy its first child counts. */
		if (t->v[p].dummy && t->v[p].order == 0) {
			t->v[p].sent = t->v[x].sent;
			t->v[p].order = t->v[x].order;
			t->root[t->nroots++] = p;
		}
		t->child[t->first[p]++] = x;
	}
	/* Each has moved to where the next one begins. */
	for (x = t->n; x > 0; x--)
		t->first[x] = t->first[x - 1];
	t->first[0] = 0;
	return 0;
}

/* The latest message of each thread, as .latest of its root.  The way up is
 * walked once: what was seen leads to the root. */
static int
latest(struct thread *t)
{
	uint32_t *root = calloc(t->n, sizeof(*root));
	uint32_t i, x, at, to, next;

	if (root == NULL)
		return -1;
	for (i = 0; i < t->nroots; i++) {
		x = t->root[i];
		root[x] = x;
		t->v[x].latest = INT64_MIN;
	}
	for (i = 0; i < t->nmsgs; i++) {
		x = t->sorted[i];
		for (at = x; root[at] == 0; at = t->v[at].parent)
			;
		to = root[at];
		for (at = x; root[at] == 0; at = next) {
			next = t->v[at].parent;
			root[at] = to;
		}
		if (t->v[x].sent > t->v[to].latest)
			t->v[to].latest = t->v[x].sent;
	}
	free(root);
	return 0;
}

int
thread_sort_roots(struct thread *t)
{
	struct key *key;
	uint32_t i, x;

	if (t->kind == THREAD_REFS && latest(t) == -1)
		return -1;
	if ((key = calloc((size_t)t->nroots + 1, sizeof(*key))) == NULL)
		return -1;
	for (i = 0; i < t->nroots; i++) {
		x = t->root[i];
		key[i] = (struct key){ t->kind == THREAD_REFS ?
		    t->v[x].latest : t->v[x].sent, t->v[x].order, x };
	}
	qsort(key, t->nroots, sizeof(*key), compare);
	for (i = 0; i < t->nroots; i++)
		t->root[i] = key[i].node;
	free(key);
	return 0;
}
