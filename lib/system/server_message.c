/* SPDX-License-Identifier: ISC
 *
 * One message over a SOCK_SEQPACKET pair: a word, a fixed-size body, and up
 * to two descriptors.  A message of another shape is told from a good one,
 * never repaired.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "system/server_local.h"

union control {
	struct cmsghdr	align;
	char		space[CMSG_SPACE(2 * sizeof(int))];
};

int
message_send(int sock, uint32_t word, const void *body, size_t n,
    const int *fds, size_t nfds, int flags)
{
	struct server_head head = { word };
	struct iovec iov[2] = {
		{ &head, sizeof(head) },
		{ (void *)(uintptr_t)body, n }
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n > 0 ? 2 : 1 };
	union control control;
	struct cmsghdr *cm;
	ssize_t w;

	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, nfds * sizeof(int));
	}
	do
		w = sendmsg(sock, &msg, flags | MSG_NOSIGNAL);
	while (w == -1 && errno == EINTR);
	return w == -1 ? -1 : 0;
}

/* The descriptors of a message; -1 where there is none. */
static void
take_fds(struct msghdr *msg, int fds[2])
{
	struct cmsghdr *cm;
	size_t n, i;
	int fd;

	fds[0] = fds[1] = -1;
	for (cm = CMSG_FIRSTHDR(msg); cm != NULL; cm = CMSG_NXTHDR(msg, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			    sizeof(fd));
			if (i < 2 && fds[i] == -1)
				fds[i] = fd;
			else
				close(fd);
		}
	}
}

ssize_t
message_recv(int sock, uint32_t *word, void *body, size_t size, int fds[2],
    int flags)
{
	struct server_head head;
	struct iovec iov[2] = {
		{ &head, sizeof(head) },
		{ body, size }
	};
	union control control;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t r;

	fds[0] = fds[1] = -1;
	do
		r = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC | MSG_TRUNC);
	while (r == -1 && errno == EINTR);
	if (r <= 0)
		return r;
	take_fds(&msg, fds);
	*word = head.word;
	if (r < (ssize_t)sizeof(head) || msg.msg_flags & MSG_CTRUNC ||
	    (size_t)r > sizeof(head) + size)
		return (ssize_t)(sizeof(head) + size + 1);
	return r;
}
