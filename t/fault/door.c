/* SPDX-License-Identifier: ISC
 *
 * Asks smtpd's monitor what an attacker would ask who has taken over a door:
 * over that door's own socket.
 *
 *	door PID REQUEST ...
 *
 * REQUEST is an operation, with "=" and an address or a number where it takes
 * one.  fd=PATH opens what the next operations bring as a descriptor; after
 * "draft" it is that draft.  One line for each operation: "N", the first
 * number of the reply; "failed"; "gone" when the monitor let go of the door.
 *
 * Exit code: 0; 69 the socket cannot be had.
 */
#include <sys/pidfd.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../smtpd/filter.h"
#include "../../smtpd/smtpd.h"
#include "system/server_local.h"

static union {
	struct rcpt_request	rcpt;
	struct expand_request	expand;
	struct sender_request	sender;
	struct deliver_request	deliver;
	struct filter_request	filter;
	struct create_request	create;
	struct milter_request	milter;
	struct begin_request	begin;
	struct queue_request	queue;
} request;

static const struct {
	const char	*name;
	enum op		 op;
	size_t		 size;
	struct address	*address;
	bool		 fd;
} ops[] = {
	{ "begin", OP_BEGIN, sizeof(request.begin), NULL, false },
	{ "rcpt", OP_RCPT, sizeof(request.rcpt), &request.rcpt.addr, false },
	{ "rcpt-ask", OP_RCPT_ASK, sizeof(request.rcpt), &request.rcpt.addr,
	    false },
	{ "sender", OP_SENDER, sizeof(request.sender), &request.sender.addr,
	    false },
	{ "expand", OP_EXPAND, sizeof(request.expand), &request.expand.addr,
	    false },
	{ "deliver", OP_DELIVER, sizeof(request.deliver),
	    &request.deliver.rcpt, true },
	{ "filter", OP_FILTER, sizeof(request.filter), NULL, true },
	{ "milter", OP_MILTER, sizeof(request.milter), NULL, false },
	{ "draft", OP_DRAFT, 0, NULL, false },
	{ "create", OP_CREATE, sizeof(request.create), NULL, false },
	{ "hold", OP_CREATE, sizeof(request.create), NULL, false },
	{ "envelope", OP_ENVELOPE, sizeof(request.queue), NULL, false },
	{ "commit", OP_COMMIT, 0, NULL, false },
};
#define NOPS	(sizeof(ops) / sizeof(ops[0]))

static int sock, fd = -1;

/* The one socket of the door that keeps records apart. */
static void
steal(pid_t pid)
{
	int pidfd = pidfd_open(pid, 0), type, i;
	socklen_t n;

	if (pidfd == -1 || kill(pid, SIGSTOP) == -1)
		err(EX_UNAVAILABLE, "%d", (int)pid);
	for (i = 0; i < 64; i++) {
		if ((sock = pidfd_getfd(pidfd, i, 0)) == -1)
			continue;
		n = sizeof(type);
		if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
		    type == SOCK_SEQPACKET)
			return;
		close(sock);
	}
	err(EX_UNAVAILABLE, "%d has no such socket", (int)pid);
}

static void
fill(size_t i, const char *arg)
{
	struct address *a = ops[i].address;

	memset(&request, 0, sizeof(request));
	if (strcmp(ops[i].name, "hold") == 0)
		request.create.due = strtoll(arg, NULL, 10);
	else if (a == NULL)
		request.queue.queue = (uint32_t)strtoul(arg, NULL, 10);
	else if (strcmp(arg, "endless") == 0)
		memset(a, 'x', sizeof(*a));
	else if (address_parse(a, arg, strlen(arg), NULL) != 1)
		errx(EX_USAGE, "%s: no address", arg);
}

static void
ask(size_t i, const char *arg)
{
	static char reply[SERVER_MESSAGE_MAX];
	int32_t number;
	uint32_t status;
	int fds[2];
	ssize_t r;

	fill(i, arg);
	memset(reply, 0, sizeof(reply));
	if (message_send(sock, ops[i].op, &request, ops[i].size, &fd,
	    ops[i].fd && fd != -1, 0) == -1 || (r = message_recv(sock,
	    &status, reply, sizeof(reply), fds, 0)) <= 0) {
		puts("gone");
		exit(0);
	}
	if (ops[i].op == OP_DRAFT)
		fd = fds[0];
	memcpy(&number, reply, sizeof(number));
	if (status == SERVER_FAILED)
		puts("failed");
	else
		printf("%d\n", (int)number);
}

int
main(int argc, char **argv)
{
	char *arg;
	size_t j;
	int i;

	if (argc < 3)
		errx(EX_USAGE, "usage: door pid request ...");
	steal((pid_t)strtoul(argv[1], NULL, 10));
	for (i = 2; i < argc; i++) {
		arg = argv[i];
		strsep(&arg, "=");
		if (strcmp(argv[i], "fd") == 0 && arg != NULL) {
			if ((fd = open(arg, O_RDWR | O_CLOEXEC)) == -1)
				err(EX_UNAVAILABLE, "%s", arg);
			continue;
		}
		for (j = 0; j < NOPS; j++)
			if (strcmp(argv[i], ops[j].name) == 0)
				break;
		if (j == NOPS)
			errx(EX_USAGE, "%s: not known", argv[i]);
		ask(j, arg == NULL ? "" : arg);
	}
	return 0;
}
