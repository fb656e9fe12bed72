/* SPDX-License-Identifier: ISC
 *
 * See mail/summary_sort.h.  The item is
 *
 *	flags(1) zero(1) nrefs(2) sent(8) subject(8) id(8) ref(8)*
 *	SUMMARY_TEXTS * ( length(2) octets )
 *
 * and SUMMARY_SENT is sent(8), or one octet where there is no date.
 */
#include <string.h>

#include "bytes/casemap.h"
#include "grammar/addrlist.h"
#include "grammar/base_subject.h"
#include "grammar/date.h"
#include "grammar/header.h"
#include "grammar/message_id.h"
#include "grammar/mime.h"
#include "grammar/mime_words.h"
#include "mail/summary_local.h"
#include "mail/summary_sort.h"

enum {
	DATED = 1, REPLY = 2,
	HEAD = 28,
	FIELD_MAX = 256 * 1024
};

/* ---- hashes ---- */

/* FNV-1a, its bits mixed at the end; never 0.  Two that are made to be the same
 * only put messages together, which their ids could say as well. */
static uint64_t
hash_add(uint64_t h, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
	return h;
}

static uint64_t
hash_end(uint64_t h)
{
	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	return h == 0 ? 1 : h;
}

static uint64_t
hash(const char *s, size_t n)
{
	return hash_end(hash_add(0xcbf29ce484222325u, s, n));
}

/* RFC 5256, section 3: an id with quoting is the same as without. */
static uint64_t
hash_id(const char *s, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t i;

	if (memchr(s, '"', n) == NULL)
		return hash(s, n);
	for (i = 0; i < n; i++) {
		if (s[i] == '\\' && i + 1 < n)
			i++;
		else if (s[i] == '"')
			continue;
		h = hash_add(h, s + i, 1);
	}
	return hash_end(h);
}

/* The next valid id of a field: an "@" is in it (RFC 5256, section 3: THREAD;
 * RFC 5322, section 3.6.4).  0: no more. */
static uint64_t
next_id(const char **p, const char *end)
{
	const char *id;
	size_t n;

	while (message_id_next(p, end, &id, &n) == 1)
		if (memchr(id, '@', n) != NULL)
			return hash_id(id, n);
	return 0;
}

/* The first id of a field, 0 there is none. */
static uint64_t
first_id(const struct mime *m, enum mime_field field)
{
	struct mime_ref ref = m->env[0].field[field];
	const char *p = mime_str(m, ref);

	return p == NULL ? 0 : next_id(&p, p + ref.len);
}

/* ---- making it ---- */

static void
put16(char *p, size_t n)
{
	p[0] = (char)(n & 0xff);
	p[1] = (char)(n >> 8);
}

static void
put64(char *p, uint64_t n)
{
	cache_put32(p, (uint32_t)n);
	cache_put32(p + 4, (uint32_t)(n >> 32));
}

static void
add64(struct buf *b, uint64_t n)
{
	char p[8];

	put64(p, n);
	buf_add(b, p, sizeof(p));
}

/*
 * The references (RFC 5256, section 3: THREAD): those of the field of that
 * name, or the first id of In-Reply-To.  How many.
 */
static size_t
put_refs(struct buf *b, const struct mime *m, const struct buf *header)
{
	size_t count = 0, start = b->len;
	struct header_field f;
	const char *p;
	uint64_t h;

	if (header->len > 0 && header_find(header->data, header->len,
	    "References", &f) == 1) {
		for (p = f.value; (h = next_id(&p, f.value +
		    f.value_len)) != 0; count++) {
			if (count >= SUMMARY_REFS_MAX) {
				/* The second goes. */
				memmove(b->data + start + 8,
				    b->data + start + 16,
				    8 * (SUMMARY_REFS_MAX - 2));
				b->len -= 8;
			}
			add64(b, h);
			if (buf_failed(b))
				return 0;
		}
	}
	if (count == 0 && (h = first_id(m, MIME_IN_REPLY_TO)) != 0) {
		add64(b, h);
		count = 1;
	}
	return count < SUMMARY_REFS_MAX ? count : SUMMARY_REFS_MAX;
}

/* A text with its length before it. */
static void
put_text(struct buf *b, const char *s, size_t n)
{
	char length[2];

	if (n > SUMMARY_TEXT_MAX)
		n = SUMMARY_TEXT_MAX;
	put16(length, n);
	buf_add(b, length, sizeof(length));
	buf_add(b, s, n);
}

/* RFC 5255, section 4.6 (c): what cannot be converted comes behind all that
 * can, and is compared as octets. */
static void
collate(struct buf *out, const struct buf *text)
{
	buf_reset(out);
	if (casemap_add(out, text->data, text->len) == 0) {
		buf_reset(out);
		buf_addc(out, '\377');
		buf_add(out, text->data, text->len);
	}
}

/* The hash of the base subject; its text goes to b. */
static uint64_t
put_subject(struct buf *b, const struct mime *m, int *reply,
    struct buf scratch[2])
{
	struct mime_ref ref = m->env[0].field[MIME_SUBJECT];
	const char *s = mime_str(m, ref);

	*reply = 0;
	buf_reset(&scratch[0]);
	buf_reset(&scratch[1]);
	if (s != NULL)
		(void)base_subject(&scratch[0], s, ref.len, reply);
	collate(&scratch[1], &scratch[0]);
	put_text(b, scratch[1].data, scratch[1].len);
	return scratch[1].len == 0 ? 0 : hash(scratch[1].data,
	    scratch[1].len);
}

/* RFC 5957, section 3. */
static void
display(struct buf *b, const struct addrlist_item *a)
{
	if (a->kind == ADDRLIST_MAILBOX && a->name.s != NULL)
		(void)mime_words_decode(b, a->name.s, a->name.len);
	if (b->len > 0)
		return;
	buf_add(b, a->mailbox.s, a->mailbox.len);
	if (a->kind == ADDRLIST_MAILBOX) {
		buf_addc(b, '@');
		buf_add(b, a->host.s, a->host.len);
	}
}

/* addr-mailbox of the first address of a field, or how it is displayed. */
static void
put_address(struct buf *b, const struct mime *m, enum mime_field field,
    bool displayed, struct buf scratch[2])
{
	struct mime_ref ref = m->env[0].field[field];
	const char *s = mime_str(m, ref);
	struct addrlist_item item;
	struct addrlist list;

	buf_reset(&scratch[0]);
	if (s != NULL) {
		addrlist_init(&list, s, ref.len);
		if (addrlist_next(&list, &item) != 1)
			;
		else if (displayed)
			display(&scratch[0], &item);
		else if (item.mailbox.s != NULL)
			(void)mime_words_decode(&scratch[0], item.mailbox.s,
			    item.mailbox.len);
		addrlist_free(&list);
	}
	collate(&scratch[1], &scratch[0]);
	put_text(b, scratch[1].data, scratch[1].len);
}

static bool
has_date(const struct mime *m, struct date *date)
{
	struct mime_ref ref = m->env[0].field[MIME_DATE];

	return ref.off != MIME_NONE && date_parse(date, mime_str(m, ref),
	    ref.len) == 1;
}

void
summary_make_sent(struct buf *b, const struct mime *m)
{
	struct date date;

	if (has_date(m, &date))
		add64(b, (uint64_t)date.time);
	else
		buf_addc(b, '\0');
}

void
summary_make_sort(struct buf *b, const struct mime *m,
    const struct buf *header)
{
	struct buf scratch[2];
	char head[HEAD] = { 0 };
	struct date date;
	uint64_t subject;
	size_t nrefs;
	int reply;

	buf_init(&scratch[0], 2 * FIELD_MAX);
	buf_init(&scratch[1], 32 * FIELD_MAX);
	if (has_date(m, &date)) {
		head[0] = DATED;
		put64(head + 4, (uint64_t)date.time);
	}
	put64(head + 20, first_id(m, MIME_MESSAGE_ID));
	buf_add(b, head, sizeof(head));
	nrefs = put_refs(b, m, header);
	subject = put_subject(b, m, &reply, scratch);
	put_address(b, m, MIME_FROM, false, scratch);
	put_address(b, m, MIME_TO, false, scratch);
	put_address(b, m, MIME_CC, false, scratch);
	put_address(b, m, MIME_FROM, true, scratch);
	put_address(b, m, MIME_TO, true, scratch);
	if (!buf_failed(b)) {
		put16(b->data + 2, nrefs);
		put64(b->data + 12, subject);
		if (reply)
			b->data[0] |= REPLY;
	}
	buf_free(&scratch[0]);
	buf_free(&scratch[1]);
}

/* ---- reading it ---- */

static size_t
get16(const char *p)
{
	return (size_t)(unsigned char)p[0] | (size_t)(unsigned char)p[1] << 8;
}

static uint64_t
get64(const char *p)
{
	return cache_u32(p) | (uint64_t)cache_u32(p + 4) << 32;
}

int
summary_sort(const struct summary_view *v, struct summary_sort *s)
{
	const struct cache_item *item = &v->item[SUMMARY_SORT];
	const char *p = item->p, *end = p + item->n;
	size_t i;

	if (!(v->have & SUMMARY(SUMMARY_SORT)) || item->n < HEAD)
		return 0;
	s->dated = p[0] & DATED;
	s->reply = p[0] & REPLY;
	s->nrefs = get16(p + 2);
	s->sent = (int64_t)get64(p + 4);
	s->subject = get64(p + 12);
	s->id = get64(p + 20);
	s->refs = p + HEAD;
	if (s->nrefs > SUMMARY_REFS_MAX ||
	    8 * s->nrefs > (size_t)(end - s->refs))
		return 0;
	p = s->refs + 8 * s->nrefs;
	for (i = 0; i < SUMMARY_TEXTS; i++, p += s->text[i - 1].n) {
		if (end - p < 2)
			return 0;
		s->text[i].n = get16(p);
		s->text[i].p = p += 2;
		if (s->text[i].n > (size_t)(end - p))
			return 0;
	}
	return 1;
}

int
summary_sent(const struct summary_view *v, struct summary_sort *s)
{
	const struct cache_item *item = &v->item[SUMMARY_SENT];

	if (!(v->have & SUMMARY(SUMMARY_SENT)) || (item->n != 8 &&
	    item->n != 1))
		return 0;
	s->dated = item->n == 8;
	s->sent = s->dated ? (int64_t)get64(item->p) : 0;
	return 1;
}
