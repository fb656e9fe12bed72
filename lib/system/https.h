/* SPDX-License-Identifier: ISC
 *
 * One small thing fetched by HTTPS (RFC 9110, RFC 9112), or posted: a request
 * to a host whose addresses the caller knows, over a stream under TLS.  The
 * certificate is checked, redirects are not followed, everything is bounded.
 * It keeps no connection and no cache, and opens no file.
 *
 * System calls: socket, connect, poll, getsockopt, setsockopt, those of a
 * stream.
 */
#ifndef SYSTEM_HTTPS_H
#define SYSTEM_HTTPS_H

#include <stddef.h>

#include "bytes/buf.h"
#include "system/dns.h"
#include "system/tls.h"

#define HTTPS_TYPE_MAX	128
#define HTTPS_WHY_MAX	256

enum https_status {
	HTTPS_OK = 0,	/* an answer with code 200, whole; to a POST any 2xx,
			 * its body unread */
	HTTPS_CONNECT,	/* none of the addresses takes a connection */
	HTTPS_TLS,	/* the handshake failed, or the certificate is not
			 * good for the host */
	HTTPS_CODE,	/* another code than 200, redirects included */
	HTTPS_TOOBIG,	/* the body, or the head before it */
	HTTPS_PROTOCOL,	/* not HTTP, or cut short */
	HTTPS_TIMEOUT,
	HTTPS_MEMORY
};

struct https_request {
	const char	*host;		/* for the certificate, SNI and Host */
	const char	*path;		/* "/...", as it goes on the wire */
	const struct dns_addr *addrs;	/* tried in this order */
	size_t		 naddrs;
	unsigned short	 port;
	int		 timeout;	/* ms for all of it */
	size_t		 max;		/* octets of the body */
	const void	*post;		/* to be sent; NULL: a GET */
	size_t		 npost;
	const char	*type;		/* Content-Type of that */
};

struct https_answer {
	enum https_status status;
	int		 code;		/* 0: none came */
	char		 type[HTTPS_TYPE_MAX]; /* Content-Type, or "" */
	struct buf	 body;		/* complete with HTTPS_OK alone */
	char		 why[HTTPS_WHY_MAX]; /* of a failure, one line */
};

/*
 * Fetch.  The tls_client was made with verify.  The answer is filled in always,
 * to be freed with https_free().  Returns its status.
 */
enum https_status https_get(struct tls_client *, const struct https_request *,
	    struct https_answer *);
void	 https_free(struct https_answer *);

#endif
