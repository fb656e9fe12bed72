/* SPDX-License-Identifier: ISC
 *
 * Who may have written a file: see trust.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/trust.h"

#define OTHERS	(S_IWGRP | S_IWOTH)

/* What is wrong with the folder of a path, or NULL. */
static const char *
folder_fault(const char *path)
{
	char folder[PATH_MAX];
	struct stat st;
	char *slash;

	if (strlcpy(folder, path, sizeof(folder)) >= sizeof(folder))
		return "has a name that is too long";
	if ((slash = strrchr(folder, '/')) == NULL)
		strlcpy(folder, ".", sizeof(folder));
	else
		slash[slash == folder] = '\0';
	if (stat(folder, &st) == -1)
		return "is in a folder that cannot be looked at";
	return (st.st_mode & OTHERS) != 0 && (st.st_mode & S_ISVTX) == 0 ?
	    "is in a folder that its group or others may write in: chmod "
	    "go-w" : NULL;
}

const char *
trust_fault(const char *path, const struct stat *st)
{
	char real[PATH_MAX];
	const char *why;

	if ((st->st_mode & OTHERS) != 0)
		return "may be written by its group or others: chmod go-w";
	if ((why = folder_fault(path)) != NULL)
		return why;
	return realpath(path, real) == NULL ?
	    "is in a folder that cannot be looked at" : folder_fault(real);
}

int
trust_open(const char *path, struct stat *st, const char **why)
{
	int fd, error;

	*why = NULL;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
	    O_NOCTTY)) == -1 || fstat(fd, st) == -1)
		error = errno;
	else if (!S_ISREG(st->st_mode)) {
		error = EINVAL;
		*why = "is no regular file";
	} else {
		error = EPERM;
		if ((*why = trust_fault(path, st)) == NULL)
			return fd;
	}
	if (*why == NULL)
		*why = strerror(error);
	if (fd != -1)
		close(fd);
	errno = error;
	return -1;
}
