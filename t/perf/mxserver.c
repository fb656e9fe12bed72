/* SPDX-License-Identifier: ISC
 *
 * A nameserver that answers any question at once, by UDP, for lists of more
 * names than a zone file should have; faster than who asks it.  It knows no
 * zone: what it says follows from the first label of a name.
 *
 *	mxserver	prints its port, serves until its standard input ends
 *
 * MX: "10 mx.NAME", "20 mx2.NAME"; A: 192.0.2.1, AAAA: 2001:db8::1; nothing
 * else has data.  A first label that begins with "null" has a null MX, with
 * "none" does not exist, with "fail" is SERVFAIL, with "slow" is answered after
 * a second, with "mute" never.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define MANY		64	/* messages at once */
#define SIZE		1500
#define SLOW_MAX	4096	/* answers that wait; further ones are lost */
#define SLOW_MS		1000

struct answer {
	unsigned char	data[SIZE];
	size_t		len;
	struct sockaddr_in to;
};

/* Each waits as long as the next: the oldest is due first. */
static struct slow {
	long long	due;
	struct answer	a;
} slow[SLOW_MAX];
static size_t slow_first, slow_n;

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Append a record for the question's name; returns the new end. */
static unsigned char *
record(unsigned char *p, unsigned char type, const void *rdata,
    unsigned char n)
{
	const unsigned char head[] = { 0xc0, 12, 0, type, 0, 1, 0, 0, 14, 16,
	    0, n };

	memcpy(p, head, sizeof(head));
	memcpy(p + sizeof(head), rdata, n);
	return p + sizeof(head) + n;
}

static int
begins(const unsigned char *label, const char *with)
{
	return label[0] >= strlen(with) &&
	    memcmp(label + 1, with, strlen(with)) == 0;
}

/* Make the answer out of a question of n octets: 1, or 0: none. */
static int
answer(unsigned char *q, size_t n, size_t *len)
{
	static const unsigned char mx1[] = "\0\12\2mx\300\14",
	    mx2[] = "\0\24\3mx2\300\14", null[] = "\0\0";
	static const unsigned char v4[] = { 192, 0, 2, 1 },
	    v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	unsigned char *p, *label = q + 12;
	size_t end;

	for (end = 12; end < n && q[end] != 0; end += q[end] + 1u)
		;
	if (n < 17 || end + 5 > n || end + 100 > SIZE ||
	    begins(label, "mute"))
		return 0;
	p = q + end + 5;
	memcpy(q + 2, "\201\200\0\1\0\0\0\0\0\0", 10);
	if (begins(label, "fail"))
		q[3] |= 2;
	else if (begins(label, "none"))
		q[3] |= 3;
	else if (q[end + 2] == 15 && begins(label, "null")) {
		p = record(p, 15, null, 3);
		q[7] = 1;
	} else if (q[end + 2] == 15) {
		p = record(p, 15, mx1, 7);
		p = record(p, 15, mx2, 8);
		q[7] = 2;
	} else if (q[end + 2] == 1 || q[end + 2] == 28) {
		p = q[end + 2] == 1 ? record(p, 1, v4, 4) :
		    record(p, 28, v6, 16);
		q[7] = 1;
	}
	*len = (size_t)(p - q);
	return 1;
}

/* Keep an answer for later; 1 kept, 0 it is none of those. */
static int
keep(const unsigned char *q, size_t len, const struct sockaddr_in *to)
{
	struct slow *s = &slow[(slow_first + slow_n) % SLOW_MAX];

	if (!begins(q + 12, "slow"))
		return 0;
	if (slow_n < SLOW_MAX) {
		s->due = now_ms() + SLOW_MS;
		memcpy(s->a.data, q, len);
		s->a.len = len;
		s->a.to = *to;
		slow_n++;
	}
	return 1;
}

static void
send_slow(int fd)
{
	struct slow *s;

	for (; slow_n > 0; slow_n--) {
		s = &slow[slow_first];
		if (s->due > now_ms())
			return;
		sendto(fd, s->a.data, s->a.len, 0,
		    (struct sockaddr *)&s->a.to, sizeof(s->a.to));
		slow_first = (slow_first + 1) % SLOW_MAX;
	}
}

/* Take all questions that are there, and answer them. */
static void
serve(int fd)
{
	static unsigned char data[MANY][SIZE];
	static struct sockaddr_in from[MANY];
	struct mmsghdr in[MANY], out[MANY];
	struct iovec iov[MANY];
	size_t len;
	int i, n, k = 0, sent;

	memset(in, 0, sizeof(in));
	for (i = 0; i < MANY; i++) {
		iov[i].iov_base = data[i];
		iov[i].iov_len = SIZE;
		in[i].msg_hdr.msg_iov = &iov[i];
		in[i].msg_hdr.msg_iovlen = 1;
		in[i].msg_hdr.msg_name = &from[i];
		in[i].msg_hdr.msg_namelen = sizeof(from[i]);
	}
	n = recvmmsg(fd, in, MANY, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++) {
		if (!answer(data[i], in[i].msg_len, &len) ||
		    keep(data[i], len, &from[i]))
			continue;
		iov[i].iov_len = len;
		out[k++] = in[i];
	}
	for (i = 0; i < k; i += sent)
		if ((sent = sendmmsg(fd, out + i, (unsigned)(k - i), 0)) <= 0)
			return;
}

int
main(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
	    { .fd = STDIN_FILENO, .events = POLLIN } };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(EX_OSERR, "socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	printf("%u\n", ntohs(sin.sin_port));
	fflush(stdout);
	while ((p[1].revents & (POLLIN | POLLHUP)) == 0) {
		if (poll(p, 2, slow_n > 0 ? 20 : -1) == -1)
			continue;
		if ((p[0].revents & POLLIN) != 0)
			serve(fd);
		send_slow(fd);
	}
	return 0;
}
