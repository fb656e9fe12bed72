/* SPDX-License-Identifier: ISC
 *
 * Questions to a DNS resolver at any address and port, many at once, each
 * with a deadline.  dns.c is the only file that knows ldns; it uses it only to
 * pack and parse, on sockets of its own.  It never caches, never validates
 * (the resolver's AD bit is believed only where the resolver is trusted), and
 * never looks at /etc/hosts.
 *
 * System calls after the servers are set: socket, connect, send, recv, poll,
 * close, getrandom, clock_gettime, and those of malloc.
 */
#ifndef SYSTEM_DNS_H
#define SYSTEM_DNS_H

#include <sys/socket.h>

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX	1025	/* a name as text, all escaped, and a NUL */
#define DNS_ADDR_TEXT	46	/* an address as text, and a NUL */
#define DNS_SERVERS_MAX	4
#define DNS_WHY_MAX	160	/* words of a failure, and a NUL */
#define DNS_FLIGHT_MAX	1000	/* questions submitted and not yet returned,
				 * of one struct dns */

enum dns_type {
	DNS_A,
	DNS_AAAA,
	DNS_MX,
	DNS_PTR,
	DNS_TXT,
	DNS_SRV,
	DNS_TLSA
};

/* What is known of who signed an answer, the worst first; a bogus one is
 * never an answer, but a status. */
enum dns_security {
	DNS_INDETERMINATE = 0,	/* nobody whom we trust has looked */
	DNS_INSECURE,		/* the zone is not signed */
	DNS_SECURE		/* validated */
};

enum dns_status {
	DNS_FOUND = 0,	/* at least one record */
	DNS_NODATA,	/* the name exists, not with this type */
	DNS_NXDOMAIN,	/* the name does not exist */
	DNS_TEMPORARY,	/* no usable answer: time-out, SERVFAIL, no memory */
	DNS_BOGUS,	/* the resolver says that validation failed */
	DNS_INVALID	/* not a domain name; nothing was asked */
};

struct dns_addr {
	int		family;		/* AF_INET or AF_INET6 */
	unsigned char	ip[16];		/* network order, 4 or 16 used */
};

struct dns_record {
	uint32_t	 ttl;		/* as it was received */
	unsigned	 preference;	/* MX; SRV: its priority */
	unsigned	 weight, port;	/* SRV */
	char		*name;		/* MX: exchanger, PTR: name, SRV:
					 * target; without the last dot, "" is
					 * the root; else NULL */
	struct dns_addr	 addr;		/* A, AAAA */
	unsigned	 usage, selector, matching;	/* TLSA */
	unsigned char	*data;		/* TXT: its strings joined; TLSA: the
					 * association; a NUL behind it; else
					 * NULL */
	size_t		 len;
};

struct dns_answer {
	enum dns_status	   status;
	enum dns_security  security;	/* of all that led to it */
	char		  *name;	/* where CNAMEs led; as asked if none,
					 * maybe by another, in other case */
	size_t		   n;		/* > 0 exactly with DNS_FOUND */
	struct dns_record *rr;		/* in the order of the answer */
	char		   why[DNS_WHY_MAX];	/* of a failure: "SERVFAIL",
					 * "timeout", "refused" ... */
};

struct dns;
struct dns_query;

/* No server yet; NULL: no memory. */
struct dns *dns_new(void);
/* With all its queries. */
void	 dns_free(struct dns *);

/* "ADDR" or "ADDR@PORT", IPv4 or IPv6.  Servers are asked in this order.
 * 1 added, 0 too many, -1 malformed. */
int	 dns_add_server(struct dns *, const char *);

/*
 * Take the servers of a file in the form of resolv.conf(5) ("nameserver", and
 * "timeout:", "attempts:" and "trust-ad" of "options", which makes them
 * trusted); path NULL for /etc/resolv.conf.
 * Without any, 127.0.0.1 is used, as resolv.conf(5) says.  0, or -1 with errno
 * when the file cannot be read for another reason than that it is missing.
 */
int	 dns_read_resolvconf(struct dns *, const char *path);

/* Believe the AD bit (and ask for it). */
void	 dns_set_trusted(struct dns *, int);

/*
 * Validate ourselves from now on, by the trust anchors of a file: DS or DNSKEY
 * records in the form of a zone file (see dns_chain.h).  The security of every
 * answer is then our own verdict, AD is not looked at, and an answer that
 * should be signed and is not, or wrongly, is DNS_BOGUS.  Before a sandbox.
 * 0, or -1 with a line in why[DNS_WHY_MAX].
 */
int	 dns_read_anchor(struct dns *, const char *path, char *why);

/* Mix the case of letters in what is asked, and believe only an answer with
 * the same mix (off by default): harder to forge.  A server that changes the
 * case is asked by TCP. */
void	 dns_set_0x20(struct dns *, int);

/*
 * Wait ms for a server's answer before the next is asked, each server tries
 * times, the wait doubled each round.  Default 1500 and 3.  In all a question
 * takes these waits for each server, and never more than 30 s, CNAMEs
 * included, since it was first sent.  A server that is not there, or silent
 * three times in sequence, is asked after the others for a while.
 */
void	 dns_set_timeout(struct dns *, int ms, int tries);

/*
 * Begin a question.  name is a domain name as text, with or without its last
 * dot (never completed by a search list).  CNAMEs are followed, also where
 * the resolver did not, up to 8.  arg is for the caller.  NULL: no memory, no
 * descriptor for epoll, or DNS_FLIGHT_MAX reached; every other failure is an
 * answer.  How many of them are sent at once is found out by how many the
 * server answers.  The same question twice is sent once; an answer is kept as
 * long as its TTL or its SOA allows (RFC 2308), a failure for 5 s, a bogus one
 * for 30 s, 2,048 in all.  When a trusted resolver fails and does not say why,
 * it is bogus if it has the answer unchecked and then fails again; that is
 * kept for 5 s.
 */
struct dns_query *dns_submit(struct dns *, enum dns_type, const char *name,
	    void *arg);

/* The next question that has its answer, waiting up to ms for it (-1: as long
 * as the deadlines of the questions take); NULL: none within ms, or none
 * under way.  Each is returned once. */
struct dns_query *dns_wait(struct dns *, int ms);

/* For a loop of one's own: fill up to n pollfds, how many are needed (0 or
 * 1); then dns_wait(dns, 0) when it is ready, and at the latest after
 * dns_wait_ms() (-1: none under way). */
size_t	 dns_pollfds(struct dns *, struct pollfd *, size_t n);
int	 dns_wait_ms(struct dns *);

/* The answer of a question that dns_wait() returned; lives as long as it.  Of
 * one under way: DNS_TEMPORARY. */
const struct dns_answer *dns_result(const struct dns_query *);
void	*dns_arg(const struct dns_query *);

/* Forget a question; one under way is cancelled.  NULL is allowed. */
void	 dns_query_free(struct dns_query *);

/* Ask and wait; to be freed with dns_query_free().  NULL: no memory. */
struct dns_query *dns_lookup(struct dns *, enum dns_type, const char *name);

/*
 * The name of an address, confirmed: PTR, and one of the names found there
 * has this address among its own.  Tries the first five names.  1: in name
 * (size DNS_NAME_MAX); 0: there is none; -1: cannot be said now.
 */
int	 dns_reverse(struct dns *, const struct dns_addr *, char *name,
	    size_t size);

/* The name under which what is said of an address stands in a zone: its
 * octets, or for IPv6 its hexadecimal digits, backwards; "in-addr.arpa",
 * "ip6.arpa", or a list of addresses. */
void	 dns_addr_name(const struct dns_addr *, const char *zone, char *to,
	    size_t size);

/* Is a name from the DNS made of the letters of host names alone? */
int	 dns_is_host_name(const char *);

/* Text to address (no brackets, no zone) and back; 0 or -1. */
int	 dns_addr_parse(const char *, struct dns_addr *);
void	 dns_addr_text(const struct dns_addr *, char *, size_t);
int	 dns_addr_is_loopback(const struct dns_addr *);

/* Does the system take what is sent to this address itself?  Asks the kernel
 * each time; where that cannot tell, 0. */
int	 dns_addr_is_own(const struct dns_addr *);
/* Loopback, private, link-local, shared, unspecified, multicast (RFC 6890), or
 * one of these in the form of IPv6: nothing that a stranger may lead us to. */
int	 dns_addr_is_private(const struct dns_addr *);
int	 dns_addr_equal(const struct dns_addr *, const struct dns_addr *);

/* From and to a socket address; an IPv4 address mapped into IPv6 becomes IPv4.
 * dns_addr_get: 0, or -1 for another family.  dns_addr_put: its length. */
int	 dns_addr_get(struct dns_addr *, const struct sockaddr *);
socklen_t dns_addr_put(const struct dns_addr *, uint16_t port,
	    struct sockaddr_storage *);

#endif
