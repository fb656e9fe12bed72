/* SPDX-License-Identifier: ISC
 *
 * How far a long job is, in one line of a terminal.
 */
#ifndef MXLOOKUP_PROGRESS_H
#define MXLOOKUP_PROGRESS_H

struct progress {
	int		on;	/* somebody may see it */
	int		shown;	/* the line stands there */
	long long	begun, last;	/* clock_ms() */
	long long	size;	/* octets of the input; 0: not known */
};

/* Begin, with the input's descriptor or -1.  It shows only on a terminal that
 * the answers do not go to.  Before the sandbox. */
void	 progress_begin(struct progress *, int in, int out);

/* Show the line when it is time; names are answered, octets of input taken. */
void	 progress_step(struct progress *, long long names, long long octets);

/* How long until it is time again, in ms; -1: never. */
int	 progress_ms(const struct progress *);

/* Take the line away. */
void	 progress_end(struct progress *);

#endif
