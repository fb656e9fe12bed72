/* SPDX-License-Identifier: ISC
 *
 * How the lines of an envelope file are read and written: for envelope*.c
 * alone.
 */
#ifndef MAIL_ENVELOPE_LOCAL_H
#define MAIL_ENVELOPE_LOCAL_H

#include "mail/envelope.h"

/* Append text so that it stays on its line. */
void	 envelope_add_text(struct buf *, const char *, size_t);

/* The text back, allocated; NULL no memory. */
char	*envelope_get_text(const char *, size_t);

/* A number at *p: 1 and *p behind it; -1 there is none. */
int	 envelope_get_number(const char **p, const char *end, int64_t *to);

/* Does the line at *p begin with this key and a space?  Then *p is behind
 * them. */
int	 envelope_is_key(const char **p, const char *end, const char *key);

#endif
