/* SPDX-License-Identifier: ISC
 *
 * The clock for deadlines, and the local time zone.  What is measured must
 * never depend on the time of day, which may be set at any moment.
 */
#include "system/clock.h"

long long
clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
clock_zone(time_t when)
{
	struct tm tm;

	return localtime_r(&when, &tm) == NULL ? 0 : (int)(tm.tm_gmtoff / 60);
}
