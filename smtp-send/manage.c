/* SPDX-License-Identifier: ISC
 *
 * What a person does to messages that wait.  It must never change one without
 * its lock, but for the rename of a retry, nor let go of a recipient whose
 * sender is to be told before that is on disk.
 */
#include <err.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bytes/json.h"
#include "each.h"
#include "list.h"
#include "mail/bounce.h"
#include "manage.h"
#include "system/log.h"
#include "system/sandbox.h"

#define NAP	50000	/* microseconds between two looks */
#define WORDS	"5.3.0 - taken out of the queue by the postmaster"

struct manage {
	struct each	 each;
	const struct settings *settings;
	enum manage_act	 act;
	bool		 json;
	bool		 silent;
	int64_t		 began;
	void		*decided;	/* tsearch(3) of ids */
	unsigned long	 fresh;		/* decided in this walk */
	unsigned long	 busy;		/* of this walk: an agent has it */
	bool		 last;		/* of the walks: say who is busy */
	unsigned long	 done;
	bool		 unsynced;	/* a power cut may undo something */
	bool		 nudge[SPOOL_QUEUES];	/* an agent may have gone past
					 * a message in now/ */
	bool		 refused;	/* an id is not in a state for it */
};

static const char *const done_names[] = {
	[MANAGE_RETRY] = "retried",
	[MANAGE_HOLD] = "held",
	[MANAGE_RELEASE] = "released",
	[MANAGE_DROP] = "dropped",
	[MANAGE_BOUNCE] = "bounced",
};

static int
by_id(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool
is_decided(const struct manage *mg, const char *id)
{
	return tfind(id, &mg->decided, by_id) != NULL;
}

/* No more is to be done to it. */
static void
decide(struct manage *mg, const char *id)
{
	char *copy = strdup(id);

	if (copy == NULL || tsearch(copy, &mg->decided, by_id) == NULL) {
		free(copy);
		err(EX_TEMPFAIL, NULL);
	}
	mg->fresh++;
}

static int
say(struct manage *mg, const char *id, enum manage_act act)
{
	const char *name = done_names[act];
	struct buf b;

	mg->done++;
	if (mg->silent)
		return 0;
	log_info(name, "id=%s by=%u", id, getuid());
	if (!mg->json)
		return printf("%s\t%s\n", id, name) < 0 ? -1 : 0;
	buf_init(&b, 1024);
	buf_adds(&b, "{\"id\":");
	json_adds(&b, id);
	buf_addf(&b, ",\"done\":\"%s\"}\n", name);
	return view_print(&b);
}

/* Nobody knows whose it is; it goes when it is named. */
static int
unreadable(struct each *each, const struct spool_item *it, const char *why)
{
	struct manage *mg = each->arg;

	if (is_decided(mg, it->id))
		return 0;
	decide(mg, it->id);
	if (mg->act == MANAGE_DROP && each->select->ids) {
		if (spool_discard(each->spool, it) == 0)
			return say(mg, it->id, MANAGE_DROP) == -1 ? -1 : 1;
		why = strerror(errno);
	}
	warnx("%s cannot be read: %s", it->id, why);
	return 0;
}

/* It is in no state for it: worth a word to who named it. */
static void
refuse(struct manage *mg, const struct spool_message *m, const char *why)
{
	decide(mg, m->item.id);
	if (!mg->each.select->ids)
		return;
	warnx("%s: %s", m->item.id, why);
	mg->refused = true;
}

/* ---- drop ---- */

/* Is the whole message meant, or some of its recipients? */
static bool
is_whole(const struct manage *mg, const struct envelope *e)
{
	size_t i;

	for (i = 0; i < e->nrcpts; i++)
		if (e->rcpts[i].status != ENVELOPE_DELIVERED &&
		    e->rcpts[i].status != ENVELOPE_BOUNCED &&
		    !select_rcpt(mg->each.select, &e->rcpts[i]))
			return false;
	return true;
}

/* The letters of those who are meant; to is the letter.  The words are for
 * bounce and trace: on a full disk the letter alone is written.  Not synced. */
static int
mark(const struct manage *mg, struct spool_message *m,
    enum envelope_status to, bool words)
{
	struct envelope_rcpt *r;
	size_t i;

	for (i = 0; i < m->env.nrcpts; i++) {
		r = &m->env.rcpts[i];
		if (!select_rcpt(mg->each.select, r) ||
		    (to == ENVELOPE_FAILED && r->status != ENVELOPE_QUEUED &&
		    r->status != ENVELOPE_TRYING))
			continue;
		if (spool_mark(m, i, to, mg->each.now, NULL) == -1)
			return -1;
		if (words)
			(void)spool_mark(m, i, to, mg->each.now, WORDS);
	}
	return 0;
}

/* A bounce that is dropped was given up by a person: the postmaster need not be
 * told. */
static bool
tells(const struct manage *mg, const struct spool_message *m)
{
	return mg->act == MANAGE_BOUNCE && !address_is_null(&m->env.sender);
}

/* A bounce takes the words from the envelope, so that one which was killed
 * before it was made is made by the agent, of what stands there. */
static int
drop(struct manage *mg, struct spool_message *m)
{
	bool whole = is_whole(mg, &m->env), tell = tells(mg, m);

	if (tell) {
		if (mark(mg, m, ENVELOPE_FAILED, true) == -1 ||
		    spool_marks_sync(m) == -1 ||
		    bounce_send(mg->each.spool, mg->settings, m) == -1)
			return -1;
	} else if (m->env_fd != -1 &&
	    mark(mg, m, ENVELOPE_BOUNCED, !whole) == -1)
		return -1;
	if (whole || envelope_done(&m->env)) {
		mg->unsynced |= !tell;
		return tell ? spool_drop(m) : spool_drop_unsynced(m);
	}
	if (spool_marks_sync(m) == -1)
		return -1;
	/* An agent that looked meanwhile went past it. */
	mg->nudge[m->item.queue] |= m->item.bucket == SPOOL_NOW;
	return 0;
}

/* ---- all ---- */

/* Does its sender hold it, and a person means it only with many others? */
static bool
is_scheduled(const struct manage *mg, const struct spool_message *m)
{
	return m->env.hold > mg->each.now && !mg->each.select->ids;
}

/* What it needs no lock to know: false, and it is decided. */
static bool
is_fit(struct manage *mg, const struct spool_message *m)
{
	bool held = m->item.bucket == SPOOL_HELD;

	switch (mg->act) {
	case MANAGE_RETRY:
		if (held)
			refuse(mg, m, "is held: release it with -U");
		else if (is_scheduled(mg, m))
			decide(mg, m->item.id);
		else
			return true;
		return false;
	case MANAGE_HOLD:
		if (held)
			refuse(mg, m, "is held already");
		return !held;
	case MANAGE_RELEASE:
		if (!held)
			refuse(mg, m, "is not held");
		return held;
	case MANAGE_DROP:
	case MANAGE_BOUNCE:
		break;
	}
	return true;
}

/* With its lock, which is gone afterwards. */
static int
act(struct manage *mg, struct spool_message *m)
{
	int r = -1;

	switch (mg->act) {
	case MANAGE_RETRY:
		spool_release(m);
		mg->nudge[m->item.queue] |= m->item.bucket == SPOOL_NOW;
		return spool_retry(m->spool, &m->item);
	case MANAGE_RELEASE:
		mg->unsynced = true;
		return spool_unhold(m, mg->each.now);
	case MANAGE_HOLD:
		mg->unsynced = true;
		r = spool_hold(m, mg->each.now);
		break;
	case MANAGE_DROP:
	case MANAGE_BOUNCE:
		r = drop(mg, m);
		break;
	}
	spool_release(m);
	return r;
}

/* It could not be locked: it went or moved, or an agent is at it. */
static void
not_taken(struct manage *mg, const struct spool_message *m)
{
	struct spool_message again;

	if (spool_look(m->spool, &m->item, &again) != 1) {
		mg->each.gone++;
		return;
	}
	spool_release(&again);
	if (mg->act == MANAGE_RETRY) {
		decide(mg, m->item.id);
		if (!mg->silent)
			warnx("%s: is being delivered now", m->item.id);
		mg->done++;
		return;
	}
	mg->busy++;
	if (mg->last)
		warnx("%s: is being delivered, nothing was changed",
		    m->item.id);
}

/* A bounce of this run, which is not to be dropped with the rest: the id has
 * the process that made it. */
static bool
is_ours(const struct manage *mg, const struct spool_item *it)
{
	char process[32];

	snprintf(process, sizeof(process), "P%ldQ", (long)getpid());
	return it->arrived >= mg->began && strstr(it->id, process) != NULL;
}

static int
one(struct each *each, struct spool_message *seen)
{
	struct manage *mg = each->arg;
	struct spool_message m;
	int saved, got;

	if (is_decided(mg, seen->item.id) || is_ours(mg, &seen->item) ||
	    !is_fit(mg, seen))
		return 0;
	if ((got = spool_take(each->spool, &seen->item, &m)) == 0)
		not_taken(mg, seen);
	if (got == 1 && act(mg, &m) == 0) {
		decide(mg, seen->item.id);
		return say(mg, seen->item.id, mg->act == MANAGE_BOUNCE &&
		    !tells(mg, seen) ? MANAGE_DROP : mg->act);
	}
	saved = errno;
	if (got == 0)
		return 0;
	if (got == 1 && saved == ENOENT) {	/* the next walk finds it */
		each->gone++;
		return 0;
	}
	decide(mg, seen->item.id);
	warnx("%s: %s", seen->item.id, saved == ENOTDIR ?
	    "the spool has no place for what is held: root makes it" :
	    strerror(saved));
	each->trouble = true;
	return 0;
}

static void
nudge(struct manage *mg)
{
	int q;

	for (q = 0; q < SPOOL_QUEUES; q++)
		if (mg->nudge[q])
			(void)spool_nudge(mg->each.spool,
			    (enum spool_queue)q);
	mg->nudge[SPOOL_LOCAL] = mg->nudge[SPOOL_REMOTE] = false;
}

/*
 * Walks until one meets nothing new.  One message that moves meanwhile may
 * slip by a walk, and one that an agent has is looked at again.
 */
static int
walk_all(struct manage *mg)
{
	time_t end = time(NULL) + MANAGE_WAIT;
	int code;

	mg->began = time(NULL);
	do {
		mg->fresh = mg->busy = mg->each.gone = 0;
		if ((code = each_message(&mg->each)) != 0)
			return code;
		nudge(mg);
		if (mg->last)
			break;
		if (mg->busy > 0 || mg->each.gone > 0)
			usleep(NAP);
		mg->last = time(NULL) >= end;
	} while (mg->fresh + mg->busy + mg->each.gone > 0);
	return 0;
}

static int
end(struct manage *mg, int code)
{
	if (mg->unsynced && spool_sync_all(mg->each.spool) == -1) {
		warn("%s", mg->each.spool->path);
		mg->each.trouble = true;
	}
	code = each_end(&mg->each, code);
	if (code == 0 && mg->busy > 0)
		code = EX_TEMPFAIL;
	if (code == 0 && mg->done == 0 && !mg->each.select->ids)
		warnx("nothing of that kind waits");
	if (code == 0 && (mg->refused || mg->done == 0))
		code = 1;
	return code;
}

int
manage(const struct settings *s, struct select *sel, enum manage_act what,
    bool json)
{
	struct sandbox_path paths[] = { { s->spool, SANDBOX_WRITE } };
	struct manage mg = { .settings = s, .act = what, .json = json };
	struct spool sp;
	int code;

	if ((code = list_open(&sp, s)) != 0)
		return code;
	/* What is done to mail is for the log of the mail. */
	log_syslog();
	if (sandbox_agent(paths, 1, false) == -1) {
		warn("sandbox");
		return EX_OSERR;
	}
	mg.each.spool = &sp;
	mg.each.select = sel;
	mg.each.one = one;
	mg.each.unreadable = unreadable;
	mg.each.arg = &mg;
	code = end(&mg, walk_all(&mg));
	tdestroy(mg.decided, free);
	spool_close(&sp);
	return code;
}

void
manage_retry(const struct settings *s, struct select *sel)
{
	struct manage mg = { .settings = s, .act = MANAGE_RETRY,
	    .silent = true, .each = { .select = sel, .one = one,
	    .unreadable = unreadable, .arg = &mg } };
	struct spool sp;
	char error[CONF_ERROR_MAX];

	if (spool_open(&sp, s, error) == -1)
		return;		/* the agent says so */
	mg.each.spool = &sp;
	(void)walk_all(&mg);
	tdestroy(mg.decided, free);
	spool_close(&sp);
}
