/* SPDX-License-Identifier: ISC
 *
 * Patterns with "*" and "?": see grammar/glob.h.  Between two "*" stands a
 * piece that is looked for from left to right, at the first place where it is;
 * only the last one must stand at the end.  Nothing is ever tried again, so
 * there is nothing to go back to.
 */
#include <string.h>

#include "bytes/casemap.h"
#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/glob.h"

enum { LITERAL, ONE, MANY };

/* A text on its way through a pattern. */
struct walk {
	const struct glob	*g;
	const char		*v;	/* the text, mapped */
	size_t			 n;
	const unsigned char	*starts; /* bits: here a character begins; NULL:
					  * everywhere */
	uint64_t		*work;
	struct glob_span	*span;	/* places in v */
	size_t			 nspan;
	size_t			 wild;	/* of the next wildcard */
};

/* ---- the pattern ---- */

/* A literal octet, or all that a character becomes. */
static void
add_literals(struct glob *g, const char *s, size_t n)
{
	size_t before = g->text.len, i;

	if (g->mode == GLOB_UNICODE)
		casemap_add(&g->text, s, n);
	else if (g->mode == GLOB_ASCII)
		buf_addc(&g->text, (char)char_lower(*s));
	else
		buf_addc(&g->text, *s);
	for (i = before; i < g->text.len; i++)
		buf_addc(&g->kind, LITERAL);
}

static void
add_wild(struct glob *g, char c)
{
	buf_addc(&g->text, c);
	buf_addc(&g->kind, c == '*' ? MANY : ONE);
}

/* The octets of the character at s. */
static size_t
char_len(const struct glob *g, const char *s, const char *end)
{
	uint32_t c;
	size_t n = 1;

	if (g->mode == GLOB_UNICODE && (n = utf8_next(s, end, &c)) == 0)
		n = 1;
	return n;
}

int
glob_init(struct glob *g, enum glob_mode mode, const char *s, size_t n)
{
	const char *end = n > 0 ? s + n : s;
	size_t k;

	g->mode = mode;
	buf_init(&g->text, CASEMAP_MAX * n + 1);
	buf_init(&g->kind, CASEMAP_MAX * n + 1);
	while (s < end) {
		if (*s == '*' || *s == '?') {
			add_wild(g, *s++);
			continue;
		}
		if (*s == '\\' && s + 1 < end)
			s++;
		k = char_len(g, s, end);
		add_literals(g, s, k);
		s += k;
	}
	return buf_failed(&g->text) || buf_failed(&g->kind) ? -1 : 0;
}

void
glob_free(struct glob *g)
{
	buf_free(&g->text);
	buf_free(&g->kind);
}

/* ---- the text ---- */

static int
is_start(const struct walk *w, size_t at)
{
	return w->starts == NULL || at >= w->n ||
	    (w->starts[at / 8] >> at % 8 & 1);
}

static size_t
forward(const struct walk *w, size_t at)
{
	do
		at++;
	while (!is_start(w, at));
	return at;
}

static size_t
back(const struct walk *w, size_t at)
{
	do
		at--;
	while (at > 0 && !is_start(w, at));
	return at;
}

/* The items from .. to, which have no "*", at this place of the text: 1 and
 * *end is behind them, or 0. */
static int
piece_here(const struct walk *w, size_t from, size_t to, size_t at,
    size_t *end)
{
	size_t i;

	for (i = from; i < to; i++) {
		if (at >= w->n)
			return 0;
		if (w->g->kind.data[i] == ONE)
			at = forward(w, at);
		else if (w->v[at++] != w->g->text.data[i])
			return 0;
	}
	*end = at;
	return 1;
}

/* The same, so that they end at the end of the text: where they begin. */
static int
piece_at_end(const struct walk *w, size_t from, size_t to, size_t least,
    size_t *start)
{
	size_t at = w->n, i;

	for (i = to; i > from; i--) {
		if (at <= least)
			return 0;
		if (w->g->kind.data[i - 1] == ONE)
			at = back(w, at);
		else if (w->v[--at] != w->g->text.data[i - 1])
			return 0;
	}
	*start = at;
	return at >= least;
}

static int
spend(const struct walk *w, uint64_t n)
{
	if (*w->work < n) {
		*w->work = 0;
		return GLOB_SPENT;
	}
	*w->work -= n;
	return 0;
}

/* Where it is found first, from a place on: as piece_here(), or GLOB_SPENT. */
static int
piece_find(const struct walk *w, size_t from, size_t to, size_t *at)
{
	const char *found;
	size_t end;

	if (memchr(w->g->kind.data + from, ONE, to - from) == NULL) {
		found = memmem(w->v + *at, w->n - *at,
		    w->g->text.data + from, to - from);
		if (found == NULL)
			return 0;
		*at = (size_t)(found - w->v);
		return 1;
	}
	for (; *at < w->n; (*at)++) {
		if (spend(w, to - from) != 0)
			return GLOB_SPENT;
		if (is_start(w, *at) && piece_here(w, from, to, *at, &end))
			return 1;
	}
	return 0;
}

/* ---- what wildcards took ---- */

static void
took(struct walk *w, size_t from, size_t to)
{
	if (w->wild < w->nspan)
		w->span[w->wild] = (struct glob_span){ from, to - from };
	w->wild++;
}

/* The "?" of a piece that stands at a place; where it ends. */
static size_t
took_piece(struct walk *w, size_t from, size_t to, size_t at)
{
	size_t i, next;

	for (i = from; i < to; i++) {
		if (w->g->kind.data[i] != ONE) {
			at++;
			continue;
		}
		next = forward(w, at);
		took(w, at, next);
		at = next;
	}
	return at;
}

/* Where the piece that begins at an item ends. */
static size_t
piece_end(const struct glob *g, size_t from)
{
	const char *star = memchr(g->kind.data + from, MANY,
	    g->kind.len - from);

	return star == NULL ? g->kind.len : (size_t)(star - g->kind.data);
}

static int
walk(struct walk *w)
{
	size_t from, to, at, place, last = w->g->kind.len;
	int r;

	to = piece_end(w->g, 0);
	if (!piece_here(w, 0, to, 0, &place) || (to == last && place != w->n))
		return 0;
	at = took_piece(w, 0, to, 0);
	while (to < last) {
		from = to + 1;
		to = piece_end(w->g, from);
		place = at;
		r = to == last ? piece_at_end(w, from, to, at, &place) :
		    from == to ? 1 : piece_find(w, from, to, &place);
		if (r != 1)
			return r;
		took(w, at, place);
		at = took_piece(w, from, to, place);
	}
	return 1;
}

/* ---- mapped texts ---- */

/* From places in the mapped text, which rise, to those in the text. */
struct unmap {
	const char	*s, *end;
	size_t		 at, mapped;
};

static size_t
unmap(struct unmap *u, size_t place)
{
	char out[CASEMAP_MAX];
	uint32_t c;
	size_t k, m;

	while (u->s < u->end && u->mapped < place) {
		if ((k = utf8_next(u->s, u->end, &c)) == 0)
			k = m = 1;
		else
			m = casemap_char(out, c);
		u->s += k;
		u->at += k;
		u->mapped += m;
	}
	return u->at;
}

static void
unmap_spans(struct walk *w, const char *s, size_t n)
{
	struct unmap u = { s, s + n, 0, 0 };
	size_t i, from;

	for (i = 1; i < w->nspan && i < w->wild; i++) {
		from = unmap(&u, w->span[i].off);
		w->span[i].len = unmap(&u, w->span[i].off +
		    w->span[i].len) - from;
		w->span[i].off = from;
	}
}

/* Map the text, and mark where its characters begin. */
static int
map_unicode(struct buf *to, struct buf *starts, const char *s, size_t n)
{
	const char *end = s + n;
	char out[CASEMAP_MAX];
	uint32_t c;
	size_t k, m;

	while (s < end) {
		if ((k = utf8_next(s, end, &c)) == 0) {
			k = m = 1;
			*out = *s;
		} else
			m = casemap_char(out, c);
		while (starts->len <= to->len / 8)
			if (buf_addc(starts, 0) == -1)
				return -1;
		starts->data[to->len / 8] |= (char)(1 << to->len % 8);
		if (buf_add(to, out, m) == -1)
			return -1;
		s += k;
	}
	while (starts->len <= to->len / 8)
		if (buf_addc(starts, 0) == -1)
			return -1;
	return 0;
}

/* The walk over a text that was mapped, if it must be. */
static int
map_and_walk(struct walk *w, const char *s, size_t n)
{
	struct buf mapped, starts;
	int r = 0;

	buf_init(&mapped, CASEMAP_MAX * (n + 1));
	buf_init(&starts, CASEMAP_MAX * (n + 1));
	if (w->g->mode == GLOB_ASCII)
		r = chars_add_lower(&mapped, s, n);
	else if (w->g->mode == GLOB_UNICODE)
		r = map_unicode(&mapped, &starts, s, n);
	if (r == 0) {
		w->v = w->g->mode == GLOB_OCTET || n == 0 ? s : mapped.data;
		w->n = w->g->mode == GLOB_OCTET ? n : mapped.len;
		w->starts = w->g->mode == GLOB_UNICODE ?
		    (const unsigned char *)starts.data : NULL;
		r = walk(w);
		if (r == 1 && w->g->mode == GLOB_UNICODE)
			unmap_spans(w, s, n);
	}
	buf_free(&mapped);
	buf_free(&starts);
	return r;
}

int
glob_match(const struct glob *g, const char *s, size_t n,
    struct glob_span *span, size_t nspan, uint64_t *work)
{
	struct walk w = { .g = g, .work = work, .span = span,
	    .nspan = nspan, .wild = 1 };
	size_t i;

	for (i = 0; i < nspan; i++)
		span[i] = (struct glob_span){ SIZE_MAX, 0 };
	if (nspan > 0)
		span[0] = (struct glob_span){ 0, n };
	if (g->kind.len == 0)
		return n == 0;
	if (n == 0)
		s = "";
	if (spend(&w, n + g->kind.len) != 0)
		return GLOB_SPENT;
	return map_and_walk(&w, s, n);
}
