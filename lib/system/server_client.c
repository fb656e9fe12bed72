/* SPDX-License-Identifier: ISC
 *
 * What the monitor remembers of client addresses: sessions, failed logins,
 * sessions that crashed.  Its memory is bounded: when the table is full the
 * oldest entry without a session makes room.
 */
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/memory.h"
#include "system/server_local.h"

#define BUCKETS		1024
#define CLIENTS_MAX	16384
#define REMEMBER	(600 * 1000)	/* ms after the last failure */
#define DELAY_MAX	(16 * 1000)	/* ms */
#define MINUTE		(60 * 1000)

LIST_HEAD(client_list, client);

static struct client_list table[BUCKETS];
static size_t nclients;
static int64_t tell_at;		/* 0: there is nothing to tell */

/* FNV-1a over what peer_same() compares. */
static size_t
bucket_of(const struct peer *p)
{
	const unsigned char *b = (const unsigned char *)&p->uid;
	size_t n = p->kind == PEER_UNIX ? sizeof(p->uid) : 0, i;
	uint32_t h = 2166136261u;

	if (p->kind == PEER_INET && p->addr.ss_family == AF_INET) {
		b = (const unsigned char *)
		    &((const struct sockaddr_in *)&p->addr)->sin_addr;
		n = 4;
	} else if (p->kind == PEER_INET) {
		b = ((const struct sockaddr_in6 *)&p->addr)->sin6_addr.s6_addr;
		n = 8;
	}
	for (i = 0; i < n; i++)
		h = (h ^ b[i]) * 16777619u;
	return h % BUCKETS;
}

static bool
is_stale(const struct client *c, int64_t now)
{
	return c->sessions == 0 && c->helpers == 0 &&
	    c->failed_at + REMEMBER < now && c->barred_until < now &&
	    c->told_at + MINUTE < now;
}

static void
tell_rest(struct client *c)
{
	if (c->untold > 0)
		log_warn("refused", "ip=%s more=%lu", c->peer.ip, c->untold);
	c->untold = 0;
}

static void
client_remove(struct client *c)
{
	tell_rest(c);
	LIST_REMOVE(c, link);
	nclients--;
	free(c);
}

/* The table is full: whatever is stale goes; if nothing is, the one without
 * session that failed longest ago. */
static void
make_room(void)
{
	struct client *c, *next, *oldest = NULL;
	int64_t now = clock_ms();
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		for (c = LIST_FIRST(&table[i]); c != NULL; c = next) {
			next = LIST_NEXT(c, link);
			if (is_stale(c, now))
				client_remove(c);
			else if (c->sessions == 0 && c->helpers == 0 &&
			    (oldest == NULL ||
			    c->failed_at < oldest->failed_at))
				oldest = c;
		}
	}
	if (nclients >= CLIENTS_MAX && oldest != NULL)
		client_remove(oldest);
}

struct client *
client_find(const struct peer *p)
{
	struct client_list *list = &table[bucket_of(p)];
	struct client *c;

	LIST_FOREACH(c, list, link)
		if (peer_same(&c->peer, p))
			return c;
	if (nclients >= CLIENTS_MAX)
		make_room();
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->peer = *p;
	c->failed_at = -REMEMBER;
	c->told_at = -MINUTE;
	LIST_INSERT_HEAD(list, c, link);
	nclients++;
	return c;
}

void
client_forget(struct client *c)
{
	if (is_stale(c, clock_ms()))
		client_remove(c);
}

void
client_failed_login(struct client *c, int64_t now)
{
	if (c->failed_at + REMEMBER < now)
		c->failures = 0;
	c->failures++;
	c->failed_at = now;
}

bool
client_locked(const struct client *c, size_t max, int64_t now)
{
	return max > 0 && c->peer.kind == PEER_INET && c->failures >= max &&
	    c->failed_at + REMEMBER >= now;
}

int64_t
client_delay(const struct client *c)
{
	if (c->failures == 0)
		return 0;
	return c->failures > 5 ? DELAY_MAX : 1000LL << (c->failures - 1);
}

void
client_crashed(struct client *c, int64_t now)
{
	c->crashes++;
	c->barred_until = now + (c->crashes > 8 ? 60 * 1000 :
	    250LL << (c->crashes - 1));
}

void
client_refused(const struct peer *p, enum server_refusal why, int64_t now)
{
	static const char *const reason[] = { "full", "address-full",
	    "stopping", "no-fork", "too-fast" };
	struct client *c = client_find(p);

	if (c != NULL && c->told_at + MINUTE > now) {
		c->untold++;
		if (tell_at == 0)
			tell_at = now + MINUTE;
		return;
	}
	log_warn("refused", "ip=%s reason=%s", p->ip, reason[why]);
	if (c == NULL)
		return;
	tell_rest(c);
	c->told_at = now;
}

int64_t
client_tell_due(void)
{
	return tell_at;
}

void
client_tell(int64_t now)
{
	struct client *c;
	size_t i;

	if (tell_at == 0 || tell_at > now)
		return;
	tell_at = 0;
	for (i = 0; i < BUCKETS; i++)
		LIST_FOREACH(c, &table[i], link)
			tell_rest(c);
}

void
client_drop(void)
{
	memory_drop(table, sizeof(table));
}
