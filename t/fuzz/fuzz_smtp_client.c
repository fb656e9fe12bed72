/* SPDX-License-Identifier: ISC
 *
 * Proves that nothing a server says breaks the client of smtp-send: the octets
 * are all that it answers, in pieces that end with an octet 255, each of them
 * read at once; two messages are offered on the connection, one with 8-bit
 * text.  The first octet says how the host is spoken to.  What goes out
 * are lines, the password goes to nobody who has not proved his name, a message
 * counts as taken only when all of it went out, and each recipient's fate is
 * final once.
 */
#include <sys/mman.h>
#include <sys/socket.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../smtp-send/client.h"
#include "../../smtp-send/wish.h"

#define RCPTS		3
#define CUT		0xff	/* behind each piece */
#define PIECES_MAX	64

enum {		/* bits of the first octet */
	HOW_TLS = 1,
	HOW_LOGIN = 2,
	HOW_NEAR = 4,		/* a password may go in the clear */
	HOW_STRICT = 8,
	HOW_UNCHUNKED = 16
};

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int	 LLVMFuzzerInitialize(int *, char ***);
void	 arc4random_buf(void *, size_t);

static const char plain[] = "From: a@a.test\nSubject: x\n\n.\n..dots\nend\n";
static const char eight[] = "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "Content-Transfer-Encoding: 8bit\n\n.gr\xc3\xbc\xc3\x9f""e\n";
static struct tls_client *tls;
static struct envelope envelope;
static struct envelope_rcpt rcpts[RCPTS];
static unsigned final[RCPTS];

static void __attribute__((noreturn, format(printf, 1, 2)))
wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

/* A nonce that a server of ours can know. */
void
arc4random_buf(void *p, size_t n)
{
	memset(p, 'x', n);
}

static void
address(struct address *a, const char *local)
{
	strlcpy(a->local, local, sizeof(a->local));
	strlcpy(a->domain, "a.test", sizeof(a->domain));
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char orcpt[] = "rfc822;x+y@b.test", envid[] = "Q Q";
	char error[TLS_ERROR_MAX];

	(void)argc;
	(void)argv;
	address(&envelope.sender, "alice");
	envelope.envid = envid;
	address(&rcpts[0].addr, "bob");
	address(&rcpts[1].addr, "eve");
	address(&rcpts[2].addr, "a b");
	rcpts[1].orcpt = orcpt;
	rcpts[1].notify = ENVELOPE_SUCCESS;
	tls = tls_client_new(0, NULL, error, sizeof(error));
	return tls == NULL;
}

/* ---- the server ---- */

/* A socket that gives these pieces, then the end. */
static int
server(const uint8_t *data, size_t n)
{
	const uint8_t *end = data + n, *cut;
	int pair[2], size = 1 << 20, i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		wrong("no socket");
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (i = 0; data < end && i < PIECES_MAX; i++, data = cut + 1) {
		if ((cut = memchr(data, CUT, (size_t)(end - data))) == NULL)
			cut = end;
		/* An empty one would be the end. */
		if (cut > data && send(pair[1], data, (size_t)(cut - data),
		    MSG_DONTWAIT) == -1)
			break;
	}
	close(pair[1]);
	return pair[0];
}

/* ---- the message ---- */

static void
is_final(void *arg, const struct report *r)
{
	(void)arg;
	if (r->rcpt >= RCPTS || final[r->rcpt]++ > 0)
		wrong("recipient %u is final again", r->rcpt);
	if (r->outcome != OUTCOME_SENT && r->outcome != OUTCOME_PERMANENT)
		wrong("%u is nothing final", r->outcome);
}

static int
memory(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	if (fd == -1 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		wrong("no memory");
	return fd;
}

static void
message_make(struct client_message *m, struct report *reports,
    const char *text)
{
	struct wish_scan scan = { 0 };

	memset(reports, 0, RCPTS * sizeof(*reports));
	memset(final, 0, sizeof(final));
	*m = (struct client_message){ .text = { .fd = memory(text),
	    .prefix = "X-First: 1\n" }, .seven = { .fd = -1, .prefix = "" },
	    .env = &envelope, .rcpts = rcpts, .reports = reports, .n = RCPTS,
	    .final = is_final };
	if (client_text_measure(&m->text, &scan) == -1)
		wrong("no measure");
}

/* What became of it: a reason for each, and one that can be shown. */
static void
check(struct client_message *m)
{
	const struct report *r;
	const char *p;
	size_t i;

	client_report_rest(m);
	for (i = 0; i < RCPTS; i++) {
		r = &m->reports[i];
		if (r->outcome == OUTCOME_PENDING ||
		    r->outcome == OUTCOME_UNFIT || r->rcpt != i)
			wrong("recipient %zu: %u", i, r->outcome);
		if ((r->outcome != OUTCOME_TEMPORARY) != (final[i] == 1))
			wrong("recipient %zu: final %u times", i, final[i]);
		if (r->status[0] != "0245"[r->outcome == OUTCOME_SENT ? 1 :
		    r->outcome == OUTCOME_PERMANENT ? 3 : 2])
			wrong("%s for %u", r->status, r->outcome);
		for (p = r->reply; *p != '\0'; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				wrong("unprintable: %s", r->reply);
	}
	close(m->text.fd);
	if (m->seven.fd != -1)
		close(m->seven.fd);
}

static bool
is_sent(const struct client_message *m)
{
	size_t i = 0;

	while (i < RCPTS && m->reports[i].outcome != OUTCOME_SENT)
		i++;
	return i < RCPTS;
}

/* ---- what was said ---- */

static bool
has(const char *text, size_t n, const char *what)
{
	return memmem(text, n, what, strlen(what)) != NULL;
}

/* Everything that was written, if no TLS was tried. */
static void
check_output(int fd, unsigned how, unsigned taken)
{
	static char text[1 << 16];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	size_t ends = 0, i;
	const char *p;

	close(fd);
	if (n == -1 || n == sizeof(text))
		wrong("too much is said");
	if (has(text, (size_t)n, "STARTTLS"))
		return;
	for (i = 0; i < (size_t)n; i++)
		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			wrong("a bare LF");
	if (!(how & HOW_NEAR) && has(text, (size_t)n, "AUTH"))
		wrong("a login in the clear");
	/* Both messages end so. */
	for (p = text; (p = memmem(p, (size_t)(text + n - p), "e\r\n.\r\n", 6))
	    != NULL; p++)
		ends++;
	for (p = text; (p = memmem(p, (size_t)(text + n - p), "d\r\n.\r\n", 6))
	    != NULL; p++)
		ends++;
	for (p = text; (p = memmem(p, (size_t)(text + n - p), " LAST\r\n", 7))
	    != NULL; p++)
		ends++;
	if (taken > ends)
		wrong("%u were taken, %zu were sent", taken, ends);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct relay_login login = { .sender = "", .host = "h",
	    .user = "alice", .password = "pencil" };
	struct report reports[RCPTS];
	struct client_message m;
	struct client c = { .hostname = "mx.a.test", .host = "there.test",
	    .place = "there.test[192.0.2.1]", .self = "mx.a.test" };
	int out, said;
	unsigned how, taken = 0;

	if (n == 0)
		return 0;
	how = *data;
	c.tls = how & HOW_TLS ? tls : NULL;
	c.policy.level = how & HOW_TLS ? LEVEL_MAY : LEVEL_CLEAR;
	c.demand.host = c.host;
	c.login = how & HOW_LOGIN ? &login : NULL;
	c.near = (how & HOW_NEAR) != 0;
	c.strict = (how & HOW_STRICT) != 0;
	c.unchunked = (how & HOW_UNCHUNKED) != 0;
	out = memfd_create("out", MFD_CLOEXEC);
	said = dup(out);
	if ((c.stream = stream_new(server(data + 1, n - 1), out)) == NULL)
		wrong("no stream");
	message_make(&m, reports, eight);
	if (client_open(&c, &m) == CLIENT_DONE) {
		(void)client_send(&c, &m);
		taken += is_sent(&m);
		if (!c.lost) {
			check(&m);
			message_make(&m, reports, plain);
			(void)client_send(&c, &m);
			taken += is_sent(&m);
		}
	}
	check(&m);
	client_close(&c);
	check_output(said, how, taken);
	return 0;
}
