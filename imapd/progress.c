/* SPDX-License-Identifier: ISC
 *
 * * OK [INPROGRESS ("tag" done goal)] at most every ten seconds (RFC 9585
 * section 4): nothing at all from a command that is done by then.
 */
#include "grammar/imap_write.h"
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
	struct buf b;

	buf_init(&b, TAG_MAX + 100);
	(void)imap_write_progress(&b, s->tag, done, p->goal);
	stream_printf(s->io, "* OK [%s] Still working\r\n", buf_str(&b));
	(void)stream_flush(s->io);
	buf_free(&b);
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
