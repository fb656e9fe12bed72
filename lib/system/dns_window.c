/* SPDX-License-Identifier: ISC
 *
 * How many questions are sent before the first of them is answered.  Too many
 * run over the buffers of the resolver, and what is lost costs a whole wait;
 * too few let it stand idle.  So the number grows as long as that brings more
 * answers a second, and falls when most questions of a time are not answered
 * and fewer of them help; a share of names whose servers are dead changes
 * nothing.  It never sends anything itself.
 */
#include <time.h>

#include "system/dns_local.h"

#define START		128	/* a forwarder may take no more than 150 */
#define LEAST		8
#define BUSY		160	/* enough for who answers within SLOW seconds;
				 * the usual buffer of a socket holds 256, of
				 * which a quarter may be read already and not
				 * yet free */
#define SLOW		0.1
#define SLOW_EPOCHS	2	/* in sequence: one may be a pause of ours */
#define EPOCH_US	10000	/* at least */
#define GAIN		1.25	/* by how much twice as many must be faster */
#define STEADY_MAX	16	/* epochs until more are tried again */

static long long
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static size_t
bounded(size_t n)
{
	return n < LEAST ? LEAST : n > DNS_FLIGHT_MAX ? DNS_FLIGHT_MAX : n;
}

void
dns_window_init(struct dns_window *w)
{
	w->size = START;
}

/* Try a larger one, and remember what this one brings. */
static void
try_more(struct dns_window *w, double rate, size_t size)
{
	w->steady = 0;
	if (size > BUSY && w->slow < SLOW_EPOCHS)
		size = BUSY;
	if ((size = bounded(size)) <= w->size)
		return;
	w->rate = rate;
	w->probe = w->size;
	w->size = size;
}

/* An epoch has ended in which most were answered. */
static void
grow(struct dns_window *w, double rate)
{
	size_t before = w->probe;

	w->loss = 0;
	w->slow = (double)w->size < rate * SLOW ? 0 : w->slow + 1;
	if (w->size < START) {
		w->size += LEAST;
		w->probe = 0;
	} else if (before != 0) {
		w->probe = 0;
		if (rate * (double)before >= w->rate * ((double)before +
		    (GAIN - 1) * (double)(w->size - before)))
			try_more(w, rate, w->size * 2);
		else
			w->size = before;
	} else if (!w->full)
		w->steady = 0;
	else if (w->rate == 0)
		try_more(w, rate, w->size * 2);
	else if (++w->steady >= STEADY_MAX)
		try_more(w, rate, w->size + w->size / 2);
}

/* An epoch has ended in which many were not. */
static void
shrink(struct dns_window *w, double loss)
{
	/* Not because of us, if half as many do as badly. */
	if (w->loss != 0 && loss > w->loss * 3 / 4) {
		w->size = bounded(w->size * 2);
		w->loss = 0;
	} else {
		w->size = bounded(w->size / 2);
		w->loss = loss;
	}
	w->probe = 0;
	w->rate = 0;
}

void
dns_window_count(struct dns_window *w, int answered)
{
	long long t = now_us(), passed;
	unsigned n;

	if (w->since == 0)
		w->since = t;
	if (answered)
		w->answered++;
	else
		w->late++;
	n = w->answered + w->late;
	if (n < w->size || (passed = t - w->since) < EPOCH_US)
		return;
	if (w->late * 4 > n)
		shrink(w, w->late / (double)n);
	else
		grow(w, w->answered * 1e6 / (double)passed);
	w->since = t;
	w->answered = w->late = 0;
	w->full = 0;
}
