/* SPDX-License-Identifier: ISC
 *
 * What -n says of the files behind addresses.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mail/recipient.h"

struct opened {
	struct directory dir;
	struct users	*users;
	struct tables	*tables;
};

static int
open_all(struct opened *o, const struct settings *s, char *error)
{
	if (users_open(&o->users, s, error) == -1)
		return -1;
	if (tables_open(&o->tables, s, error) == -1) {
		users_close(o->users);
		return -1;
	}
	o->dir = (struct directory){ s, o->users, o->tables };
	return 0;
}

static void
close_all(struct opened *o)
{
	users_close(o->users);
	tables_close(o->tables);
}

/* An entry's name as an address; one for the whole domain has a name that
 * nobody should have. */
static void
address_of(const struct settings *s, const struct table_entry *e,
    struct address *a)
{
	const char *at = strrchr(e->name, '@');
	size_t n = at == NULL ? strlen(e->name) : (size_t)(at - e->name);

	snprintf(a->local, sizeof(a->local), "%.*s", (int)n, e->name);
	if (n == 0)
		strlcpy(a->local, "stdmail-check", sizeof(a->local));
	strlcpy(a->domain, at == NULL ? s->domains.v[0] : at + 1,
	    sizeof(a->domain));
}

/* Is the entry's domain one that its file is about? */
static int
check_domain(const struct settings *s, const struct table *t,
    const struct table_entry *e, const struct address *a, char *error)
{
	size_t n = strlen(a->domain);

	if (t->form == ALIAS_LIST ? settings_is_relay(s, a->domain, n) :
	    settings_is_local(s, a->domain, n))
		return 0;
	snprintf(error, CONF_ERROR_MAX, "%.200s:%u: %.100s is not one of %s",
	    t->path, e->line, a->domain, t->form == ALIAS_LIST ?
	    "relay_domains" : "our domains");
	return -1;
}

/* Has the account this right: 4, 2 or 1? */
static bool
may(const struct recipient_account *who, const struct stat *st, mode_t right)
{
	return (st->st_mode & (who->uid == st->st_uid ? right << 6 :
	    who->gid == st->st_gid ? right << 3 : right)) != 0;
}

static int
bad_special(const struct recipient_special *special, const char *path,
    const char *why, char *error)
{
	snprintf(error, CONF_ERROR_MAX, "%.150s:%u: %.200s: %s",
	    special->file, special->line, path, why);
	return -1;
}

/* Where the command is a path, it is that of a program.  A word that means
 * something to a shell alone is not looked at. */
static int
check_program(const struct recipient_special *special,
    const struct recipient_account *who, char *error)
{
	char path[PATH_MAX];
	size_t n = strcspn(special->text, " \t");
	struct stat st;

	if (*special->text != '/' || n >= sizeof(path))
		return 0;
	strlcpy(path, special->text, n + 1);
	if (path[strcspn(path, "\"'`$&;<>()|*?[]{}~\\")] != '\0')
		return 0;
	if (stat(path, &st) == -1)
		return bad_special(special, path, strerror(errno), error);
	if (S_ISREG(st.st_mode) && may(who, &st, 1))
		return 0;
	return bad_special(special, path, "no program that the account which "
	    "runs it may run", error);
}

/* A mailbox, or a place for one. */
static int
check_file(const struct recipient_special *special,
    const struct recipient_account *who, char *error)
{
	char path[PATH_MAX];
	size_t n = strlcpy(path, special->text, sizeof(path));
	struct stat st;

	if (n >= sizeof(path))
		return bad_special(special, path, "too long", error);
	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	if (stat(path, &st) == -1) {
		n = (size_t)(strrchr(path, '/') - path);
		path[n == 0 ? 1 : n] = '\0';
		if (stat(path, &st) == -1)
			return bad_special(special, path, strerror(errno),
			    error);
	}
	return may(who, &st, 2) ? 0 : bad_special(special, path,
	    "the account that delivers there may not write in it", error);
}

static int
check_special(const struct settings *s,
    const struct recipient_special *special, char *error)
{
	struct recipient_account who;

	if (special->kind == RECIPIENT_DISCARD)
		return 0;
	if (recipient_account(s, special, &who, error) == -1)
		return -1;
	return special->kind == RECIPIENT_PROGRAM ?
	    check_program(special, &who, error) :
	    check_file(special, &who, error);
}

/* To the end of all that it leads to. */
static int
check_targets(struct opened *o, const struct table *t,
    const struct table_entry *e, const struct address *a, char *error)
{
	struct recipient_list list = { 0 };
	struct recipient r;
	int bad = 0;
	size_t i;

	(void)recipient_find(&o->dir, a, &r, &list);
	for (i = 0; i < list.nspecials && bad == 0; i++)
		bad = check_special(o->dir.settings, &list.specials[i], error);
	recipient_list_free(&list);
	if (r.kind != RECIPIENT_TEMPORARY)
		return bad;
	if (strncmp(r.error, t->path, strlen(t->path)) == 0)
		strlcpy(error, r.error, CONF_ERROR_MAX);
	else
		snprintf(error, CONF_ERROR_MAX, "%.150s:%u: %.300s", t->path,
		    e->line, r.error);
	return -1;
}

static int
check_entry(struct opened *o, const struct table *t,
    const struct table_entry *e, char *error)
{
	struct address a;

	address_of(o->dir.settings, e, &a);
	if (check_domain(o->dir.settings, t, e, &a, error) == -1)
		return -1;
	return t->form == ALIAS_LIST ? 0 : check_targets(o, t, e, &a, error);
}

static int
check_table(struct opened *o, const struct table *t, char *error)
{
	size_t i;

	if (t->fault != NULL) {
		snprintf(error, CONF_ERROR_MAX, "%.200s: %s", t->path,
		    t->fault);
		return -1;
	}
	for (i = 0; i < t->n; i++)
		if (check_entry(o, t, &t->entries[i], error) == -1)
			return -1;
	return 0;
}

int
recipient_check(const struct settings *s, char *error)
{
	struct opened o;
	int r;

	if (open_all(&o, s, error) == -1)
		return -1;
	r = check_table(&o, &o.tables->aliases, error);
	if (r == 0)
		r = check_table(&o, &o.tables->virtual, error);
	if (r == 0)
		r = check_table(&o, &o.tables->relay, error);
	close_all(&o);
	return r;
}

int
recipient_check_postmaster(const struct settings *s, char *error)
{
	struct address a = { "postmaster", "" };
	struct recipient rcpt;
	struct opened o;
	size_t i;
	int r = 0;

	if (open_all(&o, s, error) == -1)
		return -1;
	for (i = 0; i < s->domains.n && r == 0; i++) {
		strlcpy(a.domain, s->domains.v[i], sizeof(a.domain));
		if (recipient_find(&o.dir, &a, &rcpt, NULL) !=
		    RECIPIENT_NOBODY)
			continue;
		snprintf(error, CONF_ERROR_MAX, "nobody gets mail for "
		    "postmaster@%s, which waits in the queue: set key "
		    "postmaster", a.domain);
		r = 1;
	}
	close_all(&o);
	return r;
}

int
recipient_check_relay(const struct settings *s, char *error)
{
	if (s->relay_domains.n == 0 || *s->relay_recipients != '\0' ||
	    s->relay_verify)
		return 0;
	snprintf(error, CONF_ERROR_MAX, "mail for anybody in %s is taken, and "
	    "bounced to forged senders (backscatter): set key relay_recipients "
	    "or relay_verify", s->relay_domains.v[0]);
	return 1;
}
