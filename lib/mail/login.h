/* SPDX-License-Identifier: ISC
 *
 * From a password to a mailbox process, for pop3d and imapd: two operations of
 * the monitor, and how a session moves from the door to the process that is
 * its mailbox's owner.
 *
 *	door		login_password(): is it right?  The monitor remembers
 *			whose mailbox that is.
 *	door		login_open(): hand the session over.  What the client
 *			sent behind the login goes along.
 *	monitor		forks a helper: it becomes the owner, opens the tree,
 *			confines itself to it, calls login.open() and answers
 *	mailbox		login.session(), to its end.  In the clear it has the
 *			connection itself, and the door is done; under TLS, or
 *			with much input waiting, the door relays octets.
 *
 * When it cannot be opened nothing has happened: the door goes on and says so.
 * With -p there is neither door nor monitor: login_local().  The program
 * fills in `login` and its main() is login_main().
 */
#ifndef MAIL_LOGIN_H
#define MAIL_LOGIN_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "mail/login_scram.h"
#include "mail/mailbox.h"
#include "mail/settings.h"
#include "mail/users.h"
#include "system/server.h"
#include "system/stream.h"
#include "system/tls.h"

#define LOGIN_HELLO_MAX	256	/* octets a program sends along */
#define LOGIN_INPUT_MAX	4096	/* pending input sent along */

/* What the mailbox process has. */
struct login_mailbox {
	struct stream		*stream;	/* the session's from now on:
						 * to stream_close() */
	struct mailbox_root	*root;		/* likewise, to close */
	const char		*user;		/* for the log; "" with -p */
	struct quota_limits	 quota;		/* the user's; unset with -p */
	const char		*imap_hide;	/* likewise; "" */
	const struct peer	*peer;		/* NULL with -p */
	char			 hello[LOGIN_HELLO_MAX]; /* of login_open() */
	size_t			 hello_len;
	void			*data;		/* from open to session */
};

/* The program's part, set before login_main(); and what that prepared. */
struct login {
	const char	*name;		/* "pop3d" */
	const char	*summary;	/* for the help */
	/* In the door: the session until login_open(), or its end. */
	void	(*door)(struct server_session *);
	/* As server->refuse. */
	const char *(*refuse)(enum server_refusal);
	/*
	 * In the mailbox process, before the answer: lock it, read it.
	 * Anything but MAILBOX_OK is what login_open() returns in the door,
	 * and ends this process (all it has is closed by its end).  Or NULL.
	 */
	enum mailbox_status (*open)(struct login_mailbox *);
	/* Before that and the sandbox: mailbox_root_alone(). */
	bool	alone;
	/* The whole session; it greets the client first. */
	void	(*session)(struct login_mailbox *);

	/* By login_main(); the first two are NULL in a mailbox process. */
	struct users		*users;
	struct tls_server	*tls;		/* NULL: no certificate */
	struct settings		*settings;
	int			 tls_first;	/* -T */
	bool			 scram;		/* every user has keys for it */
};

extern struct login login;

/*
 * The whole of main() for such a program: options (-T, -p MAILBOX and the
 * common ones), settings, certificate, users, and the server or, with -p, the
 * one session.  A reload replaces all of it or nothing.  Returns the exit
 * code.
 */
int	 login_main(int argc, char **argv);

enum login_op {
	LOGIN_OP_PASSWORD,
	LOGIN_OP_OPEN,
	LOGIN_OP_SCRAM_FIRST,
	LOGIN_OP_SCRAM_FINAL,
	LOGIN_NOPS
};

enum {
	LOGIN_STATE_FRESH,
	LOGIN_STATE_SCRAM,	/* between a challenge and its proof */
	LOGIN_STATE_KNOWN,
	LOGIN_STATE_OPEN
};

/* The monitor's memory of a session: who the last right password was of. */
struct login_owner {
	char		name[USERS_NAME_MAX];
	uid_t		uid;
	gid_t		gid;
	char		mailbox[PATH_MAX];
	struct quota_limits quota;
	char		imap_hide[256];
};

struct login_memory {
	struct login_owner owner;
	struct login_scram scram;
};

struct login_password_request {
	char		login[SASL_NAME_MAX + 1];
	char		password[SASL_PASSWORD_MAX + 1];
	uint32_t	password_len;
};

struct login_password_reply {
	enum login_verdict verdict;
	struct login_owner owner;	/* for the monitor alone */
};

struct login_proof_reply {
	struct login_scram_final_reply scram;
	struct login_owner owner;	/* for the monitor alone */
};

struct login_open_request {
	uint32_t	hello_len, input_len;
	char		hello[LOGIN_HELLO_MAX];
	char		input[LOGIN_INPUT_MAX];
};

struct login_open_reply {
	enum mailbox_status status;
};

extern const struct server_op login_ops[LOGIN_NOPS];

/* login.c: in the monitor, read the users again when their file changed. */
void	 login_refresh(void);

/* ---- in the door ---- */

/* May a password be sent now: under TLS, where nobody else can listen (a pipe,
 * loopback, a UNIX socket; not what a proxy passes on), or because the
 * administrator allows it. */
bool	 login_private(const struct server_session *, const struct stream *);

/* Are the words of this mechanism offered on this stream?  As auth_mechanisms
 * says, and SCRAM-SHA-256 when every user has keys for it; its PLUS form
 * where there is something to bind it to. */
bool	 login_offers(const struct stream *, enum sasl_mechanism);

/* Call fn for each mechanism offered, the strongest first. */
void	 login_mechanisms(const struct stream *,
	    void (*fn)(const char *, void *), void *);

/*
 * A SASL exchange: sasl_begin() and sasl_step(), the monitor being asked when
 * SCRAM needs it to be.  SASL_DONE comes also when it said no, which
 * login_password() then returns.
 */
enum sasl_result login_sasl_begin(struct server_session *, struct stream *,
	    struct sasl *, enum sasl_mechanism, const char *initial,
	    size_t len);
enum sasl_result login_sasl_step(struct server_session *, struct stream *,
	    struct sasl *, const char *, size_t);

/* Ask for name and password of a finished SASL exchange, or of LOGIN and
 * USER/PASS: fill in authcid and password.  What was answered before goes out
 * first, since a wrong password is answered late.  Acting for another
 * (authzid) is LOGIN_WRONG.  The struct is wiped.  Logs the result. */
enum login_verdict login_password(struct server_session *, struct stream *,
	    struct sasl *);

/*
 * After LOGIN_GOOD: flush, and hand the session over with hello (n <=
 * LOGIN_HELLO_MAX) for it.  MAILBOX_OK: the session is held elsewhere and over
 * for the door: the stream has been freed (under TLS this returns when the
 * session has ended).  Else the stream is as it was.
 */
enum mailbox_status login_open(struct server_session *, struct stream *,
	    const void *hello, size_t n);

/* A stream on the client, with TLS shaken when -T says so; login.tls is NULL
 * then, for STLS and STARTTLS there is nothing left.  NULL: logged, the door
 * ends. */
struct stream *login_stream(struct server_session *);

/* STLS, STARTTLS: login.tls shakes hands, and is wiped and NULL.  0; -1:
 * logged, the stream can only be freed. */
int	 login_starttls(struct stream *);

/* ---- with -p ---- */

/*
 * A session on in and out, authenticated, on the tree at path: opens it,
 * confines this process to it, and runs login.open() and login.session().
 * With -T it shakes hands first, and the key is wiped.  Returns the exit code;
 * what is wrong was logged.
 */
int	 login_local(const char *path, int in, int out);

#endif
