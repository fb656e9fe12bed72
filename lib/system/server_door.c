/* SPDX-License-Identifier: ISC
 *
 * The two kinds of children, from fork to their end.  Whatever the parent
 * has open is closed here but for a named few; a door loses its rights before
 * it reads the first byte.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "system/log.h"
#include "system/memory.h"
#include "system/privilege.h"
#include "system/proxy.h"
#include "system/sandbox.h"
#include "system/server_local.h"

#define KEEP_MAX	8
#define PROXY_SECONDS	10
#define DOOR_FILES	64	/* descriptors it may have */

static volatile sig_atomic_t stopping, busy;
static int stop_fd = -1, stop_null = -1;
static int answer_sock = -1;
static bool answered;

/* _exit() leaves nothing of the parent's half done; a build that measures
 * coverage has to write it. */
static void __attribute__((noreturn))
child_exit(int code)
{
#if defined(SANDBOX_WIDE) && !defined(__SANITIZE_ADDRESS__)
	exit(code);
#else
	_exit(code);
#endif
}

static int
compare_fd(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Close every descriptor above 2 that is not in keep[]. */
static void
close_others(int *keep, size_t n)
{
	unsigned from = STDERR_FILENO + 1;
	size_t i;

	qsort(keep, n, sizeof(keep[0]), compare_fd);
	for (i = 0; i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		if (keep[i] > (int)from)
			(void)close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	(void)close_range(from, ~0u, 0);
}

/* 0, 1 and 2 are the parent's: a listening socket, a terminal. */
static void
detach(bool in, bool out)
{
	if (in)
		dup2(server_loop.null, STDIN_FILENO);
	if (out)
		dup2(server_loop.null, STDOUT_FILENO);
	if (log_fd() != STDERR_FILENO)
		dup2(server_loop.null, STDERR_FILENO);
}

/*
 * SIGTERM.
 */

/* Make the client's descriptor read as at its end. */
static void
cut_input(void)
{
	if (stop_fd != -1 && shutdown(stop_fd, SHUT_RD) == -1 &&
	    stop_null != -1)
		dup2(stop_null, stop_fd);
}

static void
on_stop(int signo)
{
	int saved = errno;

	(void)signo;
	stopping = 1;
	if (!busy)
		cut_input();
	errno = saved;
}

static void
catch_stop(void)
{
	struct sigaction sa = { .sa_handler = on_stop };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
}

bool
server_stopping(void)
{
	return stopping != 0;
}

void
server_busy(bool now)
{
	busy = now;
	if (!now && stopping)
		cut_input();
}

void
server_stop_fd(int fd)
{
	if (stop_null == -1)
		stop_null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	stop_fd = fd;
	catch_stop();
	if (stopping && !busy)
		cut_input();
}

/* Tables of the loop: a page that it writes to after the fork would otherwise
 * stay here as it was. */
static void
drop_tables(void)
{
	proc_drop();
	client_drop();
	call_drop();
	helper_drop();
}

static void
die_of_stop(void)
{
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_IGN);
}

static void
child_signals(void)
{
	sigset_t none;

	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * The door.
 */

/* Read who the client is, and have the monitor count it.  0 go on. */
static int
meet_proxy(struct server_session *s)
{
	struct server *server = server_loop.server;
	struct server_verdict verdict;
	struct server_named named;
	const char *text;
	uint32_t status;
	int fds[2];
	int r;

	memset(&named, 0, sizeof(named));
	r = proxy_read(s->in, server->proxy_seconds == 0 ? PROXY_SECONDS :
	    server->proxy_seconds, &named.peer, &named.local);
	if (r == -1) {
		log_warn("proxy", "error=\"no good header\"");
		return -1;
	}
	if (message_send(s->monitor, SERVER_OP_PROXY, &named, sizeof(named),
	    NULL, 0, 0) == -1 || message_recv(s->monitor, &status, &verdict,
	    sizeof(verdict), fds, 0) != (ssize_t)(sizeof(struct server_head) +
	    sizeof(verdict)))
		return -1;
	if (r == 1) {
		s->peer = named.peer;
		if (named.local.kind == PEER_INET)
			s->local = named.local;
		log_peer(s->peer.ip);
	}
	if (!verdict.refused)
		return 0;
	text = server->refuse == NULL ? NULL : server->refuse(verdict.why);
	if (text != NULL)
		(void)send(s->out, text, strlen(text), MSG_NOSIGNAL);
	return -1;
}

/* Whose it is is known. */
static void
door_named(struct server_session *s)
{
	stop_fd = s->in;
	catch_stop();
	log_peer(s->peer.ip);
}

/* Forked ahead: wait for the one connection.  None is to come when the
 * monitor lets go. */
static void
door_wait(struct server_session *s, bool *proxy)
{
	static struct server_visit v;
	uint32_t word;
	int fds[2];

	if (message_recv(s->monitor, &word, &v, sizeof(v), fds, 0) !=
	    (ssize_t)(sizeof(struct server_head) + sizeof(v)) ||
	    fds[0] == -1)
		child_exit(0);
	s->in = fds[0];
	s->out = fds[1] == -1 ? fds[0] : fds[1];
	s->peer = v.peer;
	s->local = v.local;
	strlcpy(s->listener, v.listener, sizeof(s->listener));
	*proxy = v.proxy;
	door_named(s);
}

/* Who gets descriptors from the monitor must not hoard them: each may be a
 * file that takes room and has no name. */
static int
limit_files(void)
{
	struct rlimit few = { DOOR_FILES, DOOR_FILES };

	if (setrlimit(RLIMIT_NOFILE, &few) == 0)
		return 0;
	/* valgrind keeps the hard limit, for descriptors of its own. */
	if (errno != EPERM || getrlimit(RLIMIT_NOFILE, &few) == -1)
		return -1;
	few.rlim_cur = DOOR_FILES;
	return setrlimit(RLIMIT_NOFILE, &few);
}

void
door_main(struct server_conn *c, int in, int out, int monitor)
{
	struct server *server = server_loop.server;
	struct server_session s = { .in = in, .out = out,
	    .monitor = monitor, .server = server };
	int keep[] = { in, out, monitor, log_fd(), server_loop.null };
	bool proxy = c != NULL && c->proxy;
	pid_t parent = getppid();

	if (c != NULL) {
		s.peer = c->peer;
		s.local = c->local;
		strlcpy(s.listener, c->listener, sizeof(s.listener));
	}
	detach(in != STDIN_FILENO, out != STDOUT_FILENO &&
	    in != STDOUT_FILENO);
	close_others(keep, sizeof(keep) / sizeof(keep[0]));
	stop_null = server_loop.null;
	if (c != NULL)
		door_named(&s);
	else
		die_of_stop();
	child_signals();
	drop_tables();
	if (server->forget != NULL)
		server->forget();
	if (privilege_drop(server->door_uid, server->door_gid) == -1) {
		log_error("door", "error=%s", log_str(strerror(errno)));
		child_exit(EX_OSERR);
	}
	/* when the monitor dies, sessions end with their 421 */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == -1 ||
	    getppid() != parent)
		child_exit(EX_OSERR);
	if (limit_files() == -1 || sandbox_door() == -1) {
		log_error("door", "error=%s", log_str(strerror(errno)));
		child_exit(EX_OSERR);
	}
	if (c == NULL)
		door_wait(&s, &proxy);
	if (!proxy || meet_proxy(&s) == 0)
		server->session(&s);
	child_exit(0);
}

int
server_ask(struct server_session *s, unsigned op, const void *request,
    void *reply, const int *fds, size_t nfds, int *fd)
{
	const struct server_op *o = &s->server->ops[op];
	uint32_t status = SERVER_FAILED;
	int got[2];
	ssize_t r;

	if (fd != NULL)
		*fd = -1;
	if (message_send(s->monitor, op, request, o->request, fds, nfds,
	    0) == -1)
		return -1;
	r = message_recv(s->monitor, &status, reply, o->reply, got, 0);
	if (fd != NULL)
		*fd = got[0];
	else if (got[0] != -1)
		close(got[0]);
	if (got[1] != -1)
		close(got[1]);
	if (r == (ssize_t)sizeof(struct server_head) &&
	    status == SERVER_FAILED) {
		memset(reply, 0, o->reply);
		return 1;
	}
	return r == (ssize_t)(sizeof(struct server_head) + o->reply) ? 0 : -1;
}

/*
 * The helper.
 */

static unsigned char request[SERVER_MESSAGE_MAX];
static const struct server_op *answers;	/* the op that runs here */

int
server_become_door(void)
{
	return privilege_drop(server_loop.server->door_uid,
	    server_loop.server->door_gid);
}

int
server_answer(struct server_call *call)
{
	const struct server_op *o = answers;
	int r;

	if (answered)
		return 0;
	answered = true;
	r = message_send(answer_sock, SERVER_DONE, call->reply, o->reply,
	    &call->fd, call->fd == -1 ? 0 : 1, 0);
	if (call->fd != -1)
		close(call->fd);
	call->fd = -1;
	if (o->flags & SERVER_STAYS) {
		explicit_bzero(request, sizeof(request));
		memory_drop(request, sizeof(request));
	}
	return r;
}

/* Forked ahead: wait for the work.  None is to come when the monitor lets
 * go. */
static void
helper_wait(int sock, struct server_call *call)
{
	static unsigned char reply[SERVER_MESSAGE_MAX];
	static struct server_job job;
	struct server *server = server_loop.server;
	uint32_t op = 0;
	int fds[2];

	if (message_recv(sock, &op, &job, sizeof(job), fds, 0) !=
	    (ssize_t)(sizeof(struct server_head) + offsetof(struct server_job,
	    data) + server->data_size) || op >= server->nops)
		child_exit(0);
	answers = &server->ops[op];
	call->reply = reply;
	call->fds[0] = call->fds[1] = call->fd = -1;
	call->peer = &job.visit.peer;
	call->local = &job.visit.local;
	call->listener = job.visit.listener;
	call->state = job.visit.state;
	call->data = job.data;
}

/* What the parent has open and will not be used here. */
static void
helper_close(int sock, const struct server_call *call)
{
	int keep[] = { sock, log_fd(), server_loop.null, call->fds[0],
	    call->fds[1] };

	detach(true, true);
	close_others(keep, sizeof(keep) / sizeof(keep[0]));
}

void
helper_main(struct server_conn *c, int sock)
{
	struct server_call call = { .fds = { -1, -1 } };
	uint32_t word;
	int fds[2];

	if (c != NULL) {
		call = c->pending->call;
		call.reply = c->pending->reply;
		answers = &server_loop.server->ops[c->pending->op];
	}
	helper_close(sock, &call);
	stop_null = server_loop.null;
	answer_sock = sock;
	die_of_stop();
	child_signals();
	drop_tables();
	if (c == NULL)
		helper_wait(sock, &call);
	if (answers->flags & SERVER_STAYS)
		catch_stop();
	log_peer(call.peer->ip);
	/* the request comes by the socket: its memory is not inherited */
	if (message_recv(sock, &word, request, answers->request, fds, 0) !=
	    (ssize_t)(sizeof(struct server_head) + answers->request))
		child_exit(EX_SOFTWARE);
	call.request = request;
	answers->run(&call);
	(void)server_answer(&call);
	explicit_bzero(request, sizeof(request));
	child_exit(0);
}
