/* SPDX-License-Identifier: ISC
 *
 * Has another process try things, as its own code would if an attacker had
 * taken it over: its registers are borrowed for a system call at a time.
 *
 *	inside PID TRY [ARG] ...
 *
 * TRY: read FILE, write FILE, list FOLDER, connect PORT (of 127.0.0.1), root
 * (become it), trace PID, exec FILE.  One line for each: "done", the name of
 * the error, "ENOSYS" for a call its filter does not know, or "dies".  The
 * process goes on afterwards as if nothing had been, unless it died.
 *
 * Exit code: 0; 69 it cannot be traced here; 77 not made for this processor.
 */
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#if defined(__x86_64__)

#define DIED	(-1000)
#define BELOW	8192	/* the stack: behind what its code may use */

static pid_t pid;
static struct user_regs_struct saved;
static unsigned long long at;	/* of the instruction for a call */

static void
put(const void *data, size_t n)
{
	struct iovec mine = { (void *)(uintptr_t)data, n };
	struct iovec its = { (void *)(uintptr_t)(saved.rsp - BELOW), n };

	if (process_vm_writev(pid, &mine, 1, &its, 1, 0) != (ssize_t)n)
		err(EX_UNAVAILABLE, "write into %d", (int)pid);
}

/* One system call there: its result, -errno, or DIED when it died of it. */
static long
call(long number, long a, long b, long c, long d)
{
	struct user_regs_struct r = saved;
	int status;

	r.rip = at;
	r.orig_rax = ~0ULL;
	r.rax = (unsigned long long)number;
	r.rdi = (unsigned long long)a;
	r.rsi = (unsigned long long)b;
	r.rdx = (unsigned long long)c;
	r.r10 = (unsigned long long)d;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &r) == -1)
		err(EX_UNAVAILABLE, "%d", (int)pid);
	do {	/* a step may first meet the end of the one before */
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == -1)
			err(EX_UNAVAILABLE, "%d", (int)pid);
		if (waitpid(pid, &status, __WALL) == -1 ||
		    !WIFSTOPPED(status))
			return DIED;
		if (WSTOPSIG(status) == SIGSYS)
			return -ENOSYS;
		if (ptrace(PTRACE_GETREGS, pid, NULL, &r) == -1)
			err(EX_UNAVAILABLE, "%d", (int)pid);
	} while (r.rip == at);
	return (long)r.rax;
}

static long
try_open(const char *path, int flags)
{
	long fd;

	put(path, strlen(path) + 1);
	fd = call(SYS_openat, AT_FDCWD, (long)(saved.rsp - BELOW), flags,
	    0600);
	if (fd >= 0)
		(void)call(SYS_close, fd, 0, 0, 0);
	return fd;
}

static long
try_connect(const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	long fd, r;

	sin.sin_port = htons((unsigned short)strtoul(port, NULL, 10));
	put(&sin, sizeof(sin));
	fd = call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0);
	if (fd < 0)
		return fd;
	r = call(SYS_connect, fd, (long)(saved.rsp - BELOW), sizeof(sin), 0);
	(void)call(SYS_close, fd, 0, 0, 0);
	return r;
}

static long
try_exec(const char *path)
{
	put(path, strlen(path) + 1);
	return call(SYS_execve, (long)(saved.rsp - BELOW), 0, 0, 0);
}

static long
try(const char *what, const char *arg)
{
	if (strcmp(what, "read") == 0)
		return try_open(arg, O_RDONLY | O_NONBLOCK);
	if (strcmp(what, "write") == 0)
		return try_open(arg, O_WRONLY | O_CREAT);
	if (strcmp(what, "list") == 0)
		return try_open(arg, O_RDONLY | O_DIRECTORY);
	if (strcmp(what, "connect") == 0)
		return try_connect(arg);
	if (strcmp(what, "root") == 0)
		return call(SYS_setresuid, 0, 0, 0, 0);
	if (strcmp(what, "trace") == 0)
		return call(SYS_ptrace, PTRACE_ATTACH,
		    (long)strtoul(arg, NULL, 10), 0, 0);
	if (strcmp(what, "exec") == 0)
		return try_exec(arg);
	errx(EX_USAGE, "%s: not known", what);
}

/* The instruction that it waits in; or, where it computes, one that stands
 * there for a while: the text that was there. */
static long
find_instruction(void)
{
	long code;

	errno = 0;
	at = saved.rip - 2;
	code = ptrace(PTRACE_PEEKTEXT, pid, (void *)(uintptr_t)at, NULL);
	if (errno == 0 && (code & 0xffff) == 0x050f)
		return code;
	at = saved.rip;
	code = ptrace(PTRACE_PEEKTEXT, pid, (void *)(uintptr_t)at, NULL);
	if (errno != 0 || ptrace(PTRACE_POKETEXT, pid, (void *)(uintptr_t)at,
	    (void *)((code & ~0xffffL) | 0x050f)) == -1)
		err(EX_UNAVAILABLE, "%d", (int)pid);
	return code;
}

int
main(int argc, char **argv)
{
	const char *name, *what;
	int i, status;
	long r = 0, code;

	if (argc < 3)
		errx(EX_USAGE, "usage: inside pid try [arg] ...");
	pid = (pid_t)strtoul(argv[1], NULL, 10);
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) == -1 ||
	    waitpid(pid, &status, __WALL) == -1 ||
	    ptrace(PTRACE_GETREGS, pid, NULL, &saved) == -1)
		err(EX_UNAVAILABLE, "%d", (int)pid);
	code = find_instruction();
	for (i = 2; i < argc && r != DIED; i++) {
		what = argv[i];
		if (strcmp(what, "root") != 0 && ++i == argc)
			errx(EX_USAGE, "%s: an argument is missing", what);
		r = try(what, argv[i]);
		name = r == DIED ? "dies" : r >= 0 ? "done" :
		    strerrorname_np((int)-r);
		printf("%s\n", name == NULL ? "?" : name);
	}
	if (r != DIED && (ptrace(PTRACE_POKETEXT, pid,
	    (void *)(uintptr_t)at, (void *)code) == -1 ||
	    ptrace(PTRACE_SETREGS, pid, NULL, &saved) == -1 ||
	    ptrace(PTRACE_DETACH, pid, NULL, NULL) == -1))
		err(EX_UNAVAILABLE, "%d", (int)pid);
	return 0;
}

#else

int
main(void)
{
	return EX_NOPERM;
}

#endif
