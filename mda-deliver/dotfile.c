/* SPDX-License-Identifier: ISC
 *
 * What the lines of a user's own file become: see dotfile.h.  It must never
 * give a program or a file to a user who may have none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dotfile_local.h"
#include "grammar/alias.h"
#include "grammar/chars.h"
#include "grammar/dotqmail.h"
#include "mail/recipient.h"

/* ---- destinations ---- */

static bool
has_already(const struct plan *p, enum dest_kind kind, const char *text)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (p->v[i].kind == kind && (text == NULL ||
		    strcmp(p->v[i].text, text) == 0))
			return true;
	return false;
}

static int
add(struct reading *r, enum dest_kind kind, const char *text)
{
	struct dest *dest;

	if (has_already(r->plan, kind, text))
		return FOUND;
	if ((dest = plan_add(r->plan, kind, text)) == NULL)
		return errno != E2BIG ? dotfile_no_memory(r) :
		    dotfile_stop(r, PLAN_BROKEN, "more than %d destinations, "
		    "or a long one", PLAN_MOST);
	dest->qmail = r->d->settings->qmail;
	dest->file = r->name;
	dest->line = r->line;
	return FOUND;
}

/* May this user have programs and files? */
static bool
is_account(const struct reading *r)
{
	return r->d->user->system && r->d->user->uid != 0;
}

static int
refuse_virtual(struct reading *r)
{
	return dotfile_stop(r, PLAN_TEMPORARY, "programs and files are for "
	    "accounts of the system alone");
}

static int
add_program(struct reading *r, const char *command)
{
	command += strspn(command, " \t");
	if (*command == '\0')
		return dotfile_stop(r, PLAN_BROKEN, "there is no command");
	return is_account(r) ? add(r, DEST_PROGRAM, command) :
	    refuse_virtual(r);
}

/* The same folder, with or without a slash behind? */
static bool
is_same_path(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);

	while (na > 1 && a[na - 1] == '/')
		na--;
	while (nb > 1 && b[nb - 1] == '/')
		nb--;
	return na == nb && memcmp(a, b, na) == 0;
}

/* A path; one without "/" at its beginning is in the home. */
static int
add_mailbox(struct reading *r, const char *name)
{
	const struct user *user = r->d->user;
	char path[PATH_MAX];
	int n;

	while (name[0] == '.' && name[1] == '/')
		name += 2 + strspn(name + 2, "/");
	n = snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" :
	    user->home, *name == '/' ? "" : "/", name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return dotfile_stop(r, PLAN_BROKEN, "the path is too long");
	if (strcmp(path, "/dev/null") == 0)
		return add(r, DEST_DISCARD, NULL);
	/* His own has a quota, and may take a message as it lies. */
	if (*r->d->extension == '\0' && is_same_path(path, user->mailbox))
		return add(r, DEST_KEEP, NULL);
	return is_account(r) ? add(r, DEST_MAILBOX, path) :
	    refuse_virtual(r);
}

/* Is it the user, not a folder of his? */
static bool
is_self(const struct reading *r, const struct address *a)
{
	const char *name = r->d->user->name, *at = strrchr(name, '@');
	size_t n = at == NULL ? strlen(name) : (size_t)(at - name);

	if (!chars_equal(a->local, strlen(a->local), name, n))
		return false;
	return at == NULL ? settings_is_local(r->d->settings, a->domain,
	    strlen(a->domain)) : chars_is(a->domain, strlen(a->domain),
	    at + 1);
}

static int
add_address(struct reading *r, struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	if (a->domain[0] == '\0')
		strlcpy(a->domain, r->d->to->domain, sizeof(a->domain));
	recipient_complete(r->d->settings, a);
	/* An address with a folder, too, where this file is asked for it. */
	if (is_self(r, a) || address_equal(a, r->d->to))
		return add(r, DEST_KEEP, NULL);
	return add(r, DEST_FORWARD, address_text(a, text));
}

/* ---- .forward ---- */

static int read_targets(struct reading *, bool included);

/* What a person means by them, in a file where no shell reads it. */
static const char *
skip_home(const char *target)
{
	static const char *const signs[] = { "~/", "$HOME/" };
	size_t i, n;

	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		n = strlen(signs[i]);
		if (strncmp(target, signs[i], n) == 0 && target[n] != '\0')
			return target + n;
	}
	return NULL;
}

/* ":include:": addresses, and further such files. */
static int
include(struct reading *r, const char *path)
{
	struct reading in = *r;
	const char *in_home = skip_home(path);
	int found, n;

	if (++r->includes > DOTFILE_INCLUDES)
		return dotfile_stop(r, PLAN_BROKEN, "more than %d included "
		    "files", DOTFILE_INCLUDES);
	if (!is_account(r))
		return refuse_virtual(r);
	if (in_home == NULL && *path != '/')
		return dotfile_stop(r, PLAN_BROKEN, "the path begins neither "
		    "with / nor with ~/");
	n = in_home != NULL ? snprintf(in.path, sizeof(in.path), "%s/%s",
	    r->d->user->home, in_home) : snprintf(in.path, sizeof(in.path),
	    "%s", path);
	if (n < 0 || (size_t)n >= sizeof(in.path))
		return dotfile_stop(r, PLAN_BROKEN, "the path is too long");
	in.text = NULL;
	in.includes = r->includes;
	found = dotfile_read(&in);
	if (found == MISSING)
		found = dotfile_stop(r, PLAN_TEMPORARY, "%.300s is missing",
		    path);
	else if (found == FOUND)
		found = read_targets(&in, true);
	free(in.text);
	r->includes = in.includes;
	return found;
}

static int
take_address(struct reading *r, const char *text)
{
	const char *why, *path = skip_home(text);
	struct address a;

	if (path != NULL && strchr(path, '@') == NULL)
		return add_mailbox(r, path);
	if (address_parse_utf8(&a, text, strlen(text), &why) != 1)
		return dotfile_stop(r, PLAN_BROKEN, "%s", why);
	return add_address(r, &a);
}

static int
refuse_included(struct reading *r)
{
	return dotfile_stop(r, PLAN_BROKEN, "an included file has no programs "
	    "and files");
}

static int
take_target(struct reading *r, const char *target, bool included)
{
	const char *rest;

	switch (alias_target(target, &rest)) {
	case ALIAS_ADDRESS:
	case ALIAS_USER:
		return take_address(r, rest);
	case ALIAS_INCLUDE:
		return include(r, rest);
	case ALIAS_PROGRAM:
		return included ? refuse_included(r) : add_program(r, rest);
	case ALIAS_FILE:
		return included ? refuse_included(r) : add_mailbox(r, rest);
	case ALIAS_DOMAIN:
	case ALIAS_UNKNOWN:
		break;
	}
	return dotfile_stop(r, PLAN_BROKEN, "it is neither an address nor "
	    ":include:");
}

static int
read_targets(struct reading *r, bool included)
{
	struct alias_reader reader;
	const char *why, *p;
	struct buf entry;
	int more, found = FOUND;

	buf_init(&entry, 2 * DOTFILE_MAX);
	alias_reader_init(&reader, ALIAS_MEMBERS, r->text, r->n);
	while (found == FOUND && (more = alias_next(&reader, &entry, &r->line,
	    &why)) != 0) {
		if (more == -1) {
			found = dotfile_stop(r, PLAN_BROKEN, "%s", why);
			break;
		}
		/* Behind the name, which there is not. */
		for (p = entry.data + 1; found == FOUND && *p != '\0';
		    p += strlen(p) + 1)
			found = take_target(r, p, included);
		buf_reset(&entry);
	}
	buf_free(&entry);
	return found;
}

static int
read_forward(struct reading *r)
{
	int found;

	r->name = ".forward";
	if ((found = dotfile_find_forward(r)) != FOUND)
		return found;
	if ((found = read_targets(r, false)) == FOUND && r->plan->n > 0)
		r->plan->kind = PLAN_GOOD;
	return found;
}

/* ---- .qmail ---- */

static int
take_qmail(struct reading *r, struct dotqmail_target *t)
{
	char *text;
	int found;

	if (t->kind == DOTQMAIL_FORWARD)
		return add_address(r, &t->address);
	if ((text = strndup(t->text, t->len)) == NULL)
		return dotfile_no_memory(r);
	found = t->kind == DOTQMAIL_PROGRAM ? add_program(r, text) :
	    add_mailbox(r, text);
	free(text);
	return found;
}

/* NOTE: as with qmail, a file with comments alone is one that throws the mail
 * away, and an empty one leaves it to us. */
static int
read_qmail(struct reading *r)
{
	struct dotqmail_reader reader;
	struct dotqmail_target t;
	const char *why;
	int more, found;

	r->name = ".qmail";
	if ((found = dotfile_find_qmail(r)) != FOUND || r->n == 0)
		return found;
	r->plan->kind = PLAN_GOOD;
	dotqmail_init(&reader, r->text, r->n, r->executable);
	while ((more = dotqmail_next(&reader, &t, &why)) == 1 &&
	    found == FOUND) {
		r->line = reader.line;
		found = take_qmail(r, &t);
	}
	r->line = reader.line;
	if (found == FOUND && more == -1)
		found = dotfile_stop(r, reader.wait ? PLAN_TEMPORARY :
		    PLAN_BROKEN, "%s", why);
	if (found == FOUND)
		dotfile_find_owner(r);
	return found;
}

int
dotfile_plan(struct dotfile *d, struct plan *plan)
{
	struct reading r = { 0 };
	int found = dotfile_begin(&r, d, plan);

	if (found == FOUND)
		found = d->settings->qmail ? read_qmail(&r) :
		    read_forward(&r);
	free(r.text);
	/* A fault that is not in the plan is that of memory. */
	return found == FAULT && plan->kind == PLAN_NONE ? -1 : 0;
}
