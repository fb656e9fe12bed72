/* SPDX-License-Identifier: ISC
 *
 * Reads a PROXY protocol header.  It must never read past it: what follows
 * is the client's, perhaps the start of a TLS handshake.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "grammar/proxy.h"
#include "system/clock.h"
#include "system/proxy.h"

/* Up to n bytes before the deadline; 0 end, -1 late or error. */
static ssize_t
read_some(int fd, char *to, size_t n, long long deadline)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	long long left;
	ssize_t r;

	for (;;) {
		if ((left = deadline - clock_ms()) <= 0)
			return -1;
		if (poll(&pfd, 1, (int)left) <= 0)
			continue;
		r = read(fd, to, n);
		if (r == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		return r;
	}
}

static int
name_peer(struct peer *p, const unsigned char *addr, unsigned short port,
    enum proxy_family family)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };

	if (family == PROXY_IPV4) {
		memcpy(&sin.sin_addr, addr, 4);
		sin.sin_port = htons(port);
		return peer_set_sockaddr(p, (struct sockaddr *)&sin);
	}
	memcpy(&sin6.sin6_addr, addr, 16);
	sin6.sin6_port = htons(port);
	return peer_set_sockaddr(p, (struct sockaddr *)&sin6);
}

int
proxy_read(int fd, unsigned seconds, struct peer *peer, struct peer *local)
{
	long long deadline = clock_ms() + (long long)seconds * 1000;
	struct proxy_header header;
	char buf[PROXY_V2_MAX];
	size_t n = 0, want = 1;
	ssize_t r;
	int found;

	while ((found = proxy_parse(&header, buf, n, &want)) == 0) {
		if (want <= n || want > sizeof(buf))
			return -1;
		r = read_some(fd, buf + n, want - n, deadline);
		if (r <= 0)
			return -1;
		n += (size_t)r;
	}
	if (found == -1)
		return -1;
	if (header.family == PROXY_NONE)
		return 0;
	name_peer(peer, header.src, header.src_port, header.family);
	peer->proxied = true;
	if (local != NULL)
		name_peer(local, header.dst, header.dst_port, header.family);
	return 1;
}
