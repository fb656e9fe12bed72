/* SPDX-License-Identifier: ISC
 *
 * The search for TLSA records.  It must never take a failure for "there are
 * none": who can make the DNS fail could then take the records away.
 */
#include <stdio.h>
#include <string.h>

#include "dane.h"

static void
take_records(struct dane *d, struct tls_client *tls,
    const struct dns_answer *a)
{
	struct tls_tlsa rr;
	size_t i;

	d->state = TLSA_UNUSABLE;
	for (i = 0; i < a->n && d->n < DANE_RECORDS_MAX; i++) {
		rr.usage = a->rr[i].usage;
		rr.selector = a->rr[i].selector;
		rr.matching = a->rr[i].matching;
		rr.data = a->rr[i].data;
		rr.len = a->rr[i].len;
		if (!tls_tlsa_usable(tls, &rr))
			continue;
		d->tlsa[d->n++] = rr;
		d->state = TLSA_USABLE;
	}
}

/* What an answer means, whose question was asked because what led to it was
 * secure. */
static void
take_answer(struct dane *d, struct tls_client *tls,
    const struct dns_answer *a)
{
	switch (a->status) {
	case DNS_FOUND:
		/* In a zone that is not signed, below one that is: nobody
		 * vouches for them. */
		if (a->security == DNS_SECURE)
			take_records(d, tls, a);
		return;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		return;
	case DNS_TEMPORARY:
	case DNS_BOGUS:
	case DNS_INVALID:
		d->state = TLSA_FAILED;
		return;
	}
}

static void
ask(struct dane *d, struct dns *dns, struct tls_client *tls,
    const char *base, unsigned short port)
{
	char name[DNS_NAME_MAX];

	d->state = TLSA_ABSENT;
	strlcpy(d->base, base, sizeof(d->base));
	if ((size_t)snprintf(name, sizeof(name), "_%u._tcp.%s", port, base) >=
	    sizeof(name))
		return;
	if ((d->answer = dns_lookup(dns, DNS_TLSA, name)) == NULL) {
		d->state = TLSA_FAILED;
		return;
	}
	take_answer(d, tls, dns_result(d->answer));
	if (d->state == TLSA_USABLE)
		return;
	dns_query_free(d->answer);
	d->answer = NULL;
}

void
dane_look(struct dane *d, struct dns *dns, struct tls_client *tls,
    const char *name, const char *target, unsigned short port)
{
	memset(d, 0, sizeof(*d));
	if (target != NULL)
		ask(d, dns, tls, target, port);
	if (d->state == TLSA_ABSENT)
		ask(d, dns, tls, name, port);
}

void
dane_free(struct dane *d)
{
	dns_query_free(d->answer);
	memset(d, 0, sizeof(*d));
}
