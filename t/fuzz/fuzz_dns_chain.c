/* SPDX-License-Identifier: ISC
 *
 * Proves that no answer breaks our own validation, that it ends after a
 * bounded number of questions, and that without the keys of the anchor nothing
 * is secure, nor is anything proved to be insecure.  As no fuzzer signs, what
 * denies is also judged as if it were signed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "system/dns_chain_local.h"

#define NOW	1790000000LL

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

/* Every set of the message as if "test" had signed it. */
static void
judge_unsigned(const uint8_t *p, size_t n)
{
	static const char *const names[] = { "\1a\4test", "\4test",
	    "\1*\4test", "\1c\1b\4test", "\1b\3com" };
	struct dns_effort effort = { 0 };
	struct dns_name zone, name;
	struct dns_denial d = { .zone = &zone, .effort = &effort };
	char why[DNS_WHY_MAX];
	struct dns_message m;
	size_t i;

	if (dns_message_open(&m, p, n, why) == -1)
		return;
	dns_name_set(&zone, (const uint8_t *)"\4test", 6);
	for (i = 0; i < m.n; i++)
		if ((m.sets[i].type == LDNS_RR_TYPE_NSEC ||
		    m.sets[i].type == LDNS_RR_TYPE_NSEC3) &&
		    ldns_rr_list_rr_count(m.sets[i].rrs) == 1)
			dns_denial_add(&d, &m.sets[i]);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		dns_name_set(&name, (const uint8_t *)names[i],
		    strlen(names[i]) + 1);
		dns_denial_cut(&d, &name);
		if (dns_denial_of(&d, &name, LDNS_RR_TYPE_DS) !=
		    DNS_PROOF_NONE && !dns_name_within(&name, &zone))
			abort();
		dns_denial_of(&d, &name, LDNS_RR_TYPE_MX);
		if (dns_name_labels(&name) > 1)
			dns_denial_closer(&d, &name, 1);
	}
	if (effort.hashes > DNS_ALL_HASHES)
		abort();
	dns_message_close(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t left)
{
	struct dns_anchor *a = anchor();
	struct dns_chain *c;
	enum dns_verdict v;
	unsigned type, asked = 0;
	size_t n = next(&p, &left);

	judge_unsigned(p, n);
	c = dns_chain_new(a, "a.test", n & 1 ? 15 : 1, p, n);
	skip(&p, &left, n);
	while (c != NULL && (v = dns_chain_step(c, NOW)) == DNS_CHAIN_ASK) {
		if (++asked > DNS_QUESTIONS || dns_chain_asks(c,
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
