/* SPDX-License-Identifier: ISC
 *
 * One line on a terminal.  Nothing of it goes to a file or a pipe, and a job
 * that is soon done shows none.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"
#include "system/clock.h"

#define FIRST_MS	2000	/* when a job is long */
#define NEXT_MS		500

void
progress_begin(struct progress *p, int in, int out)
{
	struct stat st;

	memset(p, 0, sizeof(*p));
	p->on = isatty(STDERR_FILENO) && !isatty(out);
	p->begun = clock_ms();
	p->last = p->begun + FIRST_MS - NEXT_MS;
	if (in != -1 && fstat(in, &st) == 0 && S_ISREG(st.st_mode))
		p->size = (long long)st.st_size;
}

int
progress_ms(const struct progress *p)
{
	long long left = p->last + NEXT_MS - clock_ms();

	return !p->on ? -1 : left < 0 ? 0 : (int)left;
}

void
progress_step(struct progress *p, long long names, long long octets)
{
	char text[120], part[16] = "";
	long long t;
	int n;

	if (!p->on || (t = clock_ms()) < p->last + NEXT_MS)
		return;
	if (p->size > 0 && octets <= p->size)
		snprintf(part, sizeof(part), "%lld%%, ",
		    octets * 100 / p->size);
	n = snprintf(text, sizeof(text), "\r\033[Kmxlookup: %s%lld names, "
	    "%lld a second", part, names, names * 1000 / (t - p->begun));
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) == -1)
		p->on = 0;
	p->shown = 1;
	p->last = t;
}

void
progress_end(struct progress *p)
{
	if (p->shown && write(STDERR_FILENO, "\r\033[K", 4) == -1)
		p->on = 0;
	p->shown = 0;
}
