/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets break the parsers of IMAP commands: the first octet
 * chooses the rule, the rest is the command.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/imap_append.h"
#include "grammar/imap_fetch.h"
#include "grammar/imap_mailbox.h"
#include "grammar/imap_search.h"
#include "grammar/imap_set.h"
#include "grammar/imap_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
fetch(struct imap_lex *l)
{
	struct imap_fetch f;
	struct buf b;
	size_t i;
	int r;

	imap_fetch_init(&f);
	buf_init(&b, 1 << 24);
	if ((r = imap_lex_fetch(l, &f)) == 1)
		for (i = 0; i < f.nsection; i++)
			imap_section_write(&b, &f.section[i]);
	imap_fetch_free(&f);
	buf_free(&b);
	return r;
}

static int
search(struct imap_lex *l)
{
	struct imap_search s;
	size_t i;
	int r;

	imap_search_init(&s);
	if ((r = imap_lex_search(l, &s)) == 1)
		for (i = 0; i < s.n; i++)
			imap_set_resolve(&s.key[i].set, 5);
	imap_search_free(&s);
	return r;
}

static int
set(struct imap_lex *l)
{
	struct imap_set s;
	uint32_t last = 0;
	size_t i;
	int r;

	imap_set_init(&s);
	if ((r = imap_lex_set(l, &s, 1)) == 1) {
		imap_set_resolve(&s, 7);
		for (i = 0; i < s.n; i++) {
			if (s.r[i].lo > s.r[i].hi ||
			    (i > 0 && s.r[i].lo <= last))
				abort();
			last = s.r[i].hi;
		}
	}
	imap_set_free(&s);
	return r;
}

/* What is read in between messages; the octets are not here. */
static int
append(struct imap_lex *l)
{
	struct imap_append a = { .state = IMAP_APPEND_NEXT };
	struct imap_string mailbox;
	enum imap_append_step step;

	if (imap_lex_mailbox(l, &mailbox) != 1)
		return -1;
	imap_mailbox_utf7(mailbox.s, mailbox.len);
	imap_mailbox_match(mailbox.s, "INBOX.abc", '.');
	while (imap_append_next(&a, l, &step) == 1 &&
	    step != IMAP_APPEND_END)
		;
	return 1;
}

/* Whatever a URL is, its mailbox is in UTF-8. */
static void
url(const char *s, size_t n)
{
	struct imap_url u;

	if (imap_url_parse(&u, s, n) == 1 &&
	    (memchr(u.mailbox.data, '\0', u.mailbox.len) != NULL ||
	    !utf8_valid(u.mailbox.data, u.mailbox.len)))
		abort();
	imap_url_free(&u);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_lex l;
	struct imap_string s;
	uint64_t n;
	int sync;

	if (size == 0)
		return 0;
	imap_lex_init(&l, (const char *)data + 1, size - 1);
	imap_line_literal((const char *)data + 1, size - 1, &n, &sync);
	switch (data[0] % 6) {
	case 0:
		fetch(&l);
		break;
	case 1:
		search(&l);
		break;
	case 2:
		set(&l);
		break;
	case 3:
		append(&l);
		break;
	case 4:
		while (imap_lex_astring(&l, &s) == 1 && imap_lex_sp(&l))
			;
		break;
	case 5:
		url((const char *)data + 1, size - 1);
		break;
	}
	if (l.p > l.end)
		abort();
	imap_lex_free(&l);
	return 0;
}
