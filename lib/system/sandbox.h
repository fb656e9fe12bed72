/* SPDX-License-Identifier: ISC
 *
 * What a process may still do: one function for each role, called after
 * everything it needs is open and loaded (time zone, certificates, resolver,
 * NSS, character sets) and before the first byte of a peer.
 *
 * Landlock restricts files and TCP ports, seccomp the system calls.  An
 * unknown call gives ENOSYS and a log line; exec, ptrace, mount, bpf and the
 * like kill the process.  What the kernel lacks is logged once and the rest
 * still applies.  no_new_privs is always set.  Nothing here can be undone.
 *
 * All return 0, or -1 with errno: the caller must then end.
 */
#ifndef SYSTEM_SANDBOX_H
#define SYSTEM_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#define SANDBOX_READ	0x1	/* read files, list folders below */
#define SANDBOX_WRITE	0x2	/* write, make, rename, link, remove below,
				 * and all of READ */
#define SANDBOX_LOCK	0x4	/* make and remove files below, and open none */
#define SANDBOX_EXEC	0x8	/* run programs below: sandbox_program() */

struct sandbox_path {
	const char	*path;	/* a folder (all below it) or a file; a path
				 * that does not exist is left out */
	unsigned	 rights;
};

/* The door: reads and writes the descriptors it has.  No file is opened, no
 * socket made, no process started. */
int	 sandbox_door(void);

/* pop3d's and imapd's mailbox process: files below these paths, no network,
 * no processes; inotify for IDLE. */
int	 sandbox_mailbox(const struct sandbox_path *, size_t n);

/* smtp-send's network child, mxlookup, a DNS helper: sockets to any host (UDP
 * and TCP), no file, no process. */
int	 sandbox_client(void);

/* A queue agent: files below these paths, processes of its own (fork, become
 * a user), UNIX sockets; no exec.  network: children it forks will talk to
 * other hosts (each then calls sandbox_client()); else no network either.
 * Its children inherit all of this and may only lose more. */
int	 sandbox_agent(const struct sandbox_path *, size_t n, bool network);

/* Somebody else's program, right before its exec: files below these paths, TCP
 * only with network; it gains no privilege, and no system call is refused. */
int	 sandbox_program(const struct sandbox_path *, size_t n, bool network);

/* Log once what this kernel cannot do.  For daemons, at start, so that the
 * log says it even if no session ever starts. */
void	 sandbox_probe(void);

#endif
