/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets before a login break SASL or the PROXY header: a
 * failed exchange leaves nothing, and no octet behind a header is asked for.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/proxy.h"
#include "grammar/sasl.h"
#include "grammar/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
sasl(const char *p, size_t size)
{
	static const struct sasl nothing;
	struct sasl s;
	enum sasl_result r;
	enum sasl_mechanism m = size % 2 ? SASL_PLAIN : SASL_LOGIN;
	const char *lf, *start = p, *end = p + size;

	for (r = sasl_begin(&s, m, NULL, 0); r == SASL_CONTINUE && p < end;
	    p = lf + (lf < end)) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		r = sasl_step(&s, p, (size_t)(lf - p));
	}
	if (r == SASL_DONE && (s.authcid[0] == '\0' || s.password[0] == '\0'))
		abort();
	if (r != SASL_DONE && r != SASL_CONTINUE &&
	    memcmp(&s, &nothing, sizeof(s)) != 0)
		abort();
	sasl_plain(&s, start, size);
}

/* Messages of SCRAM as they are, between two answers of ours. */
static void
scram(const char *p, size_t size)
{
	static const struct sasl_channel channels[SASL_CHANNELS] = {
		{ "tls-exporter", "data", 4 }
	};
	static const unsigned char signature[SCRAM_PROOF];
	struct scram_first f;
	struct scram_final l;
	enum sasl_result r;
	struct sasl s;
	const char *lf, *end = p + size;
	char server[1000];

	if (scram_first(&f, p, size) == 0 && (f.name[0] == '\0' ||
	    f.header.n + f.bare.n != size || f.nonce.n == 0))
		abort();
	if (scram_final(&l, p, size) == 0 && l.nonce.n == 0)
		abort();
	r = sasl_begin_scram(&s, size % 2 ? SASL_SCRAM_SHA_256 :
	    SASL_SCRAM_SHA_256_PLUS, channels, NULL, 0);
	while (p < end) {
		if (r == SASL_ASK_FIRST) {
			snprintf(server, sizeof(server), "r=%sx,s=QQ==,i=1",
			    s.scram.nonce);
			r = sasl_scram_challenge(&s, server);
		}
		if (r == SASL_ASK_FINAL)
			r = sasl_scram_signature(&s, signature);
		if (r != SASL_CONTINUE)
			break;
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		r = sasl_step(&s, p, (size_t)(lf - p));
		p = lf + (lf < end);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct proxy_header whole, h;
	size_t want = 0, n = 0, asked = 0;
	int r, got;

	got = proxy_parse(&whole, p, size, &want);
	if (got == 1 && whole.len > size)
		abort();
	if (got == 0 && want <= size)
		abort();
	while ((r = proxy_parse(&h, p, n, &want)) == 0 && want <= size) {
		if (want <= n)
			abort();
		n = asked = want;
	}
	if (got == 1 && (r != 1 || h.len != whole.len || asked > h.len ||
	    memcmp(h.src, whole.src, 16) != 0))
		abort();
	sasl(p, size);
	scram(p, size);
	return 0;
}
