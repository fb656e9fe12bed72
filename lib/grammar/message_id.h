/* SPDX-License-Identifier: ISC
 *
 * Message-ID (RFC 5322, section 3.6.4): make one, find them in a field.
 */
#ifndef GRAMMAR_MESSAGE_ID_H
#define GRAMMAR_MESSAGE_ID_H

#include <stddef.h>
#include <stdint.h>

#define MESSAGE_ID_MAX	320	/* room for one we make, with its NUL */

/* Write "<time.random@host>" to out; time is microseconds or seconds, random
 * 64 random bits.  Returns out. */
char	*message_id_make(char out[MESSAGE_ID_MAX], uint64_t time,
	    uint64_t random, const char *host);

/*
 * The next msg-id of a field (Message-ID, In-Reply-To, References) at *p,
 * not past end: 1 and id, len are its bounds without "<" and ">", *p behind
 * it; 0: no more.  Words and anything else between are skipped.
 */
int	 message_id_next(const char **p, const char *end, const char **id,
	    size_t *len);

#endif
