/* SPDX-License-Identifier: ISC
 *
 * Proves that no packet breaks the reading of DNS replies, and that what is
 * called found has records of the type that was asked for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "system/dns_local.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct dns_question *q, const struct dns_answer *a)
{
	size_t i;

	if (q->rr != 0) {
		if (a->n != 0)
			abort();
		return;
	}
	if ((a->status == DNS_FOUND) != (a->n > 0))
		abort();
	for (i = 0; i < a->n; i++) {
		if ((q->type == DNS_MX || q->type == DNS_PTR ||
		    q->type == DNS_SRV) != (a->rr[i].name != NULL) ||
		    (q->type == DNS_TXT || q->type == DNS_TLSA) !=
		    (a->rr[i].data != NULL))
			abort();
		if (q->type == DNS_A && a->rr[i].addr.family != AF_INET)
			abort();
	}
}

/* The first octet chooses the type, or that only the packet is wanted; id and
 * question are set to fit, so that more of them are looked into. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t size)
{
	static const uint8_t head[] = { 0, 7, 0x81 };
	static const uint8_t question[] = { 1, 'a', 4, 't', 'e', 's', 't', 0,
	    0 };
	static const uint8_t code[] = { 1, 28, 15, 12, 16, 33, 52 };
	struct dns_question q = { .trusted = 1 };
	struct dns_answer a;
	uint8_t wire[4096], asked[DNS_QUESTION_MAX];
	size_t len, name_len;
	uint32_t life;

	if (size < 1 + 12 + sizeof(question) + 3 || size > sizeof(wire))
		return 0;
	q.type = (enum dns_type)(p[0] % 7);
	q.rr = (p[0] & 64) != 0 ? 48 : 0;
	q.name = strdup("a.test");
	memcpy(wire, p + 1, size - 1);
	if ((p[0] & 128) == 0) {
		memcpy(wire, head, sizeof(head));
		memcpy(wire + 4, "\0\1", 2);
		memcpy(wire + 12, question, sizeof(question));
		memcpy(wire + 12 + sizeof(question), (const uint8_t[])
		    { q.rr != 0 ? (uint8_t)q.rr : code[q.type], 0, 1 }, 3);
	}
	memset(&a, 0, sizeof(a));
	if (dns_pack(&q, asked, &len, &name_len) != DNS_FOUND)
		abort();
	if (dns_is_reply(asked, name_len, wire, size - 1) != DNS_OTHER &&
	    dns_parse(&q, wire, size - 1, &a, &life) == DNS_PARSED)
		check(&q, &a);
	dns_answer_fail(&a, DNS_NODATA, "");
	free(a.name);
	free(q.name);
	return 0;
}
