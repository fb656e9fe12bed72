/* SPDX-License-Identifier: ISC
 *
 * The clock for deadlines, and the zone that dates are written in.
 */
#ifndef SYSTEM_CLOCK_H
#define SYSTEM_CLOCK_H

#include <time.h>

/* Milliseconds of a clock that nobody sets and that only goes forward: for
 * deadlines and pauses, never for a date. */
long long clock_ms(void);

/* The local time zone at that time, in minutes east of UTC; 0 when it is not
 * known.  May read the zone's file the first time: before a sandbox. */
int	 clock_zone(time_t);

#endif
