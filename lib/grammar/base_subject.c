/* SPDX-License-Identifier: ISC
 *
 * RFC 5256, sections 2.1 and 5:
 *
 *	subject      = *subj-leader [subj-middle] *subj-trailer
 *	subj-refwd   = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"
 *	subj-blob    = "[" *BLOBCHAR "]" *WSP
 *	subj-fwd     = subj-fwd-hdr subject subj-fwd-trl
 *	subj-fwd-hdr = "[fwd:"
 *	subj-fwd-trl = "]"
 *	subj-leader  = (*subj-blob subj-refwd) / WSP
 *	subj-trailer = "(fwd)" / WSP
 *	BLOBCHAR     = any but "[" and "]"
 */
#include <string.h>

#include "grammar/base_subject.h"
#include "grammar/chars.h"
#include "grammar/mime_words.h"

struct text {
	const char	*p, *end;
	int		 reply;
};

static const char *
skip_wsp(const char *p, const char *end)
{
	while (p < end && *p == ' ')
		p++;
	return p;
}

/* subj-blob at p: behind it, or NULL. */
static const char *
blob(const char *p, const char *end)
{
	if (p == end || *p != '[')
		return NULL;
	for (p++; p < end && *p != '[' && *p != ']'; p++)
		;
	return p < end && *p == ']' ? skip_wsp(p + 1, end) : NULL;
}

/* subj-refwd at p: behind it, or NULL. */
static const char *
refwd(const char *p, const char *end)
{
	const char *q;

	if (chars_begin(p, end, "re"))
		p += 2;
	else if (chars_begin(p, end, "fwd"))
		p += 3;
	else if (chars_begin(p, end, "fw"))
		p += 2;
	else
		return NULL;
	p = skip_wsp(p, end);
	if ((q = blob(p, end)) != NULL)
		p = q;
	return p < end && *p == ':' ? p + 1 : NULL;
}

/* Step 2. */
static void
cut_trailers(struct text *t)
{
	for (;;) {
		if (t->end > t->p && t->end[-1] == ' ')
			t->end--;
		else if (t->end - t->p >= 5 && chars_begin(t->end - 5, t->end,
		    "(fwd)")) {
			t->end -= 5;
			t->reply = 1;
		} else
			break;
	}
}

/* Steps 3 to 5.  A row of blobs is walked once: what stands behind it is a
 * subj-refwd, and all goes, or it is none, and the blobs go as long as something
 * is left. */
static void
cut_leaders(struct text *t)
{
	const char *p, *last, *q;

	for (;;) {
		t->p = skip_wsp(t->p, t->end);
		for (p = last = t->p; (q = blob(p, t->end)) != NULL; p = q)
			last = p;
		if ((q = refwd(p, t->end)) != NULL) {
			t->p = q;
			t->reply = 1;
			continue;
		}
		/* The last blob is the base when nothing else is. */
		t->p = p < t->end ? p : last;
		return;
	}
}

/* Step 6. */
static int
cut_forward(struct text *t)
{
	if (!chars_begin(t->p, t->end, "[fwd:") || t->end[-1] != ']')
		return 0;
	t->p += 5;
	t->end--;
	t->reply = 1;
	return 1;
}

/* Step 1: tabs and what unfolding left become single spaces, in place. */
static size_t
squeeze(char *s, size_t n)
{
	size_t i, to = 0;
	char c;

	for (i = 0; i < n; i++) {
		c = s[i];
		if (c == '\t' || c == '\r' || c == '\n')
			c = ' ';
		if (c != ' ' || to == 0 || s[to - 1] != ' ')
			s[to++] = c;
	}
	return to;
}

int
base_subject(struct buf *b, const char *s, size_t n, int *reply)
{
	size_t start = b->len;
	struct text t = { 0 };

	*reply = 0;
	if (n == 0)
		return 0;
	if (mime_words_decode(b, s, n) == -1)
		return -1;
	if (b->len == start)
		return 0;
	b->len = start + squeeze(b->data + start, b->len - start);
	t.p = b->data + start;
	t.end = b->data + b->len;
	do {
		cut_trailers(&t);
		cut_leaders(&t);
	} while (cut_forward(&t));
	*reply = t.reply;
	n = (size_t)(t.end - t.p);
	memmove(b->data + start, t.p, n);
	b->len = start + n;
	return 0;
}
