/* SPDX-License-Identifier: ISC
 *
 * One message from standard input to a mailbox, a user or an address.  It
 * must say 0 only when the message and its name are on disk, write nothing on
 * standard output, and one line on standard error when it fails: or those of
 * who refuses it.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bytes/crlf.h"
#include "caller.h"
#include "deliver.h"
#include "direct.h"
#include "direct_rules.h"
#include "folder.h"
#include "forward.h"
#include "grammar/header.h"
#include "mail/recipient.h"
#include "plan.h"
#include "system/fdio.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"
#include "warning.h"

#define CHUNK	65536
#define LINE_LONGEST	160	/* octets of a line of a reason */

struct job {
	const struct settings	*settings;
	struct settings		 own;
	struct delivery		 how;
	struct address		 from, to;
	struct recipient	 rcpt;
	/* For an address that is no single mailbox: into the spool. */
	bool			 spooled;
	struct directory	 dir;
	struct recipient_list	 list;
	struct spool		 spool;
	struct spool_put	 put;
	struct direct_rules	*rules;	/* of a user who has some */
	char			*reason; /* why they refuse it, or NULL */
	struct caller		 caller;
	char			 login[USERS_NAME_MAX];
	char			 box[PATH_MAX];
	struct crlf		 crlf;
	size_t			 n;
	char			 in[LOOP_HEADER_MAX];
	char			 out[CHUNK + 1];
};

int
direct_address(struct address *a, const char *text, const char *what)
{
	const char *why;

	if (address_parse_utf8(a, text, strlen(text), &why) == 1)
		return 0;
	warnx("%s %s: %s", what, text, why);
	return -1;
}

void
direct_users(struct settings *s)
{
	static char system[] = "system";

	if (s->unwritten && strcmp(s->users, SETTINGS_USERS) == 0 &&
	    access(s->users, F_OK) == -1 && errno == ENOENT)
		s->users = system;
}

/* The exit code for who was asked for; 0 and job->rcpt.user is who. */
static int
judge(struct job *j, const char *name)
{
	switch (j->rcpt.kind) {
	case RECIPIENT_LOCAL:
	case RECIPIENT_LIST:
		return 0;
	case RECIPIENT_NOBODY:
		warnx("4.3.5 %s: nobody gets its mail (see key postmaster)",
		    name);
		return EX_TEMPFAIL;
	case RECIPIENT_UNKNOWN:
		warnx("5.1.1 %s: no such user", name);
		return EX_NOUSER;
	case RECIPIENT_REMOTE:
	case RECIPIENT_RELAY:
		warnx("5.1.2 %s: not a domain of ours (see key domains)",
		    name);
		return EX_NOUSER;
	case RECIPIENT_TEMPORARY:
		break;
	}
	warnx("4.3.5 %s", j->rcpt.error);
	return EX_TEMPFAIL;
}

/*
 * The address that mail for a login came to: the one that was given with it, or
 * that the caller names; else that of the login.  Where this has no domain, it
 * is of the first of ours, which is where mail for the bare name belongs.
 */
static int
find_way(struct job *j, const struct direct *d, const char *login)
{
	const char *sign = j->settings->recipient_delimiter, *at, *ext = NULL;
	const char *given = d->address;

	if (given == NULL && j->caller.recipient != NULL &&
	    address_parse_utf8(&j->to, j->caller.recipient,
	    strlen(j->caller.recipient), NULL) == 1) {
		ext = j->caller.extension;
		recipient_complete(j->settings, &j->to);
	} else if (given != NULL || strchr(login, '@') != NULL) {
		if (given == NULL &&
		    direct_address(&j->to, login, "user") == -1)
			return EX_USAGE;
		if (given != NULL && *sign != '\0' &&
		    (at = strchr(j->to.local, *sign)) != NULL)
			ext = at + 1;
	} else {
		memset(&j->to, 0, sizeof(j->to));
		strlcpy(j->to.local, login, sizeof(j->to.local));
		recipient_complete(j->settings, &j->to);
	}
	if (ext != NULL)
		strlcpy(j->rcpt.folder, ext, sizeof(j->rcpt.folder));
	return 0;
}

static int
find_user(struct job *j, const struct direct *d, struct users *users)
{
	const char *login = d->user != NULL ? d->user : j->login;

	switch (users_login(users, login, &j->rcpt.user, j->rcpt.error)) {
	case USERS_FOUND:
		j->rcpt.kind = RECIPIENT_LOCAL;
		break;
	case USERS_NONE:
		j->rcpt.kind = RECIPIENT_UNKNOWN;
		break;
	case USERS_TEMPORARY:
		j->rcpt.kind = RECIPIENT_TEMPORARY;
		break;
	}
	return find_way(j, d, login) == 0 ? judge(j, login) : EX_USAGE;
}

static int
find_address(struct job *j, const char *address)
{
	char error[CONF_ERROR_MAX];

	if (tables_open(&j->dir.tables, j->settings, error) == -1) {
		warnx("4.3.5 %s", error);
		return EX_TEMPFAIL;
	}
	recipient_find(&j->dir, &j->to, &j->rcpt, &j->list);
	return judge(j, address);
}

/* Several, or elsewhere. */
static int
use_spool(struct job *j)
{
	char error[CONF_ERROR_MAX];

	if (spool_open(&j->spool, j->settings, error) == -1) {
		warnx("4.3.0 %s", error);
		return EX_TEMPFAIL;
	}
	recipient_complete(j->settings, &j->to);
	j->spooled = true;
	j->how.mailbox = j->settings->spool;
	j->how.to = &j->to;
	return 0;
}

/* Become the user; one with rules is for another to become. */
static int
use_user(struct job *j)
{
	const struct user *u = &j->rcpt.user;

	j->how.mailbox = j->box;
	j->how.create = true;
	j->how.folders = j->settings;
	j->how.to = &j->to;
	j->how.quota = &u->quota;
	j->how.warn = j->settings;
	switch (direct_rules_begin(&j->rules, &j->dir, &j->to, &j->rcpt)) {
	case 1:
		return 0;
	case -1:
		warn("4.3.0 the rules of %s", u->name);
		return EX_TEMPFAIL;
	}
	if (privilege_drop(u->uid, u->gid) == -1) {
		warn("4.3.0 cannot become %s", u->name);
		return EX_TEMPFAIL;
	}
	strlcpy(j->box, u->mailbox, sizeof(j->box));
	if (folder_is_name(j->rcpt.folder, true) &&
	    !folder_find(u->mailbox, j->rcpt.folder, j->box) &&
	    j->settings->folder_create)
		folder_make(u->mailbox, j->rcpt.folder, j->box);
	return 0;
}

/* Whose mailbox it is. */
static int
find_recipient(struct job *j, const struct direct *d)
{
	char error[CONF_ERROR_MAX];
	int code;

	if (d->address != NULL &&
	    direct_address(&j->to, d->address, "address") == -1)
		return EX_USAGE;
	if (users_open(&j->dir.users, j->settings, error) == -1) {
		warnx("4.3.5 %s", error);
		return EX_TEMPFAIL;
	}
	code = d->user != NULL || d->address == NULL ?
	    find_user(j, d, j->dir.users) : find_address(j, d->address);
	users_close(j->dir.users);
	j->dir.users = NULL;
	if (code != 0)
		return code;
	return j->rcpt.kind == RECIPIENT_LIST ? use_spool(j) : use_user(j);
}

/* NOTE: text that does not begin with a header field ("echo hello |") gets an
 * empty header, so that all of it is the body. */
static int
lacks_header(const char *p, size_t n)
{
	struct header_field f;
	struct header h;

	if (*p == '\n' || (*p == '\r' && n > 1 && p[1] == '\n'))
		return 0;
	header_init(&h, p, n);
	return !header_next(&h, &f) || f.name_len == 0;
}

static int
write_some(struct job *j, struct deliver *d, const char *p, size_t n,
    struct outcome *o)
{
	if (j->rules != NULL)
		return direct_rules_write(j->rules, p, n, o);
	if (!j->spooled)
		return deliver_write(d, p, n, o);
	if (spool_put_write(&j->put, p, n) == 0)
		return 0;
	outcome_errno(o, "the spool", errno);
	spool_put_abort(&j->put);
	return -1;
}

static int
write_disk(struct job *j, struct deliver *d, const char *p, size_t n,
    struct outcome *o)
{
	size_t taken, put;

	if (crlf_is_disk(&j->crlf, p, n))
		return write_some(j, d, p, n, o);
	for (; n > 0; p += taken, n -= taken) {
		taken = n;
		put = crlf_to_disk(&j->crlf, p, &taken, j->out, CHUNK);
		if (write_some(j, d, j->out, put, o) == -1)
			return -1;
	}
	return 0;
}

static int
copy_message(struct job *j, struct deliver *d, size_t skip,
    struct outcome *o)
{
	const char *p = j->in + skip;
	size_t n = j->n - skip;
	ssize_t got;

	if (lacks_header(p, n) && write_some(j, d, "\n", 1, o) == -1)
		return -1;
	if (write_disk(j, d, p, n, o) == -1)
		return -1;
	while ((got = fd_read_all(STDIN_FILENO, j->in, CHUNK)) > 0)
		if (write_disk(j, d, j->in, (size_t)got, o) == -1)
			return -1;
	if (got == -1) {
		outcome_errno(o, "standard input", errno);
		o->code = EX_IOERR;
		if (j->spooled)
			spool_put_abort(&j->put);
		else if (j->rules == NULL)
			deliver_abort(d);
		return -1;
	}
	n = crlf_to_disk_end(&j->crlf, j->out);
	return n > 0 ? write_some(j, d, j->out, n, o) : 0;
}

/* To the spool root writes as its owner, by setfsuid(2). */
static int
restrict_to_mailbox(const char *mailbox, bool spooled)
{
	char anchor[PATH_MAX], part[PATH_MAX];
	const struct sandbox_path path = { anchor, SANDBOX_WRITE };

	/* The quota of a Maildir++ folder is kept in the folder above. */
	if (snprintf(part, sizeof(part), "%s/maildirfolder", mailbox) <
	    (int)sizeof(part) && access(part, F_OK) == 0) {
		snprintf(part, sizeof(part), "%s/..", mailbox);
		mailbox = part;
	}
	(void)deliver_anchor(anchor, mailbox);
	return spooled ? sandbox_agent(&path, 1, false) :
	    sandbox_mailbox(&path, 1);
}

static int
begin(struct job *j, struct deliver *d, struct outcome *o)
{
	struct envelope env;
	const struct envelope_rcpt given = { .addr = j->to };
	const struct forward f = { &j->dir, &j->spool, &env, &given,
	    &j->rcpt.owner, &j->list };

	if (j->rules != NULL)
		return 0;
	if (!j->spooled)
		return deliver_begin(d, &j->how, o);
	envelope_init(&env);
	env.sender = j->from;
	/* Programs and files are the queue's. */
	if ((j->list.nspecials > 0 ? forward_begin_same(&f, &j->put) :
	    forward_begin(&f, &j->put)) == 0)
		return 0;
	outcome_errno(o, "the spool", errno);
	return -1;
}

static void
end(struct job *j, struct deliver *d, struct outcome *o)
{
	if (j->rules != NULL) {
		direct_rules_end(j->rules, &j->from, o, &j->reason);
		j->rules = NULL;
	} else if (!j->spooled) {
		deliver_end(d, o);
		if (o->warn)
			warning_send(j->settings, &j->rcpt.user);
	} else if (spool_put_end(&j->put) == -1)
		outcome_errno(o, "the spool", errno);
}

/* What the caller put before the message is no part of it: how many octets
 * stand before that in j->in. */
static size_t
skip_callers_lines(struct job *j)
{
	struct caller_lines l;

	caller_lines(&l, j->in, j->n);
	if (j->how.from == NULL && l.has_sender) {
		j->from = l.sender;
		j->how.from = &j->from;
	}
	j->n = l.skip + caller_drop(&l, j->in + l.skip, j->n - l.skip,
	    j->how.from != NULL, j->how.to != NULL);
	return l.skip;
}

/* Each line behind its status; a long one becomes several, and there is an end
 * (RFC 5429, section 2.5). */
static void
say_reason(const char *reason)
{
	int status = (int)strcspn(reason, " ");
	const char *s = reason + status + 1, *end = s + PLAN_REPLY_MAX;
	size_t n, lines = 0;

	for (; *s != '\0' && s < end && lines < PLAN_REPLY_LINES; lines++) {
		if ((n = strcspn(s, "\n")) > LINE_LONGEST)
			for (n = LINE_LONGEST; n > 0 && s[n] != ' '; n--)
				;
		if (n == 0 && *s != '\n')
			n = LINE_LONGEST;
		warnx("%.*s %.*s", status, reason, (int)n, s);
		s += n + (s[n] == '\n' || s[n] == ' ');
	}
}

static void
say_fault(const struct job *j, const struct outcome *o, bool full)
{
	if (j->reason != NULL)
		say_reason(j->reason);
	/* A path that was typed wrong is no matter for the mail's sender. */
	else if (o->code == EX_CANTCREAT && !full)
		warnx("%s", o->text + strcspn(o->text, " ") + 1);
	else if (o->code != 0)
		warnx("%s", o->text);
}

/* Everything of the message from here on. */
static int
deliver_stdin(struct job *j)
{
	struct outcome o = { .kind = OUTCOME_TEMPORARY };
	const char *why;
	struct deliver d;
	ssize_t got;
	size_t skip;

	if ((got = fd_read_all(STDIN_FILENO, j->in, sizeof(j->in))) == -1) {
		warn("standard input");
		return EX_IOERR;
	}
	j->n = (size_t)got;
	skip = skip_callers_lines(j);
	if (j->n == skip) {
		warnx("standard input: there is no message");
		return EX_NOINPUT;
	}
	if (j->how.to != NULL && (why = deliver_loops(j->in + skip,
	    j->n - skip, j->how.to)) != NULL) {
		warnx("5.4.6 mail loop: %s", why);
		return EX_UNAVAILABLE;
	}
	memset(&d, 0, sizeof(d));
	if (begin(j, &d, &o) == 0 && copy_message(j, &d, skip, &o) == 0)
		end(j, &d, &o);
	say_fault(j, &o, d.full);
	return o.code;
}

/* Whom the options, or else the caller, name as the sender: 0, or the exit
 * code. */
static int
find_sender(struct job *j, const struct direct *d)
{
	const char *why;

	if (d->sender != NULL) {
		if (caller_sender(&j->from, d->sender, &why) == -1) {
			warnx("sender %s: %s", d->sender, why);
			return EX_USAGE;
		}
		j->how.from = &j->from;
	} else if (j->caller.sender != NULL &&
	    caller_sender(&j->from, j->caller.sender, NULL) == 0)
		j->how.from = &j->from;
	return 0;
}

/* A caller that names the recipient has looked at his ~/.forward or ~/.qmail,
 * and may have found us there. */
static void
adjust_settings(struct job *j)
{
	j->own = *j->settings;
	direct_users(&j->own);
	if (j->caller.recipient != NULL)
		j->own.forward = j->own.qmail = false;
	j->settings = j->dir.settings = &j->own;
}

/* A path, or whose mailbox it is: 0, or the exit code. */
static int
find_mailbox(struct job *j, const struct direct *d)
{
	if (d->mailbox != NULL) {
		j->how.mailbox = caller_path(d->mailbox, j->box);
		if (j->how.mailbox != NULL)
			return 0;
		warnx("%s: there is no home", d->mailbox);
		return EX_CANTCREAT;
	}
	if (d->user == NULL && d->address == NULL)
		switch (caller_login(j->login, sizeof(j->login))) {
		case 0:
			warnx("no mailbox: give -d, -a or a path");
			return EX_USAGE;
		case -1:
			warn("4.3.0 who runs this");
			return EX_TEMPFAIL;
		}
	adjust_settings(j);
	return find_recipient(j, d);
}

int
direct_run(const struct settings *s, const struct direct *d)
{
	static struct job job;
	struct job *j = &job;
	int code;

	j->settings = j->dir.settings = s;
	j->how.host = s->hostname;
	j->how.tempfail = s->quota_tempfail;
	/* What is for the log is not for who calls us. */
	if (d->mailbox == NULL)
		log_syslog();
	caller_environment(&j->caller, geteuid());
	code = find_sender(j, d);
	if (code == 0)
		code = find_mailbox(j, d);
	if (code == 0 && j->rules == NULL &&
	    restrict_to_mailbox(j->how.mailbox, j->spooled) == -1) {
		warn("4.3.0 it cannot be confined to %s", j->how.mailbox);
		code = EX_TEMPFAIL;
	}
	if (code == 0)
		code = deliver_stdin(j);
	direct_rules_abort(j->rules);
	tables_close(j->dir.tables);
	recipient_list_free(&j->list);
	free(j->reason);
	return code;
}
