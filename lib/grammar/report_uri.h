/* SPDX-License-Identifier: ISC
 *
 * A list of addresses for reports, as the records of DMARC (RFC 9989) and
 * TLSRPT (RFC 8460) have it: URIs with commas between them.
 */
#ifndef GRAMMAR_REPORT_URI_H
#define GRAMMAR_REPORT_URI_H

#include <stddef.h>

enum report_scheme {
	REPORT_MAILTO,
	REPORT_HTTPS,
	REPORT_OTHER		/* well-formed, and of no use */
};

struct report_uri {
	enum report_scheme scheme;
	const char	*uri;		/* all of it, in the text */
	size_t		 len;
	const char	*where;		/* behind "mailto:", up to a "?"; with
					 * https: the host, or with its port;
					 * as it is, not decoded */
	size_t		 nwhere;
	const char	*domain;	/* of the address, or the host; empty
					 * with REPORT_OTHER */
	size_t		 ndomain;
};

/* The next of a list, *p moving on to end.  1; 0: there is none; -1: malformed,
 * and *p stands at the comma behind it or at the end. */
int	 report_uri_next(struct report_uri *, const char **p,
	    const char *end);

#endif
