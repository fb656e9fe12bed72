/* SPDX-License-Identifier: ISC
 *
 * DMARC policy discovery.  A failed question is never "no policy".
 */
#include <stdio.h>
#include <string.h>

#include "mail/dmarc.h"

struct place {
	size_t		 question;
	const struct dns_record *rr;
	struct dmarc_record record;
	int		 n;	/* records of DMARC there */
};

/* What is at one name of the walk: of several none counts. */
static void
look(const struct dns_answer *a, struct place *p)
{
	struct dmarc_record d;
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (dmarc_record(&d, (const char *)a->rr[i].data,
		    a->rr[i].len) == 0)
			continue;
		p->rr = &a->rr[i];
		p->record = d;
		p->n++;
	}
	if (p->n != 1)
		p->rr = NULL;
}

static int
is_failure(enum dns_status st)
{
	switch (st) {
	case DNS_TEMPORARY:
	case DNS_BOGUS:
		return 1;
	case DNS_FOUND:
	case DNS_NODATA:
	case DNS_NXDOMAIN:
	case DNS_INVALID:
		break;
	}
	return 0;
}

void
dmarc_find(struct ask *a, const char *domain, int exists,
    struct dmarc_found *f)
{
	const struct dmarc_record *records[DMARC_WALK_MAX];
	const char *names[DMARC_WALK_MAX];
	struct place places[DMARC_WALK_MAX];
	char name[DNS_NAME_MAX + 8];
	enum dns_status st;
	size_t i, n = dmarc_walk(domain, names);

	memset(f, 0, sizeof(*f));
	memset(places, 0, sizeof(places));
	f->status = DNS_NODATA;
	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "_dmarc.%s", names[i]);
		places[i].question = ask(a, DNS_TXT, name);
	}
	ask_wait(a);
	for (i = 0; i < n; i++) {
		look(ask_answer(a, places[i].question), &places[i]);
		records[i] = places[i].rr == NULL ? NULL : &places[i].record;
	}
	f->several = n > 0 && places[0].n > 1;
	for (i = 0; i < n && !is_failure(ask_answer(a,
	    places[i].question)->status); i++)
		continue;
	if (n > 0 && i == n)
		f->org = dmarc_org(names, records, n);
	for (i = 0; i < n && records[0] == NULL; i++) {
		st = ask_answer(a, places[i].question)->status;
		if (is_failure(st)) {
			f->status = st;
			return;
		}
	}
	if ((i = dmarc_choose(records, n)) == n)
		return;
	f->status = DNS_FOUND;
	f->domain = names[i];
	f->rr = places[i].rr;
	f->record = places[i].record;
	f->sub = i > 0;
	f->policy = dmarc_applies(&f->record, f->sub, exists);
}
