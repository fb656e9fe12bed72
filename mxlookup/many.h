/* SPDX-License-Identifier: ISC
 *
 * Looking up any number of domains in bounded memory, many at once.
 */
#ifndef MXLOOKUP_MANY_H
#define MXLOOKUP_MANY_H

#include "input.h"
#include "progress.h"
#include "system/dns.h"

struct many {
	struct dns	*dns;
	struct input	*in;
	struct progress	*progress;
	int		 out;		/* descriptor for the answers */
	unsigned	 flags;		/* MX_IPV4, MX_IPV6, MX_NOADDRS */
	int		 json;		/* else the table */
	int		 unordered;	/* answers as they come */
	int		 code;		/* the worst so far: an exit code */
	int		 error;		/* errno of what failed */
};

enum many_status {
	MANY_DONE,
	MANY_NO_INPUT,		/* reading failed */
	MANY_NO_OUTPUT,		/* writing failed */
	MANY_NO_MEMORY
};

/*
 * Look up all names of the input and print what is found, in the order of the
 * input unless unordered.  What is found waits for what was asked before it,
 * as long as there is room for it; then nothing new is asked.  Answers
 * are written whenever the input has nothing more, and at the latest after a
 * tenth of a second.  A reader that closed the pipe ends it: MANY_DONE.
 */
enum many_status many_run(struct many *);

#endif
