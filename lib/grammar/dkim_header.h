/* SPDX-License-Identifier: ISC
 *
 * The header of a message as DKIM sees it: which fields a signature is over
 * (RFC 6376, section 5.4), what of them is hashed (section 3.7), and the field
 * that a signer writes (section 3.5).
 */
#ifndef GRAMMAR_DKIM_HEADER_H
#define GRAMMAR_DKIM_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "grammar/dkim_canon.h"
#include "grammar/header.h"

#define DKIM_FIELDS_MAX	10000		/* of a header that is looked at */
#define DKIM_NAMES_MAX	250		/* in an h= that is written or read */

/* The fields of a header, to be taken from the bottom up. */
struct dkim_fields {
	struct header_field *v;		/* owned; point into the header */
	size_t		 n;
};

/* Read the header of a message (what is behind its blank line is not looked
 * at).  0; -1 no memory, or more than DKIM_FIELDS_MAX fields. */
int	 dkim_fields_read(struct dkim_fields *, const char *, size_t);
void	 dkim_fields_free(struct dkim_fields *);

/* How many fields of this name were not taken yet. */
size_t	 dkim_fields_count(const struct dkim_fields *, const char *name);

/*
 * Give to the sink the fields that a list as in h= names, canonicalised: for
 * each name the lowest one that was not taken yet, which then is (section
 * 5.4.2); a name without one is nothing.  0, or -1: more than DKIM_NAMES_MAX
 * names.
 */
int	 dkim_fields_hash(struct dkim_fields *, const struct dkim_text *h,
	    enum dkim_canon, dkim_sink *, void *arg);

/*
 * Give to the sink the DKIM-Signature field itself, as it stands (name and all)
 * but for the hole: the value of b= (dkim_signature.hole, which must point
 * into it; NULL: there is none to leave out), and without its line end.
 */
void	 dkim_field_hash(const char *field, size_t len,
	    const struct dkim_text *hole, enum dkim_canon, dkim_sink *,
	    void *arg);

/*
 * Append the names that a signature of ours is over, parted by colons: all
 * fields there that say what the message is and who it is from and to; of
 * those that may stand but once, one more, so that none can be added.  None is
 * taken by this.  0; -1 as buf_add(), or they are too many.
 */
int	 dkim_fields_choose(const struct dkim_fields *, struct buf *);

/* What a signature says. */
struct dkim_claim {
	enum dkim_algorithm algorithm;	/* always relaxed/relaxed */
	const char	*domain, *selector;
	int64_t		 time;
	const char	*fields;	/* of dkim_fields_choose() */
	unsigned char	 body_hash[DKIM_HASH];
};

/* Append the field up to and with "b=", in disk form, folded to at most 78
 * columns.  0, or -1 as buf_add(). */
int	 dkim_claim_write(struct buf *, const struct dkim_claim *);
/* Append the signature, folded likewise, and the end of the field. */
int	 dkim_claim_sign(struct buf *, const void *signature, size_t);

#endif
