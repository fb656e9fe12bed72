/* SPDX-License-Identifier: ISC
 *
 * What a confined process cannot do: a user's program, a mailbox anywhere, and,
 * where there is no spool, sending on by sendmail(8).  The process has become
 * the user, and does this alone.
 */
#include <sys/mman.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "carry.h"
#include "grammar/trace.h"
#include "launch.h"
#include "program.h"
#include "system/fdio.h"
#include "system/sandbox.h"

#define SENDMAIL_SECONDS	120

/* The run itself ends after so many seconds; this is for what is around it. */
static void
set_alarm(long long seconds)
{
	(void)alarm((unsigned)seconds + MESSAGE_SECONDS);
}

/* ---- a program ---- */

static int
run_program(struct work *w, size_t i, const struct dest *d,
    struct outcome *o)
{
	const struct target *t = &w->targets[i];
	const struct envelope *env = &w->m->env;
	struct address before;
	const struct program_mail mail = {
		.sender = &env->sender,
		.recipient = &env->rcpts[i].addr,
		.original = target_original(w, &before),
		.user = t->user->name,
		.home = *t->user->home == '\0' ? "/" : t->user->home,
		.shell = *t->user->shell == '\0' ? NULL : t->user->shell,
		.extension = t->folder,
		.rest = t->plan.rest,
		.forwarder = address_is_null(&t->plan.forwarder) ? NULL :
		    &t->plan.forwarder,
		.client_address = env->ip,
		.client_protocol = env->with,
		.login = env->auth,
		.arrived = (time_t)env->arrived,
	};
	struct program p = {
		.id = w->m->item.id,
		.command = d->text,
		.mode = d->qmail ? PROGRAM_QMAIL : PROGRAM_SENDMAIL,
		.mail = &mail,
		.fd = w->m->fd,
		.seconds = (unsigned)w->settings->program_timeout,
	};
	const struct buf *header = copy_header(w, i, d, &p.start);

	if (header != NULL) {
		p.header = header->data;
		p.nheader = header->len;
	}
	set_alarm(w->settings->program_timeout);
	return program_run(&p, o);
}

/* ---- a mailbox ---- */

/* One of several users of an account reaches his own home alone. */
static int
write_mailbox(struct work *w, size_t i, const struct dest *d,
    struct outcome *o)
{
	const struct user *u = w->targets[i].user;
	char path[PATH_MAX], anchor[PATH_MAX];
	const struct sandbox_path allowed = { anchor, SANDBOX_WRITE };

	if (strcmp(d->text, "/dev/null") == 0) {
		o->kind = OUTCOME_DELIVERED;
		strlcpy(o->text, "2.0.0 discarded", sizeof(o->text));
		return 0;
	}
	if (copy_path(u, d->text, path) == -1) {
		outcome_errno(o, d->text, errno);
		return 0;
	}
	if (!u->system && *u->home == '\0') {
		outcome_errno(o, d->text, EPERM);
		return 0;
	}
	if (u->system)
		(void)deliver_anchor(anchor, path);
	else
		strlcpy(anchor, u->home, sizeof(anchor));
	(void)alarm(MESSAGE_SECONDS);
	if (sandbox_mailbox(&allowed, 1) == -1)
		outcome_errno(o, "its owner's process", errno);
	else
		copy_write(w, i, d, o);
	return 0;
}

/* ---- sendmail(8) ---- */

/* A word for the shell, which takes it as it is. */
static void
add_word(struct buf *b, const char *s)
{
	buf_addc(b, '\'');
	for (; *s != '\0'; s++)
		if (*s == '\'')
			buf_adds(b, "'\\''");
		else
			buf_addc(b, *s);
	buf_addc(b, '\'');
}

static int
add_command(struct buf *b, const struct work *w, const char *sender,
    const char *to)
{
	add_word(b, w->settings->sendmail);
	buf_adds(b, " -i -f ");
	add_word(b, *sender == '\0' ? "<>" : sender);
	buf_adds(b, " -- ");
	add_word(b, to);
	return buf_addc(b, '\0');
}

/* A message of our own making as a file; -1 errno. */
static int
make_file(const struct buf *text)
{
	int fd = memfd_create("reply", MFD_CLOEXEC);

	if (fd != -1 && fd_write_all(fd, text->data, text->len) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* What stands before the message: that this address had it. */
static int
add_header(struct buf *b, const struct work *w, size_t i,
    const struct dest *d, uint64_t *start)
{
	const struct buf *header = copy_header(w, i, d, start);

	if (trace_delivered_to(b, &w->m->env.rcpts[i].addr) == -1)
		return -1;
	return header == NULL ? 0 : buf_add(b, header->data, header->len);
}

static void
run_sendmail(struct work *w, size_t i, const struct dest *d,
    struct outcome *o)
{
	bool reply = d->kind == DEST_REPLY;
	const struct envelope *env = &w->m->env;
	const struct address nobody = { "", "" };
	char sender[ADDRESS_TEXT_MAX] = "";
	const struct program_mail mail = {
		.sender = reply ? &nobody : &env->sender,
		.recipient = &env->rcpts[i].addr,
		.user = w->targets[i].user->name,
		.home = "/",
		.arrived = (time_t)env->arrived,
	};
	struct program p = {
		.id = w->m->item.id,
		.name = "sendmail (see key sendmail)",
		.mode = PROGRAM_QMAIL,
		.mail = &mail,
		.fd = w->m->fd,
		.seconds = SENDMAIL_SECONDS,
	};
	struct buf command, header;

	buf_init(&command, 8 * PATH_MAX);
	buf_init(&header, PLAN_PACKED_MAX);
	if (!reply && !address_is_null(&env->sender))
		address_text(&env->sender, sender);
	errno = ENOMEM;
	if (add_command(&command, w, sender, d->text) == -1 ||
	    (reply ? (p.fd = make_file(&d->reply)) == -1 :
	    add_header(&header, w, i, d, &p.start) == -1))
		outcome_errno(o, "sendmail", errno);
	else {
		p.command = command.data;
		p.header = header.data;
		p.nheader = header.len;
		set_alarm(SENDMAIL_SECONDS);
		(void)program_run(&p, o);
	}
	buf_free(&command);
	buf_free(&header);
}

int
errand_run(struct work *w, size_t i, const struct dest *d, struct outcome *o)
{
	switch (d->kind) {
	case DEST_PROGRAM:
		/* Users of a file have none: they may share their account. */
		if (!w->targets[i].user->system) {
			outcome_errno(o, "a program", EPERM);
			return 0;
		}
		return run_program(w, i, d, o);
	case DEST_MAILBOX:
		return write_mailbox(w, i, d, o);
	case DEST_FORWARD:
	case DEST_REPLY:
		run_sendmail(w, i, d, o);
		return 0;
	case DEST_KEEP:
	case DEST_FOLDER:
	case DEST_DISCARD:
	case DEST_REJECT:
		break;
	}
	outcome_errno(o, "the user's process", EINVAL);
	return 0;
}
