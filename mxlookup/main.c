/* SPDX-License-Identifier: ISC
 *
 * mxlookup: who takes mail for these domains.  One line for each address, in
 * the order of the input, tab-separated.  It only asks the DNS: it never
 * connects to a mail server and never changes anything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/mx.h"
#include "mail/resolver.h"
#include "mail/start.h"
#include "system/sandbox.h"

#define LINE_SIZE	2048	/* of a line of input; longer: invalid */
#define DOMAIN_MAX	300	/* more than a domain can have */
#define EXIT_NOMAIL	1

static int only4, only6;
static const char *server, *file;

static const struct start_option options[] = {
	{ '4', "ipv4", NULL, "IPv4 addresses only", &only4, NULL },
	{ '6', "ipv6", NULL, "IPv6 addresses only", &only6, NULL },
	{ 's', "server", "ADDR[@PORT]", "ask this resolver", NULL, &server },
	{ 'f', "file", "FILE", "read domains from FILE, or - for standard "
	    "input", NULL, &file },
	{ 0 }
};

static const struct start program = {
	.name = "mxlookup",
	.usage = "[-46] [-s ADDR[@PORT]] [-f FILE] [DOMAIN...]",
	.summary = "who takes mail for these domains",
	.options = options
};

struct run {
	struct dns	*dns;
	unsigned	 flags;		/* MX_IPV4, MX_IPV6 */
	int		 code;		/* the worst so far */
};

/* ---- one domain ---- */

static const char *
security(enum dns_security s)
{
	switch (s) {
	case DNS_INDETERMINATE:
		break;
	case DNS_INSECURE:
		return "insecure";
	case DNS_SECURE:
		return "secure";
	}
	return "-";
}

static void
print_host(const char *domain, const struct mx_host *h, enum mx_status st)
{
	char addr[DNS_ADDR_TEXT];
	size_t i;

	for (i = 0; i < h->naddrs; i++) {
		dns_addr_text(&h->addrs[i], addr, sizeof(addr));
		printf("%s\t%u\t%s\t%s\t%s\t%s\n", domain, h->preference,
		    h->name, addr, security(h->security),
		    mx_status_name(st));
	}
	if (h->naddrs == 0)
		printf("%s\t%u\t%s\t-\t%s\t%s\n", domain, h->preference,
		    h->name, security(h->security),
		    mx_status_name(h->status));
}

static int
exit_code(enum mx_status st)
{
	switch (st) {
	case MX_FOUND:
	case MX_IMPLICIT:
		return 0;
	case MX_NULL:
	case MX_NXDOMAIN:
	case MX_NODATA:
	case MX_INVALID:
		return EXIT_NOMAIL;
	case MX_TEMPORARY:
	case MX_BOGUS:
		break;
	}
	return EX_TEMPFAIL;
}

/* Look up and print one domain; 0, or -1 when the output is gone. */
static int
one_domain(struct run *run, const char *domain)
{
	struct mx_list list;
	size_t i;
	int code;

	mx_lookup(run->dns, domain, run->flags, &list);
	for (i = 0; i < list.n; i++)
		print_host(domain, &list.hosts[i], list.status ==
		    MX_IMPLICIT ? MX_IMPLICIT : MX_FOUND);
	if (list.n == 0)
		printf("%s\t-\t-\t-\t%s\t%s\n", domain,
		    security(list.security), mx_status_name(list.status));
	code = exit_code(list.status);
	if (code > run->code)
		run->code = code;
	mx_free(&list);
	return fflush(stdout) == 0 ? 0 : -1;
}

/* ---- input ---- */

/* The domain in what a person or a list gives: behind the last "@", without
 * one dot at the end.  Control characters would break the table. */
static char *
domain_of(char *word)
{
	char *p = strrchr(word, '@');
	size_t n;

	p = p == NULL || p[1] == '\0' ? word : p + 1;
	n = strlen(p);
	if (n > 1 && p[n - 1] == '.')
		p[n - 1] = '\0';
	for (n = 0; p[n] != '\0'; n++)
		if ((unsigned char)p[n] < ' ' || p[n] == '\177')
			p[n] = '?';
	return p;
}

static int
from_args(struct run *run, char **args)
{
	for (; *args != NULL; args++)
		if (one_domain(run, domain_of(*args)) == -1)
			return -1;
	return 0;
}

/* Whether the line was longer than its buffer; then the rest is skipped. */
static int
cut_short(FILE *f, const char *line)
{
	int c;

	if (strlen(line) < LINE_SIZE - 1 || line[LINE_SIZE - 2] == '\n')
		return 0;
	while ((c = getc(f)) != EOF && c != '\n')
		;
	return 1;
}

/* A domain in each line, its first word; 0, or -1 when the output is gone. */
static int
from_file(struct run *run, FILE *f)
{
	char line[LINE_SIZE], *p;
	int cut;

	while (fgets(line, sizeof(line), f) != NULL) {
		cut = cut_short(f, line);
		p = line + strspn(line, " \t\r\n");
		p[strcspn(p, " \t\r\n")] = '\0';
		if (*p == '\0' || *p == '#')
			continue;
		/* What is left of a word cut off is no domain. */
		if (cut && strlen(p) > DOMAIN_MAX)
			p[DOMAIN_MAX] = '\0';
		else
			p = domain_of(p);
		if (one_domain(run, p) == -1)
			return -1;
	}
	return 0;
}

/* ---- main ---- */

static int
usage(const char *why)
{
	fprintf(stderr, "mxlookup: %s\nusage: mxlookup %s\n", why,
	    program.usage);
	return EX_USAGE;
}

/* The resolver: -s, the key, or the system's.  0 or an exit code. */
static int
open_dns(struct run *run, const struct settings *s)
{
	char error[CONF_ERROR_MAX];

	run->dns = resolver_open(s, server, error);
	if (run->dns != NULL)
		return 0;
	fprintf(stderr, "mxlookup: %s\n", error);
	return server != NULL ? EX_USAGE : EX_CONFIG;
}

/* The input that is not arguments, or NULL with an exit code. */
static FILE *
open_input(int *code)
{
	FILE *f;

	if (file == NULL && isatty(STDIN_FILENO)) {
		*code = usage("no domain given");
		return NULL;
	}
	if (file == NULL || strcmp(file, "-") == 0)
		return stdin;
	if ((f = fopen(file, "re")) == NULL) {
		fprintf(stderr, "mxlookup: %s: %s\n", file, strerror(errno));
		*code = EX_NOINPUT;
	}
	return f;
}

/* Everything is open: look up all, restricted to the network. */
static int
look_up(struct run *run, FILE *in, char **args)
{
	static char outbuf[BUFSIZ], inbuf[BUFSIZ];
	int r;

	setvbuf(stdout, outbuf, _IOFBF, sizeof(outbuf));
	if (in != NULL)
		setvbuf(in, inbuf, _IOFBF, sizeof(inbuf));
	if (sandbox_client() == -1) {
		fprintf(stderr, "mxlookup: sandbox: %s\n", strerror(errno));
		return EX_OSERR;
	}
	r = in != NULL ? from_file(run, in) : from_args(run, args);
	/* Who closed the pipe has what he wanted. */
	if (r == -1 && errno != EPIPE) {
		fprintf(stderr, "mxlookup: output: %s\n", strerror(errno));
		return EX_IOERR;
	}
	if (in != NULL && ferror(in)) {
		fprintf(stderr, "mxlookup: %s: cannot be read\n",
		    file == NULL ? "standard input" : file);
		return EX_IOERR;
	}
	return run->code;
}

int
main(int argc, char **argv)
{
	struct settings s;
	struct run run = { 0 };
	FILE *in = NULL;
	int operand, code;

	if ((code = start(&program, argc, argv, &s, &operand)) != START_GO)
		return code;
	run.flags = (only4 ? MX_IPV4 : 0) | (only6 ? MX_IPV6 : 0);
	if (operand < argc && file != NULL)
		return usage("domains and -f exclude each other");
	if (operand == argc && (in = open_input(&code)) == NULL)
		return code;
	if ((code = open_dns(&run, &s)) == 0)
		code = look_up(&run, in, argv + operand);
	dns_free(run.dns);
	settings_free(&s);
	return code;
}
