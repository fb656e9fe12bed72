/* SPDX-License-Identifier: ISC
 *
 * Extended regular expressions held against a text.  All ways through the
 * program are followed at once, octet by octet, each place of the program once:
 * nothing is tried twice.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/ere_local.h"

#define UNSET	UINT32_MAX

/* The places of the program where a way has arrived, those that began first
 * in front. */
struct ways {
	uint16_t	*at;
	size_t		 n;
	uint16_t	*index;		/* of a place, in at */
	uint32_t	*caps;		/* of a place: ncap of them */
};

struct machine {
	const struct ere	*e;
	const char		*s;
	uint32_t		 n;
	size_t			 ncap;	/* 2 for each span that is wanted */
	uint32_t		*caps;	/* of the way that is followed */
	uint32_t		*best;
	bool			 matched;
	uint64_t		*work;
};

static bool
is_word(const struct machine *m, uint32_t at)
{
	return char_is(m->s[at], CHAR_ALNUM) || m->s[at] == '_';
}

static bool
holds(const struct machine *m, enum ere_place place, uint32_t pos)
{
	bool before = pos > 0 && is_word(m, pos - 1);
	bool after = pos < m->n && is_word(m, pos);

	switch (place) {
	case ERE_BEGIN:
		return pos == 0;
	case ERE_END:
		return pos == m->n;
	case ERE_WORD_BEGIN:
		return !before && after;
	case ERE_WORD_END:
		return before && !after;
	case ERE_WORD_EITHER:
		return before != after;
	case ERE_WORD_NOT:
		return before == after;
	}
	return false;
}

/* Of two ways to a place: is the new one to be preferred?  Each group, from
 * the first on, shall begin as early and end as late as it can. */
static bool
is_better(const uint32_t *new, const uint32_t *old, size_t ncap)
{
	size_t i;

	if (ncap > 0 && new[0] != old[0])
		return new[0] < old[0];
	for (i = 2; i < ncap; i += 2) {
		if (new[i] != old[i])
			return new[i] < old[i];
		if (new[i + 1] != old[i + 1])
			return new[i + 1] > old[i + 1];
	}
	return false;
}

/* A way comes to a place: false when another was there that is as good. */
static bool
arrive(struct machine *m, struct ways *w, uint16_t at)
{
	uint32_t *caps = w->caps + at * m->ncap;

	if (w->index[at] < w->n && w->at[w->index[at]] == at) {
		if (!is_better(m->caps, caps, m->ncap))
			return false;
	} else {
		w->index[at] = (uint16_t)w->n;
		w->at[w->n++] = at;
	}
	memcpy(caps, m->caps, m->ncap * sizeof(*caps));
	return true;
}

static void follow(struct machine *, struct ways *, uint16_t, uint32_t pos);

/* A group begins (what it matched before is forgotten), or ends. */
static void
follow_save(struct machine *m, struct ways *w, const struct ere_op *o,
    uint32_t pos)
{
	uint32_t kept, end;
	size_t i = o->value;

	if (i >= m->ncap) {
		follow(m, w, o->to, pos);
		return;
	}
	kept = m->caps[i];
	end = m->caps[i | 1];
	m->caps[i | 1] = UNSET;
	m->caps[i] = pos;
	follow(m, w, o->to, pos);
	m->caps[i] = kept;
	m->caps[i | 1] = end;
}

/* From a place on to all that need an octet, or the end. */
static void
follow(struct machine *m, struct ways *w, uint16_t at, uint32_t pos)
{
	const struct ere_op *o;
	uint16_t next;

	for (; *m->work > 0 && arrive(m, w, at); at = next) {
		--*m->work;
		o = &m->e->op[at];
		next = o->to;
		switch ((enum ere_code)o->code) {
		case OP_OCTET:
		case OP_SET:
		case OP_MATCH:
			return;
		case OP_PLACE:
			if (!holds(m, (enum ere_place)o->value, pos))
				return;
			break;
		case OP_SAVE:
			follow_save(m, w, o, pos);
			return;
		case OP_SPLIT:
			follow(m, w, o->to, pos);
			next = o->other;
			break;
		case OP_JUMP:
			break;
		}
	}
}

static bool
takes(const struct ere *e, const struct ere_op *o, char c)
{
	if (o->code == OP_SET)
		return ere_set_has(&e->set[o->value], (unsigned char)c);
	return o->code == OP_OCTET &&
	    (e->fold ? char_lower((unsigned char)c) : (unsigned char)c) ==
	    o->value;
}

static void
record(struct machine *m, const uint32_t *caps, uint32_t pos)
{
	if (m->ncap > 0 && (!m->matched || caps[0] <= m->best[0])) {
		memcpy(m->best, caps, m->ncap * sizeof(*caps));
		m->best[1] = pos;
	}
	m->matched = true;
}

/* One octet (or the end, at pos == n) for all ways: what becomes of them. */
static void
step(struct machine *m, struct ways *now, struct ways *next, uint32_t pos)
{
	const struct ere_op *o;
	const uint32_t *caps;
	size_t i;

	next->n = 0;
	for (i = 0; i < now->n && *m->work > 0; i++) {
		o = &m->e->op[now->at[i]];
		caps = now->caps + now->at[i] * m->ncap;
		--*m->work;
		if (m->matched && (m->ncap == 0 || caps[0] > m->best[0]))
			continue;
		if (o->code == OP_MATCH)
			record(m, caps, pos);
		else if (pos < m->n && takes(m->e, o, m->s[pos])) {
			memcpy(m->caps, caps, m->ncap * sizeof(*caps));
			follow(m, next, o->to, pos + 1);
		}
	}
}

/* Begin a way here, when one can. */
static void
begin(struct machine *m, struct ways *w, uint32_t pos)
{
	size_t i;

	if (m->matched || (m->e->anchored && pos > 0) || (!m->e->nullable &&
	    (pos == m->n || !ere_set_has(&m->e->first,
	    (unsigned char)m->s[pos]))))
		return;
	for (i = 0; i < m->ncap; i++)
		m->caps[i] = UNSET;
	if (m->ncap > 0)
		m->caps[0] = pos;
	follow(m, w, 0, pos);
}

/* The next place where a way can begin, when none is left. */
static uint32_t
skip(const struct machine *m, uint32_t pos)
{
	while (!m->e->nullable && pos < m->n &&
	    !ere_set_has(&m->e->first, (unsigned char)m->s[pos]))
		pos++;
	return pos;
}

static void
run(struct machine *m, struct ways *now, struct ways *next)
{
	struct ways *other;
	uint32_t pos;

	for (pos = 0; pos <= m->n && *m->work > 0; pos++) {
		if (now->n == 0) {
			if (m->matched || (m->e->anchored && pos > 0))
				return;
			pos = skip(m, pos);
		}
		begin(m, now, pos);
		step(m, now, next, pos);
		if (m->matched && m->ncap == 0)
			return;
		other = now;
		now = next;
		next = other;
	}
}

static int
result(const struct machine *m, struct pattern_span *span)
{
	size_t i;

	if (*m->work == 0)
		return PATTERN_SPENT;
	for (i = 0; m->matched && 2 * i + 1 < m->ncap; i++)
		if (m->best[2 * i] != UNSET && m->best[2 * i + 1] != UNSET) {
			span[i].off = m->best[2 * i];
			span[i].len = m->best[2 * i + 1] - span[i].off;
		}
	return m->matched;
}

static int
make_ways(struct ways *w, size_t n, size_t ncap)
{
	w->n = 0;
	w->at = calloc(2 * n, sizeof(*w->at));
	w->caps = calloc(n * ncap + 1, sizeof(*w->caps));
	if (w->at == NULL || w->caps == NULL)
		return -1;
	w->index = w->at + n;
	return 0;
}

int
ere_match(const struct ere *e, const char *s, size_t n,
    struct pattern_span *span, size_t nspan, uint64_t *work)
{
	uint32_t caps[4 * ERE_SPANS_MAX];
	struct machine m = { .e = e, .s = s, .n = (uint32_t)n,
	    .caps = caps, .best = caps + 2 * ERE_SPANS_MAX, .work = work };
	struct ways a = { 0 }, b = { 0 };
	int r = PATTERN_NOMEM;
	size_t i;

	for (i = 0; i < nspan; i++)
		span[i] = (struct pattern_span){ SIZE_MAX, 0 };
	if (n >= UNSET)
		return PATTERN_SPENT;
	m.ncap = 2 * (nspan < e->groups + 1 ? nspan : e->groups + 1);
	if (m.ncap > 2 * ERE_SPANS_MAX)
		m.ncap = 2 * ERE_SPANS_MAX;
	if (make_ways(&a, e->n, m.ncap) == 0 &&
	    make_ways(&b, e->n, m.ncap) == 0) {
		run(&m, &a, &b);
		r = result(&m, span);
	}
	free(a.at);
	free(a.caps);
	free(b.at);
	free(b.caps);
	return r;
}
