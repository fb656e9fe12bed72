/* SPDX-License-Identifier: ISC
 *
 * The mailbox against a model of it: operations drawn at random, by sessions in
 * this process and in others, and by other programs in the Maildir, some of
 * them at once, some killed; what each session then sees is compared with a
 * plain list of messages.
 *
 *	mailbox [-v] [-k KEYWORDS] [-s SEED] OPERATIONS SECONDS
 *
 * -v prints every operation.  It ends after so many operations or seconds.  Exit code: 0 all was as it
 * should be; 1 a rule was broken: the seed, the number of the operation, the
 * last ones and what was wrong are on standard output, and with KEEP in the
 * environment the Maildir stays.
 */
#include <sys/socket.h>

#include <err.h>
#include <poll.h>
#include <signal.h>

#include "outside.h"
#include "session.h"

#define HANDLES		9	/* sessions at once; the first live here */
#define LOCAL		4
#define ENTRIES		(FOLDERS * ROWS)
#define UIDS		100000
#define HISTORY		20
#define BLOCKED		8000	/* ms: an operation must not take so long */
#define AMOUNT		40	/* messages in a folder, about */

struct entry {			/* one message of the model */
	int		 folder;
	uint32_t	 token;
	uint32_t	 uid;		/* 0: not told yet */
	uint64_t	 flags;
	uint64_t	 maybe;		/* flags that may be the other way */
	uint64_t	 reserved;	/* in use by this batch */
	bool		 maybe_gone;
	bool		 seen;
};

struct uid_state {
	uint32_t	 token;		/* 0: never told */
	bool		 removed;
	uint64_t	 flags;		/* at the last exact view */
	uint64_t	 highest;	/* modseq told then; 0 not in it */
};

struct folder {
	struct place	 place;
	uint32_t	 validity;
	uint64_t	 highest;	/* told by anyone */
	uint64_t	 exact;		/* at the last exact view */
	struct uid_state uid[UIDS];
};

struct handle {
	bool		 open;
	int		 folder;
	unsigned	 flags;
	pid_t		 pid;		/* 0: here */
	int		 fd;
	struct session	 session;
	struct request	 request;	/* under way */
	struct reply	 last;		/* what it sees */
};

static char top[64];
static struct mailbox_root *root;
static struct folder folders[FOLDERS];
static struct handle handles[HANDLES];
static struct entry entries[ENTRIES];
static size_t nentries;
static struct entry removing[HANDLES * BATCH];	/* by this operation */
static size_t nremoving;
static uint32_t next_token = 1;
static unsigned nkeywords = 20;

static uint64_t seed, state;
static long operation, nrefreshes, nkills, nexact;
static char history[HISTORY][600];
static pid_t renaming;
static bool lively;		/* it is not stopped */
static bool verbose;
static bool together;		/* several requests are under way */

/* ---- chance ---- */

static uint64_t
draw(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1dULL >> 33) % n;
}

static bool
chance(unsigned percent)
{
	return draw(100) < percent;
}

static uint64_t
draw_mark(void)
{
	uint64_t mark = 0;
	int i;

	for (i = (int)draw(3); i >= 0; i--)
		mark |= chance(60) || nkeywords == 0 ?
		    (uint64_t)1 << draw(5) : KEYWORD(draw(nkeywords));
	return mark;
}

/* ---- telling ---- */

static void __attribute__((format(printf, 1, 2)))
note(const char *fmt, ...)
{
	char *line = history[operation % HISTORY];
	size_t n = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(history[0]) - n, fmt, ap);
	va_end(ap);
}

static void
end_children(void)
{
	size_t i;

	for (i = LOCAL; i < HANDLES; i++)
		if (handles[i].open)
			(void)kill(handles[i].pid, SIGKILL);
	if (renaming > 0)
		(void)kill(renaming, SIGKILL);
	while (wait(NULL) > 0)
		;
}

static void
remove_top(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", top, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

static void __attribute__((format(printf, 1, 2), noreturn))
fail(const char *fmt, ...)
{
	va_list ap;
	long i;

	printf("FAILED: SEED=%llu, operation %ld%s: ",
	    (unsigned long long)seed, operation, lively ?
	    ", with renames going on" : "");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	for (i = operation - HISTORY + 1; i <= operation; i++)
		if (i >= 0)
			printf("%6ld %s\n", i, history[i % HISTORY]);
	end_children();
	if (getenv("KEEP") != NULL)
		printf("the Maildir is %s\n", top);
	else
		remove_top();
	exit(1);
}

/* ---- the model ---- */

static struct entry *
add_entry(int folder, uint32_t token, uint64_t flags)
{
	struct entry *e = &entries[nentries];

	if (nentries++ == ENTRIES)
		fail("too many messages");
	memset(e, 0, sizeof(*e));
	e->folder = folder;
	e->token = token;
	e->flags = flags;
	return e;
}

static void
remove_entry(struct entry *e)
{
	if (e->uid != 0)
		folders[e->folder].uid[e->uid].removed = true;
	if (nremoving < HANDLES * BATCH)
		removing[nremoving++] = *e;
	*e = entries[--nentries];
}

static size_t
count_entries(int folder)
{
	size_t i, n = 0;

	for (i = 0; i < nentries; i++)
		n += entries[i].folder == folder;
	return n;
}

/* How many messages have this token; *last is one of those without a UID. */
static size_t
count_token(int folder, uint32_t token, struct entry **last)
{
	size_t i, n = 0;

	*last = NULL;
	for (i = 0; i < nentries; i++) {
		if (entries[i].folder != folder || entries[i].token != token)
			continue;
		n++;
		if (entries[i].uid == 0)
			*last = &entries[i];
	}
	return n;
}

/* The message with a UID, or NULL: gone, or *unclear which of several. */
static struct entry *
entry_by_uid(int folder, uint32_t uid, bool *unclear)
{
	const struct uid_state *u = &folders[folder].uid[uid];
	struct entry *e;
	size_t i;

	*unclear = false;
	for (i = 0; i < nentries; i++)
		if (entries[i].folder == folder && entries[i].uid == uid)
			return &entries[i];
	(void)count_token(folder, u->token, &e);
	*unclear = !u->removed && e != NULL;
	return NULL;
}

/* A UID is told for the first time: whose is it?  Of copies made by hand that
 * is not known before all look. */
static void
bind_uid(int folder, uint32_t uid, uint32_t token)
{
	struct uid_state *u = &folders[folder].uid[uid];
	struct entry *e, *found = NULL;
	size_t i, n = 0;

	if (u->token != 0)
		return;
	u->token = token;
	for (i = 0; i < nentries; i++) {
		e = &entries[i];
		if (e->folder == folder && e->token == token && e->uid == 0) {
			n++;
			found = e;
		}
	}
	if (n == 1)
		found->uid = uid;
}

/* Can other programs find this message by its token?  A file that a session
 * is about to remove may still be there. */
static bool
is_sole(const struct entry *e)
{
	struct entry *unused;
	size_t i;

	for (i = 0; i < nremoving; i++)
		if (removing[i].folder == e->folder &&
		    removing[i].token == e->token)
			return false;
	return count_token(e->folder, e->token, &unused) == 1;
}

/* Any message whose file an outside program can tell from others, of which
 * these flags are nobody's now; NULL: none was drawn. */
static struct entry *
draw_entry(int folder, uint64_t mark)
{
	struct entry *e;
	int i;

	for (i = 0; i < 30 && nentries > 0; i++) {
		e = &entries[draw(nentries)];
		if (e->folder == folder && (e->reserved & mark) == 0 &&
		    !e->maybe_gone && is_sole(e)) {
			e->reserved |= mark;
			return e;
		}
	}
	return NULL;
}

static void
end_reservations(void)
{
	size_t i;

	for (i = 0; i < nentries; i++)
		entries[i].reserved = 0;
	nremoving = 0;
}

/* ---- what is seen ---- */

/* Any view: UIDs keep their messages, nothing living is gone. */
static void
check_view(struct handle *h, const struct reply *r)
{
	struct folder *f = &folders[h->folder];
	const struct row *row, *end = r->row + r->n;
	struct uid_state *u;
	struct entry *e;
	bool unclear;
	uint32_t i;

	if (f->validity == 0)
		f->validity = r->validity;
	if (r->validity != f->validity)
		fail("UIDVALIDITY %u was %u", r->validity, f->validity);
	for (row = r->row; row < end; row++) {
		if (row->uid >= UIDS)
			fail("UID %u", row->uid);
		u = &f->uid[row->uid];
		if (row->token != 0)
			bind_uid(h->folder, row->uid, row->token);
		if (row->token != 0 && u->token != row->token)
			fail("UID %u was message %u, is %u", row->uid,
			    u->token, row->token);
		e = entry_by_uid(h->folder, row->uid, &unclear);
		if (row->gone && e != NULL && !e->maybe_gone && !unclear)
			fail("UID %u (message %u) is called gone", row->uid,
			    u->token);
	}
	for (i = 0, row = r->row; i < h->last.n; i++) {
		while (row < end && row->uid < h->last.row[i].uid)
			row++;
		if (row < end && row->uid == h->last.row[i].uid)
			continue;
		e = entry_by_uid(h->folder, h->last.row[i].uid, &unclear);
		if (e != NULL && !e->maybe_gone)
			fail("UID %u (message %u) was told expunged and lives",
			    h->last.row[i].uid, e->token);
	}
}

/* The message of the model that a row shows. */
static struct entry *
match(int folder, const struct row *row)
{
	struct entry *e, *found = NULL;
	size_t i;

	for (i = 0; i < nentries; i++) {
		e = &entries[i];
		if (e->folder != folder || e->seen)
			continue;
		if (e->uid == row->uid)
			return e;
		/* The surest first: another row may need the other. */
		if (e->uid == 0 && e->token == row->token &&
		    ((e->flags ^ row->flags) & ~e->maybe) == 0 &&
		    (found == NULL || __builtin_popcountll(e->maybe) <
		    __builtin_popcountll(found->maybe)))
			found = e;
	}
	return found;
}

static void
check_modseq(struct folder *f, const struct row *row, const struct reply *r)
{
	struct uid_state *u = &f->uid[row->uid];

	if (r->highest == 0)
		return;
	if (u->highest == 0 && row->modseq <= f->exact)
		fail("new UID %u has modseq %llu, %llu was told before",
		    row->uid, (unsigned long long)row->modseq,
		    (unsigned long long)f->exact);
	if (u->highest != 0 && u->flags != row->flags &&
	    row->modseq <= u->highest)
		fail("UID %u changed, its modseq is %llu, %llu was told before",
		    row->uid, (unsigned long long)row->modseq,
		    (unsigned long long)u->highest);
	u->flags = row->flags;
	u->highest = r->highest;
}

static void
explain_missing(int folder, const struct row *row)
{
	struct entry *e;
	size_t n = count_token(folder, row->token, &e);

	if (n == 0)
		fail("UID %u (message %u) should not be there", row->uid,
		    row->token);
	for (e = entries; e < entries + nentries; e++)
		if (e->folder == folder && e->token == row->token)
			note("\n    the model has it as UID %u, flags %llx, "
			    "maybe %llx%s", e->uid, (unsigned long long)
			    e->flags, (unsigned long long)e->maybe, e->seen ?
			    ": seen" : "");
	fail("UID %u (message %u) with flags %llx is not in the model",
	    row->uid, row->token, (unsigned long long)row->flags);
}

/* A view with nothing going on: it is the model. */
static void
check_exact(struct handle *h, const struct reply *r)
{
	struct folder *f = &folders[h->folder];
	struct entry *e;
	uint32_t i;
	size_t j;

	nexact++;
	for (j = 0; j < nentries; j++)
		entries[j].seen = false;
	for (i = 0; i < r->n; i++) {
		if (r->row[i].gone)
			continue;
		if ((e = match(h->folder, &r->row[i])) == NULL)
			explain_missing(h->folder, &r->row[i]);
		if (((e->flags ^ r->row[i].flags) & ~e->maybe) != 0)
			fail("UID %u (message %u) has flags %llx, not %llx",
			    r->row[i].uid, e->token, (unsigned long long)
			    r->row[i].flags, (unsigned long long)e->flags);
		e->flags = r->row[i].flags;
		e->maybe = 0;
		e->uid = r->row[i].uid;
		e->seen = true;
		e->maybe_gone = false;
		check_modseq(f, &r->row[i], r);
		if (h->request.verb != SIZES)
			continue;
		if (r->row[i].size != wire_size(e->token) ||
		    r->row[i].date != 1000000 + (long long)e->token)
			fail("UID %u (message %u): size %llu, date %lld",
			    r->row[i].uid, e->token, (unsigned long long)
			    r->row[i].size, r->row[i].date);
	}
	for (j = nentries; j-- > 0; ) {
		e = &entries[j];
		if (e->folder != h->folder || e->seen)
			continue;
		if (!e->maybe_gone)
			fail("message %u (UID %u) is missing", e->token,
			    e->uid);
		remove_entry(e);
	}
	if (r->highest < f->highest)
		fail("the highest modseq is %llu, was %llu",
		    (unsigned long long)r->highest,
		    (unsigned long long)f->highest);
	f->exact = r->highest;
}

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
		/* It may be another's work that it is gone, done or not. */
		if (e == NULL && together && q->verb == COPY)
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
			e->maybe = getenv("LENIENT") ? e->flags & ~0xff : 0;
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

/* ---- other programs ---- */

static char
letter_of(uint64_t mark)
{
	return mark == MAILBOX_ANSWERED ? 'R' : mark == MAILBOX_FLAGGED ? 'F' :
	    mark == MAILBOX_DELETED ? 'T' : mark == MAILBOX_SEEN ? 'S' : 'D';
}

static void
outside_mark(int folder)
{
	uint64_t mark = (uint64_t)1 << draw(5);
	struct entry *e = draw_entry(folder, mark);
	int set;

	if (e == NULL)
		return;
	set = outside_toggle(&folders[folder].place, e->token,
	    letter_of(mark));
	note(" outside %s message %u %c: %d", folder_names[folder], e->token,
	    letter_of(mark), set);
	if (set == -1)
		fail("message %u has no file: %s", e->token, strerror(errno));
	e->maybe &= ~mark;
	e->flags = set ? e->flags | mark : e->flags & ~mark;
}

static void
outside_new(int folder)
{
	unsigned sizes = (unsigned)draw(4);
	const char *info = chance(70) ? NULL : chance(50) ? ":2,S" : ":2,";
	struct entry *e = add_entry(folder, next_token++,
	    info != NULL && info[3] == 'S' ? MAILBOX_SEEN : 0);

	e->reserved = ~(uint64_t)0;
	note(" outside %s deliver %u%s", folder_names[folder], e->token,
	    info == NULL ? "" : info);
	if (outside_deliver(&folders[folder].place, e->token, sizes, info) ==
	    -1)
		fail("deliver: %s", strerror(errno));
}

static void
outside_remove(int folder)
{
	struct entry *e = draw_entry(folder, ~(uint64_t)0);

	if (e == NULL || count_entries(folder) < AMOUNT / 4)
		return;
	note(" outside %s remove %u", folder_names[folder], e->token);
	if (outside_unlink(&folders[folder].place, e->token) == -1)
		fail("message %u has no file: %s", e->token, strerror(errno));
	remove_entry(e);
}

/* What may go on beside sessions at work. */
static void
outside_any(void)
{
	int folder = (int)draw(FOLDERS);

	switch (draw(3)) {
	case 0:
		outside_mark(folder);
		break;
	case 1:
		outside_new(folder);
		break;
	default:
		outside_remove(folder);
	}
}

static void
touch(int dir, const char *what)
{
	struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

	if (chance(50)) {
		times[1].tv_sec = time(NULL) - 100 - (time_t)draw(100000);
		times[1].tv_nsec = 0;
	}
	note(" touch %s %lld", what, (long long)times[1].tv_sec);
	(void)futimens(dir, times);
}

static void
copy_by_hand(int folder)
{
	uint64_t mark = (uint64_t)1 << draw(5);
	struct entry *e = draw_entry(folder, ~(uint64_t)0), *copy;
	struct handle *h;
	int set, i;

	/* Its flags must be known: which of the two is which is not. */
	if (e == NULL || e->maybe != 0)
		return;
	set = outside_copy(&folders[folder].place, e->token, letter_of(mark));
	note(" copy %u by hand: %d", e->token, set);
	if (set == -1)
		return;
	copy = add_entry(folder, e->token, set ? e->flags | mark :
	    e->flags & ~mark);
	copy->reserved = ~(uint64_t)0;
	copy->uid = e->uid = 0;
	/* Who meets it first gives it a name, and sees it the next time. */
	h = &handles[draw(HANDLES)];
	if (h->open && h->folder != folder)
		close_handle(h);
	if (!h->open)
		open_at(h, folder, 0, false);
	for (i = 0; i < 2; i++) {
		request(h, REFRESH);
		ask(h, false);
	}
}

static void
remove_derived(const struct place *p)
{
	static const char *const files[] = { "stdmail.index", "stdmail.cache",
	    "stdmail.journal" };
	size_t i, n = nkeywords > 26 ? 2 : 3;

	for (i = 0; i < n; i++) {
		if (!chance(50))
			continue;
		note(" rm %s", files[i]);
		(void)unlinkat(p->dir, files[i], 0);
	}
}

/* What only one at a time makes sense. */
static void
outside_alone(void)
{
	int folder = (int)draw(FOLDERS);
	struct place *p = &folders[folder].place;
	struct entry *e;

	note(" outside %s", folder_names[folder]);
	switch (draw(8)) {
	case 0:
		touch(chance(50) ? p->cur : p->new, "folder");
		break;
	case 1:
		if (!lively)
			copy_by_hand(folder);
		break;
	case 2:
	case 3:
		remove_derived(p);
		break;
	case 4:
		note(" a dead one's lock");
		outside_lock(p, chance(30));
		break;
	case 5:
		if (lively || nkeywords > 26 ||
		    (e = draw_entry(folder, ~(uint64_t)0)) == NULL)
			break;
		note(" %u back to new", e->token);
		if (outside_unread(p, e->token) == 0)
			e->flags = e->maybe = 0;
		break;
	case 6:
		if (!lively)
			note(" another list: %d", outside_rewrite(p));
		break;
	default:
		note(" tear");
		outside_tear(p, "stdmail.journal");
	}
}

/* ---- operations ---- */

static void
set_lively(bool on)
{
	int status;

	if (on == lively)
		return;
	lively = on;
	note(" renames %s", on ? "go on" : "stop");
	(void)kill(renaming, on ? SIGCONT : SIGSTOP);
	if (!on)
		(void)waitpid(renaming, &status, WUNTRACED);
}

/* Several at once. */
static void
at_once(void)
{
	bool busy[HANDLES] = { false };
	struct handle *h;
	size_t i, n = 2 + draw(3);

	together = true;
	while (n-- > 0) {
		h = draw_handle(false);
		if (busy[h - handles])
			continue;
		busy[h - handles] = true;
		prepare(h, false);
		if (h->pid != 0)
			send_request(h);
	}
	for (i = draw(4); i > 0; i--)
		outside_any();
	for (i = 0; i < HANDLES; i++)
		if (busy[i])
			finish(&handles[i], false);
	together = false;
}

/* A session dies at its work. */
static void
kill_one(void)
{
	struct handle *h = &handles[LOCAL + draw(HANDLES - LOCAL)];
	bool keep = chance(50);

	if (!h->open || (h->flags & MAILBOX_READONLY))
		return;
	prepare(h, true);
	send_request(h);
	note(" and dies");
	usleep((useconds_t)draw(keep ? 600 : 3000));
	(void)kill(h->pid, SIGKILL);
	(void)waitpid(h->pid, NULL, 0);
	close(h->fd);
	h->open = false;
	if (getenv("UNLOCK") != NULL)
		for (int i = 0; i < FOLDERS; i++) {
			unlinkat(folders[i].place.dir, "dovecot-uidlist.lock", 0);
			unlinkat(folders[i].place.dir, "dovecot-keywords.lock", 0);
		}
	nkills++;
	for (int i = 0; i < FOLDERS; i++)
		(void)outside_clean_tmp(&folders[i].place);
}

static void
make_keyword(void)
{
	struct handle *h = draw_handle(true);

	if (nkeywords == 0)
		return;
	request(h, MAKE_KEYWORD)->n = (uint32_t)draw(nkeywords);
	note(" keyword %u", h->request.n);
	ask(h, false);
}

static void
one_request(void)
{
	struct handle *h = draw_handle(false);

	prepare(h, false);
	ask(h, true);
}

/* Everyone looks, and all see the same. */
static void
quiet(void)
{
	struct handle *h, *fresh = &handles[draw(HANDLES)];
	size_t i;
	int n;

	set_lively(false);
	note(" all look");
	if (fresh->open)
		close_handle(fresh);
	for (i = 0; i < HANDLES; i++) {
		h = &handles[i];
		if (!h->open)
			open_handle(h);
		request(h, chance(20) ? SIZES : REFRESH);
		ask(h, true);
	}
	for (i = 0; i < FOLDERS; i++)
		if ((n = outside_clean_tmp(&folders[i].place)) != 0)
			fail("%d files in tmp of %s", n, folder_names[i]);
}

static void
operate(void)
{
	uint64_t what = draw(100);

	if (verbose && operation > 0)
		printf("%6ld %s\n", operation - 1,
		    history[(operation - 1) % HISTORY]);
	history[operation % HISTORY][0] = '\0';
	end_reservations();
	if (what < 45)
		one_request();
	else if (what < 65)
		outside_any();
	else if (what < 75)
		outside_alone();
	else if (what < 87)
		at_once();
	else if (what < 90)
		kill_one();
	else if (what < 92)
		make_keyword();
	else if (what < 94)
		close_handle(draw_handle(false));
	else if (what < 96)
		set_lively(!lively && chance(60));
	else if (what < 98)
		quiet();
	else if (!lively)
		usleep(12000);		/* stamps become clean */
}

/* ---- begin and end ---- */

static void
begin(void)
{
	char path[512];
	struct place places[FOLDERS];
	pid_t parent = getpid();
	const char *tmp = getenv("TMPDIR");
	int i;

	snprintf(top, sizeof(top), "%.40s/stdmail-model.XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(top) == NULL ||
	    mailbox_root_open(top, MAILBOX_CREATE, &root) != MAILBOX_OK)
		err(1, "%s", top);
	for (i = 0; i < FOLDERS; i++) {
		if (i > 0 && mailbox_create(root, folder_names[i]) !=
		    MAILBOX_OK)
			errx(1, "%s: cannot create", folder_names[i]);
		snprintf(path, sizeof(path), "%s/%s%s", top, i == 0 ? "" : ".",
		    i == 0 ? "" : folder_names[i]);
		if (place_open(&places[i], path) == -1)
			err(1, "%s", path);
		folders[i].place = places[i];
	}
	if ((renaming = fork()) == 0)
		renamer(places, FOLDERS, parent);
	lively = true;
	set_lively(false);
}

static void
end(void)
{
	int i;

	history[operation % HISTORY][0] = '\0';
	end_reservations();
	note("at the end:");
	quiet();
	for (i = 0; i < HANDLES; i++)
		close_handle(&handles[i]);
	for (i = 0; i < FOLDERS; i++)
		remove_derived(&folders[i].place);
	quiet();
	for (i = 0; i < HANDLES; i++)
		close_handle(&handles[i]);
	end_children();
	mailbox_root_close(root);
	remove_top();
}

int
main(int argc, char **argv)
{
	long limit;
	long long until;
	int c;

	seed = ((uint64_t)time(NULL) << 20 ^ (uint64_t)getpid()) & 0xffffffff;
	while ((c = getopt(argc, argv, "k:s:v")) != -1) {
		if (c == 'k')
			nkeywords = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'v')
			verbose = true;
		else
			return 64;
	}
	if (argc - optind != 2 || nkeywords > KEYWORDS)
		errx(64, "mailbox [-v] [-k keywords] [-s seed] operations "
		    "seconds");
	limit = strtol(argv[optind], NULL, 10);
	until = now_ms() + 1000 * strtol(argv[optind + 1], NULL, 10);
	state = seed * 0x9e3779b97f4a7c15ULL + 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("SEED=%llu\n", (unsigned long long)seed);
	(void)signal(SIGPIPE, SIG_IGN);
	begin();
	for (; operation < limit && now_ms() < until; operation++)
		operate();
	end();
	printf("%ld operations, %ld views, %ld of them exact, %ld kills\n",
	    operation, nrefreshes, nexact, nkills);
	return 0;
}
