/* SPDX-License-Identifier: ISC
 *
 * Runs a command and says what it took: the CPU time of it and of all it waited
 * for, finer than the ticks that Perl and the shell count in.  It must add
 * nothing of its own.
 *
 *	usage FILE CMD [ARG...]
 *
 * FILE gets one line: microseconds of user and of system time, and the largest
 * resident size in kilobytes.  The exit code is the command's.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <err.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static long long
microseconds(const struct timeval *tv)
{
	return (long long)tv->tv_sec * 1000000 + tv->tv_usec;
}

int
main(int argc, char **argv)
{
	struct rusage ru;
	pid_t pid;
	FILE *f;
	int st;

	if (argc < 3)
		errx(EX_USAGE, "see the comment on top of usage.c");
	if ((pid = fork()) == -1)
		err(EX_OSERR, "fork");
	if (pid == 0) {
		execv(argv[2], argv + 2);
		err(EX_UNAVAILABLE, "%s", argv[2]);
	}
	/* The command's alone: its end has to show. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (waitpid(pid, &st, 0) == -1 || getrusage(RUSAGE_CHILDREN, &ru) == -1)
		err(EX_OSERR, "wait");
	if ((f = fopen(argv[1], "w")) == NULL ||
	    fprintf(f, "%lld %lld %ld\n", microseconds(&ru.ru_utime),
	    microseconds(&ru.ru_stime), ru.ru_maxrss) < 0 || fclose(f) != 0)
		err(EX_CANTCREAT, "%s", argv[1]);
	return WIFEXITED(st) ? WEXITSTATUS(st) : EX_SOFTWARE;
}
