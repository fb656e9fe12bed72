/* SPDX-License-Identifier: ISC
 *
 * A table of what was gone past: see passed.h.  It decides nothing: what it
 * does not know is opened.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "passed.h"

static uint64_t
add_hash(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)char_lower(*s)) * 1099511628211u;
	return h;
}

static uint64_t
begin(void)
{
	return 14695981039346656037u;
}

uint64_t
passed_name(const char *id)
{
	return add_hash(begin(), id) | 1;
}

uint64_t
passed_recipient(const struct address *a)
{
	return add_hash(add_hash(add_hash(begin(), a->local), "@"),
	    a->domain) | 1;
}

/* Where it is, or may be put. */
static struct passed_entry *
slot_of(const struct passed *p, uint64_t id)
{
	size_t i = (size_t)(id >> 1) & (p->room - 1);

	while (p->v[i].id != 0 && p->v[i].id != id)
		i = (i + 1) & (p->room - 1);
	return &p->v[i];
}

/* Twice the room.  0, -1. */
static int
grow(struct passed *p)
{
	struct passed more = { .room = p->room == 0 ? 64 : 2 * p->room };
	size_t i;

	if ((more.v = calloc(more.room, sizeof(*more.v))) == NULL)
		return -1;
	for (i = 0; i < p->room; i++)
		if (p->v[i].id != 0)
			*slot_of(&more, p->v[i].id) = p->v[i];
	more.n = p->n;
	free(p->v);
	*p = more;
	return 0;
}

void
passed_add(struct passed *p, uint64_t id, uint64_t to)
{
	struct passed_entry *e;

	if (2 * p->n >= p->room && grow(p) == -1)
		return;
	e = slot_of(p, id);
	p->n += e->id == 0;
	*e = (struct passed_entry){ id, to };
}

uint64_t
passed_find(const struct passed *p, uint64_t id)
{
	return p->n == 0 ? 0 : slot_of(p, id)->to;
}

void
passed_free(struct passed *p)
{
	free(p->v);
	memset(p, 0, sizeof(*p));
}
