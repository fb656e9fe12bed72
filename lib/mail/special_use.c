/* SPDX-License-Identifier: ISC
 *
 * See mail/special_use.h.  Of ten thousand mailboxes few have annotations: the
 * others cost one system call each.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar/imap_names.h"
#include "mail/mailbox_local.h"
#include "mail/metadata.h"
#include "mail/special_use.h"
#include "mail/subscriptions.h"
#include "system/log.h"

enum { VALUE_MAX = 200, NO_RANK = 1 << 20 };

static const struct {
	unsigned	 bit;
	const char	*names[6];	/* by custom, the first that is there */
} table[] = {
	{ SPECIAL_ARCHIVE, { "Archive", "Archives" } },
	{ SPECIAL_DRAFTS, { "Drafts", "Draft" } },
	{ SPECIAL_JUNK, { "Junk", "Junk E-mail", "Junk Email",
	    "Spam", "Bulk Mail" } },
	{ SPECIAL_SENT, { "Sent", "Sent Items", "Sent Messages",
	    "Sent Mail", "sent-mail" } },
	{ SPECIAL_TRASH, { "Trash", "Deleted Items",
	    "Deleted Messages", "Bin" } },
};

#define NUSES	(sizeof(table) / sizeof(table[0]))
#define NNAMES	(sizeof(table[0].names) / sizeof(table[0].names[0]))

/*
 * By annotation.
 */

/* What was said of a mailbox: true, *uses. */
static bool
read_said(struct mailbox_root *root, const char *name, unsigned *uses)
{
	char path[MAILBOX_NAME_MAX + 2], file[MAILBOX_NAME_MAX + 40];
	struct buf value;
	struct stat st;
	bool said = false;

	*uses = 0;
	if (root->mbox != NULL || mailbox_path(name, path) != MAILBOX_OK)
		return false;
	snprintf(file, sizeof(file), "%s/" METADATA_FILE, path);
	if (fstatat(root->fd, file, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return false;
	buf_init(&value, VALUE_MAX);
	if (metadata_get(root, name, SPECIAL_USE_ENTRY, &value) == MAILBOX_OK)
		said = special_use_parse(value.data, value.len, uses) == 0;
	buf_free(&value);
	return said;
}

/*
 * By name.
 */

/* Who has a use by name so far: the lower the rank the better. */
struct best {
	size_t	at;
	int	rank;
};

static void
consider(struct best *best, size_t at, int rank)
{
	if (rank < best->rank) {
		best->at = at;
		best->rank = rank;
	}
}

static void
consider_name(struct best *best, size_t at, const char *name)
{
	size_t i, k;

	for (i = 0; i < NUSES; i++)
		for (k = 0; k < NNAMES && table[i].names[k] != NULL; k++)
			if (strcasecmp(name, table[i].names[k]) == 0)
				/* In the usual case rather than another. */
				consider(&best[i], at, (int)(2 * k) +
				    (strcmp(name, table[i].names[k]) != 0));
}

static void
consider_folders(struct best *best, const struct mailbox_names *names,
    const unsigned char *said, const struct conf_list *folders,
    char separator)
{
	char stored[IMAP_STORED_SIZE];
	unsigned use;
	size_t i, k, u;

	for (i = 0; i < folders->n; i++) {
		if (!special_use_folder(folders->v[i], separator, stored, &use))
			continue;
		for (k = 0; use != 0 && k < names->n; k++)
			if (!said[k] && strcmp(names->v[k], stored) == 0)
				for (u = 0; u < NUSES; u++)
					if (table[u].bit == use)
						consider(&best[u], k,
						    (int)i - NO_RANK);
	}
}

void
special_use_find(struct mailbox_root *root, const struct mailbox_names *names,
    const struct conf_list *folders, char separator, unsigned *uses)
{
	struct best best[NUSES];
	unsigned char *said = calloc(names->n + 1, 1);
	unsigned all = 0;
	size_t i;

	for (i = 0; i < NUSES; i++)
		best[i] = (struct best){ 0, NO_RANK };
	for (i = 0; i < names->n; i++) {
		uses[i] = 0;
		if (said == NULL)
			continue;
		said[i] = read_said(root, names->v[i], &uses[i]);
		all |= uses[i];
		if (!said[i])
			consider_name(best, i, names->v[i]);
	}
	if (said != NULL)
		consider_folders(best, names, said, folders, separator);
	for (i = 0; i < NUSES; i++)
		if (best[i].rank != NO_RANK && !(all & table[i].bit))
			uses[best[i].at] |= table[i].bit;
	free(said);
}

static enum mailbox_status
write_said(struct mailbox_root *root, const char *name, unsigned uses)
{
	enum mailbox_status status;
	struct buf value;

	buf_init(&value, VALUE_MAX);
	(void)special_use_write(&value, uses);
	status = buf_failed(&value) ? MAILBOX_TEMPORARY :
	    metadata_set(root, name, SPECIAL_USE_ENTRY, buf_str(&value));
	buf_free(&value);
	return status;
}

enum mailbox_status
special_use_set(struct mailbox_root *root, const char *name, unsigned uses)
{
	enum mailbox_status status;
	struct mailbox_names names;
	unsigned had;
	size_t i;

	/* RFC 6154 section 5.4: the one that had it changes by itself.  In the
	 * other order a crash would leave a use to two. */
	if ((status = mailbox_exists(root, name)) != MAILBOX_OK ||
	    (status = mailbox_list(root, &names)) != MAILBOX_OK)
		return status;
	for (i = 0; i < names.n && status == MAILBOX_OK; i++)
		if (strcmp(names.v[i], name) != 0 &&
		    read_said(root, names.v[i], &had) && (had & uses) != 0)
			status = write_said(root, names.v[i], had & ~uses);
	mailbox_names_free(&names);
	return status == MAILBOX_OK ? write_said(root, name, uses) : status;
}

/*
 * A new tree.
 */

void
special_use_make(struct mailbox_root *root, const struct conf_list *folders,
    char separator)
{
	char stored[IMAP_STORED_SIZE];
	enum mailbox_status status;
	unsigned use;
	size_t i;

	for (i = 0; i < folders->n; i++) {
		if (!special_use_folder(folders->v[i], separator, stored, &use))
			continue;
		status = mailbox_create(root, stored);
		/* Another makes the same at this moment. */
		if (status == MAILBOX_OK || status == MAILBOX_EXISTS)
			status = subscriptions_set(root, stored, true);
		if (status != MAILBOX_OK)
			log_warn("folders", "name=%s error=%s",
			    log_str(folders->v[i]),
			    log_str(mailbox_status_text(status)));
	}
}
