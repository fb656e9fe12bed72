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
	SYS_timerfd_settime, SYS_brk, SYS_mmap, SYS_mprotect, SYS_munmap,
	SYS_mremap, SYS_madvise, SYS_futex, SYS_clock_gettime,
	SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep,
	SYS_gettimeofday, SYS_getitimer, SYS_setitimer,
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

/* What a filter answers. */
enum action { TRAP, ALLOW, KILL, DENY, NOSYS, ACTIONS };
static const uint32_t answer[ACTIONS] = {
	[TRAP] = SECCOMP_RET_TRAP,
	[ALLOW] = SECCOMP_RET_ALLOW,
	[KILL] = SECCOMP_RET_KILL_PROCESS,
	[DENY] = SECCOMP_RET_ERRNO | EACCES,
	[NOSYS] = SECCOMP_RET_ERRNO | ENOSYS,
};

#define CODE_MAX	256	/* as far as a condition reaches */
#define NUMBERS		512	/* from 0; no processor here has as many */

/*
 * The code, written from its end: jumps go forward only, so what one leads to
 * is there already.  A place is how many instructions there are from it to the
 * end.
 *
 * The kernel translates a filter when it is installed, and tries it with every
 * number, and that is at the start of each session and of each delivery: so it
 * is short, the answers stand in it once, and what depends on the number alone
 * is found by halves.
 */
struct code {
	struct sock_filter	v[CODE_MAX];	/* the last n of them */
	unsigned short		n;
	unsigned short		at[NUMBERS];	/* places, by number; or 0 */
	unsigned short		answer[ACTIONS];
};

static unsigned short
emit(struct code *c, unsigned short code, uint32_t k, unsigned yes,
    unsigned no)
{
	if (c->n < CODE_MAX)
		c->v[CODE_MAX - ++c->n] = (struct sock_filter){ code,
		    (unsigned char)yes, (unsigned char)no, k };
	return c->n;
}

static unsigned short
emit_load(struct code *c, size_t offset)
{
	return emit(c, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static unsigned short
emit_if(struct code *c, unsigned short test, uint32_t k, unsigned short yes,
    unsigned short no)
{
	return emit(c, BPF_JMP | BPF_K | test, k, (unsigned)(c->n - yes),
	    (unsigned)(c->n - no));
}

/* The low half of an argument: flags and numbers fit in it. */
static size_t
low(unsigned argument)
{
	return offsetof(struct seccomp_data, args) + argument * 8 +
	    (BYTE_ORDER == BIG_ENDIAN ? 4 : 0);
}

/* The same for the high half. */
static size_t
high(unsigned argument)
{
	return low(argument) ^ 4;
}

/* The first list that has a number decides. */
static void
plan_calls(struct code *c, const int *calls, size_t n, enum action action)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (calls[i] < NUMBERS && c->at[calls[i]] == 0)
			c->at[calls[i]] = c->answer[action];
}

#define CALLS(list)	list, sizeof(list) / sizeof(list[0])

/* What the lists say of a role. */
static void
plan_role(struct code *c, unsigned allow)
{
	static const int clone3[] = { SYS_clone3 };

	/* clone3 has its flags in memory; the C library then uses clone */
	plan_calls(c, CALLS(clone3), NOSYS);
	plan_calls(c, CALLS(basic), ALLOW);
	if (allow & FILTER_FILES)
		plan_calls(c, CALLS(files), ALLOW);
	if (allow & FILTER_NET)
		plan_calls(c, CALLS(net), ALLOW);
	if (allow & FILTER_FORK)
		plan_calls(c, CALLS(forks), ALLOW);
	if (allow & FILTER_FILES)
		plan_calls(c, CALLS(by_name), DENY);
	plan_calls(c, CALLS(refused), DENY);
}

/* Everything but the kill list and, as the role says, sockets. */
static void
plan_wide(struct code *c, unsigned allow)
{
	static const int sockets[] = { SYS_connect, SYS_bind };

	if (!(allow & (FILTER_NET | FILTER_FORK)))
		plan_calls(c, CALLS(sockets), DENY);
}

/* This call has that answer when the test of what lies at offset holds; else
 * what was said of it before. */
static void
check(struct code *c, int call, size_t offset, unsigned short test,
    uint32_t value, enum action action)
{
	(void)emit_if(c, test, value, c->answer[action], c->at[call]);
	c->at[call] = emit_load(c, offset);
}

static void
allow_if(struct code *c, int call, unsigned argument, uint32_t value)
{
	check(c, call, low(argument), BPF_JEQ, value, ALLOW);
}

static void
deny_if(struct code *c, int call, unsigned argument, uint32_t value)
{
	check(c, call, low(argument), BPF_JEQ, value, DENY);
}

static void
deny_bits(struct code *c, int call, unsigned argument, uint32_t bits)
{
	check(c, call, low(argument), BPF_JSET, bits, DENY);
}

/* Allowed when both have their values. */
static void
allow_if_both(struct code *c, int call, size_t one, uint32_t value,
    size_t other, uint32_t other_value)
{
	unsigned short before = c->at[call];

	check(c, call, other, BPF_JEQ, other_value, ALLOW);
	(void)emit_if(c, BPF_JEQ, value, c->at[call], before);
	c->at[call] = emit_load(c, one);
}

/* A pair of UNIX sockets that can only talk to each other. */
static void
allow_pair(struct code *c, uint32_t type)
{
	allow_if_both(c, SYS_socketpair, low(0), AF_UNIX, low(1),
	    type | SOCK_CLOEXEC);
}

/* The calls whose arguments are looked at.  What is not decided here, the lists
 * do. */
static void
plan_checks(struct code *c, unsigned allow)
{
	deny_bits(c, SYS_mmap, 2, PROT_EXEC);
	deny_bits(c, SYS_mprotect, 2, PROT_EXEC);
	/* a close that waits for the peer could be made the monitor's */
	deny_if(c, SYS_setsockopt, 2, SO_LINGER);
	/* signals by way of a descriptor */
	deny_if(c, SYS_fcntl, 1, F_SETOWN);
	deny_if(c, SYS_fcntl, 1, F_SETOWN_EX);
	deny_if(c, SYS_fcntl, 1, F_SETSIG);
	allow_pair(c, SOCK_STREAM);
	allow_pair(c, SOCK_SEQPACKET);
	allow_if(c, SYS_ioctl, 1, FIONREAD);
	allow_if(c, SYS_prctl, 0, PR_SET_NAME);
	allow_if(c, SYS_prlimit64, 2, 0);		/* only asks */
	allow_if(c, SYS_kill, 0, (uint32_t)getpid());
	allow_if(c, SYS_tgkill, 0, (uint32_t)getpid());
	if (allow & FILTER_FILES) {
		/* only asks: is the owner of a lock alive? */
		allow_if(c, SYS_kill, 1, 0);
		/* futimens(3): no name */
		allow_if_both(c, SYS_utimensat, low(1), 0, high(1), 0);
	} else	/* fstat(3) of newer C libraries */
		allow_if(c, SYS_newfstatat, 3, AT_EMPTY_PATH);
	if (allow & FILTER_NET) {
		allow_if(c, SYS_socket, 0, AF_INET);
		allow_if(c, SYS_socket, 0, AF_INET6);
	}
	if (allow & FILTER_FORK) {
		deny_bits(c, SYS_clone, 0, CLONE_NEWNS | CLONE_NEWUSER |
		    CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
		    CLONE_NEWUTS | CLONE_NEWCGROUP);
		allow_if(c, SYS_socket, 0, AF_UNIX);
	}
}

/* The numbers from one on that lead to the same place; single ones among them
 * that do not are asked for first. */
struct range {
	unsigned short	from;
	unsigned short	place;
};

static unsigned
emit_ranges(struct code *c, struct range *ranges)
{
	unsigned n = 0, call;
	unsigned short place = 0;

	for (call = 0; call < NUMBERS; call++) {
		if (c->at[call] == place)
			continue;
		if (call + 1 < NUMBERS && c->at[call + 1] == place) {
			ranges[n - 1].place = emit_if(c, BPF_JEQ, call,
			    c->at[call], ranges[n - 1].place);
			continue;
		}
		place = c->at[call];
		ranges[n++] = (struct range){ (unsigned short)call, place };
	}
	return n;
}

static unsigned short
emit_tree(struct code *c, const struct range *ranges, unsigned n)
{
	unsigned half = n / 2;
	unsigned short above, below;

	if (n == 1)
		return ranges->place;
	above = emit_tree(c, ranges + half, n - half);
	below = emit_tree(c, ranges, half);
	return emit_if(c, BPF_JGE, ranges[half].from, above, below);
}

/* What the number leads to. */
static unsigned short
emit_role(struct code *c, unsigned allow)
{
	struct range ranges[NUMBERS];
	enum action rest = SANDBOX_IS_WIDE ? ALLOW : TRAP;
	unsigned short tree;
	unsigned i;

	plan_calls(c, CALLS(killed), KILL);
	if (SANDBOX_IS_WIDE)
		plan_wide(c, allow);
	else
		plan_role(c, allow);
	for (i = 0; i < NUMBERS; i++)
		if (c->at[i] == 0)
			c->at[i] = c->answer[rest];
	if (!SANDBOX_IS_WIDE)
		plan_checks(c, allow);
	tree = emit_tree(c, ranges, emit_ranges(c, ranges));
	/* a number beyond all */
	return emit_if(c, BPF_JGE, NUMBERS, c->answer[rest], tree);
}

static void
emit_filter(struct code *c, unsigned allow)
{
	unsigned short place;
	unsigned i;

	for (i = 0; i < ACTIONS; i++)
		c->answer[i] = emit(c, BPF_RET | BPF_K, answer[i], 0, 0);
	place = emit_role(c, allow);
#ifdef X32_BIT
	place = emit_if(c, BPF_JGE, X32_BIT, c->answer[KILL], place);
#endif
	/* No call at all: a tracer that injects a fault writes this number,
	 * and the kernel does nothing but return. */
	(void)emit_if(c, BPF_JEQ, UINT32_MAX, c->answer[ALLOW], place);
	place = emit_load(c, offsetof(struct seccomp_data, nr));
	(void)emit_if(c, BPF_JEQ, FILTER_ARCH, place, c->answer[KILL]);
	(void)emit_load(c, offsetof(struct seccomp_data, arch));
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
	struct code c;

	c.n = 0;
	memset(c.at, 0, sizeof(c.at));
	emit_filter(&c, allow);
	if (c.n == CODE_MAX) {
		errno = E2BIG;
		return -1;
	}
	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGSYS, &sa, NULL) == -1)
		return -1;
	prog.len = c.n;
	prog.filter = c.v + CODE_MAX - c.n;
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
