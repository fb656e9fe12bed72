/* SPDX-License-Identifier: ISC
 *
 * Proves which files only their owner may have written: by their mode, that of
 * their folder, and those of a symbolic link to them; and that nothing but a
 * regular file is opened.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/trust.h"
#include "tap.h"

static char top[] = "/tmp/stdmail-trust-XXXXXX";

static const struct row {
	mode_t file, folder, links;	/* the folder of a link to the file */
	const char *what;
	bool direct, linked;		/* is it opened by name, by the link */
} rows[] = {
	{ 0644, 0755, 0755, "its owner's", true, true },
	{ 0600, 0700, 0700, "private", true, true },
	{ 0664, 0755, 0755, "its group's", false, false },
	{ 0646, 0755, 0755, "everybody's", false, false },
	{ 0644, 0775, 0755, "in a folder of a group", false, false },
	{ 0644, 0757, 0755, "in a folder of all", false, false },
	{ 0644, 01777, 0755, "in a folder like /tmp", true, true },
	{ 0644, 0755, 0777, "by a link that others may change", true, false },
};

static bool
opens(const char *path)
{
	const char *why;
	struct stat st;
	int fd = trust_open(path, &st, &why);

	if (fd != -1)
		close(fd);
	else if (errno != EPERM || why == NULL)
		return true;	/* the wrong fault is none */
	return fd != -1;
}

static void
test_rows(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		chmod("in/file", rows[i].file);
		chmod("in", rows[i].folder);
		chmod("links", rows[i].links);
		is_int(opens("in/file"), rows[i].direct, rows[i].what);
		is_int(opens("links/link"), rows[i].linked, "... by a link");
	}
}

static void
test_others(void)
{
	const char *why;
	struct stat st;

	is_int(trust_open("in/none", &st, &why), -1, "none");
	is_int(errno, ENOENT, "... says so");
	ok(why != NULL && *why != '\0', "... in words");
	is_int(trust_open("links", &st, &why), -1, "a folder");
	is_int(errno, EINVAL, "... says so");
	mkfifo("fifo", 0600);
	is_int(trust_open("fifo", &st, &why), -1, "a pipe, without a wait");
	is_int(errno, EINVAL, "... says so");
	unlink("fifo");
}

int
main(void)
{
	int fd;

	if (mkdtemp(top) == NULL || chdir(top) == -1 ||
	    mkdir("in", 0755) == -1 || mkdir("links", 0755) == -1 ||
	    (fd = open("in/file", O_WRONLY | O_CREAT, 0600)) == -1 ||
	    symlink("../in/file", "links/link") == -1)
		return 1;
	close(fd);
	test_rows();
	test_others();
	unlink("links/link");
	unlink("in/file");
	rmdir("links");
	rmdir("in");
	rmdir(top);
	return done();
}
