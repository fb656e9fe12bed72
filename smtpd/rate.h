/* SPDX-License-Identifier: ISC
 *
 * How many recipients an account had within the hour.  In the memory of the
 * process that accepts: a program that is started for each connection knows
 * of its own alone.
 */
#ifndef SMTPD_RATE_H
#define SMTPD_RATE_H

#include <stdbool.h>

/* Has this account had so many?  It is then frozen until its hour is over;
 * *first: it was not before. */
bool	 rate_frozen(const char *account, unsigned long limit, bool *first);

/* One more.  The first begins the hour. */
void	 rate_count(const char *account);

#endif
