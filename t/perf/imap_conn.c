/* SPDX-License-Identifier: ISC
 *
 * The connections of the IMAP client for t/perf/imap: octets, answers, login
 * and logout.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <ctype.h>
#include <err.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "imapclient.h"

enum {
	BUFFER_ONE = 256 * 1024,	/* of the only session */
	BUFFER_MANY = 4096,
	BUFFER_MAX = 64 << 20		/* one line of a SEARCH */
};

struct conn {
	int		 fd;
	SSL		*ssl;
	unsigned	 tag;
	size_t		 start, end, size;	/* what was read, not used */
	char		*buf;
};

uint64_t units, octets;
char uidvalidity[24], modseq[24];

/* ---- octets ---- */

int
conn_fd(const struct conn *c)
{
	return c->fd;
}

void
put(struct conn *c, const char *p, size_t n)
{
	ssize_t w;

	for (; n > 0; p += w, n -= (size_t)w) {
		w = c->ssl == NULL ? write(c->fd, p, n) :
		    SSL_write(c->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
		if (w <= 0)
			err(EX_IOERR, "write");
	}
}

static void
make_room(struct conn *c)
{
	if (c->start > 0) {
		memmove(c->buf, c->buf + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->end < c->size)
		return;
	if (c->size >= BUFFER_MAX)
		errx(EX_PROTOCOL, "a line without an end");
	c->size *= 4;
	if ((c->buf = realloc(c->buf, c->size)) == NULL)
		err(EX_OSERR, "realloc");
}

/* 1 more octets, 0 end of file. */
static int
fill(struct conn *c)
{
	ssize_t n;

	make_room(c);
	n = c->ssl == NULL ?
	    read(c->fd, c->buf + c->end, c->size - c->end) :
	    SSL_read(c->ssl, c->buf + c->end, (int)(c->size - c->end));
	if (n == -1 && c->ssl == NULL)
		err(EX_IOERR, "read");
	if (n <= 0)
		return 0;
	c->end += (size_t)n;
	return 1;
}

static void
more(struct conn *c)
{
	if (fill(c) == 0)
		errx(EX_PROTOCOL, "the server has closed the connection");
}

/* The next line, without its end; it lives until the next read. */
static char *
line(struct conn *c, size_t *n)
{
	size_t seen = 0;
	char *p, *lf;

	for (;; more(c)) {
		p = c->buf + c->start;
		lf = memchr(p + seen, '\n', c->end - c->start - seen);
		if (lf != NULL)
			break;
		seen = c->end - c->start;
	}
	*n = (size_t)(lf - p);
	if (*n > 0 && p[*n - 1] == '\r')
		--*n;
	c->start += (size_t)(lf - p) + 1;
	return p;
}

static void
skip(struct conn *c, uint64_t n)
{
	size_t here;

	for (;; more(c)) {
		here = c->end - c->start;
		if (here > n)
			here = (size_t)n;
		c->start += here;
		if ((n -= here) == 0)
			return;
	}
}

/* ---- answers ---- */

/* The size of the literal that a line ends with, or -1. */
static int64_t
literal(const char *p, size_t n)
{
	int64_t size = 0, unit = 1;

	if (n < 3 || p[n - 1] != '}')
		return -1;
	for (n--; n > 0 && isdigit((unsigned char)p[n - 1]); n--, unit *= 10)
		size += unit * (p[n - 1] - '0');
	return n > 0 && unit > 1 && p[n - 1] == '{' ? size : -1;
}

static bool
begins(const char *p, size_t n, const char *with)
{
	size_t k = strlen(with);

	return n >= k && memcmp(p, with, k) == 0;
}

static void
count_numbers(const char *p, size_t n)
{
	bool inside = false;
	size_t i;

	for (i = 0; i < n; i++) {
		bool digit = isdigit((unsigned char)p[i]);

		units += digit && !inside;
		inside = digit;
	}
}

static void
remember(char *to, size_t size, const char *p, size_t n, const char *what)
{
	const char *at = memmem(p, n, what, strlen(what));
	size_t i = 0;

	if (at == NULL)
		return;
	for (at += strlen(what); at < p + n && isdigit((unsigned char)*at) &&
	    i < size - 1; at++)
		to[i++] = *at;
	to[i] = '\0';
}

/* An untagged line, which begins with "* ". */
static void
count(const char *p, size_t n)
{
	size_t i = 2;

	while (i < n && isdigit((unsigned char)p[i]))
		i++;
	if (i > 2) {
		units += begins(p + i, n - i, " FETCH") ||
		    begins(p + i, n - i, " EXPUNGE");
	} else if (begins(p, n, "* SEARCH") || begins(p, n, "* SORT") ||
	    begins(p, n, "* THREAD")) {
		count_numbers(p, n);
	} else if (begins(p, n, "* OK [")) {
		remember(uidvalidity, sizeof(uidvalidity), p, n,
		    "[UIDVALIDITY ");
		remember(modseq, sizeof(modseq), p, n, "[HIGHESTMODSEQ ");
	}
}

/* Take one answer with its literals; the first line, or what is left of it. */
const char *
answer(struct conn *c, size_t *n)
{
	static char first[200];
	int64_t size;
	size_t k;
	char *p = line(c, &k);

	if (begins(p, k, "* "))
		count(p, k);
	*n = k < sizeof(first) ? k : sizeof(first) - 1;
	memcpy(first, p, *n);
	first[*n] = '\0';
	while ((size = literal(p, k)) >= 0) {
		octets += (uint64_t)size;
		skip(c, (uint64_t)size);
		p = line(c, &k);
	}
	return first;
}

/* Up to the tagged answer to the last command, which must be OK. */
void
finish(struct conn *c)
{
	char want[24];
	const char *p;
	size_t n;

	snprintf(want, sizeof(want), "t%u OK", c->tag);
	for (;;) {
		p = answer(c, &n);
		if (p[0] == '*')
			continue;
		if (!begins(p, n, want))
			errx(EX_PROTOCOL, "%s", p);
		return;
	}
}

void
send_command(struct conn *c, const char *text)
{
	char *command;
	int n;

	if ((n = asprintf(&command, "t%u %s\r\n", ++c->tag, text)) == -1)
		err(EX_OSERR, "asprintf");
	put(c, command, (size_t)n);
	free(command);
}

void
ask(struct conn *c, const char *text)
{
	send_command(c, text);
	finish(c);
}

void
continuation(struct conn *c)
{
	const char *p;
	size_t n;

	do
		p = answer(c, &n);
	while (p[0] == '*');
	if (p[0] != '+')
		errx(EX_PROTOCOL, "%s", p);
}

/* ---- sessions ---- */

static void
start_tls(struct conn *c)
{
	if ((c->ssl = SSL_new(opt.tls)) == NULL ||
	    SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1) {
		ERR_print_errors_fp(stderr);
		errx(EX_PROTOCOL, "no TLS");
	}
}

struct conn *
login(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons(opt.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct conn *c;
	char command[128];
	int on = 1;
	size_t n;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		err(EX_OSERR, "calloc");
	c->size = opt.sessions == 1 ? BUFFER_ONE : BUFFER_MANY;
	if ((c->buf = malloc(c->size)) == NULL)
		err(EX_OSERR, "malloc");
	if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
	    || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		err(EX_UNAVAILABLE, "port %u", opt.port);
	if (opt.tls != NULL)
		start_tls(c);
	(void)answer(c, &n);
	snprintf(command, sizeof(command), "LOGIN %s secret", opt.user);
	ask(c, command);
	return c;
}

/* LOGOUT, and the end of the connection. */
void
logout(struct conn *c)
{
	ask(c, "LOGOUT");
	while (fill(c) == 1)
		c->start = c->end;
	SSL_free(c->ssl);
	close(c->fd);
	free(c->buf);
	free(c);
}
