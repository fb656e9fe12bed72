/* SPDX-License-Identifier: ISC
 *
 * The file dovecot-keywords of a folder: which keyword each of the letters a
 * to z means in the names of its files.  Lines of `index name`, 0 is "a".
 * Keywords from 26 on have no letter: their names come from the journal.
 */
#ifndef MAIL_KEYWORDS_H
#define MAIL_KEYWORDS_H

#include <sys/types.h>

#include <stdbool.h>
#include <time.h>

#include "mail/mailbox.h"

#define KEYWORDS_FILE	"dovecot-keywords"
#define KEYWORDS_LETTERS 26
#define KEYWORDS_NAME_MAX 255

struct keywords {
	char		*names[MAILBOX_KEYWORDS_MAX];	/* owned; NULL: free */
	struct timespec	 mtime;		/* of the file these came from */
	ino_t		 ino;		/* 0: no file */
};

/* All zero is an empty one. */
void	 keywords_free(struct keywords *);

/* Read n octets of a file over an empty one; lines that are damaged, and names
 * that IMAP cannot say, are passed over.  0, or -1: no memory. */
int	 keywords_parse(struct keywords *, const char *, size_t n);

/* Take the name of a keyword without a letter: 1, 0 it is known or can be none,
 * -1 no memory. */
int	 keywords_extra(struct keywords *, int index, const char *name);

/* The name of keyword i, or NULL. */
const char *keywords_name(const struct keywords *, int i);

/* Whether a name is a keyword that IMAP can say. */
bool	 keywords_name_ok(const char *);

/* The index of a name in any letter case, or -1. */
int	 keywords_find(const struct keywords *, const char *);

/* Read the file again if it is another than before: 1 it was, 0, -1 errno. */
int	 keywords_read(struct keywords *, int dir);

/*
 * Add a name and write the file under its lock, synced; *index becomes its
 * letter.  One that is there meanwhile is found.  Letters in avoid (bits) are
 * taken last.  MAILBOX_LIMIT: no letter is left.
 */
enum mailbox_status keywords_add(struct keywords *, int dir, mode_t,
	    const char *name, unsigned avoid, int *index);

#endif
