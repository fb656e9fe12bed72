/* SPDX-License-Identifier: ISC
 *
 * What all processes of smtpd remember together of those who come: how often
 * they came, whom the greylist knows, who was good.  One file of a fixed
 * size, tables of slots that are found by a keyed hash; where there is no room
 * the slot that was not touched for the longest time gives its own.
 *
 * It is a memory and no record: each caller goes on without it.  The file may
 * be missing, deleted, cut or full of anything at any moment; nothing is
 * synced; what it says is believed only as far as the clock allows.  It is
 * read and written by offset, never mapped, so that a file that was cut is no
 * signal.  Nothing here waits: a slot that another process holds is asked for
 * a few times.
 */
#ifndef MAIL_TALLY_H
#define MAIL_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes/siphash.h"

enum tally_table {
	TALLY_RATE,		/* counts */
	TALLY_GREY,		/* sender and recipient that wait */
	TALLY_PASSED,		/* networks that came again */
	TALLY_GOOD,		/* clients whose mail was taken */
	TALLY_TABLES
};

#define TALLY_SLOTS	65536	/* of each table; 8 MB in all */
#define TALLY_KEY_MAX	2048	/* longer ones are cut */

struct tally {
	char		*path;
	bool		 read_only;	/* nothing is ever written */
	int		 fd;		/* -1 not open */
	unsigned char	 seed[SIPHASH_KEY];
};

/* What is remembered of one key; times are milliseconds since 1970. */
struct tally_mark {
	int64_t		 first;
	int64_t		 last;		/* touched; 0: not known before */
	uint32_t	 count;
};

/* Nothing is opened yet.  0, or -1 no memory. */
int	 tally_init(struct tally *, const char *path, bool read_only);
void	 tally_close(struct tally *);

/*
 * The three questions.  what and key together are the key: what is a short
 * word.  -1: it cannot be told (no file, no room, another process holds it).
 *
 * tally_rate: may one more come, of max in each ms?  1 yes, and with count it
 * is counted; 0 no.  Those that are refused do not count.
 */
int	 tally_rate(struct tally *, const char *what, const void *key,
	    size_t n, long long max, int64_t ms, int64_t now, bool count);

/* tally_wait: 1 when it first came at least ms ago, and not more than
 * window; else 0, *left the ms it has still to wait, and with count it is
 * remembered. */
int	 tally_wait(struct tally *, const void *key, size_t n, int64_t ms,
	    int64_t window, int64_t now, bool count, int64_t *left);

/* tally_touch: it is good, now.  tally_known: was it so, within ms? */
int	 tally_touch(struct tally *, enum tally_table, const void *key,
	    size_t n, int64_t now);
int	 tally_known(struct tally *, enum tally_table, const void *key,
	    size_t n, int64_t ms, int64_t now);

#endif
