/* SPDX-License-Identifier: ISC
 *
 * From what is published about a host to what it is held to.
 */
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "dane.h"
#include "grammar/idna.h"
#include "secure.h"
#include "sts.h"

#define KNOWN_MAX	10		/* whose records are kept */
#define KEEP		(5 * 60)	/* seconds; then they are asked for
					 * again */

struct known {
	char		 name[DNS_NAME_MAX];
	unsigned short	 port;
	int64_t		 at;		/* when they were asked for */
	struct dane	 dane;
};

struct secure {
	const struct route_set *set;
	struct dns	*dns;
	char		 domain[NEWS_DOMAIN_MAX]; /* as A-labels; "" none */
	struct known	 hosts[KNOWN_MAX];
	size_t		 n, next;
	struct sts	 sts;
	int64_t		 sts_at;	/* when it was looked up; 0 not yet */
};

void
secure_turn(struct secure *s, const char *domain)
{
	char ascii[IDNA_MAX];

	memset(&s->sts, 0, sizeof(s->sts));
	s->sts_at = 0;
	s->domain[0] = '\0';
	if (*domain != '[' && idna_ascii(ascii, domain, strlen(domain)) == 0 &&
	    strlen(ascii) < sizeof(s->domain))
		strlcpy(s->domain, ascii, sizeof(s->domain));
}

struct secure *
secure_new(const struct route_set *set, struct dns *dns, const char *domain)
{
	struct secure *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->set = set;
	s->dns = dns;
	secure_turn(s, domain);
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

static bool
is_fresh(int64_t at, int64_t now)
{
	return at != 0 && now >= at && now - at <= KEEP;
}

/* What was found for a host and port, or NULL. */
static struct known *
find_known(struct secure *s, const struct secure_place *p)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->hosts[i].port == p->port &&
		    strcasecmp(s->hosts[i].name, p->name) == 0)
			return &s->hosts[i];
	return NULL;
}

/* The TLSA records of a host, asked for once in a while; a failure is asked
 * again. */
static const struct dane *
host_dane(struct secure *s, const struct secure_place *p)
{
	struct known *h = find_known(s, p);
	int64_t now = time(NULL);

	if (h != NULL && h->dane.state != TLSA_FAILED &&
	    is_fresh(h->at, now))
		return &h->dane;
	if (h == NULL) {
		h = &s->hosts[s->next];
		s->next = (s->next + 1) % KNOWN_MAX;
		if (s->n < KNOWN_MAX)
			s->n++;
	}
	dane_free(&h->dane);
	strlcpy(h->name, p->name, sizeof(h->name));
	h->port = p->port;
	h->at = now;
	dane_look(&h->dane, s->dns, s->set->tls, p->name,
	    p->security == DNS_SECURE ? p->target : NULL, p->port);
	return &h->dane;
}

static enum policy_key
key_of(const struct secure *s, const struct secure_place *p)
{
	enum policy_key key = POLICY_DEFAULT;

	(void)policy_key(settings_tls_policy(s->set->settings,
	    p->by_mx ? s->domain : p->name), &key);
	return key;
}

/* An alias may be signed where what it leads to is not. */
static bool
is_half_secure(const struct secure_place *p)
{
	return p->security != DNS_SECURE && p->signed_mx && p->target != NULL;
}

/* The host's TLSA records, if they count, and what became of them. */
static const struct dane *
find_dane(struct secure *s, const struct secure_place *p,
    struct policy_facts *f)
{
	const struct dane *d;

	if (s->set->tls == NULL || (f->key != POLICY_DEFAULT &&
	    f->key != POLICY_DANE) || (p->security != DNS_SECURE &&
	    !is_half_secure(p)))
		return NULL;
	d = host_dane(s, p);
	f->tlsa = d->state;
	/* RFC 7672: records that are secure at the name before
	 * the alias count.  But that its zone is signed at all only they
	 * could show, so a failure to get them is no promise. */
	if (f->tlsa == TLSA_FAILED && p->security != DNS_SECURE)
		f->tlsa = TLSA_ABSENT;
	return d;
}

/* That its policy could not be had. */
static void
note_fetch(const struct secure *s, struct client_message *m)
{
	struct news news = { .type = NEWS_TLS };
	struct tls_note *n = &news.u.tls;

	if (m->news == NULL)
		return;
	strlcpy(n->domain, s->domain, sizeof(n->domain));
	n->type = POLICY_TYPE_STS;
	n->result = s->sts.result;
	strlcpy(n->why, s->sts.why, sizeof(n->why));
	m->news(m->arg, &news);
}

/* The domain's MTA-STS policy, looked for once in a while. */
static void
find_sts(struct secure *s, const struct secure_place *p,
    struct client_message *m, struct policy_facts *f)
{
	struct news news = { .type = NEWS_STS };
	int64_t now = time(NULL);

	if (!p->by_mx || s->domain[0] == '\0' || f->key != POLICY_DEFAULT ||
	    f->tlsa == TLSA_USABLE || f->tlsa == TLSA_FAILED)
		return;
	if (!is_fresh(s->sts_at, now)) {
		sts_look(&s->sts, s->dns, s->set->trusting, s->set->settings,
		    s->domain, m->sts, now);
		s->sts_at = now;
		if (s->sts.changed && m->news != NULL) {
			news.u.sts = s->sts.record;
			m->news(m->arg, &news);
		}
		if (s->sts.result != TLS_RESULT_GOOD)
			note_fetch(s, m);
	}
	f->sts = sts_mode(&s->sts.record, p->name, &f->sts_match);
}

/* What the certificate is held against. */
static void
demand(const struct secure *s, const struct secure_place *p,
    const struct dane *dane, struct client *c)
{
	c->demand = (struct tls_demand){ .host = p->name };
	c->tls = s->set->tls;
	/* Who is to get a password proves his name, even where mail alone
	 * would go out without. */
	if ((c->policy.level == LEVEL_PKIX || c->policy.note ||
	    c->login != NULL) && s->set->trusting != NULL)
		c->tls = s->set->trusting;
	if (c->policy.level != LEVEL_DANE || dane == NULL)
		return;
	/* RFC 7672: for usage 2 the domain, and the exchanger
	 * before and behind a CNAME, are its names. */
	c->demand.host = dane->base;
	c->demand.names[0] = p->by_mx ? s->domain : NULL;
	c->demand.names[1] = strcasecmp(dane->base, p->name) != 0 ? p->name :
	    NULL;
	c->demand.tlsa = dane->tlsa;
	c->demand.ntlsa = dane->n;
}

void
secure_decide(struct secure *s, const struct secure_place *p,
    struct client_message *m, bool second, struct client *c)
{
	struct policy_facts f = { .names = p->security, .given = p->given,
	    .strict = secure_is_strict(m), .lenient = second,
	    .authorities = s->set->trusting != NULL };
	const struct dane *dane;

	f.key = key_of(s, p);
	dane = find_dane(s, p, &f);
	find_sts(s, p, m, &f);
	c->strict = f.strict;
	c->policy = policy_decide(&f);
	demand(s, p, dane, c);
}

/* ---- what is told ---- */

/* Of a session that was begun. */
static enum tls_result
session_result(const struct client *c)
{
	switch (c->shaken) {
	case CLIENT_TLS_ABSENT:
		return TLS_RESULT_STARTTLS;
	case CLIENT_TLS_NOT_TRIED:
	case CLIENT_TLS_DONE:
	case CLIENT_TLS_LOST:
	case CLIENT_TLS_FAILED:
		break;
	}
	switch (c->info.fault) {
	case TLS_FAULT_NONE:
		break;
	case TLS_FAULT_EXPIRED:
		return TLS_RESULT_EXPIRED;
	case TLS_FAULT_NAME:
		return TLS_RESULT_HOST;
	case TLS_FAULT_TRUST:
		return TLS_RESULT_TRUST;
	case TLS_FAULT_TLSA:
		return TLS_RESULT_OTHER;
	}
	return c->shaken == CLIENT_TLS_FAILED ? TLS_RESULT_OTHER :
	    TLS_RESULT_GOOD;
}

/* Of what was decided before. */
static enum tls_result
reason_result(enum policy_reason reason, enum tls_result other)
{
	switch (reason) {
	case REASON_TLSA_LOOKUP:
		return TLS_RESULT_DNSSEC;
	case REASON_DANE_REQUIRED:
		return TLS_RESULT_DANE;
	case REASON_STS_MISMATCH:
		return TLS_RESULT_HOST;
	case REASON_NONE:
	case REASON_AUTHORITIES:
	case REASON_UNSIGNED:
		break;
	}
	return other;
}

/* The records as they stand in a zone. */
static void
tlsa_lines(const struct dane *d, char *to, size_t size)
{
	size_t i, k, at = 0;

	for (i = 0; i < d->n; i++) {
		if (at + 2 * d->tlsa[i].len + 16 > size)
			continue;
		at += (size_t)snprintf(to + at, size - at, "%s%u %u %u ",
		    at == 0 ? "" : "\n", d->tlsa[i].usage,
		    d->tlsa[i].selector, d->tlsa[i].matching);
		for (k = 0; k < d->tlsa[i].len; k++)
			at += (size_t)snprintf(to + at, size - at, "%02x",
			    d->tlsa[i].data[k]);
	}
}

static void
note_policy(struct secure *s, const struct secure_place *p,
    struct tls_note *n)
{
	const struct known *h = find_known(s, p);

	switch ((enum policy_type)n->type) {
	case POLICY_TYPE_STS:
		sts_lines(&s->sts.record, n->policy, sizeof(n->policy));
		break;
	case POLICY_TYPE_TLSA:
		if (h != NULL)
			tlsa_lines(&h->dane, n->policy, sizeof(n->policy));
		break;
	case POLICY_TYPE_NONE:
		break;
	}
}

/* The addresses of both ends. */
static void
note_ends(const struct client *c, struct tls_note *n)
{
	const char *ip = strchr(c->place, '[');
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct dns_addr addr;

	if (ip != NULL)
		snprintf(n->to, sizeof(n->to), "%.*s",
		    (int)strcspn(ip + 1, "]"), ip + 1);
	if (c->stream != NULL && getsockname(stream_rfd(c->stream),
	    (struct sockaddr *)&ss, &len) == 0 &&
	    dns_addr_get(&addr, (struct sockaddr *)&ss) == 0)
		dns_addr_text(&addr, n->from, sizeof(n->from));
}

void
secure_note(struct secure *s, const struct secure_place *p,
    struct client_message *m, const struct client *c)
{
	struct news news = { .type = NEWS_TLS };
	struct tls_note *n = &news.u.tls;

	if (m->news == NULL || s->domain[0] == '\0' || !p->by_mx ||
	    c->policy.level == LEVEL_CLEAR || c->policy.reason ==
	    REASON_UNSIGNED || c->policy.reason == REASON_AUTHORITIES)
		return;
	if (c->policy.verdict == POLICY_USE &&
	    (c->shaken == CLIENT_TLS_NOT_TRIED ||
	    c->shaken == CLIENT_TLS_LOST))
		return;		/* it did not come to that */
	strlcpy(n->domain, s->domain, sizeof(n->domain));
	n->type = c->policy.type;
	n->result = reason_result(c->policy.reason, session_result(c));
	strlcpy(n->mx, p->name, sizeof(n->mx));
	if (n->result != TLS_RESULT_GOOD && n->result != TLS_RESULT_STARTTLS)
		strlcpy(n->why, c->info.fault != TLS_FAULT_NONE ?
		    c->info.why : c->policy.reason != REASON_NONE ?
		    policy_words(c->policy.reason) :
		    stream_error(c->stream), sizeof(n->why));
	note_policy(s, p, n);
	note_ends(c, n);
	m->news(m->arg, &news);
}
