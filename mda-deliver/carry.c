/* SPDX-License-Identifier: ISC
 *
 * A message to one of the places that a plan names: the mailbox, a folder, the
 * spool for those elsewhere.  It must never write to a mailbox with more rights
 * than its owner's.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "carry.h"
#include "folder.h"
#include "forward.h"
#include "bundle.h"
#include "launch.h"
#include "system/fdio.h"
#include "system/log.h"
#include "system/privilege.h"
#include "warning.h"

/* ---- the fast way ---- */

/* What a copy of the same message left in tmp/ when it was killed. */
static void
drop_remains(const struct spool_message *m, const struct user *u,
    const char *maildir)
{
	char path[PATH_MAX + SPOOL_ID_MAX + 8];
	struct spool_as as;

	snprintf(path, sizeof(path), "%s/tmp/%s", maildir, m->item.id);
	if (spool_as(&as, u->uid, u->gid) == 0) {
		(void)unlink(path);
		spool_as_end(&as);
	}
}

/* Is there room in the Maildir?  What cannot be found out is no reason against
 * it. */
static bool
has_room(const struct work *w, const struct user *u, const char *maildir,
    struct quota *q)
{
	int dir = open(maildir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int root = dir == -1 ? -1 : deliver_root(dir);

	if (dir != -1 && root != dir)
		close(dir);
	quota_init(q, root, &u->quota);
	return root == -1 || quota_read(q) == -1 ||
	    quota_fits(q, w->m->size, 1);
}

/* In a process that is the owner. */
void
carry_warning(const struct work *w, const struct user *u)
{
	pid_t pid;

	if (geteuid() != 0) {
		warning_send(w->settings, u);
		return;
	}
	if ((pid = fork()) == 0) {
		(void)alarm(MESSAGE_SECONDS);
		if (confine_open(w, -1) == 0 &&
		    privilege_drop(u->uid, u->gid) == 0)
			warning_send(w->settings, u);
		_exit(0);
	}
	if (pid != -1)
		(void)wait_child(pid);
}

static void
count_in(const struct work *w, const struct user *u, struct quota *q)
{
	struct spool_as as;

	if (warning_is_due(w->settings, q, w->m->size))
		carry_warning(w, u);
	if (!q->limits.set || spool_as(&as, u->uid, u->gid) == -1)
		return;
	if (quota_add(q, (int64_t)w->m->size, 1) == -1)
		log_warn("quota", "id=%s error=%s", w->m->item.id,
		    log_str(strerror(errno)));
	spool_as_end(&as);
}

/*
 * The folder is opened with the owner's rights alone, so that no symbolic link
 * of his leads the rename further than he could go.
 */
int
carry_whole(struct work *w, size_t i)
{
	struct spool_message *m = w->m;
	const struct user *u = w->targets[i].user;
	char box[PATH_MAX], path[PATH_MAX + 8];
	struct quota quota;
	struct spool_as as;
	bool room, found;
	int new, r = -1;

	/* The two lines must be in it, and nobody else be owed it. */
	if ((m->item.form != SPOOL_LINES && (m->env.skip == 0 ||
	    m->env.nrcpts != 1)) || m->size != m->item.size ||
	    m->uid != (w->spool->uid == 0 ? u->uid : w->spool->uid) ||
	    spool_as(&as, u->uid, u->gid) == -1)
		return 0;
	found = copy_folder(w, i, NULL, false, box);
	snprintf(path, sizeof(path), "%s/new", box);
	new = !found ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	room = new != -1 && has_room(w, u, box, &quota);
	spool_as_end(&as);
	if (new == -1)
		return 0;
	/* Where there is none, the copy will say so. */
	if (room && (r = spool_give(m, u->uid, new)) == 0) {
		count_in(w, u, &quota);
		drop_remains(m, u, box);
	}
	if (quota.root != -1)
		close(quota.root);
	close(new);
	return r == 0;
}

/* ---- a copy ---- */

int
wait_child(pid_t pid)
{
	int status;
	pid_t got;

	for (;;) {
		got = waitpid(pid, &status, WUNTRACED);
		if (got == pid && WIFSTOPPED(status))
			(void)kill(pid, SIGKILL);
		else if (got == pid)
			return status;
		else if (errno != EINTR)
			return -1;
	}
}

int
hear_child(pid_t pid, int fd, void *to, size_t n)
{
	if (pid == -1)
		return -1;
	(void)wait_child(pid);
	return fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    fd_read_all(fd, to, n) != (ssize_t)n ? -1 : 0;
}

void
outcome_ended(struct outcome *o)
{
	outcome_errno(o, "", EIO);
	strlcpy(o->text, "4.3.0 the user's process ended before it said what "
	    "it did", sizeof(o->text));
}

/* In a process that is the owner; what it says comes through a pipe, in which
 * it has room. */
static void
copy_as_owner(struct work *w, size_t i, const struct dest *d,
    struct outcome *o)
{
	const struct user *u = w->targets[i].user;
	int ends[2];
	pid_t pid;

	outcome_ended(o);
	if (pipe2(ends, O_CLOEXEC) == -1)
		return;
	if ((pid = fork()) == 0) {
		(void)alarm(MESSAGE_SECONDS);
		if (confine_open(w, ends[1]) == -1 ||
		    privilege_drop(u->uid, u->gid) == -1)
			_exit(1);
		copy_write(w, i, d, o);
		_exit(fd_write_all(ends[1], o, sizeof(*o)) == -1);
	}
	close(ends[1]);
	if (hear_child(pid, ends[0], o, sizeof(*o)) == -1)
		outcome_ended(o);
	outcome_measure(o);
	close(ends[0]);
}

void
carry_copy(struct work *w, size_t i, const struct dest *d, struct outcome *o)
{
	if (d == NULL && w->bundle != NULL)
		bundle_copy(w, i, o);
	else if (geteuid() == 0)
		copy_as_owner(w, i, d, o);
	else
		copy_write(w, i, d, o);
}

/* ---- into the spool ---- */

/* What an address stands for; or the one copy for those elsewhere. */
void
carry_list(struct work *w, size_t i, struct outcome *o)
{
	struct target *t = &w->targets[i];
	const struct envelope *env = &w->m->env;
	const struct forward f = {
		.dir = w->dir,
		.spool = w->spool,
		.env = env,
		.given = &env->rcpts[i],
		.owner = &t->owner,
		.list = env->expanded == NULL ? &t->list : &w->others,
	};

	if (f.list->n == 0) {
		o->kind = OUTCOME_DELIVERED;
		strlcpy(o->text, "2.0.0 others bring it to all of them",
		    sizeof(o->text));
	} else if (env->expanded == NULL)
		forward_send(&f, w->m, o);
	else {
		if (w->sent.text[0] == '\0')
			forward_send(&f, w->m, &w->sent);
		*o = w->sent;
	}
}

int
carry_address(const struct work *w, const struct dest *d, struct address *a)
{
	if (address_parse_utf8(a, d->text, strlen(d->text), NULL) != 1 ||
	    address_is_null(a))
		return 0;
	recipient_complete(w->settings, a);
	return 1;
}

static bool
is_ours(const struct work *w, const struct address *a)
{
	return settings_is_local(w->settings, a->domain, strlen(a->domain));
}

bool
carry_together(const struct work *w, const struct dest *a,
    const struct dest *b)
{
	struct address to, other;

	return a == b || (a->kind == DEST_FORWARD &&
	    b->kind == DEST_FORWARD && a->edit == b->edit &&
	    a->qmail == b->qmail && carry_address(w, a, &to) &&
	    carry_address(w, b, &other) && is_ours(w, &to) ==
	    is_ours(w, &other));
}

/* All that go together and are owed: they are one message. */
static int
gather(const struct work *w, size_t i, const struct dest *d,
    struct recipient_list *list)
{
	const struct plan *p = &w->targets[i].plan;
	char key[ENVELOPE_KEY];
	struct address to;
	size_t k;

	for (k = 0; k < p->n; k++) {
		plan_key(p, &p->v[k], key);
		if (carry_together(w, d, &p->v[k]) &&
		    envelope_find_did(&w->m->env, i, key) == NULL &&
		    carry_address(w, &p->v[k], &to) &&
		    recipient_list_add(list, &to) == -1)
			return -1;
	}
	return 0;
}

static void
carry_forward(struct work *w, size_t i, const struct dest *d,
    struct outcome *o)
{
	const struct plan *p = &w->targets[i].plan;
	struct recipient_list list = { 0 };
	const struct forward f = {
		.dir = w->dir,
		.spool = w->spool,
		.env = &w->m->env,
		.given = &w->m->env.rcpts[i],
		.owner = &p->forwarder,
		.list = &list,
		.fresh = true,
		.several = p->n > 1,
		.header = d->edit == 0 ? NULL : &p->edits[d->edit - 1],
		.body = p->edit_from,
	};
	struct address to;

	if (!carry_address(w, d, &to)) {
		o->kind = OUTCOME_PERMANENT;
		snprintf(o->text, sizeof(o->text), "5.1.3 it is to be sent on "
		    "to what is no address: %.200s", d->text);
	} else if (gather(w, i, d, &list) == -1)
		outcome_errno(o, "the spool", ENOMEM);
	else
		forward_send(&f, w->m, o);
	recipient_list_free(&list);
}

/* A message of our own making; nobody is told that it cannot be delivered. */
static void
carry_reply(struct work *w, const struct dest *d, struct outcome *o)
{
	struct spool_put put;
	struct envelope e;
	struct address to;
	int r = -1;

	envelope_init(&e);
	if (!carry_address(w, d, &to)) {
		o->kind = OUTCOME_DELIVERED;
		strlcpy(o->text, "2.0.0 there is no address to reply to",
		    sizeof(o->text));
		return;
	}
	e.utf8 = !address_is_ascii(&to);
	if (envelope_add(&e, &to) == -1) {
		errno = ENOMEM;
		goto out;
	}
	/* Nobody would read what came of it (RFC 5230, section 5.1). */
	e.rcpts[0].notify = ENVELOPE_NEVER;
	if (spool_put_begin(&put, w->spool, is_ours(w, &to) ?
	    SPOOL_LOCAL : SPOOL_REMOTE, &e, (uid_t)-1) == 0) {
		r = spool_put_write(&put, d->reply.data, d->reply.len);
		if (r == -1)
			spool_put_abort(&put);
		else
			r = spool_put_end(&put);
	}
out:
	envelope_free(&e);
	if (r == -1) {
		outcome_errno(o, "the spool", errno);
		return;
	}
	if (w->m->item.id[0] != '\0')
		log_info("reply", "id=%s for=%s", put.file.id, w->m->item.id);
	o->kind = OUTCOME_DELIVERED;
	strlcpy(o->text, "2.0.0 replied to", sizeof(o->text));
}

/* ---- one place ---- */

/* The rules' own words, on one line, when they begin with a status of
 * refusal. */
static void
refuse_by(const struct dest *d, struct outcome *o)
{
	char *p = o->text;

	o->kind = OUTCOME_PERMANENT;
	o->code = EX_NOPERM;
	snprintf(o->text, sizeof(o->text), "%s%.380s",
	    strncmp(d->text, "5.", 2) == 0 ? "" : "5.7.1 ", d->text);
	while ((p = strchr(p, '\n')) != NULL)
		*p = ' ';
}

int
carry(struct work *w, size_t i, const struct dest *d, struct outcome *o)
{
	memset(o, 0, sizeof(*o));
	switch (d->kind) {
	case DEST_KEEP:
	case DEST_FOLDER:
		carry_copy(w, i, d, o);
		return 0;
	case DEST_MAILBOX:
	case DEST_PROGRAM:
		return launch_carry(w, i, d, o);
	case DEST_FORWARD:
		if (w->targets[i].forward) {
			carry_list(w, i, o);
			return 0;
		}
		if (w->spool == NULL)
			return launch_carry(w, i, d, o);
		carry_forward(w, i, d, o);
		return 0;
	case DEST_REPLY:
		if (w->spool == NULL)
			return launch_carry(w, i, d, o);
		carry_reply(w, d, o);
		return 0;
	case DEST_REJECT:
		refuse_by(d, o);
		return 0;
	case DEST_DISCARD:
		break;
	}
	o->kind = OUTCOME_DELIVERED;
	strlcpy(o->text, "2.0.0 discarded", sizeof(o->text));
	return 0;
}
