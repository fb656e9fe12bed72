/* SPDX-License-Identifier: ISC
 *
 * sendmail(8): the letters that programs use, and no others, since one that
 * is taken and ignored would change what a message means.  Nothing is queued
 * here: the server of this host takes the message, or the caller keeps it.
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
#include "queue.h"
#include "sendmail.h"
#include "submit.h"
#include "system/log.h"

enum mode {
	MODE_MAIL,	/* -bm */
	MODE_SMTP,	/* -bs */
	MODE_LIST,	/* -bp, mailq */
	MODE_QUEUE	/* -q */
};

struct options {
	enum mode	 mode;
	bool		 from_header;	/* -t */
	bool		 ignore_dots;	/* -i, -oi */
	const char	*sender;	/* -f */
	const char	*name;		/* -F */
	const char	*file;		/* -C */
};

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

	return strcmp(name, "sendmail") == 0 || strcmp(name, "mailq") == 0;
}

static int
usage(void)
{
	fprintf(stderr, "usage: sendmail [-it] [-bm | -bs | -bp | -q] "
	    "[-B TYPE] [-C FILE] [-F NAME]\n"
	    "    [-f SENDER] [-oi] [-oe MODE] [RECIPIENT...] < message\n");
	return EX_USAGE;
}

/* -b: 0, or -1 unknown. */
static int
take_mode(struct options *o, const char *letter)
{
	static const struct {
		const char	*letter;
		enum mode	 mode;
	} modes[] = {
		{ "m", MODE_MAIL }, { "s", MODE_SMTP }, { "p", MODE_LIST }
	};
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(letter, modes[i].letter) == 0) {
			o->mode = modes[i].mode;
			return 0;
		}
	return -1;
}

/*
 * -o: 0, or -1 unknown.  "i" as -i.  "em" and its like say how errors are
 * told: there is one way here, exit code and standard error, and programs
 * that give it (cron, mutt) live with any.
 */
static int
take_set(struct options *o, const char *text)
{
	if (strcmp(text, "i") == 0) {
		o->ignore_dots = true;
		return 0;
	}
	return text[0] == 'e' && (text[1] == '\0' ||
	    (strchr("empqw", text[1]) != NULL && text[2] == '\0')) ? 0 : -1;
}

/* -B: what kind of body it is; we look ourselves. */
static int
take_body(const char *type)
{
	return strcasecmp(type, "7BIT") == 0 ||
	    strcasecmp(type, "8BITMIME") == 0 ? 0 : -1;
}

static int
take_options(struct options *o, int argc, char **argv)
{
	int letter, bad = 0;

	while ((letter = getopt(argc, argv, "+B:b:C:F:f:io:qt")) != -1) {
		switch (letter) {
		case 'B':
			bad |= take_body(optarg);
			break;
		case 'b':
			bad |= take_mode(o, optarg);
			break;
		case 'C':
			o->file = optarg;
			break;
		case 'F':
			o->name = optarg;
			break;
		case 'f':
			o->sender = optarg;
			break;
		case 'i':
			o->ignore_dots = true;
			break;
		case 'o':
			bad |= take_set(o, optarg);
			break;
		case 'q':
			o->mode = MODE_QUEUE;
			break;
		case 't':
			o->from_header = true;
			break;
		default:
			bad = -1;
		}
	}
	return bad;
}

/* ---- a message ---- */

/* The name of this user: -F, or what the account says before its first
 * comma. */
static void
take_name(const struct options *o, const struct passwd *pw, char *name,
    size_t size)
{
	strlcpy(name, o->name != NULL ? o->name : pw == NULL ? "" :
	    pw->pw_gecos, size);
	if (o->name == NULL)
		name[strcspn(name, ",")] = '\0';
}

static int
take_sender(struct letter *l, const struct options *o,
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

/* Recipients of the command line and, with -t, of the header add up. */
static int
take_recipients(struct letter *l, char *const *args)
{
	for (; *args != NULL; args++)
		if (letter_add(l, *args, strlen(*args)) == -1)
			return -1;
	return 0;
}

static int
read_letter(const struct settings *s, const struct options *o,
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
mail(const struct settings *s, const struct options *o, char *const *args)
{
	const struct passwd *pw = getpwuid(getuid());
	struct letter l = { .hostname = s->hostname,
	    .domain = s->domains.n > 0 ? s->domains.v[0] : s->hostname,
	    .from_header = o->from_header, .now = time(NULL) };
	char name[256];
	int code = EX_USAGE;

	take_name(o, pw, name, sizeof(name));
	l.name = name;
	if (take_sender(&l, o, pw) == -1)
		return EX_USAGE;
	if (take_recipients(&l, args) == -1)
		warnx("recipient %s", l.why);
	else if (l.n == 0 && !o->from_header)
		warnx("no recipient");
	else if ((code = read_letter(s, o, &l)) == EX_OK)
		code = submit_letter(s, &l);
	letter_free(&l);
	return code;
}

int
sendmail_main(int argc, char **argv)
{
	struct options o = { .mode = MODE_MAIL };
	struct settings s;
	char error[CONF_ERROR_MAX];
	int code = EX_USAGE, fd;

	/* A socket must never take the place of standard error. */
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
		;
	if (fd > 2)
		close(fd);
	log_open("sendmail");
	if (strcmp(base_name(argv[0]), "mailq") == 0)
		o.mode = MODE_LIST;
	if (take_options(&o, argc, argv) == -1 ||
	    (o.mode != MODE_MAIL && argv[optind] != NULL))
		return usage();
	if (settings_load(&s, o.file, NULL, 0, error) == -1) {
		warnx("%s", error);
		return EX_CONFIG;
	}
	switch (o.mode) {
	case MODE_MAIL:
		code = mail(&s, &o, argv + optind);
		break;
	case MODE_SMTP:
		code = submit_relay(&s);
		break;
	case MODE_LIST:
		code = list_ask(&s);
		break;
	case MODE_QUEUE:
		code = queue_run(&s, false);
		break;
	}
	settings_free(&s);
	return code;
}
