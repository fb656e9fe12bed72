/* SPDX-License-Identifier: ISC
 *
 * What the files of smtpd share: the program, a session, its requests to the
 * monitor.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include <stdbool.h>
#include <stdint.h>

#include "grammar/address.h"
#include "grammar/sasl.h"
#include "grammar/smtp_command.h"
#include "grammar/smtp_data.h"
#include "mail/login_scram.h"
#include "mail/recipient.h"
#include "mail/settings.h"
#include "mail/spool.h"
#include "mail/users.h"
#include "system/dns.h"
#include "system/server.h"
#include "system/stream.h"
#include "system/tls.h"

#define HOLD_MAX	7776000	/* seconds a message is held: 90 days */

enum mode { MODE_MX, MODE_SUBMISSION, MODE_LMTP };

/* What the parent prepared and every session inherits. */
struct smtpd {
	enum mode	   mode;
	int		   tls_first;	/* -T */
	struct settings	  *settings;
	struct users	  *users;
	struct tables	  *tables;
	struct spool	   spool;
	bool		   spool_open;
	struct tls_server *tls;		/* NULL: no certificate configured */
	bool		   scram;	/* every user has keys for it */
};

extern struct smtpd smtpd;

/*
 * Requests.  Fixed size; the monitor believes no byte of them.
 */
enum op {
	OP_AUTH,		/* is this the password? */
	OP_SCRAM_FIRST,		/* a challenge for this name */
	OP_SCRAM_FINAL,		/* is this the proof? */
	OP_SENDER,		/* may who logged in send as this address? */
	OP_BEGIN,		/* a transaction: forget the one before */
	OP_RCPT,		/* may this recipient be? */
	OP_RCPT_ASK,		/* the same, when it said RCPT_IS_ASK */
	OP_EXPAND,		/* who is this, and who is behind it? */
	OP_REVERSE,		/* the peer's name, confirmed */
	OP_MILTER,		/* a connection to a milter */
	OP_POLICY,		/* may a stranger go on? */
	OP_LOOKUP,		/* what the DNS says of him and his sender */
	OP_DRAFT,		/* an unnamed file: its descriptor */
	OP_FILTER,		/* run the filter on it */
	OP_CREATE,		/* a spool file: its descriptor */
	OP_ENVELOPE,		/* its envelope file's descriptor */
	OP_SEAL_ENVELOPE,
	OP_SEAL,
	OP_COMMIT,
	OP_DELIVER,		/* LMTP: the draft to this recipient, now */
	OPS
};

enum {
	STATE_ANYBODY,
	STATE_SCRAM,		/* between a challenge and its proof */
	STATE_AUTHENTICATED
};

struct auth_request {
	char	 login[SASL_NAME_MAX + 1];
	char	 password[SASL_PASSWORD_MAX + 1];
	uint32_t password_len;
};

struct auth_reply {
	enum login_verdict verdict;
	char		  account[USERS_NAME_MAX]; /* from a helper to
						* the monitor only */
};

struct proof_reply {
	struct login_scram_final_reply scram;
	char		  account[USERS_NAME_MAX];	/* likewise */
};

struct sender_request {
	struct address addr;
};

enum sender_verdict {
	SENDER_IS_GOOD = 1,
	SENDER_IS_FOREIGN,	/* somebody else's, or nobody's */
	SENDER_IS_LATER
};

struct sender_reply {
	enum sender_verdict verdict;
};

struct begin_request {
	uint64_t size;		/* as MAIL said, else 0 */
	uint32_t again;		/* the same message, with other recipients */
};

struct status_reply {
	int32_t	error;		/* errno, 0 good */
};

struct rcpt_request {
	struct address addr;
};

enum rcpt_verdict {
	RCPT_IS_LOCAL = 1,	/* one mailbox */
	RCPT_IS_LIST,		/* mda-deliver will find more behind it */
	RCPT_IS_REMOTE,		/* and may be relayed */
	RCPT_IS_UNKNOWN,
	RCPT_IS_REFUSED,	/* remote, and this client may not relay */
	RCPT_IS_FULL,		/* its mailbox is */
	RCPT_IS_ASK,		/* a helper must find out */
	RCPT_IS_FROZEN,		/* the account had too many in the hour */
	RCPT_IS_LATER
};

struct rcpt_reply {
	enum rcpt_verdict verdict;
	uid_t		  owner;	/* from a helper to the monitor only */
	uint32_t	  remember;	/* likewise */
};

struct expand_request {
	struct address addr;
	uint32_t list;		/* who is behind it? */
	uint32_t from;		/* of these, from this one */
};

struct expand_reply {
	enum rcpt_verdict verdict;
	uint32_t n;		/* addresses, each with a NUL */
	uint32_t more;		/* had no room */
	char	 text[15000];
};

struct reverse_reply {
	char name[DNS_NAME_MAX];
};

struct milter_request {
	uint32_t index;		/* in the key milter */
};

struct queue_request {
	uint32_t queue;		/* enum spool_queue */
};

struct create_request {
	uint32_t queue;
	uint16_t lines;		/* its envelope is its first lines ... */
	uint16_t own;		/* ... and it was submitted: see struct
				 * envelope */
	int64_t	 due;		/* not before then, 0 now */
};

struct create_reply {
	int32_t	error;
	char	id[SPOOL_ID_MAX];
};

struct seal_request {
	uint32_t queue;
	uint64_t size, wire;
	uint32_t crc;
};

#define DELIVER_SAID	8192	/* of what is said, NUL included */
#define DELIVER_DIED	(-1)

struct deliver_request {	/* and the draft's descriptor */
	struct address sender, rcpt;
};

struct deliver_reply {
	int32_t	status;		/* mda-deliver's exit code, or DELIVER_DIED */
	char	said[DELIVER_SAID];	/* its last line; or the last ones, when
					 * they have one status: this stands
					 * before the first, and LF between */
};

/* monitor.c: the table of struct server, and what becomes of a session that
 * ended. */
struct server_op *monitor_ops(void);
size_t	 monitor_data_size(void);
void	 monitor_ended(struct server_call *);
/* Before a fork: whether SCRAM can be offered. */
void	 monitor_judge_scram(void);

/* monitor_deliver.c: the seconds that a delivery by LMTP may take. */
unsigned deliver_term(void);

/* monitor_milter.c */
int	 milter_check(struct server_call *);
void	 milter_run(struct server_call *);

/* May this client send on without a login, and are its line ends forgiven?
 * Asked in the monitor and in the session alike. */
bool	 client_is_trusted(const struct peer *);
/* In mode lmtp: may this one come at all? */
bool	 client_may_lmtp(const struct peer *);

/*
 * The session.
 */
enum session_state {
	SESSION_START,		/* no HELO or EHLO yet */
	SESSION_GREETED,
	SESSION_MAIL,		/* MAIL taken */
	SESSION_RCPT,		/* at least one RCPT taken */
	SESSION_BDAT,		/* at least one chunk taken, not the last */
	SESSION_DENIED,		/* told so by 554 instead of the banner */
	SESSION_END		/* the connection closes */
};

struct rcpt {
	struct address	  addr;
	enum spool_queue  queue;
	bool		  list;		/* no mailbox */
	unsigned	  notify;	/* SMTP_NOTIFY_* */
	char		 *orcpt;	/* NULL none */
	bool		  delivered;	/* by LMTP */
};

struct session {
	struct server_session *server;
	struct stream	*stream;
	enum session_state state;
	bool		 trusted;
	bool		 lenient;	/* line ends are forgiven */
	bool		 esmtp, tls, authenticated;
	bool		 reverse_known;
	bool		 stranger;	/* policy.h applies */
	bool		 early;		/* spoke before the banner */
	bool		 swallow;	/* a bare LF: up to CRLF it is junk */
	char		 helo[256];
	char		 login[SASL_NAME_MAX + 1];
	char		 mechanism[32];
	char		 reverse[DNS_NAME_MAX];
	unsigned	 errors;
	unsigned	 delayed;	/* of them, those that were */
	unsigned	 messages;
	struct milters	*milters;	/* NULL: none are configured */
	/* of a transaction: */
	struct address	 sender;
	struct smtp_params mail;	/* of MAIL */
	int64_t		 due, by;	/* HOLDFOR, BY as moments; 0 none */
	struct rcpt	*rcpts;
	size_t		 nrcpts, maxrcpts;
	size_t		 nqueue[SPOOL_QUEUES];
	bool		 rcpts_again;	/* the monitor knows of others */
};

/* session.c */
void	 session_run(struct server_session *);
void	 session_reset(struct session *);	/* forget the transaction */
void	 session_end(struct session *);		/* close after this reply */
/* Too late?  Then it is said; false: something else ended the session. */
bool	 session_late(struct session *, enum stream_status);
int	 session_timeout(void);			/* of a command, in ms */
/* How it came, for trace fields: trace_with(). */
const char *session_with(const struct session *);
/* From here on SIGTERM waits until server_busy(false), and all that the client
 * sends can be read.  False: it came before; the client was told. */
bool	 session_busy(struct session *);
/* One line.  1; -1 it cannot be taken (too long, a bare LF), which was replied;
 * 0 the connection is over, and what can still be said was. */
int	 session_line(struct session *, size_t max, struct stream_line *);

/* An address as log_str() would give it; the null one as <>. */
const char *log_address(const struct address *);

/* command.c: obey one line. */
void	 command_line(struct session *, const struct stream_line *);

/* ehlo.c: the answer to EHLO; are all these parameters (SMTP_WITH_*) offered
 * now? */
void	 ehlo_reply(const struct session *);
bool	 ehlo_offers(const struct session *, unsigned params);

/* session_rcpts.c: add a recipient, of whom the monitor is not asked: 0, or
 * -1 no memory; take the i'th away. */
int	 session_rcpt_add(struct session *, const struct address *);
void	 session_rcpt_drop(struct session *, size_t i);

/* auth.c */
void	 auth_run(struct session *, const struct smtp_command *);
bool	 auth_offered(const struct session *);
/* Call fn for each mechanism. */
void	 auth_mechanisms(const struct session *, void (*)(const char *, void *),
	    void *);

/* incoming.c: the peer's name, once in a session. */
void	 session_learn_reverse(struct session *);

/* verify.c */
void	 verify_vrfy(struct session *, const struct smtp_command *);
void	 verify_expn(struct session *, const struct smtp_command *);

/* data.c, bdat.c */
void	 data_run(struct session *);
void	 bdat_run(struct session *, const struct smtp_command *);
void	 bdat_drop(void);		/* the message that is half here */

#endif
