/* SPDX-License-Identifier: ISC
 *
 * The conversation with this host's own server.  Who we are is the kernel's
 * word there (SO_PEERCRED), so nothing is said about it, and nothing is
 * encrypted on the way.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bytes/crlf.h"
#include "client.h"
#include "reach.h"
#include "submit.h"
#include "system/fdio.h"

static int
connect_loopback(unsigned short port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd, keep;

	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return fd;
	keep = errno;
	close(fd);
	errno = keep;
	return -1;
}

/* Connect.  A descriptor, or -1 with one line in why[size]. */
static int
reach(const struct settings *s, char *why, size_t size)
{
	char socket_fault[128] = "no socket is configured";
	int fd;

	if (s->submit_socket[0] != '\0') {
		if ((fd = reach_unix(s->submit_socket)) != -1)
			return fd;
		snprintf(socket_fault, sizeof(socket_fault), "%.90s: %s",
		    s->submit_socket, strerror(errno));
	}
	if ((fd = connect_loopback((unsigned short)s->smtp_port)) != -1)
		return fd;
	snprintf(why, size, "no mail server takes it now (%s; "
	    "127.0.0.1:%lld: %s)", socket_fault, s->smtp_port,
	    strerror(errno));
	return -1;
}

/* ---- a letter ---- */

static void
ignore_report(void *arg, const struct report *r)
{
	(void)arg;
	(void)r;
}

/* The exit code for a status; the first that begins like it. */
static int
exit_code(const struct report *r)
{
	static const struct {
		const char	*status;
		int		 code;
	} codes[] = {
		{ "5.1.1", EX_NOUSER },
		{ "5.1.2", EX_NOHOST },
		{ "5.1.10", EX_NOHOST },
		{ "5.7.", EX_NOPERM }
	};
	size_t i, best = 0;
	int code = EX_UNAVAILABLE;

	if (r->outcome == OUTCOME_SENT)
		return EX_OK;
	if (r->outcome != OUTCOME_PERMANENT)
		return EX_TEMPFAIL;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strncmp(r->status, codes[i].status,
		    strlen(codes[i].status)) == 0 &&
		    strlen(codes[i].status) > best) {
			best = strlen(codes[i].status);
			code = codes[i].code;
		}
	return code;
}

static int
tell(const struct letter *l, const struct report *reports)
{
	char to[ADDRESS_TEXT_MAX];
	int code = EX_OK, one;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if ((one = exit_code(&reports[i])) == EX_OK)
			continue;
		warnx("%s: %s", address_text(&l->rcpts[i], to),
		    reports[i].reply);
		if (code == EX_OK || code == EX_TEMPFAIL)
			code = one;
	}
	return code;
}

/* The client reads the message from a descriptor. */
static int
letter_fd(const struct letter *l)
{
	int fd;

	if ((fd = memfd_create("message", MFD_CLOEXEC)) == -1)
		return -1;
	if (fd_write_all(fd, l->text.data, l->text.len) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct envelope_rcpt *
letter_rcpts(const struct letter *l)
{
	struct envelope_rcpt *rcpts = calloc(l->n, sizeof(*rcpts));
	size_t i;

	for (i = 0; rcpts != NULL && i < l->n; i++)
		rcpts[i].addr = l->rcpts[i];
	return rcpts;
}

int
submit_letter(const struct settings *s, const struct letter *l)
{
	struct crlf crlf = { 0 };
	struct envelope env = { .sender = l->sender };
	struct envelope_rcpt *rcpts = letter_rcpts(l);
	struct client_message m = { .text = { .prefix = "",
	    .wire = l->text.len + crlf_wire_extra(&crlf, l->text.data,
	    l->text.len), .eightbit = l->eightbit }, .seven.fd = -1,
	    .env = &env, .rcpts = rcpts, .n = l->n, .final = ignore_report };
	struct client c = { .hostname = s->hostname, .host = "localhost",
	    .place = "localhost" };
	char why[512];
	int fd, code;

	if (rcpts == NULL || (m.text.fd = letter_fd(l)) == -1 ||
	    (m.reports = calloc(l->n, sizeof(*m.reports))) == NULL)
		err(EX_TEMPFAIL, "message");
	if ((fd = reach(s, why, sizeof(why))) == -1)
		errx(EX_TEMPFAIL, "%s", why);
	if ((c.stream = stream_new(fd, fd)) == NULL)
		err(EX_TEMPFAIL, "message");
	(void)client_run(&c, &m);
	client_report_rest(&m);
	close(m.text.fd);
	code = tell(l, m.reports);
	free(m.reports);
	free(rcpts);
	return code;
}

/* ---- -bs ---- */

int
submit_relay(const struct settings *s)
{
	enum stream_status st;
	struct stream *in;
	char why[512];
	int fd;

	if ((fd = reach(s, why, sizeof(why))) == -1) {
		/* Our reader speaks SMTP. */
		printf("421 4.3.2 %s\r\n", why);
		return EX_TEMPFAIL;
	}
	if ((in = stream_new(STDIN_FILENO, STDOUT_FILENO)) == NULL)
		err(EX_TEMPFAIL, "standard input");
	st = stream_relay(in, fd);
	stream_free(in);
	close(fd);
	if (st == STREAM_EOF)
		return EX_OK;
	warnx("%s", stream_status_name(st));
	return EX_TEMPFAIL;
}
