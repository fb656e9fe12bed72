/* SPDX-License-Identifier: ISC
 *
 * Proves how a file of addresses that an alias names is read: its targets with
 * their lines, comments, a fault named; only from a regular file that nobody
 * but its owner writes, of a bounded size, and that the owner of the file
 * which includes it could read.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mail/include.h"
#include "tap.h"

static char path[] = "/tmp/stdmail-include-XXXXXX";

static const struct {
	const char *text;
	const char *want;	/* "line:target line:target", then "!line" where
				 * it is malformed */
} rows[] = {
	{ "", "" },
	{ "# nobody\n\n", "" },
	{ "a\nb@x.test\n", "1:a 2:b@x.test " },
	{ "a, b,\n  c@x.test (C)\n# d\nE <e@x.test>\r\n",
	    "1:a 1:b 2:c@x.test 4:e@x.test " },
	{ ":include:/x\n|cat\n", "1::include:/x 2:|cat " },
	{ "a\nb c\nd\n", "1:a !2" },
	{ "a", "1:a " },
};

static void
put(const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd == -1 || write(fd, text, n) != (ssize_t)n)
		exit(1);
	close(fd);
}

static void
test_rows(void)
{
	const char *target, *why;
	struct include in;
	char got[512];
	size_t i, n;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(rows[i].text, strlen(rows[i].text));
		if (!ok(include_open(&in, path, 0, &why) == 0, "it opens"))
			continue;
		got[0] = '\0';
		n = 0;
		while ((r = include_next(&in, &target, &why)) == 1)
			n += (size_t)snprintf(got + n, sizeof(got) - n,
			    "%u:%s ", in.line, target);
		if (r == -1)
			snprintf(got + n, sizeof(got) - n, "!%u", in.line);
		is_str(got, rows[i].want, "... targets");
		include_close(&in);
	}
}

static int
try(const char *name, uid_t by)
{
	const char *why = NULL;
	struct include in;
	int r = include_open(&in, name, by, &why);

	if (r == 0)
		include_close(&in);
	else
		ok(why != NULL, "# %s", why == NULL ? "" : why);
	return r == 0 ? 0 : errno;
}

static void
test_faults(void)
{
	char *text = calloc(1, INCLUDE_MAX + 1);

	put("a\n", 2);
	chmod(path, 0664);
	is_int(try(path, 0), EPERM, "a group may write in it");
	chmod(path, 0600);
	is_int(try(path, 0), 0, "its owner alone");
	is_int(try(path, geteuid()), 0, "for a file of the same owner");
	is_int(try(path, geteuid() + 1000), EPERM, "for one of another");
	chmod(path, 0644);
	is_int(try(path, geteuid() + 1000), 0, "... what all may read");
	is_int(try(path + 1, 0), EINVAL, "a path that is not absolute");
	is_int(try("/tmp", 0), EINVAL, "a folder");
	is_int(try("/dev/null", 0), EINVAL, "a device");
	put(text, INCLUDE_MAX + 1);
	is_int(try(path, 0), EFBIG, "a long file");
	unlink(path);
	is_int(try(path, 0), ENOENT, "none");
	free(text);
}

int
main(void)
{
	int fd = mkstemp(path);

	if (fd == -1)
		return 1;
	close(fd);
	chmod(path, 0644);
	test_rows();
	test_faults();
	return done();
}
