/* SPDX-License-Identifier: ISC
 *
 * GETMETADATA and SETMETADATA (RFC 5464): annotations of a mailbox, or with the
 * name "" of the user's mail as a whole.
 */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "grammar/chars.h"
#include "grammar/imap_write.h"
#include "metadata.h"

/* How far below an entry is looked (RFC 5464, section 4.2.2). */
enum { DEPTH_INFINITY = METADATA_NAME_MAX };

struct get {
	struct imap_string mailbox;
	bool		 has_maxsize;
	uint32_t	 maxsize;
	size_t		 depth;
	struct imap_string entry[METADATA_ENTRIES_MAX];
	size_t		 n;
	size_t		 longest;	/* of what is longer than maxsize */
};

/* entry = astring; slash-separated path, in any letter case */
static int
lex_entry(struct imap_lex *l, struct imap_string *entry)
{
	int r = imap_lex_astring(l, entry);

	if (r == 0 || (r == 1 && !metadata_name_ok(entry->s, entry->len)))
		return imap_lex_fail(l, "not the name of an entry");
	return r;
}

/* SP mailbox; the empty one is the user's mail as a whole. */
static int
lex_where(struct imap_lex *l, struct imap_string *mailbox)
{
	const char *at = l->p;
	size_t used = l->used;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (imap_lex_string(l, mailbox) == 1 && mailbox->len == 0)
		return 1;
	l->p = at;
	l->used = used;
	return args_mailbox(l, mailbox);
}

static int
lex_depth(struct imap_lex *l, struct get *g)
{
	if (imap_lex_word(l, "infinity"))
		g->depth = DEPTH_INFINITY;
	else if (imap_lex_word(l, "1"))
		g->depth = 1;
	else if (imap_lex_word(l, "0"))
		g->depth = 0;
	else
		return imap_lex_fail(l, "DEPTH is 0, 1 or infinity");
	return 1;
}

/* getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
 * maxsize-opt = "MAXSIZE" SP number
 * scope-opt = "DEPTH" SP ("0" / "1" / "infinity") */
static int
lex_options(struct imap_lex *l, struct get *g)
{
	do {
		if (imap_lex_word(l, "MAXSIZE")) {
			if (imap_lex_need_sp(l) == -1)
				return -1;
			if (imap_lex_number(l, &g->maxsize) != 1)
				return imap_lex_fail(l, "a number is missing");
			g->has_maxsize = true;
		} else if (imap_lex_word(l, "DEPTH")) {
			if (imap_lex_need_sp(l) == -1 || lex_depth(l, g) == -1)
				return -1;
		} else
			return imap_lex_fail(l, "unknown option");
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "the options are not closed");
	return 1;
}

/* entries = entry / "(" entry *(SP entry) ")" */
static int
lex_entries(struct imap_lex *l, struct get *g)
{
	if (!imap_lex_char(l, '(')) {
		g->n = 1;
		return lex_entry(l, &g->entry[0]);
	}
	do {
		if (g->n == METADATA_ENTRIES_MAX)
			return imap_lex_fail(l, "too many entries");
		if (lex_entry(l, &g->entry[g->n++]) == -1)
			return -1;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "the entries are not closed");
	return 1;
}

/*
 * getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
 *
 * NOTE: options behind the mailbox's name are taken too, where the RFC's own
 * examples have them (section 4.2.1).
 */
static int
lex_get(struct imap_lex *l, struct get *g)
{
	const char *at = l->p;

	if (imap_lex_sp(l) && imap_lex_char(l, '(')) {
		if (lex_options(l, g) == -1)
			return -1;
	} else
		l->p = at;
	if (lex_where(l, &g->mailbox) == -1 || imap_lex_need_sp(l) == -1)
		return -1;
	if (chars_begin(l->p, l->end, "(MAXSIZE ") ||
	    chars_begin(l->p, l->end, "(DEPTH ")) {
		l->p++;
		if (lex_options(l, g) == -1 || imap_lex_need_sp(l) == -1)
			return -1;
	}
	if (lex_entries(l, g) == -1)
		return -1;
	return imap_lex_need_end(l);
}

/* Whether an entry is asked for by a name, within so many levels. */
static bool
is_below(const struct metadata_entry *e, const struct imap_string *name,
    size_t depth)
{
	size_t i, levels = 0;

	if (e->name_len < name->len || !chars_equal(e->name, name->len,
	    name->s, name->len))
		return false;
	if (e->name_len > name->len && e->name[name->len] != '/')
		return false;
	for (i = name->len; i < e->name_len; i++)
		levels += e->name[i] == '/';
	return levels <= depth;
}

static void
tell_value(struct session *s, struct get *g, const char *name, size_t len,
    const struct metadata_entry *e, bool *begun)
{
	struct buf b;

	if (e != NULL && g->has_maxsize && e->n > g->maxsize) {
		if (e->n > g->longest)
			g->longest = e->n;
		return;
	}
	buf_init(&b, 4 * METADATA_VALUE_MAX);
	if (!*begun) {
		buf_adds(&b, "* METADATA ");
		if (g->mailbox.len == 0)
			buf_adds(&b, "\"\"");
		else
			reply_mailbox_name(s, &b, g->mailbox.s);
		buf_adds(&b, " (");
	} else
		buf_addc(&b, ' ');
	*begun = true;
	imap_write_astring(&b, name, len);
	buf_addc(&b, ' ');
	if (e == NULL)
		buf_adds(&b, "NIL");
	else if (memchr(e->value, '\0', e->n) == NULL)
		imap_write_string(&b, e->value, e->n);
	else {
		/* value = nstring / literal8 */
		buf_addf(&b, "~{%zu}\r\n", e->n);
		buf_add(&b, e->value, e->n);
	}
	stream_write(s->io, b.data, b.len);
	buf_free(&b);
}

/* One response for all; an entry that is asked for by its name alone is told in
 * any case, under the name it was asked by. */
static void
tell(struct session *s, struct get *g, const struct metadata *m)
{
	const struct metadata_entry *e;
	bool begun = false;
	size_t i, j;

	for (i = 0; i < g->n; i++) {
		e = metadata_find(m, g->entry[i].s, g->entry[i].len);
		if (e != NULL || g->depth == 0)
			tell_value(s, g, g->entry[i].s, g->entry[i].len, e,
			    &begun);
		for (j = 0; j < m->n && g->depth > 0; j++)
			if (&m->v[j] != e && is_below(&m->v[j], &g->entry[i],
			    g->depth))
				tell_value(s, g, m->v[j].name,
				    m->v[j].name_len, &m->v[j], &begun);
	}
	if (begun)
		stream_puts(s->io, ")\r\n");
	if (g->longest > 0)
		buf_addf(&s->code, "METADATA LONGENTRIES %zu", g->longest);
}

/* Whether special uses are among what is asked for. */
static bool
wants_use(const struct get *g)
{
	const struct metadata_entry use = { "/private/specialuse",
	    strlen("/private/specialuse"), NULL, 0 };
	size_t i;

	for (i = 0; i < g->n && g->mailbox.len > 0; i++)
		if (is_below(&use, &g->entry[i], g->depth))
			return true;
	return false;
}

static enum reply
do_get(struct session *s, struct get *g)
{
	struct metadata *m = malloc(sizeof(*m));
	enum mailbox_status status;
	struct buf use;

	if (m == NULL)
		return REPLY_MEMORY;
	buf_init(&use, 1000);
	status = metadata_read(s->root, g->mailbox.s, m);
	if (status == MAILBOX_OK && wants_use(g))
		status = metadata_use_get(s, g->mailbox.s, m, &use);
	if (status == MAILBOX_OK)
		tell(s, g, m);
	buf_free(&use);
	metadata_free(m);
	free(m);
	return reply_mailbox(status);
}

enum reply
cmd_getmetadata(struct session *s, struct imap_lex *l)
{
	struct get *g = calloc(1, sizeof(*g));
	enum reply r;

	if (g == NULL)
		return REPLY_MEMORY;
	r = lex_get(l, g) == -1 ? reply_bad(s, l) : do_get(s, g);
	free(g);
	return r;
}

/* ---- SETMETADATA ---- */

/* value = nstring / literal8 */
static int
lex_value(struct imap_lex *l, struct metadata_entry *e)
{
	struct imap_string value;
	int r;

	if ((r = imap_lex_literal8(l, &value)) == 0)
		r = imap_lex_nstring(l, &value);
	if (r == 0)
		return imap_lex_fail(l, "a value is missing");
	e->value = value.s;
	e->n = value.len;
	return r;
}

/* entry-values = "(" entry-value *(SP entry-value) ")"
 * How many; -1. */
static int
lex_values(struct imap_lex *l, struct metadata_entry *v)
{
	struct imap_string name;
	int n = 0;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "entries and values are missing");
	do {
		if (n == METADATA_ENTRIES_MAX)
			return imap_lex_fail(l, "too many entries");
		if (lex_entry(l, &name) == -1 || imap_lex_need_sp(l) == -1 ||
		    lex_value(l, &v[n]) == -1)
			return -1;
		v[n].name = name.s;
		v[n++].name_len = name.len;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "the entries are not closed");
	return imap_lex_need_end(l) == -1 ? -1 : n;
}

/* What keeps an entry from being set. */
static enum reply
check_entry(const struct imap_string *mailbox, const struct metadata_entry *e)
{
	/* RFC 5464, section 3.2.1.1: always read-only. */
	if (mailbox->len == 0 && chars_is(e->name, e->name_len,
	    "/shared/admin"))
		return REPLY_NOT_PERMITTED;
	if (mailbox->len > 0 && metadata_is_use(e->name, e->name_len) &&
	    !metadata_use_ok(e))
		return REPLY_USE;
	if (e->value != NULL && e->n > METADATA_VALUE_MAX)
		return REPLY_METADATA_SIZE;
	return REPLY_OK;
}

/* Set those that are none of special uses, then the last of these. */
static enum reply
do_set(struct session *s, const struct imap_string *mailbox,
    struct metadata_entry *v, size_t n)
{
	struct metadata_entry use = { .name = NULL };
	enum mailbox_status status;
	enum reply r;
	size_t i, rest = 0;

	for (i = 0; i < n; i++) {
		if ((r = check_entry(mailbox, &v[i])) != REPLY_OK)
			return r;
		if (mailbox->len > 0 && metadata_is_use(v[i].name,
		    v[i].name_len))
			use = v[i];
		else
			v[rest++] = v[i];
	}
	status = metadata_change(s->root, mailbox->s, v, rest);
	if (status == MAILBOX_OK && use.name != NULL)
		status = metadata_use_set(s, mailbox->s, &use);
	return status == MAILBOX_LIMIT ? REPLY_METADATA_MANY :
	    reply_mailbox(status);
}

enum reply
cmd_setmetadata(struct session *s, struct imap_lex *l)
{
	struct metadata_entry *v;
	struct imap_string mailbox;
	enum reply r;
	int n;

	v = calloc(METADATA_ENTRIES_MAX, sizeof(*v));
	if (v == NULL)
		return REPLY_MEMORY;
	if (lex_where(l, &mailbox) == -1 || (n = lex_values(l, v)) == -1)
		r = reply_bad(s, l);
	else
		r = do_set(s, &mailbox, v, (size_t)n);
	free(v);
	return r;
}
