/* SPDX-License-Identifier: ISC
 *
 * Patterns with "*" and "?" that users write, held against texts that
 * strangers write (RFC 5228, section 2.7.1).  Whatever both are, time is at
 * most the product of their lengths, and what the caller allows.
 */
#ifndef GRAMMAR_GLOB_H
#define GRAMMAR_GLOB_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

/* What a wildcard took; off SIZE_MAX: there is none. */
struct glob_span {
	size_t	off, len;
};

/* Of a match, besides 1 and 0. */
enum {
	GLOB_NOMEM = -1,
	GLOB_SPENT = -2	/* *work was used up */
};

/* What is the same, and what "?" takes. */
enum glob_mode {
	GLOB_OCTET,		/* an octet */
	GLOB_ASCII,		/* likewise; the case of A to Z counts not */
	GLOB_UNICODE		/* a character, as bytes/casemap.h maps it */
};

struct glob {
	enum glob_mode	mode;
	struct buf	text;	/* an octet for each item, mapped */
	struct buf	kind;	/* what each of them is */
};

/* Take a pattern of n octets; "\" takes its meaning from what is behind it.
 * 0, or -1: no memory.  glob_free() in any case. */
int	 glob_init(struct glob *, enum glob_mode, const char *, size_t n);
void	 glob_free(struct glob *);

/*
 * Does it match all of n octets?  Then span[0] is all of them, and span[i]
 * what the i-th wildcard took, each as little as it can, the first before the
 * others; those that it has not are SIZE_MAX.  Steps are taken from *work.
 */
int	 glob_match(const struct glob *, const char *, size_t n,
	    struct glob_span *span, size_t nspan, uint64_t *work);

#endif
