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
#include "client_local.h"
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

	for (i = 0; rcpts != NULL && i < l->n; i++) {
		rcpts[i].addr = l->rcpts[i];
		rcpts[i].notify = l->notify;
	}
	return rcpts;
}

/* All that the client needs but the text, and a connection.  Ends the program
 * with EX_TEMPFAIL where there is none. */
static void
prepare(const struct settings *s, const struct letter *l, struct client *c,
    struct client_message *m)
{
	char why[512];
	int fd;

	m->rcpts = letter_rcpts(l);
	m->reports = calloc(l->n, sizeof(*m->reports));
	if (m->rcpts == NULL || m->reports == NULL)
		err(EX_TEMPFAIL, "message");
	m->n = l->n;
	m->final = ignore_report;
	m->text.prefix = "";
	m->text.fd = m->seven.fd = -1;
	c->hostname = s->hostname;
	c->host = "localhost";
	strlcpy(c->place, "localhost", sizeof(c->place));
	if ((fd = reach(s, why, sizeof(why))) == -1)
		errx(EX_TEMPFAIL, "%s", why);
	if ((c->stream = stream_new(fd, fd)) == NULL)
		err(EX_TEMPFAIL, "message");
}

/* What the server said of each, and the exit code. */
static int
finish(const struct letter *l, struct client_message *m)
{
	int code;

	client_report_rest(m);
	code = tell(l, m->reports);
	free(m->reports);
	free((void *)(uintptr_t)m->rcpts);
	return code;
}

int
submit_letter(const struct settings *s, const struct letter *l)
{
	struct crlf crlf = { 0 };
	struct envelope env = { .sender = l->sender, .ret = l->ret };
	struct client_message m = { .env = &env };
	struct client c = { .stream = NULL };

	if (envelope_set(&env.envid, l->envid) == -1)
		err(EX_TEMPFAIL, "message");
	prepare(s, l, &c, &m);
	m.text.wire = l->text.len + crlf_wire_extra(&crlf, l->text.data,
	    l->text.len);
	m.text.eightbit = l->eightbit;
	if ((m.text.fd = letter_fd(l)) == -1)
		err(EX_TEMPFAIL, "message");
	(void)client_run(&c, &m);
	close(m.text.fd);
	envelope_free(&env);
	return finish(l, &m);
}

/* ---- -bv ---- */

/* Give one command, and hear what the server says.  -1: it is lost. */
static int
ask(struct talk *t, const char *command, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	stream_printf(t->c->stream, "%s:<%s>%s\r\n", command,
	    address_is_null(a) ? "" : address_text(a, text),
	    command[0] == 'M' && t->c->ehlo.can & SMTP_CAN_SMTPUTF8 ?
	    " SMTPUTF8" : "");
	return client_hear(t, CLIENT_WAIT) == HEARD_LOST ? -1 : 0;
}

static void
verify(struct talk *t, const struct letter *l)
{
	char text[ADDRESS_TEXT_MAX];
	size_t i;

	if (ask(t, "MAIL FROM", &l->sender) == -1) {
		client_report_lost(t, "at MAIL");
		return;
	}
	if (client_reply_outcome(t) != OUTCOME_SENT) {
		client_report_reply_all(t, client_reply_outcome(t));
		return;
	}
	for (i = 0; i < l->n; i++) {
		if (ask(t, "RCPT TO", &l->rcpts[i]) == -1) {
			client_report_lost(t, "at RCPT");
			return;
		}
		client_report_reply(t, i, client_reply_outcome(t));
		if (client_reply_outcome(t) == OUTCOME_SENT)
			printf("%s... deliverable\n", address_text(
			    &l->rcpts[i], text));
	}
}

int
submit_verify(const struct settings *s, const struct letter *l)
{
	struct envelope env = { .sender = l->sender };
	struct client_message m = { .env = &env };
	struct client c = { .stream = NULL };
	struct talk t = { .c = &c, .m = &m, .text = &m.text };

	prepare(s, l, &c, &m);
	if (client_open(&c, &m) == CLIENT_DONE)
		verify(&t, l);
	client_close(&c);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return finish(l, &m);
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
