/* SPDX-License-Identifier: ISC
 *
 * Flags in both directions, and what the server says unasked (RFC 3501 section
 * 5.2, 7.2.6, 7.3, 7.4.1).
 */
#include "fetch.h"
#include "grammar/imap_notify.h"
#include "grammar/imap_write.h"
#include "keywords.h"
#include "session.h"
#include "system/clock.h"

static const struct {
	mailbox_flags	 mailbox;
	unsigned	 imap;
} system_flags[] = {
	{ MAILBOX_ANSWERED, IMAP_ANSWERED },
	{ MAILBOX_FLAGGED, IMAP_FLAGGED },
	{ MAILBOX_DELETED, IMAP_DELETED },
	{ MAILBOX_SEEN, IMAP_SEEN },
	{ MAILBOX_DRAFT, IMAP_DRAFT },
};

#define NFLAGS	(sizeof(system_flags) / sizeof(system_flags[0]))

enum reply
keywords_flags(struct mailbox *box, const struct imap_flags *f, bool create,
    mailbox_flags *out)
{
	size_t i;
	int k;

	*out = 0;
	for (i = 0; i < NFLAGS; i++)
		if (f->system & system_flags[i].imap)
			*out |= system_flags[i].mailbox;
	for (i = 0; i < f->nkeywords; i++) {
		k = mailbox_keyword(box, f->keyword[i].s, create);
		if (k != -1)
			*out |= MAILBOX_KEYWORD(k);
		else if (create)
			return REPLY_KEYWORDS;
	}
	return REPLY_OK;
}

unsigned
keywords_system(const struct mailbox_msg *m)
{
	unsigned flags = m->recent ? IMAP_RECENT : 0;
	size_t i;

	for (i = 0; i < NFLAGS; i++)
		if (m->flags & system_flags[i].mailbox)
			flags |= system_flags[i].imap;
	return flags;
}

void
sync_write_flags(const struct session *s, struct buf *b,
    const struct mailbox_msg *m)
{
	mailbox_flags keywords = m->flags & MAILBOX_KEYWORD_FLAGS;
	unsigned system = keywords_system(m);
	size_t start = b->len;
	const char *name;
	int i;

	/* RFC 9051 appendix E, 12 */
	if (s->enabled & ENABLED_REV2)
		system &= ~(unsigned)IMAP_RECENT;
	imap_write_flags(b, system);
	for (i = 0; keywords >> 8 >> i != 0; i++) {
		if (!(keywords & MAILBOX_KEYWORD(i)) ||
		    (name = mailbox_keyword_name(s->box, i)) == NULL)
			continue;
		if (b->len > start)
			buf_addc(b, ' ');
		buf_adds(b, name);
	}
}

void
sync_begin(const struct session *s, struct buf *b, uint32_t seq, uint32_t uid)
{
	bool uidonly = (s->enabled & ENABLED_UIDONLY) != 0;

	buf_add(b, "* ", 2);
	buf_addu(b, uidonly ? uid : seq);
	buf_adds(b, uidonly ? " UIDFETCH (" : " FETCH (");
}

unsigned
sync_what(struct session *s)
{
	unsigned what = SYNC_FLAGS;

	if (s->uid || s->enabled & (ENABLED_REV2 | ENABLED_CONDSTORE))
		what |= SYNC_UID;
	if (modseq_ready(s))
		what |= SYNC_MODSEQ;
	return what;
}

void
sync_message(struct session *s, uint32_t seq, unsigned what)
{
	struct mailbox_msg m;
	struct buf b;

	mailbox_msg(s->box, seq, &m);
	buf_init(&b, STREAM_BUFFER);
	sync_begin(s, &b, seq, m.uid);
	if (what & SYNC_FLAGS) {
		buf_adds(&b, "FLAGS (");
		sync_write_flags(s, &b, &m);
		buf_adds(&b, ") ");
	}
	if (what & SYNC_UID)
		buf_addf(&b, "UID %u ", m.uid);
	if (what & SYNC_MODSEQ)
		buf_addf(&b, "MODSEQ (%llu) ", (unsigned long long)m.modseq);
	b.data[b.len - 1] = ')';
	buf_adds(&b, "\r\n");
	stream_write(s->io, b.data, b.len);
	buf_free(&b);
}

/* FLAGS and PERMANENTFLAGS: what messages here may have. */
void
sync_tell_flags(struct session *s)
{
	struct mailbox_msg all = { .flags = ~(mailbox_flags)0 };
	struct buf b;

	buf_init(&b, STREAM_BUFFER / 2);
	sync_write_flags(s, &b, &all);
	stream_printf(s->io, "* FLAGS (%s)\r\n", buf_str(&b));
	if (mailbox_readonly(s->box))
		stream_puts(s->io, "* OK [PERMANENTFLAGS ()] "
		    "No changes here\r\n");
	else
		stream_printf(s->io, "* OK [PERMANENTFLAGS (%s%s)] "
		    "These are kept\r\n", buf_str(&b),
		    mailbox_keyword_room(s->box) ? " \\*" : "");
	buf_free(&b);
}

/* RFC 7162 3.2.10: "* VANISHED" and a set; they fall. */
static void
tell_vanished(struct session *s, const uint32_t *uids, size_t n)
{
	const char *before = "* VANISHED ";
	uint32_t lo, hi;

	while (n > 0) {
		lo = hi = uids[--n];
		while (n > 0 && uids[n - 1] == hi + 1)
			hi = uids[--n];
		stream_printf(s->io, hi > lo ? "%s%u:%u" : "%s%u", before, lo,
		    hi);
		before = ",";
	}
	stream_puts(s->io, "\r\n");
}

static void
tell_expunged(struct session *s, const struct mailbox_diff *diff)
{
	size_t i;

	if (diff->nexpunged == 0)
		return;
	if (s->enabled & ENABLED_UIDONLY ||
	    (s->enabled & ENABLED_QRESYNC && !s->nomodseq)) {
		tell_vanished(s, diff->expunged_uids, diff->nexpunged);
		return;
	}
	for (i = 0; i < diff->nexpunged; i++)
		stream_printf(s->io, "* %u EXPUNGE\r\n", diff->expunged[i]);
}

/* Of what kinds of events the client is to be told; a command that tells of
 * its own work tells of all. */
static unsigned
events_wanted(const struct session *s)
{
	bool delayed;
	unsigned events = notify_selected(s, &delayed);

	return events == 0 ? IMAP_NOTIFY_MESSAGES : events;
}

static void
tell_changed(struct session *s, const struct mailbox_diff *diff)
{
	unsigned what;
	size_t i;

	if (diff->nchanged == 0 || !(events_wanted(s) & IMAP_NOTIFY_FLAGS))
		return;
	what = sync_what(s);
	/* RFC 5465 5.1 */
	if (s->notify != NULL)
		what |= SYNC_UID;
	for (i = 0; i < diff->nchanged; i++)
		sync_message(s, diff->changed[i], what);
}

void
sync_mailbox(struct session *s, bool expunge)
{
	struct mailbox_diff diff = { 0 };
	enum mailbox_status status;
	uint32_t before = mailbox_count(s->box);

	s->synced = clock_ms();
	status = mailbox_refresh(s->box, (expunge ? 0 : MAILBOX_NO_EXPUNGE) |
	    (s->waiting ? MAILBOX_WAITING : 0), &diff);
	if (status == MAILBOX_RESET) {
		/* RFC 9051 section 3 (6).  IMAP4rev1 has nothing for it but
		 * the end of the session. */
		if (s->enabled & ENABLED_REV2)
			session_closed(s);
		else
			reply_bye(s, BYE_RESET);
		return;
	}
	if (status == MAILBOX_TEMPORARY)
		return;
	tell_expunged(s, &diff);
	if (diff.exists)
		stream_printf(s->io, "* %u EXISTS\r\n",
		    mailbox_count(s->box));
	/* RFC 9051 appendix E, 12: there is no RECENT. */
	if (diff.recent && !(s->enabled & ENABLED_REV2))
		stream_printf(s->io, "* %u RECENT\r\n",
		    mailbox_recent(s->box));
	if (diff.keywords)
		sync_tell_flags(s);
	tell_changed(s, &diff);
	/* RFC 5465 5.2 */
	if (diff.exists && !s->own && notify_fetch(s) != NULL)
		fetch_unasked(s, notify_fetch(s),
		    before - (uint32_t)diff.nexpunged + 1);
	/* RFC 7162 3.2: what it was told must not hide an expunge that it was
	 * not told. */
	if (!expunge && s->enabled & ENABLED_QRESYNC && !s->nomodseq &&
	    mailbox_modseq_told(s->box) < mailbox_modseq(s->box))
		modseq_tell(s);
}
