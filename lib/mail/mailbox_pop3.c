/* SPDX-License-Identifier: ISC
 *
 * See mail/mailbox_pop3.h.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/mailbox_local.h"
#include "mail/mailbox_pop3.h"

void
mailbox_known(const struct mailbox *mb, uint32_t seq, struct mailbox_known *k)
{
	struct mailbox_rec r;

	mailbox_rec(mb, mb->view[seq - 1], &r);
	k->uid = r.uid;
	k->base = r.base;
	k->base_len = r.base_len;
}

bool
mailbox_pop3_id(const struct mailbox *mb, uint32_t seq, char *id, size_t size)
{
	struct mailbox_rec r;

	mailbox_rec(mb, mb->view[seq - 1], &r);
	if (!uidlist_ext(r.ext, 'P', id, size))
		return false;
	if (*id != '\0')
		return true;
	if (r.base_len >= size)
		return false;
	memcpy(id, r.base, r.base_len);
	id[r.base_len] = '\0';
	return true;
}

uint32_t
mailbox_pop3_order(const struct mailbox *mb, uint32_t seq)
{
	struct mailbox_rec r;
	const char *error;
	char value[12];
	long long n;

	mailbox_rec(mb, mb->view[seq - 1], &r);
	if (!uidlist_ext(r.ext, 'O', value, sizeof(value)))
		return 0;
	n = strtonum(value, 0, UINT32_MAX, &error);
	return error == NULL ? (uint32_t)n : 0;
}

bool
mailbox_pop3_ordered(const struct mailbox *mb)
{
	uint32_t i, place;

	for (i = 1; i <= mailbox_count(mb); i++) {
		place = mb->view[i - 1];
		/* Most have no fields at all. */
		if (mailbox_has_own(mb, place) == NULL &&
		    (mb->state.index.v[place].bits & INDEX_EXT) == 0)
			continue;
		if (mailbox_pop3_order(mb, i) != 0)
			return true;
	}
	return false;
}
