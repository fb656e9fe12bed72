/* SPDX-License-Identifier: ISC
 *
 * From what is published about a host to what it is held to.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dane.h"
#include "secure.h"

#define HOSTS_MAX	10		/* whose records are kept */

struct host {
	char		 name[DNS_NAME_MAX];
	struct dane	 dane;
};

struct secure {
	const struct settings *settings;
	struct dns	*dns;
	const char	*domain;
	struct tls_client *tls, *trusting;
	struct host	 hosts[HOSTS_MAX];
	size_t		 n, next;
};

struct secure *
secure_new(const struct settings *settings, struct dns *dns,
    const char *domain, struct tls_client *tls, struct tls_client *trusting)
{
	struct secure *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->settings = settings;
	s->dns = dns;
	s->domain = domain;
	s->tls = tls;
	s->trusting = trusting;
	return s;
}

void
secure_free(struct secure *s)
{
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < s->n; i++)
		dane_free(&s->hosts[i].dane);
	free(s);
}

bool
secure_is_strict(const struct client_message *m)
{
	return m->env->requiretls && !address_is_null(&m->env->sender);
}

/* The TLSA records of a host, asked for once in the life of a route; a failure
 * is asked again. */
static const struct dane *
host_dane(struct secure *s, const struct secure_place *p)
{
	struct host *h;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcasecmp(s->hosts[i].name, p->name) == 0 &&
		    s->hosts[i].dane.state != TLSA_FAILED)
			return &s->hosts[i].dane;
	h = &s->hosts[s->next];
	s->next = (s->next + 1) % HOSTS_MAX;
	if (s->n < HOSTS_MAX)
		s->n++;
	else
		dane_free(&h->dane);
	strlcpy(h->name, p->name, sizeof(h->name));
	dane_look(&h->dane, s->dns, s->tls, p->name, p->target, p->port);
	return &h->dane;
}

static enum policy_key
key_of(const struct secure *s, const struct secure_place *p)
{
	enum policy_key key = POLICY_DEFAULT;

	(void)policy_key(settings_tls_policy(s->settings, s->domain,
	    p->by_mx ? NULL : p->name), &key);
	return key;
}

/* Do the host's TLSA records count? */
static bool
wants_dane(const struct secure *s, const struct policy_facts *f)
{
	return f->names == DNS_SECURE && s->tls != NULL &&
	    (f->key == POLICY_DEFAULT || f->key == POLICY_DANE);
}

/* What the certificate is held against. */
static void
demand(const struct secure *s, const struct secure_place *p,
    const struct dane *dane, struct client *c)
{
	c->demand = (struct tls_demand){ .host = p->name };
	c->tls = c->policy.level == LEVEL_PKIX || c->policy.note ?
	    s->trusting : s->tls;
	if (c->policy.level != LEVEL_DANE || dane == NULL)
		return;
	/* RFC 7672, section 3.2.2: for usage 2 the domain, and the exchanger
	 * before and behind a CNAME, are its names. */
	c->demand.host = dane->base;
	c->demand.names[0] = p->by_mx && s->domain[0] != '[' ? s->domain :
	    NULL;
	c->demand.names[1] = strcasecmp(dane->base, p->name) != 0 ? p->name :
	    NULL;
	c->demand.tlsa = dane->tlsa;
	c->demand.ntlsa = dane->n;
}

void
secure_decide(struct secure *s, const struct secure_place *p,
    const struct client_message *m, bool second, struct client *c)
{
	struct policy_facts f = { .names = p->security, .given = p->given,
	    .strict = secure_is_strict(m), .lenient = second,
	    .authorities = s->trusting != NULL };
	const struct dane *dane = NULL;

	f.key = key_of(s, p);
	if (wants_dane(s, &f)) {
		dane = host_dane(s, p);
		f.tlsa = dane->state;
	}
	c->strict = f.strict;
	c->policy = policy_decide(&f);
	demand(s, p, dane, c);
}
