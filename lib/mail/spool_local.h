/* SPDX-License-Identifier: ISC
 *
 * What the files of the spool (spool*.c, maildir.c) share and nobody else
 * needs: names, locks, and folders opened for reading.
 */
#ifndef MAIL_SPOOL_LOCAL_H
#define MAIL_SPOOL_LOCAL_H

#include <sys/stat.h>

#include <dirent.h>

#include "mail/spool.h"

#define SPOOL_MODE_OPEN		0200	/* being written, or taken back */
#define SPOOL_MODE_DONE		0600
#define SPOOL_MODE_SHARED	0660	/* ours, for an agent of the group */

/* Write "<sec>.M<usec>P<pid>Q<seq><letter>.<host>" to id[SPOOL_ID_MAX];
 * letter 0: none.  host is as spool_safe_host() made it. */
void	 spool_make_id(char *id, int letter, const char *host);

/* Only letters, digits, "-", "." and "_"; cut to size. */
void	 spool_safe_host(char *to, size_t size, const char *host);

/* The letter of a queue and form; own: of SPOOL_LINES. */
int	 spool_letter(enum spool_queue, enum spool_form, bool own);

/* Parse a name in tmp/, "ID" (sealed 0) or "ID,S=n,W=m,C=x" and perhaps ",D="
 * and it->due (it->name is without the sum, which goes to crc).  1, or 0. */
int	 spool_tmp_parse(struct spool_item *, const char *, int *sealed,
	    uint32_t *crc);

/* The path of an item relative to its folder's descriptor, which is
 * returned. */
int	 spool_item_path(const struct spool *, const struct spool_item *,
	    char path[SPOOL_NAME_MAX + 64]);

/* Its place at this due time, 0 in now/. */
void	 spool_item_due(struct spool_item *, int64_t due);

/* Rename a file to the place of an item, making the bucket. */
int	 spool_item_rename(const struct spool *, int dir, const char *path,
	    const struct spool_item *);

/* The same for one that is in a queue, as its agent. */
int	 spool_item_move(const struct spool *, const struct spool_item *from,
	    const struct spool_item *to);

/* Append the line in b to the envelope, behind the LF that b begins with: it
 * is for the case that the last line is torn, and this one must begin a line
 * of its own. */
int	 spool_append_line(struct spool_message *, const struct buf *b);

/* spool_did.c: turn an ID, or what begins with one, of SPOOL_LINES into the one
 * that it has with an envelope file.  0; -1 EINVAL: it is of another form. */
int	 spool_file_name(char *name);

/* spool_did.c: the message is gone from the queue, and its envelope goes.  One
 * that a kill leaves is recovery's. */
void	 spool_forget_envelope(const struct spool_message *);

/* An OFD lock on the whole file: 0; -1 errno, EAGAIN another has it. */
int	 spool_lock(int fd);
int	 spool_unlock(int fd);

/* Open a folder to read it: path below fd, which is open by O_PATH, as the
 * owner of fd when we are root.  Root may have been left no right but to be
 * others (a capability bounding set), so nothing here relies on more. */
DIR	*spool_opendir(const struct spool *, int fd, const char *path);

/* fsync a folder given by O_PATH. */
int	 spool_sync_dir(int fd, const char *path);

/* spool_as() the owner of the queue. */
int	 spool_as_queue(const struct spool *, struct spool_as *,
	    enum spool_queue);

/* fstatat(2) of a file in a folder of the queue, as its owner. */
int	 spool_stat(const struct spool *, enum spool_queue, int dir,
	    const char *path, struct stat *);

const char *spool_queue_name(enum spool_queue);

#endif
