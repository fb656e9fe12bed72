/* SPDX-License-Identifier: ISC
 *
 * A user's Sieve scripts on disk: see sieve_file.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes/utf8.h"
#include "sieve_file.h"
#include "system/fdio.h"
#include "system/trust.h"

/* A key with its %h and the like filled in; "": it is not set, or needs a home
 * that the user has not. */
static void
place(char path[PATH_MAX], const char *form, const char *name,
    const char *home)
{
	char local[USERS_NAME_MAX];
	const char *at = strrchr(name, '@');

	strlcpy(local, name, sizeof(local));
	if (at != NULL)
		local[at - name] = '\0';
	if (strcmp(form, "no") == 0 || users_expand(path, form, local,
	    at != NULL ? at + 1 : "", home) == -1)
		path[0] = '\0';
}

void
sieve_files(struct sieve_files *f, const struct settings *s,
    const char *name, const char *home)
{
	place(f->active, s->sieve, name, home);
	place(f->scripts, s->sieve_dir, name, home);
}

/* The folder that something is in. */
static void
add_parent(char path[PATH_MAX], const char *file)
{
	char *slash;

	strlcpy(path, file, PATH_MAX);
	if ((slash = strrchr(path, '/')) != NULL)
		slash[slash == path] = '\0';
}

size_t
sieve_places(const struct settings *s, const struct user *u,
    char path[SIEVE_PLACES][PATH_MAX])
{
	struct sieve_files f;
	size_t n = 0;

	sieve_files(&f, s, u->name, u->home);
	if (*f.active != '\0')
		add_parent(path[n++], f.active);
	if (*f.scripts != '\0')
		strlcpy(path[n++], f.scripts, PATH_MAX);
	if (*s->sieve_global != '\0')
		strlcpy(path[n++], s->sieve_global, PATH_MAX);
	if (*s->sieve_default != '\0')
		strlcpy(path[n++], s->sieve_default, PATH_MAX);
	return n;
}

bool
sieve_file_may_be(const struct settings *s, const struct user *u)
{
	struct sieve_files f;
	struct stat st;

	if (*s->sieve_default != '\0')
		return true;
	sieve_files(&f, s, u->name, u->home);
	return *f.active != '\0' && (lstat(f.active, &st) == 0 ||
	    (errno != ENOENT && errno != ENOTDIR));
}

bool
sieve_file_is_name(const char *s, size_t n)
{
	const char *p, *end = s + n;
	uint32_t c;
	size_t len;

	if (n == 0 || n > NAME_MAX - sizeof(".sieve") || *s == '.')
		return false;
	for (p = s; p < end; p += len)
		if ((len = utf8_next(p, end, &c)) == 0 || c < 0x20 ||
		    (c >= 0x7f && c <= 0x9f) || c == '/' || c == 0x2028 ||
		    c == 0x2029)
			return false;
	return true;
}

static enum sieve_file_result
unreadable(const char *path, char *error)
{
	struct stat st;

	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		if (lstat(path, &st) == -1)
			return SIEVE_FILE_NONE;
		strlcpy(error, "the link points to no file", SIEVE_ERROR_MAX);
		return SIEVE_FILE_FAULT;
	case EINVAL:
		strlcpy(error, "this is no regular file", SIEVE_ERROR_MAX);
		return SIEVE_FILE_FAULT;
	case EFBIG:
		(void)snprintf(error, SIEVE_ERROR_MAX, "more than %u octets",
		    SIEVE_SCRIPT_MAX);
		return SIEVE_FILE_FAULT;
	}
	strlcpy(error, strerror(errno), SIEVE_ERROR_MAX);
	return SIEVE_FILE_TEMPORARY;
}

enum sieve_file_result
sieve_file_read(const char *path, char **text, size_t *n, char *error)
{
	const char *why;
	struct stat st;

	if ((*text = fd_read_file(path, SIEVE_SCRIPT_MAX, &st, n)) == NULL)
		return unreadable(path, error);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		strlcpy(error, "it belongs to somebody else", SIEVE_ERROR_MAX);
	else if ((why = trust_fault(path, &st)) != NULL)
		(void)snprintf(error, SIEVE_ERROR_MAX, "it %s", why);
	else
		return SIEVE_FILE_READ;
	free(*text);
	*text = NULL;
	return SIEVE_FILE_TEMPORARY;
}

/* ---- option -n ---- */

/* The name of a script, without its folder. */
static const char *
base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int
bad_key(const char *key, const char *path, const char *why, char *error)
{
	(void)snprintf(error, CONF_ERROR_MAX, "%s: %.200s: %s", key, path,
	    why);
	return -1;
}

int
sieve_file_check(const struct settings *s, char *error)
{
	char why[SIEVE_ERROR_MAX], *text;
	struct sieve_script *script = NULL;
	const char *path = s->sieve_default;
	struct stat st;
	size_t n;

	if (*s->sieve_global != '\0' && stat(s->sieve_global, &st) == -1)
		return bad_key("sieve_global", s->sieve_global,
		    strerror(errno), error);
	if (*s->sieve_global != '\0' && !S_ISDIR(st.st_mode))
		return bad_key("sieve_global", s->sieve_global,
		    "it is no folder", error);
	if (*path == '\0')
		return 0;
	strlcpy(why, "there is no such file", sizeof(why));
	if (sieve_file_read(path, &text, &n, why) == SIEVE_FILE_READ) {
		script = sieve_compile(base(path), text, n, why);
		free(text);
	}
	if (script == NULL)
		return bad_key("sieve_default", path, why, error);
	sieve_free(script);
	return 0;
}

/* ---- the user's log ---- */

/* One line more to the log beside the script; it begins anew when it has
 * grown long.  A log that cannot be written is no matter for the mail. */
static void
tell_user(const char *script, const char *error)
{
	char path[PATH_MAX], line[PLAN_ERROR_MAX + 64], when[32];
	time_t now = time(NULL);
	struct stat st;
	struct tm tm;
	int fd, n;

	if (snprintf(path, sizeof(path), "%s.log", script) >=
	    (int)sizeof(path) || localtime_r(&now, &tm) == NULL ||
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return;
	n = snprintf(line, sizeof(line), "%s %s\n", when, error);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_size < SIEVE_LOG_MAX || ftruncate(fd, 0) == 0))
		(void)fd_write_all(fd, line, (size_t)n);
	(void)close(fd);
}

/* ---- the plan ---- */

struct source {
	const char	*path;
	bool		 own;		/* the user's, who is told */
};

/* What cannot be run at all: the mail is kept, or it waits. */
static void
stop(struct plan *p, enum plan_kind kind, const char *path,
    const char *error)
{
	plan_free(p);
	p->kind = kind;
	(void)snprintf(p->error, sizeof(p->error), "%.100s, %s",
	    base(path), error);
	if (kind == PLAN_BROKEN && plan_add(p, DEST_KEEP, NULL) == NULL)
		p->kind = PLAN_TEMPORARY;
}

static void
run(const struct settings *s, const struct user *u,
    const struct sieve_files *f, const struct sieve_script *script,
    const struct sieve_mail *m, struct plan *p)
{
	const struct sieve_user who = { .settings = s, .name = u->name,
	    .home = u->home, .mailbox = u->mailbox, .scripts = f->scripts,
	    .global = s->sieve_global };

	if (sieve_run(script, &who, m, NULL, p) == -1)
		stop(p, PLAN_TEMPORARY, f->active, "no memory");
}

void
sieve_plan(const struct settings *s, const struct user *u,
    const struct sieve_mail *m, struct plan *p)
{
	char error[SIEVE_ERROR_MAX], *text = NULL;
	enum sieve_file_result r = SIEVE_FILE_NONE;
	struct sieve_script *script;
	struct source from = { "", true };
	struct sieve_files f;
	size_t n;

	p->kind = PLAN_NONE;
	sieve_files(&f, s, u->name, u->home);
	if (*(from.path = f.active) != '\0')
		r = sieve_file_read(from.path, &text, &n, error);
	if (r == SIEVE_FILE_NONE && *s->sieve_default != '\0') {
		from.path = s->sieve_default;
		from.own = false;
		r = sieve_file_read(from.path, &text, &n, error);
	}
	if (r == SIEVE_FILE_NONE)
		return;
	if (r == SIEVE_FILE_TEMPORARY)
		stop(p, PLAN_TEMPORARY, from.path, error);
	else if (r == SIEVE_FILE_FAULT)
		stop(p, PLAN_BROKEN, from.path, error);
	else if ((script = sieve_compile(base(from.path), text, n, error)) ==
	    NULL)
		stop(p, PLAN_BROKEN, from.path, error);
	else {
		run(s, u, &f, script, m, p);
		sieve_free(script);
	}
	free(text);
	if (from.own && p->kind == PLAN_BROKEN)
		tell_user(from.path, p->error);
}
