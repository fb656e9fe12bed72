/* SPDX-License-Identifier: ISC
 *
 * What happens between a message that is whole and its files.
 */
#ifndef SMTPD_REVIEW_H
#define SMTPD_REVIEW_H

#include "incoming.h"

/* Is there anything that wants to see it?  Then it comes into a draft. */
bool	 review_wanted(void);

/* The draft is written.  REPLY_NONE: it may be taken, and in->text is what is
 * to be stored (unless in->error is set); else what is to be replied:
 * REPLY_OWN_WORDS stands in in->words, REPLY_DISCARDED is no refusal. */
enum reply review(struct incoming *);

#endif
