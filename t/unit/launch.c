/* SPDX-License-Identifier: ISC
 *
 * Proves of the helper that acts for a confined process: to each request there
 * is one answer, whenever the user's process is killed; that process holds no
 * descriptor but its message and where its answer goes; and what an alias has
 * is not said by who asks.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../mda-deliver/launch.h"
#include "../../mda-deliver/message.h"
#include "tap.h"

#define SOMEBODY	65534

static bool dies;			/* as soon as it has answered */

void	_exit(int) __attribute__((noreturn));

/* The end of every process here, and so of the user's. */
void
_exit(int status)
{
	if (dies)
		(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)syscall(SYS_exit_group, status);
}

static int
count_open(void)
{
	int fd, n = 0;

	for (fd = STDERR_FILENO + 1; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* In the user's process: it says what it was asked. */
int
errand_run(struct work *w, size_t i, const struct dest *d, struct outcome *o)
{
	(void)w;
	(void)i;
	o->kind = OUTCOME_DELIVERED;
	if (strcmp(d->text, "open") == 0)
		snprintf(o->text, sizeof(o->text), "%d", count_open());
	else
		snprintf(o->text, sizeof(o->text), "%.100s", d->text);
	dies = strcmp(d->text, "dies") == 0;
	if (strcmp(d->text, "at once") == 0)
		_exit((dies = true));
	return 0;
}

static void
make(struct work *w, struct spool_message *m, struct target *t)
{
	static const struct address to = { "bob", "a.test" };

	memset(w, 0, sizeof(*w));
	memset(m, 0, sizeof(*m));
	memset(t, 0, sizeof(*t));
	w->m = m;
	w->targets = t;
	if ((t->user = calloc(1, sizeof(*t->user))) == NULL ||
	    envelope_add(&m->env, &to) == -1 ||
	    (m->fd = memfd_create("message", MFD_CLOEXEC)) == -1)
		exit(1);
	t->user->system = true;
	t->user->uid = t->user->gid = SOMEBODY;
	plan_init(&t->plan);
}

static const char *
ask(struct work *w, const char *text)
{
	static struct outcome o;
	struct dest d = { .kind = DEST_PROGRAM, .text = strdup(text) };

	memset(&o, 0, sizeof(o));
	(void)launch_carry(w, 0, &d, &o);
	free(d.text);
	return o.kind == OUTCOME_DELIVERED ? o.text : "later";
}

static void
test_answers(struct work *works)
{
	is_str(ask(&works[0], "first"), "first", "an answer");
	is_str(ask(&works[0], "dies"), "dies",
	    "who is killed when he has answered, has");
	is_str(ask(&works[1], "second"), "second",
	    "and the next has an answer of its own");
	is_str(ask(&works[0], "at once"), "later",
	    "who is killed before, has not");
	is_str(ask(&works[1], "third"), "third",
	    "and the next has an answer of its own");
	is_str(ask(&works[1], "open"), "2", "open is the message, and where "
	    "the answer goes");
}

static void
test_alias(struct work *w)
{
	struct target *t = w->targets;
	struct outcome o = { .kind = OUTCOME_TEMPORARY };

	(void)launch_carry(w, 0, &t->plan.v[0], &o);
	is_str(o.text, "known", "what an alias has");
	free(t->plan.v[0].text);
	t->plan.v[0].text = strdup("forged");
	(void)launch_carry(w, 0, &t->plan.v[0], &o);
	is_str(o.text, "known", "who asks cannot change it");
}

int
main(void)
{
	struct spool_message m[3];
	struct target t[3];
	struct work works[3];
	struct launch *l;
	size_t i;

	for (i = 0; i < 3; i++) {
		make(&works[i], &m[i], &t[i]);
		works[i].index = i;
	}
	t[2].specials = t[2].user;
	t[2].user = NULL;
	t[2].list.nspecials = 1;
	t[2].forward = true;
	if (plan_add(&t[2].plan, DEST_PROGRAM, "known") == NULL ||
	    (l = launch_start(works, 3)) == NULL)
		exit(1);
	for (i = 0; i < 3; i++)
		works[i].launch = l;
	test_answers(works);
	test_alias(&works[2]);
	launch_end(l);
	for (i = 0; i < 3; i++) {
		close(m[i].fd);
		envelope_free(&m[i].env);
		plan_free(&t[i].plan);
		free(t[i].user);
	}
	free(t[2].specials);
	return done();
}
