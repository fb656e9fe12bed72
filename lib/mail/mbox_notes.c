/* SPDX-License-Identifier: ISC
 *
 * What is noted in a message's header, as text and in its place.  Each field
 * has a fixed width, with white space behind it, so that flags change without
 * moving an octet: then a write that a crash tears leaves some of the changes,
 * and never a damaged header.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/mbox_store_local.h"
#include "system/fdio.h"

#define WORDS_STEP	40	/* keywords have room in steps of this */
#define SECTOR		512	/* a disk writes so much at once */

/* Text that is bounded by its making: see MBOX_NOTES_MAX. */
struct text {
	char	*p;
	size_t	 n;
};

static void
add(struct text *t, const char *s)
{
	size_t n = strlen(s);

	memcpy(t->p + t->n, s, n);
	t->n += n;
}

static void
pad(struct text *t, size_t from, size_t width)
{
	while (t->n < from + width)
		t->p[t->n++] = ' ';
}

/* " name" of each keyword of these flags, as far as there is room. */
static void
add_keywords(const struct mbox_store *s, struct text *t, mailbox_flags flags)
{
	size_t limit = t->n + MBOX_WORDS_KEPT - 1;
	int i;

	for (i = 0; i < s->nkeywords; i++) {
		if ((flags & MAILBOX_KEYWORD(i)) == 0 ||
		    t->n + 1 + strlen(s->keywords[i]) > limit)
			continue;
		add(t, " ");
		add(t, s->keywords[i]);
	}
}

static void
add_base(const struct mbox_store *s, struct text *t, bool internal)
{
	char numbers[64];
	size_t start;

	(void)snprintf(numbers, sizeof(numbers), "%s: %u %010u",
	    internal ? "X-IMAP" : "X-IMAPbase", s->validity, s->last);
	add(t, numbers);
	start = t->n;
	add_keywords(s, t, MAILBOX_KEYWORD_FLAGS);
	pad(t, start, ((t->n - start) / WORDS_STEP + 1) * WORDS_STEP);
	add(t, "\n");
}

static void
add_flag(struct text *t, bool there, const char *letter)
{
	if (there)
		add(t, letter);
}

size_t
mbox_notes(const struct mbox_store *s, const struct mbox_rec *r, bool first,
    size_t least, char *to)
{
	struct text t = { to, 0 };
	char uid[32];
	size_t start;

	if (first)
		add_base(s, &t, r->internal);
	if (!r->internal) {
		(void)snprintf(uid, sizeof(uid), "X-UID: %u\n", r->uid);
		add(&t, uid);
	}
	add(&t, "Status: ");
	start = t.n;
	add_flag(&t, r->flags & MAILBOX_SEEN, "R");
	add_flag(&t, r->old, "O");
	pad(&t, start, 2);
	add(&t, "\nX-Status: ");
	start = t.n;
	add_flag(&t, r->flags & MAILBOX_ANSWERED, "A");
	add_flag(&t, r->flags & MAILBOX_DELETED, "D");
	add_flag(&t, r->flags & MAILBOX_FLAGGED, "F");
	add_flag(&t, r->flags & MAILBOX_DRAFT, "T");
	pad(&t, start, 4);
	add(&t, "\nX-Keywords:");
	start = t.n;
	add_keywords(s, &t, r->flags & MAILBOX_KEYWORD_FLAGS);
	if (least == 0)
		pad(&t, start, ((t.n - start) / WORDS_STEP + 1) * WORDS_STEP);
	else if (least <= MBOX_NOTES_MAX)
		pad(&t, 0, least - 1);
	add(&t, "\n");
	return t.n;
}

/*
 * May a be overwritten with b when the write can be torn: are their lines the
 * same, but for what stands behind a colon?
 */
static bool
same_lines(const char *a, const char *b, size_t n)
{
	bool name = true;
	size_t i;

	for (i = 0; i < n; i++) {
		if (a[i] != b[i] && (name || a[i] == '\n' || b[i] == '\n'))
			return false;
		if (b[i] == '\n')
			name = true;
		else if (b[i] == ':')
			name = false;
	}
	return true;
}

int
mbox_notes_in_place(struct mbox_store *s, size_t i, bool write)
{
	const struct mbox_rec *r = &s->v[i];
	char was[MBOX_NOTES_MAX], now[MBOX_NOTES_MAX];
	size_t n = r->notes_len, first = 0, last;
	uint64_t at;
	ssize_t k;

	if (n == 0 || n > sizeof(was) || r->scattered ||
	    mbox_notes(s, r, i == 0, n, now) != n)
		return 0;
	if ((k = fd_pread_all(s->fd, was, n, (off_t)r->notes)) == -1)
		return -1;
	if ((size_t)k < n)
		return 0;
	while (first < n && was[first] == now[first])
		first++;
	if (first == n)
		return 1;
	for (last = n - 1; was[last] == now[last]; last--)
		;
	at = r->notes + first;
	if (at / SECTOR != (r->notes + last) / SECTOR &&
	    !same_lines(was, now, n))
		return 0;
	if (!write)
		return 1;
	for (n = last + 1 - first; n > 0; first += (size_t)k,
	    at += (uint64_t)k, n -= (size_t)k) {
		while ((k = pwrite(s->fd, now + first, n, (off_t)at)) == -1 &&
		    errno == EINTR)
			;
		if (k <= 0)
			return -1;
	}
	return 1;
}
