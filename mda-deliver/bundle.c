/* SPDX-License-Identifier: ISC
 *
 * see bundle.h.  It must never have a name outlive a power cut that its octets
 * did not, nor call a copy delivered before the sync behind it; nor look at a
 * user's files with more rights than his.
 *
 * As root it does what a process of the user's would do, but in this one: a
 * fork for each copy takes longer than the copy.  What it reads of the user's
 * is his maildirsize.
 */
#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

#include "carry.h"
#include "bundle.h"
#include "system/privilege.h"

struct bundle {
	size_t		n;
	dev_t		dev;		/* that all of them are on */
	bool		root;
	struct copy	*last;		/* that was named, or NULL */
	struct copy	v[BUNDLE_MAX];
};

void
bundle_open(struct work *w)
{
	bool root = geteuid() == 0;

	if ((root && setgroups(0, NULL) == -1) ||
	    (w->bundle = malloc(sizeof(*w->bundle))) == NULL)
		return;
	w->bundle->n = 0;
	w->bundle->last = NULL;
	w->bundle->root = root;
}

/* Only on a disk in order is the sync of one that of all. */
static bool
belongs(struct bundle *b, const struct deliver *d)
{
	struct stat st;

	if (d->dir == -1 || !d->u.maildir.ordered || fstat(d->dir, &st) == -1)
		return false;
	if (b->n == 0)
		b->dev = st.st_dev;
	return b->dev == st.st_dev;
}

/* The rights of recipient i, and no others. */
static bool
become(const struct work *w, size_t i)
{
	const struct user *u = w->targets[i].user;

	return !w->bundle->root || privilege_lend(u->uid, u->gid) == 0;
}

static void
go_back(const struct work *w)
{
	if (w->bundle->root)
		privilege_back();
}

/* As the owner.  False: nothing was done. */
static bool
begin(struct work *w, size_t i, struct outcome *o)
{
	struct bundle *b = w->bundle;
	struct copy *c = &b->v[b->n];

	if (copy_begin(w, i, NULL, true, c, o) == -1)
		return false;
	if (!belongs(b, &c->d))
		deliver_end(&c->d, o);
	else if (deliver_ready(&c->d, o) == -1)
		return false;
	else {
		maildir_hurry(&c->d.u.maildir);
		o->begun = true;
		b->n++;
	}
	return true;
}

void
bundle_copy(struct work *w, size_t i, struct outcome *o)
{
	bool done = false;

	if (become(w, i)) {
		done = begin(w, i, o);
		go_back(w);
	}
	if (!done)
		o->begun = w->targets[i].alone = true;
}

bool
bundle_is_full(const struct work *w)
{
	return w->bundle != NULL && w->bundle->n == BUNDLE_MAX;
}

/* What could not be done as the owner is left in tmp/, for the next try.  Is it
 * new there? */
static bool
name_one(struct work *w, struct copy *c)
{
	struct target *t = &w->targets[c->i];
	int r;

	if (!become(w, c->i)) {
		outcome_errno(&t->outcome, c->how.mailbox, errno);
		deliver_close(&c->d);
		return false;
	}
	r = deliver_name(&c->d, &t->outcome);
	go_back(w);
	return r == 0 && c->d.u.maildir.fd != -1;
}

static void
close_one(struct work *w, struct copy *c, int error)
{
	struct target *t = &w->targets[c->i];

	t->outcome.begun = false;
	if (error == 0 || c->d.dir == -1 || !become(w, c->i)) {
		deliver_close(&c->d);
		return;
	}
	deliver_undo(&c->d, &t->outcome, error);
	go_back(w);
}

size_t
bundle_name(struct work *w, size_t *rcpts)
{
	struct bundle *b = w->bundle;
	size_t k, n = b == NULL ? 0 : b->n;

	for (k = 0; k < n; k++) {
		rcpts[k] = b->v[k].i;
		if (name_one(w, &b->v[k]))
			b->last = &b->v[k];
	}
	return n;
}

bool
bundle_is_ordered(const struct work *w)
{
	const struct bundle *b = w->bundle;
	struct stat st;
	size_t k;

	for (k = 0; b != NULL && k < b->n; k++)
		if (w->targets[b->v[k].i].outcome.kind != OUTCOME_DELIVERED &&
		    w->targets[b->v[k].i].outcome.kind != OUTCOME_BEFORE)
			return false;
	return b != NULL && b->n > 0 && fstat(w->m->fd, &st) == 0 &&
	    st.st_dev == b->dev;
}

void
bundle_end(struct work *w, bool sync)
{
	struct bundle *b = w->bundle;
	int error = 0;
	size_t k;

	if (b == NULL)
		return;
	if (sync && b->last != NULL && deliver_sync(&b->last->d) == -1)
		error = errno;
	for (k = 0; k < b->n; k++)
		close_one(w, &b->v[k], error);
	b->last = NULL;
	b->n = 0;
}

void
bundle_close(struct work *w)
{
	free(w->bundle);
	w->bundle = NULL;
}
