/* SPDX-License-Identifier: ISC
 *
 * A POP3 client that costs next to nothing, for t/perf/pop3: it times one kind
 * of work on a server at 127.0.0.1, and counts what it gets, so that an answer
 * cut short wins nothing.  It must never measure work of its own: reads are
 * large, and the end of an answer is found without a look at its lines.
 *
 *	pop3client [-t] [-n count] [-p clients] [-u user] [-w window] PORT WORK
 *
 * WORK: open (login, STAT, UIDL, LIST, QUIT; -n times), retr or top (of all,
 * -w commands in flight), conn (login, STAT, QUIT; -n times, -p at once),
 * check (what every message looks like, a line each).  -t: TLS from the first
 * octet.  Client 1 is the user u1 (-u NAME: NAME1), the password is "secret".
 *
 * Prints "NAME SECONDS UNITS OCTETS" for each figure; check with TLS ends with
 * the protocol and the cipher.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define BUFFER		(256 * 1024)
#define WINDOW_MAX	1000

static const char end_mark[] = "\r\n.\r\n";
#define END_LEN		(sizeof(end_mark) - 1)

/* What the command line says. */
static struct {
	SSL_CTX		*tls;
	in_port_t	 port;
	const char	*user;
	unsigned	 count, window, clients;
} opt = { .user = "u", .count = 1, .window = 1, .clients = 1 };

struct conn {
	int		 fd;
	SSL		*ssl;
	/* A command for each message from next to last: keyword and what
	 * follows the number. */
	const char	*command, *tail;
	uint32_t	 next, last;
	unsigned	 flight;
	/* What was read and is not used. */
	size_t		 start, end;
	char		 buf[BUFFER];
};

/* What an answer looks like, for the work "check". */
struct sum {
	uint64_t	 hash;
	uint64_t	 dots;
	char		 before;
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- octets ---- */

static void
put(struct conn *c, const char *p, size_t n)
{
	ssize_t w;

	for (; n > 0; p += w, n -= (size_t)w) {
		w = c->ssl == NULL ? write(c->fd, p, n) :
		    SSL_write(c->ssl, p, (int)n);
		if (w <= 0)
			err(EX_IOERR, "write");
	}
}

/* Send commands until the window is full. */
static void
top_up(struct conn *c)
{
	char text[WINDOW_MAX * 24];
	size_t n = 0;

	for (; c->flight < opt.window && c->next <= c->last; c->flight++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%s %" PRIu32 "%s\r\n", c->command, c->next++, c->tail);
	if (n > 0)
		put(c, text, n);
}

/* 1 more octets, 0 end of file. */
static int
fill(struct conn *c)
{
	ssize_t n;

	if (c->command != NULL)
		top_up(c);
	if (c->start > 0) {
		memmove(c->buf, c->buf + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->end == sizeof(c->buf))
		errx(EX_PROTOCOL, "a line without an end");
	n = c->ssl == NULL ?
	    read(c->fd, c->buf + c->end, sizeof(c->buf) - c->end) :
	    SSL_read(c->ssl, c->buf + c->end, (int)(sizeof(c->buf) - c->end));
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

/* ---- answers ---- */

/* The status line, without its end; it lives until the next read. */
static const char *
status(struct conn *c)
{
	char *line, *end;

	while ((end = memmem(c->buf + c->start, c->end - c->start, "\r\n",
	    2)) == NULL)
		more(c);
	line = c->buf + c->start;
	*end = '\0';
	if (strncmp(line, "+OK", 3) != 0)
		errx(EX_PROTOCOL, "%s", line);
	*end = '\r';
	c->start = (size_t)(end - c->buf) + 2;
	return line;
}

static const char *
ask(struct conn *c, const char *command)
{
	put(c, command, strlen(command));
	return status(c);
}

static void
sum_add(struct sum *s, const char *p, size_t n)
{
	for (; n > 0; p++, n--) {
		s->hash = (s->hash ^ (unsigned char)*p) * 0x100000001b3;
		s->dots += s->before == '\n' && *p == '.';
		s->before = *p;
	}
}

/* The lines behind a status line, to the one with a dot alone: how many octets
 * came before that. */
static uint64_t
lines(struct conn *c, struct sum *s)
{
	uint64_t total = 0;
	size_t n;
	char *p, *end;

	/* The end of the status line may be the first of the mark. */
	for (c->start -= 2;; more(c)) {
		p = c->buf + c->start;
		n = c->end - c->start;
		end = NULL;
		/* What stands last ends there: nothing else is asked for. */
		if (n >= END_LEN && c->flight > 1)
			end = memmem(p, n, end_mark, END_LEN);
		else if (n >= END_LEN && memcmp(p + n - END_LEN, end_mark,
		    END_LEN) == 0)
			end = p + n - END_LEN;
		if (end != NULL)
			n = (size_t)(end - p) + END_LEN;
		else
			n = n < END_LEN ? 0 : n - (END_LEN - 1);
		if (s != NULL)
			sum_add(s, p, n);
		c->start += n;
		total += n;
		if (end != NULL)
			return total - END_LEN;
	}
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

static struct conn *
login(unsigned client)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons(opt.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct conn *c;
	char command[128];
	int on = 1;

	if ((c = malloc(sizeof(*c))) == NULL)
		err(EX_OSERR, "malloc");
	memset(c, 0, offsetof(struct conn, buf));
	if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
	    || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		err(EX_UNAVAILABLE, "port %u", opt.port);
	if (opt.tls != NULL)
		start_tls(c);
	(void)status(c);
	snprintf(command, sizeof(command), "USER %s%u\r\n", opt.user, client);
	(void)ask(c, command);
	(void)ask(c, "PASS secret\r\n");
	return c;
}

/* STAT: how many messages, and their size. */
static uint32_t
stat_mailbox(struct conn *c, uint64_t *octets)
{
	uint32_t n;

	if (sscanf(ask(c, "STAT\r\n"), "+OK %" SCNu32 " %" SCNu64, &n,
	    octets) != 2)
		errx(EX_PROTOCOL, "STAT");
	return n;
}

/* QUIT, and the end of the connection: then the maildrop is free again. */
static void
quit(struct conn *c)
{
	(void)ask(c, "QUIT\r\n");
	while (fill(c) == 1)
		errx(EX_PROTOCOL, "more after QUIT");
	SSL_free(c->ssl);
	close(c->fd);
	free(c);
}

static uint64_t
listing(struct conn *c, const char *command)
{
	(void)ask(c, command);
	return lines(c, NULL);
}

/* ---- the work ---- */

static void
show(const char *name, double seconds, uint64_t units, uint64_t octets)
{
	printf("%s %.9f %" PRIu64 " %" PRIu64 "\n", name, seconds, units,
	    octets);
}

static void
work_open(void)
{
	double from = now(), inside = 0, t;
	uint64_t octets, total = 0;
	struct conn *c;
	unsigned i;

	for (i = 0; i < opt.count; i++) {
		c = login(1);
		t = now();
		total += stat_mailbox(c, &octets);
		total += octets;
		total += listing(c, "UIDL\r\n");
		total += listing(c, "LIST\r\n");
		inside += now() - t;
		quit(c);
	}
	show("open", now() - from, opt.count, total);
	show("lists", inside, opt.count, total);
}

static void
fetch(const char *name, const char *command, const char *tail)
{
	struct conn *c = login(1);
	uint64_t octets, total = 0;
	uint32_t i, n;
	double from;

	n = stat_mailbox(c, &octets);
	from = now();
	c->command = command;
	c->tail = tail;
	c->next = 1;
	c->last = n;
	for (i = 1; i <= n; i++) {
		(void)status(c);
		total += lines(c, NULL);
		c->flight--;
	}
	c->command = NULL;
	show(name, now() - from, n, total);
	quit(c);
}

static void
work_retr(void)
{
	fetch("retr", "RETR", "");
}

static void
work_top(void)
{
	fetch("top", "TOP", " 0");
}

static void
sessions(unsigned client, unsigned count)
{
	uint64_t octets;
	struct conn *c;

	while (count-- > 0) {
		c = login(client);
		(void)stat_mailbox(c, &octets);
		quit(c);
	}
}

static void
work_conn(void)
{
	double from = now();
	unsigned i, count = opt.count / opt.clients;
	int st;

	for (i = 1; i <= opt.clients && opt.clients > 1; i++)
		switch (fork()) {
		case -1:
			err(EX_OSERR, "fork");
		case 0:
			sessions(i, count);
			_exit(0);
		}
	if (opt.clients == 1)
		sessions(1, count);
	for (i = 1; i <= opt.clients && opt.clients > 1; i++)
		if (wait(&st) == -1 || st != 0)
			errx(EX_PROTOCOL, "a client has failed");
	show("conn", now() - from, (uint64_t)count * opt.clients, 0);
}

/* One message: that its size is what LIST says, and what it is like. */
static void
check(struct conn *c, uint32_t i)
{
	struct sum retr = { .hash = 0xcbf29ce484222325 }, top = retr;
	char command[40], uid[80] = "";
	uint64_t size = 0, n, octets;

	snprintf(command, sizeof(command), "LIST %" PRIu32 "\r\n", i);
	(void)sscanf(ask(c, command), "+OK %*u %" SCNu64, &size);
	snprintf(command, sizeof(command), "UIDL %" PRIu32 "\r\n", i);
	(void)sscanf(ask(c, command), "+OK %*u %79[!-~]", uid);
	snprintf(command, sizeof(command), "RETR %" PRIu32 "\r\n", i);
	(void)ask(c, command);
	n = lines(c, &retr);
	/* The last dot is the end's. */
	octets = n - (retr.dots - 1);
	snprintf(command, sizeof(command), "TOP %" PRIu32 " 0\r\n", i);
	(void)ask(c, command);
	n = lines(c, &top);
	if (octets != size)
		errx(EX_PROTOCOL, "message %" PRIu32 " has %" PRIu64
		    " octets, LIST says %" PRIu64, i, octets, size);
	printf("%" PRIu32 " uidl %s size %" PRIu64 " %016" PRIx64 " top %"
	    PRIu64 " %016" PRIx64 "\n", i, uid, size, retr.hash, n, top.hash);
}

static void
work_check(void)
{
	struct conn *c = login(1);
	uint64_t octets;
	uint32_t i, n;

	n = stat_mailbox(c, &octets);
	printf("messages %" PRIu32 " octets %" PRIu64 "\n", n, octets);
	for (i = 1; i <= n; i++)
		check(c, i);
	if (opt.tls != NULL)
		printf("%s %s\n", SSL_get_version(c->ssl),
		    SSL_get_cipher_name(c->ssl));
	quit(c);
}

static const struct work {
	const char	*name;
	void		(*call)(void);
} works[] = {
	{ "open", work_open },
	{ "retr", work_retr },
	{ "top", work_top },
	{ "conn", work_conn },
	{ "check", work_check },
};

/* ---- the command line ---- */

static unsigned
number(const char *text, unsigned max)
{
	const char *error;
	unsigned n;

	n = (unsigned)strtonum(text, 1, max, &error);
	if (error != NULL)
		errx(EX_USAGE, "%s: %s", text, error);
	return n;
}

/* One context for all connections; the certificate is the test's own. */
static SSL_CTX *
context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		errx(EX_OSERR, "no TLS");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, 128 * 1024);
	return ctx;
}

int
main(int argc, char **argv)
{
	size_t i;
	int ch;

	while ((ch = getopt(argc, argv, "n:p:tu:w:")) != -1)
		switch (ch) {
		case 'n':
			opt.count = number(optarg, 1000000);
			break;
		case 'p':
			opt.clients = number(optarg, 64);
			break;
		case 't':
			opt.tls = context();
			break;
		case 'u':
			opt.user = optarg;
			break;
		case 'w':
			opt.window = number(optarg, WINDOW_MAX);
			break;
		default:
			return EX_USAGE;
		}
	if (argc - optind != 2)
		errx(EX_USAGE, "see the comment on top of pop3client.c");
	opt.port = (in_port_t)number(argv[optind], 65535);
	for (i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (strcmp(works[i].name, argv[optind + 1]) == 0) {
			works[i].call();
			return 0;
		}
	errx(EX_USAGE, "%s: no such work", argv[optind + 1]);
}
