/* SPDX-License-Identifier: ISC
 *
 * Answers that are kept as long as they say they live, and never longer: a
 * fixed number, of which the one goes that was not asked for the longest.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "system/clock.h"
#include "system/dns_local.h"

#define BIG		64	/* records; a reply with more is not kept */
#define WIRE_BIG	4096	/* octets; likewise */

struct dns_cached {
	LIST_ENTRY(dns_cached) chain;
	TAILQ_ENTRY(dns_cached) link;
	uint32_t	 hash;
	struct dns_question q;		/* without its name */
	long long	 end;
	struct dns_reply *reply;
	char		 name[];
};

/* FNV-1a, from a start that nobody outside knows: names are chosen by
 * strangers. */
static uint32_t
add(uint32_t h, unsigned char c)
{
	return (h ^ c) * 16777619u;
}

uint32_t
dns_hash(const struct dns_question *q, const char *name)
{
	static uint32_t start;
	uint32_t h;

	while (start == 0)
		start = arc4random();
	h = add(add(start, (unsigned char)q->type), (unsigned char)q->rr);
	for (; *name != '\0' && (name[0] != '.' || name[1] != '\0'); name++)
		h = add(h, (unsigned char)tolower((unsigned char)*name));
	return h ^ h >> 15;
}

/* The length without one dot at the end. */
static size_t
length(const char *name)
{
	size_t n = strlen(name);

	return n > 1 && name[n - 1] == '.' ? n - 1 : n;
}

int
dns_same(const struct dns_question *a, const char *name,
    const struct dns_question *b, const char *other)
{
	size_t n = length(name);

	return a->type == b->type && a->rr == b->rr &&
	    a->trusted == b->trusted && a->dnssec == b->dnssec &&
	    a->unchecked == b->unchecked && n == length(other) &&
	    strncasecmp(name, other, n) == 0;
}

static void
drop(struct dns_cache *c, struct dns_cached *e)
{
	LIST_REMOVE(e, chain);
	TAILQ_REMOVE(&c->lru, e, link);
	c->n--;
	dns_reply_free(e->reply);
	free(e);
}

static struct dns_cached *
find(struct dns_cache *c, const struct dns_question *q, const char *name,
    uint32_t hash)
{
	struct dns_cached *e;

	if (c->buckets == NULL)
		return NULL;
	LIST_FOREACH(e, &c->buckets[hash % DNS_CACHE_MAX], chain)
		if (e->hash == hash && dns_same(&e->q, e->name, q, name))
			return e;
	return NULL;
}

struct dns_reply *
dns_cache_get(struct dns_cache *c, const struct dns_question *q,
    const char *name, uint32_t hash)
{
	struct dns_cached *e;

	if (c->n == 0 || (e = find(c, q, name, hash)) == NULL)
		return NULL;
	if (clock_ms() >= e->end) {
		drop(c, e);
		return NULL;
	}
	TAILQ_REMOVE(&c->lru, e, link);
	TAILQ_INSERT_HEAD(&c->lru, e, link);
	e->reply->refs++;
	return e->reply;
}

void
dns_cache_put(struct dns_cache *c, const struct dns_question *q,
    const char *name, uint32_t hash, struct dns_reply *reply)
{
	size_t size = strlen(name) + 1;
	struct dns_cached *e;

	if (reply->life == 0 || reply->answer.n > BIG || reply->len > WIRE_BIG)
		return;
	if (c->buckets == NULL) {
		c->buckets = calloc(DNS_CACHE_MAX, sizeof(*c->buckets));
		if (c->buckets == NULL)
			return;
		TAILQ_INIT(&c->lru);
	}
	if ((e = find(c, q, name, hash)) != NULL)
		drop(c, e);
	if (c->n == DNS_CACHE_MAX)
		drop(c, TAILQ_LAST(&c->lru, dns_lru));
	if ((e = malloc(sizeof(*e) + size)) == NULL)
		return;
	e->hash = hash;
	e->q = *q;
	e->q.name = NULL;
	e->end = clock_ms() + (long long)reply->life * 1000;
	memcpy(e->name, name, size);
	e->reply = reply;
	reply->refs++;
	LIST_INSERT_HEAD(&c->buckets[hash % DNS_CACHE_MAX], e, chain);
	TAILQ_INSERT_HEAD(&c->lru, e, link);
	c->n++;
}

void
dns_cache_clear(struct dns_cache *c)
{
	while (c->n > 0)
		drop(c, TAILQ_FIRST(&c->lru));
	free(c->buckets);
	c->buckets = NULL;
}
