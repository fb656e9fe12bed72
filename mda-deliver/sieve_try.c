/* SPDX-License-Identifier: ISC
 *
 * A script tried with one message: see sieve_try.h.
 */
#include <err.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "caller.h"
#include "grammar/header.h"
#include "grammar/trace.h"
#include "mail/recipient.h"
#include "mail/users.h"
#include "sieve_file.h"
#include "sieve_show.h"
#include "sieve_try.h"
#include "system/fdio.h"
#include "system/privilege.h"
#include "system/sandbox.h"

struct try {
	const struct settings	*settings;
	struct settings		 own;
	struct user		 user;
	struct sieve_files	 files;
	struct address		 from, to;
	struct buf		 message;
	const char		*text;		/* in message */
	size_t			 size;
};

/* ---- whose script it is ---- */

/* Whoever runs us, where nobody is named or known. */
static void
be_myself(struct try *t)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *home = getenv("HOME");
	char local[ADDRESS_LOCAL_MAX + 1];

	if (home == NULL)
		home = pw != NULL ? pw->pw_dir : "";
	t->user.uid = getuid();
	t->user.gid = getgid();
	strlcpy(local, pw != NULL ? pw->pw_name : "user", sizeof(local));
	strlcpy(t->user.name, local, sizeof(t->user.name));
	strlcpy(t->user.home, home, sizeof(t->user.home));
	if (users_expand(t->user.mailbox, *t->settings->mail != '\0' ?
	    t->settings->mail : "%h/Maildir", local, "", home) == -1)
		t->user.mailbox[0] = '\0';
	if (t->to.local[0] == '\0')
		strlcpy(t->to.local, local, sizeof(t->to.local));
}

/* -a: as for a delivery, but that tables and aliases are not asked. */
static enum users_result
find_address(struct try *t, struct users *users, char *error)
{
	const struct directory dir = { .settings = t->settings,
	    .users = users };
	struct recipient r;

	recipient_complete(t->settings, &t->to);
	switch (recipient_user(&dir, &t->to, &r)) {
	case RECIPIENT_LOCAL:
		t->user = r.user;
		return USERS_FOUND;
	case RECIPIENT_TEMPORARY:
		strlcpy(error, r.error, CONF_ERROR_MAX);
		return USERS_TEMPORARY;
	case RECIPIENT_LIST:
	case RECIPIENT_UNKNOWN:
	case RECIPIENT_NOBODY:
	case RECIPIENT_REMOTE:
	case RECIPIENT_RELAY:
		break;
	}
	return USERS_NONE;
}

static int
find_user(struct try *t, const struct direct *d)
{
	const char *address = d->user != NULL ? d->user : d->address;
	enum users_result r = USERS_NONE;
	char error[CONF_ERROR_MAX];
	struct users *users;

	if (address != NULL && direct_address(&t->to, address,
	    d->user != NULL ? "user" : "address") == -1)
		return EX_USAGE;
	/* Without a configuration nobody is known, and the address is what it
	 * says. */
	if (address != NULL && (!t->settings->unwritten ||
	    strcmp(t->settings->users, SETTINGS_USERS) != 0)) {
		if (users_open(&users, t->settings, error) == -1) {
			warnx("%s", error);
			return EX_CONFIG;
		}
		r = d->user != NULL ? users_login(users, d->user, &t->user,
		    error) : find_address(t, users, error);
		users_close(users);
		if (r == USERS_TEMPORARY) {
			warnx("%s", error);
			return EX_TEMPFAIL;
		}
	}
	if (r == USERS_NONE && d->user != NULL) {
		warnx("%s: no such user", d->user);
		return EX_NOUSER;
	}
	if (r == USERS_NONE)
		be_myself(t);
	if (privilege_drop(t->user.uid, t->user.gid) == -1 &&
	    getuid() != 0) {
		warn("cannot become %s", t->user.name);
		return EX_OSERR;
	}
	return 0;
}

/* ---- the message ---- */

static int
read_message(struct try *t)
{
	char *room;
	ssize_t got;

	do {
		if ((room = buf_reserve(&t->message, 65536)) == NULL) {
			warnx("standard input: too large");
			return EX_DATAERR;
		}
		if ((got = fd_read_all(STDIN_FILENO, room, 65536)) == -1) {
			warn("standard input");
			return EX_IOERR;
		}
		buf_commit(&t->message, (size_t)got);
	} while (got > 0);
	t->text = t->message.len > 0 ? t->message.data : "";
	t->size = t->message.len;
	return 0;
}

/* The envelope that a stored message has in its first two lines; what the
 * command line says goes before. */
static void
take_envelope(struct try *t, const struct direct *d)
{
	struct address from, to;
	const char *lf;
	size_t n;

	if (t->size > 5 && memcmp(t->text, "From ", 5) == 0 &&
	    (lf = memchr(t->text, '\n', t->size)) != NULL) {
		n = (size_t)(lf + 1 - t->text);
		t->text += n;
		t->size -= n;
	}
	if (trace_read_envelope(t->text, t->size, &from, &to, &n) == 1) {
		t->text += n;
		t->size -= n;
		if (d->sender == NULL)
			t->from = from;
		if (d->user == NULL && d->address == NULL)
			t->to = to;
	}
	recipient_complete(t->settings, &t->to);
}

/* ---- trying it ---- */

static int
restrict_to_files(const struct try *t, const char *script)
{
	const struct sandbox_path paths[] = {
		{ script, SANDBOX_READ },
		{ t->files.scripts, SANDBOX_READ },
		{ t->settings->sieve_global, SANDBOX_READ },
		{ t->user.mailbox, SANDBOX_READ },
		{ t->user.home, SANDBOX_READ },
	};
	struct sandbox_path some[sizeof(paths) / sizeof(*paths)];
	size_t i, n = 0;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (*paths[i].path != '\0')
			some[n++] = paths[i];
	return sandbox_mailbox(some, n);
}

static int
run(const struct try *t, const struct sieve_script *script)
{
	const struct sieve_user user = { .settings = t->settings,
	    .name = t->user.name, .home = t->user.home,
	    .mailbox = t->user.mailbox, .scripts = t->files.scripts,
	    .global = t->settings->sieve_global };
	const struct sieve_mail mail = { .text = t->text, .size = t->size,
	    .from = &t->from, .to = &t->to, .now = (int64_t)time(NULL) };
	struct sieve_show show = { NULL };
	const struct sieve_watch watch = { sieve_show_line, &show };
	struct plan plan;
	int code = EX_TEMPFAIL;

	plan_init(&plan);
	sieve_show_envelope(&mail);
	if (sieve_run(script, &user, &mail, &watch, &plan) == -1)
		warnx("no memory");
	else {
		sieve_show_plan(&mail, &plan);
		code = plan.kind == PLAN_GOOD ? 0 : EX_DATAERR;
	}
	plan_free(&plan);
	return code;
}

static int
try_script(struct try *t, const char *path)
{
	const char *slash = strrchr(path, '/');
	char error[SIEVE_ERROR_MAX], *text;
	struct sieve_script *script;
	size_t n;
	int code = 0;

	if ((text = fd_read_file(path, SIEVE_SCRIPT_MAX, &(struct stat){ 0 },
	    &n)) == NULL) {
		if (errno == EINVAL)
			warnx("%s is no regular file", path);
		else
			warn("%s", path);
		return EX_NOINPUT;
	}
	script = sieve_compile(slash != NULL ? slash + 1 : path, text, n,
	    error);
	free(text);
	if (script == NULL) {
		printf("%s, %s\n", path, error);
		return EX_DATAERR;
	}
	if (t->size == 0)
		printf("The script has no fault.  There is no message to try "
		    "it with.\n");
	else
		code = run(t, script);
	sieve_free(script);
	return code;
}

int
sieve_try(const struct settings *s, const struct direct *d,
    const char *script)
{
	const char *why;
	struct try *t;
	int code;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		warn(NULL);
		return EX_TEMPFAIL;
	}
	t->own = *s;
	direct_users(&t->own);
	t->settings = &t->own;
	buf_init(&t->message, (size_t)s->max_size + 65536);
	if (d->sender != NULL &&
	    caller_sender(&t->from, d->sender, &why) == -1) {
		warnx("sender %s: %s", d->sender, why);
		code = EX_USAGE;
	} else
		code = find_user(t, d);
	if (code == 0) {
		tzset();
		sieve_files(&t->files, s, t->user.name, t->user.home);
		if (restrict_to_files(t, script) == -1) {
			warn("sandbox");
			code = EX_OSERR;
		}
	}
	if (code == 0 && (code = read_message(t)) == 0) {
		take_envelope(t, d);
		code = try_script(t, script);
	}
	if (fflush(stdout) == EOF && code == 0) {
		warn("standard output");
		code = EX_IOERR;
	}
	buf_free(&t->message);
	free(t);
	return code;
}
