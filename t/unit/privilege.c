/* SPDX-License-Identifier: ISC
 *
 * Proves what root may do while it has lent itself a user's rights, and that
 * the user cannot reach it: it opens no file but his, has no capability, and
 * takes no signal of his; then it is root again.  Who is not root gets nothing.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/privilege.h"
#include "tap.h"

#define HIS	65433

/* A line of /proc/self/status, as a number. */
static long long
status(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long long n = -1;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			n = strtoll(line + strlen(name), NULL, 16);
	if (f != NULL)
		fclose(f);
	return n;
}

/* What a process of the user's gets who signals this one. */
static int
signalled(void)
{
	pid_t us = getpid(), pid = fork();
	int st;

	if (pid == 0)
		_exit(seteuid(0) == -1 || privilege_drop(HIS, HIS) == -1 ? 1 :
		    kill(us, 0) == 0 ? 2 : errno == EPERM ? 0 : 3);
	return waitpid(pid, &st, 0) == pid ? st : -1;
}

static void
test_root(void)
{
	struct stat st;
	int fd = open("roots", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	close(fd);
	(void)chmod(".", 0777);
	(void)setgroups(0, NULL);
	is_int(privilege_lend(0, HIS), -1, "root is nobody's to lend");
	is_int(errno, EPERM, "... it says");
	is_int(privilege_lend(HIS, HIS + 1), 0, "lent");
	is_int(geteuid(), HIS, "... the user");
	is_int(getegid(), HIS + 1, "... and group");
	is_int(status("CapEff:"), 0, "... no capability");
	is_int(open("roots", O_RDONLY | O_CLOEXEC), -1, "root's is closed");
	is_int(errno, EACCES, "... to him");
	close(fd = open("his", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	ok(stat("his", &st) == 0 && st.st_uid == HIS && st.st_gid == HIS + 1,
	    "what is made is his");
	is_int(signalled(), 0, "he cannot signal it");
	errno = ENOSPC;
	privilege_back();
	is_int(errno, ENOSPC, "errno stays");
	is_int(geteuid() + getegid(), 0, "root again");
	is_int(close(open("roots", O_RDONLY | O_CLOEXEC)), 0, "... it is");
}

int
main(void)
{
	char dir[] = "/tmp/privilege.XXXXXX";

	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return 1;
	if (geteuid() == 0)
		test_root();
	(void)unlink("roots");
	(void)unlink("his");
	(void)rmdir(dir);
	is_int(privilege_drop(HIS, HIS), 0, "dropped, or not root");
	is_int(privilege_lend(getuid(), getgid()), -1, "nothing to lend");
	is_int(errno, EPERM, "... it says");
	return done();
}
