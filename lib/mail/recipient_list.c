/* SPDX-License-Identifier: ISC
 *
 * What an address stands for, as a list: see recipient.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "grammar/chars.h"
#include "mail/recipient.h"

bool
recipient_same(const struct address *a, const struct address *b)
{
	return strcasecmp(a->local, b->local) == 0 &&
	    strcasecmp(a->domain, b->domain) == 0;
}

static size_t
add_hash(size_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)char_lower(*s)) * 16777619u;
	return h;
}

/* Where the address is in the table, or may be put. */
static unsigned *
slot_of(const struct recipient_list *l, const struct address *a)
{
	size_t i = add_hash(add_hash(2166136261u, a->local) ^ '@', a->domain);

	for (i &= l->nslots - 1; l->slots[i] != 0 &&
	    !recipient_same(&l->v[l->slots[i] - 1], a);)
		i = (i + 1) & (l->nslots - 1);
	return &l->slots[i];
}

/* Twice the room.  0, -1. */
static int
grow(struct recipient_list *l)
{
	size_t i, room = l->room == 0 ? 8 : l->room * 2;
	unsigned *slots = calloc(room, 2 * sizeof(*slots));
	struct address *more = reallocarray(l->v, room, sizeof(*more));

	if (more != NULL)
		l->v = more;
	if (slots == NULL || more == NULL) {
		free(slots);
		return -1;
	}
	free(l->slots);
	l->slots = slots;
	l->nslots = 2 * room;
	l->room = room;
	for (i = 0; i < l->n; i++)
		*slot_of(l, &l->v[i]) = (unsigned)i + 1;
	return 0;
}

int
recipient_list_add(struct recipient_list *l, const struct address *a)
{
	unsigned *slot;

	if (l->n == l->room && grow(l) == -1)
		return -1;
	if (*(slot = slot_of(l, a)) != 0)
		return 0;
	l->v[l->n++] = *a;
	*slot = (unsigned)l->n;
	return 0;
}

size_t
recipient_list_find(const struct recipient_list *l, const struct address *a)
{
	unsigned at = l->n == 0 ? 0 : *slot_of(l, a);

	return at == 0 ? l->n : at - 1;
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
	free(l->slots);
	free(l->v);
	memset(l, 0, sizeof(*l));
}
