/* SPDX-License-Identifier: ISC
 *
 * Mail filtered by its owner's script (RFC 5228 and the extensions in
 * sieve_words.c).  A script is read and checked whole before a message meets
 * it; it only decides, and changes nothing on disk: see plan.h.
 */
#ifndef MDA_DELIVER_SIEVE_H
#define MDA_DELIVER_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "grammar/address.h"
#include "grammar/sieve.h"
#include "mail/settings.h"
#include "plan.h"

/* Whose script it is, and where what it names is found. */
struct sieve_user {
	const struct settings	*settings;
	const char		*name;		/* "bob", "bob@example.org" */
	const char		*home;		/* "": none */
	const char		*mailbox;	/* of keep: Maildir or mbox */
	const char		*scripts;	/* where include finds personal
						 * ones; "": nowhere */
	const char		*global;	/* likewise :global */
};

/* The message and its envelope. */
struct sieve_mail {
	const char		*text;		/* whole, without our own first
						 * two lines; LF or CRLF */
	size_t			 size;
	const struct address	*from;		/* null: a bounce */
	const struct address	*to;		/* who of us it is for, with
						 * its +detail */
	const struct address	*original;	/* the alias that it was to, or
						 * NULL */
	int64_t			 now;
	bool			 queued;	/* it was accepted before: who
						 * brought it hears no more */
	bool			 precious;	/* a report, or postmaster's: it
						 * cannot be refused */
};

struct sieve_script;

/* Compile n octets.  NULL: error[SIEVE_ERROR_MAX] says "line N: what". */
struct sieve_script *sieve_compile(const char *name, const char *text,
	    size_t n, char *error);
void	 sieve_free(struct sieve_script *);

/* Where -t writes what it does, a line for each test and action. */
struct sieve_watch {
	void	(*line)(void *arg, const char *script, unsigned line,
		    const char *words);
	void	*arg;
};

/*
 * What the script wants, added to a plan that is empty: kind becomes GOOD, or
 * BROKEN with its error, and then the plan holds one keep and no more
 * (RFC 5228, section 2.10.6).  watch may be NULL.  0, or -1: no memory, and
 * the mail is to be tried again.
 */
int	 sieve_run(const struct sieve_script *, const struct sieve_user *,
	    const struct sieve_mail *, const struct sieve_watch *,
	    struct plan *);

/* The extensions, as require names them; NULL ends it. */
extern const char *const sieve_extensions[];

#endif
