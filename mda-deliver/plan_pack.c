/* SPDX-License-Identifier: ISC
 *
 * A plan on its way from the process that ran a user's rules to the one that
 * carries them out.  The first may be the user's by then: nothing that it sends
 * is believed before it is measured.
 *
 *	number = 8 octets, of this machine
 *	text   = number octets		; number ~0: there is none
 */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

#define NONE		UINT64_MAX
#define MAGIC		0x706c616e31ULL
#define FLAGS_MAX	65536

/* ---- there ---- */

static void
add_number(struct buf *b, uint64_t n)
{
	buf_add(b, &n, sizeof(n));
}

static void
add_bytes(struct buf *b, const void *p, size_t n)
{
	add_number(b, n);
	if (n > 0)
		buf_add(b, p, n);
}

static void
add_text(struct buf *b, const char *s)
{
	if (s == NULL)
		add_number(b, NONE);
	else
		add_bytes(b, s, strlen(s));
}

static void
add_mark(struct buf *b, const struct plan_mark *m)
{
	buf_add(b, m->id, sizeof(m->id));
	add_number(b, (uint64_t)m->expires);
}

static void
add_dest(struct buf *b, const struct dest *d)
{
	add_number(b, d->kind);
	add_number(b, d->create);
	add_number(b, d->qmail);
	add_number(b, d->edit);
	add_number(b, d->line);
	add_mark(b, &d->mark);
	add_text(b, d->text);
	add_text(b, d->flags);
	add_text(b, d->file);
	add_bytes(b, d->reply.data, d->reply.len);
}

int
plan_pack(struct buf *b, const struct plan *p, const struct dest *one)
{
	size_t i;

	add_number(b, MAGIC);
	add_number(b, p->kind);
	add_number(b, p->edit_from);
	add_text(b, p->error);
	add_text(b, p->rest);
	add_text(b, p->forwarder.local);
	add_text(b, p->forwarder.domain);
	add_number(b, p->nedits);
	for (i = 0; i < p->nedits; i++)
		/* Of one destination its own alone. */
		add_bytes(b, p->edits[i].data, one == NULL ||
		    one->edit == i + 1 ? p->edits[i].len : 0);
	add_number(b, p->nmarks);
	for (i = 0; i < p->nmarks; i++)
		add_mark(b, &p->marks[i]);
	add_number(b, one != NULL ? 1 : p->n);
	if (one != NULL)
		add_dest(b, one);
	for (i = 0; one == NULL && i < p->n; i++)
		add_dest(b, &p->v[i]);
	return buf_failed(b) ? -1 : 0;
}

/* ---- and back ---- */

struct reader {
	const unsigned char	*p, *end;
	int			 result;	/* 1, until there is a fault */
};

/* n octets of it, or NULL. */
static const void *
take(struct reader *r, uint64_t n)
{
	const void *at = r->p;

	if (r->result != 1 || n > (uint64_t)(r->end - r->p)) {
		r->result = r->result == 1 ? 0 : r->result;
		return NULL;
	}
	r->p += n;
	return at;
}

/* At most so much; 0 when it is wrong. */
static uint64_t
take_number(struct reader *r, uint64_t most)
{
	const void *p = take(r, sizeof(uint64_t));
	uint64_t n = 0;

	if (p != NULL)
		memcpy(&n, p, sizeof(n));
	if (n > most)
		r->result = 0;
	return r->result == 1 ? n : 0;
}

/* Text without a NUL: the caller's, or NULL. */
static char *
take_text(struct reader *r, size_t most)
{
	uint64_t n = take_number(r, NONE);
	const char *p;
	char *s;

	if (r->result != 1 || n == NONE)
		return NULL;
	if (n >= most || (p = take(r, n)) == NULL ||
	    memchr(p, '\0', n) != NULL) {
		r->result = 0;
		return NULL;
	}
	if ((s = strndup(p, n)) == NULL)
		r->result = -1;
	return s;
}

static void
take_array(struct reader *r, char *to, size_t size)
{
	char *s = take_text(r, size);

	strlcpy(to, s == NULL ? "" : s, size);
	free(s);
}

/* A null one, or one that an envelope can have. */
static void
take_address(struct reader *r, struct address *a)
{
	char text[ADDRESS_TEXT_MAX];
	struct address same;

	take_array(r, a->local, sizeof(a->local));
	take_array(r, a->domain, sizeof(a->domain));
	if (r->result != 1 || (a->local[0] == '\0' && a->domain[0] == '\0'))
		return;
	address_text(a, text);
	if (address_parse_utf8(&same, text, strlen(text), NULL) != 1 ||
	    !address_equal(&same, a))
		r->result = 0;
}

static void
take_bytes(struct reader *r, struct buf *b)
{
	uint64_t n = take_number(r, PLAN_PACKED_MAX);
	const void *p = take(r, n);

	buf_init(b, PLAN_PACKED_MAX);
	if (p != NULL && buf_add(b, p, n) == -1)
		r->result = -1;
}

static void
take_mark(struct reader *r, struct plan_mark *m)
{
	const void *p = take(r, sizeof(m->id));

	if (p != NULL)
		memcpy(m->id, p, sizeof(m->id));
	m->expires = (int64_t)take_number(r, NONE);
}

static void
take_dest(struct reader *r, struct plan *p)
{
	enum dest_kind kind = (enum dest_kind)take_number(r, DEST_REPLY);
	struct dest *d = r->result == 1 ? plan_add(p, kind, NULL) : NULL;
	char *file;

	if (d == NULL) {
		r->result = r->result == 1 ? -1 : r->result;
		return;
	}
	d->create = take_number(r, 1) != 0;
	d->qmail = take_number(r, 1) != 0;
	d->edit = take_number(r, p->nedits);
	d->line = (unsigned)take_number(r, UINT32_MAX);
	take_mark(r, &d->mark);
	d->text = take_text(r, PLAN_TEXT_MAX);
	d->flags = take_text(r, FLAGS_MAX);
	file = take_text(r, PLAN_TEXT_MAX);
	if (file != NULL && (d->file = plan_file(p, file)) == NULL)
		r->result = -1;
	free(file);
	take_bytes(r, &d->reply);
}

/* The kinds whose text says where have one. */
static bool
is_whole(const struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		switch (p->v[i].kind) {
		case DEST_KEEP:
		case DEST_DISCARD:
			break;
		case DEST_FOLDER:
		case DEST_MAILBOX:
		case DEST_PROGRAM:
		case DEST_FORWARD:
		case DEST_REJECT:
		case DEST_REPLY:
			if (p->v[i].text == NULL)
				return false;
			break;
		}
	return true;
}

static void
take_edits(struct reader *r, struct plan *p)
{
	size_t i, n = take_number(r, PLAN_MOST);

	if (n == 0)
		return;
	if ((p->edits = calloc(n, sizeof(*p->edits))) == NULL) {
		r->result = -1;
		return;
	}
	p->nedits = n;
	for (i = 0; i < n; i++)
		take_bytes(r, &p->edits[i]);
}

static void
take_marks(struct reader *r, struct plan *p)
{
	size_t i, n = take_number(r, PLAN_MOST);

	if (n == 0)
		return;
	if ((p->marks = calloc(n, sizeof(*p->marks))) == NULL) {
		r->result = -1;
		return;
	}
	p->nmarks = n;
	for (i = 0; i < n; i++)
		take_mark(r, &p->marks[i]);
}

int
plan_unpack(struct plan *p, const void *data, size_t len)
{
	struct reader r = { data, (const unsigned char *)data + len, 1 };
	uint64_t n;

	plan_init(p);
	if (take_number(&r, MAGIC) != MAGIC)
		r.result = 0;
	p->kind = (enum plan_kind)take_number(&r, PLAN_TEMPORARY);
	p->edit_from = take_number(&r, SIZE_MAX);
	take_array(&r, p->error, sizeof(p->error));
	take_array(&r, p->rest, sizeof(p->rest));
	take_address(&r, &p->forwarder);
	take_edits(&r, p);
	take_marks(&r, p);
	for (n = take_number(&r, PLAN_MOST); n > 0 && r.result == 1; n--)
		take_dest(&r, p);
	if (r.result == 1 && (r.p != r.end || !is_whole(p)))
		r.result = 0;
	if (r.result != 1)
		plan_free(p);
	return r.result;
}
