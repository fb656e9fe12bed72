/* SPDX-License-Identifier: ISC
 *
 * A message from standard input for a user with rules: see direct_rules.h.  It
 * must never say that a message is delivered before each place has it on disk,
 * or the spool has.
 */
#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "direct_rules.h"
#include "follow.h"
#include "forward.h"
#include "launch.h"
#include "message_local.h"
#include "rules.h"
#include "system/fdio.h"
#include "system/log.h"

struct direct_rules {
	struct work		 work;
	struct target		 target;
	struct spool_message	 message;
	struct spool		 spool;
};

/* The spool, when we may write there. */
static void
find_spool(struct direct_rules *r)
{
	char error[CONF_ERROR_MAX];

	if (spool_open(&r->spool, r->work.settings, error) == -1)
		return;
	if (geteuid() == 0 || faccessat(r->spool.tmp, ".", W_OK | X_OK, 0) ==
	    0)
		r->work.spool = &r->spool;
	else
		spool_close(&r->spool);
}

static int
begin(struct direct_rules *r, struct directory *dir, const struct address *to)
{
	struct work *w = &r->work;
	struct spool_message *m = &r->message;
	struct address full = *to;
	char error[CONF_ERROR_MAX];

	recipient_complete(w->settings, &full);
	if (dir->tables == NULL &&
	    tables_open(&dir->tables, w->settings, error) == -1) {
		log_error("tables", "error=%s", log_str(error));
		errno = EIO;
		return -1;
	}
	find_spool(r);
	m->item.form = SPOOL_FILE;
	m->env_fd = -1;
	m->env.arrived = (int64_t)time(NULL);
	m->spool = w->spool;
	if (envelope_add(&m->env, &full) == -1 ||
	    (m->fd = memfd_create("message", MFD_CLOEXEC)) == -1)
		return -1;
	if (((r->target.rules & RULES_DOTFILE) != 0 || w->spool == NULL) &&
	    (w->launch = launch_start(w, 1)) == NULL)
		return -1;
	return confine_to_mailboxes(w, 1);
}

int
direct_rules_begin(struct direct_rules **to_r, struct directory *dir,
    const struct address *to, const struct recipient *rcpt)
{
	struct direct_rules *r = calloc(1, sizeof(*r));

	*to_r = NULL;
	if (r == NULL)
		return -1;
	r->message.fd = -1;
	r->work.dir = dir;
	r->work.settings = dir->settings;
	r->work.m = &r->message;
	r->work.targets = &r->target;
	if (target_set_local(&r->work, &r->target, rcpt) == -1) {
		direct_rules_abort(r);
		return -1;
	}
	if (r->target.rules == 0) {
		direct_rules_abort(r);
		return 0;
	}
	if (begin(r, dir, to) == -1) {
		direct_rules_abort(r);
		return -1;
	}
	*to_r = r;
	return 1;
}

int
direct_rules_write(struct direct_rules *r, const void *data, size_t n,
    struct outcome *o)
{
	if (fd_write_all(r->message.fd, data, n) == 0) {
		r->message.size += n;
		return 0;
	}
	outcome_errno(o, "memory", errno);
	return -1;
}

/* What takes long, or goes to several places, is the queue's, which records
 * what is done. */
static bool
is_for_queue(const struct direct_rules *r)
{
	const struct plan *p = &r->target.plan;

	return r->work.spool != NULL && p->kind == PLAN_GOOD &&
	    (p->n > 1 || (p->n == 1 && p->v[0].kind == DEST_PROGRAM));
}

/* It is for the same address there. */
static void
to_queue(struct direct_rules *r, struct outcome *o)
{
	const struct address nobody = { "", "" };
	const struct forward f = {
		.dir = r->work.dir,
		.spool = r->work.spool,
		.env = &r->message.env,
		.given = &r->message.env.rcpts[0],
		.owner = &nobody,
		.list = &r->target.list,
	};

	forward_send_same(&f, &r->message, o);
}

static void
deliver(struct direct_rules *r, struct outcome *o)
{
	decide(&r->work, 0);
	if (is_for_queue(r))
		to_queue(r, o);
	else {
		follow_plan(&r->work, 0);
		*o = r->target.outcome;
	}
	if (o->kind == OUTCOME_DELIVERED || o->kind == OUTCOME_BEFORE)
		o->code = 0;
	else if (o->code == 0)
		o->code = o->kind == OUTCOME_TEMPORARY ? EX_TEMPFAIL :
		    EX_UNAVAILABLE;
}

void
direct_rules_end(struct direct_rules *r, const struct address *from,
    struct outcome *o, char **reason)
{
	struct spool_message *m = &r->message;

	m->env.sender = *from;
	clock_gettime(CLOCK_REALTIME, &m->mtime);
	r->target.precious = target_is_precious(&r->work,
	    &m->env.rcpts[0].addr);
	deliver(r, o);
	if (o->kind == OUTCOME_PERMANENT) {
		*reason = r->target.reason;
		r->target.reason = NULL;
	}
	direct_rules_abort(r);
}

void
direct_rules_abort(struct direct_rules *r)
{
	if (r == NULL)
		return;
	launch_end(r->work.launch);
	if (r->work.spool != NULL)
		spool_close(r->work.spool);
	if (r->message.fd != -1)
		close(r->message.fd);
	envelope_free(&r->message.env);
	plan_free(&r->target.plan);
	free(r->target.reason);
	free(r->target.user);
	free(r->target.folder);
	free(r);
}
