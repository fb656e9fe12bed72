/* SPDX-License-Identifier: ISC
 *
 * What pop3d says: each reply by its name, its text in reply.c.
 */
#ifndef POP3D_REPLY_H
#define POP3D_REPLY_H

#include <stddef.h>

enum reply {
	REPLY_GREETING,
	REPLY_USER,
	REPLY_OPEN,
	REPLY_TLS,
	REPLY_CAPA,
	REPLY_UTF8,
	REPLY_MECHANISMS,
	REPLY_STAT,
	REPLY_LIST,
	REPLY_LIST_ONE,
	REPLY_UIDL,
	REPLY_UIDL_ONE,
	REPLY_RETR,
	REPLY_TOP,
	REPLY_DELETED,
	REPLY_RESET,
	REPLY_NOOP,
	REPLY_BYE,
	REPLY_BYE_LEFT,

	REPLY_UNKNOWN,
	REPLY_ARGUMENTS,
	REPLY_NO_SUCH,
	REPLY_IS_DELETED,
	REPLY_VANISHED,
	REPLY_UNREADABLE,
	REPLY_FORBIDDEN,
	REPLY_NEEDS_UTF8,
	REPLY_LOGIN_FIRST,
	REPLY_LOGIN_ALREADY,
	REPLY_USER_FIRST,
	REPLY_TLS_FIRST,
	REPLY_TLS_ALREADY,
	REPLY_TLS_NONE,
	REPLY_TLS_INPUT,
	REPLY_MECHANISM,
	REPLY_BASE64,
	REPLY_CANCELLED,
	REPLY_CHANNEL,
	REPLY_WRONG,
	REPLY_LATER,
	REPLY_LOCKED_OUT,
	REPLY_IN_USE,
	REPLY_LOGIN_DELAY,
	REPLY_NOT_OPENED,
	REPLY_NEVER_OPENED,
	REPLY_NOT_REMOVED,
	REPLY_LINE_LONG,
	REPLY_LINE_BYTES,
	REPLY_LINE_UTF8,
	REPLY_ERRORS,
	REPLY_STOPPING,
	REPLY_FULL,
	REPLY_ADDRESS_FULL,
	REPLIES
};

struct stream;

#define REPLY_MAX	512	/* RFC 1939, section 3: with its CRLF */

/* Write a reply with its CRLF; what follows is as its text wants. */
void	 reply_send(struct stream *, int, ...);

/* The same into memory (for output.h); returns how many octets. */
size_t	 reply_put(char to[REPLY_MAX + 1], int, ...);

/* The text of a reply that wants nothing, with its CRLF, for refusals. */
const char *reply_refusal(enum reply);

#endif
