/* SPDX-License-Identifier: ISC
 *
 * IMAP URLs as CATENATE takes them (RFC 4469 section 3): a message or a part
 * of one on this server, as an absolute-path reference (RFC 5092 7.1).  All
 * others, relative-path references among them (RFC 5092 7.2), are none.
 */
#ifndef GRAMMAR_IMAP_URL_H
#define GRAMMAR_IMAP_URL_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

enum { IMAP_URL_MAX = 65536 };		/* octets of a URL */

struct imap_url {
	struct buf	mailbox;	/* in UTF-8, no NUL within */
	uint32_t	uidvalidity;	/* 0: not given */
	uint32_t	uid;
	struct buf	section;	/* section-spec, decoded; empty: all */
	int		partial;	/* offset and length were given */
	uint32_t	offset, length;	/* length UINT32_MAX: to the end */
};

/* Read one: 1, 0 it is no such URL, -1 no memory.  To be freed in any case. */
int	 imap_url_parse(struct imap_url *, const char *, size_t);
void	 imap_url_free(struct imap_url *);

#endif
