/* SPDX-License-Identifier: ISC
 *
 * Deliveries and records as packets.  A packet is one send and is taken whole
 * or not at all; what does not add up is an end of the conversation.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parcel.h"

enum { ANYWAY = 1 };

/* The lengths of what follows, in this order, behind the hosts. */
enum part { KEY, DOMAIN, PREFIX, PREFIX_7BIT, STS, ENVELOPE, PARTS };

struct head {
	int64_t		offset;
	uint32_t	seq;
	uint32_t	flags;
	uint32_t	nhosts;
	uint32_t	len[PARTS];
};

union control {
	struct cmsghdr	align;
	char		data[CMSG_SPACE(2 * sizeof(int))];
};

/* The envelope as the worker is to know it: its own recipients, and nothing
 * of who sent it from where. */
static int
write_envelope(struct buf *b, const struct delivery *d)
{
	struct envelope_rcpt rcpts[PARCEL_RCPTS];
	struct envelope e = *d->env;
	size_t i;

	memcpy(rcpts, d->rcpts, d->nrcpts * sizeof(*rcpts));
	for (i = 0; i < d->nrcpts; i++)
		rcpts[i].status = ENVELOPE_QUEUED;
	e.auth = e.ip = e.uid = e.with = e.expanded = NULL;
	e.rcpts = rcpts;
	e.nrcpts = d->nrcpts;
	return envelope_write(b, &e);
}

static size_t
news(const struct hosts *hosts, uint32_t told, struct host *to)
{
	size_t i, n = 0;

	if (hosts == NULL || hosts->last == told)
		return 0;
	for (i = 0; i < HOSTS_MAX; i++)
		if (hosts->v[i].failures > 0 && hosts->serial[i] > told)
			to[n++] = hosts->v[i];
	return n;
}

static void
attach(struct msghdr *msg, union control *control, const struct delivery *d)
{
	int fds[2] = { d->fd, d->fd_7bit }, n = d->fd_7bit == -1 ? 1 : 2;
	struct cmsghdr *c = &control->align;

	memset(control, 0, sizeof(*control));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, (size_t)n * sizeof(int));
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
}

/* A text as a part; NULL is an empty one. */
static void
part(struct head *h, struct iovec *iov, enum part which, const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);

	h->len[which] = (uint32_t)n;
	iov[2 + which] = (struct iovec){ (void *)(uintptr_t)text, n };
}

static int
send_packet(int sock, const struct delivery *d, struct iovec *iov, size_t n)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };
	union control control;
	ssize_t r;

	attach(&msg, &control, d);
	do
		r = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r == -1 && errno == EINTR);
	return r == -1 ? -1 : 0;
}

int
parcel_send(int sock, uint32_t seq, const struct delivery *d,
    const struct hosts *hosts, uint32_t *told)
{
	struct host dead[HOSTS_MAX];
	struct head head = { .seq = seq, .offset = d->offset,
	    .flags = d->anyway ? ANYWAY : 0 };
	struct iovec iov[2 + PARTS];
	struct buf env;
	int r = -1;

	if (d->nrcpts == 0 || d->nrcpts > PARCEL_RCPTS) {
		errno = EMSGSIZE;
		return -1;
	}
	head.nhosts = (uint32_t)news(hosts, *told, dead);
	iov[0] = (struct iovec){ &head, sizeof(head) };
	iov[1] = (struct iovec){ dead, head.nhosts * sizeof(*dead) };
	part(&head, iov, KEY, d->key);
	part(&head, iov, DOMAIN, d->domain);
	part(&head, iov, PREFIX, d->prefix);
	part(&head, iov, PREFIX_7BIT, d->prefix_7bit);
	part(&head, iov, STS, NULL);
	if (d->sts != NULL) {
		head.len[STS] = (uint32_t)sts_record_size(d->sts);
		iov[2 + STS] = (struct iovec){ (void *)(uintptr_t)d->sts,
		    head.len[STS] };
	}
	buf_init(&env, PARCEL_MAX);
	if (write_envelope(&env, d) == -1 || buf_addc(&env, '\0') == -1) {
		errno = ENOMEM;
		goto out;
	}
	part(&head, iov, ENVELOPE, env.data);
	if (head.len[PREFIX] > PARCEL_PREFIX ||
	    head.len[PREFIX_7BIT] > PARCEL_PREFIX ||
	    head.len[KEY] >= DELIVERY_KEY_MAX ||
	    head.len[ENVELOPE] > PARCEL_MAX / 2) {
		errno = EMSGSIZE;
		goto out;
	}
	r = send_packet(sock, d, iov, 2 + PARTS);
	if (r == 0 && hosts != NULL)
		*told = hosts->last;
out:
	buf_free(&env);
	return r;
}

/* The descriptors beside a packet, -1 for those that are not there. */
static void
detach(struct msghdr *msg, int fds[2])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	size_t n;

	fds[0] = fds[1] = -1;
	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS || c->cmsg_len < CMSG_LEN(sizeof(int)))
		return;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), (n > 2 ? 2 : n) * sizeof(int));
}

/* A copy of a part, NUL-terminated; moves *at. */
static char *
take_text(const char **at, size_t n)
{
	char *copy;

	if ((copy = malloc(n + 1)) == NULL)
		return NULL;
	memcpy(copy, *at, n);
	copy[n] = '\0';
	*at += n;
	return copy;
}

/* Do the lengths make up the packet? */
static int
adds_up(const struct head *h, size_t n)
{
	uint64_t sum = sizeof(*h) + (uint64_t)h->nhosts * sizeof(struct host);
	int i;

	if (h->nhosts > HOSTS_MAX || h->len[KEY] >= DELIVERY_KEY_MAX ||
	    h->len[DOMAIN] >= DELIVERY_KEY_MAX ||
	    h->len[STS] > sizeof(struct sts_record))
		return 0;
	for (i = 0; i < PARTS; i++)
		sum += h->len[i];
	return sum == n;
}

static int
unpack(struct parcel *p, const char *data, size_t n, struct hosts *hosts)
{
	struct delivery *d = &p->delivery;
	const char *at = data + sizeof(struct head);
	struct head h;
	struct host host;
	unsigned line;
	uint32_t i;

	if (n < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	if (!adds_up(&h, n))
		return 0;
	for (i = 0; i < h.nhosts; i++, at += sizeof(host)) {
		memcpy(&host, at, sizeof(host));
		hosts_take(hosts, &host);
	}
	memcpy(p->key, at, h.len[KEY]);
	p->key[h.len[KEY]] = '\0';
	at += h.len[KEY];
	memcpy(p->domain, at, h.len[DOMAIN]);
	p->domain[h.len[DOMAIN]] = '\0';
	at += h.len[DOMAIN];
	if ((h.len[PREFIX] > 0 &&
	    (p->prefix = take_text(&at, h.len[PREFIX])) == NULL) ||
	    (h.len[PREFIX_7BIT] > 0 &&
	    (p->prefix_7bit = take_text(&at, h.len[PREFIX_7BIT])) == NULL))
		return 0;
	memcpy(&p->sts, at, h.len[STS]);
	at += h.len[STS];
	if (envelope_parse(&p->env, at, h.len[ENVELOPE], &line) != 1)
		return 0;
	p->seq = h.seq;
	d->offset = (off_t)h.offset;
	d->anyway = (h.flags & ANYWAY) != 0;
	d->key = p->key;
	d->domain = p->domain;
	d->sts = h.len[STS] > 0 ? &p->sts : NULL;
	d->prefix = p->prefix;
	d->prefix_7bit = p->prefix_7bit;
	d->env = &p->env;
	d->rcpts = p->env.rcpts;
	d->nrcpts = p->env.nrcpts;
	return 1;
}

int
parcel_recv(int sock, struct parcel *p, struct hosts *hosts)
{
	static char data[PARCEL_MAX];
	struct iovec iov = { data, sizeof(data) };
	union control control;
	int fds[2];
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n;

	envelope_init(&p->env);
	p->delivery.fd = p->delivery.fd_7bit = -1;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return (int)n;
	detach(&msg, fds);
	p->delivery.fd = fds[0];
	p->delivery.fd_7bit = fds[1];
	if (!(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    p->delivery.fd != -1 && unpack(p, data, (size_t)n, hosts) == 1)
		return 1;
	parcel_free(p);
	errno = EBADMSG;
	return -1;
}

void
parcel_free(struct parcel *p)
{
	if (p->delivery.fd != -1)
		close(p->delivery.fd);
	if (p->delivery.fd_7bit != -1)
		close(p->delivery.fd_7bit);
	free(p->prefix);
	free(p->prefix_7bit);
	envelope_free(&p->env);
	memset(p, 0, sizeof(*p));
}

size_t
record_size(uint32_t type)
{
	const size_t head = offsetof(struct record, u);

	switch ((enum record_type)type) {
	case RECORD_REPORT:
		return head + sizeof(struct report);
	case RECORD_DEAD:
		return head + sizeof(struct host);
	case RECORD_NEWS:
		return head + sizeof(struct news);
	case RECORD_BACK:
		return head;
	}
	return 0;
}

int
record_send(int sock, const struct record *r)
{
	ssize_t n;

	do
		n = send(sock, r, record_size(r->type), MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -1 : 0;
}
