/* SPDX-License-Identifier: ISC
 *
 * A user's own rules: see rules.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dotfile.h"
#include "rules.h"
#include "sieve_file.h"
#include "system/fdio.h"

unsigned
rules_look(const struct settings *s, const struct user *u,
    const char *extension)
{
	struct dotfile d = { .settings = s, .user = u,
	    .extension = extension };

	return (dotfile_look(&d) ? RULES_DOTFILE : 0) |
	    (sieve_file_may_be(s, u) ? RULES_SIEVE : 0);
}

size_t
rules_places(const struct settings *s, const struct user *u,
    char path[RULES_PLACES][PATH_MAX])
{
	size_t n = sieve_places(s, u, path);

	if (*u->home != '\0' && strcmp(u->home, "/") != 0)
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

/* The whole message, for a script. */
static void
ask_sieve(const struct settings *s, const struct user *u,
    const struct rules_mail *mail, struct plan *p)
{
	struct sieve_mail m = { .size = (size_t)mail->size, .from = mail->from,
	    .to = mail->to, .original = mail->original,
	    .now = (int64_t)time(NULL), .queued = mail->queued,
	    .precious = mail->precious };
	char *text = malloc(m.size + 1);
	ssize_t got;

	if (text == NULL) {
		no_memory(p);
		return;
	}
	got = fd_pread_all(mail->fd, text, m.size, (off_t)mail->start);
	if (got == (ssize_t)m.size) {
		m.text = text;
		sieve_plan(s, u, &m, p);
	} else {
		p->kind = PLAN_TEMPORARY;
		strlcpy(p->error, got == -1 ? strerror(errno) :
		    "the message is cut", sizeof(p->error));
	}
	free(text);
}

void
rules_decide(const struct settings *s, const struct user *u, unsigned rules,
    const struct rules_mail *mail, struct plan *p)
{
	if ((rules & RULES_DOTFILE) != 0)
		ask_dotfile(s, u, mail, p);
	if (p->kind == PLAN_NONE && (rules & RULES_SIEVE) != 0)
		ask_sieve(s, u, mail, p);
	plan_unique(p);
}
