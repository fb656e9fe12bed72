/* SPDX-License-Identifier: ISC
 *
 * Patterns that users write, held against texts that strangers write: with
 * "*" and "?" (RFC 5228, section 2.7.1), and extended regular expressions as
 * POSIX has them.  Whatever both are, time is at most the product of their
 * lengths, and what the caller allows.
 */
#ifndef GRAMMAR_PATTERN_H
#define GRAMMAR_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

/* What a part of a pattern matched; off SIZE_MAX: nothing at all. */
struct pattern_span {
	size_t	off, len;
};

/* Of a match, besides 1 and 0. */
enum {
	PATTERN_NOMEM = -1,
	PATTERN_SPENT = -2	/* *work was used up */
};

/* ---- "*" and "?" ---- */

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
	    struct pattern_span *span, size_t nspan, uint64_t *work);

/* ---- extended regular expressions ---- */

#define ERE_MAX		4096	/* octets of an expression */
#define ERE_REPEAT_MAX	1000	/* x{1000} */
#define ERE_SPANS_MAX	32	/* of the whole, and of groups */

struct ere;

/*
 * Compile one of n octets; a character is an octet, fold: the case of A to Z
 * counts not.  NULL: *why says what is wrong with it, and NULL for no memory.
 * NOTE: \w \W \s \S \b \B \< and \> are known, as libraries have them.
 * Backreferences are not.
 */
struct ere *ere_new(const char *, size_t n, bool fold, const char **why);
void	 ere_free(struct ere *);

/*
 * Does it match anywhere in n octets?  Then span[0] is the leftmost match,
 * the longest of those, and span[i] what the i-th group matched last, those
 * before taking as much as they can.  nspan may be 0.  Steps are taken from
 * *work.
 */
int	 ere_match(const struct ere *, const char *, size_t n,
	    struct pattern_span *span, size_t nspan, uint64_t *work);

#endif
