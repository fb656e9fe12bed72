/* SPDX-License-Identifier: ISC
 *
 * A window that slides over the names: those under way and those whose answers
 * wait for an earlier one.  Its memory has a bound, whatever the input.
 */
#include <sys/queue.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bytes/buf.h"
#include "mail/mx.h"
#include "many.h"
#include "output.h"
#include "system/clock.h"

/* A silent name keeps those behind it for half a minute at most. */
#define WINDOW		65536		/* names under way or held */
#define HELD_MAX	(16 << 20)	/* octets of answers that wait */
#define WRITE_SIZE	65536		/* write at the latest then */
#define WRITE_MS	100
#define ANSWER_MAX	(4 << 20)	/* of one name; never reached */
#define EXIT_NOMAIL	1

/* A name, until it is printed. */
struct job {
	TAILQ_ENTRY(job) next;
	char		*text;		/* the answer that waits, or NULL */
	size_t		 len;
	char		 domain[];	/* as given */
};

TAILQ_HEAD(jobs, job);

struct window {
	struct many	*m;
	struct mx_pool	*pool;
	struct jobs	 jobs;		/* in order */
	size_t		 n;
	size_t		 held;		/* octets of all that waits */
	long long	 names;		/* answered */
	struct buf	 out;		/* to be written */
	struct buf	 one;		/* an answer that has to wait */
	long long	 written;	/* when */
	struct pollfd	 poll[DNS_FLIGHT_MAX + 2];
};

/* ---- output ---- */

static enum many_status
write_out(struct window *w)
{
	struct pollfd p = { .fd = w->m->out, .events = POLLOUT };
	size_t at = 0;
	ssize_t n;

	while (at < w->out.len) {
		n = write(w->m->out, w->out.data + at, w->out.len - at);
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
	    clock_ms() - w->written >= WRITE_MS))
		return write_out(w);
	return MANY_DONE;
}

static int
exit_code(enum mx_status st)
{
	switch (st) {
	case MX_FOUND:
	case MX_IMPLICIT:
		return 0;
	case MX_NULL:
	case MX_NXDOMAIN:
	case MX_NODATA:
	case MX_INVALID:
		return EXIT_NOMAIL;
	case MX_TEMPORARY:
	case MX_BOGUS:
		break;
	}
	return EX_TEMPFAIL;
}

static void
drop(struct window *w, struct job *j)
{
	TAILQ_REMOVE(&w->jobs, j, next);
	w->n--;
	w->held -= j->len;
	free(j->text);
	free(j);
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
		drop(w, j);
		r = write_due(w);
	}
	return r;
}

/* A lookup is finished: print it, or keep it until its turn. */
static enum many_status
finished(struct window *w, struct mx_query *q)
{
	struct job *j = mx_arg(q);
	struct mx_list *list = mx_result(q);
	int now = w->m->unordered || j == TAILQ_FIRST(&w->jobs);
	int names = (w->m->flags & MX_NOADDRS) != 0;
	struct buf *b = now ? &w->out : &w->one;
	int code = exit_code(list->status);
	enum many_status r;

	buf_reset(&w->one);
	if (w->m->json)
		output_json(b, j->domain, list, names);
	else
		output_table(b, j->domain, list, names);
	mx_query_free(q);
	if (code > w->m->code)
		w->m->code = code;
	w->names++;
	if (buf_failed(b))
		return MANY_NO_MEMORY;
	if (now) {
		drop(w, j);
		return (r = write_due(w)) == MANY_DONE ? print_ready(w) : r;
	}
	if ((j->text = malloc(b->len)) == NULL)
		return MANY_NO_MEMORY;
	memcpy(j->text, b->data, b->len);
	w->held += j->len = b->len;
	return MANY_DONE;
}

/* ---- input ---- */

static enum many_status
begin(struct window *w, const char *domain)
{
	size_t n = strlen(domain) + 1;
	struct job *j = malloc(sizeof(*j) + n);

	if (j == NULL)
		return MANY_NO_MEMORY;
	memcpy(j->domain, domain, n);
	j->text = NULL;
	j->len = 0;
	TAILQ_INSERT_TAIL(&w->jobs, j, next);
	w->n++;
	if (mx_submit(w->pool, domain, w->m->flags, j) == NULL) {
		drop(w, j);
		return MANY_NO_MEMORY;
	}
	return MANY_DONE;
}

/* Begin as many as may be; *st says why no more. */
static enum many_status
feed(struct window *w, enum input_status *st)
{
	enum many_status r;
	char *name;

	*st = INPUT_NAME;
	while (w->n < WINDOW && w->held < HELD_MAX && mx_room(w->pool)) {
		if ((*st = input_next(w->m->in, &name)) != INPUT_NAME)
			break;
		if ((r = begin(w, name)) != MANY_DONE)
			return r;
	}
	return *st == INPUT_FAILED ? MANY_NO_INPUT : MANY_DONE;
}

/* ---- waiting ---- */

static int
sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Wait for answers, for more input, and for the reader's end. */
static enum many_status
wait_all(struct window *w)
{
	size_t n = dns_pollfds(w->m->dns, w->poll, DNS_FLIGHT_MAX);
	int ms = sooner(dns_wait_ms(w->m->dns), progress_ms(w->m->progress));

	if (n > DNS_FLIGHT_MAX)
		n = DNS_FLIGHT_MAX;
	w->poll[n] = (struct pollfd){ .fd = w->m->in->fd, .events = POLLIN };
	w->poll[n + 1] = (struct pollfd){ .fd = w->m->out };
	(void)poll(w->poll, (nfds_t)n + 2, ms);
	if ((w->poll[n + 1].revents & POLLERR) != 0) {
		errno = EPIPE;
		return MANY_NO_OUTPUT;
	}
	return MANY_DONE;
}

/* One finished lookup, or one wait. */
static enum many_status
turn(struct window *w, enum input_status st)
{
	int ms = sooner(w->out.len > 0 ? WRITE_MS : -1,
	    progress_ms(w->m->progress));
	enum many_status r;
	struct mx_query *q;

	if ((q = mx_wait(w->pool, st == INPUT_WAIT ? 0 : ms)) != NULL)
		return finished(w, q);
	/* Who gives a name and waits for the answer gets it. */
	if (w->out.len > 0 && (st == INPUT_WAIT || ms > 0) &&
	    (r = write_out(w)) != MANY_DONE)
		return r;
	return st == INPUT_WAIT ? wait_all(w) : MANY_DONE;
}

static enum many_status
slide(struct window *w)
{
	enum input_status st;
	enum many_status r;

	for (;;) {
		if ((r = feed(w, &st)) != MANY_DONE)
			return r;
		if (w->n == 0 && st == INPUT_END)
			return write_out(w);
		if ((r = turn(w, st)) != MANY_DONE)
			return r;
		progress_step(w->m->progress, w->names, w->m->in->taken);
	}
}

enum many_status
many_run(struct many *m)
{
	struct window *w = calloc(1, sizeof(*w));
	enum many_status r = MANY_NO_MEMORY;
	struct job *j;

	if (w == NULL)
		return r;
	w->m = m;
	TAILQ_INIT(&w->jobs);
	buf_init(&w->out, WRITE_SIZE + 2 * ANSWER_MAX);
	buf_init(&w->one, ANSWER_MAX);
	if ((w->pool = mx_open(m->dns)) != NULL)
		r = slide(w);
	m->error = errno;
	progress_end(m->progress);
	/* What was found before the input or the memory ended is told. */
	if (r != MANY_DONE && r != MANY_NO_OUTPUT)
		(void)write_out(w);
	/* Who closed the pipe has what he wanted. */
	if (r == MANY_NO_OUTPUT && m->error == EPIPE)
		r = MANY_DONE;
	mx_close(w->pool);
	while ((j = TAILQ_FIRST(&w->jobs)) != NULL)
		drop(w, j);
	buf_free(&w->out);
	buf_free(&w->one);
	free(w);
	return r;
}
