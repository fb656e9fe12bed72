/* SPDX-License-Identifier: ISC
 *
 * Looking through SPF records, level by level: what one level names is asked
 * for at once.  It is bounded by the number of records and of questions.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mail/spf_walk.h"

#define NODES_MAX	32	/* records looked at */
#define TERMS_MAX	128	/* terms whose hosts are asked for */
#define ROOT		NODES_MAX

struct node {
	char		 domain[256];
	enum spf_kind	 kind;		/* SPF_INCLUDE or SPF_REDIRECT */
	size_t		 parent;	/* ROOT: none */
	size_t		 question;
	int		 decides;	/* its "all" is that of the domain */
};

struct term {
	enum spf_kind	 kind;
	size_t		 question[2];
	size_t		 node;
};

struct walk {
	struct ask	*ask;
	struct spf_walk	*w;
	struct node	 nodes[NODES_MAX];
	size_t		 n;
	struct term	 terms[TERMS_MAX];
	size_t		 nterms;
};

static void
fault(struct walk *k, unsigned which, size_t node, const char *why)
{
	if ((which & SPF_PERMERROR) != 0 &&
	    (k->w->faults & SPF_PERMERROR) == 0) {
		strlcpy(k->w->where, k->nodes[node].domain,
		    sizeof(k->w->where));
		strlcpy(k->w->why, why, sizeof(k->w->why));
	}
	k->w->faults |= which;
}

static int
is_failure(const struct dns_answer *a)
{
	return a->status == DNS_TEMPORARY || a->status == DNS_BOGUS;
}

/* ---- terms ---- */

/* The domain of a term, or the record's own.  0: it has macros or is none. */
static int
target(const struct node *n, const struct spf_term *t, char to[256])
{
	size_t len = t->ndomain;

	if (t->domain == NULL) {
		strlcpy(to, n->domain, 256);
		return 1;
	}
	if (len > 0 && t->domain[len - 1] == '.')
		len--;
	if (t->macros || len == 0 || len >= 256)
		return 0;
	memcpy(to, t->domain, len);
	to[len] = '\0';
	return 1;
}

/* include or redirect: another record to look at. */
static void
add_node(struct walk *k, size_t at, const struct spf_term *t, int decides)
{
	struct node *n;
	char domain[256], why[160];
	size_t i;

	if (!target(&k->nodes[at], t, domain)) {
		fault(k, SPF_MACROS, at, "");
		return;
	}
	for (i = at; i != ROOT; i = k->nodes[i].parent)
		if (strcasecmp(k->nodes[i].domain, domain) == 0) {
			(void)snprintf(why, sizeof(why), "%s of %.100s leads "
			    "back to itself", spf_kind_name(t->kind), domain);
			fault(k, SPF_LOOP, at, why);
			return;
		}
	if (k->n == NODES_MAX)
		return;
	n = &k->nodes[k->n++];
	strlcpy(n->domain, domain, sizeof(n->domain));
	n->kind = t->kind;
	n->parent = at;
	n->decides = decides;
	n->question = ask(k->ask, DNS_TXT, domain);
}

/* a, mx, exists: do they find something? */
static void
add_term(struct walk *k, size_t at, const struct spf_term *t)
{
	struct term *e;
	char domain[256];

	if (!target(&k->nodes[at], t, domain)) {
		fault(k, SPF_MACROS, at, "");
		return;
	}
	if (k->nterms == TERMS_MAX)
		return;
	e = &k->terms[k->nterms++];
	memset(e, 0, sizeof(*e));
	e->kind = t->kind;
	e->node = at;
	e->question[0] = ask(k->ask, t->kind == SPF_MX ? DNS_MX : DNS_A,
	    domain);
	if (t->kind == SPF_A)
		e->question[1] = ask(k->ask, DNS_AAAA, domain);
}

static void
take_term(struct walk *k, size_t at, const struct spf_term *t, int decides)
{
	if (spf_asks(t->kind))
		k->w->lookups++;
	switch (t->kind) {
	case SPF_INCLUDE:
		add_node(k, at, t, 0);
		break;
	case SPF_REDIRECT:
		add_node(k, at, t, decides);
		break;
	case SPF_A:
	case SPF_MX:
	case SPF_EXISTS:
		add_term(k, at, t);
		break;
	case SPF_PTR:
		fault(k, SPF_USES_PTR, at, "");
		break;
	case SPF_ALL:
	case SPF_IP4:
	case SPF_IP6:
	case SPF_EXP:
	case SPF_UNKNOWN:
		break;
	}
}

/* ---- records ---- */

/* The terms up to "all"; behind it nothing counts, nor does a redirect beside
 * it. */
static void
take_record(struct walk *k, size_t at, const struct dns_record *rr)
{
	struct spf_term t, redirect = { .text = NULL };
	struct spf s;
	char all = '\0';
	int dead = 0;

	(void)spf_begin(&s, (const char *)rr->data, rr->len);
	while (spf_next(&s, &t) == 1) {
		if (t.kind == SPF_REDIRECT)
			redirect = t;
		else if (all != '\0')
			dead |= t.kind <= SPF_EXISTS;
		else if (t.kind == SPF_ALL)
			all = t.qualifier;
		else
			take_term(k, at, &t, 0);
	}
	if (all == '\0' && redirect.text != NULL)
		take_term(k, at, &redirect, k->nodes[at].decides);
	if (k->nodes[at].decides)
		k->w->all = all;
	if (at == 0 && all != '\0' && (dead || redirect.text != NULL))
		fault(k, SPF_DEAD_TERMS, at, "");
}

/* Which of the records of an answer are of SPF: their number. */
static size_t
select_record(const struct dns_answer *a, const struct dns_record **rr)
{
	struct spf s;
	size_t i, n = 0;

	for (i = 0; i < a->n; i++)
		if (spf_begin(&s, (const char *)a->rr[i].data, a->rr[i].len) ==
		    1 && n++ == 0)
			*rr = &a->rr[i];
	return n;
}

/* There is no record where another one leads. */
static void
no_target(struct walk *k, size_t at)
{
	const struct node *n = &k->nodes[at];
	char why[160];

	(void)snprintf(why, sizeof(why), "%s of %.100s, which has no SPF "
	    "record", spf_kind_name(n->kind), n->domain);
	fault(k, SPF_NO_TARGET, n->parent, why);
}

static void
take_node(struct walk *k, size_t at)
{
	const struct dns_answer *a = ask_answer(k->ask, k->nodes[at].question);
	const struct dns_record *rr = NULL;
	size_t n = select_record(a, &rr);
	struct spf s;
	char why[160];

	if (at == 0) {
		k->w->records = n;
		k->w->rr = rr;
	}
	if (is_failure(a)) {
		fault(k, SPF_UNSURE, at, "");
		return;
	}
	if (a->n == 0 && at > 0)
		k->w->voids++;
	if (n == 0 && at > 0)
		no_target(k, at);
	if (n > 1)
		fault(k, SPF_SEVERAL, at, "there are several SPF records");
	if (n != 1)
		return;
	if (spf_check(&s, (const char *)rr->data, rr->len) == 1) {
		take_record(k, at, rr);
		return;
	}
	(void)snprintf(why, sizeof(why), "%s, at \"%.*s\"", s.why,
	    (int)(rr->len - s.at > 40 ? 40 : rr->len - s.at),
	    (const char *)rr->data + s.at);
	fault(k, SPF_MALFORMED, at, why);
}

/* ---- what was found ---- */

static void
judge_terms(struct walk *k)
{
	const struct dns_answer *a, *b;
	size_t i;

	for (i = 0; i < k->nterms; i++) {
		a = ask_answer(k->ask, k->terms[i].question[0]);
		b = k->terms[i].question[1] == 0 ? a :
		    ask_answer(k->ask, k->terms[i].question[1]);
		if (is_failure(a) || is_failure(b))
			fault(k, SPF_UNSURE, k->terms[i].node, "");
		else if (a->n == 0 && b->n == 0)
			k->w->voids++;
		if (k->terms[i].kind == SPF_MX && a->n > SPF_MX_MAX)
			fault(k, SPF_MX_MANY, k->terms[i].node,
			    "an mx has more than 10 exchangers");
	}
	if (k->w->lookups > SPF_LOOKUPS_MAX)
		fault(k, SPF_TOO_MANY, 0, "more than 10 look-ups are needed");
	if (k->w->voids > SPF_VOIDS_MAX)
		fault(k, SPF_TOO_VOID, 0, "");
}

void
spf_walk(struct ask *a, const char *domain, struct spf_walk *w)
{
	static const struct node none = { .kind = SPF_INCLUDE };
	struct walk k = { .ask = a, .w = w };
	size_t i = 0, end;

	memset(w, 0, sizeof(*w));
	k.nodes[0] = none;
	strlcpy(k.nodes[0].domain, domain, sizeof(k.nodes[0].domain));
	k.nodes[0].parent = ROOT;
	k.nodes[0].decides = 1;
	k.nodes[0].question = ask(a, DNS_TXT, domain);
	for (k.n = 1; i < k.n; ) {
		ask_wait(a);
		for (end = k.n; i < end; i++)
			take_node(&k, i);
	}
	ask_wait(a);
	judge_terms(&k);
}
