/* SPDX-License-Identifier: ISC
 *
 * Following another process from one system call to the next, and making one
 * fail with an error that could happen to it.
 */
#ifndef T_FAULT_BREAK_H
#define T_FAULT_BREAK_H

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct call {
	long	number;
	int	errors[3];
};

static const struct call calls[] = {
	{ SYS_openat, { EIO, ENOSPC, EMFILE } },
	{ SYS_read, { EIO, EINTR } },
	{ SYS_pread64, { EIO, EINTR } },
	{ SYS_write, { ENOSPC, EINTR, EIO } },
	{ SYS_pwrite64, { ENOSPC, EINTR, EIO } },
	{ SYS_writev, { ENOSPC, EINTR, EIO } },
	{ SYS_pwritev, { ENOSPC, EINTR, EIO } },
	{ SYS_fsync, { EIO, ENOSPC } },
	{ SYS_fdatasync, { EIO, ENOSPC } },
	{ SYS_sync_file_range, { EIO, ENOSPC } },
#ifdef SYS_rename
	{ SYS_rename, { ENOSPC, EIO } },
#endif
	{ SYS_renameat, { ENOSPC, EIO } },
	{ SYS_renameat2, { ENOSPC, EIO } },
	{ SYS_linkat, { ENOSPC, EIO } },
	{ SYS_ftruncate, { EIO, EINTR } },
	{ SYS_fallocate, { ENOSPC, EINTR } },
	{ SYS_getdents64, { EIO } },
	{ SYS_newfstatat, { EIO } },
	{ SYS_fstat, { EIO } },
	{ SYS_statx, { EIO } },
	{ SYS_utimensat, { EIO } },
	{ SYS_mmap, { ENOMEM } },
	{ SYS_mremap, { ENOMEM } },
};

/* The error to try on a call; 0: none. */
static int
error_for(long number, int which)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return calls[i].errors[which];
	return 0;
}

/* A stopped process' call: its number, and how it fails. */
#if defined(__x86_64__)
#define CAN_FAIL	true
static long
call_number(pid_t pid)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) == -1)
		return -1;
	return (long)r.orig_rax;
}

static void
call_fail(pid_t pid, int error)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r) == -1)
		return;
	if (error == 0)
		r.orig_rax = (unsigned long long)-1;	/* at its entry */
	else
		r.rax = (unsigned long long)-error;	/* at its end */
	(void)ptrace(PTRACE_SETREGS, pid, NULL, &r);
}
#else
#define CAN_FAIL	false
static long
call_number(pid_t pid)
{
	(void)pid;
	return -1;
}

static void
call_fail(pid_t pid, int error)
{
	(void)pid, (void)error;
}
#endif

/* Let it go on up to the next begin or end of a call; false: it is no more, and
 * *died is the signal it died of, or 0. */
static bool
go_on(pid_t pid, int *died)
{
	int status = 0, sig = 0;

	*died = 0;
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, sig) == -1 ||
		    waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
			*died = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
			return false;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return true;
		sig = WSTOPSIG(status);
	}
}

#endif
