/* SPDX-License-Identifier: ISC
 *
 * What can be answered from the summaries of messages, so that a FETCH of many
 * looks at its arguments once; and the sections that can be.
 */
#include <stdlib.h>

#include "fetch.h"

static const struct {
	unsigned	item;
	unsigned	summary;
} needs[] = {
	{ IMAP_FETCH_ENVELOPE, SUMMARY(SUMMARY_ENVELOPE) },
	{ IMAP_FETCH_BODY, SUMMARY(SUMMARY_BODY) },
	{ IMAP_FETCH_BODYSTRUCTURE, SUMMARY(SUMMARY_STRUCTURE) },
	{ IMAP_FETCH_PREVIEW, SUMMARY(SUMMARY_PREVIEW) },
};

/* The fields of a section of the message's own header, when all are among
 * those that are kept; else 0. */
static uint64_t
fields_of(const struct imap_section *sec)
{
	uint64_t fields = SUMMARY_FIELD_ALWAYS, one;
	size_t i;

	if (sec->kind != IMAP_SECTION_FIELDS || sec->npath > 0)
		return 0;
	for (i = 0; i < sec->nfield; i++) {
		one = summary_field(sec->field[i].s, sec->field[i].len);
		if (one == 0)
			return 0;
		fields |= one;
	}
	return fields;
}

int
fetch_plan_init(struct fetch_plan *p, const struct imap_fetch *f,
    unsigned items)
{
	struct fetch_section *sec;
	size_t i;

	*p = (struct fetch_plan){ .fetch = f, .items = items };
	p->section = calloc(f->nsection + 1, sizeof(*p->section));
	if (p->section == NULL)
		return -1;
	for (i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (items & needs[i].item)
			p->summary |= needs[i].summary;
	for (i = 0; i < f->nsection; i++) {
		sec = &p->section[i];
		buf_init(&sec->name, 1 << 20);
		p->sets_seen |= !f->section[i].peek;
		sec->fields = fields_of(&f->section[i]);
		if (sec->fields == 0)
			continue;
		p->summary |= summary_fields_kinds(sec->fields);
		if (imap_section_write(&sec->name, &f->section[i]) == -1)
			return -1;
	}
	return 0;
}

void
fetch_plan_free(struct fetch_plan *p)
{
	size_t i;

	for (i = 0; p->section != NULL && i < p->fetch->nsection; i++)
		buf_free(&p->section[i].name);
	free(p->section);
	p->section = NULL;
}

int
fetch_fields(struct session *s, const struct imap_section *sec,
    const struct fetch_section *plan, const struct summary_view *v,
    const struct buf *head)
{
	uint64_t skip, length;
	struct buf octets;
	int r = 1;

	buf_init(&octets, 2 * CACHE_ITEM_MAX);
	if (summary_fields(&octets, v, plan->fields) == 0) {
		fetch_cut(sec, octets.len, &skip, &length);
		stream_write(s->io, head->data, head->len);
		stream_write(s->io, plan->name.data, plan->name.len);
		stream_printf(s->io, " {%llu}\r\n",
		    (unsigned long long)length);
		r = fetch_octets(s, octets.data == NULL ? "" : octets.data +
		    skip, (size_t)length) == -1 ? -2 : 0;
	}
	buf_free(&octets);
	return r;
}
