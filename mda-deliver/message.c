/* SPDX-License-Identifier: ISC
 *
 * One message of the queue.  It must never let go of a recipient that is
 * neither delivered, on disk, nor bounced; nor write to a mailbox with more
 * rights than its owner's.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "folder.h"
#include "forward.h"
#include "mail/bounce.h"
#include "mail/late.h"
#include "mail/recipient.h"
#include "message.h"
#include "message_local.h"
#include "system/fdio.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"

#define FIRST_WAIT	60	/* seconds; then as spool_wait() */
#define MOST_WAIT	(2 * 3600)

static int __attribute__((format(printf, 3, 4)))
refuse(struct target *t, enum outcome_kind kind, const char *fmt, ...)
{
	va_list ap;

	t->outcome.kind = kind;
	va_start(ap, fmt);
	vsnprintf(t->outcome.text, sizeof(t->outcome.text), fmt, ap);
	va_end(ap);
	return 0;
}

static int
set_local(struct target *t, const struct recipient *r)
{
	t->local = true;
	t->system = r->user.system;
	t->uid = r->user.uid;
	t->gid = r->user.gid;
	t->quota = r->user.quota;
	t->mailbox = strdup(r->user.mailbox);
	t->folder = *r->folder == '\0' ? NULL : strdup(r->folder);
	return t->mailbox == NULL || (t->folder == NULL &&
	    *r->folder != '\0') ? -1 : 0;
}

/* All of an expanded message who are elsewhere get one copy. */
static int
set_other(struct work *w, struct target *t, const struct address *to)
{
	t->forward = true;
	return recipient_list_add(&w->others, to);
}

/* Who is this?  0, or -1 no memory. */
static int
find_target(struct work *w, const struct address *to, struct target *t)
{
	bool expanded = w->m->env.expanded != NULL;
	char text[ADDRESS_TEXT_MAX];
	struct recipient r;

	switch (expanded ? recipient_user(w->dir, to, &r) :
	    recipient_find(w->dir, to, &r, &t->list)) {
	case RECIPIENT_LOCAL:
		return set_local(t, &r);
	case RECIPIENT_LIST:
		if (t->list.nspecials > 0)
			return refuse(t, OUTCOME_TEMPORARY, "4.3.5 %.200s: "
			    "programs and files are not delivered to",
			    address_text(to, text));
		t->forward = true;
		t->owner = r.owner;
		return 0;
	case RECIPIENT_UNKNOWN:
		return refuse(t, OUTCOME_PERMANENT, "5.1.1 no such user: "
		    "%.300s", address_text(to, text));
	case RECIPIENT_NOBODY:
		return refuse(t, OUTCOME_TEMPORARY, "4.3.5 nobody gets mail "
		    "for %.200s: see key postmaster", address_text(to, text));
	case RECIPIENT_REMOTE:
	case RECIPIENT_RELAY:
		if (expanded)
			return set_other(w, t, to);
		return refuse(t, OUTCOME_PERMANENT, "5.1.2 not a domain of "
		    "ours any more: %.300s", address_text(to, text));
	case RECIPIENT_TEMPORARY:
		break;
	}
	log_error("recipient", "id=%s error=%s", w->m->item.id,
	    log_str(r.error));
	return refuse(t, OUTCOME_TEMPORARY, "4.3.5 it cannot be found out who "
	    "gets it");
}

/* An owed recipient: not delivered, not failed before. */
static bool
is_owed(const struct envelope_rcpt *r)
{
	return r->status == ENVELOPE_QUEUED || r->status == ENVELOPE_TRYING;
}

static int
find_targets(struct work *w)
{
	struct spool_message *m = w->m;
	size_t i;

	w->targets = calloc(m->env.nrcpts, sizeof(*w->targets));
	if (w->targets == NULL)
		return -1;
	for (i = 0; i < m->env.nrcpts; i++)
		if (is_owed(&m->env.rcpts[i]) && find_target(w,
		    &m->env.rcpts[i].addr, &w->targets[i]) == -1)
			return -1;
	return 0;
}

/* Was it at this address before?  1, 0; -1 cannot be read. */
static int
loops(const struct spool_message *m, const struct address *to)
{
	size_t n = m->size - m->start < LOOP_HEADER_MAX ?
	    (size_t)(m->size - m->start) : LOOP_HEADER_MAX;
	char *text = malloc(n + 1);
	ssize_t got;
	int r = -1;

	if (text != NULL && (got = fd_pread_all(m->fd, text, n,
	    (off_t)m->start)) != -1)
		r = deliver_loops(text, (size_t)got, to);
	free(text);
	return r;
}

/* What a copy of the same message left in tmp/ when it was killed. */
static void
drop_remains(const struct spool_message *m, const struct target *t,
    const char *maildir)
{
	char path[PATH_MAX + SPOOL_ID_MAX + 8];
	struct spool_as as;

	snprintf(path, sizeof(path), "%s/tmp/%s", maildir, m->item.id);
	if (spool_as(&as, t->uid, t->gid) == 0) {
		(void)unlink(path);
		spool_as_end(&as);
	}
}

/* Is there room in the Maildir?  What cannot be found out is no reason against
 * it. */
static bool
has_room(const struct work *w, const struct target *t, const char *maildir,
    struct quota *q)
{
	int dir = open(maildir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int root = dir == -1 ? -1 : deliver_root(dir);

	if (dir != -1 && root != dir)
		close(dir);
	quota_init(q, root, &t->quota);
	return root == -1 || quota_read(q) == -1 ||
	    quota_fits(q, w->m->size, 1);
}

static void
count_in(const struct work *w, const struct target *t, struct quota *q)
{
	struct spool_as as;

	if (!q->limits.set || spool_as(&as, t->uid, t->gid) == -1)
		return;
	if (quota_add(q, (int64_t)w->m->size, 1) == -1)
		log_warn("quota", "id=%s error=%s", w->m->item.id,
		    log_str(strerror(errno)));
	spool_as_end(&as);
}

/* The Maildir, or a folder of it: with the owner's rights. */
static const char *
folder_of(const struct target *t, char path[PATH_MAX])
{
	if (t->folder != NULL)
		return folder_find(t->mailbox, t->folder, path);
	strlcpy(path, t->mailbox, PATH_MAX);
	return path;
}

/*
 * The fast way: the spool's file becomes the Maildir's by one rename.  1 done,
 * 0 it has to be copied.  The folder is opened with the owner's rights alone,
 * so that no symbolic link of his leads the rename further than he could go.
 */
static int
take_whole(struct work *w, const struct target *t)
{
	struct spool_message *m = w->m;
	char box[PATH_MAX], path[PATH_MAX + 8];
	struct quota quota;
	struct spool_as as;
	bool room;
	int new, r = -1;

	if (m->item.form != SPOOL_LINES || m->size != m->item.size ||
	    m->uid != (w->spool->uid == 0 ? t->uid : w->spool->uid) ||
	    spool_as(&as, t->uid, t->gid) == -1)
		return 0;
	snprintf(path, sizeof(path), "%s/new", folder_of(t, box));
	new = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	room = new != -1 && has_room(w, t, box, &quota);
	spool_as_end(&as);
	if (new == -1)
		return 0;
	/* Where there is none, the copy will say so. */
	if (room && (r = spool_give(m, t->uid, new)) == 0) {
		count_in(w, t, &quota);
		drop_remains(m, t, box);
	}
	if (quota.root != -1)
		close(quota.root);
	close(new);
	return r == 0;
}

/* The name of recipient i's copy: the ID; of several, with its number behind
 * the letter. */
static void
copy_id(const struct spool_message *m, size_t i, char id[SPOOL_ID_MAX])
{
	const char *letter = strchr(m->item.id, 'Q');

	letter = letter == NULL ? NULL : strchr(letter, 'M');
	if (m->item.form == SPOOL_LINES || letter == NULL)
		strlcpy(id, m->item.id, SPOOL_ID_MAX);
	else
		snprintf(id, SPOOL_ID_MAX, "%.*s%zu%.100s",
		    (int)(letter - m->item.id) + 1, m->item.id, i,
		    letter + 1);
}

static void
copy_message(const struct spool_message *m, struct deliver *d,
    struct outcome *o)
{
	uint64_t at = m->start;
	char data[32768];
	ssize_t got;

	while ((got = fd_pread_all(m->fd, data, sizeof(data), (off_t)at)) >
	    0) {
		if (deliver_write(d, data, (size_t)got, o) == -1)
			return;
		at += (uint64_t)got;
	}
	if (got == -1) {
		outcome_errno(o, "the spool", errno);
		deliver_abort(d);
		return;
	}
	deliver_end(d, o);
}

static void
write_copy(struct work *w, size_t i, struct outcome *o)
{
	const struct spool_message *m = w->m;
	char id[SPOOL_ID_MAX], box[PATH_MAX];
	const struct delivery how = {
		.mailbox = folder_of(&w->targets[i], box),
		.create = true,
		.folders = w->settings,
		.from = &m->env.sender,
		.to = &m->env.rcpts[i].addr,
		.id = id,
		.host = w->settings->hostname,
		.mtime = &m->mtime,
		.size = m->size - m->start,
		.quota = &w->targets[i].quota,
		.tempfail = w->settings->quota_tempfail,
	};
	struct deliver d;

	copy_id(m, i, id);
	if (deliver_begin(&d, &how, o) == 0)
		copy_message(m, &d, o);
}

/* Wait for its end, which its owner must not be able to put off by stopping
 * it.  What it says has room in the pipe. */
static void
end_copy(pid_t pid)
{
	int status;
	pid_t got;

	for (;;) {
		got = waitpid(pid, &status, WUNTRACED);
		if (got == pid && WIFSTOPPED(status))
			(void)kill(pid, SIGKILL);
		else if (got == pid || errno != EINTR)
			return;
	}
}

/* In a process that is the owner; what it says comes through a pipe. */
static void
copy_as_owner(struct work *w, size_t i, struct outcome *o)
{
	const struct target *t = &w->targets[i];
	int ends[2];
	pid_t pid;

	outcome_errno(o, "its owner's process", EIO);
	if (pipe2(ends, O_CLOEXEC) == -1)
		return;
	if ((pid = fork()) == 0) {
		(void)alarm(MESSAGE_SECONDS);
		if (privilege_drop(t->uid, t->gid) == -1)
			_exit(1);
		write_copy(w, i, o);
		_exit(fd_write_all(ends[1], o, sizeof(*o)) == -1);
	}
	close(ends[1]);
	if (pid != -1) {
		end_copy(pid);
		if (fd_read_all(ends[0], o, sizeof(*o)) != sizeof(*o))
			outcome_errno(o, "its owner's process", EIO);
	}
	close(ends[0]);
}

/* What an address stands for; or the one copy for those elsewhere. */
static void
forward_target(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];
	const struct envelope *env = &w->m->env;
	const struct forward f = { w->dir, w->spool, env,
	    &env->rcpts[i], &t->owner, env->expanded == NULL ?
	    &t->list : &w->others };

	if (env->expanded == NULL)
		forward_send(&f, w->m, &t->outcome);
	else {
		if (w->sent.text[0] == '\0')
			forward_send(&f, w->m, &w->sent);
		t->outcome = w->sent;
	}
}

static void
deliver_target(struct work *w, size_t i)
{
	struct target *t = &w->targets[i];

	/* In an expanded message the mark is that of the address before. */
	switch (w->m->env.expanded != NULL ? 0 :
	    loops(w->m, &w->m->env.rcpts[i].addr)) {
	case -1:
		outcome_errno(&t->outcome, "the spool", errno);
		return;
	case 1:
		refuse(t, OUTCOME_PERMANENT, "5.4.6 mail loop: it was "
		    "delivered to this address before");
		return;
	}
	if (t->forward)
		forward_target(w, i);
	else if (take_whole(w, t)) {
		w->gone = true;
		t->outcome.kind = OUTCOME_DELIVERED;
	} else if (geteuid() == 0)
		copy_as_owner(w, i, &t->outcome);
	else
		write_copy(w, i, &t->outcome);
}

static void
log_outcome(const struct work *w, size_t i, const char *what)
{
	const struct envelope_rcpt *r = &w->m->env.rcpts[i];
	char to[ADDRESS_TEXT_MAX], from[ADDRESS_TEXT_MAX];

	log_info(what, "id=%s from=%s to=%s%s%s", w->m->item.id,
	    log_str(address_text(&w->m->env.sender, from)),
	    log_str(address_text(&r->addr, to)),
	    r->reply == NULL ? "" : " reply=",
	    r->reply == NULL ? "" : log_str(r->reply));
}

/*
 * The letter of one who was delivered, and the words of the report that is
 * owed when it was asked for: of a mailbox and of a list with an owner
 * (RFC 3461, section 5.2.7.1), and that an alias was expanded (5.2.7.3).  A
 * single target, and who is in an expanded message, got the wish too.
 */
static enum envelope_status
taken_status(const struct work *w, size_t i, char *text, size_t size)
{
	const struct target *t = &w->targets[i];

	if (!envelope_wants(&w->m->env.rcpts[i], ENVELOPE_SUCCESS))
		return ENVELOPE_DELIVERED;
	if (!t->forward || !address_is_null(&t->owner)) {
		strlcpy(text, "2.0.0 - delivered", size);
		return ENVELOPE_REPORT;
	}
	if (w->m->env.expanded != NULL || t->list.n == 1)
		return ENVELOPE_DELIVERED;
	strlcpy(text, "2.0.0 - sent on", size);
	return ENVELOPE_EXPANDED;
}

/* Keep what became of recipient i. */
static void
record(struct work *w, size_t i)
{
	const struct outcome *o = &w->targets[i].outcome;
	enum envelope_status status = ENVELOPE_DELIVERED;
	char text[sizeof(o->text) + 8];
	const char *event = "delivered";
	int64_t now = (int64_t)time(NULL);

	/* Status and words, and between them the host: none but us. */
	snprintf(text, sizeof(text), "%.*s -%s", (int)strcspn(o->text, " "),
	    o->text, o->text + strcspn(o->text, " "));
	switch (o->kind) {
	case OUTCOME_BEFORE:
		event = "delivered-before";
		break;
	case OUTCOME_DELIVERED:
		break;
	case OUTCOME_TEMPORARY:
		event = "deferred";
		status = ENVELOPE_QUEUED;
		break;
	case OUTCOME_PERMANENT:
		event = "failed";
		status = ENVELOPE_FAILED;
		break;
	}
	if (status == ENVELOPE_DELIVERED)
		status = taken_status(w, i, text, sizeof(text));
	if (!w->gone && spool_mark(w->m, i, status, now,
	    status == ENVELOPE_DELIVERED ? NULL : text) == -1)
		log_error("spool", "id=%s error=%s", w->m->item.id,
		    log_str(strerror(errno)));
	log_outcome(w, i, event);
}

static void
deliver_all(struct work *w)
{
	struct envelope_rcpt *r;
	size_t i;

	for (i = 0; i < w->m->env.nrcpts; i++) {
		r = &w->m->env.rcpts[i];
		if (!is_owed(r))
			continue;
		if (r->status == ENVELOPE_TRYING)
			log_outcome(w, i, "may-be-doubled");
		if (w->targets[i].local || w->targets[i].forward) {
			(void)spool_mark(w->m, i, ENVELOPE_TRYING, 0, NULL);
			deliver_target(w, i);
		}
		record(w, i);
	}
}

/* Nobody is owed anything: it goes.  Else it waits. */
static int
put_away(struct work *w)
{
	struct spool_message *m = w->m;
	int64_t now = (int64_t)time(NULL);

	if (late_by(w->spool, w->settings, m, now) == -1 ||
	    late_age(w->spool, w->settings, m, now) == -1)
		log_error("late", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
	if (bounce_send(w->spool, w->settings, m) == -1)
		log_error("bounce", "id=%s error=%s", m->item.id,
		    log_str(strerror(errno)));
	if (envelope_done(&m->env)) {
		if (spool_drop(m) == 0)
			return 0;
	} else if (spool_marks_sync(m) == 0 && spool_defer(m,
	    late_next(m, now, FIRST_WAIT, MOST_WAIT)) == 0)
		return 0;
	log_error("spool", "id=%s error=%s", m->item.id,
	    log_str(strerror(errno)));
	return 1;
}

int
message_handle(const struct directory *dir, struct spool *spool,
    struct spool_message *v, size_t n)
{
	struct work *works = calloc(n, sizeof(*works)), *w;
	bool good = works != NULL;
	int left = 0;
	size_t i;

	for (i = 0; good && i < n; i++) {
		w = &works[i];
		w->dir = dir;
		w->settings = dir->settings;
		w->spool = spool;
		w->m = &v[i];
		good = find_targets(w) == 0;
	}
	if (!good || confine_to_owner(works, n) == -1 ||
	    confine_to_mailboxes(works, n) == -1)
		return 1;
	for (w = works; w < works + n; w++) {
		(void)alarm(MESSAGE_SECONDS);
		if (late_by(spool, dir->settings, w->m, time(NULL)) == -1)
			log_error("late", "id=%s error=%s", w->m->item.id,
			    log_str(strerror(errno)));
		deliver_all(w);
		if (!w->gone && put_away(w) == 1)
			left = 1;
		/* The next agent may have what is left. */
		spool_release(w->m);
	}
	return left;
}
