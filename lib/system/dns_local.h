/* SPDX-License-Identifier: ISC
 *
 * The DNS engine within.
 *
 *	dns_query.c	what callers hold: questions, answers, waiting
 *	dns_job.c	one question of the network, from its first packet to
 *			its answer, over all servers
 *	dns_window.c	how many jobs are under way at once
 *	dns_heap.c	the deadlines of jobs
 *	dns_port.c	UDP: sockets, ids, who gets a reply
 *	dns_tcp.c	TCP
 *	dns_cache.c	answers that are kept
 *	dns_check.c	our own validation of answers, by dns_chain.h
 *	dns_server.c	which servers there are, and which are dead
 *	dns.c		packets, by ldns
 *
 * Callers with the same question share one job, and one reply.
 */
#ifndef SYSTEM_DNS_LOCAL_H
#define SYSTEM_DNS_LOCAL_H

#include <sys/queue.h>

#include <stddef.h>
#include <stdint.h>

#include "system/dns.h"

/* Of EDNS: what passes everywhere without fragments. */
#define DNS_UDP_SIZE	1232
#define DNS_QUESTION_MAX 300	/* a question as a packet */

#define DNS_PORTS_MAX	16	/* UDP sockets for each server */
#define DNS_TCP_MAX	16	/* TCP connections at once */
#define DNS_BATCH	16	/* packets read at once */
#define DNS_PACKET_MAX	4096	/* by UDP; longer ones are no reply of ours */
#define DNS_IDS		1024	/* buckets; a power of 2 */
#define DNS_JOBS	1024	/* likewise */
#define DNS_CACHE_MAX	2048	/* answers; likewise, its buckets */

/* ---- packets ---- */

struct dns_question {
	enum dns_type	 type;
	uint16_t	 rr;		/* not 0: this type of record, and
					 * nothing of it is taken */
	char		*name;
	int		 plain;		/* without EDNS, for old servers */
	int		 trusted;	/* ask for AD and believe it */
	int		 dnssec;	/* DO: with signatures */
	int		 unchecked;	/* CD: also what the resolver finds
					 * bogus */
};

/*
 * Pack a question with id 0 into wire.  DNS_FOUND, DNS_INVALID: not a domain
 * name, DNS_TEMPORARY: no memory.  The name begins at octet 12 and is not
 * compressed; *name_len is its length, type and class included.
 */
enum dns_status dns_pack(const struct dns_question *,
	    uint8_t wire[DNS_QUESTION_MAX], size_t *len, size_t *name_len);

enum dns_parsed {
	DNS_PARSED,		/* the answer is filled in */
	DNS_NOT_OURS,		/* damaged */
	DNS_TRUNCATED,		/* ask by TCP */
	DNS_OLD_SERVER,		/* does not know EDNS: ask without */
	DNS_SERVER_FAILED,	/* another server may know; status and why of
				 * the answer say what it said */
	DNS_ALIAS		/* answer->name is where a CNAME leads, and
				 * the answer says nothing about it */
};

/*
 * Parse a reply to this question (that it is one, dns_is_reply() has found).
 * answer is empty before; *life becomes the seconds for which it may be kept,
 * 0: not at all.
 */
enum dns_parsed dns_parse(const struct dns_question *, const uint8_t *,
	    size_t, struct dns_answer *, uint32_t *life);

enum dns_match { DNS_OTHER, DNS_OTHER_CASE, DNS_SAME };

/* Whether a packet is a reply to the question in wire, whose id is not looked
 * at.  DNS_OTHER_CASE: but for the case of letters in the name. */
enum dns_match dns_is_reply(const uint8_t *wire, size_t name_len,
	    const uint8_t *, size_t);

/* Free what the answer holds but its name, and set its status and words. */
void	 dns_answer_fail(struct dns_answer *, enum dns_status,
	    const char *why);

/* ---- replies ---- */

/* An answer that several hold. */
struct dns_reply {
	unsigned	  refs;
	struct dns_answer answer;
	uint32_t	  life;		/* seconds it may be kept */
	uint8_t		 *wire;		/* the packet, where it is wanted; else
					 * NULL */
	size_t		  len;
};

/* One reference, the name a copy; NULL: no memory. */
struct dns_reply *dns_reply_new(const char *name);
void	 dns_reply_free(struct dns_reply *);	/* one reference */

/* ---- jobs ---- */

TAILQ_HEAD(dns_queries, dns_query);
TAILQ_HEAD(dns_jobs, dns_job);
LIST_HEAD(dns_asks, dns_ask);

struct dns_query {
	struct dns	*dns;
	void		*arg;
	struct dns_job	*job;		/* NULL: done */
	struct dns_reply *reply;	/* when it is done */
	/* Of the engine itself: called instead of waiting to be fetched. */
	void		(*done)(struct dns_query *);
	int		 fetched;	/* by dns_wait() */
	TAILQ_ENTRY(dns_query) link;	/* job->askers, or dns->done */
};

/* A question that a server was sent by UDP and may still answer. */
struct dns_ask {
	struct dns_job	*job;
	struct dns_port	*port;		/* NULL: not sent, or given up */
	uint16_t	 id;
	LIST_ENTRY(dns_ask) by_port, by_id;
};

enum dns_state {
	DNS_WAITING,	/* for its turn */
	DNS_UDP,	/* sent */
	DNS_PAUSE,	/* until its deadline, then UDP again */
	DNS_TCP_PAUSE,	/* likewise, then TCP */
	DNS_TCP,
	DNS_HELD	/* somebody looks at the answer */
};

/* A trusted resolver has failed: was the answer bogus? */
enum dns_probe {
	DNS_FIRST,	/* it has not */
	DNS_UNCHECKED,	/* it is asked for the answer unchecked */
	DNS_AGAIN	/* it has one, and is asked to check it once more */
};

struct dns_job {
	struct dns	*dns;
	struct dns_queries askers;
	LIST_ENTRY(dns_job) by_key;
	TAILQ_ENTRY(dns_job) link;	/* dns->waiting */
	uint32_t	 hash;
	char		*key;		/* the name as it was asked for */
	enum dns_state	 state;
	struct dns_question q;		/* its name: where CNAMEs led */
	uint8_t		 wire[DNS_QUESTION_MAX];
	size_t		 len, name_len;
	uint8_t		 mix[32];	/* which letters change case, bit by
					 * bit */
	struct dns_ask	 asks[DNS_SERVERS_MAX];
	int		 tcp;		/* its place in dns->tcp; -1: none */
	int		 round;
	size_t		 server;	/* asked last */
	unsigned	 asked;		/* servers asked in this round, bit by
					 * bit */
	unsigned	 failed;	/* not to be asked again */
	unsigned	 cased;		/* changed the case: TCP only */
	unsigned	 hops;
	int		 late;		/* its first wait passed in vain */
	int		 alias;		/* while it is held */
	void		*held;		/* likewise, of dns_check.c */
	enum dns_probe	 probe;
	enum dns_security security;	/* the worst of all answers so far */
	uint32_t	 life;		/* the least of all answers so far */
	enum dns_status	 said;		/* of a server that failed */
	char		 why[DNS_WHY_MAX]; /* likewise; "": none did */
	long long	 deadline;	/* of the present state */
	long long	 end;		/* of the whole; 0: not yet begun */
	size_t		 heap;		/* its place, from 1; 0: none */
	struct dns_reply *reply;
};

/* The job for a question, whose hash is this, new or one under way; NULL: no
 * memory. */
struct dns_job *dns_job_find(struct dns *, const struct dns_question *,
	    uint32_t hash);
/* Nobody waits for it any more. */
void	 dns_job_free(struct dns_job *);
/* Send the first packet. */
void	 dns_job_start(struct dns_job *);
/* Its deadline has passed. */
void	 dns_job_late(struct dns_job *);
/* The reply to its question has come, from this server, by TCP or not; the
 * packet is changed. */
void	 dns_job_take(struct dns_job *, size_t server, uint8_t *, size_t,
	    int by_tcp);
/* One came that would be the reply, but has another case: forged, or of a
 * server that changes it; TCP will tell. */
void	 dns_job_cased(struct dns_job *, size_t server);
/* The server cannot be reached for this job, or is not there. */
void	 dns_job_refused(struct dns_job *, size_t server, const char *why);
/* The answer that was held is sound, or bogus: see struct dns, check. */
void	 dns_job_checked(struct dns_job *, enum dns_status,
	    enum dns_security, const char *why);

/* All questions that wait for the job have their reply. */
void	 dns_query_done(struct dns_job *);
/* Ask for records of any type, with signatures and unchecked: the reply holds
 * the packet.  done is called instead of waiting to be fetched, and must free
 * the question.  NULL: no memory. */
struct dns_query *dns_query_raw(struct dns *, uint16_t rr, const char *name,
	    void (*done)(struct dns_query *), void *arg);

/* ---- window ---- */

struct dns_window {
	size_t		 size;		/* jobs that may be under way */
	size_t		 used;
	int		 full;		/* in this epoch, more would have gone
					 * out */
	unsigned	 answered, late; /* in this epoch */
	long long	 since;		/* its beginning, in microseconds */
	double		 rate;		/* answers/s of the best size so far */
	double		 loss;		/* at the last shrinking; 0: none */
	size_t		 probe;		/* the size before a try of a larger
					 * one; 0: none runs */
	unsigned	 steady;	/* epochs without a try */
	unsigned	 slow;		/* epochs in sequence in which answers
					 * took long */
};

void	 dns_window_init(struct dns_window *);
/* A first packet was answered, or its first wait has passed in vain. */
void	 dns_window_count(struct dns_window *, int answered);

/* ---- deadlines ---- */

struct dns_heap {
	struct dns_job	**v;		/* from 1 */
	size_t		 n, room;
};

/* Room for one more; 0, or -1: no memory. */
int	 dns_heap_room(struct dns_heap *, size_t);
void	 dns_heap_set(struct dns_heap *, struct dns_job *);
void	 dns_heap_remove(struct dns_heap *, struct dns_job *);

/* ---- sockets ---- */

struct dns_port {
	int		 fd;		/* -1: none */
	unsigned char	 server;
	unsigned	 uses;		/* questions it has sent */
	struct dns_asks	 asks;		/* those without an answer */
};

struct dns_tcp {
	struct dns_job	*job;		/* NULL: free */
	int		 fd;
	uint16_t	 id;
	enum { DNS_TCP_CONNECT, DNS_TCP_SEND, DNS_TCP_RECV } state;
	uint8_t		*reply;		/* from its length on */
	size_t		 at;		/* octets sent or received */
};

/* 0 sent, 1 not now (descriptors, buffers), -1 the server cannot be reached,
 * with errno. */
int	 dns_port_send(struct dns_job *, size_t server);
void	 dns_port_ready(struct dns *, struct dns_port *);
/* Nothing that it sent may be answered any more. */
void	 dns_port_forget(struct dns_job *);
void	 dns_port_close_all(struct dns *);

/* Likewise. */
int	 dns_tcp_start(struct dns_job *, size_t server);
void	 dns_tcp_ready(struct dns *, struct dns_tcp *);
void	 dns_tcp_close(struct dns_job *);

/* ---- cache ---- */

struct dns_cached;
TAILQ_HEAD(dns_lru, dns_cached);
LIST_HEAD(dns_bucket, dns_cached);
LIST_HEAD(dns_keyed, dns_job);

struct dns_cache {
	struct dns_bucket *buckets;	/* NULL: none yet */
	struct dns_lru	 lru;		/* the latest used first */
	size_t		 n;
};

/* Of type and name, in any case. */
uint32_t dns_hash(const struct dns_question *, const char *name);
int	 dns_same(const struct dns_question *, const char *name,
	    const struct dns_question *, const char *other);

/* One more reference, or NULL.  Here and below, hash is that of question and
 * name. */
struct dns_reply *dns_cache_get(struct dns_cache *,
	    const struct dns_question *, const char *name, uint32_t hash);
/* Keep a reply as long as it lives; no memory: it is not kept. */
void	 dns_cache_put(struct dns_cache *, const struct dns_question *,
	    const char *name, uint32_t hash, struct dns_reply *);
void	 dns_cache_clear(struct dns_cache *);

/* ---- all of it ---- */

struct dns_server {
	struct sockaddr_storage	 addr;
	socklen_t		 len;
	unsigned		 fails;	/* times in sequence without reply */
	long long		 until;	/* dead, it is asked last until then */
};

struct dns {
	struct dns_server servers[DNS_SERVERS_MAX];
	size_t		 nservers;
	int		 trusted;
	int		 mixed;		/* 0x20 */
	int		 ms, tries;

	/*
	 * Validation of one's own, NULL for none.  It is given each answer
	 * (of a chain of CNAMEs: each part) before that counts, with
	 * signatures, unchecked by the resolver.  1: the job is held until
	 * dns_job_checked(), which may come at once; 0: it goes on.
	 */
	int		(*check)(struct dns_job *, const uint8_t *, size_t);
	/* A job that is held is no longer wanted. */
	void		(*forget)(struct dns_job *);
	struct dns_anchor *anchor;	/* for both, of dns_check.c; NULL */

	struct dns_queries done;	/* not yet fetched */
	struct dns_jobs	 waiting;	/* for the window */
	struct dns_keyed *keyed;	/* jobs, DNS_JOBS buckets */
	size_t		 jobs;
	size_t		 flight;	/* questions of callers, not fetched */
	struct dns_window window;
	struct dns_heap	 heap;
	int		 epoll;		/* -1: not yet */
	struct dns_port	 ports[DNS_SERVERS_MAX * DNS_PORTS_MAX];
	struct dns_asks	*ids;		/* DNS_IDS buckets */
	struct dns_tcp	 tcp[DNS_TCP_MAX];
	uint8_t		*buffer;	/* for DNS_BATCH packets */
	uint16_t	 random[64];	/* for ids and ports, not yet used: */
	unsigned	 nrandom;	/* so many */
	struct dns_cache cache;
};

/* What is needed to ask: memory, epoll.  0, or -1 with errno. */
int	 dns_open(struct dns *);

/* The server has answered, or has not, or is not there. */
void	 dns_server_good(struct dns_server *);
void	 dns_server_silent(struct dns_server *);
void	 dns_server_gone(struct dns_server *);
/* Of the servers whose bits are not set in skip, the next to be asked, the
 * dead ones last; -1: none is left. */
int	 dns_server_choose(struct dns *, unsigned skip);

#endif
