/* SPDX-License-Identifier: ISC
 *
 * System call filters, written out by hand: an allow-list for each role.  It
 * must never let a call through that no list names; such a call answers
 * ENOSYS and is logged once by its number.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "system/log.h"
#include "system/sandbox_filter.h"

#if defined(__x86_64__)
#define FILTER_ARCH	AUDIT_ARCH_X86_64
#define X32_BIT		0x40000000u
#elif defined(__aarch64__)
#define FILTER_ARCH	AUDIT_ARCH_AARCH64
#endif

#ifdef FILTER_ARCH

#define CODE_MAX	1024

struct code {
	struct sock_filter	v[CODE_MAX];
	unsigned short		n;
};

/* Never, in any role: the process dies. */
static const int killed[] = {
	SYS_execve, SYS_execveat,
#if !SANDBOX_IS_WIDE
	SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
#endif
	SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_fsopen,
	SYS_fsmount, SYS_fsconfig, SYS_move_mount, SYS_open_tree,
	SYS_mount_setattr, SYS_swapon, SYS_swapoff, SYS_reboot,
	SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_kexec_load,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
	SYS_bpf, SYS_perf_event_open, SYS_keyctl, SYS_add_key,
	SYS_request_key, SYS_userfaultfd, SYS_unshare, SYS_setns,
	SYS_open_by_handle_at, SYS_io_uring_setup, SYS_io_uring_enter,
	SYS_io_uring_register, SYS_acct, SYS_quotactl, SYS_settimeofday,
	SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime,
	SYS_fanotify_init, SYS_personality, SYS_sethostname,
	SYS_setdomainname,
#ifdef SYS_iopl
	SYS_iopl, SYS_ioperm,
#endif
};

/* Every role: memory, time, signals, and the descriptors it has. */
static const int basic[] = {
	SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64,
	SYS_pwrite64, SYS_preadv, SYS_pwritev, SYS_recvfrom, SYS_recvmsg,
	SYS_sendto, SYS_sendmsg, SYS_shutdown, SYS_close, SYS_close_range,
	SYS_lseek, SYS_fsync, SYS_fdatasync, SYS_ftruncate, SYS_fcntl,
	SYS_fstat, SYS_dup, SYS_dup3, SYS_pipe2, SYS_getsockopt,
	SYS_setsockopt, SYS_getsockname, SYS_getpeername, SYS_ppoll,
	SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
	SYS_eventfd2, SYS_signalfd4, SYS_timerfd_create,
	SYS_timerfd_settime, SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
	SYS_futex, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep,
	SYS_nanosleep, SYS_gettimeofday, SYS_getitimer, SYS_setitimer,
	SYS_getrandom, SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid,
	SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid,
	SYS_getgroups, SYS_getrusage, SYS_times, SYS_sysinfo, SYS_uname,
	SYS_sched_yield, SYS_sched_getaffinity, SYS_rt_sigaction,
	SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending,
	SYS_rt_sigtimedwait, SYS_rt_sigsuspend, SYS_sigaltstack,
	SYS_restart_syscall, SYS_set_robust_list, SYS_rseq,
	SYS_memfd_create,	/* memory, by its own measure */
	SYS_set_tid_address, SYS_exit, SYS_exit_group,
#ifdef SYS_poll
	SYS_poll, SYS_select, SYS_epoll_wait, SYS_epoll_create, SYS_dup2,
	SYS_pipe, SYS_alarm, SYS_pause, SYS_time, SYS_arch_prctl,
#endif
};

/* FILTER_FILES: which files, Landlock says. */
static const int files[] = {
	SYS_openat, SYS_newfstatat, SYS_statx, SYS_getdents64, SYS_unlinkat,
	SYS_renameat, SYS_renameat2, SYS_linkat, SYS_mkdirat, SYS_faccessat,
	SYS_faccessat2, SYS_readlinkat, SYS_fchmod, SYS_fallocate,
	SYS_truncate, SYS_flock, SYS_statfs, SYS_fstatfs, SYS_fadvise64,
	SYS_sync_file_range, SYS_syncfs,
	SYS_copy_file_range, SYS_sendfile, SYS_msync, SYS_readahead,
	SYS_chdir, SYS_fchdir, SYS_getcwd, SYS_umask, SYS_inotify_init1,
	SYS_inotify_add_watch, SYS_inotify_rm_watch, SYS_mknodat,
#ifdef SYS_open
	SYS_open, SYS_stat, SYS_lstat, SYS_unlink, SYS_rename, SYS_link,
	SYS_mkdir, SYS_rmdir, SYS_access, SYS_readlink,
#endif
};

static const int net[] = {
	SYS_connect, SYS_bind, SYS_sendmmsg, SYS_recvmmsg,
};

static const int forks[] = {
	SYS_clone, SYS_wait4, SYS_waitid, SYS_kill, SYS_setresuid,
	SYS_setresgid, SYS_setgroups, SYS_setuid, SYS_setgid, SYS_setreuid,
	SYS_setregid, SYS_setfsuid, SYS_setfsgid, SYS_setsid, SYS_setpgid,
	SYS_prctl, SYS_seccomp,
	SYS_landlock_create_ruleset, SYS_landlock_add_rule,
	SYS_landlock_restrict_self, SYS_fchown, SYS_fchownat, SYS_connect,
	SYS_prlimit64, SYS_fchmodat,
#ifdef SYS_fork
	SYS_fork, SYS_vfork, SYS_getpgrp, SYS_chmod,
#endif
};

/* Known and refused without a word: libraries try them and go on. */
static const int refused[] = {
	SYS_openat, SYS_newfstatat, SYS_statx, SYS_socket, SYS_connect,
	SYS_bind, SYS_readlinkat, SYS_faccessat, SYS_prctl, SYS_prlimit64,
	SYS_kill, SYS_tgkill, SYS_ioctl, SYS_socketpair,
#ifdef SYS_open
	SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink,
#endif
};

/* FILTER_FILES, likewise: mode and times by name, which Landlock does not
 * restrict; the owner of all may be one. */
static const int by_name[] = {
	SYS_fchmodat, SYS_utimensat,
#ifdef SYS_open
	SYS_chmod,
#endif
};

static void
emit(struct code *c, unsigned short code, uint32_t k, unsigned char yes,
    unsigned char no)
{
	if (c->n < CODE_MAX)
		c->v[c->n++] = (struct sock_filter){ code, yes, no, k };
}

static void
emit_return(struct code *c, uint32_t action)
{
	emit(c, BPF_RET | BPF_K, action, 0, 0);
}

static void
emit_load(struct code *c, size_t offset)
{
	emit(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The low half of an argument: flags and numbers fit in it. */
static void
emit_load_argument(struct code *c, unsigned i)
{
	size_t at = offsetof(struct seccomp_data, args) + i * 8;

	emit_load(c, at + (BYTE_ORDER == BIG_ENDIAN ? 4 : 0));
}

/*
 * The kernel tries a filter with every number once when it is installed, and
 * that is at the start of each session: so what depends on the number alone is
 * a tree of ranges, and only what depends on arguments, too, a chain.
 */
#define NUMBERS	1024		/* from 0; no processor here has as many */
#define CHECKED	0		/* no action: arguments are looked at */

struct plan {
	uint32_t	 action[NUMBERS];	/* by number */
	bool		 checked[NUMBERS];
};

/* The first list that has a number decides. */
static void
plan_calls(struct plan *p, const int *calls, size_t n, uint32_t action)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (calls[i] < NUMBERS &&
		    p->action[calls[i]] == SECCOMP_RET_TRAP)
			p->action[calls[i]] = action;
}

/* What a number leads to. */
static uint32_t
plan_leaf(const struct plan *p, unsigned call)
{
	return p->checked[call] ? CHECKED : p->action[call];
}

/* Let the condition at jump skip all that was emitted since: by itself, or when
 * that is too far for it, by a jump of its own behind it. */
static void
skip_from(struct code *c, unsigned short jump)
{
	unsigned n = c->n - jump - 1u;

	if (n <= UINT8_MAX) {
		c->v[jump].jt = (unsigned char)n;
		return;
	}
	emit_return(c, 0);	/* one more, for room */
	if (c->n == CODE_MAX)
		return;
	memmove(&c->v[jump + 2], &c->v[jump + 1], n * sizeof(c->v[0]));
	c->v[jump].jf = 1;
	c->v[jump + 1] = (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, n };
}

/* Numbers from lo up to hi, not included; where the chain begins is said by a
 * jump to it, made in the end. */
static void
emit_tree(struct code *c, const struct plan *p, unsigned lo, unsigned hi)
{
	unsigned mid = lo + (hi - lo) / 2, above, below;
	unsigned short jump;

	for (above = mid; above < hi && plan_leaf(p, above) ==
	    plan_leaf(p, mid); above++)
		;
	for (below = mid; below > lo && plan_leaf(p, below - 1) ==
	    plan_leaf(p, mid); below--)
		;
	if (below == lo && above == hi) {
		if (plan_leaf(p, mid) == CHECKED)
			emit(c, BPF_JMP | BPF_JA, UINT32_MAX, 0, 0);
		else
			emit_return(c, plan_leaf(p, mid));
		return;
	}
	/* the border of a range, as near to the middle as there is one */
	if (below == lo || (above < hi && above - mid < mid - below))
		below = above;
	jump = c->n;
	emit(c, BPF_JMP | BPF_JGE | BPF_K, below, 0, 0);
	emit_tree(c, p, lo, below);
	skip_from(c, jump);
	emit_tree(c, p, below, hi);
}

/* The tree is whole: its jumps to the chain, which comes next. */
static void
join_chain(struct code *c)
{
	unsigned short i;

	for (i = 0; i < c->n; i++)
		if (c->v[i].code == (BPF_JMP | BPF_JA) &&
		    c->v[i].k == UINT32_MAX)
			c->v[i].k = (uint32_t)(c->n - i - 1);
}

/* The end of the chain: no argument has decided. */
static void
emit_rest(struct code *c, const struct plan *p)
{
	unsigned i;

	for (i = 0; i < NUMBERS; i++) {
		if (!p->checked[i])
			continue;
		emit(c, BPF_JMP | BPF_JEQ | BPF_K, i, 0, 1);
		emit_return(c, p->action[i]);
	}
	emit_return(c, SECCOMP_RET_TRAP);
}

#define CALLS(list)	list, sizeof(list) / sizeof(list[0])

/* This call is allowed when argument i is value, else looked at further. */
static void
emit_equal(struct code *c, int call, unsigned i, uint32_t value)
{
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
	emit_load_argument(c, i);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	emit_return(c, SECCOMP_RET_ALLOW);
	emit_load(c, offsetof(struct seccomp_data, nr));
}

/* This call is refused when argument i is value, else looked at further. */
static void
emit_refuse(struct code *c, int call, unsigned i, uint32_t value)
{
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
	emit_load_argument(c, i);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
	emit_return(c, SECCOMP_RET_ERRNO | EACCES);
	emit_load(c, offsetof(struct seccomp_data, nr));
}

/* This call is allowed when argument i, a pointer, is NULL, else looked at
 * further. */
static void
emit_null(struct code *c, int call, unsigned i)
{
	size_t at = offsetof(struct seccomp_data, args) + i * 8;

	emit(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 6);
	emit_load(c, at);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
	emit_load(c, at + 4);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
	emit_return(c, SECCOMP_RET_ALLOW);
	emit_load(c, offsetof(struct seccomp_data, nr));
}

/* A pair of UNIX sockets that can only talk to each other. */
static void
emit_pair(struct code *c, uint32_t type)
{
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, SYS_socketpair, 0, 6);
	emit_load_argument(c, 0);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 3);
	emit_load_argument(c, 1);
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, type | SOCK_CLOEXEC, 0, 1);
	emit_return(c, SECCOMP_RET_ALLOW);
	emit_load(c, offsetof(struct seccomp_data, nr));
}

/* This call gives an error when argument i has one of the bits. */
static void
emit_without(struct code *c, int call, unsigned i, uint32_t bits)
{
	emit(c, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
	emit_load_argument(c, i);
	emit(c, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
	emit_return(c, SECCOMP_RET_ERRNO | EACCES);
	emit_return(c, SECCOMP_RET_ALLOW);
}

/* What the lists say of a role. */
static void
plan_role(struct plan *p, unsigned allow)
{
	static const int clone3[] = { SYS_clone3 };

	/* clone3 has its flags in memory; the C library then uses clone */
	plan_calls(p, CALLS(clone3), SECCOMP_RET_ERRNO | ENOSYS);
	plan_calls(p, CALLS(basic), SECCOMP_RET_ALLOW);
	if (allow & FILTER_FILES)
		plan_calls(p, CALLS(files), SECCOMP_RET_ALLOW);
	if (allow & FILTER_NET)
		plan_calls(p, CALLS(net), SECCOMP_RET_ALLOW);
	if (allow & FILTER_FORK)
		plan_calls(p, CALLS(forks), SECCOMP_RET_ALLOW);
	if (allow & FILTER_FILES)
		plan_calls(p, CALLS(by_name), SECCOMP_RET_ERRNO | EACCES);
	plan_calls(p, CALLS(refused), SECCOMP_RET_ERRNO | EACCES);
}

/* The calls whose arguments are looked at, in any role. */
static const int looked_at[] = {
	SYS_mmap, SYS_mprotect, SYS_setsockopt, SYS_fcntl, SYS_socketpair,
	SYS_ioctl, SYS_prctl, SYS_prlimit64, SYS_kill, SYS_tgkill,
	SYS_utimensat, SYS_newfstatat, SYS_socket, SYS_clone
};

/* The chain.  What it does not decide, the lists do. */
static void
emit_checks(struct code *c, unsigned allow)
{
	emit_without(c, SYS_mmap, 2, PROT_EXEC);
	emit_without(c, SYS_mprotect, 2, PROT_EXEC);
	/* a close that waits for the peer could be made the monitor's */
	emit_refuse(c, SYS_setsockopt, 2, SO_LINGER);
	/* signals by way of a descriptor */
	emit_refuse(c, SYS_fcntl, 1, F_SETOWN);
	emit_refuse(c, SYS_fcntl, 1, F_SETOWN_EX);
	emit_refuse(c, SYS_fcntl, 1, F_SETSIG);
	emit_pair(c, SOCK_STREAM);
	emit_pair(c, SOCK_SEQPACKET);
	emit_equal(c, SYS_ioctl, 1, FIONREAD);
	emit_equal(c, SYS_prctl, 0, PR_SET_NAME);
	emit_equal(c, SYS_prlimit64, 2, 0);		/* only asks */
	emit_equal(c, SYS_kill, 0, (uint32_t)getpid());
	emit_equal(c, SYS_tgkill, 0, (uint32_t)getpid());
	if (allow & FILTER_FILES) {
		/* only asks: is the owner of a lock alive? */
		emit_equal(c, SYS_kill, 1, 0);
		emit_null(c, SYS_utimensat, 1);		/* futimens(3) */
	} else	/* fstat(3) of newer C libraries */
		emit_equal(c, SYS_newfstatat, 3, AT_EMPTY_PATH);
	if (allow & FILTER_NET) {
		emit_equal(c, SYS_socket, 0, AF_INET);
		emit_equal(c, SYS_socket, 0, AF_INET6);
	}
	if (allow & FILTER_FORK) {
		emit_without(c, SYS_clone, 0, CLONE_NEWNS | CLONE_NEWUSER |
		    CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		    CLONE_NEWUTS | CLONE_NEWCGROUP);
		emit_equal(c, SYS_socket, 0, AF_UNIX);
	}
}

/* Everything but the kill list and, as the role says, sockets. */
static void
plan_wide(struct plan *p, unsigned allow)
{
	static const int sockets[] = { SYS_connect, SYS_bind };
	size_t i;

	if (!(allow & (FILTER_NET | FILTER_FORK)))
		plan_calls(p, CALLS(sockets), SECCOMP_RET_ERRNO | EACCES);
	for (i = 0; i < NUMBERS; i++)
		if (p->action[i] == SECCOMP_RET_TRAP)
			p->action[i] = SECCOMP_RET_ALLOW;
}

/* The whole filter after the architecture. */
static void
emit_role(struct code *c, unsigned allow)
{
	static struct plan p;
	size_t i;

	memset(&p, 0, sizeof(p));
	for (i = 0; i < NUMBERS; i++)
		p.action[i] = SECCOMP_RET_TRAP;
	plan_calls(&p, CALLS(killed), SECCOMP_RET_KILL_PROCESS);
	if (SANDBOX_IS_WIDE)
		plan_wide(&p, allow);
	else {
		plan_role(&p, allow);
		for (i = 0; i < sizeof(looked_at) / sizeof(looked_at[0]); i++)
			p.checked[looked_at[i]] = true;
	}
	/* a number beyond all */
	emit(c, BPF_JMP | BPF_JGE | BPF_K, NUMBERS, 0, 1);
	emit_return(c, SANDBOX_IS_WIDE ? SECCOMP_RET_ALLOW :
	    SECCOMP_RET_TRAP);
	emit_tree(c, &p, 0, NUMBERS);
	join_chain(c);
	if (!SANDBOX_IS_WIDE)
		emit_checks(c, allow);
	emit_rest(c, &p);
}

static void
set_result(ucontext_t *uc, long value)
{
#if defined(__x86_64__)
	uc->uc_mcontext.gregs[REG_RAX] = value;
#elif defined(__aarch64__)
	uc->uc_mcontext.regs[0] = (unsigned long long)value;
#endif
}

/* A call that no list names: say so once, answer ENOSYS. */
static void
on_sigsys(int signo, siginfo_t *si, void *context)
{
	static unsigned char seen[128];
	unsigned call = (unsigned)si->si_syscall;
	int saved = errno;

	(void)signo;
	if (call >= sizeof(seen) * 8 ||
	    !(seen[call / 8] & (1u << call % 8))) {
		if (call < sizeof(seen) * 8)
			seen[call / 8] |= (unsigned char)(1u << call % 8);
		log_signal_safe("sandbox refused=syscall number=", call);
	}
	set_result(context, -ENOSYS);
	errno = saved;
}

int
filter_install(unsigned allow)
{
	struct sigaction sa = { .sa_sigaction = on_sigsys,
	    .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER };
	struct sock_fprog prog;
	struct code c = { .n = 0 };

	emit_load(&c, offsetof(struct seccomp_data, arch));
	emit(&c, BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0);
	emit_return(&c, SECCOMP_RET_KILL_PROCESS);
	emit_load(&c, offsetof(struct seccomp_data, nr));
	/* No call at all: a tracer that injects a fault writes this number,
	 * and the kernel does nothing but return. */
	emit(&c, BPF_JMP | BPF_JEQ | BPF_K, UINT32_MAX, 0, 1);
	emit_return(&c, SECCOMP_RET_ALLOW);
#ifdef X32_BIT
	emit(&c, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	emit_return(&c, SECCOMP_RET_KILL_PROCESS);
#endif
	emit_role(&c, allow);
	if (c.n == CODE_MAX) {
		errno = E2BIG;
		return -1;
	}
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSYS, &sa, NULL) == -1)
		return -1;
	prog.len = c.n;
	prog.filter = c.v;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

#else /* no list of calls for this processor */

int
filter_install(unsigned allow)
{
	(void)allow;
	errno = ENOSYS;
	return -1;
}

#endif
