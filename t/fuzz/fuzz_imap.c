/* SPDX-License-Identifier: ISC
 *
 * What clients say in IMAP: the first octet chooses the rule that reads the
 * rest.  A sequence set, once resolved, survives being written and read again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/buf.h"
#include "grammar/date.h"
#include "grammar/imap_fetch.h"
#include "grammar/imap_lex.h"
#include "grammar/imap_mailbox.h"
#include "grammar/imap_search.h"
#include "grammar/imap_set.h"
#include "grammar/imap_write.h"

#define OUT_MAX	(1u << 20)

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* A string goes out in a form that reads back as it was. */
static void
fuzz_strings(const char *p, size_t n)
{
	struct imap_string s;
	struct imap_lex l, again;
	struct buf b;

	assert(imap_lex_init(&l, p, n) == 0);
	while (imap_lex_astring(&l, &s) == 1) {
		assert(strlen(s.s) == s.len);
		buf_init(&b, OUT_MAX);
		assert(imap_write_astring(&b, s.s, s.len) == 0);
		assert(imap_lex_init(&again, b.data, b.len) == 0);
		{
			struct imap_string t;

			assert(imap_lex_astring(&again, &t) == 1);
			assert(t.len == s.len && memcmp(t.s, s.s, t.len) == 0);
			assert(imap_lex_end(&again));
		}
		imap_lex_free(&again);
		buf_free(&b);
		if (imap_lex_sp(&l) != 1)
			break;
	}
	assert(l.p >= p && l.p <= p + n);
	imap_lex_free(&l);
}

static void
fuzz_set(const char *p, size_t n)
{
	struct imap_set set, again;
	struct imap_lex l;
	struct buf b;
	size_t i;

	imap_set_init(&set);
	imap_set_init(&again);
	buf_init(&b, OUT_MAX);
	assert(imap_lex_init(&l, p, n) == 0);
	if (imap_lex_set(&l, &set, 1) == 1) {
		imap_set_resolve(&set, 1000);
		for (i = 0; i < set.n; i++) {
			assert(set.r[i].lo <= set.r[i].hi && set.r[i].lo > 0);
			assert(i == 0 || set.r[i].lo > set.r[i - 1].hi + 1);
			assert(imap_set_has(&set, set.r[i].lo));
		}
		assert(imap_set_write(&b, &set) == 0);
		imap_lex_free(&l);
		assert(imap_lex_init(&l, b.data == NULL ? "" : b.data,
		    b.len) == 0);
		if (set.n > 0) {
			assert(imap_lex_set(&l, &again, 0) == 1);
			assert(imap_lex_end(&l));
			imap_set_resolve(&again, 1);
			assert(again.n == set.n);
		}
	}
	imap_lex_free(&l);
	imap_set_free(&set);
	imap_set_free(&again);
	buf_free(&b);
}

static void
fuzz_commands(const char *p, size_t n)
{
	struct imap_search search;
	struct imap_fetch fetch;
	struct imap_flags flags;
	struct imap_lex l;
	struct buf b;
	size_t i;
	int64_t t;

	imap_search_init(&search);
	assert(imap_lex_init(&l, p, n) == 0);
	if (imap_lex_search(&l, &search) == 1)
		for (i = 0; i < search.n; i++)
			assert(search.key[i].child == IMAP_KEY_NONE ||
			    search.key[i].child < search.n);
	imap_lex_free(&l);
	imap_search_free(&search);

	imap_fetch_init(&fetch);
	buf_init(&b, OUT_MAX);
	assert(imap_lex_init(&l, p, n) == 0);
	if (imap_lex_fetch(&l, &fetch) == 1)
		for (i = 0; i < fetch.nsection; i++)
			(void)imap_section_write(&b, &fetch.section[i]);
	imap_lex_free(&l);
	imap_fetch_free(&fetch);
	buf_free(&b);

	assert(imap_lex_init(&l, p, n) == 0);
	(void)imap_lex_store_flags(&l, &flags);
	imap_lex_free(&l);
	assert(imap_lex_init(&l, p, n) == 0);
	(void)imap_lex_date_time(&l, &t);
	imap_lex_free(&l);
}

static void
fuzz_lines(const char *p, size_t n)
{
	char name[512], pattern[512];
	uint64_t size;
	size_t half = n / 2;
	int sync;

	(void)imap_line_literal(p, n, &size, &sync);
	(void)imap_mailbox_utf7(p, n);
	if (n >= sizeof(name))
		return;
	memcpy(pattern, p, half);
	pattern[half] = '\0';
	memcpy(name, p + half, n - half);
	name[n - half] = '\0';
	(void)imap_mailbox_match(pattern, name, '.');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data + 1;

	if (n == 0)
		return 0;
	switch (data[0] & 3) {
	case 0:
		fuzz_strings(p, n - 1);
		break;
	case 1:
		fuzz_set(p, n - 1);
		break;
	case 2:
		fuzz_commands(p, n - 1);
		break;
	default:
		fuzz_lines(p, n - 1);
	}
	return 0;
}
