/* SPDX-License-Identifier: ISC
 *
 * A small table that forgets the oldest.  It never holds an address back for
 * longer than HOST_WAIT_MAX, whoever said so.
 */
#include <errno.h>
#include <string.h>

#include "hosts.h"

static struct host *
lookup(const struct hosts *h, const struct dns_addr *addr, uint16_t port)
{
	size_t i;

	for (i = 0; i < HOSTS_MAX; i++)
		if (h->v[i].port == port && h->v[i].failures > 0 &&
		    dns_addr_equal(&h->v[i].addr, addr))
			return (struct host *)&h->v[i];
	return NULL;
}

/* A place for another: an empty one, else that of the oldest. */
static struct host *
place(struct hosts *h)
{
	struct host *old = &h->v[0];
	size_t i;

	for (i = 0; i < HOSTS_MAX; i++) {
		if (h->v[i].failures == 0)
			return &h->v[i];
		if (h->v[i].at < old->at)
			old = &h->v[i];
	}
	memset(old, 0, sizeof(*old));
	return old;
}

static int64_t
wait_after(unsigned failures)
{
	int64_t wait = HOST_WAIT;

	while (--failures > 0 && wait < HOST_WAIT_MAX)
		wait *= 2;
	return wait < HOST_WAIT_MAX ? wait : HOST_WAIT_MAX;
}

/* Is it the other side, or the way there, and not this host? */
static bool
is_theirs(int error)
{
	return error == ECONNREFUSED || error == ETIMEDOUT ||
	    error == EHOSTUNREACH || error == ENETUNREACH ||
	    error == ECONNRESET || error == EHOSTDOWN;
}

void
hosts_fail(struct hosts *h, const struct dns_addr *addr, uint16_t port,
    int error, int64_t now)
{
	struct host *host = lookup(h, addr, port);

	if (!is_theirs(error))
		return;
	if (host == NULL)
		host = place(h);
	else if (now < host->until)
		return;		/* several at once are one failure */
	host->addr = *addr;
	host->port = port;
	host->error = error;
	if (host->failures < UINT16_MAX)
		host->failures++;
	host->at = now;
	host->until = now + wait_after(host->failures);
	h->serial[host - h->v] = ++h->last;
	h->news[host - h->v] = true;
}

void
hosts_good(struct hosts *h, const struct dns_addr *addr, uint16_t port)
{
	struct host *host = lookup(h, addr, port);

	if (host != NULL)
		memset(host, 0, sizeof(*host));
}

void
hosts_take(struct hosts *h, const struct host *from)
{
	struct host *host = lookup(h, &from->addr, from->port);

	if (from->failures == 0 || from->until - from->at > HOST_WAIT_MAX ||
	    (from->addr.family != AF_INET && from->addr.family != AF_INET6))
		return;
	if (host == NULL)
		host = place(h);
	else if (host->at > from->at)
		return;
	*host = *from;
	h->serial[host - h->v] = ++h->last;
	h->news[host - h->v] = false;
}

const struct host *
hosts_find(const struct hosts *h, const struct dns_addr *addr, uint16_t port,
    int64_t now)
{
	const struct host *host = lookup(h, addr, port);

	/* A clock that was set back is no reason to wait for ever. */
	return host != NULL && now < host->until &&
	    host->until - now <= HOST_WAIT_MAX ? host : NULL;
}
