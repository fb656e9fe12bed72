/* SPDX-License-Identifier: ISC
 *
 * The date of a From_ line.  It must never take long over a long line.
 */
#include <string.h>
#include <strings.h>

#include "grammar/chars.h"
#include "grammar/date.h"
#include "grammar/mbox.h"

#define WORDS	24	/* from the end of the line */

struct word {
	const char	*p;
	size_t		 n;
};

static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

struct stamp {
	int64_t	year;
	int	month, day, seconds, zone;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The last WORDS words. */
static size_t
split_words(const char *p, const char *start, struct word *words)
{
	size_t n = 0, i;
	struct word w;

	while (n < WORDS) {
		while (p > start && is_blank(p[-1]))
			p--;
		if (p == start)
			break;
		w.n = 0;
		for (; p > start && !is_blank(p[-1]); p--)
			w.n++;
		w.p = p;
		words[n++] = w;
	}
	for (i = 0; i < n / 2; i++) {
		w = words[i];
		words[i] = words[n - 1 - i];
		words[n - 1 - i] = w;
	}
	return n;
}

/* A number of least to most digits. */
static bool
number(const char *p, size_t n, size_t least, size_t most, int *value)
{
	size_t i;

	if (n < least || n > most)
		return false;
	*value = 0;
	for (i = 0; i < n; i++) {
		if (!is_digit(p[i]))
			return false;
		*value = *value * 10 + (p[i] - '0');
	}
	return true;
}

static bool
month(const struct word *w, struct stamp *s)
{
	for (s->month = 1; s->month <= 12; s->month++)
		if (w->n == 3 && strncasecmp(w->p, months[s->month - 1], 3) ==
		    0)
			return true;
	return false;
}

static bool
day(const struct word *w, struct stamp *s)
{
	return number(w->p, w->n, 1, 2, &s->day) && s->day >= 1 &&
	    s->day <= 31;
}

static bool
year(const struct word *w, struct stamp *s)
{
	int y;

	if (!number(w->p, w->n, 4, 4, &y) || y < 1970)
		return false;
	s->year = y;
	return true;
}

/* hh:mm or hh:mm:ss */
static bool
clock_time(const struct word *w, struct stamp *s)
{
	int h, m, sec = 0;

	if ((w->n != 5 && w->n != 8) || w->p[2] != ':' ||
	    !number(w->p, 2, 2, 2, &h) || !number(w->p + 3, 2, 2, 2, &m))
		return false;
	if (w->n == 8 && (w->p[5] != ':' ||
	    !number(w->p + 6, 2, 2, 2, &sec)))
		return false;
	s->seconds = h * 3600 + m * 60 + sec;
	return h < 24 && m < 60 && sec <= 60;
}

/* A zone in digits; any other word says nothing. */
static void
zone(const struct word *w, struct stamp *s)
{
	int v;

	if (w->n != 5 || (*w->p != '+' && *w->p != '-') ||
	    !number(w->p + 1, 4, 4, 4, &v))
		return;
	s->zone = v / 100 * 60 + v % 100;
	if (*w->p == '-')
		s->zone = -s->zone;
}

/* The date around the month at w[i]. */
static bool
stamp_at(const struct word *w, size_t n, size_t i, struct stamp *s)
{
	size_t k;

	s->zone = 0;
	if (!month(&w[i], s))
		return false;
	if (i > 0 && i + 2 < n && day(&w[i - 1], s) && year(&w[i + 1], s) &&
	    clock_time(&w[i + 2], s)) {
		if (i + 3 < n)
			zone(&w[i + 3], s);
		return true;
	}
	if (i + 3 >= n || !day(&w[i + 1], s) || !clock_time(&w[i + 2], s))
		return false;
	k = i + 3;
	if (!year(&w[k], s)) {
		zone(&w[k], s);
		if (++k == n || !year(&w[k], s))
			return false;
	} else if (k + 1 < n)
		zone(&w[k + 1], s);
	return true;
}

int
mbox_from_parse(const char *p, size_t n, int64_t *time)
{
	struct word words[WORDS];
	struct stamp s;
	size_t count, i;

	if (n < 5 || memcmp(p, "From ", 5) != 0)
		return 0;
	count = split_words(p + n, p + 5, words);
	for (i = 0; i < count; i++) {
		if (!stamp_at(words, count, i, &s))
			continue;
		*time = date_days(s.year, s.month, s.day) * 86400 +
		    s.seconds - s.zone * 60;
		return 1;
	}
	return 0;
}
