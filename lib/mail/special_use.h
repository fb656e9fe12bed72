/* SPDX-License-Identifier: ISC
 *
 * What a mailbox is for (RFC 6154): said by a client and kept with the mailbox
 * (the annotation /private/specialuse), else by its name: those of the key
 * folders, then those that are customary.  Each use has one mailbox.
 */
#ifndef MAIL_SPECIAL_USE_H
#define MAIL_SPECIAL_USE_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes/buf.h"
#include "grammar/imap_names.h"
#include "mail/mailbox.h"
#include "system/conf.h"

#define SPECIAL_USE_ENTRY	"/private/specialuse"

enum {
	SPECIAL_ARCHIVE = 1,
	SPECIAL_DRAFTS = 2,
	SPECIAL_JUNK = 4,
	SPECIAL_SENT = 8,
	SPECIAL_TRASH = 16
};

/* An attribute ("\Sent", any letter case), or 0: no mailbox here can have
 * it. */
unsigned special_use_bit(const char *, size_t n);

/* Attributes separated by spaces, "" for none: 0, or -1: one of them cannot
 * be had.  And the other way round. */
int	 special_use_parse(const char *, size_t n, unsigned *uses);
int	 special_use_write(struct buf *, unsigned uses);

/* The uses of all mailboxes into uses[names->n]. */
void	 special_use_find(struct mailbox_root *,
	    const struct mailbox_names *, const struct conf_list *folders,
	    char separator, unsigned *uses);

/* Give a mailbox these uses and no others; whatever had them has them no
 * more.  Given none, it has none, whatever its name is. */
enum mailbox_status special_use_set(struct mailbox_root *, const char *name,
	    unsigned uses);

/* ---- the key folders ---- */

/* One of its words, "Name[=\Use]": true, the name as it is stored, and its use
 * or 0. */
bool	 special_use_folder(const char *word, char separator,
	    char stored[IMAP_STORED_SIZE], unsigned *use);
/* NULL, or what is wrong with it. */
const char *special_use_rule(const char *word);

/* Make, subscribe and mark what the key folders says, in a tree that was just
 * made.  What fails is logged: there is a mailbox without it. */
void	 special_use_make(struct mailbox_root *, const struct conf_list *,
	    char separator);

#endif
