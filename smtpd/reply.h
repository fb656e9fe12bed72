/* SPDX-License-Identifier: ISC
 *
 * Every reply of smtpd, by name.
 */
#ifndef SMTPD_REPLY_H
#define SMTPD_REPLY_H

#include "smtpd.h"

enum reply {
	REPLY_NONE,		/* from a check: nothing is wrong */
	/* good */
	REPLY_BANNER,
	REPLY_BYE,
	REPLY_READY_TLS,
	REPLY_AUTHENTICATED,
	REPLY_OK,
	REPLY_SENDER_OK,
	REPLY_RCPT_OK,
	REPLY_QUEUED,
	REPLY_VRFY,
	REPLY_ADDRESS,
	REPLY_SEND_DATA,
	/* later */
	REPLY_STOPPING,
	REPLY_TIMEOUT,
	REPLY_TOO_MANY_ERRORS,
	REPLY_LOCKED,
	REPLY_FULL,
	REPLY_ADDRESS_FULL,
	REPLY_INTERNAL,
	REPLY_SPOOL,
	REPLY_SPOOL_FULL,
	REPLY_USERS_LATER,
	REPLY_TOO_MANY_RCPTS,
	REPLY_MAILBOX_FULL_NOW,
	REPLY_AUTH_LATER,
	REPLY_NO_TLS_NOW,
	/* syntax */
	REPLY_BAD_BYTE,
	REPLY_BARE_LF,
	REPLY_LINE_TOO_LONG,
	REPLY_UNKNOWN_COMMAND,
	REPLY_NOT_OFFERED,
	REPLY_ARG_MISSING,
	REPLY_ARG_EXTRA,
	REPLY_NO_FROM,
	REPLY_NO_TO,
	REPLY_BAD_SENDER,
	REPLY_BAD_RCPT,
	REPLY_PARAM_UNKNOWN,
	REPLY_PARAM_VALUE,
	REPLY_PARAM_TWICE,
	REPLY_RCPT_NULL,
	/* order */
	REPLY_NEED_HELO,
	REPLY_NEED_MAIL,
	REPLY_NEED_RCPT,
	REPLY_NESTED_MAIL,
	REPLY_TLS_ALREADY,
	REPLY_TLS_LATE,
	REPLY_TLS_PIPELINED,
	REPLY_AUTH_ALREADY,
	REPLY_AUTH_IN_MAIL,
	/* refused */
	REPLY_AUTH_REQUIRED,
	REPLY_AUTH_NEEDS_TLS,
	REPLY_AUTH_MECHANISM,
	REPLY_AUTH_BASE64,
	REPLY_AUTH_CANCELLED,
	REPLY_AUTH_WRONG,
	REPLY_NO_SUCH_USER,
	REPLY_MAILBOX_FULL,
	REPLY_NO_RELAY,
	REPLY_TOO_BIG,
	REPLY_HEADER_TOO_BIG,
	REPLY_LOOP,
	REPLY_DATA_BARE,
	REPLY_DATA_NUL,
	REPLIES
};

/* Send one.  detail takes the place of {} in its text (made printable, cut);
 * NULL when it has none. */
void	 reply(struct session *, enum reply, const char *detail);

/* The lines of EHLO and HELP. */
void	 reply_ehlo(struct session *);
void	 reply_help(struct session *);
/* 334 and a SASL challenge. */
void	 reply_challenge(struct session *, const char *);

/* The whole line of a reply without detail, for a client that never gets a
 * session. */
const char *reply_text(enum reply);

#endif
