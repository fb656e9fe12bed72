/* SPDX-License-Identifier: ISC
 *
 * What an address stands for, as a list: see recipient.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/recipient.h"

bool
recipient_same(const struct address *a, const struct address *b)
{
	return strcasecmp(a->local, b->local) == 0 &&
	    strcasecmp(a->domain, b->domain) == 0;
}

int
recipient_list_add(struct recipient_list *l, const struct address *a)
{
	struct address *more;
	size_t i;

	for (i = 0; i < l->n; i++)
		if (recipient_same(&l->v[i], a))
			return 0;
	if (l->n == l->room) {
		l->room = l->room == 0 ? 8 : l->room * 2;
		if ((more = reallocarray(l->v, l->room,
		    sizeof(*more))) == NULL)
			return -1;
		l->v = more;
	}
	l->v[l->n++] = *a;
	return 0;
}

int
recipient_list_add_special(struct recipient_list *l,
    const struct recipient_special *given)
{
	struct recipient_special *s;
	size_t i;

	for (i = 0; i < l->nspecials; i++) {
		s = &l->specials[i];
		if (s->kind == given->kind && s->owner == given->owner &&
		    strcmp(s->text, given->text) == 0)
			return 0;
	}
	if (l->nspecials == RECIPIENT_SPECIALS) {
		errno = E2BIG;
		return -1;
	}
	if (l->specials == NULL && (l->specials = calloc(RECIPIENT_SPECIALS,
	    sizeof(*l->specials))) == NULL)
		return -1;
	s = &l->specials[l->nspecials];
	*s = *given;
	if ((s->text = strdup(given->text)) == NULL)
		return -1;
	l->nspecials++;
	return 0;
}

void
recipient_list_free(struct recipient_list *l)
{
	while (l->nspecials > 0)
		free(l->specials[--l->nspecials].text);
	free(l->specials);
	free(l->v);
	memset(l, 0, sizeof(*l));
}
