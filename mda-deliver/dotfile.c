/* SPDX-License-Identifier: ISC
 *
 * A user's own file: see dotfile.h.  It must never believe a file that another
 * could have written, nor take one for absent that could not be looked at.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotfile.h"
#include "grammar/alias.h"
#include "grammar/chars.h"
#include "grammar/dotqmail.h"
#include "mail/recipient.h"
#include "system/fdio.h"
#include "system/trust.h"

/* What has been read of one user's. */
struct reading {
	struct dotfile	*d;
	struct plan	*plan;
	const char	*name;		/* for the log: static */
	char		 path[PATH_MAX];	/* of the file at hand */
	char		*text;
	size_t		 n;
	bool		 executable;
	unsigned	 line;		/* in it */
	unsigned	 includes;
};

enum { MISSING, FOUND, FAULT = -1 };

/* ---- why not ---- */

static int __attribute__((format(printf, 3, 4)))
stop(struct reading *r, enum plan_kind kind, const char *fmt, ...)
{
	char error[PLAN_ERROR_MAX];
	int n = 0;
	va_list ap;

	if (r->line > 0)
		n = snprintf(error, sizeof(error), "%.250s:%u: ", r->path,
		    r->line);
	va_start(ap, fmt);
	vsnprintf(error + n, sizeof(error) - (size_t)n, fmt, ap);
	va_end(ap);
	plan_free(r->plan);
	r->plan->kind = kind;
	strlcpy(r->plan->error, error, sizeof(r->plan->error));
	if (kind == PLAN_BROKEN)
		(void)plan_add(r->plan, DEST_KEEP, NULL);
	return FAULT;
}

/* Out of memory, which the plan cannot say. */
static int
no_memory(struct reading *r)
{
	plan_free(r->plan);
	return FAULT;
}

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
		return errno == E2BIG ? stop(r, PLAN_BROKEN, "more than %d "
		    "destinations", PLAN_MOST) : no_memory(r);
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
	return stop(r, PLAN_TEMPORARY, "programs and files are for accounts "
	    "of the system alone");
}

static int
add_program(struct reading *r, const char *command)
{
	command += strspn(command, " \t");
	if (*command == '\0')
		return stop(r, PLAN_BROKEN, "there is no command");
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
		return stop(r, PLAN_BROKEN, "the path is too long");
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
	return is_self(r, a) ? add(r, DEST_KEEP, NULL) :
	    add(r, DEST_FORWARD, address_text(a, text));
}

/* ---- files ---- */

/* There it is, but it leads nowhere. */
static bool
is_dangling(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int
read_text(struct reading *r, int fd, const struct stat *st)
{
	ssize_t got;

	if (st->st_size > DOTFILE_MAX)
		return stop(r, PLAN_TEMPORARY, "%.300s: it is too long",
		    r->path);
	free(r->text);
	if ((r->text = malloc((size_t)st->st_size + 1)) == NULL)
		return no_memory(r);
	if ((got = fd_read_all(fd, r->text, (size_t)st->st_size)) == -1)
		return stop(r, PLAN_TEMPORARY, "%.300s: %s", r->path,
		    strerror(errno));
	r->n = (size_t)got;
	r->executable = (st->st_mode & S_IXUSR) != 0;
	return FOUND;
}

/* Read the file r->path, whose owner must be the user or root. */
static int
read_file(struct reading *r)
{
	struct stat st;
	const char *why;
	int fd, found;

	r->line = 0;
	if ((fd = trust_open(r->path, &st, &why)) == -1)
		return (errno == ENOENT && !is_dangling(r->path)) ||
		    errno == ENOTDIR || errno == ENAMETOOLONG ? MISSING :
		    stop(r, PLAN_TEMPORARY, "%.300s: %s", r->path, why);
	if (st.st_uid != 0 && st.st_uid != r->d->user->uid &&
	    st.st_uid != geteuid())
		found = stop(r, PLAN_TEMPORARY, "%.300s: is another's",
		    r->path);
	else
		found = read_text(r, fd, &st);
	close(fd);
	return found;
}

/* A file in the home, by name. */
static int
look(struct reading *r, const char *name)
{
	int n = snprintf(r->path, sizeof(r->path), "%s/%s", r->d->user->home,
	    name);

	return n < 0 || (size_t)n >= sizeof(r->path) ? MISSING : read_file(r);
}

/* ---- .forward ---- */

static int read_targets(struct reading *, bool included);

/* ":include:": addresses, and further such files. */
static int
include(struct reading *r, const char *path)
{
	struct reading in = *r;
	int found;

	if (++r->includes > DOTFILE_INCLUDES)
		return stop(r, PLAN_BROKEN, "more than %d included files",
		    DOTFILE_INCLUDES);
	if (!is_account(r))
		return refuse_virtual(r);
	if (*path != '/' || strlcpy(in.path, path, sizeof(in.path)) >=
	    sizeof(in.path))
		return stop(r, PLAN_BROKEN, "the path is none from /");
	in.text = NULL;
	in.includes = r->includes;
	found = read_file(&in);
	if (found == MISSING)
		found = stop(r, PLAN_TEMPORARY, "%.300s is missing", path);
	else if (found == FOUND)
		found = read_targets(&in, true);
	free(in.text);
	r->includes = in.includes;
	return found;
}

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

static int
take_address(struct reading *r, const char *text)
{
	const char *why, *path = skip_home(text);
	struct address a;

	if (path != NULL && strchr(path, '@') == NULL)
		return add_mailbox(r, path);
	if (address_parse_utf8(&a, text, strlen(text), &why) != 1)
		return stop(r, PLAN_BROKEN, "%s", why);
	return add_address(r, &a);
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
		return included ? stop(r, PLAN_BROKEN, "an included file has "
		    "no programs") : add_program(r, rest);
	case ALIAS_FILE:
		return included ? stop(r, PLAN_BROKEN, "an included file has "
		    "no files") : add_mailbox(r, rest);
	case ALIAS_DOMAIN:
	case ALIAS_UNKNOWN:
		break;
	}
	return stop(r, PLAN_BROKEN, "it is neither an address nor :include:");
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
			found = stop(r, PLAN_BROKEN, "%s", why);
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

/* The file for an extension, as it is or in lower case, then the other. */
static int
find_forward(struct reading *r)
{
	char name[NAME_MAX + 1], *p;
	int found = MISSING, n;

	if (*r->d->extension != '\0' && strchr(r->d->extension, '/') == NULL) {
		n = snprintf(name, sizeof(name), ".forward%s%s",
		    r->d->settings->recipient_delimiter, r->d->extension);
		if (n < 0 || (size_t)n >= sizeof(name))
			return look(r, ".forward");
		if ((found = look(r, name)) != MISSING)
			return found;
		for (p = name; *p != '\0'; p++)
			*p = (char)char_lower(*p);
		found = look(r, name);
	}
	return found != MISSING ? found : look(r, ".forward");
}

static int
read_forward(struct reading *r)
{
	int found;

	r->name = ".forward";
	if ((found = find_forward(r)) != FOUND)
		return found;
	if ((found = read_targets(r, false)) == FOUND && r->plan->n > 0)
		r->plan->kind = PLAN_GOOD;
	return found;
}

/* ---- .qmail ---- */

/* One name of a search: ".qmail" and so on, and what of the extension its
 * "default" stands for. */
static int
look_qmail(struct reading *r, const char *name, const char *rest)
{
	int found = strchr(name, '/') != NULL ? MISSING : look(r, name);

	if (found == FOUND)
		strlcpy(r->d->rest, rest, sizeof(r->d->rest));
	return found;
}

/* Lower case, and no dots: nobody is led out of the home. */
static void
make_safe(char safe[ADDRESS_LOCAL_MAX + 1], const char *extension)
{
	strlcpy(safe, extension, ADDRESS_LOCAL_MAX + 1);
	for (; *safe != '\0'; safe++)
		*safe = *safe == '.' ? ':' : (char)char_lower(*safe);
}

/*
 * Of "a-b": .qmail-a-b, .qmail-a-default, .qmail-default.
 * NOTE: then .qmail, where qmail would refuse the message: here the address
 * was good when it was taken.
 */
static int
find_qmail(struct reading *r)
{
	static const char word[] = "default";
	char safe[ADDRESS_LOCAL_MAX + 1], name[ADDRESS_LOCAL_MAX + 32];
	const char *ext = r->d->extension;
	size_t n, i;
	int found;

	make_safe(safe, ext);
	if ((n = strlen(safe)) == 0)
		return look_qmail(r, ".qmail", "");
	snprintf(name, sizeof(name), ".qmail-%s", safe);
	i = n >= sizeof(word) - 1 ? n - (sizeof(word) - 1) : n;
	found = look_qmail(r, name, strcmp(safe + i, word) == 0 ? ext + i :
	    "");
	for (i = n; found == MISSING; i--) {
		if (i == 0 || safe[i - 1] == '-') {
			snprintf(name, sizeof(name), ".qmail-%.*s%s", (int)i,
			    safe, word);
			found = look_qmail(r, name, ext + i);
		}
		if (i == 0)
			break;
	}
	return found != MISSING ? found : look_qmail(r, ".qmail", "");
}

/* With a file .qmail-EXT-owner the forwards come from that address. */
static void
find_owner(struct reading *r)
{
	const struct dotfile *d = r->d;
	char safe[ADDRESS_LOCAL_MAX + 1], path[PATH_MAX];
	bool plain = *d->extension == '\0';
	struct stat st;
	int n;

	make_safe(safe, d->extension);
	n = snprintf(path, sizeof(path), "%s/.qmail-%s%sowner",
	    d->user->home, safe, plain ? "" : "-");
	if (n < 0 || (size_t)n >= sizeof(path) || strchr(safe, '/') != NULL ||
	    stat(path, &st) == -1)
		return;
	n = snprintf(r->d->owner.local, sizeof(r->d->owner.local),
	    "%s%sowner", d->to->local, plain ?
	    d->settings->recipient_delimiter : "-");
	if ((size_t)n >= sizeof(r->d->owner.local) || (plain &&
	    *d->settings->recipient_delimiter == '\0'))
		r->d->owner.local[0] = '\0';
	else
		strlcpy(r->d->owner.domain, d->to->domain,
		    sizeof(r->d->owner.domain));
}

static int
take_qmail(struct reading *r, struct dotqmail_target *t)
{
	char *text;
	int found;

	if (t->kind == DOTQMAIL_FORWARD)
		return add_address(r, &t->address);
	if ((text = strndup(t->text, t->len)) == NULL)
		return no_memory(r);
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
	if ((found = find_qmail(r)) != FOUND || r->n == 0)
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
		found = stop(r, reader.wait ? PLAN_TEMPORARY : PLAN_BROKEN,
		    "%s", why);
	if (found == FOUND)
		find_owner(r);
	return found;
}

/* ---- the home ---- */

/* Accounts that have none on purpose. */
static bool
has_home(const struct user *u)
{
	return *u->home == '/' && strcmp(u->home, "/") != 0 &&
	    strcmp(u->home, "/nonexistent") != 0;
}

/* NOTE: a home that is missing is one that is not mounted; for users of our
 * own it is one that was not made yet. */
static int
check_home(struct reading *r)
{
	const struct user *u = r->d->user;
	struct stat st;

	if (!has_home(u))
		return MISSING;
	if (stat(u->home, &st) == -1)
		return errno == ENOENT && !u->system ? MISSING :
		    stop(r, PLAN_TEMPORARY, "the home %.300s: %s", u->home,
		    strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return stop(r, PLAN_TEMPORARY, "the home %.300s: it is no "
		    "folder", u->home);
	if (r->d->settings->qmail && (st.st_mode & S_ISVTX) != 0)
		return stop(r, PLAN_TEMPORARY, "the home %.300s: its sticky "
		    "bit says that its owner is changing it", u->home);
	return FOUND;
}

int
dotfile_plan(struct dotfile *d, struct plan *plan)
{
	struct reading r = { .d = d, .plan = plan };
	int found;

	memset(&d->owner, 0, sizeof(d->owner));
	d->rest[0] = '\0';
	if (!d->settings->forward && !d->settings->qmail)
		return 0;
	if ((found = check_home(&r)) == FOUND)
		found = d->settings->qmail ? read_qmail(&r) :
		    read_forward(&r);
	free(r.text);
	/* A fault that is not in the plan is that of memory. */
	return found == FAULT && plan->kind == PLAN_NONE ? -1 : 0;
}
