/* SPDX-License-Identifier: ISC
 *
 * A user's own rules: see rules.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dotfile.h"
#include "rules.h"

/* What cannot be seen is not missing.  access(2) would ask for root. */
static bool
may_be_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Whether dotfile.c has anything to say. */
static bool
may_have_dotfile(const struct settings *s, const struct user *u,
    const char *extension)
{
	char path[PATH_MAX + ADDRESS_LOCAL_MAX + 16];
	struct stat st;

	if ((!s->forward && !s->qmail) || *u->home == '\0')
		return false;
	/* With an extension there are many names. */
	if (*extension != '\0' && s->qmail)
		return true;
	snprintf(path, sizeof(path), "%s/%s", u->home,
	    s->qmail ? ".qmail" : ".forward");
	if (may_be_there(path))
		return true;
	if (*extension != '\0') {
		snprintf(path, sizeof(path), "%s/.forward%s%s", u->home,
		    s->recipient_delimiter, extension);
		if (strchr(extension, '/') == NULL && may_be_there(path))
			return true;
	}
	/* A home that is missing, or that is being worked on. */
	if (!u->system && !s->qmail)
		return false;
	return stat(u->home, &st) == -1 || (st.st_mode & S_ISVTX) != 0;
}

unsigned
rules_look(const struct settings *s, const struct user *u,
    const char *extension)
{
	return may_have_dotfile(s, u, extension) ? RULES_DOTFILE : 0;
}

size_t
rules_places(const struct settings *s, const struct user *u,
    char path[RULES_PLACES][PATH_MAX])
{
	size_t n = 0;

	(void)s;
	if (*u->home != '\0')
		strlcpy(path[n++], u->home, PATH_MAX);
	return n;
}

static void
no_memory(struct plan *p)
{
	plan_free(p);
	p->kind = PLAN_TEMPORARY;
	strlcpy(p->error, "out of memory", sizeof(p->error));
}

static void
ask_dotfile(const struct settings *s, const struct user *u,
    const struct rules_mail *mail, struct plan *p)
{
	struct dotfile d = {
		.settings = s,
		.user = u,
		.to = mail->to,
		.extension = mail->extension == NULL ? "" : mail->extension,
	};

	if (dotfile_plan(&d, p) == -1) {
		no_memory(p);
		return;
	}
	p->forwarder = d.owner;
	strlcpy(p->rest, d.rest, sizeof(p->rest));
}

void
rules_decide(const struct settings *s, const struct user *u, unsigned rules,
    const struct rules_mail *mail, struct plan *p)
{
	if ((rules & RULES_DOTFILE) != 0)
		ask_dotfile(s, u, mail, p);
	plan_unique(p);
}
