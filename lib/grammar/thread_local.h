/* SPDX-License-Identifier: ISC
 *
 * What the files thread*.c share; nobody else includes it.
 */
#ifndef GRAMMAR_THREAD_LOCAL_H
#define GRAMMAR_THREAD_LOCAL_H

#include "grammar/thread.h"

/* Node 0 is none.  order counts messages from 1; a dummy has 0, and the sent
 * and order of its first child once they are known. */
struct thread_node {
	uint64_t	id, subject;
	int64_t		sent, latest;
	uint32_t	number, order;
	uint32_t	parent, nchild;
	uint32_t	up, kid[2];	/* of thread_forest.c */
	unsigned char	dummy, reply;
};

struct thread {
	enum thread_kind kind;
	uint64_t	 seed;
	struct thread_node *v;
	uint32_t	 n, cap;	/* n counts node 0 */
	uint32_t	 nmsgs;
	uint32_t	*hash;		/* of ids: nodes; open addressing */
	uint32_t	 hash_bits, nhash;

	uint32_t	*sorted;	/* messages by sent, nmsgs */
	uint32_t	*first;		/* children of a node are from first[i] */
	uint32_t	*child;		/* to first[i + 1] */
	uint32_t	*root;		/* top level */
	uint32_t	 nroots;
};

/* Where a hash is in a table of 1 << bits places: who does not know the seed
 * cannot fill one end of it. */
static inline uint32_t
thread_slot(const struct thread *t, uint64_t id, uint32_t bits)
{
	id += t->seed;
	id = (id ^ id >> 32) * 0xd6e8feb86659fd93u;
	id = (id ^ id >> 32) * (t->seed | 1);
	return (uint32_t)((id ^ id >> 29) * 0x9e3779b97f4a7c15u >>
	    (64 - bits));
}

/* A new node, all zero; 0: no memory. */
uint32_t thread_node(struct thread *);

/* ---- thread_forest.c: trees that are linked and cut, and the root of each
 * node, in O(log n); the forest holds what .parent says ---- */

uint32_t thread_forest_root(struct thread_node *, uint32_t);
/* x is a root. */
void	 thread_forest_link(struct thread_node *, uint32_t x, uint32_t parent);
void	 thread_forest_cut(struct thread_node *, uint32_t x);

/* ---- thread_order.c ---- */

/* Messages by the time they were sent.  0, -1 no memory. */
int	 thread_sort(struct thread *);
/* What .parent says as lists of children and roots. */
int	 thread_lists(struct thread *);
/* The roots in the order of the kind. */
int	 thread_sort_roots(struct thread *);

/* ---- thread_subject.c ---- */

/* RFC 5256, step 5: threads of one subject become one. */
int	 thread_merge(struct thread *);

#endif
