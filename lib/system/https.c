/* SPDX-License-Identifier: ISC
 *
 * A GET or a POST by HTTPS.  It must never take a body that was cut short, or
 * one from a host whose certificate is not good, for an answer.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "grammar/chars.h"
#include "grammar/http.h"
#include "system/clock.h"
#include "system/https.h"
#include "system/stream.h"

#define HEAD_LINE	8192	/* octets of a line of the head */
#define FIELDS_MAX	100
#define INTERIM_MAX	5	/* answers 1xx before the one that counts */
#define CONNECT_WAIT	10000	/* ms for one address, when others follow */

struct fetch {
	const struct https_request *q;
	struct https_answer *a;
	struct stream	*s;
	long long	 end;		/* clock_ms() */
	int		 chunked;
	int		 have_length;
	uint64_t	 length;
};

static enum https_status __attribute__((format(printf, 3, 4)))
fail(struct fetch *f, enum https_status st, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(f->a->why, sizeof(f->a->why), fmt, ap);
	va_end(ap);
	f->a->status = st;
	return st;
}

/* What the end of an operation of the stream means. */
static enum https_status
stream_failed(struct fetch *f, enum stream_status st, const char *where)
{
	switch (st) {
	case STREAM_TIMEOUT:
	case STREAM_EXPIRED:
		return fail(f, HTTPS_TIMEOUT, "no answer in time %s", where);
	case STREAM_TOOLONG:
		return fail(f, HTTPS_TOOBIG, "a line is too long %s", where);
	case STREAM_OK:
	case STREAM_WAKE:
	case STREAM_EOF:
	case STREAM_CUT:
	case STREAM_RESET:
	case STREAM_ERROR:
		break;
	}
	return fail(f, HTTPS_PROTOCOL, "the connection ended %s", where);
}

/* ---- the connection ---- */

static int
time_left(const struct fetch *f)
{
	long long left = f->end - clock_ms();

	return left > 0 ? (int)left : 0;
}

/* Wait for a connect under way: 0, or -1 with errno. */
static int
connect_wait(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	long long end = clock_ms() + ms, left;
	socklen_t len = sizeof(int);
	int n = 0, fault;

	while ((left = end - clock_ms()) > 0) {
		if ((n = poll(&p, 1, (int)left)) == 1)
			break;
		if (n == -1 && errno != EINTR)
			return -1;
	}
	if (n != 1) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &len) == -1)
		return -1;
	errno = fault;
	return fault == 0 ? 0 : -1;
}

/* A socket connected to an address, or -1 with errno. */
static int
connect_one(const struct dns_addr *addr, unsigned short port, int ms)
{
	struct sockaddr_storage ss;
	socklen_t len = dns_addr_put(addr, port, &ss);
	int fd, one = 1, keep;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&ss, len) == 0 ||
	    (errno == EINPROGRESS && connect_wait(fd, ms) == 0))
		return fd;
	keep = errno;
	close(fd);
	errno = keep;
	return -1;
}

static enum https_status
connect_any(struct fetch *f)
{
	char text[DNS_ADDR_TEXT] = "";
	int fd = -1, ms;
	size_t i;

	errno = EADDRNOTAVAIL;
	for (i = 0; i < f->q->naddrs && fd == -1; i++) {
		ms = time_left(f);
		if (i + 1 < f->q->naddrs && ms > CONNECT_WAIT)
			ms = CONNECT_WAIT;
		dns_addr_text(&f->q->addrs[i], text, sizeof(text));
		fd = connect_one(&f->q->addrs[i], f->q->port, ms);
	}
	if (fd == -1)
		return fail(f, HTTPS_CONNECT, "%s port %u: %s", *text == '\0' ?
		    f->q->host : text, (unsigned)f->q->port, strerror(errno));
	if ((f->s = stream_new(fd, fd)) == NULL) {
		close(fd);
		return fail(f, HTTPS_MEMORY, "out of memory");
	}
	return HTTPS_OK;
}

static enum https_status
begin_tls(struct fetch *f, struct tls_client *tls)
{
	enum stream_status st;
	int ms = time_left(f);

	stream_set_timeout(f->s, ms > 0 ? ms : 1);
	stream_set_session(f->s, ms > 0 ? ms : 1);
	st = tls_connect(f->s, tls, f->q->host, TLS_VERIFY, TLS_DIRECT);
	if (st == STREAM_OK)
		return HTTPS_OK;
	if (st == STREAM_TIMEOUT || st == STREAM_EXPIRED)
		return stream_failed(f, st, "to the TLS handshake");
	return fail(f, HTTPS_TLS, "%s", *stream_error(f->s) == '\0' ?
	    "the connection ended in the TLS handshake" : stream_error(f->s));
}

/* ---- the head ---- */

/* What a field of the head says of the body. */
static enum https_status
take_field(struct fetch *f, const struct http_field *h)
{
	uint64_t len;

	if (chars_is(h->name, h->nname, "content-type")) {
		if (h->nvalue < sizeof(f->a->type)) {
			memcpy(f->a->type, h->value, h->nvalue);
			f->a->type[h->nvalue] = '\0';
		}
	} else if (chars_is(h->name, h->nname, "content-length")) {
		if (http_length(h->value, h->nvalue, &len) == -1 ||
		    (f->have_length && len != f->length))
			return fail(f, HTTPS_PROTOCOL, "a malformed "
			    "Content-Length");
		f->have_length = 1;
		f->length = len;
	} else if (chars_is(h->name, h->nname, "transfer-encoding")) {
		if (!chars_is(h->value, h->nvalue, "chunked"))
			return fail(f, HTTPS_PROTOCOL, "an unknown "
			    "Transfer-Encoding");
		f->chunked = 1;
	} else if (chars_is(h->name, h->nname, "content-encoding")) {
		if (h->nvalue > 0 && !chars_is(h->value, h->nvalue,
		    "identity"))
			return fail(f, HTTPS_PROTOCOL, "a Content-Encoding "
			    "that was not asked for");
	}
	return HTTPS_OK;
}

static enum https_status
read_fields(struct fetch *f)
{
	struct stream_line line;
	struct http_field h;
	enum stream_status st;
	enum https_status r;
	int i;

	for (i = 0; i < FIELDS_MAX; i++) {
		if ((st = stream_line(f->s, HEAD_LINE, &line)) != STREAM_OK)
			return stream_failed(f, st, "in the head");
		if (line.len == 0)
			return HTTPS_OK;
		if (http_field(&h, line.data, line.len) == -1)
			return fail(f, HTTPS_PROTOCOL, "a malformed field in "
			    "the head");
		if ((r = take_field(f, &h)) != HTTPS_OK)
			return r;
	}
	return fail(f, HTTPS_TOOBIG, "the head is too long");
}

/* The status line and the fields, of the first answer that is not 1xx. */
static enum https_status
read_head(struct fetch *f)
{
	struct stream_line line;
	enum stream_status st;
	enum https_status r;
	int i;

	for (i = 0; i <= INTERIM_MAX; i++) {
		f->have_length = f->chunked = 0;
		f->a->type[0] = '\0';
		if ((st = stream_line(f->s, HEAD_LINE, &line)) != STREAM_OK)
			return stream_failed(f, st, "before an answer");
		f->a->code = http_status_line(line.data, line.len);
		if (f->a->code == -1) {
			f->a->code = 0;
			return fail(f, HTTPS_PROTOCOL, "the answer is not "
			    "HTTP");
		}
		if ((r = read_fields(f)) != HTTPS_OK)
			return r;
		if (f->a->code < 100 || f->a->code > 199)
			break;
	}
	if (f->q->post != NULL ? f->a->code / 100 != 2 : f->a->code != 200)
		return fail(f, HTTPS_CODE, "the answer has the code %d%s",
		    f->a->code, f->a->code / 100 == 3 ?
		    ", a redirect" : "");
	return HTTPS_OK;
}

/* ---- the body ---- */

static enum https_status
keep(struct fetch *f, const char *p, size_t n)
{
	if (n > f->q->max - f->a->body.len)
		return fail(f, HTTPS_TOOBIG, "the body has more than %zu "
		    "octets", f->q->max);
	if (buf_add(&f->a->body, p, n) == -1)
		return fail(f, HTTPS_MEMORY, "out of memory");
	return HTTPS_OK;
}

/* Exactly n octets. */
static enum https_status
read_octets(struct fetch *f, uint64_t n)
{
	enum stream_status st;
	enum https_status r;
	const char *p;
	size_t got;

	if (n > f->q->max - f->a->body.len)
		return fail(f, HTTPS_TOOBIG, "the body has more than %zu "
		    "octets", f->q->max);
	for (; n > 0; n -= got) {
		if ((st = stream_peek(f->s, 1, &p, &got)) != STREAM_OK)
			return stream_failed(f, st, "in the body");
		if (got > n)
			got = (size_t)n;
		if ((r = keep(f, p, got)) != HTTPS_OK)
			return r;
		stream_consume(f->s, got);
	}
	return HTTPS_OK;
}

/* RFC 9112; the trailer is left unread. */
static enum https_status
read_chunks(struct fetch *f)
{
	struct stream_line line;
	enum stream_status st;
	enum https_status r;
	uint64_t n;

	for (;;) {
		if ((st = stream_line(f->s, HEAD_LINE, &line)) != STREAM_OK)
			return stream_failed(f, st, "in the body");
		if (http_chunk(line.data, line.len, &n) == -1)
			return fail(f, HTTPS_PROTOCOL, "a malformed chunk");
		if (n == 0)
			return HTTPS_OK;
		if ((r = read_octets(f, n)) != HTTPS_OK)
			return r;
		if ((st = stream_line(f->s, HEAD_LINE, &line)) != STREAM_OK)
			return stream_failed(f, st, "in the body");
		if (line.len != 0)
			return fail(f, HTTPS_PROTOCOL, "a malformed chunk");
	}
}

/* Until the server closes: what it sends when it was not asked to keep the
 * connection and does not know the length (RFC 9112). */
static enum https_status
read_rest(struct fetch *f)
{
	enum stream_status st;
	enum https_status r;
	const char *p;
	size_t got;

	while ((st = stream_peek(f->s, 1, &p, &got)) == STREAM_OK) {
		if ((r = keep(f, p, got)) != HTTPS_OK)
			return r;
		stream_consume(f->s, got);
	}
	return st == STREAM_EOF ? HTTPS_OK : stream_failed(f, st,
	    "in the body");
}

static enum https_status
read_body(struct fetch *f)
{
	if (f->chunked && f->have_length)
		return fail(f, HTTPS_PROTOCOL, "both a length and chunks");
	if (f->chunked)
		return read_chunks(f);
	return f->have_length ? read_octets(f, f->length) : read_rest(f);
}

/* ---- all of it ---- */

static enum https_status
converse(struct fetch *f)
{
	enum https_status r;

	(void)stream_printf(f->s, "%s %s HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: stdmail\r\nAccept: text/plain, */*;q=0.1\r\n"
	    "Connection: close\r\n", f->q->post == NULL ? "GET" : "POST",
	    f->q->path, f->q->host);
	if (f->q->post != NULL)
		(void)stream_printf(f->s, "Content-Type: %s\r\n"
		    "Content-Length: %zu\r\n", f->q->type, f->q->npost);
	(void)stream_puts(f->s, "\r\n");
	if (f->q->post != NULL)
		(void)stream_write(f->s, f->q->post, f->q->npost);
	if ((r = read_head(f)) != HTTPS_OK || f->q->post != NULL)
		return r;
	return read_body(f);
}

enum https_status
https_get(struct tls_client *tls, const struct https_request *q,
    struct https_answer *a)
{
	struct fetch f = { .q = q, .a = a };
	enum https_status r;

	memset(a, 0, sizeof(*a));
	buf_init(&a->body, q->max + 1);
	f.end = clock_ms() + q->timeout;
	if ((r = connect_any(&f)) == HTTPS_OK &&
	    (r = begin_tls(&f, tls)) == HTTPS_OK)
		r = converse(&f);
	if (f.s != NULL)
		(void)stream_close(f.s);
	return r;
}

void
https_free(struct https_answer *a)
{
	buf_free(&a->body);
}
