/* SPDX-License-Identifier: ISC
 *
 * What the reader of commands must know of APPEND: its last literal is the
 * message, which is never held in memory.
 */
#ifndef IMAPD_APPEND_H
#define IMAPD_APPEND_H

#include <stdbool.h>

#include "bytes/buf.h"

/* Whether a command so far, up to the announcement of a literal, is an APPEND
 * whose message comes next. */
bool	 append_announced(const struct buf *);

#endif
