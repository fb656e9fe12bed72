/* SPDX-License-Identifier: ISC
 *
 * * OK [INPROGRESS ("tag" done goal)] at most every ten seconds (RFC 9585
 * section 4): nothing at all from a command that is done by then.
 */
#include <stdio.h>
#include <string.h>

#include "progress.h"
#include "session.h"

enum { PROGRESS_SECONDS = 10 };

void
progress_begin(struct progress *p, struct session *s, uint32_t goal)
{
	p->session = s;
	p->goal = goal;
	(void)clock_gettime(CLOCK_MONOTONIC, &p->told);
}

static void
tell(const struct progress *p, uint32_t done)
{
	struct session *s = p->session;
	char tag[TAG_MAX + 3] = "NIL";

	/* inprogress-tag = quoted / nil: a "]" would end the response code. */
	if (s->tag[0] != '\0' && strchr(s->tag, ']') == NULL)
		(void)snprintf(tag, sizeof(tag), "\"%s\"", s->tag);
	/* What has been done is less than the goal. */
	if (p->goal > 0)
		stream_printf(s->io, "* OK [INPROGRESS (%s %u %u)] Still "
		    "working\r\n", tag, done < p->goal ? done : p->goal - 1,
		    p->goal);
	else
		stream_printf(s->io, "* OK [INPROGRESS (%s %u NIL)] Still "
		    "working\r\n", tag, done);
	(void)stream_flush(s->io);
}

void
progress_step(struct progress *p, uint32_t done)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - p->told.tv_sec < PROGRESS_SECONDS)
		return;
	p->told = now;
	tell(p, done);
}
