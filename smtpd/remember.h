/* SPDX-License-Identifier: ISC
 *
 * What the monitor remembers of recipients that other hosts were asked about:
 * a fixed number of addresses, each for a while.
 */
#ifndef SMTPD_REMEMBER_H
#define SMTPD_REMEMBER_H

#include "grammar/address.h"

enum remembered {
	REMEMBER_NOTHING,
	REMEMBER_GOOD,		/* for hours */
	REMEMBER_BAD,		/* for minutes */
	REMEMBER_AWAY		/* no host of its domain could be asked: so for
				 * all of it, for a minute */
};

void	 remember(const struct address *, enum remembered);
enum remembered recall(const struct address *);

#endif
