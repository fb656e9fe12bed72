/* SPDX-License-Identifier: ISC
 *
 * Which message of the model each row of a view shows.  Copies of one message
 * differ in their flags alone until their UIDs are known, and after a session
 * was killed at its work it is not known which flags some have, nor whether
 * they are there: the first that fits a row may be the only one for another.
 * So a message takes a row from one that can have a third (augmenting paths in
 * a bipartite graph).
 */
#ifndef T_MODEL_MATCH_H
#define T_MODEL_MATCH_H

#include "session.h"

struct entry {			/* one message of the model */
	int		 folder;
	uint32_t	 token;
	uint32_t	 uid;		/* 0: not told yet */
	uint64_t	 flags;
	uint64_t	 maybe;		/* flags that may be the other way */
	uint64_t	 reserved;	/* in use by this batch */
	bool		 maybe_gone;
	bool		 seen;
};

struct matching {
	const struct reply *view;
	struct entry	*shown[ROWS];	/* by each row, NULL: none */
	bool		 asked[ROWS];
};

static bool
fits(const struct entry *e, const struct row *row)
{
	if (row->gone)
		return false;
	if (e->uid != 0)
		return e->uid == row->uid;
	return e->token == row->token &&
	    ((e->flags ^ row->flags) & ~e->maybe) == 0;
}

static bool
find_row(struct matching *m, struct entry *e)
{
	uint32_t i;

	for (i = 0; i < m->view->n; i++) {
		if (m->asked[i] || !fits(e, &m->view->row[i]))
			continue;
		m->asked[i] = true;
		if (m->shown[i] != NULL && !find_row(m, m->shown[i]))
			continue;
		m->shown[i] = e;
		return true;
	}
	return false;
}

/* Who has a row keeps one: a UID's own message comes first, then those that
 * are certainly there. */
static int
rank(const struct entry *e)
{
	return e->uid != 0 ? 0 : e->maybe_gone ? 2 : 1;
}

static void
match(struct matching *m, const struct reply *view, struct entry *v, size_t n,
    int folder)
{
	struct entry *e;
	int now;

	memset(m, 0, sizeof(*m));
	m->view = view;
	for (now = 0; now <= 2; now++)
		for (e = v; e < v + n; e++) {
			if (e->folder != folder || rank(e) != now)
				continue;
			memset(m->asked, 0, sizeof(m->asked));
			e->seen = find_row(m, e);
		}
}

#endif
