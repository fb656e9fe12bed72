/* SPDX-License-Identifier: ISC
 *
 * The sessions, here and in other processes: starting and ending them, drawing
 * requests to them and noting in the model what these will do, taking their
 * answers.
 */
#ifndef T_MODEL_ASK_H
#define T_MODEL_ASK_H

#include <sys/socket.h>

#include <err.h>
#include <poll.h>

#include "model.h"

/* ---- sessions ---- */

static void
write_all(int fd, const void *data, size_t n)
{
	const char *p = data;
	ssize_t r;

	while (n > 0 && ((r = write(fd, p, n)) > 0 || errno == EINTR))
		if (r > 0) {
			p += r;
			n -= (size_t)r;
		}
}

/* 0, or -1: not all came within BLOCKED. */
static int
read_all(int fd, void *data, size_t n)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char *p = data;
	ssize_t r;

	while (n > 0) {
		if (poll(&pfd, 1, BLOCKED) != 1 ||
		    (r = read(fd, p, n)) <= 0)
			return -1;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

static void __attribute__((noreturn))
child(struct handle *h, int fd)
{
	struct mailbox_root *own;
	struct request q;
	static struct reply r;

	memset(&h->session, 0, sizeof(h->session));
	if (mailbox_root_open(top, 0, &own) != MAILBOX_OK)
		_exit(1);
	while (read(fd, &q, sizeof(q)) == (ssize_t)sizeof(q)) {
		serve(&h->session, own, &q, &r);
		write_all(fd, &r, offsetof(struct reply, row));
		write_all(fd, r.row, r.n * sizeof(r.row[0]));
		if (q.verb == CLOSE)
			break;
	}
	_exit(0);
}

static void
start_child(struct handle *h)
{
	int sv[2];
	size_t i;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		err(1, "socketpair");
	fflush(stdout);
	if ((h->pid = fork()) == -1)
		err(1, "fork");
	if (h->pid == 0) {
		close(sv[0]);
		for (i = LOCAL; i < HANDLES; i++)
			if (handles[i].open && &handles[i] != h)
				close(handles[i].fd);
		child(h, sv[1]);
	}
	close(sv[1]);
	h->fd = sv[0];
}

static long long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void
send_request(struct handle *h)
{
	write_all(h->fd, &h->request, sizeof(h->request));
}

/* Take its reply, or do the request here.  exact: nothing else goes on. */
static void
finish(struct handle *h, bool exact)
{
	static struct reply r;
	struct folder *f = &folders[h->folder];
	const struct request *q = &h->request;
	long long start = now_ms();
	uint32_t i;

	memset(&r, 0, offsetof(struct reply, row));
	if (h->pid == 0)
		serve(&h->session, root, q, &r);
	else if (read_all(h->fd, &r, offsetof(struct reply, row)) == -1 ||
	    read_all(h->fd, r.row, r.n * sizeof(r.row[0])) == -1)
		fail("session %d gives no answer", (int)(h - handles));
	if (now_ms() - start >= BLOCKED)
		fail("it took %lld ms", now_ms() - start);
	if (r.error[0] != '\0')
		fail("session %d: %s", (int)(h - handles), r.error);
	if (r.status != MAILBOX_OK)
		fail("session %d: %s", (int)(h - handles),
		    mailbox_status_text(r.status));
	if (q->verb == CLOSE)
		return;
	if (q->verb == OPEN)
		h->last.n = 0;
	if (q->verb == SAVE)
		for (i = 0; i < q->n; i++)
			bind_uid(h->folder, r.first + i, q->token[i]);
	if (q->verb == COPY)
		for (i = 0; i < r.ncopied; i++)
			bind_uid(q->folder, r.first + i,
			    f->uid[r.copied[i]].token);
	check_view(h, &r);
	if (q->verb == OPEN || q->verb == REFRESH || q->verb == SIZES) {
		nrefreshes++;
		if (exact && !lively && !together)
			check_exact(h, &r);
		if (r.highest > f->highest)
			f->highest = r.highest;
	}
	memcpy(&h->last, &r, offsetof(struct reply, row));
	memcpy(h->last.row, r.row, r.n * sizeof(r.row[0]));
}

/* A request alone. */
static void
ask(struct handle *h, bool exact)
{
	if (h->pid != 0)
		send_request(h);
	finish(h, exact);
}

static struct request *
request(struct handle *h, enum verb verb)
{
	memset(&h->request, 0, sizeof(h->request));
	h->request.verb = verb;
	note(" [%d %s]", (int)(h - handles), folder_names[h->folder]);
	return &h->request;
}

static void
open_at(struct handle *h, int folder, unsigned flags, bool exact)
{
	struct request *q;

	h->folder = folder;
	h->flags = flags;
	h->pid = 0;
	memset(&h->session, 0, sizeof(h->session));
	if (h - handles >= LOCAL)
		start_child(h);
	h->open = true;
	q = request(h, OPEN);
	q->folder = h->folder;
	q->flags = h->flags;
	note(" open %x", h->flags);
	ask(h, exact);
}

static void
open_handle(struct handle *h)
{
	static const unsigned ways[] = { 0, 0, 0, MAILBOX_KEEP_NEW,
	    MAILBOX_KEEP_NEW | MAILBOX_READONLY };

	open_at(h, (int)draw(FOLDERS), ways[draw(sizeof(ways) /
	    sizeof(ways[0]))], true);
}

static void
close_handle(struct handle *h)
{
	request(h, CLOSE);
	note(" close");
	ask(h, false);
	if (h->pid != 0) {
		close(h->fd);
		(void)waitpid(h->pid, NULL, 0);
	}
	h->open = false;
}

static struct handle *
draw_handle(bool writing)
{
	struct handle *h;

	do {
		h = &handles[draw(HANDLES)];
		if (!h->open)
			open_handle(h);
	} while (writing && (h->flags & MAILBOX_READONLY));
	return h;
}

/* ---- requests and what they do to the model ---- */

/* Messages that a session has in view, for a change of these flags. */
static void
draw_uids(struct handle *h, uint64_t mark)
{
	struct request *q = &h->request;
	struct entry *e;
	struct row *row;
	bool unclear;
	uint32_t i, n = (uint32_t)(chance(70) ? 1 : 1 + draw(BATCH));

	for (i = 0; i < n && h->last.n > 0; i++) {
		row = &h->last.row[draw(h->last.n)];
		e = entry_by_uid(h->folder, row->uid, &unclear);
		if (unclear || row->gone || row->token == 0 || (e != NULL &&
		    (e->reserved & mark) != 0))
			continue;
		if (e == NULL && is_removing(h->folder, row->uid))
			continue;
		if (e != NULL)
			e->reserved |= mark;
		q->uid[q->n++] = row->uid;
		note(" %u(%u)", row->uid, row->token);
	}
}

static void
prepare_store(struct handle *h, bool killed)
{
	static const char *const words[] = { "+", "-", "=" };
	struct request *q = request(h, STORE);
	uint64_t after;
	struct entry *e;
	bool unclear;
	uint32_t i;

	q->change = (enum mailbox_change)draw(3);
	q->mark = draw_mark();
	note(" store %s%llx", words[q->change], (unsigned long long)q->mark);
	draw_uids(h, q->change == MAILBOX_REPLACE ? ~(uint64_t)0 : q->mark);
	for (i = 0; i < q->n; i++) {
		e = entry_by_uid(h->folder, q->uid[i], &unclear);
		if (e == NULL)
			continue;
		after = q->change == MAILBOX_ADD ? e->flags | q->mark :
		    q->change == MAILBOX_REMOVE ? e->flags & ~q->mark :
		    q->mark;
		if (killed)
			e->maybe |= after ^ e->flags;
		else if (q->change == MAILBOX_REPLACE)
			e->maybe = 0;
		else
			e->maybe &= ~q->mark;
		e->flags = after;
	}
}

static void
prepare_expunge(struct handle *h, bool killed)
{
	struct request *q = request(h, EXPUNGE);
	struct entry *e;
	bool unclear;
	uint32_t i;

	q->flags = chance(50);
	note(" expunge%s", q->flags ? " deleted" : "");
	draw_uids(h, ~(uint64_t)0);
	for (i = 0; i < q->n; i++) {
		e = entry_by_uid(h->folder, q->uid[i], &unclear);
		if (e == NULL)
			continue;
		if (killed || (q->flags && (e->maybe & MAILBOX_DELETED)))
			e->maybe_gone = true;
		else if (!q->flags || (e->flags & MAILBOX_DELETED))
			remove_entry(e);
	}
}

static void
prepare_save(struct handle *h, bool killed)
{
	struct request *q = request(h, SAVE);
	struct entry *e;

	q->mark = chance(50) ? 0 : draw_mark();
	q->n = (uint32_t)(chance(70) ? 1 : 1 + draw(4));
	note(" save %u %llx", q->n, (unsigned long long)q->mark);
	for (uint32_t i = 0; i < q->n; i++) {
		q->token[i] = next_token++;
		e = add_entry(h->folder, q->token[i], q->mark);
		e->maybe_gone = killed;
		e->maybe = killed ? may_lose(e->flags) : 0;
		e->reserved = ~(uint64_t)0;
	}
}

static void
prepare_copy(struct handle *h, bool killed)
{
	struct request *q = request(h, COPY);
	struct entry *e, *copy;
	uint64_t told;
	uint32_t i, j;
	bool unclear;

	q->folder = (int)draw(FOLDERS);
	note(" copy to %s", folder_names[q->folder]);
	draw_uids(h, ~(uint64_t)0);
	for (i = 0; i < q->n; i++) {
		e = entry_by_uid(h->folder, q->uid[i], &unclear);
		if (e == NULL)
			continue;
		told = e->flags;
		for (j = 0; j < h->last.n; j++)
			if (h->last.row[j].uid == q->uid[i])
				told = h->last.row[j].flags;
		copy = add_entry(q->folder, e->token, e->flags);
		/* With flags as the session knows them, or as they are. */
		copy->maybe = e->maybe | (told ^ e->flags);
		if (killed)
			copy->maybe |= may_lose(e->flags | told);
		copy->maybe_gone = killed || e->maybe_gone;
		copy->reserved = ~(uint64_t)0;
	}
}

/* What the session may do along with others; false: it may do nothing. */
static void
prepare(struct handle *h, bool killed)
{
	bool full = count_entries(h->folder) > AMOUNT;

	if ((h->flags & MAILBOX_READONLY) || chance(20)) {
		request(h, REFRESH)->flags = chance(30) ?
		    MAILBOX_NO_EXPUNGE : chance(10) ? MAILBOX_RELIST : 0;
		note(" refresh %x", h->request.flags);
	} else if (chance(45)) {
		prepare_store(h, killed);
	} else if (chance(full ? 70 : 20)) {
		prepare_expunge(h, killed);
	} else if (chance(60)) {
		prepare_save(h, killed);
	} else {
		prepare_copy(h, killed);
	}
}

#endif
