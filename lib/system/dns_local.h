/* SPDX-License-Identifier: ISC
 *
 * Between dns.c, which packs and parses with ldns, dns_query.c, which owns
 * sockets and time and knows no packet, and dns_server.c.
 */
#ifndef SYSTEM_DNS_LOCAL_H
#define SYSTEM_DNS_LOCAL_H

#include <stddef.h>
#include <stdint.h>

#include "system/dns.h"

/* Of EDNS: what passes everywhere without fragments. */
#define DNS_UDP_SIZE	1232

struct dns_server {
	struct sockaddr_storage	 addr;
	socklen_t		 len;
};

struct dns {
	struct dns_server servers[DNS_SERVERS_MAX];
	size_t		 nservers;
	int		 trusted;
	int		 ms, tries;
	struct dns_query *first;	/* all not yet returned, in order */
	size_t		 flight;
	struct pollfd	*poll;		/* room for all of them */
	size_t		 npoll;
};

struct dns_question {
	enum dns_type	 type;
	char		*name;
	uint16_t	 id;
	int		 plain;		/* without EDNS, for old servers */
	int		 trusted;	/* ask for AD and believe it */
};

/* Pack a question into *wire (the caller's to free).  DNS_FOUND,
 * DNS_INVALID: not a domain name, DNS_TEMPORARY: no memory. */
enum dns_status dns_pack(const struct dns_question *, uint8_t **wire,
	    size_t *len);

enum dns_parsed {
	DNS_PARSED,		/* the answer is filled in */
	DNS_NOT_OURS,		/* not a reply to this question, or damaged */
	DNS_TRUNCATED,		/* ask by TCP */
	DNS_OLD_SERVER,		/* does not know EDNS: ask without */
	DNS_SERVER_FAILED,	/* another server may know; status and why of
				 * the answer say what it said */
	DNS_ALIAS		/* answer->name is where a CNAME leads, and
				 * the answer says nothing about it */
};

/* Parse a reply.  answer is empty before, or has only a name. */
enum dns_parsed dns_parse(const struct dns_question *, const uint8_t *,
	    size_t, struct dns_answer *);

/* Free what the answer holds and set its status and words. */
void	 dns_answer_fail(struct dns_answer *, enum dns_status,
	    const char *why);

#endif
