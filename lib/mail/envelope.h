/* SPDX-License-Identifier: ISC
 *
 * The envelope of a message in the spool, and its file: a few readable lines.
 *
 *	stdmail-envelope 1
 *	sender alice@example.org	("<>" is the null one)
 *	arrived 1763700000
 *	auth alice
 *	ip 192.0.2.1
 *	uid 1000			(of a program on this host that handed
 *					 it over, by the kernel's word)
 *	with ESMTPSA
 *	body 8BITMIME
 *	own yes				(of a person or program of this host,
 *					 not forwarded: may be signed)
 *	expanded sales@example.org
 *	utf8 yes			(RFC 6531)
 *	requiretls yes			(RFC 8689)
 *	ret HDRS			(RFC 3461, as the next three)
 *	envid QQ314159
 *	hold 1763701000			(RFC 4865: not sent before)
 *	by 1763703600 R			(DELIVERBY: the moment; R or N, T behind
 *					 it when a trace is wanted)
 *	skip 87				(octets before the message in its file)
 *	to Q bob@example.net
 *	notify SUCCESS,FAILURE		(of the recipient before it)
 *	orcpt rfc822;bob@example.com
 *	to D carol@example.com
 *	end
 *	tried 1763700031 0 4.2.0 mx.example.net[192.0.2.1] 451 mailbox busy
 *	warned 1763714400
 *	held 1763720000 1763730000
 *	did 1763700031 1 D 5a0c2f61b7d3e894 2.0.0 delivered
 *
 * All lines up to "end" are written once, by the message's creator.  Then only
 * the letter behind "to" is overwritten in place, and "tried" lines (time,
 * which recipient from 0, words: struct envelope_words) and "warned" lines
 * (the sender was told then that it is delayed) are appended by the queue's
 * agent, "held" lines (a person kept it back from then until then) by who
 * releases it.  A
 * last line without its LF was torn by a crash and is not there.  Text in a
 * value is escaped (\\, \n, \xHH): a line is a line.
 *
 * Nothing here opens a file; that is mail/spool.h.
 */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "grammar/address.h"
#include "grammar/smtp_command.h"
#include "grammar/smtp_reply.h"

#define ENVELOPE_MAX	(64u << 20)	/* bytes of a file that is read */
#define ENVELOPE_TEXT	1000		/* of a reply that is kept */
#define ENVELOPE_REASON	(68u << 10)	/* of a person's words */
#define ENVELOPE_HOST	320		/* "mx.example.net[192.0.2.1]" */
#define ENVELOPE_TLS	128		/* of what protected an attempt */
#define ENVELOPE_KEY	17		/* of a place, NUL included */

/* The letter behind "to". */
enum envelope_status {
	ENVELOPE_QUEUED = 'Q',		/* to be delivered */
	ENVELOPE_TRYING = 'T',		/* its agent is at the point where it
					 * may be delivered already; found so at
					 * start: it may be doubled, log that */
	ENVELOPE_DELIVERED = 'D',	/* on disk there, or taken by a host */
	ENVELOPE_REPORT = 'S',		/* as DELIVERED; the report that was
					 * asked for is owed */
	ENVELOPE_EXPANDED = 'X',	/* others are in the spool in its
					 * place; and the same */
	ENVELOPE_FAILED = 'F',		/* for good; its bounce is owed */
	ENVELOPE_BOUNCED = 'B'		/* its bounce is in the spool, or was
					 * not to be made */
};

/* When a recipient's fate is told; none of them: as for FAILURE and DELAY. */
#define ENVELOPE_NEVER		((unsigned)SMTP_NOTIFY_NEVER)
#define ENVELOPE_SUCCESS	((unsigned)SMTP_NOTIFY_SUCCESS)
#define ENVELOPE_FAILURE	((unsigned)SMTP_NOTIFY_FAILURE)
#define ENVELOPE_DELAY		((unsigned)SMTP_NOTIFY_DELAY)

/* What of the message a report holds. */
enum envelope_ret {
	ENVELOPE_RET_NONE = SMTP_RET_NONE,	/* not said */
	ENVELOPE_RET_FULL = SMTP_RET_FULL,
	ENVELOPE_RET_HDRS = SMTP_RET_HDRS
};

struct envelope_rcpt {
	struct address		 addr;
	unsigned		 notify;	/* ENVELOPE_* */
	char			*orcpt;		/* type;address, decoded; NULL
						 * none; owned */
	enum envelope_status	 status;
	size_t			 at;	/* where in the file the letter is */
	unsigned		 tries;	/* "tried" lines so far */
	int64_t			 last;	/* time of the last one, 0 none */
	char			*reply;	/* its words; NULL none; owned */
};

/* A place that a recipient's mail goes to, and that is settled. */
struct envelope_did {
	size_t		 rcpt;		/* from 0 */
	enum envelope_status status;	/* DELIVERED or FAILED */
	char		 key[ENVELOPE_KEY];
	char		*words;		/* owned */
};

/* Strings are NULL or owned by the envelope. */
struct envelope {
	struct address	 sender;	/* null: a bounce, never bounced */
	int64_t		 arrived;	/* seconds since 1970 */
	char		*auth;		/* who authenticated */
	char		*ip;		/* of the client */
	char		*uid;		/* of a local one, in decimal */
	char		*with;		/* trace_with() */
	char		*expanded;	/* the recipients are what this address
					 * stands for, and stand for themselves
					 */
	int		 own;		/* submitted here, by someone who may
					 * speak for this host: may be signed */
	enum smtp_body	 body;		/* as MAIL said */
	int		 utf8;		/* SMTPUTF8 */
	int		 requiretls;
	enum envelope_ret ret;
	char		*envid;		/* decoded */
	int64_t		 hold;		/* since 1970; 0 none */
	int64_t		 by;		/* DELIVERBY: since 1970; 0 none */
	char		 by_mode;	/* 'R' return it then, 'N' tell then */
	int		 by_trace;
	int64_t		 warned;	/* since 1970; 0 never */
	int64_t		 held;		/* seconds that people kept it back,
					 * which its age does not count */
	int64_t		 held_until;	/* the end of the last of them */
	uint64_t	 skip;		/* octets of the file that are not of
					 * the message */
	struct envelope_rcpt *rcpts;
	size_t		 nrcpts;
	struct envelope_did *did;
	size_t		 ndid;
};

/* Empty; nothing is allocated. */
void	 envelope_init(struct envelope *);
void	 envelope_free(struct envelope *);

/* Add a recipient, queued.  0, or -1 no memory. */
int	 envelope_add(struct envelope *, const struct address *);

/* Set one of auth, ip, uid, with, expanded, envid, orcpt: a copy of the text,
 * or NULL.  0, -1. */
int	 envelope_set(char **field, const char *text);

/* Append the lines up to and with "end" (statuses as they are, their "at"
 * is set).  0, or -1 as buf_add(). */
int	 envelope_write(struct buf *, struct envelope *);

/* Append one "tried" line.  text is cut at ENVELOPE_REASON.  0, or -1. */
int	 envelope_tried(struct buf *, size_t rcpt, int64_t when,
	    const char *text);

/* Read a file's text.  e is initialised.  1; 0 it is malformed, and *line
 * (from 1) is where; -1 no memory.  After 0 and -1 e is empty. */
int	 envelope_parse(struct envelope *, const char *, size_t n,
	    unsigned *line);

/* Append a "warned" line.  0, or -1. */
int	 envelope_warned(struct buf *, int64_t when);

/* Append a "held" line.  0, or -1. */
int	 envelope_held(struct buf *, int64_t since, int64_t until);

/* Append a "did" line: its words are cut at ENVELOPE_TEXT.  0, or -1. */
int	 envelope_add_did(struct buf *, const struct envelope_did *,
	    int64_t when);

/* Keep one in the struct; words are copied.  0, or -1 no memory. */
int	 envelope_keep_did(struct envelope *, const struct envelope_did *);

/* What became of this place; NULL: it is owed. */
const struct envelope_did *envelope_find_did(const struct envelope *,
	    size_t rcpt, const char *key);

/* Add such a time to e->held: what lies before the message, its "hold" or the
 * end of an earlier one counts not. */
void	 envelope_add_held(struct envelope *, int64_t since, int64_t until);

/*
 * The words of a "tried" line, of what was said at one attempt:
 *
 *	words = status SP host [SP "tls=" tls] [SP reply]
 *	host  = "-" / name ["[" address "]"]	; "-": no other host spoke
 *	tls   = "none" / version "/" cipher "/" verified
 *
 * tls is there since a host was spoken to; "verified" says how its name was
 * proved: "dane", "sts", "pkix" or "no" (e.g.
 * "TLSv1.3/TLS_AES_256_GCM_SHA384/dane"); it has no space in it.  Words that
 * begin with no status are all reply.
 */
struct envelope_words {
	char		 status[SMTP_STATUS_MAX];	/* "" none */
	char		 host[ENVELOPE_HOST];		/* "" none */
	char		 tls[ENVELOPE_TLS];		/* "" not said */
	const char	*reply;		/* within the text; "" none */
};

/* Take text apart; NULL has no words. */
void	 envelope_words_parse(struct envelope_words *, const char *text);

/* Put them together, cut to size; host and tls may be "".  Returns to. */
char	*envelope_words_text(char *to, size_t size, const char *status,
	    const char *host, const char *tls, const char *reply);

/*
 * What happened to a message: the lines behind "end", one after the other.
 */
enum envelope_what {
	ENVELOPE_TRIED,
	ENVELOPE_WARNED,
	ENVELOPE_HELD,
	ENVELOPE_DID
};

struct envelope_event {
	enum envelope_what what;
	int64_t		 when;		/* HELD: since then */
	int64_t		 until;		/* HELD */
	size_t		 rcpt;		/* TRIED, DID: from 0 */
	char		*words;		/* TRIED, DID: owned by the caller */
	enum envelope_status status;	/* DID */
	char		 key[ENVELOPE_KEY];	/* DID */
};

/* Read the line from p to its end, without LF.  1; 0 it is none, or was torn;
 * -1 no memory. */
int	 envelope_event_parse(struct envelope_event *, const char *p,
	    const char *end);

/* The first line behind "end" in a file's text, or text + n. */
const char *envelope_history(const char *text, size_t n);

/* How many recipients have this status. */
size_t	 envelope_count(const struct envelope *, enum envelope_status);

/* Is he still to be tried: not delivered, not failed? */
int	 envelope_is_owed(const struct envelope_rcpt *);

/* Is nothing owed to anyone any more? */
int	 envelope_done(const struct envelope *);

/* Is the sender to be told this of the recipient: one of ENVELOPE_SUCCESS,
 * FAILURE, DELAY? */
int	 envelope_wants(const struct envelope_rcpt *, unsigned what);

/* Is there one recipient and nothing that the two lines of a message's own
 * cannot say (mail/spool.h)? */
int	 envelope_is_plain(const struct envelope *);

#endif
