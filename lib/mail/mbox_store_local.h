/* SPDX-License-Identifier: ISC
 *
 * What the files mbox_store*.c share; nobody else includes it.
 */
#ifndef MAIL_MBOX_STORE_LOCAL_H
#define MAIL_MBOX_STORE_LOCAL_H

#include <sys/stat.h>

#include "grammar/mbox.h"
#include "mail/mbox_journal.h"
#include "mail/mbox_lock.h"
#include "mail/mbox_store.h"

/* One message: struct mbox_message without its texts. */
struct mbox_rec {
	uint64_t	from, content, end, next;
	uint64_t	insert, notes;
	uint64_t	plain, wire, hash;
	int64_t		time;
	mailbox_flags	flags;
	uint32_t	notes_len;
	uint32_t	uid;		/* 0: has none (yet) */
	bool		old;
	bool		recent;		/* was not old when it was first seen */
	bool		scattered, internal, separated;
	bool		dirty;		/* its notes must be written */
	bool		removed;	/* it goes at the next write */
};

struct mbox_store {
	int		 dir;		/* the caller's */
	char		*name;
	int		 fd;		/* -1: there is no file (now) */
	bool		 readonly, readonly_file;
	int		*spare;		/* of mbox_store_spare(), or NULL */
	struct mbox_lock lock;

	struct mbox_rec	*v;		/* in the order of the file */
	size_t		 n, cap;
	size_t		 fresh;		/* the first of the last scan */
	uint32_t	*view;		/* those that are shown */
	size_t		 nview, view_cap;
	size_t		 nrecent;	/* shown and not old */
	uint64_t	 generation;	/* of the records */

	uint32_t	 validity;	/* 0: not known yet */
	uint32_t	 last;		/* UID */
	struct {			/* as in the file's first message */
		bool	 there;
		uint32_t validity, last;
		int	 keywords;	/* how many of ours */
	} base;
	char		*keywords[MAILBOX_KEYWORDS_MAX];
	int		 nkeywords;

	/* The file as it was when the records were made. */
	struct stat	 st;
	bool		 clean;		/* any change since shows in it */
	bool		 valid;		/* the records are those of st */
	bool		 believed;	/* some were not read again when the
					 * file grew */
	uint64_t	 journal;	/* one was found here; UINT64_MAX */
};

/* mbox_store.c: the status that errno means; logged. */
enum mailbox_status mbox_store_errno(const struct mbox_store *,
	    const char *what);
/* Have the file open that has the name now: 0, -1 errno. */
int	 mbox_follow_name(struct mbox_store *);

/* mbox_load.c: lock the file and have the records as it is; all: believe
 * nothing.  MAILBOX_OK: mbox_store_end() must come.  Without a file there are
 * no records, and fd is -1. */
enum mailbox_status mbox_store_begin(struct mbox_store *, bool all);
/* Unless the status is a failure write what is dirty or removed; unlock.
 * Returns it, or the failure. */
enum mailbox_status mbox_store_end(struct mbox_store *, enum mailbox_status);
/* The same after a change that was written, or failed: status says which. */
enum mailbox_status mbox_store_changed(struct mbox_store *,
	    enum mailbox_status);
/* Is there something to be written? */
bool	 mbox_dirty(const struct mbox_store *);
/* Is it the file we know, and would a change have shown? */
bool	 mbox_unchanged(const struct mbox_store *, const struct stat *);

/* mbox_scan.c: make the records from this offset on anew.  EILSEQ: the file is
 * no mbox; E2BIG: too many. */
int	 mbox_scan(struct mbox_store *, uint64_t from);
/* Give UIDs to records without one, from those that were there before (old,
 * in their order) or new; then the view. */
enum mailbox_status mbox_number(struct mbox_store *, const struct mbox_rec *,
	    size_t nold);
int	 mbox_make_view(struct mbox_store *);
/* The flags and keywords of a message. */
mailbox_flags mbox_flags_of(struct mbox_store *, const struct mbox_message *);
/* Add a message of the mbox open as fd to the records. */
int	 mbox_add_record(struct mbox_store *, const struct mbox_message *);

/* mbox_notes.c: the notes of a record as they should be, into
 * to[MBOX_NOTES_MAX]: how many octets; at least `least' when it is not 0. */
#define MBOX_NOTES_MAX	(2 * MBOX_WORDS_KEPT + 512)
#define MBOX_KEYWORD_MAX 64	/* octets: all of them fit in one line that is
				 * read again */
size_t	 mbox_notes(const struct mbox_store *, const struct mbox_rec *,
	    bool first, size_t least, char *to);
/* Can those of record i be written in place?  1 (and done, with write), 0, -1
 * errno. */
int	 mbox_notes_in_place(struct mbox_store *, size_t i, bool write);

/* mbox_change.c: put a message of the file fd with notes, or as it is. */
void	 mbox_put_message(struct mbox_sink *, int fd, const struct mbox_rec *,
	    const char *notes, size_t n);
/* Write all that is dirty or removed, under the locks: 0, -1 errno. */
int	 mbox_flush(struct mbox_store *);

#endif
