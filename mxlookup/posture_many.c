/* SPDX-License-Identifier: ISC
 *
 * Looking at many domains: processes of our own, each with one domain at a
 * time, as most of the time they wait for somebody.  One is started when there
 * is a name and nobody is free; it talks to nobody but its parent and the
 * network, and it ends with its parent.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "posture.h"
#include "system/sandbox.h"
#include "window.h"

#define AT_ONCE		32		/* domains */
#define NAME_MAX_LEN	(1 << 20)	/* octets; an argument is shorter */

/* What goes before a name, and before an answer. */
struct head {
	uint32_t	 len;
	uint32_t	 code;		/* of an answer: the exit code */
};

#define MESSAGE_MAX	(WINDOW_ANSWER + sizeof(struct head))

struct worker {
	pid_t		 pid;
	int		 fd;		/* -1: there is none */
	struct job	*job;		/* NULL: it waits for a name */
	struct buf	 in;		/* what came of its answer */
};

struct crew {
	struct many	*m;
	enum posture_form form;
	const struct posture_means *means;
	struct window	 window;
	char		*name;		/* the next, or NULL */
	long long	 names;		/* answered */
	struct worker	 workers[AT_ONCE];
	struct pollfd	 poll[AT_ONCE + 2];
};

/* ---- the worker's side ---- */

/* 1; 0: the end, before the first octet or later; -1. */
static int
read_all(int fd, void *to, size_t n)
{
	char *p = to;
	ssize_t got;

	while (n > 0) {
		got = read(fd, p, n);
		if (got == 0)
			return 0;
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		} else if (errno != EINTR)
			return -1;
	}
	return 1;
}

static int
write_all(int fd, const void *from, size_t n)
{
	const char *p = from;
	ssize_t put;

	while (n > 0) {
		if ((put = write(fd, p, n)) >= 0) {
			p += put;
			n -= (size_t)put;
		} else if (errno != EINTR)
			return -1;
	}
	return 0;
}

/* Take a name, give its answer; 0, or -1: nothing more to do. */
static int
serve(int fd, struct buf *name, struct buf *answer, enum posture_form form,
    const struct posture_means *means)
{
	struct head h;
	char *p;
	int code;

	buf_reset(name);
	buf_reset(answer);
	if (read_all(fd, &h, sizeof(h)) != 1 || h.len > NAME_MAX_LEN ||
	    (p = buf_reserve(name, h.len + 1)) == NULL ||
	    read_all(fd, p, h.len) != 1)
		return -1;
	buf_commit(name, h.len);
	code = posture(answer, buf_str(name), form, means);
	if (code == -1 || buf_failed(answer))
		return -1;
	h.code = (uint32_t)code;
	h.len = (uint32_t)answer->len;
	return write_all(fd, &h, sizeof(h)) == -1 ||
	    write_all(fd, answer->data, answer->len) == -1 ? -1 : 0;
}

static _Noreturn void
work(const struct crew *c, int fd, pid_t parent)
{
	struct buf name, answer;
	size_t i;

	for (i = 0; i < AT_ONCE; i++)
		if (c->workers[i].fd != -1)
			close(c->workers[i].fd);
	buf_init(&name, NAME_MAX_LEN + 2);
	buf_init(&answer, WINDOW_ANSWER);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
	    sandbox_client() == 0)
		while (serve(fd, &name, &answer, c->form, c->means) == 0)
			continue;
	_exit(0);
}

/* ---- the parent's side ---- */

/* 0, or -1 with errno. */
static int
start_worker(struct crew *c, struct worker *w)
{
	pid_t parent = getpid();
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
		return -1;
	switch (w->pid = fork()) {
	case -1:
		close(fds[0]);
		close(fds[1]);
		return -1;
	case 0:
		close(fds[0]);
		work(c, fds[1], parent);
	}
	close(fds[1]);
	w->fd = fds[0];
	buf_init(&w->in, MESSAGE_MAX);
	return 0;
}

static void
end_worker(struct worker *w)
{
	if (w->fd == -1)
		return;
	(void)kill(w->pid, SIGKILL);
	close(w->fd);
	while (waitpid(w->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	w->fd = -1;
	w->job = NULL;
	buf_free(&w->in);
}

/* One that waits for a name; NULL with errno: there is none now, 0 when others
 * will be free. */
static struct worker *
free_worker(struct crew *c)
{
	struct worker *w, *place = NULL;
	int busy = 0;

	for (w = c->workers; w < c->workers + AT_ONCE; w++) {
		if (w->fd != -1 && w->job == NULL)
			return w;
		busy |= w->fd != -1;
		if (w->fd == -1 && place == NULL)
			place = w;
	}
	if (place != NULL && start_worker(c, place) == 0)
		return place;
	if (busy)
		errno = 0;
	return NULL;
}

/* A name is answered: by this text, or, NULL, by nobody. */
static enum many_status
answered(struct crew *c, struct worker *w, const struct head *h,
    const char *text)
{
	struct job *j = w->job;
	struct buf *b = window_buf(&c->window, j);
	int code = EX_TEMPFAIL;

	if (text != NULL) {
		(void)buf_add(b, text, h->len);
		code = (int)h->code;
		w->job = NULL;
		buf_reset(&w->in);
	} else {
		end_worker(w);
		if (posture_unanswered(b, j->domain, c->form) == -1)
			return MANY_NO_MEMORY;
	}
	if (code > c->m->code)
		c->m->code = code;
	c->names++;
	return window_answered(&c->window, j);
}

/* A worker has the next name, or has died of an earlier one. */
static enum many_status
give(struct crew *c, struct worker *w, const char *name)
{
	struct head h = { .len = (uint32_t)strlen(name) };

	if (h.len > NAME_MAX_LEN || (w->job = window_begin(&c->window,
	    name)) == NULL)
		return MANY_NO_MEMORY;
	return write_all(w->fd, &h, sizeof(h)) == -1 ||
	    write_all(w->fd, name, h.len) == -1 ?
	    answered(c, w, NULL, NULL) : MANY_DONE;
}

/* Something came from a worker, or its end. */
static enum many_status
hear(struct crew *c, struct worker *w)
{
	struct head h;
	ssize_t n = -1;
	char *p;

	if ((p = buf_reserve(&w->in, 1)) != NULL)
		n = read(w->fd, p, w->in.cap - w->in.len - 1);
	if (n == -1 && errno == EINTR && p != NULL)
		return MANY_DONE;
	if (n <= 0)
		return answered(c, w, NULL, NULL);
	buf_commit(&w->in, (size_t)n);
	if (w->in.len < sizeof(h))
		return MANY_DONE;
	memcpy(&h, w->in.data, sizeof(h));
	if (h.len > WINDOW_ANSWER || h.code > EX__MAX ||
	    w->in.len > sizeof(h) + h.len)
		return answered(c, w, NULL, NULL);
	return w->in.len < sizeof(h) + h.len ? MANY_DONE :
	    answered(c, w, &h, w->in.data + sizeof(h));
}

/* Begin as many names as there is somebody for; *st says why no more. */
static enum many_status
feed(struct crew *c, enum input_status *st)
{
	enum many_status r;
	struct worker *w;

	*st = INPUT_NAME;
	while (window_has_room(&c->window)) {
		if (c->name == NULL &&
		    (*st = input_next(c->m->in, &c->name)) != INPUT_NAME)
			break;
		if ((w = free_worker(c)) == NULL)
			return errno == 0 ? MANY_DONE : MANY_NO_MEMORY;
		if ((r = give(c, w, c->name)) != MANY_DONE)
			return r;
		c->name = NULL;
	}
	return *st == INPUT_FAILED ? MANY_NO_INPUT : MANY_DONE;
}

/* Wait for answers, for input that is missing, for the reader's end. */
static enum many_status
wait_all(struct crew *c, enum input_status st)
{
	enum many_status r = MANY_DONE;
	size_t i;

	for (i = 0; i < AT_ONCE; i++)
		c->poll[i] = (struct pollfd){ .events = POLLIN,
		    .fd = c->workers[i].job == NULL ? -1 : c->workers[i].fd };
	c->poll[i] = (struct pollfd){ .events = POLLIN,
	    .fd = st == INPUT_WAIT ? c->m->in->fd : -1 };
	c->poll[i + 1] = (struct pollfd){ .fd = c->m->out };
	if (poll(c->poll, AT_ONCE + 2, progress_ms(c->m->progress)) <= 0)
		return MANY_DONE;
	if ((c->poll[i + 1].revents & POLLERR) != 0) {
		errno = EPIPE;
		return MANY_NO_OUTPUT;
	}
	for (i = 0; i < AT_ONCE && r == MANY_DONE; i++)
		if (c->poll[i].revents != 0)
			r = hear(c, &c->workers[i]);
	return r;
}

static enum many_status
run(struct crew *c)
{
	enum input_status st;
	enum many_status r;

	for (;;) {
		if ((r = feed(c, &st)) != MANY_DONE ||
		    (r = window_flush(&c->window)) != MANY_DONE ||
		    (c->window.n == 0 && st == INPUT_END) ||
		    (r = wait_all(c, st)) != MANY_DONE)
			return r;
		progress_step(c->m->progress, c->names, c->m->in->taken);
	}
}

enum many_status
posture_many(struct many *m, enum posture_form form,
    const struct posture_means *means)
{
	struct crew *c = calloc(1, sizeof(*c));
	enum many_status r;
	size_t i;

	m->error = ENOMEM;
	if (c == NULL)
		return MANY_NO_MEMORY;
	c->m = m;
	c->form = form;
	c->means = means;
	for (i = 0; i < AT_ONCE; i++)
		c->workers[i].fd = -1;
	window_init(&c->window, m->out, m->unordered);
	r = run(c);
	m->error = errno;
	progress_end(m->progress);
	for (i = 0; i < AT_ONCE; i++)
		end_worker(&c->workers[i]);
	/* What was found before the input or the memory ended is told. */
	if (r != MANY_DONE && r != MANY_NO_OUTPUT)
		(void)window_flush(&c->window);
	/* Who closed the pipe has what he wanted. */
	if (r == MANY_NO_OUTPUT && m->error == EPIPE)
		r = MANY_DONE;
	window_free(&c->window);
	free(c);
	return r;
}

enum many_status
posture_one(struct many *m, enum posture_form form,
    const struct posture_means *means)
{
	enum many_status r = MANY_NO_MEMORY;
	struct window w;
	struct job *j;
	char *name;

	if (input_next(m->in, &name) != INPUT_NAME)
		return MANY_DONE;
	window_init(&w, m->out, 0);
	if ((j = window_begin(&w, name)) != NULL && (m->code =
	    posture(window_buf(&w, j), name, form, means)) != -1 &&
	    (r = window_answered(&w, j)) == MANY_DONE)
		r = window_flush(&w);
	m->error = errno;
	if (r == MANY_NO_OUTPUT && m->error == EPIPE)
		r = MANY_DONE;
	window_free(&w);
	return r;
}
