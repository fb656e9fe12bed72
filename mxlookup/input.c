/* SPDX-License-Identifier: ISC
 *
 * The names to look up.  It reads only when poll(2) says that it will not
 * wait, so that answers can be printed while the next name is still typed.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "input.h"

#define LINE_SIZE	2048	/* octets of a line that count */
#define DOMAIN_MAX	300	/* more than a domain can have */
#define BLANKS		" \t\r\n"

void
input_args(struct input *in, char **args)
{
	memset(in, 0, offsetof(struct input, buf));
	in->args = args;
	in->fd = -1;
}

void
input_fd(struct input *in, int fd)
{
	memset(in, 0, offsetof(struct input, buf));
	in->fd = fd;
}

/* The domain in what a person or a list gives. */
static char *
domain_of(char *word)
{
	char *p = strrchr(word, '@');
	size_t n;

	p = p == NULL || p[1] == '\0' ? word : p + 1;
	n = strlen(p);
	if (n > 1 && p[n - 1] == '.')
		p[n - 1] = '\0';
	return p;
}

/* The name in a line of n octets, which has a place for a NUL behind it, or
 * NULL.  cut: the line is longer. */
static char *
name_in(char *line, size_t n, int cut)
{
	char *p;

	while ((p = memchr(line, '\0', n)) != NULL)
		*p = '?';
	line[n] = '\0';
	p = line + strspn(line, BLANKS);
	p[strcspn(p, BLANKS)] = '\0';
	if (*p == '\0' || *p == '#')
		return NULL;
	/* What is left of a word cut off is no domain. */
	if (cut && strlen(p) > DOMAIN_MAX) {
		p[DOMAIN_MAX] = '\0';
		return p;
	}
	return domain_of(p);
}

/* Read what is there: INPUT_NAME something came, or what else there is. */
static enum input_status
fill(struct input *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };
	ssize_t n;

	if (in->fd == -1)
		return INPUT_END;
	if (in->from > 0)
		memmove(in->buf, in->buf + in->from, in->to - in->from);
	in->to -= in->from;
	in->from = 0;
	if (poll(&p, 1, 0) == 0)
		return INPUT_WAIT;
	n = read(in->fd, in->buf + in->to, INPUT_SIZE - in->to);
	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? INPUT_WAIT :
		    INPUT_FAILED;
	if (n == 0) {
		in->fd = -1;
		return INPUT_END;
	}
	in->to += (size_t)n;
	in->taken += n;
	return INPUT_NAME;
}

/* A line out of the buffer: 1, its octets and whether it was cut; 0 none is
 * whole.  At the end of input what is left is a line. */
static int
take_line(struct input *in, char **line, size_t *n, int *cut)
{
	char *p = in->buf + in->from, *lf;
	size_t have = in->to - in->from;

	if ((lf = memchr(p, '\n', have)) != NULL)
		have = (size_t)(lf - p);
	else if (have == 0 || (have < LINE_SIZE && in->fd != -1))
		return 0;
	*line = p;
	*n = have < LINE_SIZE ? have : LINE_SIZE - 1;
	*cut = have >= LINE_SIZE;
	in->from += have + (lf != NULL);
	/* A line without its end goes on. */
	in->skipping = lf == NULL;
	/* Some editors put a mark of UTF-8 in front of all. */
	if (!in->started && *n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		*line += 3;
		*n -= 3;
	}
	in->started = 1;
	return 1;
}

enum input_status
input_next(struct input *in, char **name)
{
	enum input_status st;
	char *line;
	size_t n;
	int cut, rest;

	if (in->args != NULL) {
		if (*in->args == NULL)
			return INPUT_END;
		*name = domain_of(*in->args++);
		return INPUT_NAME;
	}
	for (;;) {
		rest = in->skipping;
		if (take_line(in, &line, &n, &cut)) {
			if (!rest && (*name = name_in(line, n, cut)) != NULL)
				return INPUT_NAME;
			continue;
		}
		st = fill(in);
		if (st == INPUT_WAIT || st == INPUT_FAILED ||
		    (st == INPUT_END && in->from == in->to))
			return st;
	}
}
