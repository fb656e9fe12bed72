/* SPDX-License-Identifier: ISC
 *
 * Dates as mail writes them: date-time of RFC 5322, section 3.3 and 4.3, and
 * the dates of IMAP (RFC 3501, section 9), both ways.  Times are seconds
 * since 1970 in UTC; a zone is minutes east of it, given by the caller: no
 * clock and no time zone database is asked here.
 */
#ifndef GRAMMAR_DATE_H
#define GRAMMAR_DATE_H

#include <stddef.h>
#include <stdint.h>

/* "Fri, 21 Nov 1997 09:55:06 -0600" and a NUL, with room for wide years. */
#define DATE_MAX	64

struct date {
	int64_t	time;
	int	zone;		/* -5999 to 5999 minutes */
	int	unknown_zone;	/* "-0000", or a zone that says nothing */
};

/* Parse a whole date-time, comments and obsolete forms included: 1, or -1
 * malformed.  NOTE: taken too: no seconds, no zone, a wrong day of the week, a
 * second of 60, "GMT+0200". */
int	 date_parse(struct date *, const char *, size_t);

/* Write it to out; a year outside 0 to 9999 is brought inside.  Returns
 * out. */
char	*date_format(char out[DATE_MAX], int64_t time, int zone);

/* IMAP's date-time without its quotes, "17-Jul-1996 02:44:25 -0700" (the day
 * may be " 7"), and date, "7-Jul-1996", without its quotes, time 0:00 UTC.
 * Whole text: 1, or -1 malformed. */
int	 date_imap_parse(struct date *, const char *, size_t);
int	 date_imap_day_parse(int64_t *, const char *, size_t);
char	*date_imap_format(char out[DATE_MAX], int64_t time, int zone);

/* Days since 1970-01-01 of a civil date (proleptic Gregorian); month 1 to
 * 12. */
int64_t	 date_days(int64_t year, int month, int day);

#endif
