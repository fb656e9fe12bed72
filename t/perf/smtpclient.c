/* SPDX-License-Identifier: ISC
 *
 * Sessions without a message, for t/perf/smtpd: EHLO, with -t also STARTTLS
 * and EHLO again.
 *
 *	smtpclient [-t] [-n N] [-p P] PORT	N sessions that end with QUIT,
 *						P at a time; a line with the
 *						time, as Bench.pm reads it
 *	smtpclient [-t] [-n N] -i PORT		N at once, and no QUIT before
 *						standard input ends
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

struct conn {
	int	 fd;
	SSL	*ssl;
};

static struct {
	in_port_t	 port;
	unsigned	 count, clients;
	SSL_CTX		*tls;
} opt = { .count = 1, .clients = 1 };

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
dial(struct conn *c)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_port = htons(opt.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	c->ssl = NULL;
	if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
	    || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		err(EX_UNAVAILABLE, "port %u", opt.port);
}

/* Is this the last line of a reply? */
static bool
is_whole(const char *text, size_t n)
{
	const char *last;

	if (n < 5 || text[n - 1] != '\n')
		return false;
	last = memrchr(text, '\n', n - 1);
	last = last == NULL ? text : last + 1;
	return text + n - last > 4 && last[3] == ' ';
}

/* Wait for a reply of this class.  No server shall wait for our ACK. */
static void
expect(struct conn *c, char class)
{
	char text[2048];
	size_t n = 0;
	ssize_t r;
	int on = 1;

	do {
		(void)setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on,
		    sizeof(on));
		r = c->ssl == NULL ? read(c->fd, text + n, sizeof(text) - n) :
		    SSL_read(c->ssl, text + n, (int)(sizeof(text) - n));
		if (r <= 0)
			errx(EX_PROTOCOL, "the server has closed");
		n += (size_t)r;
	} while (!is_whole(text, n) && n < sizeof(text));
	if (text[0] != class)
		errx(EX_PROTOCOL, "%.*s", (int)n, text);
}

static void
ask(struct conn *c, const char *command)
{
	int n = (int)strlen(command);

	if ((c->ssl == NULL ? (int)write(c->fd, command, (size_t)n) :
	    SSL_write(c->ssl, command, n)) != n)
		err(EX_IOERR, "write");
	expect(c, '2');
}

static void
start_tls(struct conn *c)
{
	ask(c, "STARTTLS\r\n");
	if ((c->ssl = SSL_new(opt.tls)) == NULL ||
	    SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1) {
		ERR_print_errors_fp(stderr);
		errx(EX_PROTOCOL, "no TLS");
	}
}

static void
begin(struct conn *c)
{
	dial(c);
	expect(c, '2');
	ask(c, "EHLO client.test\r\n");
	if (opt.tls == NULL)
		return;
	start_tls(c);
	ask(c, "EHLO client.test\r\n");
}

static void
end(struct conn *c)
{
	ask(c, "QUIT\r\n");
	SSL_free(c->ssl);
	close(c->fd);
}

static void
one_after_another(unsigned n)
{
	struct conn c;

	while (n-- > 0) {
		begin(&c);
		end(&c);
	}
}

/* The sessions of all clients, each a process. */
static void
sessions(void)
{
	double start = now();
	unsigned i;
	int status;
	pid_t pid;

	for (i = 0; i < opt.clients; i++) {
		if ((pid = fork()) == -1)
			err(EX_OSERR, "fork");
		if (pid == 0) {
			one_after_another((opt.count + i) / opt.clients);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		if (status != 0)
			errx(EX_SOFTWARE, "a client has failed");
	printf("sessions %.6f %u 0\n", now() - start, opt.count);
}

static void
idle(void)
{
	struct conn *conns = calloc(opt.count, sizeof(*conns));
	char octet;
	unsigned i;

	if (conns == NULL)
		err(EX_OSERR, "calloc");
	for (i = 0; i < opt.count; i++)
		begin(&conns[i]);
	puts("held");
	fflush(stdout);
	while (read(STDIN_FILENO, &octet, 1) > 0)
		;
	for (i = 0; i < opt.count; i++)
		end(&conns[i]);
	free(conns);
}

static unsigned
number(const char *text, unsigned max)
{
	const char *error;
	unsigned n = (unsigned)strtonum(text, 1, max, &error);

	if (error != NULL)
		errx(EX_USAGE, "%s: %s", text, error);
	return n;
}

/* The certificate is the test's own. */
static SSL_CTX *
context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		errx(EX_OSERR, "no TLS");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	return ctx;
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	bool hold = false;
	int ch;

	while ((ch = getopt(argc, argv, "in:p:t")) != -1)
		switch (ch) {
		case 'i':
			hold = true;
			break;
		case 'n':
			opt.count = number(optarg, 1000000);
			break;
		case 'p':
			opt.clients = number(optarg, 1000);
			break;
		case 't':
			opt.tls = context();
			break;
		default:
			return EX_USAGE;
		}
	if (argc - optind != 1)
		errx(EX_USAGE, "see the comment on top of smtpclient.c");
	opt.port = (in_port_t)number(argv[optind], 65535);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (hold)
		idle();
	else
		sessions();
	return 0;
}
