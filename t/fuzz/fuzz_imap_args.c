/* SPDX-License-Identifier: ISC
 *
 * Arguments of the commands of IMAP's extensions: the first octet chooses the
 * rule that reads the rest.  What is found lies within what was given and keeps
 * its limits, and pieces of APPEND announce octets when they say they do.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/imap_append.h"
#include "grammar/imap_modseq.h"
#include "grammar/imap_notify.h"
#include "grammar/imap_return.h"
#include "grammar/imap_source.h"
#include "grammar/imap_url.h"
#include "grammar/scram.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fuzz_notify(struct imap_lex *l)
{
	struct imap_notify n;
	size_t i;

	if (imap_lex_notify(l, &n) == 1) {
		assert(n.ngroup <= IMAP_NOTIFY_GROUPS);
		assert(n.nname <= IMAP_NOTIFY_NAMES);
		for (i = 0; i < n.ngroup; i++)
			assert(n.group[i].first + n.group[i].n <= n.nname);
	}
	imap_notify_free(&n);
}

static void
fuzz_select(struct imap_lex *l)
{
	struct imap_select sel;

	imap_select_init(&sel);
	if (imap_lex_select(l, &sel) == 1 && sel.qresync)
		assert(sel.validity != 0 && sel.modseq != 0);
	imap_select_free(&sel);
}

static void
fuzz_modifiers(struct imap_lex *l)
{
	struct imap_fetch_modifiers m;
	struct imap_lex store = *l;
	uint64_t since;

	memset(&m, 0, sizeof(m));
	(void)imap_lex_fetch_modifiers(l, &m);
	store.p = l->p;
	if (imap_lex_unchangedsince(&store, &since) == 1)
		assert(since <= INT64_MAX);
}

static void
fuzz_return(struct imap_lex *l)
{
	struct imap_return r;
	uint32_t lo, hi;

	memset(&r, 0, sizeof(r));
	if (imap_lex_return(l, &r) == 1 && r.options & IMAP_RETURN_PARTIAL &&
	    imap_partial_range(&r.partial, 1000, &lo, &hi))
		assert(lo > 0 && lo <= hi && hi <= 1000);
}

static void
fuzz_sources(struct imap_lex *l)
{
	struct imap_sources s;

	imap_sources_init(&s);
	if (imap_lex_sources(l, &s) == 1)
		assert(s.n > 0 && s.n <= IMAP_MAX_SOURCES);
	imap_sources_free(&s);
}

/* A piece is a line. */
static void
fuzz_append(const char *p, size_t n)
{
	const char *end = p + n, *next;
	struct imap_append a = { 0 };
	enum imap_append_step step = IMAP_APPEND_BEGIN;
	struct imap_lex l;
	int announced, r = 1;

	for (; r == 1 && step != IMAP_APPEND_END; p = next + 1) {
		if ((next = memchr(p, '\n', (size_t)(end - p))) == NULL)
			next = end;
		assert(imap_lex_init(&l, p, (size_t)(next - p)) == 0);
		announced = imap_append_announced(&a, &l);
		imap_lex_free(&l);
		assert(imap_lex_init(&l, p, (size_t)(next - p)) == 0);
		while ((r = imap_append_next(&a, &l, &step)) == 1 &&
		    step != IMAP_APPEND_OCTETS && step != IMAP_APPEND_END)
			assert(l.p <= l.end);
		if (r == 1)
			assert(announced == (step == IMAP_APPEND_OCTETS));
		imap_lex_free(&l);
		if (next == end)
			break;
	}
}

static void
fuzz_url(const char *p, size_t n)
{
	struct imap_url u;

	if (imap_url_parse(&u, p, n) == 1) {
		assert(u.uid != 0 && u.mailbox.len <= n);
		assert(memchr(buf_str(&u.mailbox), 0, u.mailbox.len) == NULL);
		assert(utf8_valid(u.mailbox.data, u.mailbox.len));
	}
	imap_url_free(&u);
}

static void
inside(const struct scram_text *t, const char *p, size_t n)
{
	assert(t->n == 0 || (t->p >= p && t->p + t->n <= p + n));
}

static void
fuzz_scram(const char *p, size_t n)
{
	struct scram_first first;
	struct scram_final final;

	if (scram_first(&first, p, n) == 0) {
		assert(first.nonce.n > 0 && first.nonce.n <= SCRAM_NONCE_MAX);
		assert(first.bare.n <= SCRAM_BARE_MAX);
		assert(first.header.n + first.bare.n == n);
		inside(&first.bare, p, n);
		inside(&first.nonce, first.bare.p, first.bare.n);
		if (first.flag == 'p')
			inside(&first.channel, p, n);
	}
	if (scram_final(&final, p, n) == 0) {
		inside(&final.channel, p, n);
		inside(&final.nonce, p, n);
		(void)scram_channel_is(&final.channel, p, n, p, n / 2);
	}
}

static void (*const rules[])(struct imap_lex *) = {
	fuzz_notify, fuzz_select, fuzz_modifiers, fuzz_return, fuzz_sources
};
static void (*const texts[])(const char *, size_t) = {
	fuzz_append, fuzz_url, fuzz_scram
};

enum {
	RULES = sizeof(rules) / sizeof(rules[0]),
	TEXTS = sizeof(texts) / sizeof(texts[0])
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_lex l;
	size_t n = size - 1;
	unsigned which;
	char *p;

	if (size == 0)
		return 0;
	/* Its own, so that no octet beside it is touched unseen. */
	if ((p = malloc(n + (n == 0))) == NULL)
		return 0;
	memcpy(p, data + 1, n);
	which = data[0] % (RULES + TEXTS);
	if (which < RULES) {
		assert(imap_lex_init(&l, p, n) == 0);
		l.utf8 = data[0] & 0x80;
		rules[which](&l);
		assert(l.p >= p && l.p <= p + n);
		imap_lex_free(&l);
	} else
		texts[which - RULES](p, n);
	free(p);
	return 0;
}
