/* SPDX-License-Identifier: ISC
 *
 * The PROXY protocol header, versions 1 and 2, as HAProxy's
 * proxy-protocol.txt describes it.  Whether to believe it is the caller's.
 */
#ifndef GRAMMAR_PROXY_H
#define GRAMMAR_PROXY_H

#include <stddef.h>
#include <stdint.h>

#define PROXY_V1_MAX	107	/* of version 1, CRLF included */
#define PROXY_V2_MIN	16
#define PROXY_V2_MAX	4096	/* taken of version 2, with its TLVs */

enum proxy_family {
	PROXY_NONE,	/* LOCAL, UNKNOWN, or an address that is no IP: the
			 * connection stands for itself */
	PROXY_IPV4,
	PROXY_IPV6
};

struct proxy_header {
	enum proxy_family family;
	unsigned char	 src[16], dst[16];	/* network order */
	uint16_t	 src_port, dst_port;
	size_t		 len;	/* octets of the whole header */
};

/*
 * Look at the first n octets of a connection.  1: a whole header, which is its
 * first len octets; 0: it may become one: at least *want octets (> n) are
 * needed, and none beyond *want may be read yet; -1: malformed.
 */
int	 proxy_parse(struct proxy_header *, const char *, size_t n,
	    size_t *want);

#endif
