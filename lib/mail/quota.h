/* SPDX-License-Identifier: ISC
 *
 * How much a user may keep, and keeps: the file maildirsize in the root of a
 * Maildir, as the text on Maildir++ has it and as Courier, Dovecot (quota =
 * maildir), maildrop and Exim read and write it.
 *
 *	10000000S,1000C		the limits: octets, messages
 *	4711 3			octets and messages, with signs; the use is
 *	2048 1			the sum of all lines
 *	-4711 -1
 *
 * A size is that of the file on disk.  All folders count, Trash too, as in
 * Dovecot; Courier leaves Trash out.  Nothing is locked, so a few messages too
 * many may get in; whoever finds the file missing, damaged, of QUOTA_FILE_MAX
 * octets or more, or its sum too high to be believed, counts anew.
 *
 * A rule (of the users file or the configuration) goes above the limits of the
 * file, which is then written anew; without a rule those of the file hold,
 * and without a file there is no quota and nothing is written.
 *
 * Everything happens relative to the root's descriptor, with the caller's
 * rights, and works inside a sandbox of that one tree.
 */
#ifndef MAIL_QUOTA_H
#define MAIL_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUOTA_FILE	"maildirsize"
#define QUOTA_FILE_MAX	5120		/* octets; then it is counted anew */
#define QUOTA_STALE	(15 * 60)	/* seconds a full mailbox is believed
					 * to be full */

/* 0: as many as you like. */
struct quota_limits {
	bool		set;		/* by a rule; else see the file */
	uint64_t	bytes;
	uint64_t	messages;
};

struct quota {
	int		root;		/* the Maildir, or -1; the caller's */
	struct quota_limits rule;
	struct quota_limits limits;	/* what holds; .set: there is a quota,
					 * whatever it limits */
	uint64_t	bytes;		/* the use, when last looked at */
	uint64_t	messages;
	bool		counted;	/* just now: believe it */
	int		unwritten;	/* errno: what was counted could not be
					 * written */
};

/* What a file says. */
struct quota_text {
	struct quota_limits limits;	/* .set: of the first line anything was
					 * understood */
	uint64_t	bytes;
	uint64_t	messages;
	size_t		lines;		/* of use */
};

/*
 * Read the text of such a file.  0; -1: its lines of use cannot be believed
 * (none, not two numbers, a sum below zero or beyond an int64_t, a NUL), and
 * then limits alone is right.  Blanks before, between and behind the numbers
 * are Courier's padding.  A last line without its end is left out.  Pure.
 */
int	 quota_parse(struct quota_text *, const char *, size_t);

/* rule NULL: none.  Reads nothing. */
void	 quota_init(struct quota *, int root, const struct quota_limits *rule);

/*
 * Find out limits and use; where the file does not tell, all folders are
 * counted.  0, or -1 with errno: it cannot be known (and nothing is refused
 * then: limits are unset).
 */
int	 quota_read(struct quota *);

/*
 * Does this much more fit, by what was last read?  A "no" of old numbers is
 * made sure of by counting.  1 yes; 0 no.
 */
int	 quota_fits(struct quota *, uint64_t bytes, uint64_t messages);

/*
 * Say that this much was added, or taken away, AFTER it was: as one line, in
 * one write, or by counting anew when the file is due for that.  Nothing to do
 * without a file and a rule.  Does not need quota_read().  0, or -1 with errno:
 * the file may be wrong until it is counted again; never a reason to refuse
 * what has happened.
 */
int	 quota_add(struct quota *, int64_t bytes, int64_t messages);

/* Count all folders and write the file anew, with the limits that hold.  For
 * when a folder was removed, or came.  As quota_read(). */
int	 quota_recount(struct quota *);

/*
 * The size that the quota has of a message: ",S=" of its name, else what
 * stat(2) says.  0, or -1 with errno.
 */
int	 quota_size(int dir, const char *name, uint64_t *size);

/*
 * Sum up cur and new of the Maildir and of all its folders.  *stamp is made
 * of the stamps of these, taken before each was listed: equal ones mean that
 * nothing changed.  With bytes NULL only that.  0, or -1 with errno.
 */
int	 quota_count(int root, uint64_t *bytes, uint64_t *messages,
	    uint64_t *stamp);

#endif
