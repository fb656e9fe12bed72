/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets break the parsers of IMAP commands: the first octet
 * chooses the rule, the rest is the command.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/imap_fetch.h"
#include "grammar/imap_mailbox.h"
#include "grammar/imap_search.h"
#include "grammar/imap_set.h"

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

static int
append(struct imap_lex *l)
{
	struct imap_string mailbox;
	struct imap_flags flags;
	int64_t date;
	uint64_t size;
	int sync;

	if (imap_lex_mailbox(l, &mailbox) != 1 || imap_lex_need_sp(l) != 1)
		return -1;
	imap_mailbox_utf7(mailbox.s, mailbox.len);
	imap_mailbox_match(mailbox.s, "INBOX.abc", '.');
	if (imap_lex_flag_list(l, &flags) == 1)
		imap_lex_need_sp(l);
	if (imap_lex_date_time(l, &date) == 1)
		imap_lex_need_sp(l);
	return imap_lex_announce(l, &size, &sync);
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
	switch (data[0] % 5) {
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
	}
	if (l.p > l.end)
		abort();
	imap_lex_free(&l);
	return 0;
}
