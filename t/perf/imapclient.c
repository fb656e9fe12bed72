/* SPDX-License-Identifier: ISC
 *
 * An IMAP client that costs next to nothing, for t/perf/imap: it runs a script
 * of commands on a server at 127.0.0.1, times those it is told to, and counts
 * what they give, so that an answer cut short wins nothing.  Literals are
 * passed over, and a line is looked at only where its kind shows.
 *
 *	imapclient [-t] [-n times] [-s sessions] [-u user] PORT STEP...
 *	imapclient [-t] [-p clients] [-l logins] [-u user] PORT
 *
 * A STEP is a command, to be answered OK, or one of
 *	:NAME STEP		time it; a figure of this name
 *	@again			log out, wait a moment, log in again
 *	@drop MAILDIR FILE	put a copy of FILE into new/
 *	@push MAILDIR FILE	@drop while all sessions idle, until each was
 *				told (EXISTS); the time is from the rename to
 *				the last; also, as figures "median" and "p99",
 *				until so many of them were
 *	@append FOLDER COUNT PER DIR
 *				COUNT messages of DIR, PER in a command
 *	@renamed MAILDIR	wait until each name in cur/ says \Seen; the
 *				time is from the beginning of the timed step
 *				before
 *	@hold			say "held" and wait for the end of the input
 * In a command %V and %M are what SELECT said last of UIDVALIDITY and
 * HIGHESTMODSEQ.  -t: TLS from the first octet.  -n: the script so many times,
 * in sessions of its own; a figure is the median.  -s: so many sessions at
 * once, each runs every command.  -l: so many logins and logouts instead, by -p
 * clients.  The password is "secret".
 *
 * Prints "NAME SECONDS UNITS OCTETS" for each figure: how many FETCH and
 * EXPUNGE answers and numbers found, how many octets in literals.
 */
#include <sys/wait.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "imapclient.h"

struct options opt = { .user = "u1", .times = 1, .sessions = 1,
    .clients = 1 };

/* ---- logins ---- */

static void
many_logins(unsigned n)
{
	while (n-- > 0)
		logout(login());
}

static void
work_logins(void)
{
	unsigned i, each = opt.logins / opt.clients;
	double from = now();
	int st;

	for (i = 0; i < opt.clients && opt.clients > 1; i++)
		switch (fork()) {
		case -1:
			err(EX_OSERR, "fork");
		case 0:
			many_logins(each);
			_exit(0);
		}
	if (opt.clients == 1)
		many_logins(each);
	for (i = 0; i < opt.clients && opt.clients > 1; i++)
		if (wait(&st) == -1 || st != 0)
			errx(EX_PROTOCOL, "a client has failed");
	printf("login %.9f %u 0\n", now() - from, each * opt.clients);
}

/* ---- the command line ---- */

static unsigned
number(const char *text, unsigned max)
{
	const char *error;
	unsigned n;

	n = (unsigned)strtonum(text, 1, max, &error);
	if (error != NULL)
		errx(EX_USAGE, "%s: %s", text, error);
	return n;
}

/* One context for all connections; the certificate is the test's own. */
static SSL_CTX *
context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		errx(EX_OSERR, "no TLS");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, 128 * 1024);
	return ctx;
}

int
main(int argc, char **argv)
{
	unsigned i;
	int ch;

	while ((ch = getopt(argc, argv, "+l:n:p:s:tu:")) != -1)
		switch (ch) {
		case 'l':
			opt.logins = number(optarg, 1000000);
			break;
		case 'n':
			opt.times = number(optarg, TIMES_MAX);
			break;
		case 'p':
			opt.clients = number(optarg, 64);
			break;
		case 's':
			opt.sessions = number(optarg, SESSIONS_MAX);
			break;
		case 't':
			opt.tls = context();
			break;
		case 'u':
			opt.user = optarg;
			break;
		default:
			return EX_USAGE;
		}
	if (argc - optind < 1)
		errx(EX_USAGE, "see the comment on top of imapclient.c");
	opt.port = (in_port_t)number(argv[optind], 65535);
	if (opt.logins > 0) {
		work_logins();
		return 0;
	}
	for (i = 0; i < opt.times; i++) {
		if (i > 0)
			usleep(MOMENT);
		script(argv + optind + 1);
	}
	show_figures();
	return 0;
}
