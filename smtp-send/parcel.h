/* SPDX-License-Identifier: ISC
 *
 * What a worker is given over its socketpair, and what it sends back: the form
 * of both.  Down goes a delivery, its message as a descriptor, its envelope as
 * the text of mail/envelope.h; up go records of fixed size.
 */
#ifndef SMTP_SEND_PARCEL_H
#define SMTP_SEND_PARCEL_H

#include "bytes/buf.h"
#include "delivery.h"
#include "hosts.h"
#include "news.h"

#define PARCEL_RCPTS	50		/* of one delivery */
#define PARCEL_PREFIX	16384		/* octets of a prefix */
#define PARCEL_MAX	(160 * 1024)	/* octets of a packet */

/* A delivery that was received; all is the parcel's own but the two
 * descriptors, which its reader closes. */
struct parcel {
	uint32_t	 seq;
	struct delivery	 delivery;
	struct envelope	 env;
	char		 key[DELIVERY_KEY_MAX];
	char		 domain[DELIVERY_KEY_MAX];
	char		*prefix, *prefix_7bit;
	struct sts_record sts;
};

/*
 * Send a delivery of at most PARCEL_RCPTS recipients down a socket that does
 * not block, with the addresses that the other side has not been told of (told:
 * the last serial it knows, is moved).  0; -1 errno: EAGAIN there is no room
 * now, EMSGSIZE it is too large.
 */
int	 parcel_send(int sock, uint32_t seq, const struct delivery *,
	    const struct hosts *, uint32_t *told);

/* Receive one into a parcel that is all zero, waiting for it; dead addresses go
 * into hosts.  1; 0 the end; -1 errno.  After 1 parcel_free() it. */
int	 parcel_recv(int sock, struct parcel *, struct hosts *);
void	 parcel_free(struct parcel *);

enum record_type {
	RECORD_REPORT = 1,	/* on a recipient */
	RECORD_DEAD,		/* an address did not answer */
	RECORD_NEWS,		/* of TLS */
	RECORD_BACK		/* made in worker.c: the worker died before it
				 * began this delivery */
};

/* Fixed size and without pointers; the reader trusts nothing in it. */
struct record {
	uint32_t	 type;		/* enum record_type */
	uint32_t	 seq;		/* of which delivery */
	union {
		struct report	 report;
		struct host	 dead;
		struct news	 news;
	} u;
};

/* Send one; a record is as long as its type needs.  0, -1 errno. */
int	 record_send(int sock, const struct record *);

/* How long a record of this type is; 0: there is none such. */
size_t	 record_size(uint32_t type);

#endif
