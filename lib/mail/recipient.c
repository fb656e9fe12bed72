/* SPDX-License-Identifier: ISC
 *
 * What an address is to us: see recipient.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "grammar/chars.h"
#include "mail/recipient.h"
#include "system/log.h"

#define NAME_MAX_KEY	(ADDRESS_LOCAL_MAX + ADDRESS_DOMAIN_MAX + 2)

/* An address on the way, and which entry's target it was. */
struct item {
	struct address	 addr;
	int		 from;		/* an item, or -1 */
	unsigned	 depth;
};

struct search {
	const struct directory	*dir;
	struct recipient	*r;
	struct item		*items;
	size_t			 n, room;
	struct recipient_list	 found;		/* users, and elsewhere */
	struct recipient_list	 lost;		/* nobody */
	bool			 remote, looped;
};

/* ---- lists ---- */

static bool
same(const struct address *a, const struct address *b)
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
		if (same(&l->v[i], a))
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

void
recipient_list_free(struct recipient_list *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

/* ---- one address ---- */

static bool
is_local(const struct directory *d, const struct address *a)
{
	return settings_is_local(d->settings, a->domain, strlen(a->domain));
}

void
recipient_complete(const struct settings *s, struct address *a)
{
	if (a->domain[0] == '\0')
		strlcpy(a->domain, s->domains.v[0], sizeof(a->domain));
}

/* "user+folder" without its folder, which is where the return points; NULL
 * when there is none. */
static const char *
split(const struct directory *d, const struct address *a,
    struct address *base)
{
	const char *sign = d->settings->recipient_delimiter, *at;

	if (*sign == '\0' || (at = strchr(a->local, *sign)) == NULL ||
	    at == a->local)
		return NULL;
	*base = *a;
	base->local[at - a->local] = '\0';
	return at + 1;
}

static enum recipient_kind
find_user(const struct directory *d, const struct address *a,
    struct recipient *r)
{
	enum users_result found = users_find(d->users, a->local, a->domain,
	    &r->user, r->error);

	explicit_bzero(r->user.hash, sizeof(r->user.hash));
	switch (found) {
	case USERS_FOUND:
		return RECIPIENT_LOCAL;
	case USERS_NONE:
		return RECIPIENT_UNKNOWN;
	case USERS_TEMPORARY:
		break;
	}
	return RECIPIENT_TEMPORARY;
}

enum recipient_kind
recipient_user(const struct directory *d, const struct address *a,
    struct recipient *r)
{
	const char *folder;
	struct address base;

	memset(r, 0, sizeof(*r));
	if (!is_local(d, a))
		return r->kind = RECIPIENT_REMOTE;
	r->kind = find_user(d, a, r);
	if (r->kind == RECIPIENT_UNKNOWN &&
	    (folder = split(d, a, &base)) != NULL) {
		r->kind = find_user(d, &base, r);
		strlcpy(r->folder, folder, sizeof(r->folder));
	}
	return r->kind;
}

/* "local@domain", "local" or "@domain", as tables have it. */
static const struct table_entry *
look_up(const struct table *t, const char *local, const char *domain)
{
	char key[NAME_MAX_KEY], *p;

	if (t->n == 0 || snprintf(key, sizeof(key), "%s%s%s", local,
	    *domain == '\0' ? "" : "@", domain) >= (int)sizeof(key))
		return NULL;
	for (p = key; *p != '\0'; p++)
		*p = (char)char_lower(*p);
	if (*domain != '\0' && p[-1] == '.')
		p[-1] = '\0';
	return table_find(t, key);
}

/* ---- the search ---- */

/* Something is wrong with what an entry says. */
static int __attribute__((format(printf, 2, 3)))
trouble(struct search *s, const char *fmt, ...)
{
	va_list ap;

	s->r->kind = RECIPIENT_TEMPORARY;
	va_start(ap, fmt);
	vsnprintf(s->r->error, sizeof(s->r->error), fmt, ap);
	va_end(ap);
	return -1;
}

static int
push(struct search *s, const struct address *a, int from)
{
	struct item *more;
	char text[ADDRESS_TEXT_MAX];
	unsigned depth = from == -1 ? 0 : s->items[from].depth + 1;

	if (depth > RECIPIENT_DEPTH || s->n == RECIPIENT_MOST)
		return trouble(s, "%.300s leads to too many others",
		    address_text(&s->items[0].addr, text));
	if (s->n == s->room) {
		s->room = s->room == 0 ? 4 : s->room * 2;
		if ((more = reallocarray(s->items, s->room,
		    sizeof(*more))) == NULL)
			return trouble(s, "out of memory");
		s->items = more;
	}
	s->items[s->n].addr = *a;
	s->items[s->n].from = from;
	s->items[s->n++].depth = depth;
	return 0;
}

static int
keep(struct search *s, struct recipient_list *l, const struct address *a)
{
	return recipient_list_add(l, a) == -1 ? trouble(s, "out of memory") : 0;
}

/* Does an item come of an entry for the same address? */
static bool
is_own(const struct search *s, size_t i)
{
	int up;

	for (up = s->items[i].from; up != -1; up = s->items[up].from)
		if (same(&s->items[up].addr, &s->items[i].addr))
			return true;
	return false;
}

/* One target of an entry.  A name alone is at the domain it was asked for;
 * "@domain" is the same name there. */
static int
push_target(struct search *s, const struct table *t,
    const struct table_entry *e, const char *target, size_t i)
{
	struct address a = { "", "" };

	if (*target == '@') {
		a = s->items[i].addr;
		strlcpy(a.domain, target + 1, sizeof(a.domain));
	} else if (alias_is_special(target) ||
	    address_parse_utf8(&a, target, strlen(target), NULL) != 1)
		return trouble(s, "%.200s:%u: %.100s: only addresses can be "
		    "delivered to", t->path, e->line, target);
	if (a.domain[0] == '\0')
		strlcpy(a.domain, s->items[i].addr.domain, sizeof(a.domain));
	return push(s, &a, (int)i);
}

/* 1: there is such an entry, and what it says is to be looked at; 0; -1. */
static int
follow(struct search *s, const struct table *t, const char *local,
    const char *domain, size_t i)
{
	const struct table_entry *e = look_up(t, local, domain);
	const char *at, *target;

	if (e == NULL)
		return 0;
	for (at = e->targets; (target = table_target(&at)) != NULL;)
		if (push_target(s, t, e, target, i) == -1)
			return -1;
	return 1;
}

/* By both files, under one name. */
static int
follow_name(struct search *s, const struct address *a, size_t i)
{
	struct tables *t = s->dir->tables;
	struct address owner;
	int r;

	if ((r = follow(s, &t->virtual, a->local, a->domain, i)) != 0 ||
	    (r = follow(s, &t->aliases, a->local, "", i)) != 1)
		return r;
	/* Its bounces go to "owner-name", where there is one. */
	if (i == 0 && snprintf(owner.local, sizeof(owner.local), "owner-%s",
	    a->local) < (int)sizeof(owner.local) &&
	    look_up(&t->aliases, owner.local, "") != NULL) {
		strlcpy(owner.domain, a->domain, sizeof(owner.domain));
		s->r->owner = owner;
	}
	return 1;
}

static int
follow_user(struct search *s, const struct address *a, const char *folder,
    size_t i)
{
	struct recipient *r = s->r;

	switch (find_user(s->dir, a, r)) {
	case RECIPIENT_LOCAL:
		strlcpy(r->folder, folder, sizeof(r->folder));
		return keep(s, &s->found, &s->items[i].addr) == -1 ? -1 : 1;
	case RECIPIENT_TEMPORARY:
		r->kind = RECIPIENT_TEMPORARY;
		return -1;
	default:
		return 0;
	}
}

/* Who gets mail for a name that every host must have, when nobody is called
 * so: another name, or NULL. */
static const char *
required(const struct settings *s, const char *local)
{
	static const struct {
		const char	*name;
		const char	*other;
	} rows[] = {
		{ "postmaster", "root" },	/* RFC 5321, section 4.5.1 */
		{ "abuse", "postmaster" },	/* RFC 2142 */
		{ "mailer-daemon", "postmaster" },
		{ "root", NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcasecmp(rows[i].name, local) == 0)
			return *s->postmaster != '\0' && (i == 0 ||
			    rows[i].other == NULL) ? s->postmaster :
			    rows[i].other;
	return NULL;
}

static int
follow_required(struct search *s, size_t i)
{
	struct address a = s->items[i].addr;
	const char *other = required(s->dir->settings, a.local);
	struct address to;

	if (other == NULL || address_parse_utf8(&to, other, strlen(other),
	    NULL) != 1)
		return 0;
	if (to.domain[0] == '\0')
		strlcpy(to.domain, a.domain, sizeof(to.domain));
	return push(s, &to, (int)i) == -1 ? -1 : 1;
}

static int
follow_srs(struct search *s, size_t i)
{
	const struct tables *t = s->dir->tables;
	struct address to;

	if (!t->has_srs || srs_reverse(&t->srs, &s->items[i].addr,
	    (int64_t)time(NULL), &to) != 1)
		return 0;
	return push(s, &to, (int)i) == -1 ? -1 : 1;
}

/* An address at a domain of ours. */
static int
resolve_local(struct search *s, size_t i)
{
	const struct address a = s->items[i].addr;
	bool own = is_own(s, i);
	struct address base;
	const char *folder = split(s->dir, &a, &base);
	int r;

	if ((r = own ? 0 : follow_name(s, &a, i)) != 0 ||
	    (r = follow_user(s, &a, "", i)) != 0)
		return r;
	if (!own && (r = follow_srs(s, i)) != 0)
		return r;
	if (folder != NULL && ((r = own ? 0 : follow_name(s, &base, i)) != 0
	    || (r = follow_user(s, &base, folder, i)) != 0))
		return r;
	if (own)
		s->looped = true;
	else if ((r = follow_required(s, i)) != 0 || (r = follow(s,
	    &s->dir->tables->virtual, "", a.domain, i)) != 0)
		return r;
	return keep(s, &s->lost, &a);
}

static int
resolve(struct search *s, size_t i)
{
	if (is_local(s->dir, &s->items[i].addr))
		return resolve_local(s, i);
	s->remote = true;
	return keep(s, &s->found, &s->items[i].addr);
}

static enum recipient_kind
verdict(struct search *s, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	if (s->found.n == 0 && s->looped) {
		trouble(s, "%.300s leads back to itself, and is no user",
		    address_text(a, text));
		return RECIPIENT_TEMPORARY;
	}
	if (s->found.n == 0)
		return strcasecmp(a->local, "root") != 0 &&
		    required(s->dir->settings, a->local) != NULL ?
		    RECIPIENT_NOBODY : RECIPIENT_UNKNOWN;
	return s->found.n == 1 && s->lost.n == 0 && !s->remote &&
	    address_is_null(&s->r->owner) ? RECIPIENT_LOCAL :
	    RECIPIENT_LIST;
}

static void
search(struct search *s, const struct address *a,
    struct recipient_list *list)
{
	size_t i;

	if (push(s, a, -1) == -1)
		return;
	/* Two are a list, whatever the others are. */
	for (i = 0; i < s->n && (list != NULL || s->found.n < 2); i++)
		if (resolve(s, i) == -1)
			return;
	s->r->kind = verdict(s, a);
	if (s->r->kind != RECIPIENT_LIST || list == NULL)
		return;
	for (i = 0; i < s->lost.n; i++)
		if (keep(s, &s->found, &s->lost.v[i]) == -1)
			return;
	*list = s->found;
	memset(&s->found, 0, sizeof(s->found));
}

/* Mail for it goes to another host.  Of a domain we relay for, the table may
 * know who is there. */
static enum recipient_kind
find_remote(const struct directory *d, const struct address *a)
{
	const struct table *t = &d->tables->relay;
	struct address base;

	if (!settings_is_relay(d->settings, a->domain, strlen(a->domain)))
		return RECIPIENT_REMOTE;
	if (*t->path == '\0' || look_up(t, a->local, a->domain) != NULL ||
	    (split(d, a, &base) != NULL &&
	    look_up(t, base.local, base.domain) != NULL) ||
	    look_up(t, "", a->domain) != NULL)
		return RECIPIENT_RELAY;
	return RECIPIENT_UNKNOWN;
}

enum recipient_kind
recipient_find(const struct directory *d, const struct address *given,
    struct recipient *r, struct recipient_list *list)
{
	struct search s = { .dir = d, .r = r };
	struct address a = *given;

	memset(r, 0, sizeof(*r));
	tables_refresh(d->tables);
	recipient_complete(d->settings, &a);
	if (!is_local(d, &a))
		return r->kind = find_remote(d, &a);
	search(&s, &a, list);
	free(s.items);
	recipient_list_free(&s.found);
	recipient_list_free(&s.lost);
	return r->kind;
}

uid_t
recipient_owner(const struct recipient *r)
{
	return r->kind == RECIPIENT_LOCAL ? r->user.uid : (uid_t)-1;
}
