/* SPDX-License-Identifier: ISC
 *
 * What the DNS says of a client and its sender: the confirmed name, the
 * lists, whether the domain is there.  All is asked at once and the whole
 * takes a bounded time; what has not come by then is not known.  It runs in a
 * helper, and must never make a failure look like an answer.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/idna.h"
#include "mail/resolver.h"
#include "policy.h"
#include "system/clock.h"
#include "system/log.h"

#define LOOKUP_MS	5000
#define QUERY_MS	1500		/* to one server; two tries */
#define NAMES_MAX	5		/* of an address */
#define LISTS_MAX	64
#define ASKS_MAX	(LISTS_MAX + NAMES_MAX + 4)

enum ask_kind { ASK_PTR, ASK_CONFIRM, ASK_LIST, ASK_MX, ASK_ADDRESS };

struct ask {
	enum ask_kind	  kind;
	const char	 *name;		/* CONFIRM: a name; LIST: its zone */
	int		  weight;	/* LIST; below 0 of an allow list */
	struct dns_query *q;
	bool		  done;
};

struct search {
	struct dns	*dns;
	struct lookup	*out;
	struct dns_addr	 addr;
	char		 name[IDNA_MAX];	/* the domain, for the DNS */
	struct ask	 asks[ASKS_MAX];
	size_t		 n;
	size_t		 silent;	/* addresses of the domain: none */
};

static void
ask(struct search *s, enum ask_kind kind, enum dns_type type,
    const char *question, const char *name, int weight)
{
	struct ask *a = &s->asks[s->n];

	if (s->n == ASKS_MAX)
		return;
	a->kind = kind;
	a->name = name;
	a->weight = weight;
	if ((a->q = dns_submit(s->dns, type, question, a)) != NULL)
		s->n++;
}

/*
 * What is asked first.
 */

/* Each zone with its weight, which may stand behind it. */
static void
ask_lists(struct search *s, const struct conf_list *list, int sign)
{
	char question[DNS_NAME_MAX];
	size_t i;
	int weight;

	for (i = 0; i < list->n; i++) {
		if (list->v[i][strspn(list->v[i], "0123456789")] == '\0')
			continue;
		weight = i + 1 < list->n ? (int)strtonum(list->v[i + 1], 1,
		    1000, NULL) : 0;
		dns_addr_name(&s->addr, list->v[i], question,
		    sizeof(question));
		ask(s, ASK_LIST, DNS_A, question, list->v[i],
		    sign * (weight == 0 ? 1 : weight));
	}
}

static void
ask_host(struct search *s)
{
	char question[DNS_NAME_MAX];

	dns_addr_name(&s->addr, s->addr.family == AF_INET ? "in-addr.arpa" :
	    "ip6.arpa", question, sizeof(question));
	ask(s, ASK_PTR, DNS_PTR, question, NULL, 0);
	ask_lists(s, &smtpd.settings->dnsbl, 1);
	ask_lists(s, &smtpd.settings->dnswl, -1);
}

static void
ask_domain(struct search *s)
{
	const char *domain = s->out->domain;

	if (*domain == '\0' || *domain == '[' ||
	    settings_is_local(smtpd.settings, domain, strlen(domain))) {
		s->out->state = DOMAIN_GOOD;
		return;
	}
	s->out->state = DOMAIN_NONE;
	if (idna_ascii(s->name, domain, strlen(domain)) == -1)
		return;
	s->out->state = DOMAIN_LATER;
	ask(s, ASK_MX, DNS_MX, s->name, NULL, 0);
}

/*
 * Answers.
 */

static void
take_ptr(struct search *s, const struct dns_answer *r)
{
	size_t i;

	for (i = 0; i < r->n && i < NAMES_MAX; i++)
		if (dns_is_host_name(r->rr[i].name))
			ask(s, ASK_CONFIRM, s->addr.family == AF_INET ? DNS_A :
			    DNS_AAAA, r->rr[i].name, r->rr[i].name, 0);
}

static void
take_confirm(struct search *s, const struct ask *a,
    const struct dns_answer *r)
{
	size_t i;

	for (i = 0; i < r->n && s->out->reverse[0] == '\0'; i++)
		if (dns_addr_equal(&r->rr[i].addr, &s->addr))
			strlcpy(s->out->reverse, a->name,
			    sizeof(s->out->reverse));
}

static void
no_opinion(const struct ask *a, const char *why)
{
	log_warn("dnsbl", "zone=%s error=%s", a->name, log_str(why));
}

/* Only 127.0.0.0/8 says that an address is listed; 127.255.255.0/24 says that
 * we may not ask. */
static void
take_list(struct search *s, const struct ask *a, const struct dns_answer *r)
{
	const unsigned char *ip;
	bool listed = false;
	size_t i;

	if (r->status != DNS_FOUND && r->status != DNS_NODATA &&
	    r->status != DNS_NXDOMAIN)
		no_opinion(a, r->why);
	for (i = 0; i < r->n; i++) {
		ip = r->rr[i].addr.ip;
		if (ip[0] != 127)
			no_opinion(a, "answer outside 127.0.0.0/8");
		else if (ip[1] == 255 && ip[2] == 255)
			no_opinion(a, "the list refuses to answer");
		else
			listed = true;
	}
	if (!listed)
		return;
	s->out->score += a->weight;
	if (a->weight < 0)
		return;
	if (s->out->listed[0] != '\0')
		strlcat(s->out->listed, " ", sizeof(s->out->listed));
	strlcat(s->out->listed, a->name, sizeof(s->out->listed));
}

/* A null MX is one that names the root alone. */
static bool
is_null_mx(const struct dns_answer *r)
{
	return r->n == 1 && r->rr[0].name[0] == '\0';
}

static void
take_mx(struct search *s, const struct dns_answer *r)
{
	switch (r->status) {
	case DNS_FOUND:
		s->out->state = is_null_mx(r) ? DOMAIN_NULL_MX : DOMAIN_GOOD;
		break;
	case DNS_NODATA:
		ask(s, ASK_ADDRESS, DNS_A, s->name, NULL, 0);
		ask(s, ASK_ADDRESS, DNS_AAAA, s->name, NULL, 0);
		break;
	case DNS_NXDOMAIN:
	case DNS_INVALID:
		s->out->state = DOMAIN_NONE;
		break;
	case DNS_TEMPORARY:
	case DNS_BOGUS:
		break;
	}
}

static void
take_address(struct search *s, const struct dns_answer *r)
{
	if (r->status == DNS_FOUND)
		s->out->state = DOMAIN_GOOD;
	else if ((r->status == DNS_NODATA || r->status == DNS_NXDOMAIN) &&
	    ++s->silent == 2)
		s->out->state = DOMAIN_MUTE;
}

static void
take(struct search *s, struct ask *a)
{
	const struct dns_answer *r = dns_result(a->q);

	a->done = true;
	switch (a->kind) {
	case ASK_PTR:
		take_ptr(s, r);
		break;
	case ASK_CONFIRM:
		take_confirm(s, a, r);
		break;
	case ASK_LIST:
		take_list(s, a, r);
		break;
	case ASK_MX:
		take_mx(s, r);
		break;
	case ASK_ADDRESS:
		take_address(s, r);
		break;
	}
}

static void
search(struct search *s)
{
	long long end = clock_ms() + LOOKUP_MS, left;
	struct dns_query *q;
	size_t i;

	while ((left = end - clock_ms()) > 0 &&
	    (q = dns_wait(s->dns, (int)left)) != NULL)
		take(s, dns_arg(q));
	for (i = 0; i < s->n; i++) {
		if (!s->asks[i].done && s->asks[i].kind == ASK_LIST)
			no_opinion(&s->asks[i], "timeout");
		dns_query_free(s->asks[i].q);
	}
}

void
lookup_run(const struct peer *peer, const char *domain, struct lookup *out,
    int (*before)(void))
{
	static struct search s;
	char error[CONF_ERROR_MAX];

	memset(&s, 0, sizeof(s));
	s.out = out;
	strlcpy(out->domain, domain, sizeof(out->domain));
	out->state = DOMAIN_LATER;
	if ((s.dns = resolver_open(smtpd.settings, NULL, error)) == NULL)
		return;
	dns_set_timeout(s.dns, QUERY_MS, 2);
	if (before() == 0) {
		if (!out->host_known && dns_addr_get(&s.addr,
		    (const struct sockaddr *)&peer->addr) == 0)
			ask_host(&s);
		out->host_known = true;
		ask_domain(&s);
		search(&s);
	}
	dns_free(s.dns);
}
