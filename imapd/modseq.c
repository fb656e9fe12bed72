/* SPDX-License-Identifier: ISC
 *
 * CONDSTORE and QRESYNC (RFC 7162): what a session says of modification
 * sequences, and of messages expunged while the client was away.  No
 * modification sequence may be told that is not on disk.
 */
#include <stdlib.h>

#include "session.h"

enum { VANISHED_MAX = 64 << 20 };	/* octets of one answer */

bool
modseq_ready(struct session *s)
{
	return (s->enabled & ENABLED_CONDSTORE) && s->box != NULL &&
	    !s->nomodseq && mailbox_modseq_sync(s->box) == 0;
}

void
modseq_tell(struct session *s)
{
	s->nomodseq = mailbox_modseq_sync(s->box) == -1;
	if (s->nomodseq)
		stream_puts(s->io, "* OK [NOMODSEQ] "
		    "Changes are not numbered here\r\n");
	else
		stream_printf(s->io, "* OK [HIGHESTMODSEQ %llu] Highest\r\n",
		    (unsigned long long)mailbox_modseq_told(s->box));
}

enum reply
modseq_enable(struct session *s)
{
	bool first = !(s->enabled & ENABLED_CONDSTORE);

	s->enabled |= ENABLED_CONDSTORE;
	if (s->box == NULL)
		return REPLY_OK;
	if (first && !s->nomodseq)
		modseq_tell(s);
	return s->nomodseq ? REPLY_NOMODSEQ : REPLY_OK;
}

void
modseq_code(struct session *s)
{
	if (s->enabled & ENABLED_QRESYNC && modseq_ready(s) &&
	    s->code.len == 0)
		buf_addf(&s->code, "HIGHESTMODSEQ %llu",
		    (unsigned long long)mailbox_modseq_told(s->box));
}

/* ---- VANISHED (EARLIER) ---- */

struct vanished {
	const struct imap_set *uids;
	uint32_t	*v;
	size_t		 n, cap;
};

static int
take_uid(void *arg, uint32_t uid)
{
	struct vanished *v = arg;
	uint32_t *more;
	size_t cap;

	if (v->uids != NULL && !imap_set_has(v->uids, uid))
		return 0;
	if (v->n == v->cap) {
		cap = v->cap == 0 ? 64 : v->cap * 2;
		more = reallocarray(v->v, cap, sizeof(*more));
		if (more == NULL)
			return -1;
		v->v = more;
		v->cap = cap;
	}
	v->v[v->n++] = uid;
	return 0;
}

static int
compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Those the journal remembers, as a set. */
static int
remembered(struct vanished *v, struct imap_set *set)
{
	size_t i;

	if (v->n > 0)
		qsort(v->v, v->n, sizeof(*v->v), compare_uids);
	for (i = 0; i < v->n; i++)
		if ((i == 0 || v->v[i] != v->v[i - 1]) &&
		    imap_set_add(set, v->v[i]) == -1)
			return -1;
	return 0;
}

/* UIDs from lo to hi that no message has. */
static int
add_missing(struct mailbox *box, struct imap_set *set, uint32_t lo,
    uint32_t hi)
{
	uint32_t seq = mailbox_seq_from(box, lo), count = mailbox_count(box);
	struct mailbox_msg m;

	for (; seq <= count; seq++) {
		mailbox_msg(box, seq, &m);
		if (m.uid > hi)
			break;
		if (m.uid > lo && imap_set_add_range(set, lo, m.uid - 1) == -1)
			return -1;
		if (m.uid == UINT32_MAX)
			return 0;
		lo = m.uid + 1;
	}
	return lo <= hi ? imap_set_add_range(set, lo, hi) : 0;
}

/* All that are not there, of those the client may have known. */
static int
all_missing(struct mailbox *box, const struct imap_set *uids, uint32_t known,
    struct imap_set *set)
{
	struct imap_range all = { 1, UINT32_MAX };
	struct imap_set every = { &all, 1, 0 };
	uint32_t lo, hi, last = mailbox_uidnext(box) - 1;
	size_t i;

	if (uids == NULL)
		uids = &every;
	for (i = 0; i < uids->n; i++) {
		lo = uids->r[i].lo > known ? uids->r[i].lo : known + 1;
		hi = uids->r[i].hi < last ? uids->r[i].hi : last;
		if (lo <= hi && add_missing(box, set, lo, hi) == -1)
			return -1;
	}
	return 0;
}

static enum reply
tell_vanished(struct session *s, const struct imap_set *set)
{
	enum reply r = REPLY_OK;
	struct buf b;

	buf_init(&b, VANISHED_MAX);
	if (set->n > 0) {
		buf_adds(&b, "* VANISHED (EARLIER) ");
		if (imap_set_write(&b, set) == -1 ||
		    buf_adds(&b, "\r\n") == -1)
			r = REPLY_MEMORY;
		else
			stream_write(s->io, b.data, b.len);
	}
	buf_free(&b);
	return r;
}

enum reply
modseq_vanished(struct session *s, const struct imap_set *uids,
    uint64_t since, uint32_t known)
{
	struct vanished v = { uids, NULL, 0, 0 };
	enum mailbox_status status;
	enum reply r = REPLY_MEMORY;
	struct imap_set set;
	int made = -1;

	imap_set_init(&set);
	status = mailbox_vanished(s->box, since, take_uid, &v);
	if (status == MAILBOX_OK)
		made = remembered(&v, &set);
	else if (status == MAILBOX_NONE)
		made = all_missing(s->box, uids, known, &set);
	else
		r = reply_mailbox(status);
	if (made == 0)
		r = tell_vanished(s, &set);
	free(v.v);
	imap_set_free(&set);
	return r;
}
