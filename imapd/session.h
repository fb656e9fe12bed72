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
#include "grammar/imap_names.h"
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
struct imap_append;
struct notify;

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
	long long	 synced;	/* when it was last told, in ms */
	bool		 has_literal;	/* octets of a message follow */
	uint64_t	 literal;	/* how many */
	bool		 literal_sync;	/* and whether they wait to be asked */
	const struct imap_append *append;	/* where APPEND is; or NULL */
	unsigned	 literals;	/* read into the command */
	struct buf	 code;		/* response code of the answer, without
					 * brackets; empty: that of the reply */
	const char	*why;		/* text of the answer; NULL: likewise */
	const char	*name;		/* the command's, for its answer */

	/* the door's */
	struct server_session *door;	/* NULL in the mailbox process */
	unsigned	 failures;	/* of logins */

	/* the mailbox process's */
	struct mailbox_root *root;
	struct imap_names names;	/* session_names() */
	struct mailbox	*box;		/* the selected one, or NULL */
	bool		 waiting;	/* it is looked at in a wait, and again
					 * when mailbox_watch() says */
	bool		 nomodseq;	/* it keeps none (RFC 7162 3.1.2.2) */
	bool		 own;		/* new messages may be our own */
	struct notify	*notify;	/* RFC 5465; NULL: it was never asked
					 * for */
	struct fetch_message *kept;	/* of it: the last one read, or NULL */
	struct mailbox	*target;	/* that of the last APPEND, or NULL */
	unsigned	 targeted;	/* by so many in a row */
	struct imap_set	 saved;		/* "$": UIDs, of those that are still
					 * here (RFC 5182) */
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

/* The same, and the client is told: RFC 9051 section 3 (6), 7.1. */
void	 session_closed(struct session *);

/* Write down what was learnt of the mailbox that is selected, for later
 * sessions. */
void	 session_learn(struct session *);

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

/* Read the next command, with all its literals; up to the octets of a message
 * when it is one that takes them itself. */
enum input input_command(struct session *);

/* Those octets were taken: the next piece of the command, up to its end or
 * more such octets.  INPUT_AGAIN: it was refused and answered, the whole
 * command with it. */
enum input input_piece(struct session *);

/* Throw away n octets of a literal and what follows it up to the end of the
 * command.  false: the client is gone, or it is too much. */
bool	 input_skip(struct session *, uint64_t n);

/* ---- sync.c ---- */

/* What is said of a message unasked. */
enum {
	SYNC_FLAGS = 1,
	SYNC_UID = 2,
	SYNC_MODSEQ = 4
};

/* What this client is to be told when the flags of messages changed (RFC 7162
 * 3.2.4, RFC 9051 7.5.2): SYNC bits.  Modification sequences are on disk by
 * then, or not among them. */
unsigned sync_what(struct session *);

/* Tell what changed in the selected mailbox; expunge: numbers may fall.  If it
 * is gone, nothing is selected then, or the session over. */
void	 sync_mailbox(struct session *, bool expunge);

/* Append "* n FETCH (", or what a client that knows UIDs alone is told. */
void	 sync_begin(const struct session *, struct buf *, uint32_t seq,
	    uint32_t uid);

/* Write "* n FETCH (...)" for a message. */
void	 sync_message(struct session *, uint32_t seq, unsigned what);

/* Append flags and keywords of a message, or of the mailbox. */
void	 sync_write_flags(const struct session *, struct buf *,
	    const struct mailbox_msg *);
void	 sync_tell_flags(struct session *);

/* ---- modseq.c ---- */

/* A command that enables CONDSTORE (RFC 7162 3.1) is run: for the first time
 * with a mailbox selected HIGHESTMODSEQ is told.  REPLY_OK, or what to answer:
 * the mailbox keeps none. */
enum reply modseq_enable(struct session *);

/* Whether modification sequences may be told now: the client is aware of them
 * and they are on disk. */
bool	 modseq_ready(struct session *);

/* "* OK [HIGHESTMODSEQ n]" or NOMODSEQ of the mailbox just selected. */
void	 modseq_tell(struct session *);

/* Append "HIGHESTMODSEQ n" as the code of the tagged answer, where RFC 7162
 * 3.2.7 wants it. */
void	 modseq_code(struct session *);

/*
 * "* VANISHED (EARLIER)": those of these UIDs (resolved; NULL: all) that were
 * expunged since; and of those whose expunge nobody remembers, those beyond
 * the UID known.  REPLY_OK, or what to answer.
 */
enum reply modseq_vanished(struct session *, const struct imap_set *uids,
	    uint64_t since, uint32_t known);

/* ---- names.c ---- */

/* How names of mailboxes look to this client now: for imap_lex.names. */
const struct imap_names *session_names(struct session *);

/* Append a name of a mailbox, as mailbox.h has it, to an answer: an astring in
 * the client's form.  And what reply_mailbox_name() writes between quotes if
 * it has to, without them. */
void	 reply_mailbox_name(struct session *, struct buf *, const char *name);
void	 reply_wire_name(struct session *, struct buf *, const char *wire,
	    size_t);

/* ---- notify.c ---- */

/* Message events the client is to be told of in the selected mailbox; delayed:
 * expunges only while a command runs that allows it. */
unsigned notify_selected(const struct session *, bool *delayed);
/* What is to be sent of new messages there, or NULL. */
struct imap_fetch;
const struct imap_fetch *notify_fetch(const struct session *);

/* Tell what happened elsewhere. */
void	 notify_tell(struct session *);
/* A command of ours changes names or subscriptions: what others did before is
 * told, and what it did is no news. */
void	 notify_before_own(struct session *);
void	 notify_own(struct session *);
/* A command of ours put n messages, so many unseen, into a mailbox: no news
 * either (RFC 5465 section 5). */
void	 notify_own_messages(struct session *, const char *name,
	    uint32_t first, uint32_t n, uint32_t unseen);

/* What to wait for, added to w: the selected mailbox and all others. */
struct notify_watch {
	int		 fd[STREAM_WAKE_MAX];
	size_t		 n;
	int		 ms;		/* until the next look */
};
void	 notify_watch(struct session *, struct notify_watch *);

void	 notify_free(struct session *);

/* ---- args.c ---- */

/* Parse " mailbox", which becomes a name as mailbox.h has it: 1, or -1 with
 * the lexer's error. */
int	 args_mailbox(struct imap_lex *, struct imap_string *);


struct numbers {
	uint32_t	*v;		/* sequence numbers, rising; owned */
	size_t		 n;
};

/* The messages a set names: sequence numbers, or UIDs when s->uid.  REPLY_OK,
 * or what to answer.  The set is resolved in place. */
enum reply numbers_resolve(struct session *, struct imap_set *,
	    struct numbers *);
/* Parse " sequence-set" and resolve it; into a set of the caller's, who must
 * imap_set_init() and free it. */
enum reply numbers_parse_set(struct session *, struct imap_lex *,
	    struct imap_set *, struct numbers *);
/* The same for who does not need the set. */
enum reply numbers_parse(struct session *, struct imap_lex *,
	    struct numbers *);
void	 numbers_free(struct numbers *);

#endif
