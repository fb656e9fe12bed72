/* SPDX-License-Identifier: ISC
 *
 * The records of an mbox, from its octets.  It must never give a message a UID
 * that another had.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mail/mbox_store_local.h"
#include "system/fdio.h"
#include "system/log.h"

#define BLOCK		262144
#define UID_ENOUGH	0xfffff000u	/* beyond it UIDs are begun anew */

/* ---- keywords ---- */

/* As IMAP can say it: an atom (RFC 3501, section 9). */
static bool
keyword_ok(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > MBOX_KEYWORD_MAX)
		return false;
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s >= 0x7f || strchr("(){%*\"\\]", *s) !=
		    NULL)
			return false;
	return true;
}

int
mbox_store_keyword(struct mbox_store *s, const char *name, bool create)
{
	int i;

	for (i = 0; i < s->nkeywords; i++)
		if (strcasecmp(s->keywords[i], name) == 0)
			return i;
	if (!create || !mbox_store_keyword_room(s) || !keyword_ok(name) ||
	    (s->keywords[i] = strdup(name)) == NULL)
		return -1;
	return s->nkeywords++;
}

const char *
mbox_store_keyword_name(const struct mbox_store *s, int i)
{
	return i >= 0 && i < s->nkeywords ? s->keywords[i] : NULL;
}

bool
mbox_store_keyword_room(const struct mbox_store *s)
{
	return s->nkeywords < MAILBOX_KEYWORDS_MAX;
}

/* ---- records ---- */

mailbox_flags
mbox_flags_of(struct mbox_store *s, const struct mbox_message *m)
{
	static const struct { unsigned note; mailbox_flags flag; } map[] = {
		{ MBOX_SEEN, MAILBOX_SEEN },
		{ MBOX_ANSWERED, MAILBOX_ANSWERED },
		{ MBOX_FLAGGED, MAILBOX_FLAGGED },
		{ MBOX_DELETED, MAILBOX_DELETED },
		{ MBOX_DRAFT, MAILBOX_DRAFT },
	};
	mailbox_flags flags = 0;
	size_t i;
	int k;

	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (m->flags & map[i].note)
			flags |= map[i].flag;
	for (i = 0; i < m->keywords_len; i += strlen(m->keywords + i) + 1)
		if ((k = mbox_store_keyword(s, m->keywords + i, true)) != -1)
			flags |= MAILBOX_KEYWORD(k);
	return flags;
}

int
mbox_add_record(struct mbox_store *s, const struct mbox_message *m)
{
	struct mbox_rec *v, *r;
	size_t cap;

	if (s->n >= MBOX_STORE_MAX || m->notes_len > UINT32_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (s->n == s->cap) {
		cap = s->cap + s->cap / 2 + 64;
		if ((v = reallocarray(s->v, cap, sizeof(*v))) == NULL)
			return -1;
		s->v = v;
		s->cap = cap;
	}
	r = &s->v[s->n++];
	memset(r, 0, sizeof(*r));
	r->from = m->from;
	r->content = m->content;
	r->end = m->end;
	r->next = m->next;
	r->insert = m->insert;
	r->notes = m->notes;
	r->notes_len = (uint32_t)m->notes_len;
	r->plain = m->plain;
	r->wire = m->wire;
	r->hash = m->hash;
	r->time = m->time;
	r->uid = m->uid;
	r->flags = mbox_flags_of(s, m);
	r->old = (m->flags & MBOX_OLD) != 0;
	r->scattered = m->scattered;
	r->separated = m->separated;
	return 0;
}

/* The first message says what holds for all. */
static void
take_base(struct mbox_store *s, const struct mbox_message *m)
{
	mailbox_flags found = 0;
	size_t i;
	int k;

	s->v[0].internal = m->internal;
	s->base.there = m->based && m->validity != 0 && m->last < UID_ENOUGH;
	s->base.validity = m->validity;
	s->base.last = m->last;
	s->base.keywords = 0;
	for (i = 0; i < m->base_len; i += strlen(m->base + i) + 1) {
		k = mbox_store_keyword(s, m->base + i, true);
		if (k == -1 || (found & MAILBOX_KEYWORD(k)) != 0)
			continue;
		found |= MAILBOX_KEYWORD(k);
		s->base.keywords++;
	}
}

static int
take(struct mbox_store *s, const struct mbox_message *m)
{
	int journal = m->journal ? mbox_journal_is(s->fd, m->from) : 0;

	if (journal == -1)
		return -1;
	if (journal == 1)
		s->journal = m->from;
	if (mbox_add_record(s, m) == -1)
		return -1;
	if (s->n == 1)
		take_base(s, m);
	return 0;
}

static int
scan_with(struct mbox_store *s, struct mbox_split *split, char *block)
{
	uint64_t size = (uint64_t)s->st.st_size, at = split->at;
	const char *p;
	size_t want;
	ssize_t n;

	for (; at < size; at += (uint64_t)n) {
		want = size - at < BLOCK ? (size_t)(size - at) : BLOCK;
		if ((n = fd_pread_all(s->fd, block, want, (off_t)at)) <= 0) {
			if (n == 0)
				errno = ESTALE;
			return -1;
		}
		for (p = block; mbox_split(split, &p, block + n) == 1; )
			if (take(s, &split->done) == -1)
				return -1;
		if (split->junk) {
			errno = EILSEQ;
			return -1;
		}
	}
	if (mbox_split_end(split) == 1 && take(s, &split->done) == -1)
		return -1;
	return 0;
}

int
mbox_scan(struct mbox_store *s, uint64_t from)
{
	struct mbox_split *split = malloc(sizeof(*split));
	char *block = malloc(BLOCK);
	int r = -1;

	while (s->n > 0 && s->v[s->n - 1].from >= from)
		s->n--;
	s->fresh = s->n;
	if (s->n == 0)
		memset(&s->base, 0, sizeof(s->base));
	s->journal = UINT64_MAX;
	if (split != NULL && block != NULL) {
		mbox_split_init(split, from);
		r = scan_with(s, split, block);
	}
	free(split);
	free(block);
	return r;
}

/* ---- UIDs ---- */

struct hashed {
	uint64_t hash;
	uint32_t uid;
};

static int
compare_hashed(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* The least UID above prev that a message of this hash had. */
static uint32_t
had_uid(const struct hashed *h, size_t n, uint64_t hash, uint32_t prev)
{
	size_t low = 0, high = n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (h[mid].hash < hash || (h[mid].hash == hash &&
		    h[mid].uid <= prev))
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && h[low].hash == hash ? h[low].uid : 0;
}

/* UIDs that the file does not say, by what we knew before it was changed. */
static int
match(struct mbox_store *s, const struct mbox_rec *old, size_t nold)
{
	struct hashed *h = reallocarray(NULL, nold + 1, sizeof(*h));
	uint32_t prev = 0, next = UINT32_MAX, uid;
	size_t i, k = 0, after = 0;

	if (h == NULL)
		return -1;
	for (i = 0; i < nold; i++)
		if (old[i].uid != 0)
			h[k++] = (struct hashed){ old[i].hash, old[i].uid };
	qsort(h, k, sizeof(*h), compare_hashed);
	for (i = 0; i < s->n; i++) {
		if (s->v[i].uid != 0) {
			prev = s->v[i].uid;
			continue;
		}
		if (s->v[i].internal)
			continue;
		/* The next UID that the file does say. */
		if (after <= i) {
			for (after = i; after < s->n &&
			    s->v[after].uid == 0; after++)
				;
			next = after < s->n ? s->v[after].uid : UINT32_MAX;
		}
		uid = had_uid(h, k, s->v[i].hash, prev);
		if (uid != 0 && uid < next) {
			s->v[i].uid = prev = uid;
			s->v[i].dirty = true;
		}
	}
	free(h);
	return 0;
}

/* Leave only UIDs that rise and that we may believe. */
static void
check_uids(struct mbox_store *s, bool believe)
{
	uint32_t prev = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (!believe || s->v[i].internal || s->v[i].uid <= prev ||
		    s->v[i].uid > s->last)
			s->v[i].uid = 0;
		else
			prev = s->v[i].uid;
	}
}

/* New ones, for the first record without one and for all behind it. */
static enum mailbox_status
new_uids(struct mbox_store *s)
{
	size_t i = 0;

	while (i < s->n && (s->v[i].uid != 0 || s->v[i].internal))
		i++;
	for (; i < s->n; i++) {
		if (s->last >= UID_ENOUGH + 0xffe)
			return MAILBOX_LIMIT;
		s->v[i].uid = ++s->last;
		s->v[i].dirty = true;
	}
	return MAILBOX_OK;
}

int
mbox_make_view(struct mbox_store *s)
{
	uint32_t *view;
	size_t i;

	s->generation++;
	if (s->n > s->view_cap) {
		view = reallocarray(s->view, s->n, sizeof(*view));
		if (view == NULL)
			return -1;
		s->view = view;
		s->view_cap = s->n;
	}
	s->nview = s->nrecent = 0;
	for (i = 0; i < s->n; i++)
		if (s->v[i].uid != 0 && !s->v[i].internal) {
			s->view[s->nview++] = (uint32_t)i;
			s->nrecent += !s->v[i].old;
		}
	return 0;
}

/* What the session knew of the messages of the last scan, and the file does
 * not say. */
static void
keep_recent(struct mbox_store *s, const struct mbox_rec *old, size_t nold)
{
	size_t i, k = 0;

	for (i = s->fresh; i < s->n; i++) {
		while (k < nold && old[k].uid < s->v[i].uid)
			k++;
		if (k < nold && old[k].uid == s->v[i].uid)
			s->v[i].recent = old[k].recent;
		else
			s->v[i].recent = !s->v[i].old;
	}
}

enum mailbox_status
mbox_number(struct mbox_store *s, const struct mbox_rec *old, size_t nold)
{
	enum mailbox_status status;
	bool known = s->validity != 0;

	if (known && s->base.there && s->base.validity != s->validity)
		return MAILBOX_RESET;
	if (!known)
		s->validity = s->base.there ? s->base.validity :
		    (uint32_t)time(NULL);
	if (s->base.there && s->base.last > s->last)
		s->last = s->base.last;
	check_uids(s, known || s->base.there);
	if (nold > 0 && match(s, old, nold) == -1)
		return mbox_store_errno(s, "memory");
	if ((status = new_uids(s)) != MAILBOX_OK)
		return status;
	keep_recent(s, old, nold);
	if (s->n > 0 && (!s->base.there || s->base.last != s->last ||
	    s->base.keywords != s->nkeywords))
		s->v[0].dirty = true;
	return mbox_make_view(s) == -1 ? mbox_store_errno(s, "memory") :
	    MAILBOX_OK;
}
