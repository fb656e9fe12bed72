/* SPDX-License-Identifier: ISC
 *
 * Arguments that many commands have: a mailbox, and the messages a command
 * names (RFC 3501 section 9, sequence-set; 6.4.8).
 */
#include <stdlib.h>

#include "session.h"

int
args_mailbox(struct imap_lex *l, struct imap_string *name)
{
	int r;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if ((r = imap_lex_mailbox(l, name)) == 0)
		return imap_lex_fail(l, "a mailbox name is missing");
	return r;
}

void
numbers_free(struct numbers *n)
{
	free(n->v);
	n->v = NULL;
	n->n = 0;
}

/* Sequence numbers: the set must lie within the mailbox. */
static enum reply
by_number(struct session *s, const struct imap_set *set,
    struct numbers *out)
{
	uint32_t count = mailbox_count(s->box), x;
	size_t i;

	if (count == 0 || imap_set_max(set) > count)
		return REPLY_SEQUENCE;
	for (i = 0; i < set->n; i++)
		for (x = set->r[i].lo; x <= set->r[i].hi; x++)
			out->v[out->n++] = x;
	return REPLY_OK;
}

/* UIDs: those that do not exist are left out. */
static enum reply
by_uid(struct session *s, const struct imap_set *set, struct numbers *out)
{
	uint32_t count = mailbox_count(s->box), x;
	struct mailbox_msg m = { 0 };
	size_t i;

	for (i = 0; i < set->n; i++)
		for (x = mailbox_seq_from(s->box, set->r[i].lo); x <= count;
		    x++) {
			mailbox_msg(s->box, x, &m);
			if (m.uid > set->r[i].hi)
				break;
			out->v[out->n++] = x;
		}
	return REPLY_OK;
}

/* RFC 5182 section 3: "1,$".  The set is resolved. */
static int
add_saved(struct session *s, struct imap_set *set)
{
	uint32_t count = mailbox_count(s->box), x;
	struct mailbox_msg m = { 0 };
	size_t i;

	for (i = 0; i < s->saved.n; i++)
		for (x = mailbox_seq_from(s->box, s->saved.r[i].lo);
		    x <= count; x++) {
			mailbox_msg(s->box, x, &m);
			if (m.uid > s->saved.r[i].hi)
				break;
			if (imap_set_add(set, s->uid ? m.uid : x) == -1)
				return -1;
		}
	return 0;
}

enum reply
numbers_resolve(struct session *s, struct imap_set *set, struct numbers *out)
{
	uint32_t count = mailbox_count(s->box), max = count;
	struct mailbox_msg last = { 0 };

	out->n = 0;
	out->v = reallocarray(NULL, (size_t)count + 1, sizeof(out->v[0]));
	if (out->v == NULL)
		return REPLY_MEMORY;
	/* RFC 5182 2.1: "$" stands for numbers and for UIDs, and may be
	 * empty. */
	if (set->saved && set->n == 0)
		return by_uid(s, &s->saved, out);
	if (s->uid) {
		if (count > 0)
			mailbox_msg(s->box, count, &last);
		max = last.uid;
	}
	imap_set_resolve(set, max);
	if (set->saved) {
		if (add_saved(s, set) == -1)
			return REPLY_MEMORY;
		imap_set_resolve(set, max);
	}
	return s->uid ? by_uid(s, set, out) : by_number(s, set, out);
}

enum reply
numbers_parse_set(struct session *s, struct imap_lex *l, struct imap_set *set,
    struct numbers *out)
{
	int found;

	out->v = NULL;
	out->n = 0;
	if (imap_lex_need_sp(l) == -1)
		return reply_bad(s, l);
	if ((found = imap_lex_set(l, set, 1)) == 0)
		imap_lex_fail(l, "a sequence set is missing");
	return found == 1 ? numbers_resolve(s, set, out) : reply_bad(s, l);
}

enum reply
numbers_parse(struct session *s, struct imap_lex *l, struct numbers *out)
{
	struct imap_set set;
	enum reply r;

	imap_set_init(&set);
	r = numbers_parse_set(s, l, &set, out);
	imap_set_free(&set);
	return r;
}
