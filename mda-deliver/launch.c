/* SPDX-License-Identifier: ISC
 *
 * The helper of a process that is confined: see launch.h.  It must never do
 * anything as root but fork, become a user and wait.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch.h"
#include "system/fdio.h"
#include "system/privilege.h"

struct launch {
	pid_t	pid;
	int	fd;
};

/* Behind it come len octets, a plan of one destination. */
struct request {
	size_t	work, rcpt, len;
	size_t	special;		/* of the list, from 1; 0: the user */
	struct address sender;		/* which may be known only now */
};

struct answer {
	int		left_out;
	struct outcome	outcome;
};

/* ---- in the helper ---- */

/* Who it is for, of those that there are; or NULL. */
static struct user *
find_user(const struct work *works, size_t n, const struct request *r)
{
	const struct target *t;

	if (r->work >= n || r->rcpt >= works[r->work].m->env.nrcpts)
		return NULL;
	t = &works[r->work].targets[r->rcpt];
	if (r->special == 0)
		return t->user;
	return t->specials != NULL && r->special <= t->list.nspecials ?
	    &t->specials[r->special - 1] : NULL;
}

/* What is asked for.  What an alias has is known: it is not to be said by who
 * asks, who may be another's by now. */
static const struct dest *
find_dest(struct target *t, const struct request *r, const char *plan)
{
	if (r->special != 0)
		return r->special <= t->plan.n ? &t->plan.v[r->special - 1] :
		    NULL;
	plan_init(&t->plan);
	return plan_unpack(&t->plan, plan, r->len) == 1 && t->plan.n == 1 ?
	    &t->plan.v[0] : NULL;
}

/* In a process of its own: become the user, then look. */
static int
serve(struct work *w, const struct request *r, struct user *u,
    const char *plan, int fd)
{
	struct target *t = &w->targets[r->rcpt];
	struct answer answer = { 0 };
	const struct dest *d;
	struct stat st;

	if (confine_open(w, fd) == -1 ||
	    privilege_drop(u->uid, u->gid) == -1 || geteuid() == 0)
		return 1;
	t->user = u;
	w->m->env.sender = r->sender;
	/* And so may its size. */
	if (fstat(w->m->fd, &st) == -1)
		return 1;
	w->m->size = (uint64_t)st.st_size;
	if ((d = find_dest(t, r, plan)) == NULL)
		return 1;
	answer.left_out = errand_run(w, r->rcpt, d, &answer.outcome);
	return fd_write_all(fd, &answer, sizeof(answer)) == -1;
}

/* To each request one answer, whatever the user does to his process: with two
 * of them the next one's would be taken for another's. */
static void
fork_server(struct work *w, const struct request *r, struct user *u,
    const char *plan, int fd)
{
	struct answer answer = { 0 };
	int ends[2], got = -1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == 0) {
		if ((pid = fork()) == 0)
			_exit(serve(w, r, u, plan, ends[1]));
		close(ends[1]);
		got = hear_child(pid, ends[0], &answer, sizeof(answer));
		close(ends[0]);
	}
	if (got == -1) {
		answer.left_out = 0;
		outcome_ended(&answer.outcome);
	}
	(void)fd_write_all(fd, &answer, sizeof(answer));
}

static void
help(struct work *works, size_t n, int fd)
{
	struct request r;
	struct user *u;
	char *plan;

	while (fd_read_all(fd, &r, sizeof(r)) == sizeof(r)) {
		if ((u = find_user(works, n, &r)) == NULL ||
		    r.len > PLAN_PACKED_MAX ||
		    (plan = malloc(r.len + 1)) == NULL)
			return;
		if (fd_read_all(fd, plan, r.len) == (ssize_t)r.len)
			fork_server(&works[r.work], &r, u, plan, fd);
		free(plan);
	}
}

/* ---- for the one that asks ---- */

struct launch *
launch_start(struct work *works, size_t n)
{
	struct launch *l = malloc(sizeof(*l));
	int ends[2];

	if (l == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    ends) == -1) {
		free(l);
		return NULL;
	}
	if ((l->pid = fork()) == 0) {
		close(ends[0]);
		help(works, n, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	l->fd = ends[0];
	if (l->pid == -1) {
		close(l->fd);
		free(l);
		return NULL;
	}
	return l;
}

static int
ask(struct launch *l, struct request *r, const struct buf *plan,
    struct answer *answer)
{
	r->len = plan->len;
	if (fd_write_all(l->fd, r, sizeof(*r)) == -1 ||
	    fd_write_all(l->fd, plan->data, plan->len) == -1)
		return -1;
	errno = EPIPE;
	return fd_read_all(l->fd, answer, sizeof(*answer)) ==
	    sizeof(*answer) ? 0 : -1;
}

int
launch_carry(struct work *w, size_t i, const struct dest *d,
    struct outcome *o)
{
	const struct target *t = &w->targets[i];
	struct request r = { .work = w->index, .rcpt = i,
	    .sender = w->m->env.sender,
	    .special = t->forward ? (size_t)(d - t->plan.v) + 1 : 0 };
	struct answer answer;
	int left_out = 0;
	struct buf b;

	buf_init(&b, PLAN_PACKED_MAX);
	errno = w->launch == NULL ? EPERM : ENOMEM;
	if (w->launch == NULL || plan_pack(&b, &t->plan, d) == -1 ||
	    ask(w->launch, &r, &b, &answer) == -1)
		outcome_errno(o, "the user's process", errno);
	else {
		*o = answer.outcome;
		outcome_measure(o);
		left_out = answer.left_out;
	}
	buf_free(&b);
	return left_out;
}

void
launch_end(struct launch *l)
{
	if (l == NULL)
		return;
	close(l->fd);
	(void)wait_child(l->pid);
	free(l);
}
