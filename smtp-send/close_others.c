/* SPDX-License-Identifier: ISC
 *
 * Between the descriptors that are kept all others are closed.
 */
#include <stdlib.h>
#include <unistd.h>

#include "close_others.h"

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void
close_others(int *keep, size_t n)
{
	int from = STDERR_FILENO + 1;
	size_t i;

	qsort(keep, n, sizeof(*keep), by_number);
	for (i = 0; i < n; i++) {
		if (keep[i] < from)
			continue;
		if (keep[i] > from)
			(void)close_range((unsigned)from,
			    (unsigned)keep[i] - 1, 0);
		from = keep[i] + 1;
	}
	(void)close_range((unsigned)from, ~0u, 0);
}
