/* SPDX-License-Identifier: ISC
 *
 * What there should be: a plain list of messages in each folder, known by a
 * token in their text, with flags, and with the UID once someone was told it.
 * Views of sessions are held against it.  After a session was killed at its
 * work it does not know, and takes over what the next view shows.
 */
#ifndef T_MODEL_MODEL_H
#define T_MODEL_MODEL_H

#include <sys/wait.h>

#include <signal.h>

#include "match.h"
#include "outside.h"
#include "session.h"

#define HANDLES		9	/* sessions at once; the first live here */
#define LOCAL		4
#define ENTRIES		(FOLDERS * ROWS)
#define UIDS		100000
#define HISTORY		20
#define BLOCKED		8000	/* ms: an operation must not take so long */
#define AMOUNT		40	/* messages in a folder, about */

struct uid_state {
	uint32_t	 token;		/* 0: never told */
	bool		 removed;
	uint64_t	 flags;		/* at the last exact view */
	uint64_t	 highest;	/* modseq told then, 0: none yet */
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

/* A file's name has letters for 26 keywords alone: of a file without a record
 * others may be lost, and which have letters is not known here. */
static uint64_t
may_lose(uint64_t flags)
{
	return nkeywords > 26 ? flags & ~(uint64_t)0xff : 0;
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

/* Is this operation removing it?  Then it may be gone already, or not yet. */
static bool
is_removing(int folder, uint32_t uid)
{
	size_t i;

	for (i = 0; i < nremoving; i++)
		if (removing[i].folder == folder && removing[i].uid == uid)
			return true;
	return false;
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

static void
check_modseq(struct folder *f, const struct row *row, const struct reply *r)
{
	struct uid_state *u = &f->uid[row->uid];

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
			    "maybe %llx%s%s", e->uid, (unsigned long long)
			    e->flags, (unsigned long long)e->maybe,
			    e->maybe_gone ? ", maybe gone" : "", e->seen ?
			    ": seen" : "");
	fail("UID %u (message %u) with flags %llx is not in the model",
	    row->uid, row->token, (unsigned long long)row->flags);
}

/* A view with nothing going on: it is the model. */
static void
check_exact(struct handle *h, const struct reply *r)
{
	struct folder *f = &folders[h->folder];
	static struct matching m;
	struct entry *e;
	uint32_t i;
	size_t j;

	nexact++;
	match(&m, r, entries, nentries, h->folder);
	for (i = 0; i < r->n; i++) {
		if (r->row[i].gone)
			continue;
		if ((e = m.shown[i]) == NULL)
			explain_missing(h->folder, &r->row[i]);
		if (((e->flags ^ r->row[i].flags) & ~e->maybe) != 0)
			fail("UID %u (message %u) has flags %llx, not %llx",
			    r->row[i].uid, e->token, (unsigned long long)
			    r->row[i].flags, (unsigned long long)e->flags);
		e->flags = r->row[i].flags;
		e->maybe = 0;
		e->uid = r->row[i].uid;
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

#endif
