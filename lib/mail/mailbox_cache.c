/* SPDX-License-Identifier: ISC
 *
 * The summaries of a mailbox's messages, from its cache or made when they are
 * needed first.  The cache lies in the mailbox's folder; on a network file
 * system, where the lock and what was written might be another host's, there is
 * none.  It must never make an answer fail that could be had without it.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/mailbox_local.h"
#include "mail/summary.h"

struct mailbox_cache {
	struct cache	*file;		/* NULL: none to be had */
	uint32_t	 validity;	/* it was opened for this one */
	struct summary	 summary;
};

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

	m->validity = mailbox_uidvalidity(mb);
	if (mb->root->network || m->validity == 0)
		return;
	m->file = cache_new(mb->dir, CACHE_FILE, m->validity,
	    summary_versions, mb->root->file_mode, readonly);
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
	bool all = m != NULL && m->file != NULL;
	struct mailbox_msg msg;
	time_t date = 0;

	v->have = 0;
	if (m == NULL)
		return MAILBOX_TEMPORARY;
	if (all && mailbox_date(mb, seq, &date) != MAILBOX_OK)
		all = false;	/* it vanished after it was opened */
	if (summary_make(&m->summary, message, date, want, all, v) == -1)
		return MAILBOX_TEMPORARY;
	if (v->have & SUMMARY(SUMMARY_META))
		mailbox_sized(mb, seq, m->summary.size);
	if (all) {
		mailbox_msg(mb, seq, &msg);
		cache_put(m->file, msg.uid, v->item);
	}
	return MAILBOX_OK;
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
