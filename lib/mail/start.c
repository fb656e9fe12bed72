/* SPDX-License-Identifier: ISC
 *
 * The common start of all programs: options and settings.  It runs before
 * any peer's byte is read, and must never write to a client that an
 * inetd-like starter put on standard error.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/start.h"
#include "system/log.h"

#define OPTIONS_MAX	40	/* of a program, the common ones included */
#define ASSIGN_MAX	200	/* -o in one command line */

_Static_assert(START_ARGUMENTS >= 2 * ASSIGN_MAX + 2, "room for all");

static const struct start_option common[] = {
	{ 'c', "config", "FILE", "configuration instead of " SETTINGS_FILE,
	    NULL, NULL },
	{ 'o', "option", "KEY=VALUE", "override one key; may be repeated",
	    NULL, NULL },
	{ 'n', "check", NULL, "check the configuration and what it names",
	    NULL, NULL },
	{ 'V', "version", NULL, "print the version", NULL, NULL },
	{ 'h', "help", NULL, "print this", NULL, NULL },
	{ 0 }
};

/* What SIGHUP reads again. */
static const char *start_file;
static const char *start_assign[ASSIGN_MAX];
static size_t start_nassign;

struct parsed {
	struct option	long_form[OPTIONS_MAX + 1];
	char		letters[2 * OPTIONS_MAX + 2];
	int		check;
};

static void
add_options(struct parsed *p, const struct start_option *o)
{
	size_t n = 0, at = strlen(p->letters);

	while (p->long_form[n].name != NULL)
		n++;
	for (; o != NULL && o->letter != 0 && n < OPTIONS_MAX; o++, n++) {
		p->long_form[n].name = o->name;
		p->long_form[n].has_arg = o->arg == NULL ? no_argument :
		    required_argument;
		p->long_form[n].val = o->letter;
		p->letters[at++] = o->letter;
		if (o->arg != NULL)
			p->letters[at++] = ':';
	}
	p->letters[at] = '\0';
}

static void
print_options(const struct start_option *o)
{
	char form[64];

	for (; o != NULL && o->letter != 0; o++) {
		snprintf(form, sizeof(form), "-%c, --%s%s%s", o->letter,
		    o->name, o->arg == NULL ? "" : " ",
		    o->arg == NULL ? "" : o->arg);
		printf("  %-28s %s\n", form, o->help);
	}
}

static int
print_help(const struct start *st)
{
	printf("usage: %s [-nVh] [-c FILE] [-o KEY=VALUE]... %s\n%s: %s\n\n",
	    st->name, st->usage, st->name, st->summary);
	print_options(st->options);
	print_options(common);
	return fflush(stdout) == 0 ? 0 : EX_IOERR;
}

static int
usage(const struct start *st)
{
	fprintf(stderr, "usage: %s [-nVh] [-c FILE] [-o KEY=VALUE]... %s\n",
	    st->name, st->usage);
	return EX_USAGE;
}

/* The option that getopt found; START_GO or an exit code. */
static int
take_option(const struct start *st, struct parsed *p, int letter)
{
	const struct start_option *o;

	switch (letter) {
	case 'c':
		start_file = optarg;
		return START_GO;
	case 'o':
		if (start_nassign == ASSIGN_MAX) {
			fprintf(stderr, "%s: too many -o\n", st->name);
			return EX_USAGE;
		}
		start_assign[start_nassign++] = optarg;
		return START_GO;
	case 'n':
		p->check = 1;
		return START_GO;
	case 'V':
		printf("%s (stdmail) %s\n", st->name, STDMAIL_VERSION);
		return fflush(stdout) == 0 ? 0 : EX_IOERR;
	case 'h':
		return print_help(st);
	}
	for (o = st->options; o != NULL && o->letter != 0; o++) {
		if (o->letter != letter)
			continue;
		if (o->arg == NULL)
			(*o->flag)++;
		else
			*o->value = optarg;
		return START_GO;
	}
	return usage(st);
}

/* Descriptors 0, 1, 2 must exist, else the next socket takes their place. */
static int
fill_descriptors(void)
{
	struct stat st;
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fstat(fd, &st) == -1 && errno == EBADF &&
		    open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
			return -1;
	return 0;
}

/* What the starter ignored, blocked or belonged to is not for us: ended
 * children must be told, deadlines ring, and root's further groups open
 * nothing when it acts as somebody else. */
static int
clean_process(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	return geteuid() == 0 && setgroups(0, NULL) == -1 &&
	    errno != EPERM ? -1 : 0;
}

static int
run_checks(const struct start *st, const struct settings *s)
{
	char error[CONF_ERROR_MAX];
	size_t i;
	int r;

	for (i = 0; st->checks != NULL && st->checks[i] != NULL; i++) {
		if ((r = st->checks[i](s, error)) == 0)
			continue;
		fprintf(stderr, "%s: %s%s\n", st->name, r == 1 ?
		    "note: " : "", error);
		if (r == -1)
			return EX_CONFIG;
	}
	return 0;
}

int
start(const struct start *st, int argc, char **argv, struct settings *s,
    int *operand)
{
	struct parsed p = { .letters = "+" };
	char error[CONF_ERROR_MAX];
	int letter, r;

	log_open(st->name);
	if (fill_descriptors() == -1 || clean_process() == -1)
		return EX_OSERR;
	add_options(&p, st->options);
	add_options(&p, common);
	while ((letter = getopt_long(argc, argv, p.letters, p.long_form,
	    NULL)) != -1)
		if ((r = take_option(st, &p, letter)) != START_GO)
			return r;
	*operand = optind;
	if (settings_load(s, start_file, start_assign, start_nassign, error)
	    == -1) {
		if (p.check || log_fd() == STDERR_FILENO)
			fprintf(stderr, "%s: %s\n", st->name, error);
		else
			log_error("config", "error=%s", log_str(error));
		return EX_CONFIG;
	}
	if (p.check) {
		r = run_checks(st, s);
		settings_free(s);
		return r;
	}
	return START_GO;
}

const char *
start_config(void)
{
	return start_file == NULL ? SETTINGS_FILE : start_file;
}

size_t
start_arguments(const char *argv[START_ARGUMENTS])
{
	size_t i, n = 0;

	if (start_file != NULL) {
		argv[n++] = "-c";
		argv[n++] = start_file;
	}
	for (i = 0; i < start_nassign; i++) {
		argv[n++] = "-o";
		argv[n++] = start_assign[i];
	}
	return n;
}

int
start_reread(struct settings *fresh)
{
	char error[CONF_ERROR_MAX];

	if (settings_load(fresh, start_file, start_assign, start_nassign,
	    error) == 0)
		return 0;
	log_error("reload", "kept=old error=%s", log_str(error));
	return -1;
}
