/* SPDX-License-Identifier: ISC
 *
 * Many questions about one thing.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/ask.h"
#include "system/clock.h"

struct question {
	enum dns_type	 type;
	char		*name;
	struct dns_query *query;	/* NULL: it could not be asked */
};

struct ask {
	struct dns	*dns;
	long long	 end;		/* clock_ms(): nothing new then */
	size_t		 n, under_way;
	struct question	 q[ASK_MAX + 1];	/* [0]: none */
};

static const struct dns_answer no_answer = {
	.status = DNS_TEMPORARY, .why = "not asked"
};
static const struct dns_answer nothing = { .status = DNS_NODATA };

struct ask *
ask_new(struct dns *dns)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (a != NULL) {
		a->dns = dns;
		a->end = clock_ms() + ASK_TIME;
	}
	return a;
}

void
ask_free(struct ask *a)
{
	size_t i;

	if (a == NULL)
		return;
	for (i = 1; i <= a->n; i++) {
		dns_query_free(a->q[i].query);
		free(a->q[i].name);
	}
	free(a);
}

size_t
ask(struct ask *a, enum dns_type type, const char *name)
{
	struct question *q;
	size_t i;

	for (i = 1; i <= a->n; i++)
		if (a->q[i].type == type && a->q[i].name != NULL &&
		    strcasecmp(a->q[i].name, name) == 0)
			return i;
	if (a->n == ASK_MAX || clock_ms() > a->end)
		return ASK_MAX + 1;
	q = &a->q[++a->n];
	q->type = type;
	if ((q->name = strdup(name)) == NULL)
		return a->n;
	while ((q->query = dns_submit(a->dns, type, name, q)) == NULL &&
	    a->under_way > 0 && dns_wait(a->dns, -1) != NULL)
		a->under_way--;
	a->under_way += q->query != NULL;
	return a->n;
}

void
ask_wait(struct ask *a)
{
	while (a->under_way > 0 && dns_wait(a->dns, -1) != NULL)
		a->under_way--;
}

const struct dns_answer *
ask_answer(const struct ask *a, size_t i)
{
	if (i == ASK_NOTHING)
		return &nothing;
	return a == NULL || i == 0 || i > a->n ||
	    a->q[i].query == NULL ? &no_answer :
	    dns_result(a->q[i].query);
}

const struct dns_answer *
ask_now(struct ask *a, enum dns_type type, const char *name)
{
	size_t i = ask(a, type, name);

	ask_wait(a);
	return ask_answer(a, i);
}
