/* SPDX-License-Identifier: ISC
 *
 * The accept loop, which is the monitor of all its sessions.
 *
 *	door     forked for each connection, its own uid, no files, inside
 *	         sandbox_door(): runs server->session(), reads the network;
 *	         while many come in a row a few are forked ahead
 *	monitor  this loop, with the starter's privilege: answers fixed-size
 *	         requests from one table, never parses a peer's bytes, and
 *	         never blocks
 *	helper   forked by the monitor for one request that may block: hashes
 *	         a password, asks NSS or DNS, opens a mailbox; bounded in
 *	         number, with a deadline.  It may go on living as the mailbox
 *	         process, and then counts as part of its session.
 *
 * One connection (inetd, a pipe) is the same loop with one session and no
 * listener; it returns when that session is over.
 *
 * An operation (struct server_op) has up to three functions:
 *	check(call)  in the monitor: may this be?  May fill the reply and
 *	             return 0: run and done are then left out.
 *	run(call)    the work; in a helper with SERVER_HELPER, else in the
 *	             monitor (short metadata calls only)
 *	done(call)   in the monitor, when the reply is there: remember what
 *	             it means (call->state, call->data)
 * What a helper changes in its memory is lost; only reply and fd come back.
 */
#ifndef SYSTEM_SERVER_H
#define SYSTEM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "system/activate.h"

struct server_call;

#define SERVER_HELPER	0x01	/* run() runs in a forked helper */
#define SERVER_STAYS	0x02	/* the helper goes on after server_answer():
				 * its deadline then no longer counts */
#define SERVER_FD_IN	0x04	/* the request brings one or two descriptors */
#define SERVER_FD_OUT	0x08	/* the reply may bring one */
#define SERVER_LOGIN	0x10	/* a guess at a password: done() calls
				 * server_login(); see call->locked */

#define SERVER_MESSAGE_MAX 16384 /* bytes of a request or reply */
/* What may be forked ahead. */
#define SERVER_AHEAD_DOORS	0x01
#define SERVER_AHEAD_HELPERS	0x02	/* that do not stay.  What they stand
					 * on is server_changed() when it did;
					 * data, as small as this, holds no
					 * pointers: */
#define SERVER_AHEAD_DATA	12288

struct server_op {
	const char	*name;		/* for the log */
	size_t		 request;	/* exact size, 0 allowed */
	size_t		 reply;		/* exact size, 0 allowed */
	unsigned	 states;	/* bit mask: (1u << state) | ... */
	unsigned	 max;		/* how often in a session; 0 no limit */
	unsigned	 flags;
	int		(*check)(struct server_call *);	/* or NULL */
	void		(*run)(struct server_call *);	/* or NULL */
	void		(*done)(struct server_call *);	/* or NULL */
};

/* A request, as op functions see it.  request is the peer's side of a wall:
 * any byte in it may be chosen by an attacker; strings in it may lack their
 * NUL.  It is wiped after done(). */
struct server_call {
	const void	*request;	/* op->request bytes */
	void		*reply;		/* op->reply bytes, zeroed before */
	int		 fds[2];	/* SERVER_FD_IN, else -1; we close */
	int		 fd;		/* SERVER_FD_OUT: set it; -1 none; the
					 * server closes it after sending */
	const struct peer *peer;	/* as the monitor knows it */
	const struct peer *local;
	const char	*listener;	/* its name, or "" */
	unsigned	 state;		/* 0 at first; monitor may set it */
	void		*data;		/* server->data_size bytes, zeroed at
					 * first: the monitor's memory of
					 * this session (read-only copy in a
					 * helper) */
	bool		 locked;	/* SERVER_LOGIN: too many failures of
					 * this address; check() must refuse */
	struct server_conn *conn;	/* the monitor's own */
};

/* Why a connection was refused at the door. */
enum server_refusal {
	SERVER_FULL,		/* max_sessions */
	SERVER_ADDRESS_FULL,	/* max_per_address */
	SERVER_STOPPING,	/* SIGTERM */
	SERVER_NO_FORK,		/* out of processes or memory */
	SERVER_TOO_FAST		/* server->admit() said no */
};

/* What the door has. */
struct server_session {
	int		 in, out;	/* the client; the same for sockets */
	int		 monitor;	/* used by server_ask() */
	struct peer	 peer;		/* after PROXY, when there was one */
	struct peer	 local;
	char		 listener[64];
	const struct server *server;
};

struct server {
	const char	*name;
	const struct server_op *ops;
	size_t		 nops;
	size_t		 data_size;
	unsigned	 ahead;		/* what may be forked ahead */

	/* limits; reload() may change them */
	size_t		 max_sessions;		/* 0: none */
	size_t		 max_per_address;	/* 0: none; UNIX exempt */
	size_t		 max_helpers;		/* at once; 0: 32 */
	unsigned	 helper_seconds;	/* deadline; 0: 60 */
	size_t		 max_login_failures;	/* of an address; 0: none */
	unsigned	 idle_exit;		/* seconds; 0: stay */
	unsigned	 stop_seconds;		/* after SIGTERM; 0: 30 */
	const struct conf_nets *proxy_from;	/* may be NULL */
	unsigned	 proxy_seconds;		/* for its header; 0: 10 */

	uid_t		 door_uid;	/* used when we are root */
	gid_t		 door_gid;

	/* In the parent before each fork of a door: renew the certificate
	 * when it changed.  Must be quick.  Or NULL. */
	void		(*prepare)(void);
	/* In the parent, of each client (the one a PROXY header names): may it
	 * come now?  Must be quick.  Or NULL. */
	bool		(*admit)(const struct peer *);
	/* In the door, first of all: give back memory of the parent that no
	 * session may have, such as the users' hashes.  Or NULL. */
	void		(*forget)(void);
	/* In the door, after it lost its rights and inside sandbox_door(): the
	 * whole session.  Returning ends the process with exit code 0. */
	void		(*session)(struct server_session *);
	/* In the monitor when the session and its helpers are gone: unlink
	 * what it left.  Or NULL. */
	void		(*ended)(struct server_call *);
	/* SIGHUP: reread; may change this struct.  Or NULL. */
	void		(*reload)(struct server *);
	/* What a refused client is told, CRLF included; NULL or "": nothing
	 * (as it must be when the client expects TLS first). */
	const char	*(*refuse)(enum server_refusal);
};

/* Serve what activate found until it is over: SIGTERM, idle_exit, or the end
 * of the one session.  Installs signal handling and raises the limit of
 * descriptors.  argv is what main got: after several sessions died by a signal
 * the loop executes itself again, keeping its sockets.  Returns the exit code
 * for main; EX_OSERR with a log line when it could not start. */
int	 server_run(struct server *, struct activate *, char *const *argv);

/* What children inherit has changed (a certificate, users): those that were
 * forked ahead go.  A reload does that by itself. */
void	 server_changed(void);

/*
 * In the door.
 */

/* Ask the monitor: send op (index in the table) with its request, wait, fill
 * reply (ops[op].reply bytes).  fds (nfds 0 to 2) go along, *fd gets the
 * descriptor of the answer or -1; both may be NULL/0.  0; 1 the helper died,
 * was too late, or there was no memory: a temporary failure, the reply is all
 * zero; -1 the monitor is gone or refused, and the session must end with its
 * 421. */
int	 server_ask(struct server_session *, unsigned op, const void *request,
	    void *reply, const int *fds, size_t nfds, int *fd);

/* Has SIGTERM arrived?  Outside server_busy() the signal also makes the
 * client's descriptor read as at its end, so that a session that waits for a
 * command wakes, and then asks this to know why.  Also for a mailbox process,
 * which names its descriptor by server_stop_fd(). */
bool	 server_stopping(void);

/* While busy (in DATA) the signal only sets the flag.  Calls do not nest. */
void	 server_busy(bool);
void	 server_stop_fd(int fd);

/*
 * In check, run and done.
 */

/* From a helper with SERVER_STAYS: send the reply (and fd) now, and go on; the
 * request is wiped. */
int	 server_answer(struct server_call *);

/* In a helper: become the door's user, when we are root, before it talks to
 * the network.  0, or -1 with errno. */
int	 server_become_door(void);

/* From done() of a SERVER_LOGIN op: did it succeed?  Failures hold the reply
 * back: 1 s, 2 s, 4 s ... 16 s, counted for the address for 10 minutes. */
void	 server_login(struct server_call *, bool good);

/* From check or done: the request was such that no honest door sends it.
 * Logged; the session is killed. */
void	 server_violation(struct server_call *, const char *what);

#endif
