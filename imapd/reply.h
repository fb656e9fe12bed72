/* SPDX-License-Identifier: ISC
 *
 * Every answer this program gives, by name.  The texts stand together in
 * reply.c.
 */
#ifndef IMAPD_REPLY_H
#define IMAPD_REPLY_H

#include "mail/mailbox.h"

struct session;
struct imap_lex;

enum reply {
	REPLY_DONE,		/* it has been answered already */
	REPLY_OK,		/* "NAME completed" */
	REPLY_BAD,		/* s->why says what is wrong */
	REPLY_UNKNOWN,		/* no such command */
	REPLY_NO_TAG,
	REPLY_LOGIN_FIRST,
	REPLY_LOGIN_ALREADY,
	REPLY_SELECT_FIRST,
	REPLY_LINE_LONG,
	REPLY_LINE_NUL,
	REPLY_LINE_LF,
	REPLY_COMMAND_LONG,
	REPLY_LITERAL_LARGE,
	REPLY_LITERAL_SKIPPED,
	REPLY_READ_ONLY_OK,
	REPLY_READ_WRITE_OK,
	REPLY_COMPRESS_BEGIN,
	REPLY_COMPRESS_ALREADY,
	REPLY_COMPRESS_OTHER,
	/* login */
	REPLY_LOGIN_OK,
	REPLY_LOGIN_WRONG,
	REPLY_LOGIN_AUTHZ,
	REPLY_LOGIN_LOCKED,
	REPLY_LOGIN_PRIVACY,
	REPLY_LOGIN_TEMPORARY,
	REPLY_MAILBOX_TEMPORARY,
	REPLY_MAILBOX_NEVER,
	REPLY_MECHANISM,
	REPLY_CANCELLED,
	REPLY_SASL_BASE64,
	REPLY_SASL_MESSAGE,
	REPLY_SASL_CHANNEL,
	REPLY_TLS_BEGIN,
	REPLY_TLS_NONE,
	REPLY_TLS_ALREADY,
	REPLY_TLS_PIPELINED,
	/* mailboxes */
	REPLY_NONEXISTENT,
	REPLY_TRYCREATE,
	REPLY_HAS_CHILDREN,
	REPLY_EXISTS,
	REPLY_BAD_NAME,
	REPLY_NOT_PERMITTED,
	REPLY_INBOX,
	REPLY_USE,
	REPLY_NO_RIGHT,
	REPLY_FULL,
	REPLY_OVERQUOTA,
	REPLY_LIMIT,
	REPLY_BUSY,
	REPLY_TEMPORARY,
	REPLY_READ_ONLY,
	REPLY_KEYWORDS,
	REPLY_QUOTA_NONE,
	REPLY_QUOTA_SET,
	/* messages */
	REPLY_SEQUENCE,
	REPLY_GONE,
	REPLY_SEARCH_GONE,
	REPLY_CHARSET,
	REPLY_NOT_SAVED,
	REPLY_TOO_BIG,
	REPLY_NOTHING,
	REPLY_NOMODSEQ,
	REPLY_QRESYNC,
	REPLY_UID_REQUIRED,
	REPLY_MODIFIED,
	REPLY_EMPTY,
	REPLY_NO_MESSAGE,
	REPLY_BAD_URL,
	REPLY_UNKNOWN_CTE,
	REPLY_UTF8_FIRST,
	REPLY_METADATA_SIZE,		/* a value is too long */
	REPLY_METADATA_MANY,		/* too many, or too much */
	REPLY_BADEVENT,
	REPLY_NOTIFY_OVERFLOW,
	REPLY_MEMORY
};

/* Send the tagged answer (with "*" when the command had no tag), with s->code
 * and s->why in place of the usual ones when they are set. */
void	 reply_send(struct session *, enum reply);

/* Whether it is a NO. */
bool	 reply_is_no(enum reply);

/* What to answer for a mailbox operation that ended so. */
enum reply reply_mailbox(enum mailbox_status);

/* Warn that new messages may stay out of sight, and why (RFC 3501 7.1.2). */
void	 reply_waiting(struct session *, enum mailbox_status);

/* REPLY_BAD, with the lexer's words. */
enum reply reply_bad(struct session *, const struct imap_lex *);

/* Untagged lines that end or begin a session. */
void	 reply_greeting(struct session *, bool preauth);
enum bye {
	BYE_LOGOUT,		/* the client asked */
	BYE_TIMEOUT,		/* autologout */
	BYE_STOPPING,		/* SIGTERM */
	BYE_RESET,		/* the mailbox is no longer what it was */
	BYE_FAILURES,		/* too many wrong passwords */
	BYE_LITERAL,		/* more is coming than is worth reading */
	BYE_PIPELINED,		/* input behind STARTTLS */
	BYE_INTERNAL		/* the monitor is gone */
};
void	 reply_bye(struct session *, enum bye);

/* The whole line for a client refused at the door. */
const char *reply_refusal(int refusal);

#endif
