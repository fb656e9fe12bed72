/* SPDX-License-Identifier: ISC
 *
 * See mail/mailbox_pop3.h.
 */
#include <string.h>

#include "mail/mailbox_local.h"
#include "mail/mailbox_pop3.h"

void
mailbox_known(const struct mailbox *mb, uint32_t seq, struct mailbox_known *k)
{
	const struct uidlist_rec *rec = mailbox_rec(mb, seq);

	k->uid = rec->uid;
	k->base = rec->name;
	k->base_len = strlen(rec->name);
}

bool
mailbox_pop3_id(const struct mailbox *mb, uint32_t seq, char *id, size_t size)
{
	const struct uidlist_rec *rec = mailbox_rec(mb, seq);

	if (!uidlist_ext(rec, 'P', id, size))
		return false;
	return *id != '\0' || strlcpy(id, rec->name, size) < size;
}

bool
mailbox_pop3_ordered(const struct mailbox *mb)
{
	uint32_t i;

	for (i = 1; i <= mailbox_count(mb); i++)
		if (*mailbox_rec(mb, i)->ext != '\0' &&
		    mailbox_pop3_order(mb, i) != 0)
			return true;
	return false;
}
