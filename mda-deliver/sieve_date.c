/* SPDX-License-Identifier: ISC
 *
 * The tests date and currentdate (RFC 5260, sections 4 and 5).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "grammar/chars.h"
#include "grammar/date.h"
#include "sieve_fields.h"
#include "sieve_vars.h"
#include "system/clock.h"

#define PART_MAX	DATE_MAX	/* octets of a date-part, with a NUL */

#define MJD_1970	40587		/* 1970-01-01 as Modified Julian Day */

/* A moment, as one zone sees it. */
struct moment {
	int64_t		time;
	int		zone;		/* minutes east of UTC */
	const char	*zone_text;	/* as the script has it, or NULL */
	struct tm	tm;
};

static const struct sieve_tag zone_rows[] = {
	{ "zone", NULL, 's', 20 },
	{ "originalzone", NULL, 0, 20 },
};

static const struct sieve_tags date_tags = { zone_rows, 2 };
static const struct sieve_tags currentdate_tags = { zone_rows, 1 };

/* ---- zones ---- */

/* time-zone = ("+" / "-") 4DIGIT: 0 and *zone in minutes, or -1. */
static int
parse_zone(const char *s, size_t n, int *zone)
{
	size_t i;

	if (n != 5 || (*s != '+' && *s != '-'))
		return -1;
	for (i = 1; i < 5; i++)
		if (!char_is(s[i], CHAR_DIGIT))
			return -1;
	*zone = ((s[1] - '0') * 10 + s[2] - '0') * 60 + (s[3] - '0') * 10 +
	    s[4] - '0';
	if (*s == '-')
		*zone = -*zone;
	return 0;
}

/* ---- date-parts ---- */

typedef void write_part(char out[PART_MAX], const struct moment *);

static void
put_year(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%04d", m->tm.tm_year + 1900);
}

static void
put_month(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%02d", m->tm.tm_mon + 1);
}

static void
put_day(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%02d", m->tm.tm_mday);
}

static void
put_date(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%04d-%02d-%02d", m->tm.tm_year + 1900,
	    m->tm.tm_mon + 1, m->tm.tm_mday);
}

static void
put_julian(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%lld", (long long)date_days(
	    m->tm.tm_year + 1900, m->tm.tm_mon + 1, m->tm.tm_mday) +
	    MJD_1970);
}

static void
put_hour(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%02d", m->tm.tm_hour);
}

static void
put_minute(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%02d", m->tm.tm_min);
}

static void
put_second(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%02d", m->tm.tm_sec);
}

static void
put_time(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%02d:%02d:%02d", m->tm.tm_hour,
	    m->tm.tm_min, m->tm.tm_sec);
}

static int
minutes(const struct moment *m)
{
	return m->zone < 0 ? -m->zone : m->zone;
}

/* An offset of zero is "Z". */
static void
put_iso8601(char out[PART_MAX], const struct moment *m)
{
	char date[PART_MAX], of_day[PART_MAX], zone[PART_MAX];

	put_date(date, m);
	put_time(of_day, m);
	snprintf(zone, sizeof(zone), "%c%02d:%02d", m->zone < 0 ? '-' : '+',
	    minutes(m) / 60, minutes(m) % 60);
	snprintf(out, PART_MAX, "%.20sT%.10s%.12s", date, of_day,
	    m->zone == 0 ? "Z" : zone);
}

static void
put_std11(char out[PART_MAX], const struct moment *m)
{
	date_format(out, m->time, m->zone);
}

static void
put_zone(char out[PART_MAX], const struct moment *m)
{
	if (m->zone_text != NULL)
		snprintf(out, PART_MAX, "%s", m->zone_text);
	else
		snprintf(out, PART_MAX, "%c%02d%02d", m->zone < 0 ? '-' : '+',
		    minutes(m) / 60, minutes(m) % 60);
}

static void
put_weekday(char out[PART_MAX], const struct moment *m)
{
	snprintf(out, PART_MAX, "%d", m->tm.tm_wday);
}

static const struct {
	const char	*name;
	write_part	*write;
} parts[] = {
	{ "year", put_year }, { "month", put_month }, { "day", put_day },
	{ "date", put_date }, { "julian", put_julian },
	{ "hour", put_hour }, { "minute", put_minute },
	{ "second", put_second }, { "time", put_time },
	{ "iso8601", put_iso8601 }, { "std11", put_std11 },
	{ "zone", put_zone }, { "weekday", put_weekday },
};

static write_part *
find_part(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (chars_is(s, n, parts[i].name))
			return parts[i].write;
	return NULL;
}

/* ---- the tests ---- */

struct date_test {
	struct sieve_matching	 m;
	struct sieve_run	*run;
	const struct sieve_call	*call;
	write_part		*part;
	bool			 original;	/* :originalzone */
	bool			 given;		/* :zone */
	int			 zone;
	struct buf		 zone_text;
	char			 what[SIEVE_WHAT];
};

/* Both words: the date-part is before the keys. */
static int
check(struct sieve_call *c, size_t part, const char **why)
{
	const struct sieve_string *s = &c->arg[part]->strings[0];
	const struct sieve_arg *zone;
	int ignored;

	*why = "nobody knows this part of a date";
	if (sieve_vars_constant(c, s) && find_part(s->text, s->len) == NULL)
		return -1;
	*why = "a time zone is \"+hhmm\" or \"-hhmm\"";
	if (sieve_tag(c, "zone", &zone) && sieve_vars_constant(c,
	    &zone->strings[0]) && parse_zone(zone->strings[0].text,
	    zone->strings[0].len, &ignored) == -1)
		return -1;
	return sieve_match_check(c, part + 1, why);
}

static int
check_date(struct sieve_call *c, const char **why)
{
	return sieve_fields_check(c, why) == -1 ? -1 : check(c, 1, why);
}

static int
check_currentdate(struct sieve_call *c, const char **why)
{
	return check(c, 0, why);
}

/* The part and the zone as they are now: 1, 0 one of them is none, -1. */
static int
begin(struct date_test *t, size_t part)
{
	const struct sieve_arg *zone;
	struct buf *b = &t->zone_text;

	buf_init(b, SIEVE_VALUE_MAX);
	t->original = sieve_tag(t->call, "originalzone", NULL);
	if (sieve_expand(t->run, &t->call->arg[part]->strings[0], b) == -1)
		return -1;
	if ((t->part = find_part(b->data, b->len)) == NULL)
		return 0;
	t->given = sieve_tag(t->call, "zone", &zone);
	if (!t->given)
		return 1;
	if (sieve_expand(t->run, &zone->strings[0], b) == -1)
		return -1;
	return parse_zone(b->data, b->len, &t->zone) == 0;
}

static int
match_moment(struct date_test *t, int64_t at, int zone)
{
	struct moment m = { .time = at, .zone = zone };
	time_t shifted;
	char out[PART_MAX];

	if (t->given) {
		m.zone = t->zone;
		m.zone_text = buf_str(&t->zone_text);
	} else if (!t->original)
		m.zone = clock_zone((time_t)at);
	shifted = (time_t)(at + m.zone * 60);
	if (gmtime_r(&shifted, &m.tm) == NULL)
		return 0;
	t->part(out, &m);
	return sieve_match_value(&t->m, out, strlen(out));
}

/* date-time, or one behind the last ";" (RFC 5260, section 4): 1, or -1. */
static int
find_date(struct date *d, const char *s, size_t n)
{
	const char *at = n > 0 ? memrchr(s, ';', n) : NULL;

	if (at != NULL && date_parse(d, at + 1, n - (size_t)(at + 1 - s)) ==
	    1)
		return 1;
	return date_parse(d, s, n);
}

/* Only the first field counts, or the one of :index. */
static int
match_field(void *arg, const char *name, const struct header_field *f)
{
	struct date_test *t = arg;
	struct date d;
	int r;

	(void)name;
	if (find_date(&d, f->value, f->value_len) != 1) {
		sieve_say(t->run, "%s: this is no date", t->what);
		return 1;
	}
	r = match_moment(t, d.time, d.zone);
	return r == -1 ? -1 : 1;
}

static int
run_date(struct sieve_run *run, const struct sieve_call *c)
{
	struct date_test t = { .run = run, .call = c };
	int r;

	sieve_match_begin(&t.m, run, c, c->arg[2]);
	t.m.what = sieve_what(t.what, "date", c->arg[0]);
	if (begin(&t, 1) == 1)
		(void)sieve_fields(run, c, c->arg[0], match_field, &t);
	r = sieve_match_end(&t.m);
	buf_free(&t.zone_text);
	return r;
}

static int
run_currentdate(struct sieve_run *run, const struct sieve_call *c)
{
	struct date_test t = { .run = run, .call = c };
	int r;

	sieve_match_begin(&t.m, run, c, c->arg[1]);
	t.m.what = sieve_what(t.what, "currentdate", c->arg[0]);
	if (begin(&t, 0) == 1)
		(void)match_moment(&t, run->mail->now, 0);
	r = sieve_match_end(&t.m);
	buf_free(&t.zone_text);
	return r;
}

const struct sieve_word sieve_date_words[] = {
	{ "date", "date", SIEVE_TEST, "ssS", { &sieve_match_tags,
	    &sieve_index_tags, &date_tags }, check_date, run_date },
	{ "currentdate", "date", SIEVE_TEST, "sS", { &sieve_match_tags,
	    &currentdate_tags }, check_currentdate, run_currentdate },
	{ NULL }
};
