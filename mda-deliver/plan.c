/* SPDX-License-Identifier: ISC
 *
 * A list of destinations: see plan.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

void
plan_init(struct plan *p)
{
	memset(p, 0, sizeof(*p));
}

void
plan_free(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		free(p->v[i].text);
		free(p->v[i].flags);
		buf_free(&p->v[i].reply);
	}
	for (i = 0; i < p->nedits; i++)
		buf_free(&p->edits[i]);
	free(p->v);
	free(p->edits);
	free(p->marks);
	plan_init(p);
}

struct dest *
plan_add(struct plan *p, enum dest_kind kind, const char *text)
{
	struct dest *d;

	if (p->n == PLAN_MOST || (text != NULL &&
	    strnlen(text, PLAN_TEXT_MAX) == PLAN_TEXT_MAX)) {
		errno = E2BIG;
		return NULL;
	}
	if (p->v == NULL && (p->v = calloc(PLAN_MOST, sizeof(*p->v))) == NULL)
		return NULL;
	d = &p->v[p->n];
	memset(d, 0, sizeof(*d));
	if (text != NULL && (d->text = strdup(text)) == NULL)
		return NULL;
	d->kind = kind;
	p->n++;
	return d;
}
