/* SPDX-License-Identifier: ISC
 *
 * Recipients of accounts, counted by the hour.  It must never grow beyond one
 * row for each account that sent within the hour, nor beyond its bound.
 */
#include <stdlib.h>
#include <string.h>

#include "rate.h"
#include "mail/users.h"
#include "system/clock.h"

#define HOUR	(3600 * 1000LL)
#define ROWS	100000

struct row {
	char		 name[USERS_NAME_MAX];
	long long	 since;		/* ms */
	unsigned long	 n;
	bool		 frozen;
};

static struct row **rows;
static size_t nrows, maxrows;

/* Its row of this hour, or NULL; *old: one whose hour is over. */
static struct row *
find(const char *account, struct row **old)
{
	long long now = clock_ms();
	size_t i;

	*old = NULL;
	for (i = 0; i < nrows; i++) {
		if (now - rows[i]->since >= HOUR)
			*old = rows[i];
		else if (strcmp(rows[i]->name, account) == 0)
			return rows[i];
	}
	return NULL;
}

static struct row *
add(void)
{
	struct row **more, *r;
	size_t max;

	if (nrows == ROWS)
		return NULL;
	if (nrows == maxrows) {
		max = maxrows == 0 ? 16 : 2 * maxrows;
		more = reallocarray(rows, max, sizeof(*more));
		if (more == NULL)
			return NULL;
		rows = more;
		maxrows = max;
	}
	if ((r = calloc(1, sizeof(*r))) != NULL)
		rows[nrows++] = r;
	return r;
}

bool
rate_frozen(const char *account, unsigned long limit, bool *first)
{
	struct row *old, *r = find(account, &old);

	*first = false;
	if (r == NULL || r->n < limit)
		return false;
	*first = !r->frozen;
	r->frozen = true;
	return true;
}

void
rate_count(const char *account)
{
	struct row *old, *r = find(account, &old);

	if (r == NULL) {
		if ((r = old != NULL ? old : add()) == NULL)
			return;		/* no memory stops no mail */
		memset(r, 0, sizeof(*r));
		strlcpy(r->name, account, sizeof(r->name));
		r->since = clock_ms();
	}
	r->n++;
}
