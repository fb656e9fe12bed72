/* SPDX-License-Identifier: ISC
 *
 * Link-cut trees (Sleator and Tarjan 1983): each path is a splay tree by
 * depth, kid[0] less deep; the top of one points up to where its path hangs.
 * Asking whether a link makes a loop is asking for a root: walking up would
 * cost n for each message of a long thread.
 */
#include "grammar/thread_local.h"

/* Whether x is the top of its splay tree. */
static int
is_top(const struct thread_node *v, uint32_t x)
{
	uint32_t up = v[x].up;

	return up == 0 || (v[up].kid[0] != x && v[up].kid[1] != x);
}

static void
rotate(struct thread_node *v, uint32_t x)
{
	uint32_t p = v[x].up, g = v[p].up;
	int side = v[p].kid[1] == x;
	uint32_t moved = v[x].kid[!side];

	if (!is_top(v, p))
		v[g].kid[v[g].kid[1] == p] = x;
	v[x].up = g;
	v[x].kid[!side] = p;
	v[p].up = x;
	v[p].kid[side] = moved;
	if (moved != 0)
		v[moved].up = p;
}

static void
splay(struct thread_node *v, uint32_t x)
{
	uint32_t p, g;

	while (!is_top(v, x)) {
		p = v[x].up;
		g = v[p].up;
		if (!is_top(v, p))
			rotate(v, (v[p].kid[1] == x) == (v[g].kid[1] == p) ?
			    p : x);
		rotate(v, x);
	}
}

/* The path from the root to x becomes one splay tree, with x at its top. */
static void
expose(struct thread_node *v, uint32_t x)
{
	uint32_t at, last = 0;

	for (at = x; at != 0; at = v[at].up) {
		splay(v, at);
		v[at].kid[1] = last;
		last = at;
	}
	splay(v, x);
}

uint32_t
thread_forest_root(struct thread_node *v, uint32_t x)
{
	expose(v, x);
	while (v[x].kid[0] != 0)
		x = v[x].kid[0];
	splay(v, x);
	return x;
}

void
thread_forest_link(struct thread_node *v, uint32_t x, uint32_t parent)
{
	expose(v, x);
	v[x].up = parent;
}

void
thread_forest_cut(struct thread_node *v, uint32_t x)
{
	expose(v, x);
	v[v[x].kid[0]].up = 0;
	v[x].kid[0] = 0;
	v[0].up = 0;
}
