/* SPDX-License-Identifier: ISC
 *
 * What the files of the server share, and nobody else sees.
 */
#ifndef SYSTEM_SERVER_LOCAL_H
#define SYSTEM_SERVER_LOCAL_H

#include <sys/queue.h>

#include <stdint.h>

#include "system/server.h"

/* What an epoll event is about. */
enum watch_kind { WATCH_SIGNAL, WATCH_LISTENER, WATCH_CONN, WATCH_HELPER };

struct watch {
	enum watch_kind	 kind;
	int		 fd;	/* -1 not watched */
};

/* A child process, found by its pid. */
struct proc {
	LIST_ENTRY(proc)	 link;
	pid_t			 pid;	/* 0 gone */
	struct server_conn	*conn;	/* NULL: one that waits */
	struct helper		*helper; /* NULL: the conn's door */
};

/* What is remembered of a client's address. */
struct client {
	LIST_ENTRY(client)	link;
	struct peer		peer;
	size_t			sessions;
	size_t			helpers;	/* running */
	unsigned		failures;	/* logins */
	int64_t			failed_at;	/* ms, the last one */
	unsigned		crashes;
	int64_t			barred_until;	/* ms */
	int64_t			told_at;	/* ms, a refusal in the log */
	unsigned long		untold;		/* refusals since then */
};

/* A request on its way. */
struct pending {
	unsigned		 op;
	struct server_call	 call;
	unsigned char		*request;
	unsigned char		*reply;
	int64_t			 due;	/* > 0: the reply is held until */
	bool			 failed; /* there is no reply */
};

struct helper {
	TAILQ_ENTRY(helper)	 link;
	struct watch		 watch;	/* our end of its socket pair */
	struct proc		 proc;
	struct server_conn	*conn;
	struct client		*client; /* counted there, NULL no more */
	bool			 answered;
	int64_t			 deadline; /* ms, 0 none */
};
TAILQ_HEAD(helper_list, helper);

struct server_conn {
	TAILQ_ENTRY(server_conn) link;
	TAILQ_ENTRY(server_conn) wait;	/* for a helper's turn */
	struct watch		 watch;	/* our end of the socket pair */
	struct proc		 door;
	struct peer		 peer;
	struct peer		 local;
	char			 listener[64];
	struct client		*client; /* counted there, or NULL */
	bool			 proxy;	/* a PROXY header is to come */
	bool			 waiting;
	unsigned		 state;
	void			*data;
	unsigned		*used;	/* of each op */
	struct pending		*pending;
	struct helper_list	 helpers; /* running or staying */
};
TAILQ_HEAD(conn_list, server_conn);

/* The loop.  There is one in a process. */
struct server_loop {
	struct server		*server;
	struct activate		*activate;
	char *const		*argv;
	int			 epoll;
	int			 null;		/* /dev/null */
	struct watch		 signals;
	struct watch		 listeners[ACTIVATE_LISTENERS];
	bool			 accepting;
	int64_t			 accept_again;	/* ms, 0 not paused */
	bool			 stopping;
	bool			 draining;	/* another process accepts */
	int64_t			 kill_at;	/* ms, when stopping */
	bool			 killed;
	int64_t			 idle_since;	/* ms */
	unsigned		 crashes;
	int			 exit_code;
	struct conn_list	 conns;
	struct conn_list	 waiting;
	size_t			 nconns;
	struct helper_list	 graveyard;	/* events may still name them */
	size_t			 nhelpers;	/* running, not staying */
	size_t			 nheld;		/* replies that wait */
	bool			 unsettled;	/* some session may be over */
};

extern struct server_loop server_loop;

/* A request on the wire: this, then the op's bytes; a reply likewise with a
 * status instead. */
struct server_head {
	uint32_t	word;
};

#define SERVER_OP_PROXY	0xffffffffu	/* who the PROXY header names */

struct server_named {			/* its request */
	struct peer	peer;
	struct peer	local;
};

struct server_verdict {			/* its reply */
	bool			refused;
	enum server_refusal	why;
};

/* What a child that was forked ahead is told: a door this, with the client's
 * descriptors; a helper the longer one, and then the request. */
struct server_visit {
	struct peer	peer;
	struct peer	local;
	char		listener[64];
	bool		proxy;
	unsigned	state;
};

struct server_job {
	struct server_visit visit;
	unsigned char	data[SERVER_AHEAD_DATA];	/* data_size of them */
};

enum { SERVER_DONE = 0, SERVER_FAILED = 1 };	/* status of a reply */

/* server.c */
int	 server_watch(struct watch *, enum watch_kind, int fd);
void	 server_unwatch(struct watch *);	/* closes */

/* server_client.c: addresses.  NULL when there is no memory. */
struct client *client_find(const struct peer *);
void	 client_forget(struct client *);	/* when nothing is left */
void	 client_failed_login(struct client *, int64_t now);
bool	 client_locked(const struct client *, size_t max, int64_t now);
int64_t	 client_delay(const struct client *);	/* ms */
void	 client_crashed(struct client *, int64_t now);
/* Log a refusal: a line for each address and minute, and how many had none. */
void	 client_refused(const struct peer *, enum server_refusal, int64_t now);
int64_t	 client_tell_due(void);	/* ms; 0: nothing is left untold */
void	 client_tell(int64_t now);
void	 client_drop(void);	/* in a child: it knows none */

/* server_proc.c: children by pid. */
void	 proc_add(struct proc *, pid_t);
void	 proc_gone(struct proc *);
struct proc *proc_find(pid_t);
void	 proc_drop(void);	/* in a child: it has none */

/* server_conn.c: the life of a session as the monitor sees it. */
int	 conn_start(int in, int out, const struct peer *,
	    const struct peer *local, const char *listener);
bool	 conn_admit(const struct peer *, enum server_refusal *);
bool	 conn_may(const struct peer *, enum server_refusal *);
/* Signal a child; root without CAP_KILL becomes the door's user for it. */
void	 proc_signal(pid_t, int signo);
void	 conn_kill(struct server_conn *, int signo);
void	 conn_door_gone(struct server_conn *, int status);
void	 conn_settle(struct server_conn *);	/* free when nothing is left */
int	 conn_count(struct server_conn *, const struct peer *);

/* server_call.c: requests. */
const struct server_op *call_op(const struct pending *);
void	 call_close_fds(int fds[2]);
void	 call_read(struct server_conn *);
/* The work is done: the monitor learns from it, then the door. */
void	 call_finish(struct server_conn *);
void	 call_due(int64_t now);		/* held replies, late helpers */
int64_t	 call_next_due(void);		/* ms, 0 none */
void	 call_free(struct server_conn *);
void	 call_drop(void);	/* in a child: it gets no requests */

/* server_helper.c: who works on them. */
void	 helper_start_waiting(void);	/* whose turn it is */
void	 helper_read(struct helper *);
void	 helper_gone(struct helper *);
void	 helper_drop(void);	/* in a child: it starts none */

/* server_message.c: between monitor and children.  One message with up to two
 * descriptors.  recv: its bytes, the head included; 0 end; -1; more than size
 * and a head when it is of another shape.  flags as for send(2): the monitor
 * never waits for a door that does not read. */
int	 message_send(int sock, uint32_t word, const void *, size_t n,
	    const int *fds, size_t nfds, int flags);
ssize_t	 message_recv(int sock, uint32_t *word, void *, size_t size,
	    int fds[2], int flags);

/* server_spare.c: children forked ahead. */
enum spare_kind { SPARE_DOOR, SPARE_HELPER, SPARE_KINDS };

int	 spare_take(enum spare_kind, pid_t *);	/* our end, or -1: none */
void	 spare_gone(struct proc *);
void	 spare_drop(void);
void	 spare_connection(int64_t now);		/* one has come */
bool	 spare_missing(void);
void	 spare_refill(void);
int64_t	 spare_next_due(void);			/* ms, 0 none */
void	 spare_due(int64_t now);

/* server_door.c: the children.  Without a conn they wait to be told. */
void	 door_main(struct server_conn *, int in, int out, int monitor)
	    __attribute__((noreturn));
void	 helper_main(struct server_conn *, int sock)
	    __attribute__((noreturn));

#endif
