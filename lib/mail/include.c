/* SPDX-License-Identifier: ISC
 *
 * A file of addresses that an alias names: see include.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/include.h"
#include "mail/table.h"
#include "system/fdio.h"
#include "system/trust.h"

static int
fault(const char **why, const char *what, int error)
{
	*why = what == NULL ? strerror(error) : what;
	errno = error;
	return -1;
}

/* Could its owner read it himself? */
static bool
may_read(uid_t by, const struct stat *st)
{
	return by == 0 || by == st->st_uid || (st->st_mode & S_IROTH) != 0;
}

static int
read_text(struct include *in, int fd, const struct stat *st,
    const char **why)
{
	ssize_t n;

	if (st->st_size > (off_t)INCLUDE_MAX)
		return fault(why, "is too long", EFBIG);
	if ((in->text = malloc((size_t)st->st_size + 1)) == NULL ||
	    (n = fd_read_all(fd, in->text, (size_t)st->st_size)) == -1)
		return fault(why, NULL, errno);
	alias_reader_init(&in->reader, ALIAS_MEMBERS, in->text, (size_t)n);
	return 0;
}

int
include_open(struct include *in, const char *path, uid_t by,
    const char **why)
{
	struct stat st;
	int fd, r, error;

	memset(in, 0, sizeof(*in));
	in->path = path;
	buf_init(&in->entry, 2 * INCLUDE_MAX);
	if (*path != '/')
		return fault(why, "is no absolute path", EINVAL);
	if ((fd = trust_open(path, &st, why)) == -1)
		return -1;
	in->owner = st.st_uid;
	r = may_read(by, &st) ? read_text(in, fd, &st, why) : fault(why,
	    "may not be read by the owner of the file that includes it",
	    EPERM);
	error = errno;
	close(fd);
	if (r == -1)
		include_close(in);
	errno = error;
	return r;
}

int
include_next(struct include *in, const char **target, const char **why)
{
	int found;

	while (in->at == NULL || (*target = table_target(&in->at)) == NULL) {
		buf_reset(&in->entry);
		found = alias_next(&in->reader, &in->entry, &in->line, why);
		if (found != 1)
			return found;
		in->at = buf_str(&in->entry) + 1;	/* no name */
	}
	return 1;
}

void
include_close(struct include *in)
{
	free(in->text);
	buf_free(&in->entry);
	in->text = NULL;
}
