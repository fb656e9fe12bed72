/* SPDX-License-Identifier: ISC
 *
 * The loop: it accepts, forks, waits for children and requests, and never
 * blocks.  It must never read a byte that a peer sent.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/sandbox.h"
#include "system/server_local.h"

#define EVENTS		64
#define ACCEPTS		32		/* in a row, before others' turn */
#define ACCEPT_PAUSE	1000		/* ms, out of descriptors */
#define KILL_WAIT	2000		/* ms, for the killed to be gone */
#define CRASHES_MAX	5		/* then a new memory layout */

struct server_loop server_loop;

int
server_watch(struct watch *w, enum watch_kind kind, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = w };

	w->kind = kind;
	w->fd = fd;
	return epoll_ctl(server_loop.epoll, EPOLL_CTL_ADD, fd, &ev);
}

void
server_unwatch(struct watch *w)
{
	if (w->fd == -1)
		return;
	(void)epoll_ctl(server_loop.epoll, EPOLL_CTL_DEL, w->fd, NULL);
	close(w->fd);
	w->fd = -1;
	server_loop.unsettled = true;
}

/* Listen, or stop listening; the sockets stay open. */
static void
listen_on(bool on)
{
	struct server_loop *l = &server_loop;
	size_t i;

	if (on == l->accepting)
		return;
	for (i = 0; i < l->activate->n; i++) {
		if (on)
			(void)server_watch(&l->listeners[i], WATCH_LISTENER,
			    l->activate->listeners[i].fd);
		else
			(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL,
			    l->activate->listeners[i].fd, NULL);
	}
	l->accepting = on;
}

/* Tell a refused client why, if it takes it at once. */
static void
refuse(int fd, const struct peer *peer, enum server_refusal why)
{
	struct server *server = server_loop.server;
	const char *text;

	client_refused(peer, why, clock_ms());
	text = server->refuse == NULL ? NULL : server->refuse(why);
	if (text != NULL)
		(void)send(fd, text, strlen(text),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
accepted(int fd, const struct activate_listener *from)
{
	struct server *server = server_loop.server;
	struct peer peer, local;
	enum server_refusal why;

	if (activate_peer(fd, &peer, &local) == -1) {
		close(fd);
		return;
	}
	spare_connection(clock_ms());
	if (server->prepare != NULL)
		server->prepare();
	if (!conn_may(&peer, &why))
		refuse(fd, &peer, why);
	else if (conn_start(fd, fd, &peer, &local, from->name) == -1)
		refuse(fd, &peer, SERVER_NO_FORK);
	close(fd);
}

static void
accept_some(const struct activate_listener *from)
{
	int fd, i;

	for (i = 0; i < ACCEPTS; i++) {
		fd = accept4(from->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd != -1) {
			accepted(fd, from);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			log_warn("accept", "error=%s",
			    log_str(strerror(errno)));
			listen_on(false);
			server_loop.accept_again = clock_ms() +
			    ACCEPT_PAUSE;
			return;
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return;		/* nobody waits */
	}
}

static void
reap(void)
{
	struct server_conn *c;
	struct proc *p;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if ((p = proc_find(pid)) == NULL)
			continue;	/* of before we executed ourselves */
		if ((c = p->conn) == NULL) {
			spare_gone(p);
			continue;
		}
		proc_gone(p);
		if (p->helper != NULL)
			helper_gone(p->helper);
		else
			conn_door_gone(c, status);
	}
}

static void
stop(void)
{
	struct server_loop *l = &server_loop;
	struct server_conn *c;

	if (l->stopping)
		return;
	l->stopping = true;
	l->accept_again = 0;
	l->kill_at = clock_ms() + 1000LL *
	    (l->server->stop_seconds == 0 ? 30 : l->server->stop_seconds);
	if (!l->draining)
		listen_on(false);
	spare_drop();
	log_info("stop", "sessions=%zu", l->nconns);
	TAILQ_FOREACH(c, &l->conns, link)
		conn_kill(c, SIGTERM);
}

static void
take_signals(void)
{
	struct server *server = server_loop.server;
	struct signalfd_siginfo si;

	while (read(server_loop.signals.fd, &si, sizeof(si)) == sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGCHLD:
			reap();
			break;
		case SIGHUP:
			spare_drop();
			if (server->reload != NULL)
				server->reload(server);
			break;
		case SIGTERM:
		case SIGINT:
			stop();
			break;
		}
	}
}

static int
signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) == -1)
		return -1;
	return server_watch(&server_loop.signals, WATCH_SIGNAL, fd);
}

/* The process that stays behind when we execute ourselves: it answers the
 * sessions there are, which are not its children, until they are over. */
static void
drain(void)
{
	struct server_loop *l = &server_loop;
	size_t i;

	l->draining = true;
	l->accept_again = 0;
	for (i = 0; i < l->activate->n; i++)
		dup2(l->null, l->activate->listeners[i].fd);
	close(l->signals.fd);
	/* a signalfd wakes only the process that made it */
	if (signals_open() == -1)
		_exit(EX_OSERR);
}

static void
listeners_inherit(void)
{
	struct activate *a = server_loop.activate;
	char names[ACTIVATE_LISTENERS * 65] = "", number[24];
	size_t i;

	for (i = 0; i < a->n; i++) {
		(void)fcntl(a->listeners[i].fd, F_SETFD, 0);
		if (i > 0)
			strlcat(names, ":", sizeof(names));
		strlcat(names, a->listeners[i].name, sizeof(names));
	}
	if (a->n == 0 || a->listeners[0].fd == STDIN_FILENO)
		return;
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	snprintf(number, sizeof(number), "%zu", a->n);
	setenv("LISTEN_FDS", number, 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

/* Too many sessions died by a signal: somebody may be learning where things
 * are in memory.  A new image has another layout. */
static void
execute_again(void)
{
	struct server_loop *l = &server_loop;
	sigset_t none;
	pid_t pid;

	l->crashes = 0;
	log_error("restart", "reason=crashes sessions=%zu", l->nconns);
	listen_on(false);
	spare_drop();
	pid = l->nconns > 0 ? fork() : 1;
	if (pid == 0) {
		drain();
		return;
	}
	if (pid != -1) {
		listeners_inherit();
		sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		execv("/proc/self/exe", l->argv);
	}
	log_error("restart", "error=%s", log_str(strerror(errno)));
	if (pid > 1)
		kill(pid, SIGKILL);
	(void)signals_open();
	listen_on(true);
}

/* How long may we sleep?  ms, -1 for ever. */
static int
sleep_time(int64_t now)
{
	struct server_loop *l = &server_loop;
	int64_t due = call_next_due(), spare = spare_next_due();
	int64_t tell = client_tell_due();

	if (l->accept_again != 0 && (due == 0 || l->accept_again < due))
		due = l->accept_again;
	if (spare != 0 && (due == 0 || spare < due))
		due = spare;
	if (tell != 0 && (due == 0 || tell < due))
		due = tell;
	if (l->kill_at != 0 && (due == 0 || l->kill_at < due))
		due = l->kill_at;
	if (l->nconns == 0 && l->server->idle_exit > 0 &&
	    (due == 0 || l->idle_since + l->server->idle_exit * 1000LL < due))
		due = l->idle_since + l->server->idle_exit * 1000LL;
	if (due == 0)
		return -1;
	due -= now;
	return due < 0 ? 0 : due > 60000 ? 60000 : (int)due;
}

/* What the clock asks for.  true: the loop is over. */
static bool
timers(int64_t now)
{
	struct server_loop *l = &server_loop;
	struct server_conn *c;

	call_due(now);
	spare_due(now);
	client_tell(now);
	if (l->accept_again != 0 && l->accept_again <= now) {
		l->accept_again = 0;
		listen_on(true);
	}
	if (l->kill_at != 0 && l->kill_at <= now) {
		if (l->killed)
			return true;	/* who started us may kill the rest */
		l->killed = true;
		l->kill_at = now + KILL_WAIT;
		TAILQ_FOREACH(c, &l->conns, link)
			conn_kill(c, SIGKILL);
	}
	if (l->nconns > 0) {
		l->idle_since = now;
		return false;
	}
	if (l->stopping || l->draining ||
	    l->activate->kind == ACTIVATE_ONE)
		return true;
	if (l->server->idle_exit == 0 ||
	    l->idle_since + l->server->idle_exit * 1000LL > now)
		return false;
	log_info("idle", NULL);
	return true;
}

/* What was marked dead while events of this batch may still name it. */
static void
bury(void)
{
	struct server_conn *c, *next;
	struct helper *h;

	while ((h = TAILQ_FIRST(&server_loop.graveyard)) != NULL) {
		TAILQ_REMOVE(&server_loop.graveyard, h, link);
		free(h);
	}
	if (!server_loop.unsettled)
		return;
	server_loop.unsettled = false;
	for (c = TAILQ_FIRST(&server_loop.conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		conn_settle(c);
	}
}

static void
dispatch(struct watch *w)
{
	char *base = (char *)w;

	if (w->fd == -1)
		return;		/* closed earlier in this batch */
	switch (w->kind) {
	case WATCH_SIGNAL:
		take_signals();
		break;
	case WATCH_LISTENER:
		if (server_loop.accepting)
			accept_some(&server_loop.activate->listeners[w -
			    server_loop.listeners]);
		break;
	case WATCH_CONN:
		call_read((struct server_conn *)(void *)(base -
		    offsetof(struct server_conn, watch)));
		break;
	case WATCH_HELPER:
		helper_read((struct helper *)(void *)(base -
		    offsetof(struct helper, watch)));
		break;
	}
}

static int
run_loop(void)
{
	struct server_loop *l = &server_loop;
	struct epoll_event ev[EVENTS];
	bool spare;
	int n, i;

	for (;;) {
		if (timers(clock_ms()))
			return l->exit_code;
		if (l->crashes >= CRASHES_MAX && !l->draining &&
		    !l->stopping && l->activate->kind == ACTIVATE_LISTEN)
			execute_again();
		spare = spare_missing();
		n = epoll_wait(l->epoll, ev, EVENTS,
		    spare ? 0 : sleep_time(clock_ms()));
		if (n == -1 && errno != EINTR) {
			log_error("loop", "error=%s",
			    log_str(strerror(errno)));
			return EX_OSERR;
		}
		if (n == 0 && spare)
			spare_refill();		/* nobody waits for us */
		for (i = 0; i < n; i++)
			dispatch(ev[i].data.ptr);
		bury();
	}
}

static void
raise_descriptors(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

/* The one connection is the session's alone: we let go of it. */
static void
let_go(int in, int out)
{
	int null = server_loop.null;

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (log_fd() != STDERR_FILENO)
		dup2(null, STDERR_FILENO);
	if (in > STDERR_FILENO)
		close(in);
	if (out > STDERR_FILENO && out != in)
		close(out);
}

static int
start_one(struct server *server, struct activate *a)
{
	enum server_refusal why;

	if (server->prepare != NULL)
		server->prepare();
	if (!conn_admit(&a->peer, &why)) {
		refuse(a->out, &a->peer, why);
		return 0;
	}
	if (conn_start(a->in, a->out, &a->peer, &a->local, "") == -1) {
		log_error("start", "error=%s", log_str(strerror(errno)));
		return -1;
	}
	let_go(a->in, a->out);
	return 0;
}

int
server_run(struct server *server, struct activate *a, char *const *argv)
{
	struct server_loop *l = &server_loop;
	int code;

	memset(l, 0, sizeof(*l));
	l->server = server;
	l->activate = a;
	l->argv = argv;
	l->idle_since = clock_ms();
	TAILQ_INIT(&l->conns);
	TAILQ_INIT(&l->waiting);
	TAILQ_INIT(&l->graveyard);
	if (geteuid() == 0 && server->door_uid == 0) {
		log_error("start", "error=\"started as root without an "
		    "account for the door\"");
		return EX_CONFIG;
	}
	sandbox_probe();
	raise_descriptors();
	l->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->null == -1 || l->epoll == -1 || signals_open() == -1) {
		log_error("start", "error=%s", log_str(strerror(errno)));
		return EX_OSERR;
	}
	if (a->kind == ACTIVATE_ONE && start_one(server, a) == -1)
		return EX_OSERR;
	if (a->kind == ACTIVATE_LISTEN)
		listen_on(true);
	code = run_loop();
	client_tell(INT64_MAX);
	return code;
}
