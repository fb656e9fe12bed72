/* SPDX-License-Identifier: ISC
 *
 * The seccomp half of the sandbox, for sandbox.c only.
 */
#ifndef SYSTEM_SANDBOX_FILTER_H
#define SYSTEM_SANDBOX_FILTER_H

/* Builds that need more than the program itself does: the sanitizers' own
 * calls at run time, coverage's files at exit, valgrind.  They get the wide
 * filter: everything but a few calls. */
#if defined(__SANITIZE_ADDRESS__) || defined(SANDBOX_WIDE)
#define SANDBOX_IS_WIDE	1
#else
#define SANDBOX_IS_WIDE	0
#endif

/* What a filter allows beyond the calls every role has. */
#define FILTER_FILES	0x1	/* open, rename, list, watch ... */
#define FILTER_NET	0x2	/* IPv4 and IPv6 sockets */
#define FILTER_FORK	0x4	/* processes, users, further sandboxes */

/* Install the filter; no_new_privs must be set.  0, or -1 with errno; ENOSYS
 * when this kernel or processor has none. */
int	 filter_install(unsigned allow);

#endif
