/* SPDX-License-Identifier: ISC
 *
 * Proves that TLSA records are matched as RFC 7672 says for SMTP: which records
 * can be used at all, in rows; then the published cases (records, a chain, the
 * verdict), where PKIX usages count as none and usage 3 looks at no name.
 */
#include <stdlib.h>

#include "system/tls.h"
#include "tap.h"

#define RR_MAX	8

struct block {
	unsigned	 nrr, ncert;
	int		 nonames, verdict, depth;
	struct tls_tlsa	 rr[RR_MAX];
	unsigned char	 data[RR_MAX][2048];
	char		 pem[16384];
};

static struct tls_client *tc;

static size_t
unhex(const char *p, unsigned char *to, size_t size)
{
	unsigned byte;
	size_t n;

	for (n = 0; n < size && sscanf(p + 2 * n, "%2x", &byte) == 1; n++)
		to[n] = (unsigned char)byte;
	return n;
}

/* The next case of the file: 1, 0 at its end, -1 it is not understood. */
static int
read_block(FILE *f, struct block *b)
{
	char line[8192];
	unsigned i = 0, certs = 0;
	int at;

	memset(b, 0, sizeof(*b));
	do {
		if (fgets(line, sizeof(line), f) == NULL)
			return 0;
	} while (line[0] == '#' || line[0] == '\n');
	if (sscanf(line, "%u %u %d %d %d", &b->nrr, &b->ncert, &b->nonames,
	    &b->verdict, &b->depth) != 5 || b->nrr > RR_MAX)
		return -1;
	for (; i < b->nrr; i++) {
		if (fgets(line, sizeof(line), f) == NULL ||
		    sscanf(line, "%u %u %u %n", &b->rr[i].usage,
		    &b->rr[i].selector, &b->rr[i].matching, &at) != 3)
			return -1;
		b->rr[i].len = unhex(line + at, b->data[i], 2048);
		b->rr[i].data = b->data[i];
	}
	while (certs < b->ncert && fgets(line, sizeof(line), f) != NULL) {
		if (strlcat(b->pem, line, sizeof(b->pem)) >= sizeof(b->pem))
			return -1;
		certs += strncmp(line, "-----END", 8) == 0;
	}
	return certs == b->ncert ? 1 : -1;
}

/* What SMTP makes of a case's verdict (0 good, else an error of OpenSSL). */
static int
smtp_verdict(const struct block *b)
{
	if (b->rr[0].usage < 2)
		return -1;		/* RFC 7672 */
	if (b->rr[0].usage == 3 && b->verdict == 62)
		return 1;		/* a name */
	return b->verdict == 0;
}

static void
test_vectors(void)
{
	const char *shared = getenv("STDMAIL_SHARED");
	struct tls_demand d = { .host = "example.com", .verify = TLS_DANE };
	static struct block b;
	char path[4096];
	unsigned n = 0;
	FILE *f;
	int got;

	snprintf(path, sizeof(path), "%s/vectors/dane/danetest.in",
	    shared == NULL ? "../shared" : shared);
	if ((f = fopen(path, "r")) == NULL) {
		ok(1, "published cases # SKIP no %s", path);
		return;
	}
	while ((got = read_block(f, &b)) == 1) {
		d.tlsa = b.rr;
		d.ntlsa = b.nrr;
		if (!ok(tls_dane_check(tc, &d, b.pem, strlen(b.pem)) ==
		    smtp_verdict(&b), "case %u: %u %u %u", ++n, b.rr[0].usage,
		    b.rr[0].selector, b.rr[0].matching))
			printf("# want %d (%d in the file)\n",
			    smtp_verdict(&b), b.verdict);
	}
	is_int(got, 0, "the file is read to its end");
	ok(n > 50, "with its cases (%u)", n);
	fclose(f);
}

static void
test_usable(void)
{
	static const struct {
		unsigned	 usage, selector, matching;
		size_t		 len;
		int		 usable;
	} rows[] = {
		{ 3, 1, 1, 32, 1 }, { 3, 0, 1, 32, 1 }, { 2, 0, 1, 32, 1 },
		{ 2, 1, 2, 64, 1 }, { 3, 1, 2, 64, 1 },
		{ 0, 1, 1, 32, 0 }, { 1, 1, 1, 32, 0 },	/* PKIX */
		{ 4, 1, 1, 32, 0 }, { 255, 1, 1, 32, 0 }, { 259, 1, 1, 32, 0 },
		{ 3, 2, 1, 32, 0 }, { 3, 1, 3, 48, 0 }, { 3, 257, 1, 32, 0 },
		{ 3, 1, 1, 31, 0 }, { 3, 1, 1, 33, 0 }, { 3, 1, 2, 32, 0 },
		{ 3, 1, 1, 0, 0 }, { 3, 0, 0, 32, 0 }, { 3, 1, 0, 32, 0 },
		{ 2, 0, 0, 0, 0 },
	};
	unsigned char data[64];
	struct tls_tlsa rr = { .data = data };
	size_t i;

	memset(data, 0x30, sizeof(data));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rr.usage = rows[i].usage;
		rr.selector = rows[i].selector;
		rr.matching = rows[i].matching;
		rr.len = rows[i].len;
		ok(tls_tlsa_usable(tc, &rr) == rows[i].usable,
		    "%u %u %u of %zu octets is %susable", rr.usage,
		    rr.selector, rr.matching, rr.len,
		    rows[i].usable ? "" : "not ");
	}
}

int
main(void)
{
	char err[TLS_ERROR_MAX];

	if ((tc = tls_client_new(0, NULL, err, sizeof(err))) == NULL) {
		printf("Bail out! %s\n", err);
		return 1;
	}
	test_usable();
	test_vectors();
	tls_client_free(tc);
	return done();
}
