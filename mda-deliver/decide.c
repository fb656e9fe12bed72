/* SPDX-License-Identifier: ISC
 *
 * Where a user's rules are run: as the user, in a process that reaches his home
 * and his mailbox alone.  One that has become the owner of all mailboxes, or
 * that root did not start, does it by itself.  What comes back is a plan that
 * the user may have forged: it leads to nothing that he could not do.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message_local.h"
#include "rules.h"
#include "system/fdio.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"

#define DECIDE_SECONDS	60

static void
later(struct plan *p, const char *why)
{
	plan_free(p);
	p->kind = PLAN_TEMPORARY;
	snprintf(p->error, sizeof(p->error), "the rules cannot be run: %s",
	    why);
}

static void
run_rules(struct work *w, size_t i, struct plan *p)
{
	const struct spool_message *m = w->m;
	const struct target *t = &w->targets[i];
	struct address before;
	const struct rules_mail mail = {
		.fd = m->fd,
		.start = m->start,
		.size = m->size - m->start,
		.from = &m->env.sender,
		.to = &m->env.rcpts[i].addr,
		.original = target_original(w, &before),
		.extension = t->folder,
		.queued = m->item.id[0] != '\0',
		.precious = t->precious,
	};

	rules_decide(w->settings, t->user, t->rules, &mail, p);
}

static int
confine_to_home(const struct work *w, const struct user *u)
{
	char places[RULES_PLACES][PATH_MAX], anchor[PATH_MAX];
	size_t i, n = rules_places(w->settings, u, places);
	struct sandbox_path paths[RULES_PLACES + 1];

	for (i = 0; i < n; i++)
		paths[i] = (struct sandbox_path){ places[i], SANDBOX_WRITE };
	paths[n] = (struct sandbox_path){ deliver_anchor(anchor, u->mailbox),
	    SANDBOX_WRITE };
	return sandbox_mailbox(paths, n + 1);
}

/* In the child: the plan to fd. */
static int
tell(struct work *w, size_t i, int fd)
{
	const struct user *u = w->targets[i].user;
	struct plan p;
	struct buf b;

	(void)alarm(DECIDE_SECONDS);
	if (privilege_drop(u->uid, u->gid) == -1 ||
	    confine_to_home(w, u) == -1)
		return 1;
	plan_init(&p);
	run_rules(w, i, &p);
	buf_init(&b, PLAN_PACKED_MAX);
	return plan_pack(&b, &p, NULL) == -1 ||
	    fd_write_all(fd, b.data, b.len) == -1;
}

/* What the child wrote: 0, -1. */
static int
hear(int fd, struct plan *p)
{
	struct stat st;
	char *text;
	size_t n;
	int r = -1;

	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size == 0 || (uint64_t)st.st_size > PLAN_PACKED_MAX) {
		errno = EBADMSG;
		return -1;
	}
	n = (size_t)st.st_size;
	if ((text = malloc(n)) == NULL)
		return -1;
	if (fd_pread_all(fd, text, n, 0) == (ssize_t)n &&
	    (r = plan_unpack(p, text, n)) == 0)
		errno = EBADMSG;
	free(text);
	return r == 1 ? 0 : -1;
}

static void
run_as_user(struct work *w, size_t i, struct plan *p)
{
	int fd = memfd_create("plan", MFD_CLOEXEC), saved;
	pid_t pid;

	if (fd == -1) {
		later(p, strerror(errno));
		return;
	}
	if ((pid = fork()) == 0)
		_exit(tell(w, i, fd));
	if (pid == -1)
		later(p, strerror(errno));
	else if (wait_child(pid) != 0)
		later(p, "their process ended too early");
	else if (hear(fd, p) == -1) {
		saved = errno;
		plan_init(p);
		later(p, strerror(saved));
	}
	close(fd);
}

/* Who shares his account with others may not run programs with its rights. */
static bool
shares_account(const struct work *w, const struct user *u)
{
	return !u->system && w->spool != NULL && w->spool->uid == 0 &&
	    u->uid == w->spool->owner[SPOOL_LOCAL];
}

static void
check_programs(struct work *w, size_t i)
{
	struct plan *p = &w->targets[i].plan;
	size_t k;

	for (k = 0; k < p->n; k++)
		if (p->v[k].kind == DEST_PROGRAM &&
		    shares_account(w, w->targets[i].user)) {
			plan_free(p);
			p->kind = PLAN_BROKEN;
			strlcpy(p->error, "users of one account may name no "
			    "programs", sizeof(p->error));
			return;
		}
}

void
decide(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];

	plan_free(&t->plan);
	if (t->rules == 0)
		return;
	if (geteuid() == 0)
		run_as_user(w, i, &t->plan);
	else
		run_rules(w, i, &t->plan);
	check_programs(w, i);
}
