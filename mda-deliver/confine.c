/* SPDX-License-Identifier: ISC
 *
 * What a process that delivers gives up before it reads a message: it becomes
 * the owner of the mailboxes, and reaches nothing but them and the spool.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message_local.h"
#include "rules.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"

/*
 * The one account that all mailboxes belong to, if it is nobody's login.  What
 * goes elsewhere keeps messages of others from it: a forward is no owner's.
 */
static const struct target *
one_owner(const struct work *works, size_t n)
{
	const struct target *t, *one = NULL;
	const struct work *w;
	size_t i;

	for (w = works; w < works + n; w++)
		for (i = 0; i < w->m->env.nrcpts; i++) {
			t = &w->targets[i];
			if (t->forward && n > 1)
				return NULL;
			if (!t->local)
				continue;
			if (t->user->system || (one != NULL &&
			    one->user->uid != t->user->uid))
				return NULL;
			one = t;
		}
	return one;
}

/*
 * As root: become it for good; the group still opens the spool.  An account of
 * the system gets no such group: it is only borrowed, for each copy.
 */
int
confine_to_owner(const struct work *works, size_t n)
{
	char error[CONF_ERROR_MAX];
	struct spool *spool = works->spool;
	const struct target *one;
	gid_t group = spool->group;

	if (geteuid() != 0 || (one = one_owner(works, n)) == NULL)
		return 0;
	spool_close(spool);
	if (privilege_drop(one->user->uid, group) == -1 ||
	    spool_open(spool, works->settings, error) == -1) {
		log_error("become", "id=%s uid=%u error=%s",
		    works->m->item.id, (unsigned)one->user->uid,
		    log_str(strerror(errno)));
		return -1;
	}
	return 0;
}

int
confine_open(const struct work *w, int more)
{
	const int kept[] = { w->m->fd, more, log_fd() };
	int from = STDERR_FILENO + 1, next;
	size_t i;

	for (;; from = next + 1) {
		next = INT_MAX;
		for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			if (kept[i] >= from && kept[i] < next)
				next = kept[i];
		if (next > from && close_range((unsigned)from, next ==
		    INT_MAX ? ~0u : (unsigned)next - 1, 0) == -1)
			return -1;
		if (next == INT_MAX)
			return 0;
	}
}

/* Folders that stay open. */
struct places {
	char			(*text)[PATH_MAX];
	struct sandbox_path	*paths;
	size_t			 have;
};

/* Many of a batch are for the same. */
static void
add_place(struct places *p, const char *path)
{
	size_t i;

	for (i = 0; i < p->have; i++)
		if (strcmp(p->text[i], path) == 0)
			return;
	strlcpy(p->text[p->have], path, PATH_MAX);
	p->paths[p->have].path = p->text[p->have];
	p->paths[p->have++].rights = SANDBOX_WRITE;
}

static void
add_target(struct places *p, const struct settings *s, const struct target *t)
{
	char rules[RULES_PLACES][PATH_MAX], anchor[PATH_MAX];
	size_t i, n = t->rules == 0 ? 0 : rules_places(s, t->user, rules);

	add_place(p, deliver_anchor(anchor, t->user->mailbox));
	for (i = 0; i < n; i++)
		add_place(p, rules[i]);
}

/* How many there may be. */
static size_t
count_places(const struct work *works, size_t n)
{
	const struct work *w;
	size_t i, most = 1;

	for (w = works; w < works + n; w++)
		for (i = 0; i < w->m->env.nrcpts; i++)
			if (w->targets[i].local)
				most += w->targets[i].rules == 0 ? 1 :
				    1 + RULES_PLACES;
	return most;
}

int
confine_to_mailboxes(const struct work *works, size_t n)
{
	size_t i, most = count_places(works, n);
	struct places p = { .have = 0 };
	const struct work *w;
	int r = -1;

	p.text = calloc(most, sizeof(*p.text));
	p.paths = calloc(most, sizeof(*p.paths));
	if (p.text == NULL || p.paths == NULL)
		goto out;
	if (works->spool != NULL)
		add_place(&p, works->settings->spool);
	for (w = works; w < works + n; w++)
		for (i = 0; i < w->m->env.nrcpts; i++)
			if (w->targets[i].local)
				add_target(&p, w->settings, &w->targets[i]);
	r = sandbox_agent(p.paths, p.have, false);
out:
	if (r == -1)
		log_error("sandbox", "error=%s", log_str(strerror(errno)));
	free(p.text);
	free(p.paths);
	return r;
}
