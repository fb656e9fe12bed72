/* SPDX-License-Identifier: ISC
 *
 * The keys that the configuration names (key dkim), and mail signed with them
 * (RFC 6376, section 5).
 */
#ifndef MAIL_DKIM_RING_H
#define MAIL_DKIM_RING_H

#include <sys/types.h>

#include <stdint.h>

#include "bytes/buf.h"
#include "mail/dkim_key.h"
#include "mail/dkim_names.h"
#include "mail/settings.h"

#define DKIM_PREFIX_MAX	16384		/* octets of all signatures of a
					 * message */

struct dkim_ring_key {
	struct dkim_name name;
	struct dkim_key	*key;
};

/* Keys in the order in which they sign: RSA before Ed25519. */
struct dkim_ring {
	struct dkim_ring_key *v;
	size_t		 n;
};

/* Read a key's file.  NULL: one line in error[CONF_ERROR_MAX], which names
 * the file. */
struct dkim_key *dkim_ring_read(const char *file, char *error);

/* Read all keys.  0, or -1 with one line in error[CONF_ERROR_MAX] and the ring
 * empty. */
int	 dkim_ring_load(struct dkim_ring *, const struct settings *,
	    char *error);
void	 dkim_ring_free(struct dkim_ring *);

enum dkim_signed {
	DKIM_SIGNED,
	DKIM_UNSIGNED,		/* it is none that we sign */
	DKIM_FAILED		/* not now: memory, or the disk */
};

struct dkim_result {
	const char	*why;		/* what came of it; a literal */
	int		 eightbit;	/* SIGNED: it has octets above 127 */
};

/*
 * Sign the message that begins at an offset of a file, in disk form: append to
 * out the DKIM-Signature fields, in disk form, that stand before its first
 * octet when it is sent, at most DKIM_PREFIX_MAX.  Which domain signs is said
 * by its From field, of which there must be one: that of its first address or,
 * when that has no key, the nearest domain above it that has.  May be called
 * inside sandbox_door().
 */
enum dkim_signed dkim_ring_sign(const struct dkim_ring *, int fd, off_t at,
	    int64_t time, struct buf *out, struct dkim_result *);

/* For -n: can each key be read by the agent, and used; is it nobody else's to
 * read? */
settings_check dkim_check;

#endif
