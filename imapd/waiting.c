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
	long long	 look;		/* at mailboxes; 0: not */
};

static long long
first_alarm(const struct alarms *a)
{
	long long first = a->end;

	if (a->hello != 0 && a->hello < first)
		first = a->hello;
	if (a->look != 0 && a->look < first)
		first = a->look;
	return first;
}

/* See what changed, and when to look again.  The descriptor that tells of it
 * sooner, or -1. */
static int
look(struct session *s, struct alarms *a)
{
	int fd = -1, ms;

	a->look = 0;
	if (s->state != STATE_SELECTED)
		return -1;
	/* First the watch: what comes after the look must wake us. */
	(void)mailbox_watch(s->box, &ms);
	s->waiting = true;
	sync_mailbox(s, true);
	s->waiting = false;
	if (s->state != STATE_SELECTED)
		return -1;
	fd = mailbox_watch(s->box, &ms);
	a->look = clock_ms() + ms;
	return fd;
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
	size_t which;
	int fd;

	if (how == WAITING_IDLE && s->settings->idle_notify > 0)
		a.hello = now + s->settings->idle_notify * 1000;
	do {
		fd = look(s, &a);
		if (s->state == STATE_OVER)
			return STREAM_RESET;
		now = clock_ms();
		if (now >= a.end)
			return STREAM_TIMEOUT;
		say_hello(s, &a, now);
		/* 0 would be no limit at all. */
		stream_set_timeout(s->io, (int)(first_alarm(&a) - now) + 1);
		status = stream_wait(s->io, &fd, fd == -1 ? 0 : 1, &which);
		stream_set_timeout(s->io, session_silence(s));
	} while (status == STREAM_WAKE || status == STREAM_TIMEOUT);
	return status;
}
