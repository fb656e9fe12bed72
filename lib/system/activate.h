/* SPDX-License-Identifier: ISC
 *
 * What a daemon was started with: one connection or pipe on standard input,
 * or listening sockets, on 0 (inetd wait) or from 3 (systemd, LISTEN_FDS);
 * and who the peer is.  It opens nothing and never believes a PROXY header:
 * that is proxy_read(), for addresses in proxy_from alone.
 */
#ifndef SYSTEM_ACTIVATE_H
#define SYSTEM_ACTIVATE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#define ACTIVATE_LISTENERS	16	/* sockets handed over at most */

enum peer_kind {
	PEER_NONE,	/* a pipe or terminal: whoever started us */
	PEER_INET,	/* an IPv4 or IPv6 address */
	PEER_UNIX	/* a UNIX socket: uid, gid, pid are the kernel's word */
};

/* One end of a connection.  Plain data, safe to copy.  IPv4-mapped IPv6
 * addresses have been turned into IPv4. */
struct peer {
	enum peer_kind		kind;
	char			ip[INET6_ADDRSTRLEN]; /* "" unless INET */
	unsigned short		port;	/* 0 when unknown */
	bool			loopback; /* 127/8, ::1, UNIX, pipe */
	bool			proxied; /* said by a believed PROXY header */
	struct sockaddr_storage	addr;	/* ss_family 0 unless INET */
	uid_t			uid;	/* UNIX: of the peer; NONE: ours */
	gid_t			gid;
	pid_t			pid;	/* UNIX only, else 0 */
	bool			named;	/* UNIX: it came by a name in the file
					 * system, and is no socketpair(2) */
	bool			terminal; /* NONE: a person types */
};

enum activate_kind {
	ACTIVATE_ONE,		/* a connected socket, pipe or terminal */
	ACTIVATE_LISTEN		/* listening sockets */
};

struct activate_listener {
	int	fd;
	bool	local;			/* a UNIX socket */
	char	name[64];		/* of LISTEN_FDNAMES, else "" */
};

struct activate {
	enum activate_kind	 kind;
	/* ACTIVATE_ONE: */
	int			 in, out; /* 0, and 0 (socket) or 1 */
	struct peer		 peer;
	struct peer		 local;	/* our end; kind NONE when unknown */
	/* ACTIVATE_LISTEN: */
	struct activate_listener listeners[ACTIVATE_LISTENERS];
	size_t			 n;
};

/* Find out.  Removes LISTEN_* from the environment, sets close-on-exec on the
 * sockets of systemd and O_NONBLOCK on listening ones.  0, or -1 with what is
 * wrong in error[esize] (standard input closed; a datagram socket; ...). */
int	 activate_detect(struct activate *, char *error, size_t esize);

/* Fill peer and local (may be NULL) of a connected stream socket: by
 * getpeername(2) and SO_PEERCRED.  0, or -1 (it is gone already). */
int	 activate_peer(int fd, struct peer *peer, struct peer *local);

/* Make a struct peer of an address: "192.0.2.1", "2001:db8::1" or
 * "::ffff:192.0.2.1".  0, or -1 it is none. */
int	 peer_set_ip(struct peer *, const char *ip, unsigned short port);
int	 peer_set_sockaddr(struct peer *, const struct sockaddr *);

/* Same client?  IPv4 by address, IPv6 by its /64, UNIX by uid. */
bool	 peer_same(const struct peer *, const struct peer *);

#endif
