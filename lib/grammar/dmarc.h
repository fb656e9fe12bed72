/* SPDX-License-Identifier: ISC
 *
 * The record of DMARC, at _dmarc.DOMAIN (RFC 9989), and the names of the tree
 * walk.
 */
#ifndef GRAMMAR_DMARC_H
#define GRAMMAR_DMARC_H

#include <stddef.h>

#include "grammar/report_uri.h"

#define DMARC_URI_MAX	8	/* of rua, of ruf; further ones are left out */
#define DMARC_WALK_MAX	8	/* names of a tree walk */

enum dmarc_policy {
	DMARC_UNSET,		/* the tag is not there, or malformed */
	DMARC_NONE,
	DMARC_QUARANTINE,
	DMARC_REJECT
};

enum dmarc_psd { DMARC_PSD_U, DMARC_PSD_Y, DMARC_PSD_N };

enum {			/* fo= */
	DMARC_FO_ALL = 1,	/* "0" */
	DMARC_FO_ANY = 2,	/* "1" */
	DMARC_FO_DKIM = 4,
	DMARC_FO_SPF = 8
};

enum {			/* what is wrong with a record */
	DMARC_BAD_P = 0x01,
	DMARC_BAD_SP = 0x02,
	DMARC_BAD_NP = 0x04,
	DMARC_BAD_RUA = 0x08,
	DMARC_BAD_RUF = 0x10,
	DMARC_BAD_TAG = 0x20,	/* another value or the form of a tag */
	DMARC_NO_P = 0x40,	/* no fault of the grammar */
	DMARC_OBSOLETE = 0x80	/* pct=, rf=, ri=: no longer heeded */
};

struct dmarc_record {
	enum dmarc_policy p, sp, np;
	enum dmarc_psd	 psd;
	int		 test;		/* t=y */
	int		 strict_dkim, strict_spf;
	unsigned	 fo;		/* DMARC_FO_* */
	size_t		 nrua, nruf;
	struct report_uri rua[DMARC_URI_MAX], ruf[DMARC_URI_MAX];
	unsigned	 faults;	/* DMARC_BAD_* ... */
	size_t		 at;		/* the first fault: its place */
};

/*
 * A TXT record, its strings joined; it must outlive the result.  1; 0: it is
 * another kind of record, to be left out of account.  Nothing behind the
 * version makes it malformed as a whole: what cannot be read is as if it were
 * not there, and stands in faults.
 */
int	 dmarc_record(struct dmarc_record *, const char *, size_t);

/*
 * The policy it asks for: of the domain that has the record, or below it (sub)
 * of a name that exists or does not.  DMARC_UNSET: DMARC is not applied.  t=y
 * is not looked at.
 */
enum dmarc_policy dmarc_applies(const struct dmarc_record *, int sub,
	    int exists);

/*
 * The domains that a tree walk from this one asks, it first, as pointers into
 * it: how many of at most DMARC_WALK_MAX.  The domain has no dot at its end.
 */
size_t	 dmarc_walk(const char *domain, const char *names[DMARC_WALK_MAX]);

/*
 * Which record of a walk counts for the policy: records[i] is that of names[i]
 * or NULL.  Its index, or n: none.
 */
size_t	 dmarc_choose(const struct dmarc_record *const *records, size_t n);

/*
 * The organizational domain by the same walk, as a pointer into names[0]: where
 * psd=n says so, one label below psd=y, else where the last record is, and
 * without any the domain itself.  n > 0.
 */
const char *dmarc_org(const char *const *names,
	    const struct dmarc_record *const *records, size_t n);

/* "none", "quarantine", "reject"; "-" for DMARC_UNSET. */
const char *dmarc_policy_name(enum dmarc_policy);

#endif
