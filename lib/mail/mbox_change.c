/* SPDX-License-Identifier: ISC
 *
 * Changes of an mbox on their way to disk.  It must never write where it did
 * not read under the same lock.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grammar/mbox_quote.h"
#include "mail/mbox_store_local.h"
#include "system/fdio.h"

/* Put a part of a message without the notes that are in it. */
static void
put_stripped(struct mbox_sink *sink, struct mbox_filter *f, int fd,
    uint64_t from, uint64_t to)
{
	char in[16384], out[sizeof(in) + 3 * MBOX_ROOM];
	size_t n, k;

	for (; from < to && sink->error == 0; from += n) {
		n = to - from < sizeof(in) ? (size_t)(to - from) : sizeof(in);
		if (fd_pread_all(fd, in, n, (off_t)from) != (ssize_t)n) {
			sink->error = ESTALE;
			return;
		}
		k = mbox_filter(f, in, &n, out, sizeof(out));
		mbox_sink_put(sink, out, k);
	}
}

void
mbox_put_message(struct mbox_sink *sink, int fd, const struct mbox_rec *r,
    const char *notes, size_t n)
{
	struct mbox_filter f;
	char out[MBOX_ROOM];

	if (notes == NULL)
		mbox_sink_copy(sink, fd, r->from, r->next);
	else {
		mbox_filter_init(&f, MBOX_STRIP);
		mbox_sink_copy(sink, fd, r->from, r->content);
		put_stripped(sink, &f, fd, r->content, r->insert);
		if (sink->last[1] != '\n')
			mbox_sink_put(sink, "\n", 1);
		mbox_sink_put(sink, notes, n);
		put_stripped(sink, &f, fd, r->insert, r->next);
		mbox_sink_put(sink, out, mbox_filter_end(&f, out));
	}
	if (!r->separated)
		mbox_sink_separate(sink);
}

/* The new end of the file: the records from here on. */
struct tail {
	const struct mbox_store	*store;
	size_t			 first;
};

static void
emit_tail(void *arg, struct mbox_sink *sink)
{
	const struct tail *t = arg;
	const struct mbox_store *s = t->store;
	char notes[MBOX_NOTES_MAX];
	size_t i, n;

	for (i = t->first; i < s->n && sink->error == 0; i++) {
		n = s->v[i].dirty ?
		    mbox_notes(s, &s->v[i], i == 0, 0, notes) : 0;
		mbox_put_message(sink, s->fd, &s->v[i],
		    n == 0 ? NULL : notes, n);
	}
}

static uint64_t
room_of_tail(const struct mbox_store *s, size_t first)
{
	char notes[MBOX_NOTES_MAX];
	uint64_t room = 0;
	size_t i;

	for (i = first; i < s->n; i++) {
		room += s->v[i].next - s->v[i].from + 4;
		if (s->v[i].dirty)
			room += mbox_notes(s, &s->v[i], i == 0, 0, notes);
	}
	return room;
}

/* Take removed records away, from first on. */
static void
drop_removed(struct mbox_store *s, size_t first)
{
	size_t i, k = first;

	for (i = first; i < s->n; i++)
		if (!s->v[i].removed)
			s->v[k++] = s->v[i];
	s->n = k;
	/* What holds for all is in the first. */
	if (first == 0 && s->n > 0)
		s->v[0].dirty = true;
}

/* Write the file anew from record first on, and read it again. */
static int
rewrite_tail(struct mbox_store *s, size_t first)
{
	struct tail tail = { s, first };
	uint64_t to = s->v[first].from;
	struct mbox_rec *old = NULL;
	size_t nold;
	int r = -1;

	drop_removed(s, first);
	if (mbox_journal_replace(s->fd, to, room_of_tail(s, first), emit_tail,
	    &tail) == -1)
		return -1;
	nold = s->n - first;
	if (nold > 0 && (old = reallocarray(NULL, nold, sizeof(*old))) == NULL)
		return -1;
	if (nold > 0)
		memcpy(old, s->v + first, nold * sizeof(*old));
	if (fstat(s->fd, &s->st) == 0 && mbox_scan(s, to) == 0) {
		errno = EIO;
		r = mbox_number(s, old, nold) == MAILBOX_OK ? 0 : -1;
	}
	free(old);
	return r;
}

static void
note_base(struct mbox_store *s)
{
	s->base.there = true;
	s->base.validity = s->validity;
	s->base.last = s->last;
	s->base.keywords = s->nkeywords;
}

int
mbox_flush(struct mbox_store *s)
{
	size_t i, first = s->n;
	bool written = false;
	int r;

	/* Up to the first that must move all goes in place. */
	for (i = 0; i < first; i++) {
		if (s->v[i].removed)
			first = i;
		else if (s->v[i].dirty) {
			if ((r = mbox_notes_in_place(s, i, false)) == -1)
				return -1;
			if (r == 0)
				first = i;
		}
	}
	for (i = 0; i < first; i++) {
		if (!s->v[i].dirty)
			continue;
		if (mbox_notes_in_place(s, i, true) == -1)
			return -1;
		if (i == 0)
			note_base(s);
		s->v[i].dirty = false;
		written = true;
	}
	if (written && fsync(s->fd) == -1)
		return -1;
	return first < s->n ? rewrite_tail(s, first) : 0;
}
