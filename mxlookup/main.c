/* SPDX-License-Identifier: ISC
 *
 * mxlookup: who takes mail for these domains.  One line for each address, in
 * the order of the input, tab-separated.  It asks the DNS, and with -a fetches
 * MTA-STS policies: it never connects to a mail server and never changes
 * anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "many.h"
#include "mail/mx.h"
#include "mail/resolver.h"
#include "mail/start.h"
#include "posture.h"
#include "system/sandbox.h"

static int only4, only6, all, json, names, unordered;
static const char *server, *file;

static const struct start_option options[] = {
	{ '4', "ipv4", NULL, "IPv4 addresses only", &only4, NULL },
	{ '6', "ipv6", NULL, "IPv6 addresses only", &only6, NULL },
	{ 'a', "all", NULL, "all that decides whether mail works, and what "
	    "is wrong", &all, NULL },
	{ 'j', "json", NULL, "JSON, a line for each domain", &json, NULL },
	{ 'm', "mx-only", NULL, "the names of exchangers, no addresses",
	    &names, NULL },
	{ 'u', "unordered", NULL, "print answers as they come", &unordered,
	    NULL },
	{ 's', "server", "ADDR[@PORT]", "ask this resolver", NULL, &server },
	{ 'f', "file", "FILE", "read domains from FILE, or - for standard "
	    "input", NULL, &file },
	{ 0 }
};

static const struct start program = {
	.name = "mxlookup",
	.usage = "[-46ajmu] [-s ADDR[@PORT]] [-f FILE] [DOMAIN...]",
	.summary = "who takes mail for these domains",
	.options = options
};

static int
usage(const char *why)
{
	fprintf(stderr, "mxlookup: %s\nusage: mxlookup %s\n", why,
	    program.usage);
	return EX_USAGE;
}

/* The resolver: -s, the key, or the system's.  NULL with an exit code. */
static struct dns *
open_dns(const struct settings *s, int *code)
{
	char error[CONF_ERROR_MAX];
	struct dns *dns = resolver_open(s, server, error);

	if (dns == NULL) {
		fprintf(stderr, "mxlookup: %s\n", error);
		*code = server != NULL ? EX_USAGE : EX_CONFIG;
	}
	return dns;
}

/* The input that is not arguments, or -1 with an exit code. */
static int
open_input(int *code)
{
	int fd;

	if (file == NULL && isatty(STDIN_FILENO)) {
		*code = usage("no domain given");
		return -1;
	}
	if (file == NULL || strcmp(file, "-") == 0)
		return STDIN_FILENO;
	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) == -1) {
		fprintf(stderr, "mxlookup: %s: %s\n", file, strerror(errno));
		*code = EX_NOINPUT;
	}
	return fd;
}

static int
failed(const char *what, int error, int code)
{
	fprintf(stderr, "mxlookup: %s: %s\n", what, strerror(error));
	return code;
}

/* Look at each domain's posture: one that was asked for by name fills a page.
 * For many there are processes of our own. */
static enum many_status
look_at(struct many *m, const struct posture_means *means, int alone)
{
	return alone ? posture_one(m, json ? POSTURE_JSON : POSTURE_PAGE,
	    means) : posture_many(m, json ? POSTURE_JSON : POSTURE_LINE,
	    means);
}

/* Everything is open: look up all, restricted to the network. */
static int
look_up(struct dns *dns, struct input *in, const struct posture_means *means,
    int alone)
{
	enum many_status st;
	struct progress progress;
	struct many m = { .dns = dns, .in = in, .progress = &progress,
	    .out = STDOUT_FILENO, .json = json, .unordered = unordered };

	m.flags = (only4 ? MX_IPV4 : 0) | (only6 ? MX_IPV6 : 0) |
	    (names ? MX_NOADDRS : 0);
	progress_begin(&progress, in->fd, m.out);
	if ((all && !alone ? sandbox_agent(NULL, 0, true) :
	    sandbox_client()) == -1)
		return failed("sandbox", errno, EX_OSERR);
	st = all ? look_at(&m, means, alone) : many_run(&m);
	switch (st) {
	case MANY_DONE:
		break;
	case MANY_NO_INPUT:
		return failed(file == NULL ? "standard input" : file,
		    m.error, EX_IOERR);
	case MANY_NO_OUTPUT:
		return failed("output", m.error, EX_IOERR);
	case MANY_NO_MEMORY:
		return failed("not finished", ENOMEM, EX_OSERR);
	}
	return m.code;
}

/* The names: arguments, or what is read.  0, or an exit code. */
static int
open_names(struct input *in, char **args)
{
	int code = 0, fd;

	if (*args != NULL && file != NULL)
		return usage("domains and -f exclude each other");
	if (all && names)
		return usage("-a and -m exclude each other");
	if (*args != NULL)
		input_args(in, args);
	else if ((fd = open_input(&code)) != -1)
		input_fd(in, fd);
	return code;
}

/* What -a needs besides the DNS; it reads the authorities' certificates. */
static void
open_means(struct posture_means *means, struct dns *dns,
    const struct settings *s)
{
	static char error[TLS_ERROR_MAX];

	memset(means, 0, sizeof(*means));
	means->dns = dns;
	means->https_port = (unsigned short)s->https_port;
	if (only4 != only6)
		means->flags = only4 ? MX_IPV4 : MX_IPV6;
	if (all)
		means->tls = tls_client_new(1, s->tls_ca[0] == '\0' ? NULL :
		    s->tls_ca, error, sizeof(error));
	means->why = error;
}

int
main(int argc, char **argv)
{
	static struct input in;
	struct posture_means means;
	struct settings s;
	struct dns *dns = NULL;
	int operand, code;

	if ((code = start(&program, argc, argv, &s, &operand)) != START_GO)
		return code;
	if ((code = open_names(&in, argv + operand)) == 0 &&
	    (dns = open_dns(&s, &code)) != NULL) {
		open_means(&means, dns, &s);
		code = look_up(dns, &in, &means, operand + 1 == argc);
		tls_client_free(means.tls);
	}
	dns_free(dns);
	settings_free(&s);
	return code;
}
