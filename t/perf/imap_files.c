/* SPDX-License-Identifier: ISC
 *
 * The files of the IMAP client for t/perf/imap: messages to send, messages to
 * deliver, names in a Maildir.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "imapclient.h"

static char *
slurp(const char *path, size_t *n)
{
	struct stat st;
	char *p;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 ||
	    fstat(fd, &st) == -1)
		err(EX_NOINPUT, "%s", path);
	*n = (size_t)st.st_size;
	if ((p = malloc(*n + 1)) == NULL)
		err(EX_OSERR, "malloc");
	if (read(fd, p, *n) != (ssize_t)*n)
		err(EX_IOERR, "%s", path);
	close(fd);
	return p;
}

double
drop(const char *maildir, const char *file)
{
	static unsigned serial;
	char tmp[PATH_MAX], new[PATH_MAX];
	struct stat st;
	double at;
	size_t n;
	char *p = slurp(file, &n);
	int fd;

	serial++;
	snprintf(tmp, sizeof(tmp), "%s/tmp/%lld.P%dQ%u.drop", maildir,
	    (long long)time(NULL), (int)getpid(), serial);
	snprintf(new, sizeof(new), "%s/new/%lld.P%dQ%u.drop", maildir,
	    (long long)time(NULL), (int)getpid(), serial);
	if ((fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) ==
	    -1 || write(fd, p, n) != (ssize_t)n || stat(maildir, &st) == -1 ||
	    (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) == -1))
		err(EX_CANTCREAT, "%s", tmp);
	close(fd);
	free(p);
	at = now();
	if (rename(tmp, new) == -1)
		err(EX_CANTCREAT, "%s", new);
	return at;
}

static struct message
wire(const char *path)
{
	struct message m = { 0, NULL };
	size_t n, i;
	char *p = slurp(path, &n);

	if ((m.text = malloc(2 * n + 1)) == NULL)
		err(EX_OSERR, "malloc");
	for (i = 0; i < n; i++) {
		if (p[i] == '\n' && (i == 0 || p[i - 1] != '\r'))
			m.text[m.n++] = '\r';
		m.text[m.n++] = p[i];
	}
	free(p);
	return m;
}

static int
visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

struct message *
read_messages(const char *dir, unsigned count)
{
	struct message *all = calloc(count, sizeof(*all));
	struct dirent **names;
	char path[PATH_MAX];
	unsigned i;
	int n;

	if ((n = scandir(dir, &names, visible, alphasort)) <= 0 ||
	    all == NULL)
		err(EX_NOINPUT, "%s", dir);
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir,
		    names[i % (unsigned)n]->d_name);
		all[i] = wire(path);
	}
	while (n-- > 0)
		free(names[n]);
	free(names);
	return all;
}

bool
find_unseen(const char *cur, char *path, size_t size)
{
	DIR *d = opendir(cur);
	struct dirent *e;
	const char *info;
	bool found = false;

	if (d == NULL)
		err(EX_NOINPUT, "%s", cur);
	while (!found && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		info = strstr(e->d_name, ":2,");
		found = info == NULL || strchr(info + 3, 'S') == NULL;
		if (found)
			snprintf(path, size, "%s/%s", cur, e->d_name);
	}
	closedir(d);
	return found;
}
