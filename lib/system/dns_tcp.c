/* SPDX-License-Identifier: ISC
 *
 * One question by TCP, where a reply did not fit into UDP.  Few at a time: a
 * resolver takes few.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/dns_local.h"

#define MESSAGE_MAX	65535

/* 0, or -1 with errno. */
static int
watch(struct dns *dns, struct dns_tcp *t, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = t };

	return epoll_ctl(dns->epoll, op, t->fd, &ev);
}

int
dns_tcp_start(struct dns_job *job, size_t server)
{
	struct dns *dns = job->dns;
	const struct dns_server *s = &dns->servers[server];
	struct dns_tcp *t;
	size_t i;
	int error;

	dns_tcp_close(job);
	for (i = 0; i < DNS_TCP_MAX && dns->tcp[i].job != NULL; i++)
		;
	if (i == DNS_TCP_MAX)
		return 1;
	t = &dns->tcp[i];
	t->fd = socket(s->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (t->fd == -1)
		return errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM ? 1 : -1;
	if ((connect(t->fd, (const struct sockaddr *)&s->addr, s->len) == -1
	    && errno != EINPROGRESS) ||
	    watch(dns, t, EPOLL_CTL_ADD, EPOLLOUT) == -1) {
		error = errno;
		close(t->fd);
		errno = error;
		return -1;
	}
	t->job = job;
	t->id = (uint16_t)arc4random();
	t->state = DNS_TCP_CONNECT;
	t->at = 0;
	job->tcp = (int)i;
	return 0;
}

void
dns_tcp_close(struct dns_job *job)
{
	struct dns_tcp *t;

	if (job->tcp == -1)
		return;
	t = &job->dns->tcp[job->tcp];
	close(t->fd);
	free(t->reply);
	t->reply = NULL;
	t->job = NULL;
	job->tcp = -1;
}

static void
broken(struct dns_tcp *t, const char *why)
{
	struct dns_job *job = t->job;

	dns_tcp_close(job);
	dns_job_refused(job, job->server, why);
}

/* Two octets of length, and the message. */
static void
send_some(struct dns *dns, struct dns_tcp *t)
{
	struct dns_job *job = t->job;
	uint8_t all[2 + DNS_QUESTION_MAX];
	ssize_t n;

	all[0] = (uint8_t)(job->len >> 8);
	all[1] = (uint8_t)job->len;
	memcpy(all + 2, job->wire, job->len);
	all[2] = (uint8_t)(t->id >> 8);
	all[3] = (uint8_t)t->id;
	n = send(t->fd, all + t->at, job->len + 2 - t->at, MSG_DONTWAIT |
	    MSG_NOSIGNAL);
	if (n > 0)
		t->at += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR) {
		broken(t, strerror(errno));
		return;
	}
	if (t->at < job->len + 2)
		return;
	t->at = 0;
	t->state = DNS_TCP_RECV;
	if (watch(dns, t, EPOLL_CTL_MOD, EPOLLIN) == -1)
		broken(t, strerror(errno));
}

/* The message is whole. */
static void
take(struct dns_tcp *t)
{
	struct dns_job *job = t->job;
	uint8_t *p = t->reply;
	size_t n = t->at - 2;

	t->reply = NULL;
	/* The case may change here: the connection proves more. */
	if (n < 12 || p[2] != t->id >> 8 || p[3] != (t->id & 0xff) ||
	    dns_is_reply(job->wire, job->name_len, p + 2, n) == DNS_OTHER)
		broken(t, "not an answer");
	else {
		dns_tcp_close(job);
		dns_job_take(job, job->server, p + 2, n, 1);
	}
	free(p);
}

static void
recv_some(struct dns_tcp *t)
{
	size_t want = 2;
	ssize_t n;

	if (t->reply == NULL &&
	    (t->reply = calloc(1, 2 + MESSAGE_MAX)) == NULL) {
		broken(t, "no memory");
		return;
	}
	if (t->at >= 2)
		want += (size_t)(t->reply[0] << 8 | t->reply[1]);
	n = recv(t->fd, t->reply + t->at, want - t->at, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		broken(t, n == 0 ? "closed" : strerror(errno));
		return;
	}
	t->at += (size_t)n;
	if (t->at >= 2 && t->at == 2 + (size_t)(t->reply[0] << 8 |
	    t->reply[1]))
		take(t);
}

void
dns_tcp_ready(struct dns *dns, struct dns_tcp *t)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (t->job == NULL)
		return;
	switch (t->state) {
	case DNS_TCP_CONNECT:
		if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error,
		    &len) == -1 || error != 0) {
			broken(t, strerror(error));
			break;
		}
		t->state = DNS_TCP_SEND;
		/* FALLTHROUGH */
	case DNS_TCP_SEND:
		send_some(dns, t);
		break;
	case DNS_TCP_RECV:
		recv_some(t);
		break;
	}
}
