/* SPDX-License-Identifier: ISC
 *
 * What a message and its copies have in common: the unique name that the first
 * of them was delivered under.
 */
#include <stdio.h>
#include <string.h>

#include "bytes/crc32.h"
#include "grammar/chars.h"
#include "mail/mailbox_local.h"

void
mailbox_origin(const struct mailbox_rec *r, char name[MAILBOX_FILE_MAX + 1])
{
	const char *comma;
	size_t n = r->base_len;

	if (uidlist_ext(r->ext, 'G', name, MAILBOX_FILE_MAX + 1) == 1)
		return;
	/* Sizes are not part of it: others add and drop them. */
	if ((comma = memchr(r->base, ',', n)) != NULL && comma > r->base)
		n = (size_t)(comma - r->base);
	memcpy(name, r->base, n);
	name[n] = '\0';
}

void
mailbox_email_id(struct mailbox *mb, uint32_t seq, char id[MAILBOX_EMAIL_ID])
{
	char name[MAILBOX_FILE_MAX + 1];
	struct mailbox_msg msg;
	struct mailbox_rec r;
	const char *p;
	size_t n = 0;

	if (mb->mbox != NULL) {
		mailbox_msg(mb, seq, &msg);
		snprintf(id, MAILBOX_EMAIL_ID, "M%u-%u",
		    mailbox_uidvalidity(mb), msg.uid);
		return;
	}
	mailbox_rec(mb, mb->view[seq - 1], &r);
	mailbox_origin(&r, name);
	id[n++] = 'M';
	/* One octet more than fits is never needed: the sum tells the rest. */
	for (p = name; *p != '\0' && n + 3 + 9 < MAILBOX_EMAIL_ID; p++) {
		if (char_is(*p, CHAR_ALPHA | CHAR_DIGIT) || *p == '-')
			id[n++] = *p;
		else
			n += (size_t)snprintf(id + n, 4, "_%02x",
			    (unsigned char)*p);
	}
	id[n] = '\0';
	if (*p != '\0')
		snprintf(id + n, MAILBOX_EMAIL_ID - n, "_%08x",
		    (unsigned)crc32_add(0, p, strlen(p)));
}
