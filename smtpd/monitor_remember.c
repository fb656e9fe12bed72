/* SPDX-License-Identifier: ISC
 *
 * What other hosts said about their recipients: see remember.h.  Strangers
 * choose the addresses: a new one takes the place of another, and memory has
 * an end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "remember.h"
#include "system/clock.h"

#define SLOTS		8192
#define GOOD_MS		(6LL * 3600 * 1000)
#define BAD_MS		(10LL * 60 * 1000)
#define AWAY_MS		(60LL * 1000)

struct slot {
	char		*name;
	enum remembered	 what;
	long long	 end;
};

static struct slot slots[SLOTS];

/* FNV-1a, letter case ignored. */
static struct slot *
slot_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ ((unsigned char)*name | 0x20u)) * 16777619u;
	return &slots[h % SLOTS];
}

static enum remembered
look(const char *name)
{
	const struct slot *s = slot_of(name);

	return s->name != NULL && strcasecmp(s->name, name) == 0 &&
	    clock_ms() < s->end ? s->what : REMEMBER_NOTHING;
}

void
remember(const struct address *a, enum remembered what)
{
	static const long long how_long[] = { 0, GOOD_MS, BAD_MS, AWAY_MS };
	char text[ADDRESS_TEXT_MAX];
	struct slot *s;

	if (what == REMEMBER_NOTHING)
		return;
	if (what == REMEMBER_AWAY)
		snprintf(text, sizeof(text), "@%s", a->domain);
	else
		address_text(a, text);
	s = slot_of(text);
	free(s->name);
	s->name = strdup(text);
	s->what = what;
	s->end = clock_ms() + how_long[what];
}

enum remembered
recall(const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];
	enum remembered what = look(address_text(a, text));

	if (what != REMEMBER_NOTHING)
		return what;
	snprintf(text, sizeof(text), "@%s", a->domain);
	return look(text);
}
