/* SPDX-License-Identifier: ISC
 *
 * See caller.h.  It must never believe the environment for somebody with more
 * rights than who wrote it.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "caller.h"
#include "grammar/header.h"

/* ---- the environment ---- */

void
caller_environment(struct caller *c, uid_t euid)
{
	memset(c, 0, sizeof(*c));
	if (euid == 0)
		return;
	c->recipient = secure_getenv("RECIPIENT");
	if (c->recipient == NULL || *c->recipient == '\0') {
		c->recipient = NULL;
		return;
	}
	c->sender = secure_getenv("SENDER");
	c->extension = secure_getenv("EXTENSION");
	if (c->extension == NULL)
		c->extension = secure_getenv("EXT");
	if (c->extension != NULL && *c->extension == '\0')
		c->extension = NULL;
}

int
caller_login(char *name, size_t size)
{
	struct passwd *pw;

	if (getuid() == 0 || geteuid() == 0)
		return 0;
	errno = 0;
	if ((pw = getpwuid(getuid())) == NULL)
		return errno == 0 || errno == ENOENT || errno == ESRCH ? 0 :
		    -1;
	return strlcpy(name, pw->pw_name, size) < size ? 1 : 0;
}

const char *
caller_path(const char *path, char to[PATH_MAX])
{
	const char *home = secure_getenv("HOME");
	struct passwd *pw;

	if (strncmp(path, "~/", 2) != 0)
		return path;
	if (home == NULL || *home != '/') {
		pw = getpwuid(getuid());
		home = pw == NULL ? NULL : pw->pw_dir;
	}
	if (home == NULL || snprintf(to, PATH_MAX, "%s/%s", home, path + 2) >=
	    PATH_MAX)
		return NULL;
	return to;
}

int
caller_sender(struct address *a, const char *text, const char **why)
{
	if (strcasecmp(text, "MAILER-DAEMON") == 0 ||
	    strcasecmp(text, "<MAILER-DAEMON>") == 0 ||
	    strcmp(text, "#@[]") == 0)
		text = "";
	return address_parse_utf8(a, text, strlen(text), why) == 1 ? 0 : -1;
}

/* ---- lines before the message ---- */

/* The length of a line that begins so, with its end; 0: it does not. */
static size_t
line_of(const char *text, size_t n, const char *begin)
{
	size_t len = strlen(begin);
	const char *lf = memchr(text, '\n', n);

	return lf != NULL && n >= len && memcmp(text, begin, len) == 0 ?
	    (size_t)(lf - text) + 1 : 0;
}

/* An address in a text that is no string: 0, -1. */
static int
parse(struct address *a, const char *s, size_t n)
{
	char text[ADDRESS_TEXT_MAX + 2];

	if (n >= sizeof(text) || memchr(s, '\0', n) != NULL)
		return -1;
	memcpy(text, s, n);
	text[n] = '\0';
	return caller_sender(a, text, NULL);
}

static void
set_sender(struct caller_lines *l, const char *s, size_t n)
{
	if (l->has_sender)
		return;
	l->has_sender = parse(&l->sender, s, n) == 0;
	if (!l->has_sender)
		memset(&l->sender, 0, sizeof(l->sender));
}

/* "From " sender date; each further hop of old has put a ">" before its
 * predecessor's, and so do those who quote. */
static void
skip_from_lines(struct caller_lines *l, const char *text, size_t n)
{
	size_t len = line_of(text, n, "From ");
	const char *end;

	if (len > 0) {
		end = memchr(text + 5, ' ', len - 5);
		if (end != NULL)
			set_sender(l, text + 5, (size_t)(end - text) - 5);
	}
	do
		l->skip += len;
	while ((len = line_of(text + l->skip, n - l->skip, ">From ")) > 0);
}

/* The value without white space at both ends. */
static void
take_path(struct caller_lines *l, const struct header_field *f)
{
	struct buf value;
	const char *s;

	buf_init(&value, 2 * ADDRESS_TEXT_MAX);
	if (header_unfold(&value, f) == 0 && (s = buf_str(&value)) != NULL)
		set_sender(l, s, value.len);
	buf_free(&value);
}

/* What those who deliver put on top, besides the two. */
static bool
is_callers(const struct header_field *f)
{
	return header_is(f, "X-Original-To") || header_is(f, "Envelope-To") ||
	    header_is(f, "Delivery-Date");
}

void
caller_lines(struct caller_lines *l, const char *text, size_t n)
{
	struct header_field f;
	const char *start;
	struct header h;

	memset(l, 0, sizeof(*l));
	skip_from_lines(l, text, n);
	start = text + l->skip;
	header_init(&h, start, n - l->skip);
	while (header_next(&h, &f)) {
		if (l->npath == 0 && header_is(&f, "Return-Path")) {
			l->path = (size_t)(f.start - start);
			l->npath = f.len;
			take_path(l, &f);
		} else if (l->nto == 0 && header_is(&f, "Delivered-To")) {
			l->to = (size_t)(f.start - start);
			l->nto = f.len;
		} else if (!is_callers(&f))
			break;
	}
}

static size_t
cut(char *text, size_t n, size_t at, size_t len)
{
	memmove(text + at, text + at + len, n - at - len);
	return n - len;
}

size_t
caller_drop(const struct caller_lines *l, char *text, size_t n, bool path,
    bool to)
{
	/* The later one first: the other's place stays what it is. */
	if (to && l->nto > 0 && l->to > l->path)
		n = cut(text, n, l->to, l->nto);
	if (path && l->npath > 0)
		n = cut(text, n, l->path, l->npath);
	if (to && l->nto > 0 && l->to <= l->path)
		n = cut(text, n, l->to, l->nto);
	return n;
}
