/* SPDX-License-Identifier: ISC
 *
 * Dates: RFC 5322, sections 3.3 and 4.3; RFC 3501, section 9.  It must never
 * ask the clock, the time zone or the locale.
 */
#include <stdio.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/date.h"

static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

static const char weekdays[7][4] = {	/* 1970-01-01 was a Thursday */
	"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"
};

/* obs-zone, in hours. */
static const struct {
	char	name[4];
	int	hours;
} zones[] = {
	{ "UT", 0 }, { "GMT", 0 }, { "UTC", 0 }, { "Z", 0 },
	{ "EST", -5 }, { "EDT", -4 }, { "CST", -6 }, { "CDT", -5 },
	{ "MST", -7 }, { "MDT", -6 }, { "PST", -8 }, { "PDT", -7 }
};

struct civil {
	int64_t	year;
	int	month, day, hour, minute, second;
};

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days are counted in years that begin in March, so that a leap day is the
 * last of its year. */
int64_t
date_days(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int m = month > 2 ? month - 3 : month + 9;

	return 365 * y + floor_div(y, 4) - floor_div(y, 100) +
	    floor_div(y, 400) + (153 * m + 2) / 5 + day - 719469;
}

/* And back: the civil date of days since 1970-01-01. */
static void
date_of_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t y, left;
	int m;

	/* A guess that is right or one too great or small. */
	y = floor_div((days + 719468) * 400, 146097);
	while (date_days(y, 3, 1) > days)
		y--;
	while (date_days(y + 1, 3, 1) <= days)
		y++;
	left = days - date_days(y, 3, 1);
	m = (int)((5 * left + 2) / 153);
	*day = (int)(left - (153 * m + 2) / 5 + 1);
	*month = m < 10 ? m + 3 : m - 9;
	*year = *month > 2 ? y : y + 1;
}

static int
month_days(int64_t year, int month)
{
	int64_t next = month == 12 ? date_days(year + 1, 1, 1) :
	    date_days(year, month + 1, 1);

	return (int)(next - date_days(year, month, 1));
}

static int
is_valid(const struct civil *c)
{
	return c->year >= 0 && c->year <= 9999 && c->month >= 1 &&
	    c->month <= 12 && c->day >= 1 &&
	    c->day <= month_days(c->year, c->month) && c->hour < 24 &&
	    c->minute < 60 && c->second <= 60;
}

static int64_t
seconds(const struct civil *c, int zone)
{
	return date_days(c->year, c->month, c->day) * 86400 +
	    c->hour * 3600 + c->minute * 60 + c->second - zone * 60;
}

/* min*maxDIGIT: 1, or 0 and nothing moved. */
static int
number(const char **p, const char *end, int least, int most, int *value)
{
	const char *at = *p;

	for (*value = 0; at < end && at - *p < most &&
	    char_is(*at, CHAR_DIGIT); at++)
		*value = *value * 10 + (*at - '0');
	if (at - *p < least || (at < end && char_is(*at, CHAR_DIGIT)))
		return 0;
	*p = at;
	return 1;
}

static int
octet(const char **p, const char *end, char c)
{
	if (*p >= end || **p != c)
		return 0;
	(*p)++;
	return 1;
}

/* A word of letters; its length, 0 when there is none. */
static size_t
word(const char **p, const char *end, const char **start)
{
	for (*start = *p; *p < end && char_is(**p, CHAR_ALPHA); (*p)++)
		;
	return (size_t)(*p - *start);
}

static void
skip_cfws(const char **p, const char *end)
{
	size_t depth = 0;

	for (; *p < end; (*p)++) {
		if (**p == '(')
			depth++;
		else if (**p == ')' && depth > 0)
			depth--;
		else if (depth > 0 && **p == '\\' && *p + 1 < end)
			(*p)++;
		else if (depth == 0 && !char_is(**p, CHAR_WSP) &&
		    **p != '\r' && **p != '\n')
			break;
	}
}

/* The number of the month whose first three letters stand in s, or 0. */
static int
month_number(const char *s, size_t n)
{
	int i;

	for (i = 0; i < 12; i++)
		if (n >= 3 && chars_equal(s, 3, months[i], 3))
			return i + 1;
	return 0;
}

/*
 * date = day month year
 *
 * NOTE: "-" between them is taken for white space.
 */
static int
parse_day(const char **p, const char *end, struct civil *c)
{
	const char *start;
	int year;
	size_t n;

	if (!number(p, end, 1, 2, &c->day))
		return -1;
	skip_cfws(p, end);
	octet(p, end, '-');
	if ((n = word(p, end, &start)) == 0)
		return -1;
	c->month = month_number(start, n);
	skip_cfws(p, end);
	octet(p, end, '-');
	start = *p;
	if (!number(p, end, 2, 4, &year))
		return -1;
	if (*p - start < 4)
		year += *p - start == 2 && year < 50 ? 2000 : 1900;
	c->year = year;
	return 1;
}

/* time-of-day = hour ":" minute [ ":" second ] */
static int
parse_time(const char **p, const char *end, struct civil *c)
{
	if (!number(p, end, 1, 2, &c->hour))
		return -1;
	skip_cfws(p, end);
	if (!octet(p, end, ':'))
		return -1;
	skip_cfws(p, end);
	if (!number(p, end, 2, 2, &c->minute))
		return -1;
	skip_cfws(p, end);
	c->second = 0;
	if (!octet(p, end, ':'))
		return 1;
	skip_cfws(p, end);
	return number(p, end, 1, 2, &c->second) ? 1 : -1;
}

/* ( "+" / "-" ) 4DIGIT: 1, 0 absent. */
static int
numeric_zone(const char **p, const char *end, struct date *d)
{
	const char *at = *p;
	int west, value;

	if (at >= end || (*at != '+' && *at != '-'))
		return 0;
	west = *at++ == '-';
	if (!number(&at, end, 4, 4, &value) || value % 100 > 59)
		return 0;
	d->zone = value / 100 * 60 + value % 100;
	d->unknown_zone = west && value == 0;
	if (west)
		d->zone = -d->zone;
	*p = at;
	return 1;
}

/* zone = (FWS ( "+" / "-" ) 4DIGIT) / obs-zone.  NOTE: none, or one nobody
 * knows, is "-0000". */
static void
parse_zone(const char **p, const char *end, struct date *d)
{
	const char *start;
	size_t i, n;

	d->zone = 0;
	d->unknown_zone = 1;
	if (numeric_zone(p, end, d))
		return;
	n = word(p, end, &start);
	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		if (!chars_is(start, n, zones[i].name))
			continue;
		d->zone = zones[i].hours * 60;
		d->unknown_zone = 0;
		/* NOTE: "GMT+0200". */
		numeric_zone(p, end, d);
	}
}

/*
 * date-time = [ day-of-week "," ] date time [CFWS]
 *
 * NOTE: the day of the week may be any word, wrong, or without its comma, and
 * what stands behind the zone is not looked at.
 */
int
date_parse(struct date *d, const char *s, size_t n)
{
	const char *p = s, *end = s + n, *start;
	struct civil c;

	skip_cfws(&p, end);
	if (word(&p, end, &start) > 0) {
		skip_cfws(&p, end);
		octet(&p, end, ',');
		skip_cfws(&p, end);
	}
	if (parse_day(&p, end, &c) < 0)
		return -1;
	skip_cfws(&p, end);
	if (parse_time(&p, end, &c) < 0 || !is_valid(&c))
		return -1;
	skip_cfws(&p, end);
	parse_zone(&p, end, d);
	d->time = seconds(&c, d->zone);
	return 1;
}

/* The civil time at a zone, its year between 0 and 9999; and its weekday. */
static const char *
to_civil(int64_t time, int zone, struct civil *c)
{
	const int64_t first = date_days(0, 1, 1) * 86400;
	const int64_t last = date_days(10000, 1, 1) * 86400 - 1;
	int64_t days, left;

	if (time < first || time > last)
		time = time < first ? first : last;
	time += zone * 60;
	if (time < first || time > last)
		time = time < first ? first : last;
	days = floor_div(time, 86400);
	left = time - days * 86400;
	date_of_days(days, &c->year, &c->month, &c->day);
	c->hour = (int)(left / 3600);
	c->minute = (int)(left / 60 % 60);
	c->second = (int)(left % 60);
	return weekdays[(days % 7 + 7) % 7];
}

static int
zone_number(int zone)
{
	int minutes = zone < 0 ? -zone : zone;

	return minutes / 60 % 100 * 100 + minutes % 60;
}

char *
date_format(char out[DATE_MAX], int64_t time, int zone)
{
	struct civil c;
	const char *weekday = to_civil(time, zone, &c);

	snprintf(out, DATE_MAX, "%s, %d %s %04d %02d:%02d:%02d %c%04d",
	    weekday, c.day, months[c.month - 1], (int)c.year, c.hour,
	    c.minute, c.second, zone < 0 ? '-' : '+', zone_number(zone));
	return out;
}

/* n digits of a number, less significant ones last; what follows them. */
static char *
digits(char *to, int number, int n)
{
	int i;

	for (i = n; i > 0; number /= 10)
		to[--i] = (char)('0' + number % 10);
	return to + n;
}

/* Written for each message of a FETCH: no printf. */
char *
date_imap_format(char out[DATE_MAX], int64_t time, int zone)
{
	struct civil c;
	char *to = out;

	to_civil(time, zone, &c);
	to = digits(to, c.day, 2);
	*to++ = '-';
	memcpy(to, months[c.month - 1], 3);
	to[3] = '-';
	to = digits(to + 4, (int)c.year, 4);
	*to++ = ' ';
	to = digits(to, c.hour, 2);
	*to++ = ':';
	to = digits(to, c.minute, 2);
	*to++ = ':';
	to = digits(to, c.second, 2);
	*to++ = ' ';
	*to++ = zone < 0 ? '-' : '+';
	to = digits(to, zone_number(zone), 4);
	*to = '\0';
	return out;
}

/* date-month "-" date-year, behind the day's "-". */
static int
imap_month_year(const char **p, const char *end, struct civil *c)
{
	const char *start;
	size_t n;
	int year;

	if ((n = word(p, end, &start)) != 3)
		return -1;
	c->month = month_number(start, n);
	if (!octet(p, end, '-') || !number(p, end, 4, 4, &year))
		return -1;
	c->year = year;
	return 1;
}

/*
 * date-time      = DQUOTE date-day-fixed "-" date-month "-" date-year
 *                  SP time SP zone DQUOTE
 * date-day-fixed = (SP DIGIT) / 2DIGIT
 * time           = 2DIGIT ":" 2DIGIT ":" 2DIGIT
 * zone           = ("+" / "-") 4DIGIT
 */
int
date_imap_parse(struct date *d, const char *s, size_t n)
{
	const char *p = s, *end = s + n;
	struct civil c;

	if (octet(&p, end, ' ') ? !number(&p, end, 1, 1, &c.day) :
	    !number(&p, end, 2, 2, &c.day))
		return -1;
	if (!octet(&p, end, '-') || imap_month_year(&p, end, &c) < 0)
		return -1;
	if (!octet(&p, end, ' ') || !number(&p, end, 2, 2, &c.hour) ||
	    !octet(&p, end, ':') || !number(&p, end, 2, 2, &c.minute) ||
	    !octet(&p, end, ':') || !number(&p, end, 2, 2, &c.second))
		return -1;
	if (!octet(&p, end, ' ') || !numeric_zone(&p, end, d) || p != end ||
	    !is_valid(&c))
		return -1;
	d->time = seconds(&c, d->zone);
	return 1;
}

/* date-text = date-day "-" date-month "-" date-year; date-day = 1*2DIGIT */
int
date_imap_day_parse(int64_t *time, const char *s, size_t n)
{
	const char *p = s, *end = s + n;
	struct civil c = { 0 };

	if (!number(&p, end, 1, 2, &c.day) || !octet(&p, end, '-') ||
	    imap_month_year(&p, end, &c) < 0 || p != end || !is_valid(&c))
		return -1;
	*time = seconds(&c, 0);
	return 1;
}
