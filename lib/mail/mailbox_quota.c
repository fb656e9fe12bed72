/* SPDX-License-Identifier: ISC
 *
 * What the files mailbox*.c have to do with the quota of their tree (see
 * mail/quota.h).  A quota that cannot be known, or written down, is logged and
 * stops nothing; where there is none it costs one look for its file.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "system/log.h"

void
mailbox_root_quota(struct mailbox_root *root, const struct quota_limits *rule)
{
	quota_init(&root->quota, root->fd, rule);
}

static void
note(int result)
{
	if (result == -1)
		log_once("quota", "error=%s", log_str(strerror(errno)));
}

bool
mailbox_has_quota(const struct mailbox_root *root)
{
	const struct quota_limits *rule = &root->quota.rule;

	/* An mbox has none: its folder is not the user's. */
	if (root->mbox != NULL || (root->flags & MAILBOX_READONLY))
		return false;
	return (rule->set && (rule->bytes != 0 || rule->messages != 0)) ||
	    faccessat(root->fd, QUOTA_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
mailbox_root_use(struct mailbox_root *root, struct quota *q)
{
	if (!mailbox_has_quota(root))
		return false;
	if (quota_read(&root->quota) == -1) {
		note(-1);
		return false;
	}
	*q = root->quota;
	return true;
}

bool
mailbox_quota_room(struct mailbox_root *root, uint64_t bytes,
    uint64_t messages)
{
	if (quota_read(&root->quota) == 0)
		return quota_fits(&root->quota, bytes, messages) == 1;
	note(-1);
	return true;
}

void
mailbox_quota_add(struct mailbox_root *root, int64_t bytes, int64_t messages)
{
	note(quota_add(&root->quota, bytes, messages));
}

void
mailbox_quota_recount(struct mailbox_root *root)
{
	if (mailbox_has_quota(root))
		note(quota_recount(&root->quota));
}

void
mailbox_quota_size(int dir, const char *name, uint64_t *bytes)
{
	uint64_t size;

	if (quota_size(dir, name, &size) == -1)
		note(errno == ENOENT ? 0 : -1);
	else if (__builtin_add_overflow(*bytes, size, bytes) ||
	    *bytes > INT64_MAX)
		*bytes = INT64_MAX;
}
