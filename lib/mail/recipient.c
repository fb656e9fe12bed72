/* SPDX-License-Identifier: ISC
 *
 * What an address is to us: see recipient.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "grammar/chars.h"
#include "mail/include.h"
#include "mail/recipient.h"
#include "system/log.h"

#define LOOK_AT		16	/* addresses of a file, when not all are
				 * wanted */
#define NAME_MAX_KEY	(ADDRESS_LOCAL_MAX + ADDRESS_DOMAIN_MAX + 2)

/* An address on the way, and which entry's target it was. */
struct item {
	struct address	 addr;
	int		 from;		/* an item, or -1 */
	unsigned	 depth;
	bool		 user;		/* he, whatever else is called so */
};

/* Where a target stands, and so what it may be. */
struct source {
	enum { TABLE, ALIASES, INCLUDED } kind;
	const char	*path;
	unsigned	 line;
	uid_t		 owner;		/* of the file */
};

struct search {
	const struct directory	*dir;
	struct recipient	*r;
	bool			 whole;		/* all of it is wanted */
	struct item		*items;
	size_t			 n, room;
	char			*included[RECIPIENT_INCLUDES];
	size_t			 nincluded;
	struct recipient_list	 found;		/* users, elsewhere, specials */
	struct recipient_list	 lost;		/* nobody */
	bool			 remote, looped, hidden;
};

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
	r->address = *a;
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
	s->items[s->n].user = false;
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
		if (recipient_same(&s->items[up].addr, &s->items[i].addr))
			return true;
	return false;
}

static int
bad_target(struct search *s, const struct source *src, const char *why)
{
	return trouble(s, "%.200s:%u: %s", src->path, src->line, why);
}

/* A name alone is at the domain it was asked for. */
static int
push_address(struct search *s, const struct source *src, const char *text,
    bool user, size_t i)
{
	struct address a;

	if (address_parse_utf8(&a, text, strlen(text), NULL) != 1)
		return bad_target(s, src, "an address that is none");
	if (a.domain[0] == '\0')
		strlcpy(a.domain, s->items[i].addr.domain, sizeof(a.domain));
	if (push(s, &a, (int)i) == -1)
		return -1;
	s->items[s->n - 1].user = user;
	return 0;
}

/* "@domain" is the same name there. */
static int
push_domain(struct search *s, const char *domain, size_t i)
{
	struct address a = s->items[i].addr;

	strlcpy(a.domain, domain, sizeof(a.domain));
	return push(s, &a, (int)i);
}

static int
add_special(struct search *s, const struct source *src,
    enum recipient_special_kind kind, const char *text)
{
	const struct recipient_special special = { kind,
	    (char *)(uintptr_t)text, src->owner, src->path, src->line };

	if (src->kind != ALIASES)
		return bad_target(s, src, "a program or file, which only "
		    "entries of aliases can name");
	if (*text == '\0')
		return bad_target(s, src, "no command stands behind the sign");
	if (recipient_list_add_special(&s->found, &special) == 0)
		return 0;
	return bad_target(s, src, errno == E2BIG ?
	    "there are too many programs and files" : "out of memory");
}

/* Each file once, for each domain that its names may be at.  1 it is new, 0,
 * -1. */
static int
note_include(struct search *s, const struct source *src, const char *path,
    const char *domain)
{
	char *name;
	size_t i;

	if (asprintf(&name, "%s:%s", domain, path) == -1)
		return bad_target(s, src, "out of memory");
	for (i = 0; i < s->nincluded; i++)
		if (strcmp(s->included[i], name) == 0)
			break;
	if (i == s->nincluded && i < RECIPIENT_INCLUDES) {
		s->included[s->nincluded++] = name;
		return 1;
	}
	free(name);
	return i < s->nincluded ? 0 : bad_target(s, src,
	    "there are too many files to include");
}

static int push_target(struct search *, const struct source *,
	    const char *target, size_t);

static int
push_include(struct search *s, const struct source *src, const char *path,
    size_t i)
{
	struct source here = { INCLUDED, path, 0, 0 };
	struct include in;
	const char *target, *why;
	size_t seen = 0;
	int r;

	if (src->kind == TABLE)
		return bad_target(s, src, "only addresses can be delivered "
		    "to");
	if ((r = note_include(s, src, path, s->items[i].addr.domain)) != 1)
		return r;
	if (include_open(&in, path, src->owner, &why) == -1) {
		s->hidden = errno == EACCES && !s->whole;
		return s->hidden ? 0 : trouble(s, "%.150s:%u: %.200s: %s",
		    src->path, src->line, path, why);
	}
	here.owner = in.owner;
	while ((r = include_next(&in, &target, &why)) == 1) {
		here.line = in.line;
		/* Where the kind alone is asked for, it is a list. */
		if (seen++ == LOOK_AT && !s->whole) {
			s->hidden = true;
			r = 0;
			break;
		}
		if (push_target(s, &here, target, i) == -1)
			break;
	}
	if (r == -1)
		trouble(s, "%.200s:%u: %s", path, in.line, why);
	else if (r == 0 && seen == 0)
		r = trouble(s, "%.200s: nobody stands in it", path);
	include_close(&in);
	return r == 0 ? 0 : -1;
}

/* One target of an entry. */
static int
push_target(struct search *s, const struct source *src, const char *target,
    size_t i)
{
	enum alias_target kind;
	const char *rest;

	switch (kind = alias_target(target, &rest)) {
	case ALIAS_ADDRESS:
	case ALIAS_USER:
		return push_address(s, src, rest, kind == ALIAS_USER, i);
	case ALIAS_DOMAIN:
		return push_domain(s, rest, i);
	case ALIAS_PROGRAM:
		return add_special(s, src, RECIPIENT_PROGRAM, rest);
	case ALIAS_FILE:
		return add_special(s, src, strcmp(rest, "/dev/null") == 0 ?
		    RECIPIENT_DISCARD : RECIPIENT_FILE, rest);
	case ALIAS_INCLUDE:
		return push_include(s, src, rest, i);
	case ALIAS_UNKNOWN:
		break;
	}
	return bad_target(s, src, "this is neither an address nor |command, "
	    "/file or :include:/file");
}

/* 1: there is such an entry, and what it says is to be looked at; 0; -1. */
static int
follow(struct search *s, const struct table *t, const char *local,
    const char *domain, size_t i)
{
	const struct table_entry *e = look_up(t, local, domain);
	struct source src = { t->form == ALIAS_NAMES ? ALIASES : TABLE,
	    t->path, 0, table_owner(t) };
	const char *at, *target;

	if (e == NULL)
		return 0;
	src.line = e->line;
	if (t->fault != NULL)
		return trouble(s, "%.200s:%u: the file %s", t->path, e->line,
		    t->fault);
	for (at = e->targets; (target = table_target(&at)) != NULL;)
		if (push_target(s, &src, target, i) == -1)
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
		r->address = s->items[i].addr;
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
	bool loops = is_own(s, i), own = loops || s->items[i].user;
	struct address base;
	const char *folder = split(s->dir, &a, &base);
	int r;

	if ((r = own ? 0 : follow_name(s, &a, i)) != 0 ||
	    (r = follow_user(s, &a, "", i)) != 0)
		return r;
	if (!own && (r = follow_srs(s, i)) != 0)
		return r;
	if (folder != NULL && !own && (r = follow_name(s, &base, i)) != 0) {
		if (i == 0)
			strlcpy(s->r->extension, folder,
			    sizeof(s->r->extension));
		return r;
	}
	if (folder != NULL && (r = follow_user(s, &base, folder, i)) != 0)
		return r;
	if (loops)
		s->looped = true;
	else if (!own && ((r = follow_required(s, i)) != 0 || (r = follow(s,
	    &s->dir->tables->virtual, "", a.domain, i)) != 0))
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

	if (s->hidden || s->found.nspecials > 0)
		return RECIPIENT_LIST;
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

/* Two are a list, whatever the others are. */
static bool
is_enough(const struct search *s)
{
	return !s->whole && s->found.n + s->found.nspecials >= 2;
}

static void
search(struct search *s, const struct address *a,
    struct recipient_list *list)
{
	size_t i;

	if (push(s, a, -1) == -1)
		return;
	for (i = 0; i < s->n && !is_enough(s); i++)
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

static void
search_free(struct search *s)
{
	while (s->nincluded > 0)
		free(s->included[--s->nincluded]);
	free(s->items);
	recipient_list_free(&s->found);
	recipient_list_free(&s->lost);
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
	struct search s = { .dir = d, .r = r, .whole = list != NULL };
	struct address a = *given;

	memset(r, 0, sizeof(*r));
	tables_refresh(d->tables);
	recipient_complete(d->settings, &a);
	if (!is_local(d, &a))
		return r->kind = find_remote(d, &a);
	search(&s, &a, list);
	search_free(&s);
	return r->kind;
}

uid_t
recipient_owner(const struct recipient *r)
{
	return r->kind == RECIPIENT_LOCAL ? r->user.uid : (uid_t)-1;
}
