/* SPDX-License-Identifier: ISC
 *
 * Proves that no text that a domain publishes about its mail breaks what reads
 * it: records of MTA-STS, TLSRPT, SPF, DMARC and TLSA, policies, and the lines
 * of an HTTP answer.  What is well-formed lies within the text, what is not has
 * a reason and a place in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/dmarc.h"
#include "grammar/http.h"
#include "grammar/mta_sts.h"
#include "grammar/spf.h"
#include "grammar/tlsa.h"
#include "grammar/tlsrpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int good)
{
	if (!good)
		abort();
}

static void
within(const char *text, size_t size, const char *p, size_t n)
{
	must(n == 0 || (p >= text && p + n <= text + size));
}

static void
fuzz_sts_record(const char *p, size_t n)
{
	char id[MTA_STS_ID_MAX];
	const char *why;
	int r = mta_sts_record(p, n, id, &why);

	must((r == -1) == (*why != '\0'));
	must(r != 1 || id[0] != '\0');
}

static void
fuzz_sts_policy(const char *p, size_t n)
{
	struct mta_sts_policy y;
	int r = mta_sts_policy(&y, p, n);
	size_t i;

	must((r == -1) == (*y.why != '\0'));
	must(y.line <= n + 1 && y.nmx <= MTA_STS_MX_MAX);
	for (i = 0; i < y.nmx; i++)
		within(p, n, y.mx[i].p, y.mx[i].n);
	(void)mta_sts_match(&y, "mail.example.test");
}

static void
fuzz_tlsrpt(const char *p, size_t n)
{
	struct tlsrpt t;
	int r = tlsrpt_record(&t, p, n);
	size_t i;

	must((r == -1) == (*t.why != '\0') && t.nrua <= TLSRPT_RUA_MAX);
	must(r != 1 || t.nrua > 0);
	for (i = 0; i < t.nrua; i++) {
		within(p, n, t.rua[i].uri, t.rua[i].len);
		within(p, n, t.rua[i].where, t.rua[i].nwhere);
		within(p, n, t.rua[i].domain, t.rua[i].ndomain);
	}
}

static void
fuzz_spf(const char *p, size_t n)
{
	struct spf_term t;
	struct spf s;
	int r = spf_check(&s, p, n), k;
	size_t terms = 0;

	must((r == -1) == (*s.why != '\0') && s.at <= n);
	if (spf_begin(&s, p, n) == 0)
		return;
	while ((k = spf_next(&s, &t)) == 1) {
		within(p, n, t.text, t.len);
		within(p, n, t.domain, t.ndomain);
		must(t.cidr4 <= 32 && t.cidr6 <= 128);
		must(++terms <= n);
	}
	must(k == (r == 1 ? 0 : -1));
}

static void
fuzz_dmarc(const char *p, size_t n)
{
	struct dmarc_record d;
	size_t i;

	if (dmarc_record(&d, p, n) == 0)
		return;
	must(d.at <= n && d.nrua <= DMARC_URI_MAX && d.nruf <= DMARC_URI_MAX);
	for (i = 0; i < d.nrua; i++)
		within(p, n, d.rua[i].domain, d.rua[i].ndomain);
	for (i = 0; i < d.nruf; i++)
		within(p, n, d.ruf[i].domain, d.ruf[i].ndomain);
	must(dmarc_applies(&d, 0, 1) != DMARC_UNSET || d.nrua == 0);
}

static void
fuzz_http(const char *p, size_t n)
{
	struct http_field f;
	uint64_t v;
	int code = http_status_line(p, n);

	must(code == -1 || (code >= 100 && code <= 599));
	if (http_field(&f, p, n) == 1) {
		within(p, n, f.name, f.nname);
		within(p, n, f.value, f.nvalue);
	}
	(void)http_length(p, n, &v);
	(void)http_chunk(p, n, &v);
	(void)http_type_is(p, n, "text/plain");
}

static void
fuzz_tlsa(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;

	if (n >= 3 && tlsa_judge(u[0], u[1], u[2], u + 3, n - 3) ==
	    TLSA_USABLE)
		must(n > 3);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const texts[])(const char *, size_t) = {
	    fuzz_sts_record, fuzz_sts_policy, fuzz_tlsrpt, fuzz_spf,
	    fuzz_dmarc, fuzz_http, fuzz_tlsa };
	char *p;

	if (size == 0 || (p = malloc(size)) == NULL)
		return 0;
	/* Exactly as long as it is, so that reading beyond is noticed. */
	memcpy(p, data + 1, size - 1);
	texts[data[0] % (sizeof(texts) / sizeof(texts[0]))](p, size - 1);
	free(p);
	return 0;
}
