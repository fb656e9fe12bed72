/* SPDX-License-Identifier: ISC
 *
 * The jobs by their deadlines, the next one on top.  It never looks at the
 * clock.
 */
#include <stdlib.h>

#include "system/dns_local.h"

static void
place(struct dns_heap *h, size_t i, struct dns_job *job)
{
	h->v[i] = job;
	job->heap = i;
}

static void
up(struct dns_heap *h, size_t i, struct dns_job *job)
{
	for (; i > 1 && h->v[i / 2]->deadline > job->deadline; i /= 2)
		place(h, i, h->v[i / 2]);
	place(h, i, job);
}

static void
down(struct dns_heap *h, size_t i, struct dns_job *job)
{
	size_t child;

	for (; (child = 2 * i) <= h->n; i = child) {
		if (child < h->n && h->v[child + 1]->deadline <
		    h->v[child]->deadline)
			child++;
		if (h->v[child]->deadline >= job->deadline)
			break;
		place(h, i, h->v[child]);
	}
	place(h, i, job);
}

int
dns_heap_room(struct dns_heap *h, size_t n)
{
	struct dns_job **v;

	if (n < h->room)
		return 0;
	if ((v = reallocarray(h->v, n + 64, sizeof(*v))) == NULL)
		return -1;
	h->v = v;
	h->room = n + 64;
	return 0;
}

void
dns_heap_set(struct dns_heap *h, struct dns_job *job)
{
	if (job->heap == 0)
		up(h, ++h->n, job);
	else {
		up(h, job->heap, job);
		down(h, job->heap, job);
	}
}

void
dns_heap_remove(struct dns_heap *h, struct dns_job *job)
{
	size_t i = job->heap;
	struct dns_job *last;

	if (i == 0)
		return;
	job->heap = 0;
	last = h->v[h->n--];
	if (last == job)
		return;
	up(h, i, last);
	down(h, last->heap, last);
}
