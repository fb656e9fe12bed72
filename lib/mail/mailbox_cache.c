/* SPDX-License-Identifier: ISC
 *
 * The summaries of a mailbox's messages, from its cache or made when they are
 * needed first.  The cache lies in the mailbox's folder; on a network file
 * system, where the lock and what was written might be another host's, it lies
 * below cache_dir or there is none.  It must never make an answer fail that
 * could be had without it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "mail/summary.h"
#include "system/log.h"

#define HASHED		"%016llx"	/* a name, as one of a fixed length */
#define HASHED_SUFFIX	".cache"

struct mailbox_cache {
	struct cache	*file;		/* NULL: none to be had */
	char		 name[16 + sizeof(HASHED_SUFFIX)];
	uint32_t	 validity;	/* it was opened for this one */
	struct summary	 summary;
};

/* ---- where it is ---- */

#define HASH_START	0xcbf29ce484222325ull

/* FNV-1a.  Two names of one hash would only lose each other's file: what is in
 * it is of one UIDVALIDITY. */
static unsigned long long
hash(unsigned long long h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
	return h;
}

/* Ours alone, or someone else's doing. */
static bool
is_private(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    (st.st_mode & 077) == 0;
}

bool
mailbox_root_cache(struct mailbox_root *root, const char *dir, char *path,
    size_t size)
{
	if (root->mbox != NULL || !root->network || *dir == '\0' ||
	    (size_t)snprintf(path, size, "%s/%lu-" HASHED, dir,
	    (unsigned long)geteuid(), hash(HASH_START, root->path)) >= size)
		return false;
	if ((mkdir(path, 0700) == 0 || errno == EEXIST) &&
	    (root->cache = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW)) != -1) {
		if (is_private(root->cache))
			return true;
		close(root->cache);
		root->cache = -1;
		errno = EPERM;
	}
	log_warn("cache", "path=%s error=%s", log_str(path),
	    log_str(strerror(errno)));
	return false;
}

/* NOTE: a UID list that was put back from a copy, with the same UIDVALIDITY,
 * gives UIDs again that the cache knows as other messages. */
static void
check_uids(struct mailbox_cache *m, const struct mailbox *mb)
{
	if (cache_last_uid(m->file) >= mailbox_uidnext(mb))
		cache_discard(m->file);
}

static void
open_file(struct mailbox_cache *m, struct mailbox *mb)
{
	bool readonly = (mb->root->flags & MAILBOX_READONLY) != 0;

	int dir = mb->root->network ? mb->root->cache : mb->dir;

	m->validity = mailbox_uidvalidity(mb);
	if (dir == -1 || m->validity == 0)
		return;
	if (mb->root->network)
		snprintf(m->name, sizeof(m->name), HASHED HASHED_SUFFIX,
		    hash(HASH_START, mb->name));
	m->file = cache_new(dir, mb->root->network ? m->name : CACHE_FILE,
	    m->validity, summary_versions, mb->root->file_mode, readonly);
	if (m->file != NULL)
		check_uids(m, mb);
}

/* What there is; NULL: no memory. */
static struct mailbox_cache *
have(struct mailbox *mb)
{
	struct mailbox_cache *m = mb->cache;

	if (m == NULL && (m = calloc(1, sizeof(*m))) != NULL) {
		mb->cache = m;
		open_file(m, mb);
	} else if (m != NULL && m->validity != mailbox_uidvalidity(mb)) {
		cache_free(m->file);
		m->file = NULL;
		open_file(m, mb);
	}
	return m;
}

void
mailbox_cache_close(struct mailbox *mb)
{
	if (mb->cache == NULL)
		return;
	cache_free(mb->cache->file);
	summary_free(&mb->cache->summary);
	free(mb->cache);
	mb->cache = NULL;
}

unsigned
mailbox_summary(struct mailbox *mb, uint32_t seq, unsigned want,
    struct summary_view *v)
{
	struct mailbox_cache *m = have(mb);
	struct mailbox_msg msg;
	int i;

	v->have = 0;
	mailbox_msg(mb, seq, &msg);
	if (m == NULL || m->file == NULL || msg.gone)
		return 0;
	for (i = 0; i < SUMMARY_KINDS; i++) {
		v->item[i].n = 0;
		if (want & SUMMARY(i) && cache_get(m->file, msg.uid,
		    (unsigned)i, &v->item[i]))
			v->have |= SUMMARY(i);
	}
	return v->have;
}

enum mailbox_status
mailbox_summary_read(struct mailbox *mb, uint32_t seq, struct message *message,
    unsigned want, struct summary_view *v)
{
	struct mailbox_cache *m = have(mb);
	bool keep = m != NULL && m->file != NULL;
	time_t date = message_time(message);
	struct mailbox_msg msg;

	v->have = 0;
	if (m == NULL)
		return MAILBOX_TEMPORARY;
	if (mb->mbox != NULL && mailbox_date(mb, seq, &date) != MAILBOX_OK)
		keep = false;	/* it vanished after it was opened */
	if (summary_make(&m->summary, message, date, want, keep, v) == -1)
		return MAILBOX_TEMPORARY;
	if (v->have & SUMMARY(SUMMARY_META))
		mailbox_sized(mb, seq, m->summary.size);
	if (keep) {
		mailbox_msg(mb, seq, &msg);
		cache_put(m->file, msg.uid, v->item);
	}
	return MAILBOX_OK;
}

void
mailbox_summary_header(struct mailbox *mb, uint32_t seq, const char *header,
    size_t n)
{
	struct mailbox_cache *m = have(mb);
	struct summary_view v;
	struct mailbox_msg msg;

	if (m == NULL || m->file == NULL)
		return;
	mailbox_msg(mb, seq, &msg);
	summary_make_fields(&m->summary, header, n, &v);
	cache_put(m->file, msg.uid, v.item);
}

void
mailbox_summary_dated(struct mailbox *mb, uint32_t seq, time_t date)
{
	struct mailbox_cache *m = have(mb);
	struct summary_view v;
	struct mailbox_msg msg;

	if (m == NULL || m->file == NULL)
		return;
	mailbox_msg(mb, seq, &msg);
	summary_make_date(&m->summary, date, &v);
	cache_put(m->file, msg.uid, v.item);
}

void
mailbox_summary_begin(struct mailbox *mb)
{
	struct mailbox_cache *m = have(mb);

	if (m != NULL && m->file != NULL)
		cache_refresh(m->file);
}

bool
mailbox_summary_pending(const struct mailbox *mb)
{
	return mb->cache != NULL && mb->cache->file != NULL &&
	    cache_pending(mb->cache->file);
}

/* The first UID of a message above this one, 0 none. */
static uint32_t
next_uid(void *arg, uint32_t uid)
{
	struct mailbox *mb = arg;
	struct mailbox_msg msg;
	uint32_t seq;

	if (uid == UINT32_MAX)
		return 0;
	seq = mailbox_seq_from(mb, uid + 1);
	if (seq > mailbox_count(mb))
		return 0;
	mailbox_msg(mb, seq, &msg);
	return msg.uid;
}

void
mailbox_summary_rest(struct mailbox *mb)
{
	struct mailbox_cache *m = mb->cache;

	if (m == NULL)
		return;
	summary_free(&m->summary);
	if (m->file == NULL)
		return;
	cache_flush(m->file);
	cache_tidy(m->file, mailbox_count(mb), next_uid, mb);
}
