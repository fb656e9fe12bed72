/* SPDX-License-Identifier: ISC
 *
 * Whole writes and reads, and the passing of descriptors.  Never for a
 * network peer: these calls wait as long as it takes.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/fdio.h"

int
fd_write_all(int fd, const void *buf, size_t n)
{
	const char *p = buf;
	ssize_t put;

	while (n > 0) {
		if ((put = write(fd, p, n)) == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

ssize_t
fd_read_all(int fd, void *buf, size_t n)
{
	size_t have = 0;
	ssize_t got;

	while (have < n) {
		got = read(fd, (char *)buf + have, n - have);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

ssize_t
fd_pread_all(int fd, void *buf, size_t n, off_t at)
{
	size_t have = 0;
	ssize_t got;

	while (have < n) {
		got = pread(fd, (char *)buf + have, n - have,
		    at + (off_t)have);
		if (got == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* Room for the control message of n descriptors, rightly aligned. */
union control {
	struct cmsghdr	hdr;
	char		space[CMSG_SPACE(4 * sizeof(int))];
};

char *
fd_read_file(const char *path, size_t most, struct stat *st, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), keep;
	char *text = NULL;
	ssize_t got = -1;

	if (fd == -1)
		return NULL;
	if (fstat(fd, st) == 0) {
		if (!S_ISREG(st->st_mode))
			errno = EINVAL;
		else if ((uintmax_t)st->st_size > most)
			errno = EFBIG;
		else if ((text = malloc((size_t)st->st_size + 1)) != NULL)
			got = fd_read_all(fd, text, (size_t)st->st_size);
	}
	keep = errno;
	close(fd);
	if (got == -1) {
		free(text);
		errno = keep;
		return NULL;
	}
	text[got] = '\0';
	*n = (size_t)got;
	return text;
}

int
fd_send(int sock, const void *buf, size_t n, int fd)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	struct cmsghdr *c;
	ssize_t put;

	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		put = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (put == -1 && errno == EINTR);
	if (put == -1)
		return -1;
	if ((size_t)put != n) {
		errno = EMSGSIZE;
		return -1;
	}
	return 0;
}

/* The descriptors in a received message; the first in *fd, the others, which
 * nobody asked for, closed.  How many there were. */
static size_t
take_descriptors(struct msghdr *msg, int *fd)
{
	struct cmsghdr *c;
	size_t i, n, all = 0;
	int one;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++, all++) {
			memcpy(&one, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(int));
			if (all == 0)
				*fd = one;
			else
				close(one);
		}
	}
	return all;
}

ssize_t
fd_recv(int sock, void *buf, size_t n, int *fd)
{
	struct iovec iov = { .iov_base = buf, .iov_len = n };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space)
	};
	ssize_t got;

	*fd = -1;
	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (got == -1 && errno == EINTR);
	if (got == -1)
		return -1;
	if (take_descriptors(&msg, fd) > 1 ||
	    (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		if (*fd != -1)
			close(*fd);
		*fd = -1;
		errno = EMSGSIZE;
		return -1;
	}
	return got;
}
