/* SPDX-License-Identifier: ISC
 *
 * Parameters and modifiers in parentheses, and what they hold.
 */
#include "grammar/imap_modseq.h"

#include <string.h>

int
imap_lex_modseq(struct imap_lex *l, bool zero, uint64_t *out)
{
	int r = imap_lex_number64(l, out);

	if (r == 1 && *out == 0 && !zero)
		return imap_lex_fail(l, "no modification sequence is that");
	return r;
}

static int
need_modseq(struct imap_lex *l, bool zero, uint64_t *out)
{
	int r;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	r = imap_lex_modseq(l, zero, out);
	return r == 0 ? imap_lex_fail(l, "a modification sequence is missing") :
	    r;
}

static int
need_set(struct imap_lex *l, struct imap_set *set, const char *missing)
{
	int r = imap_lex_set(l, set, 0);

	return r == 0 ? imap_lex_fail(l, missing) : r;
}

/* ---- SELECT ---- */

void
imap_select_init(struct imap_select *p)
{
	memset(p, 0, sizeof(*p));
	imap_set_init(&p->known);
	imap_set_init(&p->seqs);
	imap_set_init(&p->uids);
}

void
imap_select_free(struct imap_select *p)
{
	imap_set_free(&p->known);
	imap_set_free(&p->seqs);
	imap_set_free(&p->uids);
}

/* seq-match-data = "(" known-sequence-set SP known-uid-set ")" */
static int
lex_match(struct imap_lex *l, struct imap_select *p)
{
	if (need_set(l, &p->seqs, "known sequence numbers are missing") == -1 ||
	    imap_lex_need_sp(l) == -1 ||
	    need_set(l, &p->uids, "known UIDs are missing") == -1)
		return -1;
	return imap_lex_char(l, ')') ? 1 :
	    imap_lex_fail(l, "a list is not closed");
}

/* "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids]
 * [SP seq-match-data] ")" */
static int
lex_qresync(struct imap_lex *l, struct imap_select *p)
{
	int r;

	p->qresync = true;
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "what is known is missing");
	if ((r = imap_lex_nz_number(l, &p->validity)) != 1)
		return r == -1 ? -1 :
		    imap_lex_fail(l, "a UIDVALIDITY is missing");
	if (need_modseq(l, false, &p->modseq) == -1)
		return -1;
	while (imap_lex_sp(l)) {
		if (imap_lex_char(l, '(')) {
			if (lex_match(l, p) == -1)
				return -1;
			break;
		}
		if (p->has_known)
			return imap_lex_fail(l, "too many arguments");
		p->has_known = true;
		if (need_set(l, &p->known, "known UIDs are missing") == -1)
			return -1;
	}
	return imap_lex_char(l, ')') ? 1 :
	    imap_lex_fail(l, "a list is not closed");
}

int
imap_lex_select(struct imap_lex *l, struct imap_select *p)
{
	if (imap_lex_end(l))
		return 1;
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of parameters is wanted");
	do {
		if (imap_lex_word(l, "CONDSTORE"))
			p->condstore = true;
		else if (p->qresync || !imap_lex_word(l, "QRESYNC"))
			return imap_lex_fail(l, "unknown parameter");
		else if (lex_qresync(l, p) == -1)
			return -1;
	} while (imap_lex_sp(l));
	return imap_lex_char(l, ')') ? 1 :
	    imap_lex_fail(l, "the list of parameters is not closed");
}

/* ---- FETCH ---- */

static int
lex_fetch_modifier(struct imap_lex *l, struct imap_fetch_modifiers *m)
{
	if (!m->changedsince && imap_lex_word(l, "CHANGEDSINCE")) {
		m->changedsince = true;
		return need_modseq(l, false, &m->since);
	}
	if (!m->vanished && imap_lex_word(l, "VANISHED")) {
		m->vanished = true;
		return 1;
	}
	if (!m->partly && imap_lex_word(l, "PARTIAL")) {
		m->partly = true;
		return imap_lex_need_sp(l) == -1 ? -1 :
		    imap_lex_partial(l, &m->partial);
	}
	return imap_lex_fail(l, "unknown modifier");
}

int
imap_lex_fetch_modifiers(struct imap_lex *l, struct imap_fetch_modifiers *m)
{
	memset(m, 0, sizeof(*m));
	if (imap_lex_end(l))
		return 1;
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of modifiers is wanted");
	do {
		if (lex_fetch_modifier(l, m) == -1)
			return -1;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "the list of modifiers is not closed");
	/* RFC 7162 section 3.2.6 */
	if (m->vanished && !m->changedsince)
		return imap_lex_fail(l, "VANISHED needs CHANGEDSINCE");
	return 1;
}

/* ---- STORE ---- */

int
imap_lex_unchangedsince(struct imap_lex *l, uint64_t *modseq)
{
	if (l->end - l->p < 2 || l->p[0] != ' ' || l->p[1] != '(')
		return 0;
	l->p += 2;
	if (!imap_lex_word(l, "UNCHANGEDSINCE"))
		return imap_lex_fail(l, "unknown modifier");
	if (need_modseq(l, true, modseq) == -1)
		return -1;
	return imap_lex_char(l, ')') ? 1 :
	    imap_lex_fail(l, "the list of modifiers is not closed");
}
