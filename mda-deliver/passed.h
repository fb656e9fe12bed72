/* SPDX-License-Identifier: ISC
 *
 * What the agent went past in its last walk, and for whom it is, so that the
 * next walk need not open it while he is still busy.  Names and recipients are
 * hashes: two with the same at worst wait for each other.
 */
#ifndef MDA_DELIVER_PASSED_H
#define MDA_DELIVER_PASSED_H

#include <stddef.h>
#include <stdint.h>

#include "grammar/address.h"

struct passed_entry {
	uint64_t	id;		/* 0: free */
	uint64_t	to;
};

/* All zero is an empty one. */
struct passed {
	struct passed_entry	*v;
	size_t			 n, room;	/* 0 or a power of two */
};

/* Never 0. */
uint64_t passed_name(const char *id);
uint64_t passed_recipient(const struct address *);

/* Keep one.  Out of memory it is forgotten, and opened again. */
void	 passed_add(struct passed *, uint64_t id, uint64_t to);

/* Whose is it?  0: it was not passed. */
uint64_t passed_find(const struct passed *, uint64_t id);

void	 passed_free(struct passed *);

#endif
