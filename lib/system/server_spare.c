/* SPDX-License-Identifier: ISC
 *
 * Children forked ahead while connections follow one another closely: a fork,
 * the loss of rights and the sandbox are then behind a door before its peer
 * is there.  Each serves one connection or one request, as those that are
 * forked on demand do, and is gone with it.  One that waits has read no byte
 * of anybody; what it inherited must still be true, so all go when a
 * certificate, the users or the settings changed, and when it is quiet again.
 */
#include <sys/socket.h>

#include <stdlib.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/server_local.h"

#define RUSH		8	/* connections in a row make one */
#define WANTED		2	/* of a kind */
#define RUSH_GAP	250	/* ms, at most between two of them */
#define KEEP		2000	/* ms after the last */

struct spare {
	TAILQ_ENTRY(spare)	 link;
	struct proc		 proc;	/* of neither conn nor helper */
	int			 sock;	/* our end of its socket pair */
};
TAILQ_HEAD(spare_list, spare);

static struct spare_list spares[SPARE_KINDS] = {
	[SPARE_DOOR] = TAILQ_HEAD_INITIALIZER(spares[SPARE_DOOR]),
	[SPARE_HELPER] = TAILQ_HEAD_INITIALIZER(spares[SPARE_HELPER]),
};
static size_t have[SPARE_KINDS];
static unsigned in_a_row;
static int64_t last;		/* ms, of the last connection */

static void
spare_free(struct spare *s, enum spare_kind kind)
{
	TAILQ_REMOVE(&spares[kind], s, link);
	have[kind]--;
	proc_gone(&s->proc);
	free(s);
}

void
spare_drop(void)
{
	struct spare *s;
	int kind;

	for (kind = 0; kind < SPARE_KINDS; kind++)
		while ((s = TAILQ_FIRST(&spares[kind])) != NULL) {
			close(s->sock);		/* it sees that, and ends */
			spare_free(s, (enum spare_kind)kind);
		}
}

void
server_changed(void)
{
	spare_drop();
}

void
spare_gone(struct proc *p)
{
	struct spare *s;
	int kind;

	for (kind = 0; kind < SPARE_KINDS; kind++)
		TAILQ_FOREACH(s, &spares[kind], link)
			if (&s->proc == p) {
				log_warn("spare", "pid=%d error=\"died\"",
				    (int)p->pid);
				close(s->sock);
				spare_free(s, (enum spare_kind)kind);
				in_a_row = 0;	/* no fork after fork */
				return;
			}
}

int
spare_take(enum spare_kind kind, pid_t *pid)
{
	struct spare *s = TAILQ_FIRST(&spares[kind]);
	int sock;

	if (s == NULL)
		return -1;
	sock = s->sock;
	*pid = s->proc.pid;
	spare_free(s, kind);
	return sock;
}

static int
spare_fork(enum spare_kind kind)
{
	struct spare *s = calloc(1, sizeof(*s));
	int sv[2];
	pid_t pid;

	if (s == NULL)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1) {
		free(s);
		return -1;
	}
	if ((pid = fork()) == 0) {
		if (kind == SPARE_DOOR)
			door_main(NULL, -1, -1, sv[1]);
		helper_main(NULL, sv[1]);
	}
	close(sv[1]);
	if (pid == -1) {
		close(sv[0]);
		free(s);
		return -1;
	}
	s->sock = sv[0];
	TAILQ_INSERT_TAIL(&spares[kind], s, link);
	have[kind]++;
	proc_add(&s->proc, pid);
	return 0;
}

void
spare_connection(int64_t now)
{
	in_a_row = now - last > RUSH_GAP ? 0 : in_a_row + 1;
	last = now;
}

static bool
lacks(enum spare_kind kind)
{
	unsigned flag = kind == SPARE_DOOR ? SERVER_AHEAD_DOORS :
	    SERVER_AHEAD_HELPERS;

	return server_loop.server->ahead & flag && have[kind] < WANTED;
}

bool
spare_missing(void)
{
	return in_a_row >= RUSH && server_loop.accepting &&
	    (lacks(SPARE_DOOR) || lacks(SPARE_HELPER));
}

/* One, and then it is looked again whether anybody waits for us. */
void
spare_refill(void)
{
	enum spare_kind kind = lacks(SPARE_DOOR) ? SPARE_DOOR : SPARE_HELPER;

	if (server_loop.server->prepare != NULL)
		server_loop.server->prepare();
	if (spare_fork(kind) == -1)
		in_a_row = 0;		/* not now */
}

int64_t
spare_next_due(void)
{
	return have[SPARE_DOOR] + have[SPARE_HELPER] == 0 ? 0 : last + KEEP;
}

void
spare_due(int64_t now)
{
	int64_t due = spare_next_due();

	if (due == 0 || due > now)
		return;
	in_a_row = 0;
	spare_drop();
}
