/* SPDX-License-Identifier: ISC
 *
 * Waiting for the client while mailboxes change.  It must cost nothing while
 * nothing happens: there is one wait, with the nearest of three times.
 */
#include "system/clock.h"
#include "waiting.h"

/* Times of clock_ms(). */
struct alarms {
	long long	 end;		/* of the session, for want of input */
	long long	 hello;		/* a word, so that what stands between
					 * us and the client keeps the
					 * connection; 0: never */
	long long	 look;		/* at mailboxes */
};

static long long
first_alarm(const struct alarms *a)
{
	long long first = a->end < a->look ? a->end : a->look;

	return a->hello != 0 && a->hello < first ? a->hello : first;
}

/* Tell what changed; and what then tells of the next change. */
static void
look(struct session *s, enum waiting how, struct alarms *a,
    struct notify_watch *w)
{
	bool delayed;

	notify_tell(s);
	if (s->state == STATE_SELECTED && notify_selected(s, &delayed) != 0) {
		s->waiting = true;
		sync_mailbox(s, how == WAITING_IDLE || !delayed);
		s->waiting = false;
	}
	notify_watch(s, w);
	a->look = clock_ms() + w->ms;
}

static void
say_hello(struct session *s, struct alarms *a, long long now)
{
	if (a->hello == 0 || now < a->hello)
		return;
	stream_puts(s->io, "* OK Still here\r\n");
	a->hello = now + s->settings->idle_notify * 1000;
}

enum stream_status
waiting_for_input(struct session *s, enum waiting how)
{
	long long now = clock_ms();
	struct alarms a = { .end = now + session_silence(s) };
	enum stream_status status;
	struct notify_watch w;
	size_t which;

	if (how == WAITING_IDLE && s->settings->idle_notify > 0)
		a.hello = now + s->settings->idle_notify * 1000;
	/* What comes after the first look must wake us. */
	notify_watch(s, &w);
	do {
		look(s, how, &a, &w);
		if (s->state == STATE_OVER)
			return STREAM_RESET;
		now = clock_ms();
		if (now >= a.end)
			return STREAM_TIMEOUT;
		say_hello(s, &a, now);
		/* 0 would be no limit at all. */
		stream_set_timeout(s->io, first_alarm(&a) <= now ? 1 :
		    (int)(first_alarm(&a) - now));
		status = stream_wait(s->io, w.fd, w.n, &which);
		stream_set_timeout(s->io, session_silence(s));
	} while (status == STREAM_WAKE || status == STREAM_TIMEOUT);
	return status;
}
