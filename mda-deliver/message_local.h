/* SPDX-License-Identifier: ISC
 *
 * What the files that handle messages (message.c, confine.c) share.
 */
#ifndef MDA_DELIVER_MESSAGE_LOCAL_H
#define MDA_DELIVER_MESSAGE_LOCAL_H

#include <stdbool.h>
#include <sys/types.h>

#include "deliver.h"
#include "mail/quota.h"
#include "mail/recipient.h"
#include "mail/spool.h"

/* Where a recipient's copy goes. */
struct target {
	bool		 local;		/* a mailbox here */
	bool		 forward;	/* list says where else; neither:
					 * outcome says why not */
	bool		 system;
	uid_t		 uid;
	gid_t		 gid;
	char		*mailbox;
	char		*folder;	/* of it, or NULL */
	struct recipient_list list;
	struct address	 owner;		/* who gets its bounces */
	struct quota_limits quota;	/* a rule, when .set */
	struct outcome	 outcome;
};

struct work {
	const struct directory	*dir;
	const struct settings	*settings;
	struct spool		*spool;
	struct spool_message	*m;
	struct target		*targets;	/* one for each recipient */
	struct recipient_list	 others;	/* of an expanded message: all
						 * who are elsewhere */
	struct outcome		 sent;		/* what became of them */
	bool			 gone;	/* the message itself is delivered */
};

/* confine.c: less rights, for the messages that this process has.  0, -1. */
int	 confine_to_owner(const struct work *, size_t n);
int	 confine_to_mailboxes(const struct work *, size_t n);

#endif
