/* SPDX-License-Identifier: ISC
 *
 * The Sender Rewriting Scheme: a message that is sent on to another host gets
 * a reverse-path in a domain of ours, for which we may send, and a bounce to
 * it finds the way back.  The form is that of libsrs2 and postsrsd:
 *
 *	SRS0=HHHH=TT=domain=local@ours		of local@domain
 *	SRS1=HHHH=host==HHHH=TT=domain=local@ours  of SRS0=HHHH=...@host
 *
 * TT is the day in base32, HHHH the beginning of an HMAC with SHA-1, in base64,
 * over the parts behind it in lower case; letter case is ignored when it is
 * compared, for hosts that change it.
 */
#ifndef MAIL_SRS_H
#define MAIL_SRS_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "grammar/address.h"

#define SRS_DAYS	21	/* how long an address is good */
#define SRS_SECRET_MIN	8	/* octets */
#define SRS_FILE_MAX	65536

/* Secrets, a line each: the first signs, each verifies. */
struct srs {
	struct buf	text;
};

/* Take the text of the file.  0; or -1 and what is wrong with it. */
int	 srs_init(struct srs *, const char *text, size_t n,
	    const char **why);
void	 srs_free(struct srs *);

/* Rewrite a sender into this domain.  1; 0 it is left as it is: the null one,
 * one without a domain, or so long that there is no room. */
int	 srs_forward(const struct srs *, const struct address *sender,
	    const char *domain, int64_t now, struct address *out);

/* Whom a bounce to this address is for.  1; 0 it is no such address; -1 it
 * looks like one and is none of ours, or too old. */
int	 srs_reverse(const struct srs *, const struct address *,
	    int64_t now, struct address *out);

#endif
