/* SPDX-License-Identifier: ISC
 *
 * A message from standard input for a user who has rules: kept in memory until
 * it is whole, then delivered as the queue would, or, when it goes to several
 * places and there is a spool, put there.
 */
#ifndef MDA_DELIVER_DIRECT_RULES_H
#define MDA_DELIVER_DIRECT_RULES_H

#include <stddef.h>

#include "deliver.h"
#include "mail/recipient.h"

struct direct_rules;

/*
 * Has the user rules?  1: *r is the caller's to end, and the process is
 * confined; 0: none, and *r is NULL; -1 errno.  With root's rights, when we
 * have them: the spool is root's.  Opens the tables, which are the caller's.
 */
int	 direct_rules_begin(struct direct_rules **r, struct directory *,
	    const struct address *to, const struct recipient *);

/* Octets in disk form.  0, or -1 with the outcome. */
int	 direct_rules_write(struct direct_rules *, const void *, size_t,
	    struct outcome *);

/* All of it is there: deliver it.  Frees r.  When the rules refuse it in words
 * of their own, *reason has them, as DEST_REJECT: the caller's to free. */
void	 direct_rules_end(struct direct_rules *r, const struct address *from,
	    struct outcome *, char **reason);

/* Forget it. */
void	 direct_rules_abort(struct direct_rules *);

#endif
