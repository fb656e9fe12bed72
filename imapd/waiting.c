/* SPDX-License-Identifier: ISC
 *
 * Waiting for the client while mailboxes change.  It must cost nothing while
 * nothing happens: there is one wait, with the nearest of three times.
 */
#include "system/clock.h"
#include "system/memory.h"
#include "waiting.h"

/* Nothing happens: what is not needed for waiting is given back. */
static void
waiting_rest(struct session *s)
{
	buf_free(&s->command);
	buf_free(&s->code);
	if (s->box != NULL) {
		session_learn(s);
		mailbox_rest(s->box);
	}
	memory_rest();
}

/* Times of clock_ms(). */
struct alarms {
	long long	 end;		/* of the session, for want of input */
	long long	 hello;		/* a word, so that what stands between
					 * us and the client keeps the
					 * connection; 0: never */
	long long	 look;		/* at mailboxes */
	long long	 rest;		/* nothing happened: memory is given
					 * back; 0: it was */
};

static long long
first_alarm(const struct alarms *a)
{
	long long first = a->end < a->look ? a->end : a->look;

	if (a->hello != 0 && a->hello < first)
		first = a->hello;
	return a->rest != 0 && a->rest < first ? a->rest : first;
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
	a->rest = clock_ms() + MEMORY_REST;
}

/* Wait for input, or a sign, or the first of the times. */
static enum stream_status
wait_some(struct session *s, struct alarms *a, const struct notify_watch *w)
{
	enum stream_status status;
	long long now = clock_ms();
	size_t which;

	for (;;) {
		/* 0 would be no limit at all. */
		stream_set_timeout(s->io, first_alarm(a) <= now ? 1 :
		    (int)(first_alarm(a) - now));
		status = stream_wait(s->io, w->fd, w->n, &which);
		stream_set_timeout(s->io, session_silence(s));
		now = clock_ms();
		if (status != STREAM_TIMEOUT || a->rest == 0 || now < a->rest)
			return status;
		waiting_rest(s);
		a->rest = 0;
	}
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
		status = wait_some(s, &a, &w);
	} while (status == STREAM_WAKE || status == STREAM_TIMEOUT);
	return status;
}

bool
waiting_quiet(struct session *s, int ms)
{
	enum stream_status status;

	stream_set_timeout(s->io, ms);
	status = stream_wait(s->io, NULL, 0, NULL);
	stream_set_timeout(s->io, session_silence(s));
	return status == STREAM_TIMEOUT;
}

/* Under NOTIFY all is told at any time; else memory is given back. */
void
waiting_for_command(struct session *s)
{
	enum stream_status status;

	if (s->door != NULL || stream_pending(s->io) > 0)
		return;
	if (s->notify != NULL) {
		status = waiting_for_input(s, WAITING_COMMAND);
		if (status == STREAM_TIMEOUT || status == STREAM_EXPIRED)
			reply_bye(s, BYE_TIMEOUT);
		return;
	}
	if (session_silence(s) > MEMORY_REST && waiting_quiet(s, MEMORY_REST))
		waiting_rest(s);
}
