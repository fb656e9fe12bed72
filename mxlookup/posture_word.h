/* SPDX-License-Identifier: ISC
 *
 * A domain's posture in single words, each one column of the table.  "-" is
 * for what is not there, or not known.
 */
#ifndef MXLOOKUP_POSTURE_WORD_H
#define MXLOOKUP_POSTURE_WORD_H

#include "posture.h"

const char *posture_security(const struct dns_answer *); /* secure, insecure,
							  * bogus */
const char *posture_dane(const struct posture *);	/* usable, partly,
							 * unusable, insecure */
const char *posture_sts(const struct posture *);	/* enforce, testing,
							 * none, broken */
const char *posture_tlsrpt(const struct posture *);	/* yes, broken */
const char *posture_spf(const struct posture *);	/* -all, ~all, ?all,
							 * +all, open, error */
const char *posture_dmarc(const struct posture *);	/* reject, quarantine,
							 * none */
const char *posture_reverse(const struct posture *);	/* yes, no */
const char *posture_clients(const struct posture *);	/* yes */

/* "confirmed", "none", "unconfirmed", "private", "unknown". */
const char *posture_reverse_name(enum posture_reverse);

#endif
