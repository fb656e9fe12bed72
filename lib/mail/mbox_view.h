/* SPDX-License-Identifier: ISC
 *
 * One message of an mbox as if it were a file of its own: unquoted, without
 * the fields of the store (grammar/mbox_quote.h), at any offset.  No lock is
 * held: when another program moves the message, that is noticed by its From_
 * line and the beginning of its header, and reading ends.
 *
 * NOTE: a program that writes while it is read, in an order in which these
 * are the last to change, is noticed at the next call only.
 */
#ifndef MAIL_MBOX_VIEW_H
#define MAIL_MBOX_VIEW_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Offsets in the file, as in struct mbox_message; what is before fixed is not
 * changed in place (or 0: nothing is known of that). */
struct mbox_place {
	uint64_t	from, content, end, fixed;
};

struct mbox_view;

/* fd stays the caller's, and must stay open.  NULL: errno. */
struct mbox_view *mbox_view_new(int fd, const struct mbox_place *);
void	 mbox_view_free(struct mbox_view *);
/* Was the mbox left alone since it was opened?  Then it is where it was. */
bool	 mbox_view_here(const struct mbox_view *);

/* Read n octets at an offset; how many (less only at the end of the message),
 * or -1 with errno: ESTALE: it is not there any more. */
ssize_t	 mbox_view_read(struct mbox_view *, void *, size_t n, uint64_t at);

#endif
