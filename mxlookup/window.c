/* SPDX-License-Identifier: ISC
 *
 * Answers put in the order of their names, and written in large pieces.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "window.h"

/* A silent name keeps those behind it for half a minute at most. */
#define NAMES_MAX	65536		/* under way or held */
#define HELD_MAX	(16 << 20)	/* octets of answers that wait */
#define WRITE_SIZE	65536		/* write at the latest then */

void
window_init(struct window *w, int fd, int unordered)
{
	memset(w, 0, sizeof(*w));
	TAILQ_INIT(&w->jobs);
	w->fd = fd;
	w->unordered = unordered;
	buf_init(&w->out, WRITE_SIZE + 2 * WINDOW_ANSWER);
	buf_init(&w->one, WINDOW_ANSWER);
}

void
window_free(struct window *w)
{
	struct job *j;

	while ((j = TAILQ_FIRST(&w->jobs)) != NULL)
		window_drop(w, j);
	buf_free(&w->out);
	buf_free(&w->one);
}

int
window_has_room(const struct window *w)
{
	return w->n < NAMES_MAX && w->held < HELD_MAX;
}

struct job *
window_begin(struct window *w, const char *domain)
{
	size_t n = strlen(domain) + 1;
	struct job *j = malloc(sizeof(*j) + n);

	if (j == NULL)
		return NULL;
	memcpy(j->domain, domain, n);
	j->text = NULL;
	j->len = 0;
	TAILQ_INSERT_TAIL(&w->jobs, j, next);
	w->n++;
	return j;
}

void
window_drop(struct window *w, struct job *j)
{
	TAILQ_REMOVE(&w->jobs, j, next);
	w->n--;
	w->held -= j->len;
	free(j->text);
	free(j);
}

/* ---- output ---- */

enum many_status
window_flush(struct window *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLOUT };
	size_t at = 0;
	ssize_t n;

	while (at < w->out.len) {
		n = write(w->fd, w->out.data + at, w->out.len - at);
		if (n >= 0)
			at += (size_t)n;
		else if (errno == EAGAIN)
			(void)poll(&p, 1, -1);
		else if (errno != EINTR)
			return MANY_NO_OUTPUT;
	}
	buf_reset(&w->out);
	w->written = clock_ms();
	return MANY_DONE;
}

/* Write what is there when it is much or old. */
static enum many_status
write_due(struct window *w)
{
	if (w->out.len >= WRITE_SIZE || (w->out.len > 0 &&
	    clock_ms() - w->written >= WINDOW_MS))
		return window_flush(w);
	return MANY_DONE;
}

/* What waited for its turn and has it now. */
static enum many_status
print_ready(struct window *w)
{
	enum many_status r = MANY_DONE;
	struct job *j;

	while (r == MANY_DONE && (j = TAILQ_FIRST(&w->jobs)) != NULL &&
	    j->text != NULL) {
		if (buf_add(&w->out, j->text, j->len) == -1)
			return MANY_NO_MEMORY;
		window_drop(w, j);
		r = write_due(w);
	}
	return r;
}

static int
has_turn(const struct window *w, const struct job *j)
{
	return w->unordered || j == TAILQ_FIRST(&w->jobs);
}

struct buf *
window_buf(struct window *w, const struct job *j)
{
	if (has_turn(w, j))
		return &w->out;
	buf_reset(&w->one);
	return &w->one;
}

enum many_status
window_answered(struct window *w, struct job *j)
{
	enum many_status r;

	if (has_turn(w, j)) {
		if (buf_failed(&w->out))
			return MANY_NO_MEMORY;
		window_drop(w, j);
		return (r = write_due(w)) == MANY_DONE ? print_ready(w) : r;
	}
	if (buf_failed(&w->one) || (j->text = malloc(w->one.len)) == NULL)
		return MANY_NO_MEMORY;
	memcpy(j->text, w->one.data, w->one.len);
	w->held += j->len = w->one.len;
	return MANY_DONE;
}
