/* SPDX-License-Identifier: ISC
 *
 * A user is told that his mailbox comes to be full: see warning.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "deliver.h"
#include "grammar/compose.h"
#include "seen.h"
#include "system/clock.h"
#include "system/log.h"
#include "warning.h"

#define EACH		86400	/* seconds from one to the next */
#define TEXT_MAX	4096

/* Is it this many percent of that? */
static bool
is_over(uint64_t have, uint64_t limit, long long percent)
{
	return limit != 0 && (double)have * 100 >=
	    (double)limit * (double)percent;
}

static bool
comes_over(uint64_t before, uint64_t more, uint64_t limit, long long percent)
{
	return !is_over(before, limit, percent) &&
	    is_over(before + more, limit, percent);
}

bool
warning_is_due(const struct settings *s, const struct quota *q,
    uint64_t bytes)
{
	return s->quota_warning > 0 && q->limits.set &&
	    (comes_over(q->bytes, bytes, q->limits.bytes,
	    s->quota_warning) || comes_over(q->messages, 1,
	    q->limits.messages, s->quota_warning));
}

static int
compose(struct buf *b, const struct settings *s, const struct user *u)
{
	int64_t now = (int64_t)time(NULL);

	(void)compose_begin(b, now, clock_zone(now),
	    (uint64_t)arc4random() << 32 | arc4random(), s->hostname);
	buf_addf(b, "From: Mail delivery <postmaster@%s>\n",
	    s->domains.v[0]);
	buf_addf(b, "To: %s%s%s\n", u->name, strchr(u->name, '@') == NULL ?
	    "@" : "", strchr(u->name, '@') == NULL ? s->domains.v[0] : "");
	buf_adds(b, "Subject: Your mailbox is almost full\n");
	buf_adds(b, "Auto-Submitted: auto-generated\n\n");
	buf_addf(b, "Your mail now fills %lld percent or more of what your "
	    "mailbox may hold.\n\n", s->quota_warning);
	return buf_addf(b, "When it is full, new mail for you is %s.  Delete "
	    "what you do not need\nany more, also from the folder with "
	    "deleted mail.\n", s->quota_tempfail ? "held back" :
	    "sent back");
}

/* Once a day, whatever is deleted and comes again.  In the mailbox, which is
 * open to who delivers there.  1 it was said, 0, -1 it cannot be known. */
static int
was_said(const struct user *u)
{
	static const char *const words[] = { "quota-warning" };
	const char *dir = seen_dir("", u->mailbox);
	int64_t now = (int64_t)time(NULL);
	struct plan_mark mark = { .expires = now + EACH };
	int r;

	if (dir == NULL)
		return -1;
	seen_id(mark.id, words, 1);
	r = seen_test(dir, mark.id, now);
	return r != 0 ? r : seen_mark(dir, &mark, now);
}

static void
put(const struct settings *s, const struct user *u, const struct buf *text,
    struct outcome *o)
{
	static const struct address nobody = { "", "" };
	const struct delivery how = {
		.mailbox = u->mailbox,
		.create = true,
		.from = &nobody,
		.host = s->hostname,
		.size = text->len,
	};
	struct deliver d;

	if (deliver_begin(&d, &how, o) == 0 &&
	    deliver_write(&d, text->data, text->len, o) == 0)
		deliver_end(&d, o);
}

void
warning_send(const struct settings *s, const struct user *u)
{
	struct outcome o = { .kind = OUTCOME_TEMPORARY };
	struct buf text;
	int said = was_said(u);

	if (said == 1)
		return;
	buf_init(&text, TEXT_MAX);
	if (said == -1 || compose(&text, s, u) == -1)
		strlcpy(o.text, "what was said is not known",
		    sizeof(o.text));
	else
		put(s, u, &text, &o);
	if (o.kind == OUTCOME_DELIVERED)
		log_info("quota-warning", "user=%s", log_str(u->name));
	else
		log_warn("quota-warning", "user=%s error=%s",
		    log_str(u->name), log_str(o.text));
	buf_free(&text);
}
