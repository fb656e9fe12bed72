/* SPDX-License-Identifier: ISC
 *
 * A user's own rules: see rules.h.
 */
#include <string.h>

#include "dotfile.h"
#include "rules.h"

unsigned
rules_look(const struct settings *s, const struct user *u,
    const char *extension)
{
	struct dotfile d = { .settings = s, .user = u,
	    .extension = extension };

	return dotfile_look(&d) ? RULES_DOTFILE : 0;
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
