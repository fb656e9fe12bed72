/* SPDX-License-Identifier: ISC
 *
 * Input of a stream: lines, looking ahead, waiting.  Every loop here is
 * bounded by a maximum of octets or by a deadline, and no octet is lost that
 * was not taken.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "system/stream_local.h"

size_t
stream_pending(const struct stream *s)
{
	return s->inend - s->inpos + s->backend->pending(s->state);
}

int
stream_input_empty(const struct stream *s)
{
	return stream_pending(s) == 0;
}

void
stream_release(struct stream *s)
{
	if (s->inpos == s->inend) {
		free(s->in);
		s->in = NULL;
		s->incap = s->inpos = s->inend = s->scanned = 0;
	}
	if (s->outend == 0) {
		free(s->out);
		s->out = NULL;
	}
}

/* Make room for a read on the way to need octets in one piece: the buffer
 * grows by doubling, so that a long line must first come.  0, or -1: no
 * memory. */
static int
in_room(struct stream *s, size_t need)
{
	size_t cap = s->incap == 0 ? STREAM_BUFFER : s->incap * 2;
	char *p;

	if (s->inpos > 0 && (s->inpos >= s->incap / 2 ||
	    s->inpos == s->inend || s->inend == s->incap)) {
		memmove(s->in, s->in + s->inpos, s->inend - s->inpos);
		s->inend -= s->inpos;
		s->inpos = 0;
	}
	if (s->inend < s->incap)
		return 0;
	if (s->incap > 0 && cap > need)
		cap = need;
	if (cap <= s->incap || (p = realloc(s->in, cap)) == NULL)
		return -1;
	s->in = p;
	s->incap = cap;
	return 0;
}

static ssize_t
try_read(struct stream *s, size_t need)
{
	ssize_t n;

	if (s->failed != STREAM_OK)
		return BACKEND_ERROR;
	if (s->ended)
		return BACKEND_END;
	if (in_room(s, need) == -1) {
		stream_fail(s, STREAM_ERROR, strerror(ENOMEM));
		return BACKEND_ERROR;
	}
	n = s->backend->read(s, s->state, s->in + s->inend,
	    s->incap - s->inend);
	if (n > 0)
		s->inend += (size_t)n;
	else if (n == BACKEND_END)
		s->ended = 1;
	return n;
}

ssize_t
stream_try(struct stream *s)
{
	return try_read(s, 0);
}

/* Bring more input; before waiting for it, send what the peer waits for. */
static enum stream_status
fill(struct stream *s, size_t need, long long deadline)
{
	enum stream_status st;
	ssize_t n;

	for (;;) {
		if ((st = stream_late(s, deadline)) != STREAM_OK)
			return st;
		n = try_read(s, need);
		if (n > 0)
			return STREAM_OK;
		if (n == BACKEND_ERROR)
			return s->failed;
		if (n == BACKEND_END)
			return s->inpos < s->inend || s->in_record ||
			    s->discard.on ? STREAM_CUT : STREAM_EOF;
		if (!s->held && (st = stream_flush(s)) != STREAM_OK)
			return st;
		stream_release(s);
		if ((st = stream_await(s, (int)n, deadline)) != STREAM_OK)
			return st;
	}
}

/* ---- lines ---- */

/* What is in the n octets of a line or a part of it, but its line end. */
static unsigned
octet_flags(const char *p, size_t n)
{
	unsigned flags = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] == '\0')
			flags |= LINE_NUL;
		else if (p[i] == '\r')
			flags |= LINE_BARE_CR;
		else if ((unsigned char)p[i] > 127)
			flags |= LINE_8BIT;
	}
	return flags;
}

/* Keep the last octets of p behind those already in tail. */
static void
keep_tail(struct stream_discard *d, const char *p, size_t n)
{
	const size_t max = STREAM_TAIL + 1;
	size_t drop;

	if (n > max) {
		p += n - max;
		n = max;
	}
	drop = d->tail_len + n > max ? d->tail_len + n - max : 0;
	memmove(d->tail, d->tail + drop, d->tail_len - drop);
	d->tail_len -= drop;
	memcpy(d->tail + d->tail_len, p, n);
	d->tail_len += n;
}

/* Throw away n octets of a line too long, none of them its LF. */
static void
discard(struct stream_discard *d, const char *p, size_t n)
{
	size_t k = STREAM_HEAD - d->head_len;

	if (n == 0)
		return;
	if (d->held_cr)
		d->flags |= LINE_BARE_CR;
	d->held_cr = p[n - 1] == '\r';
	d->flags |= octet_flags(p, n - (size_t)d->held_cr);
	d->total += n;
	if (k > n)
		k = n;
	memcpy(d->head + d->head_len, p, k);
	d->head_len += k;
	keep_tail(d, p, n);
}

/* The LF of a line too long has come. */
static void
discard_end(struct stream_discard *d, struct stream_line *line)
{
	size_t len = d->total - (size_t)d->held_cr;

	if (d->held_cr)
		d->tail_len--;
	else
		d->flags |= LINE_BARE_LF;
	line->tail_len = d->tail_len > STREAM_TAIL ? STREAM_TAIL : d->tail_len;
	line->tail = d->tail + d->tail_len - line->tail_len;
	line->data = d->head;
	line->len = d->head_len > len ? len : d->head_len;
	line->flags = d->flags;
	line->data[line->len] = '\0';
	line->tail[line->tail_len] = '\0';
	d->on = 0;
}

static void
discard_begin(struct stream_discard *d)
{
	memset(d, 0, sizeof(*d));
	d->on = 1;
}

/* A line of total octets is whole in the buffer: hand it out. */
static enum stream_status
take_line(struct stream *s, size_t max, size_t total, struct stream_line *line)
{
	char *p = s->in + s->inpos;
	size_t len = total - 1;

	stream_consume(s, total);
	if (s->discard.on || total > max) {
		if (!s->discard.on)
			discard_begin(&s->discard);
		discard(&s->discard, p, len);
		discard_end(&s->discard, line);
		return STREAM_TOOLONG;
	}
	if (len > 0 && p[len - 1] == '\r')
		len--;
	else
		line->flags |= LINE_BARE_LF;
	line->flags |= octet_flags(p, len);
	line->data = p;
	line->len = len;
	p[len] = '\0';
	return STREAM_OK;
}

enum stream_status
stream_line(struct stream *s, size_t max, struct stream_line *line)
{
	long long deadline = stream_deadline(s);
	enum stream_status st;
	size_t have;
	char *lf;

	memset(line, 0, sizeof(*line));
	if (max > STREAM_LINE_MAX)
		max = STREAM_LINE_MAX;
	if (s->failed != STREAM_OK)
		return s->failed;
	for (;;) {
		have = s->inend - s->inpos;
		lf = have == s->scanned ? NULL : memchr(s->in + s->inpos +
		    s->scanned, '\n', have - s->scanned);
		if (lf != NULL)
			return take_line(s, max,
			    (size_t)(lf - s->in) - s->inpos + 1, line);
		s->scanned = have;
		if (have >= max && !s->discard.on)
			discard_begin(&s->discard);
		if (s->discard.on && have > 0) {
			discard(&s->discard, s->in + s->inpos, have);
			stream_consume(s, have);
		}
		if ((st = fill(s, max, deadline)) != STREAM_OK)
			return st;
	}
}

/* ---- octets ---- */

enum stream_status
stream_peek(struct stream *s, size_t min, const char **p, size_t *n)
{
	long long deadline = stream_deadline(s);
	enum stream_status st = s->failed;

	if (min > STREAM_BUFFER)
		min = STREAM_BUFFER;
	/* A slow reader of buffered input must still meet its deadlines. */
	if (st == STREAM_OK)
		st = stream_late(s, 0);
	while (st == STREAM_OK && s->inend - s->inpos < min)
		st = fill(s, min, deadline);
	*p = s->in == NULL ? "" : s->in + s->inpos;
	*n = s->inend - s->inpos;
	return st;
}

void
stream_consume(struct stream *s, size_t n)
{
	s->inpos += n;
	s->scanned = s->scanned > n ? s->scanned - n : 0;
}

size_t
stream_take_input(struct stream *s, void *to, size_t cap)
{
	size_t n = s->inend - s->inpos;

	if (n > cap)
		n = cap;
	if (n > 0)
		memcpy(to, s->in + s->inpos, n);
	stream_consume(s, n);
	return n;
}

int
stream_give_input(struct stream *s, const void *p, size_t n)
{
	if (n == 0)
		return 0;
	if (n > STREAM_LINE_MAX || s->inend > 0 || s->ended)
		return -1;
	if (n > s->incap) {
		free(s->in);
		s->incap = n > STREAM_BUFFER ? n : STREAM_BUFFER;
		if ((s->in = malloc(s->incap)) == NULL) {
			s->incap = 0;
			return -1;
		}
	}
	memcpy(s->in, p, n);
	s->inend = n;
	return 0;
}

/* ---- waiting ---- */

/* Poll the peer for want, and the others; which is set, or nfds for the peer.
 * Both ready: the peer. */
static enum stream_status
wait_any(struct stream *s, int want, const int *fds, size_t nfds,
    long long deadline, size_t *which)
{
	struct pollfd p[STREAM_WAKE_MAX + 1];
	enum stream_status st;
	size_t i;
	int n;

	for (i = 0; i < nfds; i++)
		p[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	p[nfds].fd = want == BACKEND_WRITE ? s->wfd : s->rfd;
	p[nfds].events = want == BACKEND_WRITE ? POLLOUT : POLLIN;
	do {
		if ((st = stream_late(s, deadline)) != STREAM_OK)
			return st;
		n = poll(p, (nfds_t)nfds + 1, stream_left(s, deadline));
		if (n == -1 && errno != EINTR)
			return stream_fail(s, STREAM_ERROR, strerror(errno));
	} while (n <= 0);
	*which = nfds;
	if (p[nfds].revents == 0)
		for (i = nfds; i-- > 0;)
			if (p[i].revents != 0)
				*which = i;
	return STREAM_OK;
}

enum stream_status
stream_wait(struct stream *s, const int *fds, size_t nfds, size_t *which)
{
	long long deadline = stream_deadline(s);
	enum stream_status st;
	size_t ready = nfds;
	ssize_t n;

	if (nfds > STREAM_WAKE_MAX)
		nfds = STREAM_WAKE_MAX;
	if ((st = stream_flush(s)) != STREAM_OK)
		return st;
	while (s->inpos == s->inend) {
		n = stream_try(s);
		if (n >= 0)
			return STREAM_OK;
		if (n == BACKEND_ERROR)
			return s->failed;
		stream_release(s);
		st = wait_any(s, (int)n, fds, nfds, deadline, &ready);
		if (st != STREAM_OK)
			return st;
		if (ready < nfds) {
			*which = ready;
			return STREAM_WAKE;
		}
	}
	return STREAM_OK;
}
