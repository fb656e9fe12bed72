/* SPDX-License-Identifier: ISC
 *
 * Runs a program and kills it at its n-th system call, or its children at
 * theirs, before the call does anything, or the n-th of its children that ends
 * by exit(3); for the tests that look at what a crash leaves.
 *
 *	killat N main|child|exit PROGRAM ARG...
 *
 * Exit code: the program's when it came to its end before N calls, with
 * nothing killed; 200 when something was killed (the others go on to their
 * end first).
 */
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/ptrace.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PIDS	256	/* processes at once */
#define KILLED	200

struct tracee {
	pid_t	pid;
	bool	inside;		/* between entry and exit of a call */
};

static struct tracee tracees[PIDS];
static pid_t first;
static bool running;		/* the program itself, after its exec */
static long calls, limit;
static bool children, exits, killed;

static struct tracee *
find(pid_t pid)
{
	size_t i, empty = PIDS;

	for (i = 0; i < PIDS; i++) {
		if (tracees[i].pid == pid)
			return &tracees[i];
		if (tracees[i].pid == 0)
			empty = i;
	}
	if (empty == PIDS)
		errx(EX_SOFTWARE, "too many processes");
	tracees[empty].pid = pid;
	tracees[empty].inside = false;
	return &tracees[empty];
}

static bool
is_exit(pid_t pid)
{
	struct ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
	    info.entry.nr == SYS_exit_group;
}

/* At the entry of a call.  Is this its last? */
static bool
is_last(pid_t pid)
{
	if (!running || killed || (pid == first) == children ||
	    (exits && !is_exit(pid)))
		return false;
	return ++calls == limit;
}

static void
stopped(pid_t pid, int status)
{
	struct tracee *t = find(pid);
	int sig = WSTOPSIG(status);

	if (sig == (SIGTRAP | 0x80)) {
		t->inside = !t->inside;
		if (t->inside && is_last(pid)) {
			killed = true;
			(void)kill(pid, SIGKILL);
			return;
		}
		sig = 0;
	} else if (sig == SIGTRAP) {
		if (status >> 16 == PTRACE_EVENT_EXEC)
			running = true;
		sig = 0;
	} else if (sig == SIGSTOP)
		sig = 0;
	if (ptrace(PTRACE_SYSCALL, pid, 0, sig) == -1 && errno != ESRCH)
		err(EX_OSERR, "ptrace");
}

static int
watch(void)
{
	int status, code = EX_SOFTWARE;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) != -1 ||
	    errno == EINTR) {
		if (pid == -1)
			continue;
		if (WIFSTOPPED(status)) {
			stopped(pid, status);
			continue;
		}
		find(pid)->pid = 0;
		if (pid == first)
			code = WIFEXITED(status) ? WEXITSTATUS(status) :
			    128 + WTERMSIG(status);
	}
	return killed ? KILLED : code;
}

int
main(int argc, char **argv)
{
	int status;

	if (argc < 4)
		errx(EX_USAGE, "killat N main|child|exit PROGRAM ARG...");
	limit = strtol(argv[1], NULL, 10);
	exits = strcmp(argv[2], "exit") == 0;
	children = exits || strcmp(argv[2], "child") == 0;
	if ((first = fork()) == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, 0, 0);
		(void)raise(SIGSTOP);
		execv(argv[3], argv + 3);
		err(EX_UNAVAILABLE, "%s", argv[3]);
	}
	if (first == -1 || waitpid(first, &status, 0) == -1 ||
	    ptrace(PTRACE_SETOPTIONS, first, 0, PTRACE_O_TRACESYSGOOD |
	    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
	    PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) == -1 ||
	    ptrace(PTRACE_SYSCALL, first, 0, 0) == -1)
		err(EX_NOPERM, "ptrace");
	return watch();
}
