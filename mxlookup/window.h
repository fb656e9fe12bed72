/* SPDX-License-Identifier: ISC
 *
 * A window that slides over the names: those under way, and those whose
 * answers wait for an earlier one.  Its memory has a bound, whatever the input.
 */
#ifndef MXLOOKUP_WINDOW_H
#define MXLOOKUP_WINDOW_H

#include <sys/queue.h>

#include "bytes/buf.h"
#include "many.h"

#define WINDOW_ANSWER	(4 << 20)	/* octets of one name; never reached */
#define WINDOW_MS	100		/* an answer waits for others so long */

/* A name, until it is printed. */
struct job {
	TAILQ_ENTRY(job) next;
	char		*text;		/* the answer that waits, or NULL */
	size_t		 len;
	char		 domain[];	/* as given */
};

TAILQ_HEAD(jobs, job);

struct window {
	struct jobs	 jobs;		/* in order */
	size_t		 n;
	size_t		 held;		/* octets of all that waits */
	int		 fd;		/* where answers go */
	int		 unordered;	/* as they come */
	struct buf	 out;		/* to be written */
	struct buf	 one;		/* an answer that has to wait */
	long long	 written;	/* when */
};

void	 window_init(struct window *, int fd, int unordered);

/* With all that was not printed. */
void	 window_free(struct window *);

/* May another name begin? */
int	 window_has_room(const struct window *);

/* A name begins; NULL: no memory. */
struct job *window_begin(struct window *, const char *domain);

/* Forget a name. */
void	 window_drop(struct window *, struct job *);

/* Where the answer of a name is to be appended, at most WINDOW_ANSWER octets;
 * then window_answered() prints it, or keeps it until its turn.  The name is
 * then gone.  MANY_DONE, MANY_NO_MEMORY, or MANY_NO_OUTPUT with errno. */
struct buf *window_buf(struct window *, const struct job *);
enum many_status window_answered(struct window *, struct job *);

/* Write what is ready; MANY_DONE, or MANY_NO_OUTPUT with errno. */
enum many_status window_flush(struct window *);

#endif
