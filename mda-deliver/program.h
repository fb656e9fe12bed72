/* SPDX-License-Identifier: ISC
 *
 * A user's program that takes one message on its standard input, and what its
 * end says about the delivery.  stdmail-forward(5) has the environment and the
 * exit codes.
 */
#ifndef MDA_DELIVER_PROGRAM_H
#define MDA_DELIVER_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "bytes/buf.h"
#include "deliver.h"
#include "grammar/address.h"

#define PROGRAM_OUTPUT_MAX	4096	/* kept of what it writes */
#define PROGRAM_COMMAND_MAX	65536

/* Whose habits it has. */
enum program_mode {
	PROGRAM_SENDMAIL,	/* sysexits; a shell only for what needs one;
				 * From_ line, Return-Path and Delivered-To
				 * before the message */
	PROGRAM_QMAIL		/* 99, 100, 111; always a shell; the message
				 * alone */
};

/* What the environment says.  NULL text: not known. */
struct program_mail {
	const struct address	*sender;	/* null: a bounce */
	const struct address	*forwarder;	/* qmail: the sender of what is
						 * forwarded; NULL: sender */
	const struct address	*recipient;	/* who of us, complete */
	const struct address	*original;	/* before aliases; NULL: the
						 * recipient */
	const char	*user;
	const char	*home;		/* where it starts, too */
	const char	*shell;		/* of the account; NULL: /bin/sh */
	const char	*extension;	/* behind the recipient_delimiter */
	const char	*rest;		/* qmail: what .qmail-...default stands
					 * for */
	const char	*client_address;
	const char	*client_protocol;
	const char	*login;		/* who authenticated */
	time_t		 arrived;
};

struct program {
	const char		*id;	/* of the message, for the log */
	const char		*command;
	const char		*name;	/* for people; NULL: "the recipient's
					 * program" */
	enum program_mode	 mode;
	const struct program_mail *mail;
	const void		*header;	/* put before what is read from
						 * fd; NULL: nothing */
	size_t			 nheader;
	int			 fd;		/* the message, in disk form */
	uint64_t		 start;		/* where it begins there */
	unsigned		 seconds;	/* then it is killed */
};

/*
 * Run it and wait.  The process must have become the user already: as uid 0
 * nothing is run, and that is temporary.  Fills in the outcome.  Returns 1
 * when what follows in its list is to be left out (qmail's 99), else 0.
 *
 * It gets no descriptor but a file with the message, and a pipe for what it
 * says, of which the beginning is kept; it has a process group of its own,
 * which at the time limit is killed as a whole.  Processes that it leaves
 * behind are not waited for, and go on.  SIGCHLD is the caller's again
 * afterwards.
 */
int	 program_run(const struct program *, struct outcome *);

/* program_env.c: "NAME=value" each, the last NULL; the caller's to free with
 * program_env_free(); NULL no memory. */
char	**program_env(const struct program_mail *, enum program_mode);
void	 program_env_free(char **);

/* Append "From sender date\n". */
int	 program_from_line(struct buf *, const struct program_mail *);

#endif
