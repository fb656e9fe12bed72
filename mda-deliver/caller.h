/* SPDX-License-Identifier: ISC
 *
 * What another program says that hands us one message: in the environment, as
 * Postfix and qmail do, and in lines before the message, as the mbox and many
 * fetchers have them.  Options come before all of it.
 */
#ifndef MDA_DELIVER_CALLER_H
#define MDA_DELIVER_CALLER_H

#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "grammar/address.h"

/* Pointers into the environment; NULL: it does not say. */
struct caller {
	const char	*sender;	/* as caller_sender() takes it */
	const char	*recipient;	/* an address */
	const char	*extension;	/* of it: what stands behind the "+" */
};

/*
 * Read SENDER, RECIPIENT and EXTENSION (qmail: EXT).  They are a caller's only
 * when RECIPIENT is among them, and they are nobody's to whom a process with
 * these effective rights gives more than he has: to root, and to a program
 * that runs set-uid, nothing is said.
 */
void	 caller_environment(struct caller *, uid_t euid);

/* The login name of who runs this process, to name[LOGIN_NAME_MAX + 1]: 1; 0
 * for root, who has no mail, and for one without an account; -1 it cannot be
 * known now. */
int	 caller_login(char *name, size_t size);

/* A path that begins with "~/" leads below the home of who runs this process,
 * also where no shell has seen it.  Returns path, or to[PATH_MAX]; NULL: no
 * home, or too long. */
const char *caller_path(const char *path, char to[PATH_MAX]);

/* A sender in the form that callers give it; "", "<>", "MAILER-DAEMON" and
 * qmail's "#@[]" are the null one.  0, or -1 with why. */
int	 caller_sender(struct address *, const char *, const char **why);

/* The beginning of what was given us. */
struct caller_lines {
	size_t		skip;		/* octets of lines From_ and >From_ */
	bool		has_sender;	/* From_ or Return-Path names it */
	struct address	sender;
	/* Fields that the caller put on top, above the first Received and all
	 * that came with the message: offsets behind skip, and lengths; 0:
	 * there is none. */
	size_t		path, npath;	/* Return-Path */
	size_t		to, nto;	/* Delivered-To: the first alone */
};

/* Look at text, which is the whole message or its beginning. */
void	 caller_lines(struct caller_lines *, const char *text, size_t n);

/*
 * Take those two fields out of text (behind skip), which we are going to write
 * ourselves: Return-Path, Delivered-To or both.  So the caller's word on this
 * delivery is not held for that of one before, and a circle shows.  Returns the
 * octets that are left of n.
 */
size_t	 caller_drop(const struct caller_lines *, char *text, size_t n,
	    bool path, bool to);

#endif
