/* SPDX-License-Identifier: ISC
 *
 * The tag=value lists of DKIM (RFC 6376, section 3.2), and the two that there
 * are: the value of a DKIM-Signature field (section 3.5) and a key's record in
 * the DNS (section 3.6.1).  For who signs and for who verifies.
 *
 * What a parser finds points into the caller's text.
 */
#ifndef GRAMMAR_DKIM_TAGS_H
#define GRAMMAR_DKIM_TAGS_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

#define DKIM_TAGS_MAX	64		/* in one list */
#define DKIM_LIST_MAX	65536		/* octets of a list */
#define DKIM_SIG_MAX	1024		/* octets of a signature: RSA of 8192
					 * bits */
#define DKIM_HASH	32		/* of SHA-256 */
#define DKIM_NAME_MAX	256		/* of a domain or a selector, NUL
					 * included */

/* Text in the list; folding white space may be inside. */
struct dkim_text {
	const char	*p;		/* NULL: there is none */
	size_t		 len;
};

/* One tag; all zero is the start. */
struct dkim_tag {
	struct dkim_text name, value;
};

/* The tag at *p, which moves behind its ";".  1; 0 the list is over; -1 it is
 * malformed there. */
int	 dkim_tag_next(const char **p, const char *end, struct dkim_tag *);

/*
 * A whole list into tags[]: how many; 0 when it is malformed, has a tag twice
 * (then all of it is invalid), is empty or beyond the limits.
 */
size_t	 dkim_tags(struct dkim_tag tags[DKIM_TAGS_MAX], const char *, size_t);

/* The value of a tag (letter case counts), or NULL. */
const struct dkim_text *dkim_tags_find(const struct dkim_tag *, size_t n,
	    const char *name);

/* The next word of a list that is parted by colons, without the white space
 * around it: moves t behind it.  1; 0 that was the last. */
int	 dkim_word(struct dkim_text *t, struct dkim_text *word);

/* Is a word in such a list, whatever its letter case? */
int	 dkim_has_word(const struct dkim_text *, const char *word);

enum dkim_canon {
	DKIM_SIMPLE,
	DKIM_RELAXED
};

enum dkim_algorithm {
	DKIM_RSA_SHA256,
	DKIM_ED25519_SHA256		/* RFC 8463 */
};
/* "rsa-sha256"; the same without the hash: "rsa". */
const char *dkim_algorithm_name(enum dkim_algorithm);
const char *dkim_key_name(enum dkim_algorithm);

/* What a list says that is not to be used; the words are dkim_fault_text(). */
enum dkim_fault {
	DKIM_GOOD = 0,
	DKIM_MALFORMED,
	DKIM_VERSION,
	DKIM_ALGORITHM,		/* unknown or, as rsa-sha1, historic */
	DKIM_CANON,
	DKIM_DOMAIN,		/* d=, s= or i= is not what it must be */
	DKIM_NO_FROM,		/* From is not signed */
	DKIM_QUERY,
	DKIM_REVOKED,		/* the record has no key any more */
	DKIM_OTHER_KEY,		/* it is of another algorithm or service */
	DKIM_MEMORY
};
const char *dkim_fault_text(enum dkim_fault);

struct dkim_signature {
	enum dkim_algorithm	 algorithm;
	enum dkim_canon		 header, body;
	struct dkim_text	 domain, selector;
	struct dkim_text	 fields;	/* h= */
	struct dkim_text	 identity;	/* i=, encoded as it stands */
	unsigned char		 body_hash[DKIM_HASH];
	unsigned char		 data[DKIM_SIG_MAX];
	size_t			 ndata;
	int64_t			 time, expires;	/* -1: not said */
	uint64_t		 length;	/* of the body; UINT64_MAX:
						 * all */
	struct dkim_text	 hole;	/* the value of b=, with the white
					 * space around it: not signed */
};

/* The value of a DKIM-Signature field, folds included.  NOTE: rsa-sha1 is
 * none (RFC 8301, section 3.1); what is said of x= and t= is the caller's to
 * judge, by its clock. */
enum dkim_fault dkim_signature_parse(struct dkim_signature *, const char *,
	    size_t);

struct dkim_record {
	enum dkim_algorithm	 algorithm;
	int			 testing;	/* t=y */
	int			 strict;	/* t=s: i= must be of d=
						 * itself */
	struct dkim_text	 key;		/* base64 */
};

/* The text of a key's record, its strings joined: is it a key that signs mail
 * with SHA-256? */
enum dkim_fault dkim_record_parse(struct dkim_record *, const char *,
	    size_t);

/* The octets of a base64 value, whose white space is left out: appended.  1, 0
 * malformed, -1 as buf_add(). */
int	 dkim_base64(struct buf *, const struct dkim_text *);

/* Is it a name of at least two labels (one suffices for a selector) of
 * letters, digits, "-" and "_"?  RFC 6376, sections 3.1 and 3.5. */
int	 dkim_is_domain(const char *, size_t n);
int	 dkim_is_selector(const char *, size_t n);

#endif
