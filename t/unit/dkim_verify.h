/* SPDX-License-Identifier: ISC
 *
 * A verifier of DKIM for tests, made of the parts that signing shares: what a
 * message's signatures come to, with the records that the test has.
 */
#ifndef T_UNIT_DKIM_VERIFY_H
#define T_UNIT_DKIM_VERIFY_H

#include "grammar/dkim_header.h"
#include "mail/dkim_key.h"

enum verdict {
	PASSES,
	FAILS,		/* a hash or the signature is another */
	UNUSABLE,	/* the field or the record is not to be used */
	NO_RECORD
};

/* The record at SELECTOR._domainkey.DOMAIN, or NULL. */
typedef const char *find_record(const char *name);

/* Cut sizes: the text is fed in pieces of so many octets; 0: whole. */
static size_t verify_piece;

static int
body_is_signed(const struct dkim_signature *s, const char *body, size_t n,
    struct dkim_hash *hash)
{
	unsigned char got[DKIM_HASH];
	struct dkim_body canon;
	size_t step = verify_piece == 0 ? n : verify_piece, i, some;
	uint64_t length;

	dkim_hash_begin(hash);
	dkim_body_init(&canon, s->body, s->length, dkim_hash_add, hash);
	for (i = 0; i < n; i += some) {
		some = n - i > step ? step : n - i;
		dkim_body_feed(&canon, body + i, some);
	}
	length = dkim_body_end(&canon);
	return dkim_hash_end(hash, got) == 0 &&
	    memcmp(got, s->body_hash, sizeof(got)) == 0 &&
	    (s->length == UINT64_MAX || s->length <= length);
}

static int
header_is_signed(const struct dkim_signature *s, const char *text, size_t n,
    const struct header_field *field, const struct dkim_key *key,
    struct dkim_hash *hash)
{
	unsigned char got[DKIM_HASH];
	struct dkim_fields fields;
	int r;

	if (dkim_fields_read(&fields, text, n) == -1)
		return 0;
	dkim_hash_begin(hash);
	r = dkim_fields_hash(&fields, &s->fields, s->header, dkim_hash_add,
	    hash);
	dkim_field_hash(field->start, field->len, &s->hole, s->header,
	    dkim_hash_add, hash);
	dkim_fields_free(&fields);
	return r == 0 && dkim_hash_end(hash, got) == 0 &&
	    dkim_key_verify(key, got, s->data, s->ndata);
}

static struct dkim_key *
key_of(const struct dkim_signature *s, find_record *find,
    enum verdict *why)
{
	char name[2 * DKIM_NAME_MAX + 20];
	const char *text, *at;
	struct dkim_key *key = NULL;
	struct dkim_record record;
	struct buf raw;

	snprintf(name, sizeof(name), "%.*s._domainkey.%.*s",
	    (int)s->selector.len, s->selector.p, (int)s->domain.len,
	    s->domain.p);
	*why = NO_RECORD;
	if ((text = find(name)) == NULL)
		return NULL;
	*why = UNUSABLE;
	if (dkim_record_parse(&record, text, strlen(text)) != DKIM_GOOD ||
	    record.algorithm != s->algorithm)
		return NULL;
	at = s->identity.p == NULL ? NULL :
	    memchr(s->identity.p, '@', s->identity.len);
	if (record.strict && at != NULL && s->identity.p + s->identity.len -
	    at - 1 != (long)s->domain.len)
		return NULL;
	buf_init(&raw, DKIM_LIST_MAX);
	if (dkim_base64(&raw, &record.key) == 1)
		key = dkim_key_public(record.algorithm, raw.data, raw.len);
	buf_free(&raw);
	return key;
}

/* One signature: a DKIM-Signature field of the message. */
static enum verdict
verify_field(const char *text, size_t n, const struct header_field *field,
    find_record *find)
{
	size_t header = header_length(text, n);
	struct dkim_hash *hash = dkim_hash_new();
	enum verdict v = UNUSABLE;
	struct dkim_signature s;
	struct dkim_key *key;

	if (dkim_signature_parse(&s, field->value, field->value_len) ==
	    DKIM_GOOD && (key = key_of(&s, find, &v)) != NULL) {
		v = body_is_signed(&s, text + header, n - header, hash) &&
		    header_is_signed(&s, text, n, field, key, hash) ?
		    PASSES : FAILS;
		dkim_key_free(key);
	}
	dkim_hash_free(hash);
	return v;
}

/* All of a message: how many have each verdict. */
static void
verify(const char *text, size_t n, find_record *find, int count[4])
{
	struct header_field field;
	struct header h;

	memset(count, 0, 4 * sizeof(*count));
	header_init(&h, text, n);
	while (header_next(&h, &field))
		if (header_is(&field, "DKIM-Signature"))
			count[verify_field(text, n, &field, find)]++;
}

#endif
