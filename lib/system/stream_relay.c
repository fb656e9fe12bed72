/* SPDX-License-Identifier: ISC
 *
 * The relay between a stream and a descriptor, for a door that only ends TLS
 * any more.  One buffer each way; it looks at no octet and never waits for one
 * side while the other could go on.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "system/memory.h"
#include "system/stream_local.h"

struct relay {
	struct stream	*s;
	int		 fd;
	int		 told;		/* fd knows that the peer has ended */
	int		 deaf;		/* fd takes no more */
	int		 fd_end;	/* fd gives no more */
	int		 want_in;	/* BACKEND_*, what a read waits for */
	int		 want_out;	/* and a write */
	int		 try_in;	/* a read may give something: a wait */
	int		 try_out;	/* has said so, or the last was full */
	long long	 deadline;	/* of output the peer leaves */
	int		 rested;	/* since something went through */
};

/* From the peer into the input buffer, from there to fd. */
static void
relay_in(struct relay *r)
{
	struct stream *s = r->s;
	ssize_t n;

	if (s->inpos == s->inend && !s->ended && r->try_in) {
		n = stream_try(s);
		r->want_in = n >= 0 ? BACKEND_READ : (int)n;
		r->try_in = n > 0 && s->backend->pending(s->state) > 0;
	}
	if (s->inpos < s->inend && !r->deaf) {
		n = send(r->fd, s->in + s->inpos, s->inend - s->inpos,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			stream_consume(s, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			r->deaf = 1;
	}
	if (r->deaf)
		s->inpos = s->inend;
	if (s->ended && s->inpos == s->inend && !r->told) {
		shutdown(r->fd, SHUT_WR);
		r->told = 1;
	}
}

static int
out_buffer(struct stream *s)
{
	if (s->out == NULL && (s->out = malloc(STREAM_OUT)) == NULL)
		stream_fail(s, STREAM_ERROR, strerror(ENOMEM));
	return s->out == NULL ? -1 : 0;
}

/* From fd into the output buffer, from there to the peer. */
static void
relay_out(struct relay *r)
{
	struct stream *s = r->s;
	ssize_t n;

	r->want_out = 0;
	if (s->outpos == s->outend && !r->fd_end && r->try_out &&
	    out_buffer(s) == 0) {
		s->outpos = s->outend = 0;
		n = recv(r->fd, s->out, STREAM_BUFFER, MSG_DONTWAIT);
		if (n > 0) {
			s->outend = (size_t)n;
			r->deadline = stream_deadline(s);
		}
		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			r->fd_end = 1;
		r->try_out = n == STREAM_BUFFER;
	}
	if (s->outpos < s->outend) {
		n = s->backend->write(s, s->state, s->out + s->outpos,
		    s->outend - s->outpos);
		if (n > 0) {
			s->outpos += (size_t)n;
			r->deadline = stream_deadline(s);
		} else
			r->want_out = (int)n;
	}
}

static short
events(int want, int which)
{
	if (want != which)
		return 0;
	return which == BACKEND_READ ? POLLIN : POLLOUT;
}

/* Is there something to be had without a wait? */
static int
relay_goes_on(const struct relay *r)
{
	const struct stream *s = r->s;

	return (r->try_in && s->inpos == s->inend && !s->ended) ||
	    (r->try_out && s->outpos == s->outend && !r->fd_end);
}

/* Wait.  Nothing happens for a while: most sessions sleep, and their doors need
 * not hold buffers. */
static int
relay_wait(struct relay *r, struct pollfd p[3], int ms)
{
	struct stream *s = r->s;
	int n;

	if (!r->rested && s->inpos == s->inend && s->outpos == s->outend &&
	    (ms == -1 || ms > MEMORY_REST)) {
		n = poll(p, 3, MEMORY_REST);
		if (n != 0)
			return n;
		s->outpos = s->outend = 0;
		stream_release(s);
		memory_rest();
		ms = ms == -1 ? -1 : ms - MEMORY_REST;
		r->rested = 1;
	}
	n = poll(p, 3, ms);
	if (n > 0)
		r->rested = 0;
	return n;
}

static enum stream_status
relay_poll(struct relay *r)
{
	struct stream *s = r->s;
	long long deadline = s->outpos < s->outend ? r->deadline : 0;
	enum stream_status st;
	struct pollfd p[3];
	int i;

	if ((st = stream_late(s, deadline)) != STREAM_OK)
		return st;
	p[0].fd = s->rfd;
	/* Nothing is read while the last is not passed on. */
	p[0].events = (short)((s->inpos == s->inend && !s->ended ?
	    events(r->want_in, BACKEND_READ) : 0) |
	    events(r->want_out, BACKEND_READ));
	p[1].fd = s->wfd;
	p[1].events = (short)(events(r->want_in, BACKEND_WRITE) |
	    events(r->want_out, BACKEND_WRITE));
	p[2].fd = r->fd;
	p[2].events = (short)((s->outpos == s->outend ? POLLIN : 0) |
	    (s->inpos < s->inend ? POLLOUT : 0));
	/* A hang-up is told unasked, and would keep us turning. */
	for (i = 0; i < 3; i++)
		if (p[i].events == 0)
			p[i].fd = -1;
	if (relay_wait(r, p, stream_left(s, deadline)) == -1) {
		if (errno != EINTR)
			return stream_fail(s, STREAM_ERROR, strerror(errno));
		return STREAM_OK;
	}
	r->try_in |= p[0].fd != -1 && p[0].revents != 0;
	r->try_in |= p[1].fd != -1 && p[1].revents != 0;
	r->try_out |= p[2].fd != -1 && p[2].revents != 0;
	return STREAM_OK;
}

enum stream_status
stream_relay(struct stream *s, int fd)
{
	struct relay r = { .s = s, .fd = fd, .try_in = 1, .try_out = 1 };
	enum stream_status st;

	if ((st = stream_flush(s)) != STREAM_OK)
		return st;
	stream_record_end(s);
	do {
		relay_in(&r);
		relay_out(&r);
		if (s->failed != STREAM_OK)
			return s->failed;
		if (r.fd_end && s->outpos == s->outend)
			return STREAM_EOF;
		st = STREAM_OK;
		if (!relay_goes_on(&r))
			st = relay_poll(&r);
	} while (st == STREAM_OK);
	return st;
}
