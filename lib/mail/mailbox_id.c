/* SPDX-License-Identifier: ISC
 *
 * The object identifier of a mailbox (RFC 8474 section 4): the GUID in the
 * first line of its UID list, which goes along when the folder is renamed and
 * is another when it is made anew.
 */
#include <stdio.h>
#include <string.h>

#include "grammar/chars.h"
#include "mail/mailbox_local.h"
#include "mail/mbox_store.h"

/* objectid = 1*255(ALPHA / DIGIT / "_" / "-") */
static bool
is_objectid(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!char_is(*s, CHAR_ALNUM) && *s != '_' && *s != '-')
			return false;
	return true;
}

static bool
find_guid(const struct mailbox *mb, char id[MAILBOX_ID_SIZE])
{
	const char *header = mb->list.header;

	return uidlist_ext(header + strspn(header, " "), 'G', id,
	    MAILBOX_ID_SIZE) == 1 && is_objectid(id);
}

void
mailbox_id(struct mailbox *mb, char id[MAILBOX_ID_SIZE])
{
	if (mb->mbox == NULL && find_guid(mb, id))
		return;
	if (mb->mbox == NULL && (mb->root->flags & MAILBOX_READONLY) == 0) {
		/* A list of someone else's without one: it is written. */
		mb->list.damaged = true;
		(void)mailbox_commit(mb);
		if (find_guid(mb, id))
			return;
	}
	snprintf(id, MAILBOX_ID_SIZE, "V%08x", mailbox_uidvalidity(mb));
}
