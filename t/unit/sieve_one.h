/* SPDX-License-Identifier: ISC
 *
 * For tests of the Sieve engine's actions: a user with a home and a Maildir, a
 * script run with a message, and the plan in words.
 */
#ifndef T_SIEVE_ONE_H
#define T_SIEVE_ONE_H

#include <sys/stat.h>
#include <sys/wait.h>

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../mda-deliver/seen.h"
#include "../../mda-deliver/sieve.h"
#include "tap.h"

#define NOW	1700000000
#define DAY	86400
#define UE	"\xc3\xbc"

static char home[] = "/tmp/sieve_one.XXXXXX";
static char mailbox[PATH_MAX];
static struct settings settings;
static struct plan plan;
static int64_t now = NOW;
static char said[65536];	/* what -t would say */

#define PLAIN	"From: Ann <ann@a.test>\nTo: Bob <bob@example.net>\n" \
		"Subject: hi\nMessage-ID: <1@a.test>\n\nbody\n"

/* ---- one run ---- */

static void
watch_line(void *arg, const char *script, unsigned line, const char *words)
{
	(void)arg;
	(void)script;
	(void)line;
	strlcat(said, words, sizeof(said));
	strlcat(said, "\n", sizeof(said));
}

static struct address
address(const char *text)
{
	struct address a;

	memset(&a, 0, sizeof(a));
	if (*text != '\0' &&
	    address_parse_utf8(&a, text, strlen(text), NULL) != 1)
		abort();
	return a;
}

/* The plan in words. */
static const char *
describe(void)
{
	static const char *const kinds[] = { "keep", "file", "mailbox",
	    "program", "forward", "discard", "reject", "reply" };
	static char text[8192];
	const struct dest *d;
	char one[1024];
	size_t i;

	text[0] = '\0';
	if (plan.kind == PLAN_BROKEN)
		strlcat(text, "broken: ", sizeof(text));
	for (i = 0; i < plan.n; i++) {
		d = &plan.v[i];
		snprintf(one, sizeof(one), "%s%s%s%s%s%s%s%s", i == 0 ? "" :
		    "; ", kinds[d->kind], d->text == NULL ? "" : " ",
		    d->text == NULL ? "" : d->text, d->create ? " create" : "",
		    d->flags == NULL ? "" : " flags ",
		    d->flags == NULL ? "" : d->flags,
		    d->edit == 0 ? "" : " edited");
		strlcat(text, one, sizeof(text));
	}
	return text;
}

/* What the next runs are told of the message. */
static bool queued, precious;

static const char *
run_for(const char *script, const char *mail, const char *from, const char *to)
{
	static const struct sieve_watch watch = { watch_line, NULL };
	struct address sender = address(from), rcpt = address(to);
	const struct sieve_user user = { &settings, "bob", home, mailbox, "",
	    "" };
	const struct sieve_mail m = { mail, strlen(mail), &sender, &rcpt,
	    NULL, now, queued, precious };
	char error[SIEVE_ERROR_MAX];
	struct sieve_script *s;
	int r;

	plan_free(&plan);
	said[0] = '\0';
	s = sieve_compile("script", script, strlen(script), error);
	if (s == NULL) {
		snprintf(said, sizeof(said), "wrong: %s", error);
		return said;
	}
	r = sieve_run(s, &user, &m, &watch, &plan);
	sieve_free(s);
	return r == -1 ? "no memory" : describe();
}

static const char *
run(const char *script, const char *mail, const char *from)
{
	return run_for(script, mail, from, "bob@example.net");
}

#define ALL	"require [\"fileinto\", \"reject\", \"ereject\"," \
		" \"vacation\", \"copy\", \"mailbox\", \"imap4flags\"];"

static void
make_folder(const char *name)
{
	static const char *const parts[] = { "", "/cur", "/new", "/tmp" };
	char path[PATH_MAX + 8];
	size_t i;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s%s", mailbox, name,
		    parts[i]);
		(void)mkdir(path, 0700);
	}
}

/* ---- what is remembered ---- */

static void __attribute__((unused))
mark(void)
{
	size_t i;

	for (i = 0; i < plan.n; i++)
		if (plan.v[i].kind == DEST_REPLY &&
		    plan.v[i].mark.expires != 0)
			ok(seen_mark(home, &plan.v[i].mark, now) == 0,
			    "marked");
	for (i = 0; i < plan.nmarks; i++)
		ok(seen_mark(home, &plan.marks[i], now) == 0, "marked");
}

static void __attribute__((unused))
forget(void)
{
	char path[PATH_MAX + 40];

	snprintf(path, sizeof(path), "%s/" SEEN_FILE, home);
	(void)unlink(path);
	now = NOW;
}

/* ---- the user ---- */

/* All of it; 0, or -1. */
static int
begin(void)
{
	static const char *const keys[] = { "hostname=mx.example.net",
	    "domains=example.net example.org", "recipient_delimiter=+" };
	char error[CONF_ERROR_MAX];

	if (mkdtemp(home) == NULL || settings_load(&settings, "/dev/null",
	    keys, 3, error) == -1) {
		puts("Bail out!");
		return -1;
	}
	snprintf(mailbox, sizeof(mailbox), "%s/Maildir", home);
	make_folder("");
	plan_init(&plan);
	return 0;
}

/* What the test returns. */
static int
end(void)
{
	int status = -1;
	pid_t pid;

	plan_free(&plan);
	settings_free(&settings);
	if ((pid = fork()) == 0) {
		execlp("rm", "rm", "-r", home, (char *)NULL);
		_exit(1);
	}
	ok(waitpid(pid, &status, 0) == pid && status == 0, "removed");
	return done();
}

#endif
