/* SPDX-License-Identifier: ISC
 *
 * The way to a milter, made in a helper of the monitor, for no door may connect
 * to anything.  It must never read an octet of what is at its end.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "smtpd.h"
#include "system/log.h"

#define CONNECT_MAX	20	/* seconds; within a helper's time */

static int
try_connect(int family, const struct sockaddr *addr, socklen_t len)
{
	struct timeval limit = { CONNECT_MAX, 0 };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), saved;

	if (fd == -1)
		return -1;
	if (smtpd.settings->milter_timeout < CONNECT_MAX)
		limit.tv_sec = (time_t)smtpd.settings->milter_timeout;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof(limit)) == 0 && connect(fd, addr, len) == 0)
		return fd;
	saved = errno == EINPROGRESS || errno == EAGAIN ? ETIMEDOUT : errno;
	close(fd);
	errno = saved;
	return -1;
}

/* unix:PATH, as who we were started: the milter may let only us in. */
static int
connect_unix(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlcpy(addr.sun_path, path, sizeof(addr.sun_path)) >=
	    sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return try_connect(AF_UNIX, (struct sockaddr *)&addr, sizeof(addr));
}

/* inet:HOST:PORT, as the door's user: a name server's answer is read. */
static int
connect_inet(const char *where)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;
	char host[SETTINGS_HOST_MAX], service[8];
	unsigned short port = 0;
	int fd = -1;

	if (server_become_door() == -1)
		return -1;
	(void)settings_host_port(where, host, &port);
	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &list) != 0) {
		errno = EHOSTUNREACH;
		return -1;
	}
	for (a = list; a != NULL && fd == -1; a = a->ai_next)
		fd = try_connect(a->ai_family, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(list);
	return fd;
}

/* The door may know of more than there are since a reload. */
int
milter_check(struct server_call *call)
{
	const struct milter_request *request = call->request;
	struct status_reply *answer = call->reply;

	if (request->index < smtpd.settings->milter.n &&
	    smtpd.mode != MODE_LMTP)
		return 1;
	answer->error = ENOENT;
	return 0;
}

void
milter_run(struct server_call *call)
{
	const struct milter_request *request = call->request;
	const char *name = smtpd.settings->milter.v[request->index];
	struct status_reply *answer = call->reply;

	call->fd = strncmp(name, "unix:", 5) == 0 ? connect_unix(name + 5) :
	    connect_inet(name + strlen("inet:"));
	if (call->fd == -1)
		answer->error = errno;
}
