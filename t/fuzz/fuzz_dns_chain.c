/* SPDX-License-Identifier: ISC
 *
 * Proves that no answer breaks our own validation, that it ends after a
 * bounded number of questions, and that without the keys of the anchor nothing
 * is secure, nor is anything proved to be insecure.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "system/dns_chain.h"

#define NOW	1790000000LL
#define QUESTIONS_MAX	64

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct dns_anchor *
anchor(void)
{
	static const char text[] = ". IN DNSKEY 257 3 15 "
	    "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n";
	char why[DNS_WHY_MAX];
	struct dns_anchor *a = dns_anchor_new();

	if (a == NULL || dns_anchor_text(a, text, why) == -1)
		abort();
	return a;
}

/* The rest of the input as one answer after another: two octets of length
 * before each. */
static size_t
next(const uint8_t **p, size_t *left)
{
	size_t n;

	if (*left < 2)
		return 0;
	n = (size_t)((*p)[0] << 8 | (*p)[1]);
	*p += 2;
	*left -= 2;
	return n < *left ? n : *left;
}

static void
skip(const uint8_t **p, size_t *left, size_t n)
{
	*p += n;
	*left -= n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t left)
{
	struct dns_anchor *a = anchor();
	struct dns_chain *c;
	enum dns_verdict v;
	unsigned type, asked = 0;
	size_t n = next(&p, &left);

	c = dns_chain_new(a, "a.test", n & 1 ? 15 : 1, p, n);
	skip(&p, &left, n);
	while (c != NULL && (v = dns_chain_step(c, NOW)) == DNS_CHAIN_ASK) {
		if (++asked > QUESTIONS_MAX || dns_chain_asks(c,
		    &type) == NULL)
			abort();
		n = next(&p, &left);
		dns_chain_feed(c, n > 0 ? p : NULL, n, NULL, NOW);
		skip(&p, &left, n);
	}
	/* A message that says nothing is secure without a question. */
	if (c != NULL && asked > 0 && (v == DNS_CHAIN_SECURE ||
	    v == DNS_CHAIN_INSECURE))
		abort();
	dns_chain_free(c);
	dns_anchor_free(a);
	return 0;
}
