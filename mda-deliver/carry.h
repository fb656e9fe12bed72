/* SPDX-License-Identifier: ISC
 *
 * How a message gets to one place: what carry.c, copy.c and errand.c share.
 */
#ifndef MDA_DELIVER_CARRY_H
#define MDA_DELIVER_CARRY_H

#include <sysexits.h>

#include "message.h"
#include "message_local.h"

/* carry.c: tell the owner that his mailbox comes to be full. */
void	 carry_warning(const struct work *, const struct user *);

/* carry.c: are these two brought there by one message in the spool? */
bool	 carry_together(const struct work *, const struct dest *,
	    const struct dest *);

/* The address that a destination means, completed: 1, 0 it is none. */
int	 carry_address(const struct work *, const struct dest *,
	    struct address *);

/* copy.c; as the owner of the mailbox. */

/* The Maildir or the folder of it that a destination (NULL: keep) means, to
 * path.  With make it may be made; else false: it would have to be. */
bool	 copy_folder(const struct work *, size_t i, const struct dest *,
	    bool make, char path[PATH_MAX]);

/* Of DEST_MAILBOX: what is not absolute is in the home.  0, -1 errno. */
int	 copy_path(const struct user *, const char *text,
	    char path[PATH_MAX]);

/* A copy on its way. */
struct copy {
	size_t		i;			/* of this recipient */
	struct delivery	how;
	char		id[SPOOL_ID_MAX];
	struct deliver	d;
	char		box[PATH_MAX];		/* how.mailbox, or unused */
};

/* Write the message there, or to the path that DEST_MAILBOX says, but for the
 * end; with there only into a Maildir that is there and whole.  0, or -1: it is
 * over. */
int	 copy_begin(struct work *, size_t i, const struct dest *, bool there,
	    struct copy *, struct outcome *);
/* With the end, and all that the owner is told. */
void	 copy_write(struct work *, size_t i, const struct dest *,
	    struct outcome *);

/* The header that a destination gets instead of the message's, or NULL, and
 * where the rest begins. */
const struct buf *copy_header(const struct work *, size_t i,
	    const struct dest *, uint64_t *start);

#endif
