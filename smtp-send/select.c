/* SPDX-License-Identifier: ISC
 *
 * The words that choose messages.  One that is not understood chooses
 * nothing: it is an error.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "select.h"

enum kind {
	KIND_ID,
	KIND_ALL,
	KIND_FROM,
	KIND_TO,
	KIND_OLDER,
	KIND_NEWER,
	KIND_QUEUE,
	KINDS
};

struct select_term {
	enum kind	 kind;
	const char	*id;
	struct address	 who;		/* local "": all of the domain */
	bool		 null;		/* <> */
	int64_t		 age;
	enum spool_queue queue;
	bool		 seen;		/* an id that is there */
};

static const struct {
	const char	*prefix;
	enum kind	 kind;
} prefixes[] = {
	{ "from=", KIND_FROM },
	{ "to=", KIND_TO },
	{ "older=", KIND_OLDER },
	{ "newer=", KIND_NEWER },
	{ "queue=", KIND_QUEUE },
};

/* who: 0, or -1 malformed. */
static int
take_who(struct select_term *t, const char *s)
{
	if (strcmp(s, "<>") == 0 && t->kind == KIND_FROM) {
		t->null = true;
		return 0;
	}
	if (s[0] == '@')
		return s[1] == '\0' || strlcpy(t->who.domain, s + 1,
		    sizeof(t->who.domain)) >= sizeof(t->who.domain) ? -1 : 0;
	return address_parse_utf8(&t->who, s, strlen(s), NULL) == 1 &&
	    t->who.local[0] != '\0' ? 0 : -1;
}

static int
take_age(struct select_term *t, const char *s)
{
	static const char units[] = "smhdw";
	static const int64_t seconds[] = { 1, 60, 3600, 86400, 604800 };
	const char *unit;
	int64_t v;

	if (*s == '\0')
		return -1;
	while (*s != '\0') {
		for (v = 0; isdigit((unsigned char)*s); s++) {
			if (v > INT32_MAX)
				return -1;
			v = v * 10 + (*s - '0');
		}
		if (*s == '\0' || !isdigit((unsigned char)s[-1]) ||
		    (unit = strchr(units, *s)) == NULL)
			return -1;
		t->age += v * seconds[unit - units];
		s++;
	}
	return 0;
}

static int
take_queue(struct select_term *t, const char *s)
{
	t->queue = strcmp(s, "local") == 0 ? SPOOL_LOCAL : SPOOL_REMOTE;
	return strcmp(s, "local") == 0 || strcmp(s, "remote") == 0 ? 0 : -1;
}

/* An id begins with the time of arrival. */
static int
take_id(struct select_term *t, const char *s)
{
	if (!isdigit((unsigned char)s[0]) || strchr(s, '.') == NULL)
		return -1;
	t->id = s;
	return 0;
}

static int
take_word(struct select_term *t, const char *word)
{
	size_t i, n;

	if (strcmp(word, "all") == 0) {
		t->kind = KIND_ALL;
		return 0;
	}
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		n = strlen(prefixes[i].prefix);
		if (strncmp(word, prefixes[i].prefix, n) != 0)
			continue;
		t->kind = prefixes[i].kind;
		word += n;
		switch (t->kind) {
		case KIND_FROM:
		case KIND_TO:
			return take_who(t, word);
		case KIND_OLDER:
		case KIND_NEWER:
			return take_age(t, word);
		case KIND_QUEUE:
			return take_queue(t, word);
		case KIND_ID:
		case KIND_ALL:
		case KINDS:
			break;
		}
	}
	t->kind = KIND_ID;
	return take_id(t, word);
}

int
select_parse(struct select *sel, char *const *words, size_t n, char *why,
    size_t size)
{
	why[0] = '\0';
	sel->n = 0;
	sel->ids = sel->rcpts = false;
	if ((sel->terms = calloc(n + 1, sizeof(*sel->terms))) == NULL)
		return -1;
	for (; sel->n < n; sel->n++) {
		if (take_word(&sel->terms[sel->n], words[sel->n]) == -1) {
			snprintf(why, size, "%s: is no id, from=, to=, "
			    "older=, newer=, queue= or all", words[sel->n]);
			return -1;
		}
		sel->ids |= sel->terms[sel->n].kind == KIND_ID;
		sel->rcpts |= sel->terms[sel->n].kind == KIND_TO;
	}
	return 0;
}

void
select_free(struct select *sel)
{
	free(sel->terms);
	sel->terms = NULL;
	sel->n = 0;
}

/* Do the terms of this kind hold: none is given, or one of them does? */
static bool
holds(const struct select *sel, enum kind kind,
    bool (*one)(const struct select *, const struct select_term *,
    const void *), const void *arg)
{
	bool given = false;
	size_t i;

	for (i = 0; i < sel->n; i++) {
		if (sel->terms[i].kind != kind)
			continue;
		if (one(sel, &sel->terms[i], arg))
			return true;
		given = true;
	}
	return !given;
}

static bool
is_id(const struct select *sel, const struct select_term *t, const void *item)
{
	(void)sel;
	return strcmp(t->id, ((const struct spool_item *)item)->id) == 0;
}

static bool
is_aged(const struct select *sel, const struct select_term *t,
    const void *item)
{
	int64_t age = sel->now - ((const struct spool_item *)item)->arrived;

	return t->kind == KIND_OLDER ? age >= t->age : age < t->age;
}

static bool
is_queue(const struct select *sel, const struct select_term *t,
    const void *item)
{
	(void)sel;
	return t->queue == ((const struct spool_item *)item)->queue;
}

/* For people the letter case of a local part makes no difference. */
static bool
is_who(const struct select *sel, const struct select_term *t,
    const void *address)
{
	const struct address *a = address;

	(void)sel;
	if (t->null)
		return address_is_null(a);
	return strcasecmp(t->who.domain, a->domain) == 0 &&
	    (t->who.local[0] == '\0' ||
	    strcasecmp(t->who.local, a->local) == 0);
}

bool
select_item(const struct select *sel, const struct spool_item *it)
{
	return holds(sel, KIND_ID, is_id, it) &&
	    holds(sel, KIND_OLDER, is_aged, it) &&
	    holds(sel, KIND_NEWER, is_aged, it) &&
	    holds(sel, KIND_QUEUE, is_queue, it);
}

bool
select_rcpt(const struct select *sel, const struct envelope_rcpt *r)
{
	return r->status != ENVELOPE_DELIVERED &&
	    r->status != ENVELOPE_BOUNCED &&
	    holds(sel, KIND_TO, is_who, &r->addr);
}

bool
select_message(const struct select *sel, const struct spool_message *m)
{
	size_t i;

	if (!holds(sel, KIND_FROM, is_who, &m->env.sender))
		return false;
	for (i = 0; sel->rcpts && i < m->env.nrcpts; i++)
		if (select_rcpt(sel, &m->env.rcpts[i]))
			return true;
	return !sel->rcpts;
}

void
select_seen(struct select *sel, const char *id)
{
	size_t i;

	for (i = 0; sel->ids && i < sel->n; i++)
		if (sel->terms[i].kind == KIND_ID &&
		    strcmp(sel->terms[i].id, id) == 0)
			sel->terms[i].seen = true;
}

const char *
select_unseen(const struct select *sel, size_t *at)
{
	for (; *at < sel->n; ++*at)
		if (sel->terms[*at].kind == KIND_ID && !sel->terms[*at].seen)
			return sel->terms[(*at)++].id;
	return NULL;
}
