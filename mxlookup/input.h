/* SPDX-License-Identifier: ISC
 *
 * The names to look up, one after the other: from arguments or from lines of
 * a file or pipe, in bounded memory and without ever waiting.
 */
#ifndef MXLOOKUP_INPUT_H
#define MXLOOKUP_INPUT_H

#include <stddef.h>

#define INPUT_SIZE	65536	/* read at once */

struct input {
	char	**args;		/* not NULL: the names, and NULL */
	int	  fd;		/* -1: none, or at its end */
	int	  started;	/* the first line was taken */
	int	  skipping;	/* the rest of a line that was too long */
	long long taken;	/* octets so far */
	size_t	  from, to;	/* what is in buf */
	char	  buf[INPUT_SIZE + 1];
};

enum input_status {
	INPUT_NAME,
	INPUT_WAIT,	/* none now; poll(2) the descriptor for more */
	INPUT_END,
	INPUT_FAILED	/* errno says why */
};

void	 input_args(struct input *, char **args);
void	 input_fd(struct input *, int fd);

/*
 * The next name, valid until the next call: of a line its first word, of a
 * mailbox what stands behind the last "@", without one dot at the end.  Empty
 * lines and those that begin with "#" are left out, CRLF ends a line as LF
 * does.  Of a line without end only the first octets count, which are no name;
 * NUL becomes "?", which is in none either.
 */
enum input_status input_next(struct input *, char **name);

#endif
