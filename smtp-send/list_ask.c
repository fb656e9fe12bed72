/* SPDX-License-Identifier: ISC
 *
 * mailq for those to whom the spool is closed: the socket behind which
 * list_serve() tells each what is theirs.  It must never pass off half a list
 * as a whole one.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "list.h"
#include "reach.h"

#define WAIT	60000	/* milliseconds for the next piece */

bool
list_is_ours(const struct settings *s)
{
	char path[PATH_MAX];
	struct stat st;

	if (geteuid() == 0)
		return true;
	snprintf(path, sizeof(path), "%s/remote/now", s->spool);
	if (stat(path, &st) == -1)
		return errno == ENOENT;
	return st.st_uid == geteuid();
}

/* A list ends with a line about all of it. */
static bool
is_end(const char *line)
{
	unsigned long messages;
	int n = 0;

	if (strcmp(line, "Nothing waits.\n") == 0)
		return true;
	/* The LF of the format is met by none too. */
	return sscanf(line, "%lu message%*[s, 0-9]octets\n%n", &messages,
	    &n) == 1 && n > 0 && line[n - 1] == '\n' && line[n] == '\0';
}

/* Copy all of it; what its last line is goes to last[size]. */
static int
copy(int fd, char *last, size_t size)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char data[8192];
	size_t len = 0;
	ssize_t got, i;

	last[0] = '\0';
	for (;;) {
		if (poll(&pfd, 1, WAIT) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if ((got = read(fd, data, sizeof(data))) == -1 &&
		    errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		if (fwrite(data, 1, (size_t)got, stdout) != (size_t)got)
			return -1;
		for (i = 0; i < got; i++) {
			if (len > 0 && last[len - 1] == '\n')
				len = 0;
			if (len + 1 < size)
				last[len++] = data[i];
			last[len] = '\0';
		}
	}
}

static int
ask(const struct settings *s, int fd)
{
	char last[100];
	int r = copy(fd, last, sizeof(last));

	close(fd);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	if (r == 0 && is_end(last))
		return EX_OK;
	warnx("%s: the list has no end: %s", s->list_socket, r == 0 ?
	    "try again" : strerror(errno));
	return EX_TEMPFAIL;
}

int
list_ask(const struct settings *s)
{
	struct select all = { 0 };
	int fd;

	if (list_is_ours(s))
		return list_queue(s, &all, VIEW_PLAIN);
	if (s->list_socket[0] != '\0' &&
	    (fd = reach_unix(s->list_socket)) != -1)
		return ask(s, fd);
	if (s->list_socket[0] == '\0')
		warnx("the queue is closed to this user");
	else
		warnx("the queue is closed to this user, and nobody answers "
		    "behind %s: %s", s->list_socket, strerror(errno));
	return s->list_socket[0] != '\0' && errno == ECONNREFUSED ?
	    EX_TEMPFAIL : EX_NOPERM;
}
