/* SPDX-License-Identifier: ISC
 *
 * Reads a PROXY protocol header (v1 or v2) off a fresh connection, and not
 * one byte more.  The grammar is grammar/proxy.h; whether this peer is to be
 * believed at all was decided before.
 */
#ifndef SYSTEM_PROXY_H
#define SYSTEM_PROXY_H

#include "system/activate.h"

/* Read the header within seconds.  1: peer (and local, unless NULL) are what
 * it names, peer->proxied is set; 0: LOCAL or UNKNOWN, the connection is the
 * proxy's own (a health check) and both stay; -1: malformed, late or closed:
 * drop the connection without a word. */
int	 proxy_read(int fd, unsigned seconds, struct peer *peer,
	    struct peer *local);

#endif
