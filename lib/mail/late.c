/* SPDX-License-Identifier: ISC
 *
 * What is too late.  It must never give up a recipient that may be with
 * another host already (ENVELOPE_TRYING), and tells the sender of a delay once
 * for each reason.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "mail/bounce.h"
#include "mail/late.h"
#include "system/log.h"

/* From when on its age counts; not that in which a person kept it back. */
static int64_t
born(const struct spool_message *m)
{
	return (m->env.hold > m->item.arrived ? m->env.hold :
	    m->item.arrived) + m->env.held;
}

/* Why, and what was said at the last try, if there was one. */
static void
last_words(char *words, size_t size, const char *why,
    const struct envelope_rcpt *r)
{
	char last[ENVELOPE_TEXT - 128];
	struct envelope_words w;

	envelope_words_parse(&w, r->reply);
	if (w.status[0] == '\0')
		strlcpy(last, w.reply, sizeof(last));
	else
		envelope_words_text(last, sizeof(last), w.status, w.host, "",
		    w.reply);
	snprintf(words, size, "%s%s%s", why, last[0] == '\0' ? "" :
	    "; the last try said: ", last);
}

/* How long it is tried; a report, which nobody waits for, the shorter time. */
static int64_t
lifetime(const struct settings *s, const struct spool_message *m)
{
	return address_is_null(&m->env.sender) &&
	    s->bounce_lifetime < s->queue_lifetime ? s->bounce_lifetime :
	    s->queue_lifetime;
}

static int
give_up(struct spool_message *m, int64_t now, const char *why)
{
	char words[ENVELOPE_TEXT], to[ADDRESS_TEXT_MAX];
	const struct envelope_rcpt *r;
	size_t i;
	int done = 0;

	for (i = 0; i < m->env.nrcpts; i++) {
		r = &m->env.rcpts[i];
		if (r->status != ENVELOPE_QUEUED)
			continue;
		last_words(words, sizeof(words), why, r);
		if (spool_mark(m, i, ENVELOPE_FAILED, now, words) == -1)
			done = -1;
		log_info("expired", "id=%s to=%s reply=%s", m->item.id,
		    log_str(address_text(&r->addr, to)), log_str(words));
	}
	return done;
}

static bool
is_waiting(const struct envelope *e)
{
	return envelope_count(e, ENVELOPE_QUEUED) +
	    envelope_count(e, ENVELOPE_TRYING) > 0;
}

static int
warn_sender(const struct spool *spool, const struct settings *s,
    struct spool_message *m)
{
	if (!is_waiting(&m->env))
		return 0;
	return bounce_delay(spool, s, m, born(m) + lifetime(s, m));
}

int
late_by(const struct spool *spool, const struct settings *s,
    struct spool_message *m, int64_t now)
{
	const struct envelope *e = &m->env;

	if (e->by == 0 || e->by > now)
		return 0;
	if (e->by_mode == 'R')
		return give_up(m, now, "5.4.7 - not delivered by the time "
		    "that the sender named");
	return e->warned >= e->by ? 0 : warn_sender(spool, s, m);
}

int
late_age(const struct spool *spool, const struct settings *s,
    struct spool_message *m, int64_t now)
{
	int64_t age = now - born(m);

	if (age > lifetime(s, m))
		return give_up(m, now, "4.4.7 - not delivered in time");
	if (s->delay_warning == 0 || age < s->delay_warning ||
	    m->env.warned != 0)
		return 0;
	return warn_sender(spool, s, m);
}

int64_t
late_next(const struct spool_message *m, int64_t now, int64_t first,
    int64_t most)
{
	int64_t due = spool_wait(born(m), now, first, most);

	return m->env.by > now && m->env.by < due ? m->env.by : due;
}
