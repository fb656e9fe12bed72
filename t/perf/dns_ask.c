/* SPDX-License-Identifier: ISC
 *
 * Measures the DNS engine alone: asks ADDR@PORT for one type of record of each
 * name in FILE, as many at once as there may be, and says how many answers
 * came in what time, and what they were.  To be set beside dnsperf.
 *
 * usage: dns_ask ADDR@PORT mx|a|aaaa|txt FILE [mixed]
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "system/clock.h"
#include "system/dns.h"

static const struct {
	const char	*name;
	enum dns_type	 type;
} types[] = {
	{ "mx", DNS_MX }, { "a", DNS_A }, { "aaaa", DNS_AAAA },
	{ "txt", DNS_TXT }
};

static enum dns_type
type_of(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, word) == 0)
			return types[i].type;
	errx(EX_USAGE, "%s: no type", word);
}

static unsigned long seen[DNS_INVALID + 1];

/* Take one answer, waiting for it; 0 when none is under way. */
static int
take(struct dns *dns)
{
	struct dns_query *q = dns_wait(dns, -1);

	if (q == NULL)
		return 0;
	seen[dns_result(q)->status]++;
	dns_query_free(q);
	return 1;
}

int
main(int argc, char **argv)
{
	struct dns *dns = dns_new();
	char line[1024];
	enum dns_type type;
	unsigned long n = 0;
	long long t;
	FILE *f;

	if (argc < 4 || dns == NULL)
		errx(EX_USAGE, "usage: dns_ask ADDR@PORT TYPE FILE [mixed]");
	type = type_of(argv[2]);
	if (dns_add_server(dns, argv[1]) != 1 ||
	    (f = fopen(argv[3], "r")) == NULL)
		errx(EX_USAGE, "server or file");
	dns_set_0x20(dns, argc > 4);
	t = clock_ms();
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		while (dns_submit(dns, type, line, NULL) == NULL)
			if (!take(dns))
				errx(EX_OSERR, "cannot ask");
		n++;
	}
	while (take(dns))
		;
	t = clock_ms() - t;
	printf("%lu names in %lld ms: %.0f/s; found %lu nodata %lu "
	    "nxdomain %lu temporary %lu bogus %lu\n", n, t,
	    n * 1000.0 / (double)(t > 0 ? t : 1), seen[DNS_FOUND],
	    seen[DNS_NODATA], seen[DNS_NXDOMAIN], seen[DNS_TEMPORARY],
	    seen[DNS_BOGUS]);
	fclose(f);
	dns_free(dns);
	return seen[DNS_TEMPORARY] != 0;
}
