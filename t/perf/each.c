/* SPDX-License-Identifier: ISC
 *
 * Runs a command for each of many messages, one after the other, as a mail
 * transport agent or a fetcher does, and says how long that took.  It must add
 * nothing of its own: a small process, and no shell.
 *
 *	each COUNT MESSAGE CMD [ARG...]
 *
 * One line: "each SECONDS COUNT 0 CPU", the last of them the seconds of CPU
 * time of the command and all it waited for.  Every command must exit 0.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

static void
run(const char *message, char **cmd)
{
	posix_spawn_file_actions_t actions;
	int st, error;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions) != 0 ||
	    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, message,
	    O_RDONLY, 0) != 0)
		errx(EX_OSERR, "out of memory");
	if ((error = posix_spawn(&pid, cmd[0], &actions, NULL, cmd,
	    environ)) != 0)
		errc(EX_UNAVAILABLE, error, "%s", cmd[0]);
	posix_spawn_file_actions_destroy(&actions);
	if (waitpid(pid, &st, 0) == -1)
		err(EX_OSERR, "wait");
	if (!WIFEXITED(st) || WEXITSTATUS(st) != 0)
		errx(EX_SOFTWARE, "%s: wait status %#x", cmd[0],
		    (unsigned)st);
}

int
main(int argc, char **argv)
{
	struct rusage ru;
	double start;
	int i, count;

	if (argc < 4 || (count = (int)strtonum(argv[1], 1, 1000000, NULL)) ==
	    0)
		errx(EX_USAGE, "see the comment on top of each.c");
	start = now();
	for (i = 0; i < count; i++)
		run(argv[2], argv + 3);
	start = now() - start;
	if (getrusage(RUSAGE_CHILDREN, &ru) == -1)
		err(EX_OSERR, "getrusage");
	printf("each %.6f %d 0 %.6f\n", start, count,
	    seconds(&ru.ru_utime) + seconds(&ru.ru_stime));
	return fflush(stdout) == 0 ? 0 : EX_IOERR;
}
