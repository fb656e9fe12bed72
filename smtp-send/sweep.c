/* SPDX-License-Identifier: ISC
 *
 * Closing at leisure.  A sweeper opens nothing and is told nothing: it closes
 * what it is handed, syncs the folders that it was born with, and ends with
 * its socket.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "close_others.h"
#include "sweep.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/sandbox.h"

union control {
	struct cmsghdr	align;
	char		data[CMSG_SPACE(SWEEP_FDS * sizeof(int))];
};

void
sweep_init(struct sweep *s, const struct spool *spool)
{
	memset(s, 0, sizeof(*s));
	s->spool = spool;
}

/* ---- the process ---- */

/* Receive some and close them; 1, 0 the end. */
static int
sweep_some(int sock)
{
	union control control;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int fds[SWEEP_FDS];
	size_t i, n;
	ssize_t got;

	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (got == -1 && errno == EINTR);
	if (got != 1 || (c = CMSG_FIRSTHDR(&msg)) == NULL ||
	    c->cmsg_type != SCM_RIGHTS)
		return got == 1;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	for (i = 0; i < n; i++)
		close(fds[i]);
	return 1;
}

static int
sweep_main(const struct spool *sp, int sock)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	struct sigaction sa = { .sa_handler = SIG_IGN };
	int now = openat(sp->now[SPOOL_REMOTE], ".", flags), env = -1;

	if (sp->sync_names)
		env = openat(sp->env[SPOOL_REMOTE], ".", flags);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGHUP, &sa, NULL);
	close_others((int[]){ sock, log_fd(), now, env }, 4);
	if (now == -1 || sandbox_door() == -1)
		return EX_OSERR;
	while (sweep_some(sock) == 1)
		if (fsync(now) == -1 || (env != -1 && fsync(env) == -1))
			log_error("sync", "error=%s",
			    log_str(strerror(errno)));
	return 0;
}

/* ---- the agent ---- */

static int
start(struct sweep *s, unsigned i)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	if ((s->pids[i] = fork()) == 0)
		_exit(sweep_main(s->spool, pair[1]));
	close(pair[1]);
	if (s->pids[i] == -1) {
		s->pids[i] = 0;
		close(pair[0]);
		return -1;
	}
	s->socks[i] = pair[0];
	return 0;
}

static void
bury(struct sweep *s, unsigned i)
{
	if (s->pids[i] == 0)
		return;
	close(s->socks[i]);
	while (waitpid(s->pids[i], NULL, 0) == -1 && errno == EINTR)
		;
	s->pids[i] = 0;
}

/* Hand them over; 0, or -1 nobody takes them now. */
static int
hand_over(struct sweep *s)
{
	union control control = { .data = { 0 } };
	struct iovec iov = { (char[]){ 0 }, 1 };
	size_t len = s->n * sizeof(int);
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *c = &control.align;
	unsigned i = s->next++ % SWEEPERS;

	if (s->pids[i] == 0 && start(s, i) == -1)
		return -1;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), s->fds, len);
	if (sendmsg(s->socks[i], &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == 1)
		return 0;
	if (errno == EPIPE)
		bury(s, i);
	return -1;
}

void
sweep_add(struct sweep *s, struct spool_message *m)
{
	sweep_run(s, false);
	if (s->n == 0)
		s->since = clock_ms();
	s->fds[s->n++] = m->fd;
	s->fds[s->n++] = m->env_fd;
	m->fd = m->env_fd = -1;
}

void
sweep_run(struct sweep *s, bool force)
{
	bool many = s->n == SWEEP_FDS, ours;

	if (s->n == 0 || (!many && !force && clock_ms() - s->since < SWEEP_MS))
		return;
	ours = !many || hand_over(s) == -1;
	while (s->n > 0)
		close(s->fds[--s->n]);
	if (ours && spool_vanish_sync(s->spool, SPOOL_REMOTE) == -1)
		log_error("sync", "error=%s", log_str(strerror(errno)));
}

void
sweep_end(struct sweep *s)
{
	unsigned i;

	sweep_run(s, true);
	for (i = 0; i < SWEEPERS; i++)
		if (s->pids[i] != 0)
			(void)shutdown(s->socks[i], SHUT_WR);
	for (i = 0; i < SWEEPERS; i++)
		bury(s, i);
}
