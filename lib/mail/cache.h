/* SPDX-License-Identifier: ISC
 *
 * A derived file that remembers facts of messages by their UID, so that they
 * need not be read again.  It may be deleted, cut or damaged at any moment:
 * that costs time and never gives a wrong answer, since each fact has a
 * checksum of its own, of its octets and of whose fact of which kind it is.
 *
 * A fact never changes, so the file only grows: segments are appended under
 * an OFD lock, the small ones at its end put together.  When too much of it is
 * of no use it is written anew and renamed into place.  Nothing is synced.
 * Readers take no lock and have no mapping: a cut file is a short read.  The
 * memory used does not grow with the number of messages, but for 32 octets a
 * segment (a megabyte of facts).
 *
 * Nothing here fails: what cannot be had is absent, what cannot be written is
 * forgotten.
 */
#ifndef MAIL_CACHE_H
#define MAIL_CACHE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_FILE		"stdmail.cache"
#define CACHE_NEW		".new"	/* behind the name: being rewritten */

enum {
	CACHE_KINDS = 12,		/* of facts, at most */
	CACHE_ITEM_MAX = 65535,		/* octets of one fact, and of all of
					 * one message together */
	CACHE_BATCH = 1 << 20		/* octets held before a write */
};

/* What is known of one message; n 0: nothing of this kind. */
struct cache_item {
	const char	*p;
	size_t		 n;
};

struct cache;

/*
 * The cache of a mailbox: a file of this name in the folder dir (which stays
 * the caller's, and open), that need not exist.  versions[CACHE_KINDS] are
 * those of the kinds: a fact of another version is not seen; 0: there is no
 * such kind.  name must outlive it; mode is that of a new file.  readonly:
 * nothing is written.  NULL: no memory.
 */
struct cache *cache_new(int dir, const char *name, uint32_t validity,
	    const uint16_t *versions, mode_t mode, bool readonly);

/* Write what is held and close.  NULL is allowed. */
void	 cache_free(struct cache *);

/* Look whether other sessions wrote something; otherwise that is seen at the
 * next flush.  One system call when nothing changed. */
void	 cache_refresh(struct cache *);

/* The fact of a kind of a message: 1, and *item is good until the next call
 * for this kind or one that writes; or 0. */
int	 cache_get(struct cache *, uint32_t uid, unsigned kind,
	    struct cache_item *item);

/* Remember facts of a message; those that it has stay.  Written when
 * CACHE_BATCH octets have come together, and at cache_flush(). */
void	 cache_put(struct cache *, uint32_t uid,
	    const struct cache_item items[CACHE_KINDS]);

/* Whether something is held. */
bool	 cache_pending(const struct cache *);

/* Write what is held, and let go of memory. */
void	 cache_flush(struct cache *);

/* The greatest UID in the file as it was last looked at, 0 none. */
uint32_t cache_last_uid(const struct cache *);

/* Begin anew: the file is deleted. */
void	 cache_discard(struct cache *);

/*
 * When the file has more than twice the records that so many messages need
 * (and CACHE_SLACK), write it anew with those messages alone that next() gives:
 * the first UID above the one it gets, or 0.  Thus it never has more than
 * 2 * messages + CACHE_SLACK records, and a batch of each session.
 */
#define CACHE_SLACK	1000
void	 cache_tidy(struct cache *, size_t messages,
	    uint32_t (*next)(void *, uint32_t), void *arg);

#endif
