/* SPDX-License-Identifier: ISC
 *
 * Which of a user's own files counts: see dotfile.h.  It must never believe a
 * file that another could have written, nor take one for absent that could not
 * be looked at.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotfile_local.h"
#include "grammar/chars.h"
#include "system/fdio.h"
#include "system/trust.h"

/* ---- why not ---- */

int
dotfile_stop(struct reading *r, enum plan_kind kind, const char *fmt, ...)
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

int
dotfile_no_memory(struct reading *r)
{
	plan_free(r->plan);
	return FAULT;
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
		return dotfile_stop(r, PLAN_TEMPORARY, "%.300s: it is too "
		    "long", r->path);
	free(r->text);
	if ((r->text = malloc((size_t)st->st_size + 1)) == NULL)
		return dotfile_no_memory(r);
	if ((got = fd_read_all(fd, r->text, (size_t)st->st_size)) == -1)
		return dotfile_stop(r, PLAN_TEMPORARY, "%.300s: %s", r->path,
		    strerror(errno));
	r->n = (size_t)got;
	r->executable = (st->st_mode & S_IXUSR) != 0;
	return FOUND;
}

/* Where not its mode alone can be the reason. */
static bool
leads_out(const struct reading *r)
{
	const char *home = r->d->user->home;
	size_t n = strlen(home);
	struct stat st;

	return strncmp(r->path, home, n) != 0 || r->path[n] != '/' ||
	    (lstat(r->path, &st) == 0 && S_ISLNK(st.st_mode));
}

int
dotfile_read(struct reading *r)
{
	struct stat st;
	const char *why;
	int fd, found;

	r->line = 0;
	if ((fd = trust_open(r->path, &st, &why)) == -1)
		return (errno == ENOENT && !is_dangling(r->path)) ||
		    errno == ENOTDIR || errno == ENAMETOOLONG ? MISSING :
		    dotfile_stop(r, PLAN_TEMPORARY, "%.300s: %s%s", r->path,
		    why, errno == EACCES && leads_out(r) ? " (only what is "
		    "in the home can be read)" : "");
	if (st.st_uid != 0 && st.st_uid != r->d->user->uid &&
	    st.st_uid != geteuid())
		found = dotfile_stop(r, PLAN_TEMPORARY, "%.300s: is another's",
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
	struct stat st;

	if (n < 0 || (size_t)n >= sizeof(r->path))
		return MISSING;
	if (!r->looking)
		return dotfile_read(r);
	return lstat(r->path, &st) == -1 && (errno == ENOENT ||
	    errno == ENOTDIR || errno == ENAMETOOLONG) ? MISSING : FOUND;
}

/* ---- names ---- */

/* The file for an extension, as it is or in lower case, then the other. */
int
dotfile_find_forward(struct reading *r)
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
int
dotfile_find_qmail(struct reading *r)
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

void
dotfile_find_owner(struct reading *r)
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
		    dotfile_stop(r, PLAN_TEMPORARY, "the home %.300s: %s",
		    u->home, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return dotfile_stop(r, PLAN_TEMPORARY, "the home %.300s: it "
		    "is no folder", u->home);
	if (r->d->settings->qmail && (st.st_mode & S_ISVTX) != 0)
		return dotfile_stop(r, PLAN_TEMPORARY, "the home %.300s: its "
		    "sticky bit says that its owner is changing it", u->home);
	return FOUND;
}

int
dotfile_begin(struct reading *r, struct dotfile *d, struct plan *plan)
{
	r->d = d;
	r->plan = plan;
	memset(&d->owner, 0, sizeof(d->owner));
	d->rest[0] = '\0';
	return d->settings->forward || d->settings->qmail ? check_home(r) :
	    MISSING;
}

bool
dotfile_look(struct dotfile *d)
{
	struct reading r = { .looking = true };
	struct plan plan;
	int found;

	plan_init(&plan);
	found = dotfile_begin(&r, d, &plan);
	if (found == FOUND)
		found = d->settings->qmail ? dotfile_find_qmail(&r) :
		    dotfile_find_forward(&r);
	plan_free(&plan);
	return found != MISSING;
}
