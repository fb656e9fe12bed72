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
	REPLY_BANNER_LMTP,
	REPLY_BYE,
	REPLY_READY_TLS,
	REPLY_AUTHENTICATED,
	REPLY_OK,
	REPLY_SENDER_OK,
	REPLY_RCPT_OK,
	REPLY_QUEUED,
	REPLY_DISCARDED,
	REPLY_DELIVERED,
	REPLY_CHUNK_OK,
	REPLY_VRFY,
	REPLY_SEND_DATA,
	/* later */
	REPLY_STOPPING,
	REPLY_TIMEOUT,
	REPLY_SESSION_LONG,
	REPLY_TOO_MANY_ERRORS,
	REPLY_LOCKED,
	REPLY_FULL,
	REPLY_ADDRESS_FULL,
	REPLY_TOO_FAST,
	REPLY_MESSAGE_RATE,
	REPLY_SENDER_RATE,
	REPLY_UNKNOWN_RATE,
	REPLY_SENDER_LATER,
	REPLY_GREYLISTED,
	REPLY_INTERNAL,
	REPLY_SPOOL,
	REPLY_SPOOL_FULL,
	REPLY_FILTER_FAILED,
	REPLY_FILTER_LATER,
	REPLY_USERS_LATER,
	REPLY_DELIVER_LATER,
	REPLY_DELIVER_FULL,
	REPLY_DELIVER_STOPPED,
	REPLY_DELIVER_OVERDUE,
	REPLY_LMTP_PORT,
	REPLY_FROZEN,
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
	REPLY_CHUNK,
	REPLY_NO_FROM,
	REPLY_NO_TO,
	REPLY_BAD_SENDER,
	REPLY_BAD_RCPT,
	REPLY_PARAM_UNKNOWN,
	REPLY_PARAM_VALUE,
	REPLY_PARAM_TWICE,
	REPLY_PARAM_HERE,
	REPLY_BY_OVER,
	REPLY_HOLD,
	REPLY_RCPT_NULL,
	/* order */
	REPLY_NEED_HELO,
	REPLY_NEED_LHLO,
	REPLY_SAY_LHLO,
	REPLY_NEED_MAIL,
	REPLY_NEED_RCPT_LMTP,	/* RFC 2033, section 4.2 */
	REPLY_NEED_RCPT,
	REPLY_NESTED_MAIL,
	REPLY_NESTED_BDAT,
	REPLY_ONLY_QUIT,
	REPLY_TLS_ALREADY,
	REPLY_TLS_LATE,
	REPLY_TLS_PIPELINED,
	REPLY_AUTH_ALREADY,
	REPLY_AUTH_IN_MAIL,
	/* refused */
	REPLY_FILTER_REFUSED,
	REPLY_OWN_WORDS,
	REPLY_AUTH_REQUIRED,
	REPLY_NEEDS_TLS,
	REPLY_AUTH_NEEDS_TLS,
	REPLY_AUTH_MECHANISM,
	REPLY_AUTH_BASE64,
	REPLY_AUTH_CANCELLED,
	REPLY_AUTH_CHANNEL,
	REPLY_AUTH_WRONG,
	REPLY_UTF8_SENDER,
	REPLY_UTF8_RCPT,
	REPLY_UTF8_ASKED,
	REPLY_NO_SUCH_USER,
	REPLY_MAILBOX_FULL,
	REPLY_NO_RELAY,
	REPLY_NOT_HERE,
	REPLY_LMTP_PEER,
	REPLY_DELIVER_NOBODY,
	REPLY_DELIVER_REFUSED,
	REPLY_DELIVER_OVER,
	REPLY_NOT_YOURS,
	REPLY_FROM_NOT_YOURS,
	REPLY_FROM_TWICE,
	REPLY_FROM_BAD,
	REPLY_FROM_MANY,
	REPLY_TOO_BIG,
	REPLY_HEADER_TOO_BIG,
	REPLY_LOOP,
	REPLY_DENIED,
	REPLY_EARLY,
	REPLY_BAD_HELO,
	REPLY_SENDER_NONE,
	REPLY_SENDER_MUTE,
	REPLY_SENDER_NULL_MX,
	REPLY_LISTED,
	REPLY_DATA_BARE,
	REPLY_DATA_NUL,
	REPLIES
};

/* Send one.  detail takes the place of {} in its text (made printable, cut);
 * NULL when it has none. */
void	 reply(struct session *, enum reply, const char *detail);

/* The same, for {} at its end, of several lines with LF between; the first
 * begins with the status of all. */
void	 reply_lines(struct session *, enum reply, const char *lines);

/* Words that are not ours: whole lines of a reply, found printable before; 421
 * ends the session. */
void	 reply_words(struct session *, const char *lines);

/* session.c: ask the monitor, descriptors aside.  REPLY_NONE and its answer;
 * else what to reply: for now it has none, or it is gone and the session
 * ends. */
enum reply session_ask(struct session *, enum op, const void *request,
	    void *answer);

/* session_rcpts.c: what it says of a recipient; likewise. */
enum reply session_rcpt_ask(struct session *, const struct address *,
	    struct rcpt_reply *);

/* session_rcpts.c: have the monitor judge all recipients again, after some were
 * added or taken away.  REPLY_NONE; REPLY_FILTER_FAILED; REPLY_DISCARDED: none
 * are left. */
enum reply session_rcpts_again(struct session *);

/* The lines of HELP. */
void	 reply_help(struct session *);
/* 334 and a SASL challenge. */
void	 reply_challenge(struct session *, const char *);

/* bdat.c: a chunk that is not taken goes by, then this is said. */
void	 bdat_refuse(struct session *, const struct smtp_command *, enum reply,
	    const char *detail);

/* submission.c: may this client send as this address?  REPLY_NONE, or why
 * not; any that did not log in may. */
enum reply submission_sender(struct session *, const struct address *);

/* The whole line of a reply without detail, for a client that never gets a
 * session. */
const char *reply_text(enum reply);

#endif
