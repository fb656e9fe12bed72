/* SPDX-License-Identifier: ISC
 *
 * Messages on their way into an mbox: first an mbox of their own in a file
 * without a name, then all at once behind the others.  It must never hold a
 * lock while a client sends.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes/crlf.h"
#include "grammar/mbox_quote.h"
#include "mail/mbox_store_local.h"
#include "mail/spool.h"
#include "system/fdio.h"

#define BLOCK	65536

struct mbox_save {
	struct mbox_store *store;
	int		   fd;
	bool		   spare;	/* the store's */
	enum mailbox_status failed;
	mailbox_flags	  *flags;	/* of each message */
	size_t		   n, cap;
	bool		   lf;		/* the last octet was an LF */
	struct crlf	   crlf;
	struct mbox_filter filter;
	struct spool_writer writer;
};

/* Where the mbox's folder is, as a name in s->dir. */
static void
folder_of(const struct mbox_store *s, char *to, size_t size)
{
	const char *slash = strrchr(s->name, '/');

	if (slash == NULL)
		(void)strlcpy(to, ".", size);
	else
		(void)snprintf(to, size, "%.*s", slash == s->name ? 1 :
		    (int)(slash - s->name), s->name);
}

static int
temporary(const struct mbox_store *s, bool *spare)
{
	char folder[PATH_MAX];
	int fd;

	if ((*spare = s->spare != NULL && *s->spare != -1)) {
		fd = *s->spare;
		*s->spare = -1;
		return fd;
	}
	folder_of(s, folder, sizeof(folder));
	fd = openat(s->dir, folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd != -1 ? fd : memfd_create("stdmail-mbox", MFD_CLOEXEC);
}

enum mailbox_status
mbox_save_begin(struct mbox_store *s, struct mbox_save **out)
{
	struct mbox_save *save;
	enum mailbox_status status;

	*out = NULL;
	if (mbox_store_readonly(s))
		return MAILBOX_NOT_PERMITTED;
	if ((save = calloc(1, sizeof(*save))) == NULL)
		return MAILBOX_TEMPORARY;
	save->store = s;
	if ((save->fd = temporary(s, &save->spare)) == -1) {
		status = mbox_store_errno(s, "save");
		free(save);
		return status;
	}
	spool_writer_init(&save->writer, save->fd);
	save->writer.unsummed = true;
	*out = save;
	return MAILBOX_OK;
}

static void
put(struct mbox_save *save, const void *p, size_t n)
{
	if (spool_write(&save->writer, p, n) == -1 &&
	    save->failed == MAILBOX_OK)
		save->failed = mbox_store_errno(save->store, "save");
}

/* Octets in disk form. */
static void
put_content(struct mbox_save *save, const char *p, size_t n)
{
	char out[4096];
	size_t taken, k;

	if (n > 0)
		save->lf = p[n - 1] == '\n';
	for (; n > 0; p += taken, n -= taken) {
		taken = n;
		k = mbox_filter(&save->filter, p, &taken, out, sizeof(out));
		put(save, out, k);
	}
}

enum mailbox_status
mbox_save_start(struct mbox_save *save, mailbox_flags flags, time_t date)
{
	mailbox_flags *more;
	char line[128];
	struct tm tm;

	if (save->n == save->cap) {
		more = reallocarray(save->flags, 2 * save->cap + 16,
		    sizeof(*more));
		if (more == NULL)
			return save->failed = MAILBOX_TEMPORARY;
		save->flags = more;
		save->cap = 2 * save->cap + 16;
	}
	save->flags[save->n++] = flags;
	save->lf = true;
	save->crlf = (struct crlf){ 0 };
	mbox_filter_init(&save->filter, MBOX_QUOTE);
	if (date == (time_t)-1)
		date = time(NULL);
	/* A year that a From_ line cannot have is brought into 1970. */
	if (gmtime_r(&date, &tm) == NULL || tm.tm_year < 70 ||
	    tm.tm_year > 8099) {
		date = 0;
		(void)gmtime_r(&date, &tm);
	}
	put(save, line, strftime(line, sizeof(line),
	    "From MAILER-DAEMON %a %b %e %H:%M:%S %Y\n", &tm));
	return save->failed;
}

enum mailbox_status
mbox_save_write(struct mbox_save *save, const void *data, size_t n)
{
	const char *p = data;
	char out[4096];
	size_t taken, k;

	for (; n > 0 && save->failed == MAILBOX_OK; p += taken, n -= taken) {
		taken = n;
		k = crlf_to_disk(&save->crlf, p, &taken, out, sizeof(out));
		put_content(save, out, k);
	}
	return save->failed;
}

enum mailbox_status
mbox_save_finish(struct mbox_save *save)
{
	char out[MBOX_ROOM];
	size_t k = crlf_to_disk_end(&save->crlf, out);

	put_content(save, out, k);
	put(save, out, mbox_filter_end(&save->filter, out));
	if (save->lf)
		put(save, "\n", 1);
	else
		put(save, "\n\r\n", 3);
	return save->failed;
}

void
mbox_save_abort(struct mbox_save *save)
{
	if (save == NULL)
		return;
	if (save->spare && ftruncate(save->fd, 0) == 0 &&
	    lseek(save->fd, 0, SEEK_SET) == 0)
		*save->store->spare = save->fd;
	else
		close(save->fd);
	free(save->flags);
	free(save);
}

/* The records of the temporary mbox, from i on in those of the store: they get
 * UIDs and flags, and go again. */
struct coming {
	struct mbox_store *store;
	int		   fd;
	size_t		   first;	/* in store->v */
};

static int
scan_coming(struct coming *c)
{
	struct mbox_split *split = malloc(sizeof(*split));
	char *block = malloc(BLOCK);
	uint64_t at = 0;
	const char *p;
	ssize_t n = -1;
	int r = 0;

	if (split != NULL && block != NULL) {
		mbox_split_init(split, 0);
		while (r == 0 && (n = fd_pread_all(c->fd, block, BLOCK,
		    (off_t)at)) > 0) {
			at += (uint64_t)n;
			for (p = block; r == 0 &&
			    mbox_split(split, &p, block + n) == 1; )
				r = mbox_add_record(c->store, &split->done);
		}
		if (r == 0 && n == 0 && mbox_split_end(split) == 1)
			r = mbox_add_record(c->store, &split->done);
	}
	free(split);
	free(block);
	return n == 0 ? r : -1;
}

static void
emit_coming(void *arg, struct mbox_sink *sink)
{
	const struct coming *c = arg;
	const struct mbox_store *s = c->store;
	char notes[MBOX_NOTES_MAX];
	const struct mbox_rec *r;
	size_t i, n;

	if (c->first > 0 && !s->v[c->first - 1].separated) {
		r = &s->v[c->first - 1];
		if (fd_pread_all(s->fd, &sink->last[1], 1,
		    (off_t)(r->next - 1)) != 1)
			sink->error = EIO;
		mbox_sink_separate(sink);
	}
	for (i = c->first; i < s->n && sink->error == 0; i++) {
		n = mbox_notes(s, &s->v[i], i == 0, 0, notes);
		mbox_put_message(sink, c->fd, &s->v[i], notes, n);
	}
}

/* Add them behind the others, whose file is locked. */
static int
append(struct mbox_save *save, struct coming *c)
{
	struct mbox_store *s = save->store;
	uint64_t room = 4, size = (uint64_t)s->st.st_size;
	uint32_t uid = s->last - (uint32_t)save->n;
	char notes[MBOX_NOTES_MAX];
	size_t i;
	int r = -1;

	c->first = s->n;
	if (scan_coming(c) == -1)
		goto out;
	if (s->n - c->first != save->n) {
		errno = EIO;
		goto out;
	}
	for (i = c->first; i < s->n; i++) {
		s->v[i].uid = ++uid;
		s->v[i].flags = save->flags[i - c->first];
		s->v[i].old = false;
		room += s->v[i].next - s->v[i].from + 4 +
		    mbox_notes(s, &s->v[i], i == 0, 0, notes);
	}
	r = mbox_journal_replace(s->fd, size, room, emit_coming, c);
out:
	s->n = c->first;
	return r;
}

/* The UIDs are reserved first, in the first message: a crash leaves a gap. */
static enum mailbox_status
commit(struct mbox_save *save, uint32_t *first)
{
	struct mbox_store *s = save->store;
	struct coming c = { s, save->fd, 0 };
	struct mbox_rec last = { 0 };
	size_t known;

	if (save->n > MBOX_STORE_MAX - s->n ||
	    save->n > UINT32_MAX - 1 - s->last)
		return MAILBOX_LIMIT;
	s->last += (uint32_t)save->n;
	*first = s->last - (uint32_t)save->n + 1;
	if (s->n > 0)
		s->v[0].dirty = true;
	if (mbox_flush(s) == -1 || fstat(s->fd, &s->st) == -1 ||
	    append(save, &c) == -1)
		return mbox_store_errno(s, "append");
	if ((known = s->n > 0) != 0)
		last = s->v[s->n - 1];
	if (fstat(s->fd, &s->st) == -1 || fsync(s->fd) == -1 ||
	    mbox_scan(s, last.from) == -1)
		return mbox_store_errno(s, "read");
	return mbox_number(s, &last, known);
}

enum mailbox_status
mbox_save_commit(struct mbox_save *save, uint32_t *first)
{
	struct mbox_store *s = save->store;
	enum mailbox_status status = save->failed;
	uint32_t uid = 0;

	if (status == MAILBOX_OK && spool_flush(&save->writer) == -1)
		status = mbox_store_errno(s, "save");
	if (status == MAILBOX_OK && save->n > 0) {
		status = mbox_store_begin(s, true);
		if (status == MAILBOX_OK && s->fd == -1)
			status = mbox_store_end(s, MAILBOX_NONE);
		else if (status == MAILBOX_OK)
			status = mbox_store_changed(s, commit(save, &uid));
	}
	if (first != NULL)
		*first = uid;
	mbox_save_abort(save);
	return status;
}
