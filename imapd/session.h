/* SPDX-License-Identifier: ISC
 *
 * One IMAP session, in the door (until login) or in the mailbox process
 * (after it): what it knows, and the loop that reads a command, finds it in
 * the one table, runs it, tells what changed, and sends the answer.
 */
#ifndef IMAPD_SESSION_H
#define IMAPD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "grammar/imap_lex.h"
#include "grammar/imap_set.h"
#include "mail/login.h"
#include "mail/mailbox.h"
#include "mail/settings.h"
#include "reply.h"
#include "system/server.h"
#include "system/stream.h"
#include "system/tls.h"

/* RFC 3501 section 3; bits, so that the table can name several. */
enum session_state {
	STATE_FRESH = 1,	/* not authenticated: only in the door */
	STATE_AUTH = 2,		/* authenticated: only in the mailbox process */
	STATE_SELECTED = 4,
	STATE_OVER = 8		/* nothing more is read or written */
};

/* What the client has asked to be told in another way (RFC 5161). */
enum {
	ENABLED_REV2 = 1,	/* IMAP4rev2: RFC 9051 */
	ENABLED_UTF8 = 2,	/* UTF8=ACCEPT: RFC 6855 */
	ENABLED_CONDSTORE = 4,	/* RFC 7162; by other commands as well */
	ENABLED_QRESYNC = 8,
	ENABLED_UIDONLY = 16	/* RFC 9586 */
};

enum {
	LINE_MAX_FRESH = 8192,		/* octets of a line and of a whole */
	COMMAND_MAX_FRESH = 12288,	/* command, before login */
	LINE_MAX_AUTH = 65536,		/* RFC 2683 3.2.1.5 asks for 8000 */
	COMMAND_MAX_AUTH = 262144,	/* and after it */
	TAG_MAX = 200,
	LOGIN_SECONDS = 180,		/* of silence, before login */
	IDLE_SECONDS = 30 * 60		/* RFC 3501 5.4: at least that */
};

struct fetch_message;

struct session {
	struct stream	*io;
	const struct settings *settings;
	enum session_state state;
	unsigned	 enabled;
	const char	*hide;		/* capabilities not to announce */

	/* the command being run */
	char		 tag[TAG_MAX + 1];	/* "": none, "*" is written */
	struct buf	 command;
	bool		 uid;		/* it is the UID form */
	bool		 swallow;	/* inside a line with a bare LF */
	bool		 has_literal;	/* APPEND's message follows */
	uint64_t	 literal;	/* its size */
	bool		 literal_sync;	/* and whether it waits to be asked */
	struct buf	 code;		/* response code of the answer, without
					 * brackets; empty: that of the reply */
	const char	*why;		/* text of the answer; NULL: likewise */
	const char	*name;		/* the command's, for its answer */

	/* the door's */
	struct server_session *door;	/* NULL in the mailbox process */
	unsigned	 failures;	/* of logins */

	/* the mailbox process's */
	struct mailbox_root *root;
	struct mailbox	*box;		/* the selected one, or NULL */
	struct fetch_message *kept;	/* of it: the last one read, or NULL */
	char		*user;		/* for the log; NULL: who started us */
};

/* Begin on a stream, which the session owns from now on. */
void	 session_init(struct session *, struct stream *,
	    const struct settings *, enum session_state);
void	 session_free(struct session *);

/* How long the client may be silent now, in ms (key timeout). */
int	 session_silence(const struct session *);

/* Nothing is selected any more. */
void	 session_deselect(struct session *);

/* Read and answer commands until the session is over. */
void	 session_run(struct session *);

/* A session of the mailbox process over an opened root, which it owns:
 * everything from here to the end. */
void	 session_mailbox(struct session *);

/* In the door: from the greeting until login. */
void	 door_session(struct server_session *);

/* Whether a password may be taken now: RFC 3501 11.1. */
bool	 session_privacy(const struct session *);

/* ---- capability.c ---- */

/* The list of CAPABILITY as it is in this state. */
void	 session_capabilities(const struct session *, struct buf *);

/* ---- input.c ---- */

enum input {
	INPUT_COMMAND,		/* one is in s->command */
	INPUT_AGAIN,		/* it was refused, and answered */
	INPUT_END		/* the client is gone or out of time */
};

/* Read the next command, with all its literals but APPEND's message. */
enum input input_command(struct session *);

/* Throw away n octets of a literal and what follows it up to the end of the
 * command.  false: the client is gone, or it is too much. */
bool	 input_skip(struct session *, uint64_t n);

/* After APPEND's message: the rest of the command, which must be empty.  1,
 * 0: it was not, -1 the client is gone. */
int	 input_finish(struct session *);

/* ---- sync.c ---- */

/* Tell what changed in the selected mailbox; expunge: numbers may fall. */
void	 sync_mailbox(struct session *, bool expunge);

/* Write "* n FETCH (FLAGS ...)" for a message. */
void	 sync_flags(struct session *, uint32_t seq);

/* Append flags and keywords of a message, or of the mailbox. */
void	 sync_write_flags(const struct session *, struct buf *,
	    const struct mailbox_msg *);
void	 sync_tell_flags(struct session *);

/* ---- args.c ---- */

/* Parse " mailbox": 1, or -1 with the lexer's error. */
int	 args_mailbox(struct imap_lex *, struct imap_string *);

struct numbers {
	uint32_t	*v;		/* sequence numbers, rising; owned */
	size_t		 n;
};

/* The messages a set names: sequence numbers, or UIDs when s->uid.  REPLY_OK,
 * or what to answer.  The set is resolved in place. */
enum reply numbers_resolve(struct session *, struct imap_set *,
	    struct numbers *);
/* Parse " sequence-set" and resolve it. */
enum reply numbers_parse(struct session *, struct imap_lex *,
	    struct numbers *);
void	 numbers_free(struct numbers *);

#endif
