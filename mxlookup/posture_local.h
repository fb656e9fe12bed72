/* SPDX-License-Identifier: ISC
 *
 * What the judges of a domain's posture share; nobody else includes it.
 */
#ifndef MXLOOKUP_POSTURE_LOCAL_H
#define MXLOOKUP_POSTURE_LOCAL_H

#include "posture.h"

#define NOTHING	"%s", ""	/* nothing to publish */

/* A finding; the format is that of the records to publish, a line for each.
 * Beyond POSTURE_FAULTS they are left out. */
void	 posture_add(struct posture *, enum posture_fault, const char *subject,
	    const char *detail, const char *, ...)
	    __attribute__((format(printf, 5, 6)));

/* What to change, of the last finding. */
void	 posture_change(struct posture *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/* Whether the answer is missing, or not to be believed; then that is found,
 * once for its subject. */
int	 posture_missing(struct posture *, const struct dns_answer *,
	    const char *subject);

/* posture_policy.c */
void	 posture_judge_sts(struct posture *);
void	 posture_judge_tlsrpt(struct posture *);
void	 posture_judge_spf(struct posture *);
void	 posture_judge_dmarc(struct posture *);

#endif
