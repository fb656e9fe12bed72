/* SPDX-License-Identifier: ISC
 *
 * What a crash left in the spool is brought to an end.  It must never touch
 * a file whose writer lives (the lock tells), nor delete one that could have
 * been answered for.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "mail/spool_local.h"
#include "system/fdio.h"
#include "system/log.h"

#define FEW		1000	/* envelopes that are looked at each time */
#define CHECKED		".checked"
#define CHECK_EACH	(24 * 60 * 60)

/* Open and lock a file as its owner.  -1: it is not ours, gone, or its writer
 * lives. */
static int
open_dead(int dir, const char *name, struct stat *st)
{
	int fd;

	fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (spool_lock(fd) == 0 && fstat(fd, st) == 0 && st->st_nlink > 0 &&
	    S_ISREG(st->st_mode))
		return fd;
	close(fd);
	return -1;
}

/* Is the envelope there, and sealed?  1, 0; -1 there is none. */
static int
envelope_sealed(const struct spool *sp, const struct spool_item *it)
{
	struct stat st;

	if (fstatat(sp->env[it->queue], it->id, &st, AT_SYMLINK_NOFOLLOW)
	    == -1)
		return -1;
	return (st.st_mode & S_IRUSR) != 0;
}

/* Is all its data there?  1, 0; -1 errno, and nobody knows. */
static int
is_whole(const struct spool *sp, const char *name, uint32_t crc)
{
	char block[65536];
	uint32_t sum = 0;
	ssize_t n;
	int fd;

	if ((fd = openat(sp->tmp, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) ==
	    -1)
		return -1;
	while ((n = fd_read_all(fd, block, sizeof(block))) > 0)
		sum = crc32_add(sum, block, (size_t)n);
	close(fd);
	return n == -1 ? -1 : sum == crc;
}

/* A file in tmp/ that nobody writes. */
struct found {
	const char		*name;
	struct spool_item	 it;
	int			 sealed;
	uint32_t		 crc;
	struct stat		 st;
	int			 fd;	/* with the lock */
};

/* Finish what its writer began.  1 it went to its queue, 0 not. */
static int
finish(const struct spool *sp, const struct found *f)
{
	struct spool_item to = f->it;
	const struct spool_item *it = &f->it;
	int env = it->form == SPOOL_LINES ? 1 : envelope_sealed(sp, it);
	int whole = f->sealed && (f->st.st_mode & S_IRUSR) && env != 0 &&
	    (uint64_t)f->st.st_size == it->size;

	if (whole && (whole = is_whole(sp, f->name, f->crc)) == -1) {
		if (errno != ENOENT)	/* its writer was quicker */
			log_error("recover", "id=%s error=%s", it->id,
			    log_str(strerror(errno)));
		return 0;
	}
	if (whole) {
		spool_item_due(&to, it->due);
		if (env == -1)
			errno = EBADMSG;
		if (env == -1 || fsync(f->fd) == -1 ||
		    spool_item_rename(sp, sp->tmp, f->name, &to) == -1) {
			if (errno != ENOENT)
				log_error("recover", "id=%s error=%s", it->id,
				    env == -1 ? "\"its envelope is missing\"" :
				    log_str(strerror(errno)));
			return 0;
		}
		log_info("recover", "id=%s queue=%s", it->id,
		    spool_queue_name(it->queue));
		return 1;
	}
	if (unlinkat(sp->tmp, f->name, 0) == -1)
		return 0;
	if (it->form == SPOOL_FILE)
		(void)unlinkat(sp->env[it->queue], it->id, 0);
	log_info("recover", "id=%s removed=incomplete", it->id);
	return 0;
}

static int
recover_file(const struct spool *sp, const char *name)
{
	struct found f = { .name = name };
	struct spool_as as;
	int r = 0;

	if (!spool_tmp_parse(&f.it, name, &f.sealed, &f.crc)) {
		log_once("recover", "file=%s error=\"not a spool file\"",
		    log_str(name));
		return 0;
	}
	if (fstatat(sp->tmp, name, &f.st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    spool_as(&as, f.st.st_uid, sp->group) == -1)
		return 0;
	if ((f.fd = open_dead(sp->tmp, name, &f.st)) != -1) {
		r = finish(sp, &f);
		close(f.fd);
	}
	spool_as_end(&as);
	return r;
}

static int
recover_tmp(const struct spool *sp, DIR *dir)
{
	struct dirent *d;
	int n = 0;

	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			n += recover_file(sp, d->d_name);
	return n;
}

/* IDs of envelopes; taken out when their message was seen. */
struct ids {
	char	**v;
	size_t	  n;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
ids_free(struct ids *ids)
{
	size_t i;

	for (i = 0; i < ids->n; i++)
		free(ids->v[i]);
	free(ids->v);
}

/* Read up to this many, 0 all: 1, 0 there are more; -1. */
static int
ids_read(struct ids *ids, DIR *dir, size_t most)
{
	struct dirent *d;
	size_t room = 0;
	char **v;

	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		if (most != 0 && ids->n == most)
			return 0;
		if (ids->n == room) {
			room = room == 0 ? 64 : room * 2;
			v = reallocarray(ids->v, room, sizeof(*v));
			if (v == NULL)
				return -1;
			ids->v = v;
		}
		if ((ids->v[ids->n] = strdup(d->d_name)) == NULL)
			return -1;
		ids->n++;
	}
	if (ids->n > 0)
		qsort(ids->v, ids->n, sizeof(*ids->v), by_name);
	return 1;
}

/*
 * A queue of many is not looked through whenever an agent starts, as cron may
 * do each minute, but once a day: the time of a file says when.  Is it time?
 */
static bool
is_time(const struct spool *sp, enum spool_queue q)
{
	struct spool_as as;
	struct stat st;
	int fd = -1;

	if (spool_stat(sp, q, sp->env[q], CHECKED, &st) == 0 &&
	    time(NULL) - st.st_mtime < CHECK_EACH)
		return false;
	if (spool_as_queue(sp, &as, q) == -1)
		return true;
	(void)unlinkat(sp->env[q], CHECKED, 0);
	fd = openat(sp->env[q], CHECKED, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, SPOOL_MODE_SHARED);
	spool_as_end(&as);
	if (fd != -1)
		close(fd);
	return true;
}

/* A message was seen: its envelope has an owner.  One of two lines may be
 * getting its own at this moment. */
static void
ids_seen(struct ids *ids, char *seen, const char *name, enum spool_queue q,
    int64_t bucket)
{
	struct spool_item it;
	char **at, *key = it.id;
	uint32_t crc;
	int sealed;

	if (!spool_name_parse(&it, name, q, bucket) &&
	    (bucket != SPOOL_NOW || !spool_tmp_parse(&it, name, &sealed, &crc)))
		return;
	if (it.form == SPOOL_LINES && spool_file_name(it.id) == -1)
		return;
	at = bsearch(&key, ids->v, ids->n, sizeof(*ids->v), by_name);
	if (at != NULL)
		seen[at - ids->v] = 1;
}

static int
see_folder(const struct spool *sp, struct ids *ids, char *seen, int fd,
    const char *path, enum spool_queue q, int64_t bucket)
{
	struct dirent *d;
	DIR *dir;

	if ((dir = spool_opendir(sp, fd, path)) == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			ids_seen(ids, seen, d->d_name, q, bucket);
	closedir(dir);
	return 0;
}

static int
see_later(const struct spool *sp, struct ids *ids, char *seen,
    enum spool_queue q)
{
	struct dirent *d;
	DIR *dir;
	int r = 0;

	if ((dir = spool_opendir(sp, sp->later[q], ".")) == NULL)
		return -1;
	while (r == 0 && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			r = see_folder(sp, ids, seen, sp->later[q], d->d_name,
			    q, 0);
	closedir(dir);
	return r;
}

/* now/ and held/. */
static int
see_waiting(const struct spool *sp, struct ids *ids, char *seen,
    enum spool_queue q)
{
	if (see_folder(sp, ids, seen, sp->now[q], ".", q, SPOOL_NOW) == -1)
		return -1;
	return sp->held[q] == -1 ? 0 : see_folder(sp, ids, seen, sp->held[q],
	    ".", q, SPOOL_HELD);
}

/*
 * Whether nobody waits for this envelope any more: all is done in it, or it was
 * made for a message of two lines, which went before its time.  A message goes
 * behind the copies for those it was tried for, of which no letter may be there
 * yet.
 */
static int
envelope_is_over(int fd, enum spool_queue q)
{
	struct envelope e;
	struct stat st;
	unsigned line;
	char *text;
	int over = 0;

	if (fstat(fd, &st) == -1 || st.st_size > ENVELOPE_MAX ||
	    (text = malloc((size_t)st.st_size + 1)) == NULL)
		return 0;
	envelope_init(&e);
	if (fd_pread_all(fd, text, (size_t)st.st_size, 0) ==
	    (ssize_t)st.st_size && envelope_parse(&e, text,
	    (size_t)st.st_size, &line) == 1)
		over = e.skip != 0 || envelope_count(&e, ENVELOPE_DELIVERED) +
		    envelope_count(&e, ENVELOPE_BOUNCED) +
		    (q != SPOOL_LOCAL ? 0 : envelope_count(&e,
		    ENVELOPE_TRYING)) == e.nrcpts;
	envelope_free(&e);
	free(text);
	return over;
}

/*
 * An envelope whose message is gone: left between the two unlinks of a drop
 * (all recipients done) or of an abort (not sealed).  Any other is a mystery
 * for a person to look at.
 */
static void
remove_envelope(const struct spool *sp, enum spool_queue q, const char *id)
{
	struct spool_as as;
	struct stat st;
	int dir = sp->env[q], fd, over;

	if (spool_stat(sp, q, dir, id, &st) == -1 ||
	    spool_as(&as, st.st_uid, sp->group) == -1)
		return;
	if ((fd = open_dead(dir, id, &st)) != -1) {
		over = (st.st_mode & S_IRUSR) == 0;
		close(fd);
		if (!over && (fd = openat(dir, id, O_RDONLY | O_NOFOLLOW |
		    O_CLOEXEC)) != -1) {
			over = envelope_is_over(fd, q);
			close(fd);
		}
		if (over && unlinkat(dir, id, 0) == 0)
			log_info("recover", "id=%s removed=envelope", id);
		else if (!over)
			log_once("recover", "id=%s error=\"an envelope "
			    "without a message\"", id);
	}
	spool_as_end(&as);
}

/* A message only goes from tmp/ to now/, and between now/, later/ and held/;
 * now/ and held/ are read on both sides of later/ so that none slips by. */
static int
see_all(const struct spool *sp, struct ids *ids, char *seen,
    enum spool_queue q)
{
	return see_folder(sp, ids, seen, sp->tmp, ".", q, SPOOL_NOW) == -1 ||
	    see_waiting(sp, ids, seen, q) == -1 ||
	    see_later(sp, ids, seen, q) == -1 ||
	    see_waiting(sp, ids, seen, q) == -1 ? -1 : 0;
}

/*
 * Envelopes are listed first: each had its message then, if not by its name of
 * today.  One that got its envelope and was deferred meanwhile is seen at the
 * second look.
 */
static int
recover_envelopes(const struct spool *sp, enum spool_queue q)
{
	struct ids ids = { 0 };
	char *seen = NULL;
	size_t i;
	DIR *dir;
	int r = -1;

	if ((dir = spool_opendir(sp, sp->env[q], ".")) == NULL)
		return -1;
	r = ids_read(&ids, dir, FEW);
	if (r == 0 && is_time(sp, q)) {
		ids_free(&ids);
		memset(&ids, 0, sizeof(ids));
		rewinddir(dir);
		r = ids_read(&ids, dir, 0);
	}
	closedir(dir);
	if (r != 1 || ids.n == 0)
		goto out;
	r = -1;
	if ((seen = calloc(ids.n, 1)) == NULL)
		goto out;
	if (see_all(sp, &ids, seen, q) == -1 || (memchr(seen, 0, ids.n) !=
	    NULL && see_all(sp, &ids, seen, q) == -1))
		goto out;
	for (i = 0; i < ids.n; i++)
		if (!seen[i])
			remove_envelope(sp, q, ids.v[i]);
	r = 0;
out:
	free(seen);
	ids_free(&ids);
	return r == -1 ? -1 : 0;
}

int
spool_recover(const struct spool *sp)
{
	int n, q;
	DIR *dir;

	if ((dir = spool_opendir(sp, sp->tmp, ".")) == NULL)
		return -1;
	/* Without locks on folders (some network file systems) two at once
	 * only race to the same renames. */
	if (flock(dirfd(dir), LOCK_EX | LOCK_NB) == -1 &&
	    errno == EWOULDBLOCK) {
		closedir(dir);
		return 0;
	}
	n = recover_tmp(sp, dir);
	for (q = 0; q < SPOOL_QUEUES; q++)
		if (recover_envelopes(sp, (enum spool_queue)q) == -1 &&
		    errno != EACCES)
			log_error("recover", "queue=%s error=%s",
			    spool_queue_name((enum spool_queue)q),
			    log_str(strerror(errno)));
	closedir(dir);
	return n;
}
