/* SPDX-License-Identifier: ISC
 *
 * What other programs do in a Maildir, with plain system calls and without
 * our library: deliver, flag by rename, move, remove, copy by hand, rename all
 * the time, take a lock and die, write the UID list anew as Dovecot does.
 */
#ifndef T_MODEL_OUTSIDE_H
#define T_MODEL_OUTSIDE_H

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Each program that includes this uses some of it. */
#pragma GCC diagnostic ignored "-Wunused-function"

#define NAME	512	/* room for a file's name, and more */

struct place {
	int	dir, cur, new, tmp;
};

static int
place_open(struct place *p, const char *path)
{
	p->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->cur = openat(p->dir, "cur", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->new = openat(p->dir, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->tmp = openat(p->dir, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->tmp;
}

static size_t
base_length(const char *name)
{
	return strcspn(name, ":");
}

/* The token a file carries, 0: it is gone, or none of ours. */
static uint32_t
file_token(int dir, const char *name)
{
	char text[64];
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strncmp(text, "X-Token: ", 9) == 0 ?
	    (uint32_t)strtoul(text + 9, NULL, 10) : 0;
}

/* Call fn on each file of a folder until it returns other than 0, which is
 * the result. */
static int
each_file(int dir, int (*fn)(int, const char *, void *), void *arg)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct dirent *e;
	DIR *d = fd == -1 ? NULL : fdopendir(fd);

	if (d == NULL)
		return 0;
	while (r == 0 && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			r = fn(dir, e->d_name, arg);
	closedir(d);
	return r;
}

struct search {
	uint32_t	 token;
	const char	*base;		/* or by its name */
	size_t		 len;
	char		*name;
};

static int
is_token(int dir, const char *name, void *arg)
{
	struct search *s = arg;

	if (file_token(dir, name) != s->token)
		return 0;
	strlcpy(s->name, name, NAME);
	return 1;
}

/* The file with a token: its folder and its name, or -1. */
static int
find_file(const struct place *p, uint32_t token, char *name)
{
	struct search s = { .token = token, .name = name };
	int i;

	for (i = 0; i < 200; i++) {	/* others may rename it meanwhile */
		if (each_file(p->cur, is_token, &s))
			return p->cur;
		if (each_file(p->new, is_token, &s))
			return p->new;
	}
	return -1;
}

/* ---- flags in names ---- */

/* The name with a letter more, or without it: whether it has it then. */
static bool
toggle_letter(char *to, const char *name, char letter)
{
	size_t n = base_length(name), at;
	const char *p = name[n] == ':' ? name + n + 1 : "";
	bool has;

	if (strncmp(p, "2,", 2) == 0)
		p += 2;
	has = strchr(p, letter) != NULL;
	memcpy(to, name, n);
	memcpy(to + n, ":2,", 3);
	at = n + 3;
	for (; *p != '\0' && *p < letter; p++)
		to[at++] = *p;
	if (!has)
		to[at++] = letter;
	for (; *p != '\0'; p++)
		if (*p != letter)
			to[at++] = *p;
	to[at] = '\0';
	return !has;
}

/* Toggle a letter of a message, into cur if it is in new: 1 set, 0 taken away,
 * -1 not found. */
static int
outside_toggle(const struct place *p, uint32_t token, char letter)
{
	char name[NAME], to[NAME];
	int i, dir;
	bool set;

	for (i = 0; i < 1000; i++) {
		if ((dir = find_file(p, token, name)) == -1)
			return -1;
		set = toggle_letter(to, name, letter);
		if (renameat2(dir, name, p->cur, to, RENAME_NOREPLACE) == 0)
			return set;
	}
	return -1;
}

static int
outside_unlink(const struct place *p, uint32_t token)
{
	char name[NAME];
	int i, dir;

	for (i = 0; i < 1000; i++) {
		if ((dir = find_file(p, token, name)) == -1)
			return -1;
		if (unlinkat(dir, name, 0) == 0)
			return 0;
	}
	return -1;
}

/* From cur to new, its flags lost. */
static int
outside_unread(const struct place *p, uint32_t token)
{
	char name[NAME], to[NAME];
	int dir = find_file(p, token, name);

	if (dir != p->cur)
		return -1;
	strlcpy(to, name, sizeof(to));
	to[base_length(to)] = '\0';
	return renameat2(dir, name, p->new, to, RENAME_NOREPLACE);
}

/* ---- renaming all the time ---- */

static int
toggle_passed(int dir, const char *name, void *arg)
{
	char to[NAME];

	(void)arg;
	if (strchr(name, ':') == NULL)
		return 0;
	(void)toggle_letter(to, name, 'P');
	(void)renameat2(dir, name, dir, to, RENAME_NOREPLACE);
	return 0;
}

/* "Passed" means nothing to the mailbox: all names change, no message does. */
static void __attribute__((noreturn))
renamer(const struct place *p, size_t n, pid_t parent)
{
	size_t i;

	while (getppid() == parent) {
		for (i = 0; i < n; i++)
			each_file(p[i].cur, toggle_passed, NULL);
		usleep(300);
	}
	_exit(0);
}

/* ---- new files ---- */

/* A message's text in LF form; its wire form has 2 + token % 50 octets more.
 * Returns its length. */
static size_t
message_text(char *text, size_t size, uint32_t token)
{
	size_t n = (size_t)snprintf(text, size, "X-Token: %u\n\n", token);
	uint32_t i;

	for (i = token % 50; i > 0; i--)
		n += (size_t)snprintf(text + n, size - n, "text of a line\n");
	return n;
}

static uint64_t
wire_size(uint32_t token)
{
	char text[1024];

	return message_text(text, sizeof(text), token) + 2 + token % 50;
}

/* Deliver: sizes as a bit set, 1 ,S= and 2 ,W=; info NULL into new, else into
 * cur. */
static int
outside_deliver(const struct place *p, uint32_t token, unsigned sizes,
    const char *info)
{
	char text[1024], base[128], to[NAME];
	struct timespec times[2] = { { 0, UTIME_NOW },
	    { 1000000 + (time_t)token, 0 } };
	size_t n = message_text(text, sizeof(text), token);
	int fd, len;

	len = snprintf(base, sizeof(base), "%lld.M%uP%d.other.example",
	    (long long)time(NULL), token, (int)getpid());
	fd = openat(p->tmp, base, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600);
	if (fd == -1 || write(fd, text, n) != (ssize_t)n ||
	    futimens(fd, times) == -1 || close(fd) == -1)
		return -1;
	strlcpy(to, base, sizeof(to));
	if (sizes & 1)
		len += snprintf(to + len, sizeof(to) - (size_t)len, ",S=%zu",
		    n);
	if (sizes & 2)
		snprintf(to + len, sizeof(to) - (size_t)len, ",W=%llu",
		    (unsigned long long)wire_size(token));
	if (info != NULL)
		strlcat(to, info, sizeof(to));
	return renameat(p->tmp, base, info == NULL ? p->new : p->cur, to);
}

/* A second file with the same base, as cp -p and a flag make it: 1 with the
 * flag, 0 without, -1 not done. */
static int
outside_copy(const struct place *p, uint32_t token, char letter)
{
	char name[NAME], to[NAME], text[1024];
	struct timespec times[2] = { { 0, UTIME_NOW },
	    { 1000000 + (time_t)token, 0 } };
	size_t n = message_text(text, sizeof(text), token);
	bool set;
	int fd;

	if (find_file(p, token, name) != p->cur)
		return -1;
	set = toggle_letter(to, name, letter);
	fd = openat(p->cur, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return -1;
	if (write(fd, text, n) != (ssize_t)n || futimens(fd, times) == -1 ||
	    close(fd) == -1)
		return -1;
	return set;
}

/* ---- the files beside the messages ---- */

static void
lock_text(char *text, size_t size, pid_t pid)
{
	int n = snprintf(text, size, "%d:", (int)pid);

	(void)gethostname(text + n, size - (size_t)n);
}

/* A lock someone left: of a dead process here, or an empty one, old. */
static void
outside_lock(const struct place *p, bool empty)
{
	struct timespec old[2] = { { 0, UTIME_NOW }, { 0, 0 } };
	char text[128];
	pid_t pid = fork();
	int fd;

	if (pid == 0)
		_exit(0);
	if (pid == -1 || waitpid(pid, NULL, 0) != pid)
		return;
	lock_text(text, sizeof(text), pid);
	fd = openat(p->dir, "dovecot-uidlist.lock", O_WRONLY | O_CREAT |
	    O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	old[1].tv_sec = time(NULL) - 200;
	if (!empty && write(fd, text, strlen(text)) == -1)
		perror("lock");
	if (empty)
		(void)futimens(fd, old);
	close(fd);
}

static int
has_base(int dir, const char *name, void *arg)
{
	const struct search *s = arg;

	(void)dir;
	return base_length(name) == s->len &&
	    memcmp(name, s->base, s->len) == 0;
}

/* Is a line of the UID list still wanted: its file there, no later line? */
static bool
is_wanted(const struct place *p, const char *line, const char *rest)
{
	const char *base = strstr(line, " :"), *end = strchr(line, '\n');
	struct search s;
	char key[NAME];

	if (base == NULL || end == NULL || base > end)
		return false;
	s.base = base + 2;
	s.len = (size_t)(end - s.base);
	snprintf(key, sizeof(key), " :%.*s\n", (int)s.len, s.base);
	if (strstr(rest, key) != NULL)
		return false;
	return each_file(p->cur, has_base, &s) ||
	    each_file(p->new, has_base, &s);
}

/* The lines of a list that are wanted, and a header with the next UID. */
static void
write_list(const struct place *p, int fd, const char *text)
{
	const char *line = strchr(text, '\n') + 1, *end, *extra;
	unsigned long next, validity, uid = 0;

	if (sscanf(text, "3 V%lu N%lu", &validity, &next) != 2)
		return;
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		uid = strtoul(line, NULL, 10);
	line = strchr(text, '\n') + 1;
	extra = strstr(text, " G");
	(void)dprintf(fd, "3 V%lu N%lu%.*s\n", validity, uid >= next ?
	    uid + 1 : next, extra == NULL || extra > line ? 0 :
	    (int)(line - 1 - extra), extra == NULL ? "" : extra);
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if (is_wanted(p, line, end))
			(void)!write(fd, line, (size_t)(end - line) + 1);
}

/* The UID list written anew, under its lock, without lines of files that are
 * gone. */
static int
outside_rewrite(const struct place *p)
{
	static char text[1 << 20];
	int fd, lock, r = -1;
	char owner[128];
	ssize_t n;

	lock = openat(p->dir, "dovecot-uidlist.lock", O_WRONLY | O_CREAT |
	    O_EXCL | O_CLOEXEC, 0600);
	if (lock == -1)
		return -1;
	lock_text(owner, sizeof(owner), getpid());
	(void)!write(lock, owner, strlen(owner));
	close(lock);
	fd = openat(p->dir, "dovecot-uidlist", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		goto out;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (strchr(text, '\n') == NULL)
		goto out;
	fd = openat(p->dir, "uidlist.other", O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC, 0600);
	write_list(p, fd, text);
	r = fsync(fd) | close(fd);
	r |= renameat(p->dir, "uidlist.other", p->dir, "dovecot-uidlist");
out:
	(void)unlinkat(p->dir, "dovecot-uidlist.lock", 0);
	return r;
}

/* Octets behind the end of a file: a torn write. */
static void
outside_tear(const struct place *p, const char *file)
{
	int fd = openat(p->dir, file, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd == -1)
		return;
	(void)!write(fd, "\x07\0\0\0torn", 8);
	close(fd);
}

static int
remove_file(int dir, const char *name, void *arg)
{
	++*(int *)arg;
	(void)unlinkat(dir, name, 0);
	return 0;
}

/* How many files there were in tmp; they are removed. */
static int
outside_clean_tmp(const struct place *p)
{
	int n = 0;

	each_file(p->tmp, remove_file, &n);
	return n;
}

#endif
