/* SPDX-License-Identifier: ISC
 *
 * The record of TLSRPT, at _smtp._tls.DOMAIN (RFC 8460): where
 * reports on TLS go.
 */
#ifndef GRAMMAR_TLSRPT_H
#define GRAMMAR_TLSRPT_H

#include <stddef.h>

#include "grammar/report_uri.h"

#define TLSRPT_RUA_MAX	16	/* further ones are left out */

struct tlsrpt {
	size_t		 nrua;		/* >= 1 with 1 */
	struct report_uri rua[TLSRPT_RUA_MAX];	/* in the record */
	const char	*why;		/* of -1, in words */
};

/* A TXT record, its strings joined; it must outlive the result.  1; 0: it is
 * another kind of record, to be left out of account; -1: malformed. */
int	 tlsrpt_record(struct tlsrpt *, const char *, size_t);

#endif
