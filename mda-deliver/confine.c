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
			if (t->system || (one != NULL && one->uid != t->uid))
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
	if (privilege_drop(one->uid, group) == -1 ||
	    spool_open(spool, works->settings, error) == -1) {
		log_error("become", "id=%s uid=%u error=%s",
		    works->m->item.id, (unsigned)one->uid,
		    log_str(strerror(errno)));
		return -1;
	}
	return 0;
}

int
confine_to_mailboxes(const struct work *works, size_t n)
{
	size_t i, max = 1, have = 1;
	char (*anchors)[PATH_MAX];
	struct sandbox_path *paths;
	const struct work *w;
	int r = -1;

	for (w = works; w < works + n; w++)
		max += w->m->env.nrcpts;
	anchors = calloc(max, sizeof(*anchors));
	paths = calloc(max, sizeof(*paths));
	if (anchors == NULL || paths == NULL)
		goto out;
	paths[0].path = works->settings->spool;
	paths[0].rights = SANDBOX_WRITE;
	for (w = works; w < works + n; w++)
		for (i = 0; i < w->m->env.nrcpts; i++) {
			if (!w->targets[i].local)
				continue;
			paths[have].path = deliver_anchor(anchors[have],
			    w->targets[i].mailbox);
			paths[have].rights = SANDBOX_WRITE;
			/* Many of a batch are for the same. */
			have += strcmp(paths[have].path,
			    paths[have - 1].path) != 0;
		}
	r = sandbox_agent(paths, have, false);
out:
	if (r == -1)
		log_error("sandbox", "error=%s", log_str(strerror(errno)));
	free(anchors);
	free(paths);
	return r;
}
