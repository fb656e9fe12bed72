/* SPDX-License-Identifier: ISC
 *
 * New messages in a mailbox, from the wire or from another mailbox: staged in
 * its tmp, synced, and made to appear together under the UID list's lock.  A
 * file is renamed into place before its UID is written down: who sees it in
 * between waits for the lock.  It must never leave a file in tmp.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crlf.h"
#include "mail/mailbox_local.h"
#include "mail/mailbox_mbox.h"
#include "system/fdio.h"
#include "system/log.h"

#define BLOCK	32768

struct staged {
	char	 tmp[MAILBOX_FILE_MAX + 1];	/* its name in tmp now */
	char	 base[MAILBOX_FILE_MAX + 1];	/* the one it will have */
	char	 info[MAILBOX_INFO_MAX + 1];	/* "": it goes to new */
	char	 ext[MAILBOX_FILE_MAX + 2];	/* of its line in the list */
	mailbox_flags keywords;	/* those without a letter */
	uint32_t saved;		/* when, if its date is another; or 0 */
	bool	 placed;
};

struct mailbox_save {
	struct mailbox	*mb;
	struct mbox_save *mbox;		/* NULL: a Maildir, all below */
	int		 tmp;
	enum mailbox_status status;	/* the first failure sticks */
	bool		 moves;		/* nothing is added to the tree */
	uint64_t	 credit;	/* octets of a message that will go, */
	unsigned	 credits;	/* and whether there is one */
	struct staged	*v;
	size_t		 n, cap;
	/* The message being written: */
	int		 fd;
	time_t		 date;
	struct crlf	 to_disk, to_wire;
	uint64_t	 disk, wire;
	char		 block[BLOCK];
};

enum mailbox_status
mailbox_save_begin(struct mailbox *mb, struct mailbox_save **savep)
{
	struct mailbox_save *save;
	enum mailbox_status status;

	*savep = NULL;
	if (mailbox_readonly(mb))
		return MAILBOX_NOT_PERMITTED;
	if ((save = calloc(1, sizeof(*save))) == NULL)
		return MAILBOX_TEMPORARY;
	save->mb = mb;
	save->fd = save->tmp = -1;
	if (mb->mbox != NULL) {
		status = mbox_save_begin(mb->mbox, &save->mbox);
		if (status != MAILBOX_OK)
			free(save);
		else
			*savep = save;
		return status;
	}
	save->tmp = openat(mb->dir, "tmp", O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC | O_NOFOLLOW);
	if (save->tmp == -1) {
		free(save);
		return mailbox_errno("open");
	}
	*savep = save;
	return MAILBOX_OK;
}

void
mailbox_save_moves(struct mailbox_save *save)
{
	save->moves = true;
}

void
mailbox_save_instead(struct mailbox_save *save, struct mailbox *from,
    uint32_t seq)
{
	char name[MAILBOX_FILE_MAX + 1];
	struct mailbox_rec r;
	int dir;

	if (save->mbox != NULL || from->mbox != NULL ||
	    !mailbox_has_quota(save->mb->root))
		return;
	mailbox_rec(from, from->view[seq - 1], &r);
	if (r.gone || (dir = mailbox_rec_file(from, &r, name)) == -1)
		return;
	save->credits = 1;
	mailbox_quota_size(dir, name, &save->credit);
}

int
mailbox_scratch(struct mailbox *mb)
{
	if (mb->mbox != NULL || mailbox_readonly(mb))
		return -1;
	return openat(mb->dir, "tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Is there room for so much? */
static bool
has_room(const struct mailbox_save *save, uint64_t bytes)
{
	if (save->moves || (bytes <= save->credit && save->n <= save->credits))
		return true;
	return mailbox_quota_room(save->mb->root, bytes > save->credit ?
	    bytes - save->credit : 0, save->n - save->credits);
}

/* The letters of flags, as the mailbox's names have them. */
static struct staged *
stage(struct mailbox_save *save, mailbox_flags flags)
{
	struct staged *s;

	if (mailbox_grow(&save->v, &save->cap, save->n + 1, sizeof(*save->v))
	    == -1) {
		save->status = MAILBOX_TEMPORARY;
		return NULL;
	}
	s = &save->v[save->n];
	memset(s, 0, sizeof(*s));
	if (flags != 0)
		mailbox_file_info(s->info, "", flags);
	s->keywords = flags & ~MAILBOX_FILE_FLAGS;
	mailbox_file_unique(s->tmp);
	strlcpy(s->base, s->tmp, sizeof(s->base));
	return s;
}

/* ---- from the wire ---- */

enum mailbox_status
mailbox_save_start(struct mailbox_save *save, mailbox_flags flags, time_t date)
{
	struct staged *s;

	if (save->mbox != NULL)
		return save->status = mbox_save_start(save->mbox, flags, date);
	if (save->status != MAILBOX_OK ||
	    (s = stage(save, flags)) == NULL)
		return save->status;
	if (save->credits == 0 && mailbox_has_quota(save->mb->root) &&
	    !mailbox_quota_room(save->mb->root, 1, save->n + 1))
		return save->status = MAILBOX_OVERQUOTA;
	save->fd = openat(save->tmp, s->tmp, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC, save->mb->root->file_mode);
	if (save->fd == -1)
		return save->status = mailbox_errno("create");
	save->n++;
	save->date = date;
	if (date != (time_t)-1)
		s->saved = (uint32_t)time(NULL);
	save->disk = save->wire = 0;
	memset(&save->to_disk, 0, sizeof(save->to_disk));
	memset(&save->to_wire, 0, sizeof(save->to_wire));
	return MAILBOX_OK;
}

static enum mailbox_status
write_block(struct mailbox_save *save, size_t n)
{
	save->disk += n;
	save->wire += n + crlf_wire_extra(&save->to_wire, save->block, n);
	if (fd_write_all(save->fd, save->block, n) == -1)
		save->status = mailbox_errno("write");
	return save->status;
}

enum mailbox_status
mailbox_save_write(struct mailbox_save *save, const void *data, size_t n)
{
	const char *p = data;
	size_t taken, made;

	if (save->mbox != NULL)
		return save->status = mbox_save_write(save->mbox, data, n);
	while (n > 0 && save->status == MAILBOX_OK) {
		taken = n;
		made = crlf_to_disk(&save->to_disk, p, &taken, save->block,
		    sizeof(save->block));
		p += taken;
		n -= taken;
		(void)write_block(save, made);
	}
	return save->status;
}

enum mailbox_status
mailbox_save_finish(struct mailbox_save *save)
{
	struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

	if (save->mbox != NULL)
		return save->status = mbox_save_finish(save->mbox);
	if (save->status != MAILBOX_OK)
		return save->status;
	(void)write_block(save, crlf_to_disk_end(&save->to_disk,
	    save->block));
	if (save->date != (time_t)-1) {
		times[1].tv_sec = save->date;
		times[1].tv_nsec = 0;
	}
	if (save->status == MAILBOX_OK && (futimens(save->fd, times) == -1 ||
	    fsync(save->fd) == -1))
		save->status = mailbox_errno("fsync");
	if (close(save->fd) == -1 && save->status == MAILBOX_OK)
		save->status = mailbox_errno("close");
	save->fd = -1;
	mailbox_file_add_sizes(save->v[save->n - 1].base, save->disk,
	    save->wire);
	return save->status;
}

/* ---- from another mailbox ---- */

/* Flags of a message in the letters of another folder. */
static mailbox_flags
translate(struct mailbox *from, struct mailbox *to, mailbox_flags flags)
{
	mailbox_flags result = flags & MAILBOX_SYSTEM_FLAGS;
	const char *name;
	int i, j;

	if (from == to)
		return flags;
	for (i = 0; i < MAILBOX_KEYWORDS_MAX; i++) {
		if ((flags & MAILBOX_KEYWORD(i)) == 0 ||
		    (name = mailbox_keyword_name(from, i)) == NULL)
			continue;
		j = mailbox_keyword(to, name, true);
		if (j != -1)
			result |= MAILBOX_KEYWORD(j);
	}
	return result;
}

static int
copy_bytes(struct mailbox_save *save, int from, int to)
{
	struct timespec times[2];
	struct stat st;
	ssize_t n;

	if (fstat(from, &st) == -1)
		return -1;
	while ((n = fd_read_all(from, save->block, BLOCK)) > 0)
		if (fd_write_all(to, save->block, (size_t)n) == -1)
			return -1;
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return n == -1 || futimens(to, times) == -1 ? -1 : fsync(to);
}

static int
copy_file(struct mailbox_save *save, int dir, const char *name,
    const char *tmp)
{
	int from, to, r = -1, saved;

	from = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (from == -1)
		return -1;
	to = openat(save->tmp, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    save->mb->root->file_mode);
	if (to != -1 && (r = copy_bytes(save, from, to)) == -1) {
		saved = errno;
		(void)unlinkat(save->tmp, tmp, 0);
		errno = saved;
	}
	saved = errno;
	if (to != -1 && close(to) == -1)
		r = -1;
	else
		errno = saved;
	close(from);
	return r;
}

static int
link_or_copy(struct mailbox_save *save, int dir, const char *name,
    const char *tmp)
{
	if (linkat(dir, name, save->tmp, tmp, 0) == 0)
		return 0;
	if (errno == ENOENT || errno == ENOSPC || errno == EDQUOT)
		return -1;
	return copy_file(save, dir, name, tmp);
}

/* The copy keeps what its name says of its size. */
static void
keep_sizes(struct staged *s, const struct mailbox_rec *r)
{
	const char *sizes = memchr(r->base, ',', r->base_len);
	size_t n = sizes == NULL ? 0 : (size_t)(r->base + r->base_len - sizes),
	    have = strlen(s->base);

	if (have + n >= MAILBOX_FILE_MAX - MAILBOX_INFO_MAX)
		return;
	if (n > 0)
		memcpy(s->base + have, sizes, n);
	s->base[have + n] = '\0';
}

enum mailbox_status
mailbox_save_copy(struct mailbox_save *save, struct mailbox *from,
    uint32_t seq)
{
	char name[MAILBOX_FILE_MAX + 1];
	enum mailbox_status status;
	struct mailbox_rec r;
	struct staged *s;
	int dir, i;

	for (i = 0; i < 4 && save->status == MAILBOX_OK; i++) {
		mailbox_rec(from, from->view[seq - 1], &r);
		if (r.gone)
			return MAILBOX_NONE;
		if (save->mbox != NULL)
			return save->status = mailbox_mbox_copy(save->mbox,
			    from, seq, translate(from, save->mb, r.flags));
		if ((s = stage(save, translate(from, save->mb, r.flags)))
		    == NULL)
			break;
		dir = mailbox_rec_file(from, &r, name);
		if (dir != -1 && link_or_copy(save, dir, name, s->tmp) == 0) {
			keep_sizes(s, &r);
			s->ext[0] = 'G';
			mailbox_origin(&r, s->ext + 1);
			s->saved = (uint32_t)time(NULL);
			save->n++;
			return MAILBOX_OK;
		}
		if (dir != -1 && errno != ENOENT)
			return save->status = mailbox_errno("link");
		if ((status = mailbox_find_files(from)) != MAILBOX_OK)
			return save->status = status;
	}
	if (save->status == MAILBOX_OK)
		save->status = MAILBOX_TEMPORARY;
	return save->status;
}

/* ---- all or none ---- */

/* What they come to, by the names they will have, or else by their files. */
static uint64_t
sum_of_sizes(const struct mailbox_save *save)
{
	const struct staged *s;
	uint64_t sum = 0, size;
	size_t i;

	for (i = 0; i < save->n; i++) {
		s = &save->v[i];
		mailbox_quota_size(save->tmp, mailbox_file_size(s->base,
		    strlen(s->base), 'S', &size) == 1 ? s->base : s->tmp,
		    &sum);
	}
	return sum;
}

/* Where a staged message goes, and under which name. */
static int
place_of(const struct mailbox_save *save, const struct staged *s, char *name)
{
	snprintf(name, 2 * MAILBOX_FILE_MAX, "%s%s", s->base, s->info);
	return s->info[0] == '\0' ? save->mb->new : save->mb->cur;
}

static enum mailbox_status
place_files(struct mailbox_save *save)
{
	char name[2 * MAILBOX_FILE_MAX];
	bool to_new = false, to_cur = false;
	struct staged *s;
	size_t i;
	int dir;

	for (i = 0; i < save->n; i++) {
		s = &save->v[i];
		dir = place_of(save, s, name);
		if (mailbox_rename_file(save->tmp, s->tmp, dir, name) == -1)
			return mailbox_errno("rename");
		s->placed = true;
		if (dir == save->mb->cur)
			save->mb->stamp_cur.known =
			    save->mb->stamp_cur.clean = false;
		to_new |= dir == save->mb->new;
		to_cur |= dir == save->mb->cur;
	}
	if ((to_new && fsync(save->mb->new) == -1) ||
	    (to_cur && fsync(save->mb->cur) == -1))
		return mailbox_errno("fsync");
	return MAILBOX_OK;
}

static enum mailbox_status
write_lines(struct mailbox_save *save)
{
	struct mailbox *mb = save->mb;
	struct uidlist_writer w;
	size_t i;

	if (UIDLIST_UID_MAX - mb->list.next < save->n)
		return MAILBOX_LIMIT;
	mailbox_list_begin(mb, &w);
	for (i = 0; i < save->n; i++)
		uidlist_put(&w, mb->list.next + (uint32_t)i,
		    save->v[i].ext, save->v[i].base,
		    strlen(save->v[i].base));
	return uidlist_end(&mb->list, &w, mb->dir) == -1 ?
	    mailbox_errno("uidlist") : MAILBOX_OK;
}

static int
add_record(struct mailbox *mb, const struct staged *s, uint32_t uid,
    struct mailbox_log *log)
{
	const char *info = mailbox_info(mb, s->info);
	uint32_t place = mailbox_places(mb);
	struct mailbox_own *o;

	if (info == NULL ||
	    mailbox_add(mb, uid, s->base, strlen(s->base), s->ext) == -1 ||
	    mailbox_moved(mb, place, *info == '\0' ? WHERE_NEW : WHERE_CUR,
	    info) == -1)
		return -1;
	o = mailbox_has_own(mb, place);
	o->flags |= s->keywords;
	o->saved = s->saved;
	mailbox_log_state(mb, log, place);
	return 0;
}

/* Their records, in memory and in the journal.  What others, who have seen the
 * lines, say of them there has been read by then, and counts less. */
static enum mailbox_status
add_records(struct mailbox_save *save, uint32_t first)
{
	struct mailbox_log log;
	size_t i = 0;

	(void)mailbox_log_begin(save->mb, &log);
	/* When all is to be loaded anew, so are they. */
	while (!log.reset && i < save->n && add_record(save->mb, &save->v[i],
	    first + (uint32_t)i, &log) == 0)
		i++;
	(void)mailbox_log_end(save->mb, &log);
	return log.reset || i == save->n ? MAILBOX_OK : MAILBOX_TEMPORARY;
}

static enum mailbox_status
make_known(struct mailbox_save *save, uint32_t *first)
{
	struct mailbox *mb = save->mb;
	enum mailbox_status status;

	if ((status = mailbox_load_locked(mb)) != MAILBOX_OK)
		return status;
	mailbox_make_journal(mb);
	mailbox_watch_begin(mb);
	if ((status = place_files(save)) != MAILBOX_OK)
		return status;
	*first = mb->list.next;
	if ((status = write_lines(save)) != MAILBOX_OK)
		*first = 0;
	/* From here they have UIDs that others may have seen. */
	if (status == MAILBOX_OK && add_records(save, *first) != MAILBOX_OK)
		mailbox_distrust(mb);
	return status;
}

static void
remove_files(struct mailbox_save *save)
{
	char name[2 * MAILBOX_FILE_MAX];
	size_t i;
	int dir;

	for (i = 0; i < save->n; i++) {
		dir = place_of(save, &save->v[i], name);
		if (save->v[i].placed)
			(void)unlinkat(dir, name, 0);
		else
			(void)unlinkat(save->tmp, save->v[i].tmp, 0);
	}
}

static void
save_free(struct mailbox_save *save)
{
	if (save->fd != -1)
		close(save->fd);
	if (save->tmp != -1)
		close(save->tmp);
	free(save->v);
	free(save);
}

enum mailbox_status
mailbox_save_commit(struct mailbox_save *save, uint32_t *first)
{
	enum mailbox_status status = save->status;
	struct mailbox_root *root = save->mb->root;
	struct mailbox_lock lock;
	uint64_t bytes = 0;
	uint32_t unwanted;
	bool counted;

	if (first == NULL)
		first = &unwanted;
	*first = 0;
	if (save->mbox != NULL) {
		if (status != MAILBOX_OK)
			mbox_save_abort(save->mbox);
		else
			status = mailbox_mbox_commit(save->mb, save->mbox,
			    first);
		save_free(save);
		return status;
	}
	counted = status == MAILBOX_OK && mailbox_has_quota(root);
	if (counted) {
		bytes = sum_of_sizes(save);
		if (!has_room(save, bytes))
			status = MAILBOX_OVERQUOTA;
	}
	if (status == MAILBOX_OK)
		status = mailbox_lock_list(save->mb, &lock);
	if (status == MAILBOX_OK) {
		status = make_known(save, first);
		if (status != MAILBOX_OK)
			remove_files(save);
		mailbox_unlock(&lock);
	} else {
		remove_files(save);
	}
	if (status == MAILBOX_OK && counted)
		mailbox_quota_add(root, (int64_t)bytes, (int64_t)save->n);
	save_free(save);
	return status;
}

void
mailbox_save_abort(struct mailbox_save *save)
{
	if (save == NULL)
		return;
	mbox_save_abort(save->mbox);
	remove_files(save);
	save_free(save);
}
