/* SPDX-License-Identifier: ISC
 *
 * Threads of messages (RFC 5256, section 3: BASE.6.4.THREAD): which is an
 * answer to which, by the ids they name and by their subjects.  Both come as
 * hashes of 64 bits.  Whatever they say, time grows with n log n, memory with
 * n, and nothing recurses.
 */
#ifndef GRAMMAR_THREAD_H
#define GRAMMAR_THREAD_H

#include <stddef.h>
#include <stdint.h>

enum thread_kind {
	THREAD_ORDEREDSUBJECT,
	THREAD_REFERENCES,
	/* NOTE: draft-ietf-morg-inthread as Dovecot has it: subjects say
	 * nothing, and the thread with the latest message comes last. */
	THREAD_REFS
};

struct thread_msg {
	uint32_t	 number;	/* what is written of it */
	int		 reply;		/* its subject says so */
	int64_t		 sent;
	uint64_t	 id;		/* 0: none */
	uint64_t	 subject;	/* the base subject; 0: empty */
	const char	*refs;		/* ids, 8 octets each, least first */
	size_t		 nrefs;
};

struct thread;

/* NULL: no memory.  seed: random, so that nobody can know which ids make the
 * table slow. */
struct thread *thread_new(enum thread_kind, uint64_t seed);
void	 thread_free(struct thread *);

/* The next message, in the order of their sequence numbers.  0, -1 no
 * memory. */
int	 thread_add(struct thread *, const struct thread_msg *);

/* All have been added: put the threads in order.  0, -1 no memory. */
int	 thread_end(struct thread *);

/* Give *(thread-list) to put in pieces; what put returned when not 0. */
int	 thread_write(const struct thread *,
	    int (*put)(void *, const char *, size_t), void *arg);

#endif
