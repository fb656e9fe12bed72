/* SPDX-License-Identifier: ISC
 *
 * The processes that hold the keys of DKIM and sign: forked by the queue's
 * agent, each inside sandbox_door(), without files or network, and with nothing
 * to read but messages that the agent gives them.  A process that speaks to
 * strangers can thus have nothing signed, and never sees a key.
 *
 * Nothing here waits: messages are submitted, as many as the caller likes, and
 * answers come when they are ready, in any order.
 */
#ifndef SMTP_SEND_SIGNER_H
#define SMTP_SEND_SIGNER_H

#include <sys/types.h>

#include <stdbool.h>

#include "mail/dkim_ring.h"

#define SIGNERS_MAX	8		/* processes, one for each processor */

struct signer;

enum signer_outcome {
	SIGNER_SIGNED,
	SIGNER_UNSIGNED,	/* it is none that we sign */
	SIGNER_FAILED		/* not now; it must not go out unsigned */
};

/* The answer about a message.  Its texts live until the next signer_read();
 * the descriptor is the reader's to close. */
struct signature {
	void		*arg;		/* as submitted */
	enum signer_outcome outcome;
	const char	*why;		/* one line, for the log */
	const char	*prefix;	/* SIGNED: the fields that stand before
					 * the message when it is sent as it
					 * is, in disk form */
	int		 fd_7bit;	/* the message for hosts without
					 * 8BITMIME, from its first octet, which
					 * nobody can change any more; -1: it
					 * has no 8-bit octets, or must not be
					 * changed */
	const char	*prefix_7bit;	/* and its fields; NULL none */
};

/*
 * Start them, with the keys of the settings, which must have some.  Call it
 * as the user who may read the keys, in a sandbox that lets these files be
 * read.  The settings must stay where they are.  Waits until all keys are
 * loaded.  NULL with one line in error[CONF_ERROR_MAX].
 */
struct signer *signer_new(const struct settings *, char *error);

/* The same settings are somewhere else now. */
void	 signer_settings(struct signer *, const struct settings *);

/* Ends the processes.  What was submitted and not answered is forgotten. */
void	 signer_free(struct signer *);

/* Readable when signer_read() may have something; never changes. */
int	 signer_fd(const struct signer *);

/*
 * Have the message signed that begins at an octet of a file.  The descriptor is
 * taken over; it should be open for reading alone.  convert: also in a form for
 * hosts without 8BITMIME, if it has 8-bit octets.  0; -1 no memory (the
 * descriptor is closed then too).
 */
int	 signer_submit(struct signer *, void *arg, int fd, off_t at,
	    bool convert);

/* How many were submitted and are not yet answered. */
size_t	 signer_pending(const struct signer *);

/* The next answer: 1; 0: none now.  A process that died is replaced, and what
 * it was at has FAILED. */
int	 signer_read(struct signer *, struct signature *);

/* Forget one that was submitted and is not answered: 1 and its argument; 0:
 * there is none.  Between this and signer_free() nothing else is called. */
int	 signer_forget(struct signer *, void **arg);

/*
 * signer_process.c, in the process: serve what comes over a socket until its
 * end, with the keys of this ring.
 */
void	 signer_serve(const struct dkim_ring *, int sock);

#endif
