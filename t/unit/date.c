/* SPDX-License-Identifier: ISC
 *
 * Proves dates both ways, the obsolete and the careless forms too, and the
 * calendar against timegm(3).
 */
#include <time.h>

#include "grammar/date.h"
#include "tap.h"

#define BAD INT64_MIN

static const struct {
	const char	*in;
	int64_t		 time;
	int		 zone, unknown;
} rows[] = {
	{ "Thu, 1 Jan 1970 00:00:00 +0000", 0, 0, 0 },
	{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360, 0 },
	{ "21 Nov 1997 09:55:06 -0600", 880127706, -360, 0 },
	{ "Fri, 21 Nov 1997 09:55 -0600", 880127700, -360, 0 },
	{ "Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120, 0 },
	{ "Thu, 13 Feb 1969 23:32 -0330", -27723480, -210, 0 },
	{ "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32"
	  "\r\n               -0330 (Newfoundland Time)", -27723480, -210, 0 },
	{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360,
	    0 },
	{ "21 Nov 97 09:55:06 GMT", 880106106, 0, 0 },
	{ "21 Nov 49 00:00 UT", 2521065600, 0, 0 },
	{ "21 Nov 50 00:00 UT", -603158400, 0, 0 },
	{ "21 Nov 097 09:55:06 GMT", 880106106, 0, 0 },
	{ "21 Nov 1997 09:55:06 EST", 880124106, -300, 0 },
	{ "21 Nov 1997 09:55:06 pdt", 880131306, -420, 0 },
	{ "21 Nov 1997 09:55:06 Z", 880106106, 0, 0 },
	{ "21 Nov 1997 09:55:06 A", 880106106, 0, 1 },
	{ "21 Nov 1997 09:55:06 CEST", 880106106, 0, 1 },
	{ "21 Nov 1997 09:55:06 -0000", 880106106, 0, 1 },
	{ "21 Nov 1997 09:55:06", 880106106, 0, 1 },
	{ "21 Nov 1997 09:55:06 GMT+0200", 880098906, 120, 0 },
	{ "21 Nov 1997 09:55:06 -0600 EST", 880127706, -360, 0 },
	{ "Mon, 21 Nov 1997 09:55:06 -0600", 880127706, -360, 0 },
	{ "Friday 21 November 1997 9:55:06 -0600", 880127706, -360, 0 },
	{ "21-Nov-1997 09:55:06 -0600", 880127706, -360, 0 },
	{ "31 Dec 1998 23:59:60 +0000", 915148800, 0, 0 },
	{ "29 Feb 2000 00:00 +0000", 951782400, 0, 0 },
	{ "1 Jan 9999 00:00 +0000", 253370764800, 0, 0 },
	{ "29 Feb 1900 00:00 +0000", BAD, 0, 0 },
	{ "30 Feb 2000 00:00 +0000", BAD, 0, 0 },
	{ "0 Jan 2000 00:00 +0000", BAD, 0, 0 },
	{ "32 Jan 2000 00:00 +0000", BAD, 0, 0 },
	{ "1 Foo 2000 00:00 +0000", BAD, 0, 0 },
	{ "1 Ja 2000 00:00 +0000", BAD, 0, 0 },
	{ "1 Jan 2000 24:00 +0000", BAD, 0, 0 },
	{ "1 Jan 2000 00:60 +0000", BAD, 0, 0 },
	{ "1 Jan 2000 00:00:61 +0000", BAD, 0, 0 },
	{ "1 Jan 20000 00:00:00 +0000", BAD, 0, 0 },
	{ "1 Jan 2 00:00:00 +0000", BAD, 0, 0 },
	{ "123 Jan 2000 00:00", BAD, 0, 0 },
	{ "1 Jan 2000", BAD, 0, 0 },
	{ "yesterday", BAD, 0, 0 },
	{ "", BAD, 0, 0 },
	{ "(((", BAD, 0, 0 }
};

static const struct {
	const char	*in;
	int64_t		 time;
	int		 zone;
} imap[] = {
	{ "17-Jul-1996 02:44:25 -0700", 837596665, -420 },
	{ " 7-Jul-1996 02:44:25 +0000", 836707465, 0 },
	{ "07-jul-1996 02:44:25 +0000", 836707465, 0 },
	{ "7-Jul-1996 02:44:25 +0000", BAD, 0 },
	{ "17-Jul-1996 02:44 +0000", BAD, 0 },
	{ "17-Jul-1996 2:44:25 +0000", BAD, 0 },
	{ "17-Jul-1996 02:44:25", BAD, 0 },
	{ "17-Jul-1996 02:44:25 GMT", BAD, 0 },
	{ "17-Jul-96 02:44:25 +0000", BAD, 0 },
	{ "17-July-1996 02:44:25 +0000", BAD, 0 },
	{ "31-Jun-1996 02:44:25 +0000", BAD, 0 },
	{ "17-Jul-1996 02:44:25 +0060", BAD, 0 },
	{ "17-Jul-1996 02:44:25 +0000 ", BAD, 0 }
};

static const struct {
	const char	*in;
	int64_t		 time;
} days[] = {
	{ "1-Jan-1970", 0 }, { "01-Jan-1970", 0 },
	{ "31-dec-1969", -86400 }, { "29-Feb-2000", 951782400 },
	{ "29-Feb-2001", BAD }, { "1-Jan-70", BAD }, { "1 Jan 1970", BAD },
	{ "1-Jan-1970 ", BAD }, { "", BAD }
};

static void
check(size_t i)
{
	struct date d;
	int good = rows[i].time != BAD;

	is_int(date_parse(&d, rows[i].in, strlen(rows[i].in)), good ? 1 : -1,
	    rows[i].in);
	if (!good)
		return;
	is_int(d.time, rows[i].time, "time");
	is_int(d.zone, rows[i].zone, "zone");
	is_int(d.unknown_zone, rows[i].unknown, "is the zone unknown?");
}

/* Every day of eight centuries, and a time of day in each. */
static void
check_calendar(void)
{
	const int64_t first = date_days(1800, 1, 1), last =
	    date_days(2600, 1, 1);
	char out[DATE_MAX], want[DATE_MAX];
	struct date back;
	struct tm tm;
	int64_t day, t;
	int bad = 0;

	for (day = first; day < last; day++) {
		t = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
		gmtime_r(&(time_t){ t }, &tm);
		strftime(want, sizeof(want), "%a, %e %b %Y %T +0000", &tm);
		if (want[5] == ' ')
			memmove(want + 5, want + 6, strlen(want + 5));
		date_format(out, t, 0);
		bad += strcmp(out, want) != 0;
		bad += date_parse(&back, out, strlen(out)) != 1 ||
		    back.time != t;
	}
	is_int(bad, 0, "800 years agree with gmtime(3) and back");
}

int
main(void)
{
	char out[DATE_MAX];
	struct date d;
	int64_t t;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i);
	for (i = 0; i < sizeof(imap) / sizeof(imap[0]); i++) {
		is_int(date_imap_parse(&d, imap[i].in, strlen(imap[i].in)),
		    imap[i].time == BAD ? -1 : 1, imap[i].in);
		if (imap[i].time == BAD)
			continue;
		is_int(d.time, imap[i].time, "time");
		is_int(d.zone, imap[i].zone, "zone");
	}
	for (i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		is_int(date_imap_day_parse(&t, days[i].in,
		    strlen(days[i].in)), days[i].time == BAD ? -1 : 1,
		    days[i].in);
		if (days[i].time != BAD)
			is_int(t, days[i].time, "time");
	}
	is_str(date_format(out, 880127706, -360),
	    "Fri, 21 Nov 1997 09:55:06 -0600", "written west");
	is_str(date_format(out, 1057049557, 330),
	    "Tue, 1 Jul 2003 14:22:37 +0530", "written east");
	is_str(date_imap_format(out, 836707465, 0),
	    "07-Jul-1996 02:44:25 +0000", "for IMAP");
	is_str(date_format(out, INT64_MAX, 0),
	    "Fri, 31 Dec 9999 23:59:59 +0000", "the end of time");
	is_str(date_format(out, INT64_MIN, -60),
	    "Sat, 1 Jan 0000 00:00:00 -0100", "and its beginning");
	check_calendar();
	return done();
}
