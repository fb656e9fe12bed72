/* SPDX-License-Identifier: ISC
 *
 * sendmail(8).  Nothing is queued here: the server of this host takes the
 * message, or the caller keeps it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "letter.h"
#include "list.h"
#include "manage.h"
#include "queue.h"
#include "sendmail.h"
#include "sendmail_args.h"
#include "submit.h"
#include "system/log.h"

static const char *
base_name(const char *path)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');

	return slash != NULL ? slash + 1 : path == NULL ? "" : path;
}

int
sendmail_is_name(const char *argv0)
{
	const char *name = base_name(argv0);

	return strcmp(name, "sendmail") == 0 || strcmp(name, "mailq") == 0 ||
	    strcmp(name, "newaliases") == 0;
}

/* ---- a message ---- */

/* The name of this user: -F, or what the account says before its first
 * comma. */
static void
take_name(const struct sendmail_args *o, const struct passwd *pw, char *name,
    size_t size)
{
	strlcpy(name, o->name != NULL ? o->name : pw == NULL ? "" :
	    pw->pw_gecos, size);
	if (o->name == NULL)
		name[strcspn(name, ",")] = '\0';
}

static int
take_sender(struct letter *l, const struct sendmail_args *o,
    const struct passwd *pw)
{
	const char *why;

	if (o->sender != NULL) {
		if (address_parse(&l->sender, o->sender, strlen(o->sender),
		    &why) != 1) {
			warnx("sender %s: %s", o->sender, why);
			return -1;
		}
	} else
		strlcpy(l->sender.local, pw == NULL ? "nobody" : pw->pw_name,
		    sizeof(l->sender.local));
	if (l->sender.local[0] != '\0' && l->sender.domain[0] == '\0')
		strlcpy(l->sender.domain, l->domain,
		    sizeof(l->sender.domain));
	return 0;
}

/* Recipients of the command line and, with -t, of the header add up.  One that
 * begins as an option does is one, behind its place: who wrote it does not mean
 * a mailbox. */
static int
take_recipients(struct letter *l, char *const *args)
{
	for (; *args != NULL; args++) {
		if ((*args)[0] == '-') {
			snprintf(l->why, sizeof(l->why), "%s: letters stand "
			    "before the recipients", *args);
			return -1;
		}
		if (letter_add(l, *args, strlen(*args)) == -1)
			return -1;
	}
	return 0;
}

static int
read_letter(const struct settings *s, const struct sendmail_args *o,
    struct letter *l)
{
	struct buf raw;
	int code = EX_OK;

	buf_init(&raw, (size_t)s->max_size + 1);
	if (letter_read(&raw, STDIN_FILENO, o->ignore_dots) == -1) {
		if (errno == EFBIG)
			warnx("the message is larger than max_size");
		else
			warn("standard input");
		code = errno == EFBIG ? EX_DATAERR : EX_TEMPFAIL;
	} else if (letter_compose(l, &raw) == -1) {
		warnx("%s", l->why);
		code = EX_DATAERR;
	} else if (l->n == 0) {
		warnx("the message names no recipient");
		code = EX_DATAERR;
	}
	buf_free(&raw);
	return code;
}

static int
mail(const struct settings *s, const struct sendmail_args *o,
    char *const *args)
{
	const struct passwd *pw = getpwuid(getuid());
	struct letter l = { .hostname = s->hostname,
	    .domain = s->domains.n > 0 ? s->domains.v[0] : s->hostname,
	    .from_header = o->from_header, .now = time(NULL),
	    .notify = o->notify, .ret = o->ret, .envid = o->envid };
	bool verify = o->mode == SENDMAIL_VERIFY;
	char name[256];
	int code = EX_USAGE;

	take_name(o, pw, name, sizeof(name));
	l.name = name;
	if (take_sender(&l, o, pw) == -1)
		return EX_USAGE;
	if (take_recipients(&l, args) == -1)
		warnx("recipient %s", l.why);
	else if (l.n == 0 && (verify || !o->from_header))
		warnx("no recipient");
	else if (verify)
		code = submit_verify(s, &l);
	else if ((code = read_letter(s, o, &l)) == EX_OK)
		code = submit_letter(s, &l);
	letter_free(&l);
	return code;
}

/* ---- the queue ---- */

/* Which of the queue: the word that chooses them, for select_parse(). */
static void
queue_word(const struct sendmail_args *o, char *to, size_t size)
{
	const char *of = o->which[0] == '\0' ? "" : o->which + 1;

	switch (o->which[0]) {
	case 'I':
		strlcpy(to, of, size);
		break;
	case 'R':
	case 'S':
		snprintf(to, size, "%s=%s%s", o->which[0] == 'R' ? "to" :
		    "from", strchr(of, '@') == NULL ? "@" : "", of);
		break;
	default:
		strlcpy(to, "all", size);
	}
}

/*
 * All that waits is tried now: agents that run are woken, and where none does
 * one is here.  To whom the queue does not belong, for him there is nothing to
 * do: agents see to it that mail goes.
 */
static int
run_queue(struct settings *s, const struct sendmail_args *o)
{
	char word[ADDRESS_TEXT_MAX + 8], why[ADDRESS_TEXT_MAX + 80];
	char *const words[] = { word };
	struct select sel;
	int code = EX_OK;

	if (!list_is_ours(s))
		return EX_OK;
	queue_word(o, word, sizeof(word));
	if (select_parse(&sel, words, 1, why, sizeof(why)) == -1) {
		warnx("%s", why);
		code = EX_USAGE;
	} else
		manage_retry(s, &sel);
	select_free(&sel);
	return code == EX_OK ? queue_run(s, false) : code;
}

int
sendmail_main(int argc, char **argv)
{
	const char *called = base_name(argv[0]);
	struct sendmail_args o = { .mode = SENDMAIL_MAIL, .which = "" };
	struct settings s;
	char error[CONF_ERROR_MAX];
	int code = EX_OK, fd;

	/* A socket must never take the place of standard error. */
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
		;
	if (fd > 2)
		close(fd);
	log_open("sendmail");
	if (strcmp(called, "mailq") == 0)
		o.mode = SENDMAIL_LIST;
	if (strcmp(called, "newaliases") == 0)
		o.mode = SENDMAIL_NOTHING;
	if (sendmail_args(&o, argc, argv) == -1)
		return EX_USAGE;
	if (settings_load(&s, o.file, NULL, 0, error) == -1) {
		warnx("%s", error);
		return EX_CONFIG;
	}
	switch (o.mode) {
	case SENDMAIL_MAIL:
	case SENDMAIL_VERIFY:
		code = mail(&s, &o, argv + optind);
		break;
	case SENDMAIL_SMTP:
		code = submit_relay(&s);
		break;
	case SENDMAIL_LIST:
		code = list_ask(&s);
		break;
	case SENDMAIL_QUEUE:
		code = run_queue(&s, &o);
		break;
	case SENDMAIL_NOTHING:
		break;
	}
	settings_free(&s);
	return code;
}
