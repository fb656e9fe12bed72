/* SPDX-License-Identifier: ISC
 *
 * Streams: the object, its clock, the clear backend, and output.  Input is in
 * stream_input.c.  Nothing here may block without a deadline, or change the
 * flags of a descriptor.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/stream_local.h"

/* ---- the clear ---- */

static ssize_t
fail_errno(struct stream *s)
{
	switch (errno) {
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOTCONN:
		stream_fail(s, STREAM_RESET, strerror(errno));
		break;
	default:
		stream_fail(s, STREAM_ERROR, strerror(errno));
		break;
	}
	return BACKEND_ERROR;
}

/* Whether fd is ready now; what is not a socket cannot be asked otherwise
 * without changing flags that others may share. */
static int
ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) > 0;
}

ssize_t
stream_raw_read(struct stream *s, void *to, size_t n)
{
	ssize_t got;

	do {
		if (s->rsock)
			got = recv(s->rfd, to, n, MSG_DONTWAIT);
		else if (ready(s->rfd, POLLIN))
			got = read(s->rfd, to, n);
		else
			return BACKEND_READ;
	} while (got == -1 && errno == EINTR);
	if (got >= 0)
		return got;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return BACKEND_READ;
	return fail_errno(s);
}

ssize_t
stream_raw_write(struct stream *s, const void *p, size_t n)
{
	ssize_t put;

	/* A pipe that polls writable takes PIPE_BUF without blocking. */
	if (!s->wsock && n > PIPE_BUF)
		n = PIPE_BUF;
	do {
		if (s->wsock)
			put = send(s->wfd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (ready(s->wfd, POLLOUT))
			put = write(s->wfd, p, n);
		else
			return BACKEND_WRITE;
	} while (put == -1 && errno == EINTR);
	if (put > 0)
		return put;
	if (put == 0 || errno == EAGAIN || errno == EWOULDBLOCK)
		return BACKEND_WRITE;
	return fail_errno(s);
}

static ssize_t
clear_read(struct stream *s, void *state, void *to, size_t n)
{
	(void)state;
	return stream_raw_read(s, to, n);
}

static ssize_t
clear_write(struct stream *s, void *state, const void *p, size_t n)
{
	(void)state;
	return stream_raw_write(s, p, n);
}

static size_t
clear_pending(const void *state)
{
	(void)state;
	return 0;
}

static void
clear_end(struct stream *s, void *state)
{
	(void)s;
	(void)state;
}

static void
clear_free(void *state)
{
	(void)state;
}

static const struct stream_backend clear = {
	clear_read, clear_write, clear_pending, clear_end, clear_free
};

/* ---- the object ---- */

/* Not by fstat(2), whose system call a sandbox may refuse. */
static int
is_socket(int fd)
{
	socklen_t len = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

struct stream *
stream_new(int rfd, int wfd)
{
	struct stream *s;
	int on = 1;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	signal(SIGPIPE, SIG_IGN);
	s->rfd = rfd;
	s->wfd = wfd;
	s->rsock = is_socket(rfd);
	s->wsock = is_socket(wfd);
	s->backend = &clear;
	/* Output is already collected here; it fails where it means nothing. */
	if (s->wsock)
		setsockopt(wfd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return s;
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	s->backend->free(s->state);
	if (s->below != NULL)
		s->below->free(s->below_state);
	free(s->in);
	free(s->out);
	free(s);
}

/* A socket closed with unread input resets the connection, and the peer may
 * lose our last reply: take what has already come. */
static void
drain(struct stream *s)
{
	char trash[4096];
	int i;

	shutdown(s->wfd, SHUT_WR);
	for (i = 0; i < 16; i++)
		if (recv(s->rfd, trash, sizeof(trash), MSG_DONTWAIT) <= 0)
			break;
}

enum stream_status
stream_close(struct stream *s)
{
	enum stream_status st;

	st = stream_flush(s);
	if (st == STREAM_OK)
		s->backend->end(s, s->state);
	if (s->rsock && s->rfd == s->wfd)
		drain(s);
	close(s->rfd);
	if (s->wfd != s->rfd)
		close(s->wfd);
	stream_free(s);
	return st;
}

int
stream_rfd(const struct stream *s)
{
	return s->rfd;
}

int
stream_wfd(const struct stream *s)
{
	return s->wfd;
}

void
stream_set_backend(struct stream *s, const struct stream_backend *backend,
    void *state)
{
	s->backend->free(s->state);
	s->backend = backend;
	s->state = state;
}

void *
stream_state(const struct stream *s, const struct stream_backend *backend)
{
	if (s->backend == backend)
		return s->state;
	return s->below == backend ? s->below_state : NULL;
}

void
stream_set_layer(struct stream *s, const struct stream_backend *layer,
    void *state)
{
	s->below = s->backend;
	s->below_state = s->state;
	s->backend = layer;
	s->state = state;
}

ssize_t
stream_below_read(struct stream *s, void *to, size_t n)
{
	return s->below->read(s, s->below_state, to, n);
}

ssize_t
stream_below_write(struct stream *s, const void *p, size_t n)
{
	return s->below->write(s, s->below_state, p, n);
}

size_t
stream_below_pending(const struct stream *s)
{
	return s->below->pending(s->below_state);
}

void
stream_below_end(struct stream *s)
{
	s->below->end(s, s->below_state);
}

enum stream_status
stream_fail(struct stream *s, enum stream_status st, const char *text)
{
	if (s->failed == STREAM_OK) {
		s->failed = st;
		strlcpy(s->error, text, sizeof(s->error));
	}
	return s->failed;
}

void
stream_note(struct stream *s, const char *text)
{
	strlcpy(s->error, text, sizeof(s->error));
}

const char *
stream_error(const struct stream *s)
{
	return s->error;
}

const char *
stream_status_name(enum stream_status st)
{
	switch (st) {
	case STREAM_OK:
		return "ok";
	case STREAM_EOF:
		return "eof";
	case STREAM_CUT:
		return "cut";
	case STREAM_TIMEOUT:
		return "timeout";
	case STREAM_EXPIRED:
		return "expired";
	case STREAM_TOOLONG:
		return "toolong";
	case STREAM_WAKE:
		return "wake";
	case STREAM_RESET:
		return "reset";
	case STREAM_ERROR:
		return "error";
	}
	return "unknown";
}

/* ---- deadlines ---- */

void
stream_set_timeout(struct stream *s, int ms)
{
	s->timeout = ms;
}

void
stream_set_session(struct stream *s, int ms)
{
	s->session = ms == 0 ? 0 : clock_ms() + ms;
}

void
stream_record_begin(struct stream *s, int ms)
{
	s->in_record = 1;
	s->record = ms == 0 ? 0 : clock_ms() + ms;
}

void
stream_record_end(struct stream *s)
{
	s->in_record = 0;
	s->record = 0;
}

long long
stream_deadline(struct stream *s)
{
	return s->timeout == 0 ? 0 : clock_ms() + s->timeout;
}

enum stream_status
stream_late(struct stream *s, long long deadline)
{
	long long now;

	if (deadline == 0 && s->session == 0 && s->record == 0)
		return STREAM_OK;
	now = clock_ms();
	if (s->session != 0 && now >= s->session)
		return STREAM_EXPIRED;
	if ((deadline != 0 && now >= deadline) ||
	    (s->record != 0 && now >= s->record))
		return STREAM_TIMEOUT;
	return STREAM_OK;
}

int
stream_left(const struct stream *s, long long deadline)
{
	const long long all[] = { deadline, s->session, s->record };
	long long left, least = -1, now = clock_ms();
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i] == 0)
			continue;
		left = all[i] > now ? all[i] - now : 0;
		if (least == -1 || left < least)
			least = left;
	}
	return least > INT_MAX ? INT_MAX : (int)least;
}

enum stream_status
stream_await(struct stream *s, int want, long long deadline)
{
	struct pollfd p;
	enum stream_status st;

	p.fd = want == BACKEND_WRITE ? s->wfd : s->rfd;
	p.events = want == BACKEND_WRITE ? POLLOUT : POLLIN;
	for (;;) {
		if ((st = stream_late(s, deadline)) != STREAM_OK)
			return st;
		switch (poll(&p, 1, stream_left(s, deadline))) {
		case 0:
			continue;
		case -1:
			if (errno == EINTR)
				continue;
			return stream_fail(s, STREAM_ERROR, strerror(errno));
		default:
			return STREAM_OK;
		}
	}
}

/* ---- output ---- */

/* Send n octets now.  The deadline is that of a standstill: it moves with
 * each octet that the peer takes. */
static enum stream_status
send_all(struct stream *s, const char *p, size_t n)
{
	long long deadline = stream_deadline(s);
	enum stream_status st;
	ssize_t put;

	while (n > 0 && s->failed == STREAM_OK) {
		put = s->backend->write(s, s->state, p, n);
		if (put > 0) {
			p += put;
			n -= (size_t)put;
			deadline = stream_deadline(s);
		} else if (put != BACKEND_ERROR) {
			st = stream_await(s, (int)put, deadline);
			if (st != STREAM_OK)
				stream_fail(s, st, "output not taken");
		}
	}
	return s->failed;
}

enum stream_status
stream_flush(struct stream *s)
{
	enum stream_status st;

	if (s->outend > s->outpos) {
		st = send_all(s, s->out + s->outpos, s->outend - s->outpos);
		if (st != STREAM_OK)
			return st;
	}
	s->outpos = s->outend = 0;
	return s->failed;
}

void
stream_hold(struct stream *s, int on)
{
	s->held = on;
}

/* Room for n <= STREAM_OUT octets in the buffer: where, or NULL. */
static char *
out_room(struct stream *s, size_t n)
{
	if (s->failed != STREAM_OK)
		return NULL;
	if (s->out == NULL && (s->out = malloc(STREAM_OUT)) == NULL) {
		stream_fail(s, STREAM_ERROR, strerror(ENOMEM));
		return NULL;
	}
	if (STREAM_OUT - s->outend < n && stream_flush(s) != STREAM_OK)
		return NULL;
	return s->out + s->outend;
}

int
stream_write(struct stream *s, const void *p, size_t n)
{
	char *to;

	if (n == 0)
		return s->failed == STREAM_OK ? 0 : -1;
	if (n >= STREAM_BUFFER && n > STREAM_OUT - s->outend) {
		if (stream_flush(s) != STREAM_OK)
			return -1;
		return send_all(s, p, n) == STREAM_OK ? 0 : -1;
	}
	if ((to = out_room(s, n)) == NULL)
		return -1;
	memcpy(to, p, n);
	s->outend += n;
	return 0;
}

int
stream_puts(struct stream *s, const char *text)
{
	return stream_write(s, text, strlen(text));
}

int
stream_printf(struct stream *s, const char *fmt, ...)
{
	char small[1024], *big = NULL;
	va_list ap, again;
	int n, r;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(small) && n < STREAM_BUFFER &&
	    (big = malloc((size_t)n + 1)) != NULL)
		vsnprintf(big, (size_t)n + 1, fmt, again);
	va_end(again);
	if (n < 0 || (n >= (int)sizeof(small) && big == NULL)) {
		stream_fail(s, STREAM_ERROR, "cannot format output");
		return -1;
	}
	r = stream_write(s, big != NULL ? big : small, (size_t)n);
	free(big);
	return r;
}
