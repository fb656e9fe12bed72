/* SPDX-License-Identifier: ISC
 *
 * Asks a resolver for lines of "TYPE NAME" from standard input, many at once,
 * and prints in their order "TYPE NAME STATUS SECURITY WHY": with a file of
 * trust anchors the validation is our own, without one AD is believed.  The
 * last line on standard error says how long it took.
 *
 * usage: ask ADDR@PORT [ANCHORS [MS]]	MS: how long a server is waited for
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "system/clock.h"
#include "system/dns.h"

static const char *const types[] = { "a", "aaaa", "mx", "ptr", "txt", "srv",
    "tlsa" };
static const char *const statuses[] = { "found", "nodata", "nxdomain",
    "temporary", "bogus", "invalid" };
static const char *const securities[] = { "-", "insecure", "secure" };

struct line {
	char		 text[DNS_NAME_MAX + 8];
	char		*out;
};

static size_t waiting;

/* Take one answer and write its line; 0 when none is under way. */
static int
take(struct dns *dns)
{
	struct dns_query *q = dns_wait(dns, -1);
	const struct dns_answer *a;
	struct line *l;

	if (q == NULL)
		return 0;
	a = dns_result(q);
	l = dns_arg(q);
	if (asprintf(&l->out, "%s %s %s %s", l->text, statuses[a->status],
	    securities[a->security], a->status <= DNS_NXDOMAIN ? "-" :
	    a->why) == -1)
		err(EX_OSERR, NULL);
	dns_query_free(q);
	waiting--;
	return 1;
}

static void
ask(struct dns *dns, struct line *l)
{
	char *name = strchr(l->text, ' ');
	size_t i, n = sizeof(types) / sizeof(types[0]);

	for (i = 0; i < n && name != NULL; i++)
		if (strncmp(l->text, types[i], (size_t)(name - l->text)) == 0
		    && types[i][name - l->text] == '\0')
			break;
	if (name == NULL || i == n)
		errx(EX_DATAERR, "%s", l->text);
	while (dns_submit(dns, (enum dns_type)i, name + 1, l) == NULL)
		if (!take(dns))
			errx(EX_OSERR, "cannot ask");
	waiting++;
}

int
main(int argc, char **argv)
{
	struct dns *dns = dns_new();
	char why[DNS_WHY_MAX];
	struct line **lines = NULL, *l;
	size_t n = 0, i;
	long long t;

	if (argc < 2 || dns == NULL || dns_add_server(dns, argv[1]) != 1)
		errx(EX_USAGE, "usage: ask ADDR@PORT [ANCHORS [MS]]");
	if (argc > 2 && dns_read_anchor(dns, argv[2], why) == -1)
		errx(EX_DATAERR, "%s: %s", argv[2], why);
	dns_set_trusted(dns, argc == 2);
	if (argc > 3)
		dns_set_timeout(dns, (int)strtol(argv[3], NULL, 10), 1);
	t = clock_ms();
	while ((l = calloc(1, sizeof(*l))) != NULL &&
	    fgets(l->text, sizeof(l->text), stdin) != NULL) {
		l->text[strcspn(l->text, "\r\n")] = '\0';
		lines = reallocarray(lines, n + 1, sizeof(*lines));
		if (lines == NULL)
			err(EX_OSERR, NULL);
		lines[n++] = l;
		ask(dns, l);
	}
	while (waiting > 0 && take(dns))
		;
	t = clock_ms() - t;
	free(l);
	for (i = 0; i < n; i++) {
		puts(lines[i]->out);
		free(lines[i]->out);
		free(lines[i]);
	}
	fprintf(stderr, "%zu names in %lld ms\n", n, t);
	free(lines);
	dns_free(dns);
	return 0;
}
