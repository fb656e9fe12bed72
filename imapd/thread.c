/* SPDX-License-Identifier: ISC
 *
 * THREAD and UID THREAD (RFC 5256).
 */
#include <stdlib.h>

#include "commands.h"
#include "grammar/thread.h"
#include "sort.h"

static const struct {
	const char	*name;
	enum thread_kind kind;
} kinds[] = {
	{ "ORDEREDSUBJECT", THREAD_ORDEREDSUBJECT },
	{ "REFERENCES", THREAD_REFERENCES },
	{ "REFS", THREAD_REFS },
};
#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static int
put(void *arg, const char *p, size_t n)
{
	struct session *s = arg;

	return stream_write(s->io, p, n);
}

static int
add(struct thread *t, const struct sort_message *m)
{
	struct thread_msg msg = {
		.number = m->number, .reply = m->s.reply, .sent = m->s.sent,
		.id = m->s.id, .subject = m->s.subject,
		.refs = m->s.refs, .nrefs = m->s.nrefs
	};

	return thread_add(t, &msg);
}

static enum reply
do_thread(struct session *s, struct thread *t, const struct numbers *found)
{
	enum mailbox_status status, failed = MAILBOX_OK;
	struct sort_message m;
	size_t i;

	for (i = 0; i < found->n; i++) {
		status = sort_message(s, found->v[i], SORT_WHOLE, &m);
		if (status != MAILBOX_OK)
			failed = status;
		else if (add(t, &m) == -1)
			return REPLY_MEMORY;
	}
	if (thread_end(t) == -1)
		return REPLY_MEMORY;
	if (failed == MAILBOX_OK || failed == MAILBOX_NONE) {
		stream_puts(s->io, found->n > 0 ? "* THREAD " : "* THREAD");
		(void)thread_write(t, put, s);
		stream_puts(s->io, "\r\n");
	}
	return failed == MAILBOX_OK ? REPLY_OK : sort_reply(failed);
}

static enum reply
run(struct session *s, enum thread_kind kind, const struct numbers *found)
{
	struct thread *t;
	enum reply r;
	uint64_t seed;

	arc4random_buf(&seed, sizeof(seed));
	if ((t = thread_new(kind, seed)) == NULL)
		return REPLY_MEMORY;
	r = do_thread(s, t, found);
	thread_free(t);
	return r;
}

enum reply
cmd_thread(struct session *s, struct imap_lex *l)
{
	struct numbers found = { NULL, 0 };
	enum reply r, threaded;
	struct search q;
	size_t i;

	if (imap_lex_need_sp(l) == -1)
		return reply_bad(s, l);
	for (i = 0; i < NKINDS && !imap_lex_word(l, kinds[i].name); i++)
		;
	if (i == NKINDS) {
		imap_lex_fail(l, "unknown threading algorithm");
		return reply_bad(s, l);
	}
	search_init(&q, s);
	r = sort_search(&q, l, &found);
	search_free(&q);
	if (found.v != NULL && (threaded = run(s, kinds[i].kind, &found)) !=
	    REPLY_OK)
		r = threaded;
	numbers_free(&found);
	return r;
}
