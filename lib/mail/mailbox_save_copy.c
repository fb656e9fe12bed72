/* SPDX-License-Identifier: ISC
 *
 * Messages of another mailbox, each linked into tmp on its own: what is done
 * where mailbox_save_straight.c cannot.  It must never leave a file there.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mailbox_mbox.h"
#include "mail/mailbox_save.h"
#include "system/clock.h"
#include "system/fdio.h"

/* Flags of a message in the letters of another folder. */
mailbox_flags
mailbox_translate(struct mailbox *from, struct mailbox *to, mailbox_flags flags)
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
	while ((n = fd_read_all(from, save->block, MAILBOX_SAVE_BLOCK)) > 0)
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

/* The copy keeps what its name says of its size, and which message it is. */
void
mailbox_keep(struct mailbox_staged *s, const struct mailbox_rec *r)
{
	const char *sizes = memchr(r->base, ',', r->base_len);
	size_t n = sizes == NULL ? 0 : (size_t)(r->base + r->base_len - sizes),
	    have = strlen(s->base);

	s->ext[0] = 'G';
	mailbox_origin(r, s->ext + 1);
	s->saved = (uint32_t)time(NULL);
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
	struct mailbox_staged *s;
	long long end = 0;
	int dir;

	if (save->straight)
		return mailbox_straight_add(save, from, seq);
	while (save->status == MAILBOX_OK && (end == 0 || clock_ms() < end)) {
		if (end == 0)
			end = clock_ms() + MAILBOX_RENAMED_MAX;
		mailbox_rec(from, from->view[seq - 1], &r);
		if (r.gone)
			return MAILBOX_NONE;
		if (save->mbox != NULL)
			return save->status = mailbox_mbox_copy(save->mbox,
			    from, seq, mailbox_translate(from, save->mb,
			    r.flags));
		if ((s = mailbox_stage(save, mailbox_translate(from, save->mb,
		    r.flags))) == NULL)
			break;
		mailbox_file_unique(s->tmp);
		strlcpy(s->base, s->tmp, sizeof(s->base));
		dir = mailbox_rec_file(from, &r, name);
		if (dir != -1 && link_or_copy(save, dir, name, s->tmp) == 0) {
			mailbox_keep(s, &r);
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
