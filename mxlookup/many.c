/* SPDX-License-Identifier: ISC
 *
 * Looking up who takes mail for many names: as many questions are under way as
 * the resolver answers.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sysexits.h>

#include "mail/mx.h"
#include "many.h"
#include "output.h"
#include "window.h"

#define EXIT_NOMAIL	1

struct lookups {
	struct many	*m;
	struct mx_pool	*pool;
	struct window	 window;
	long long	 names;		/* answered */
	struct pollfd	 poll[DNS_FLIGHT_MAX + 2];
};

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

/* A lookup is finished. */
static enum many_status
finished(struct lookups *l, struct mx_query *q)
{
	struct job *j = mx_arg(q);
	struct mx_list *list = mx_result(q);
	struct buf *b = window_buf(&l->window, j);
	int names = (l->m->flags & MX_NOADDRS) != 0;
	int code = exit_code(list->status);

	if (l->m->json)
		output_json(b, j->domain, list, names);
	else
		output_table(b, j->domain, list, names);
	mx_query_free(q);
	if (code > l->m->code)
		l->m->code = code;
	l->names++;
	return window_answered(&l->window, j);
}

/* ---- input ---- */

static enum many_status
begin(struct lookups *l, const char *domain)
{
	struct job *j = window_begin(&l->window, domain);

	if (j == NULL)
		return MANY_NO_MEMORY;
	if (mx_submit(l->pool, domain, l->m->flags, j) == NULL) {
		window_drop(&l->window, j);
		return MANY_NO_MEMORY;
	}
	return MANY_DONE;
}

/* Begin as many as may be; *st says why no more. */
static enum many_status
feed(struct lookups *l, enum input_status *st)
{
	enum many_status r;
	char *name;

	*st = INPUT_NAME;
	while (window_has_room(&l->window) && mx_room(l->pool)) {
		if ((*st = input_next(l->m->in, &name)) != INPUT_NAME)
			break;
		if ((r = begin(l, name)) != MANY_DONE)
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
wait_all(struct lookups *l)
{
	size_t n = dns_pollfds(l->m->dns, l->poll, DNS_FLIGHT_MAX);
	int ms = sooner(dns_wait_ms(l->m->dns), progress_ms(l->m->progress));

	if (n > DNS_FLIGHT_MAX)
		n = DNS_FLIGHT_MAX;
	l->poll[n] = (struct pollfd){ .fd = l->m->in->fd, .events = POLLIN };
	l->poll[n + 1] = (struct pollfd){ .fd = l->m->out };
	(void)poll(l->poll, (nfds_t)n + 2, ms);
	if ((l->poll[n + 1].revents & POLLERR) != 0) {
		errno = EPIPE;
		return MANY_NO_OUTPUT;
	}
	return MANY_DONE;
}

/* One finished lookup, or one wait. */
static enum many_status
turn(struct lookups *l, enum input_status st)
{
	int ms = sooner(l->window.out.len > 0 ? WINDOW_MS : -1,
	    progress_ms(l->m->progress));
	enum many_status r;
	struct mx_query *q;

	if ((q = mx_wait(l->pool, st == INPUT_WAIT ? 0 : ms)) != NULL)
		return finished(l, q);
	/* Who gives a name and waits for the answer gets it. */
	if (l->window.out.len > 0 && (st == INPUT_WAIT || ms > 0) &&
	    (r = window_flush(&l->window)) != MANY_DONE)
		return r;
	return st == INPUT_WAIT ? wait_all(l) : MANY_DONE;
}

static enum many_status
slide(struct lookups *l)
{
	enum input_status st;
	enum many_status r;

	for (;;) {
		if ((r = feed(l, &st)) != MANY_DONE)
			return r;
		if (l->window.n == 0 && st == INPUT_END)
			return window_flush(&l->window);
		if ((r = turn(l, st)) != MANY_DONE)
			return r;
		progress_step(l->m->progress, l->names, l->m->in->taken);
	}
}

enum many_status
many_run(struct many *m)
{
	struct lookups *l = calloc(1, sizeof(*l));
	enum many_status r = MANY_NO_MEMORY;

	if (l == NULL)
		return r;
	l->m = m;
	window_init(&l->window, m->out, m->unordered);
	if ((l->pool = mx_open(m->dns)) != NULL)
		r = slide(l);
	m->error = errno;
	progress_end(m->progress);
	/* What was found before the input or the memory ended is told. */
	if (r != MANY_DONE && r != MANY_NO_OUTPUT)
		(void)window_flush(&l->window);
	/* Who closed the pipe has what he wanted. */
	if (r == MANY_NO_OUTPUT && m->error == EPIPE)
		r = MANY_DONE;
	mx_close(l->pool);
	window_free(&l->window);
	free(l);
	return r;
}
