/* SPDX-License-Identifier: ISC
 *
 * The base subject of a message (RFC 5256, section 2.1): what is left of a
 * Subject without "Re:", "Fwd:", "[list]" and the like.
 */
#ifndef GRAMMAR_BASE_SUBJECT_H
#define GRAMMAR_BASE_SUBJECT_H

#include <stddef.h>

#include "bytes/buf.h"

/*
 * Append the base subject of an unfolded Subject: encoded words decoded, white
 * space made single spaces.  *reply becomes 1 when something was removed that
 * makes it a reply or forward (RFC 5256, section 3: THREAD), else 0.  Time is
 * linear.  0, or -1 as buf_add().
 */
int	 base_subject(struct buf *, const char *, size_t n, int *reply);

#endif
