/* SPDX-License-Identifier: ISC
 *
 * What a submission server looks for in the header of a user's message, and
 * takes out of it: who it says it is from, and those whom it must not name.
 */
#ifndef GRAMMAR_SUBMIT_H
#define GRAMMAR_SUBMIT_H

#include <stddef.h>

#include "grammar/address.h"

#define SUBMIT_AUTHORS	20	/* in From and Sender together */

enum submit_from {
	SUBMIT_GOOD,
	SUBMIT_NONE,		/* no From: the rest was read nevertheless */
	SUBMIT_TWICE,		/* From or Sender stands there twice */
	SUBMIT_MALFORMED,	/* an address of them is none, or there is
				 * none, or a control octet */
	SUBMIT_MANY		/* more than SUBMIT_AUTHORS */
};

/* The addresses of From and Sender.  One without "@" has domain "". */
struct submit_authors {
	struct address	v[SUBMIT_AUTHORS];
	size_t		n;
};

/* Read them from a header. */
enum submit_from submit_authors(struct submit_authors *, const char *,
	    size_t);

/* Take the fields Bcc and Resent-Bcc out of a header, in place; what stands
 * behind it stays.  Returns what is left of the length. */
size_t	 submit_strip(char *, size_t);

#endif
