/* SPDX-License-Identifier: ISC
 *
 * A message signed with the keys of a ring: RFC 6376, section 5.  What is
 * hashed is what goes out: the octets of the file, with CRLF.
 */
#include <string.h>

#include "grammar/addrlist.h"
#include "grammar/chars.h"
#include "grammar/dkim_header.h"
#include "grammar/idna.h"
#include "mail/dkim_ring.h"
#include "system/fdio.h"

#define HEADER_MAX	(1u << 20)	/* of a message that is signed */
#define FIELDS_TEXT_MAX	2000		/* of h=: DKIM_KEYS_MAX of them, each
					 * with a key of DKIM_BITS_MAX, fit in
					 * DKIM_PREFIX_MAX */

struct signing {
	const struct dkim_ring	*ring;
	const char		*why;
	int			 eightbit;
	const char		*domain;	/* that signs, of a key */
	struct buf		 header;	/* as it stands */
	struct dkim_fields	 fields;	/* of it */
	struct buf		 names;		/* h= */
	struct buf		 canon;		/* of the fields */
	struct dkim_hash	*hash;
	unsigned char		 body_hash[DKIM_HASH];
};

static enum dkim_signed
no(struct signing *s, const char *why)
{
	s->why = why;
	return DKIM_UNSIGNED;
}

static enum dkim_signed
failed(struct signing *s, const char *why)
{
	s->why = why;
	return DKIM_FAILED;
}

/* ---- who signs ---- */

/* The key's domain that is this one or the nearest above it; NULL: none. */
static const char *
find_domain(const struct dkim_ring *ring, const char *domain)
{
	size_t i;

	for (; domain != NULL; domain = strchr(domain, '.')) {
		if (*domain == '.')
			domain++;
		for (i = 0; i < ring->n; i++)
			if (strcmp(ring->v[i].name.domain, domain) == 0)
				return ring->v[i].name.domain;
	}
	return NULL;
}

/* The first address of a From field: its domain, in ASCII and lower case. */
static int
author_domain(const struct header_field *f, char to[IDNA_MAX])
{
	struct addrlist_item item;
	struct addrlist list;
	int got, r = -1;
	size_t i;

	addrlist_init(&list, f->value, f->value_len);
	while ((got = addrlist_next(&list, &item)) == 1)
		if (item.kind == ADDRLIST_MAILBOX)
			break;
	if (got == 1 && item.host.s != NULL)
		r = idna_ascii(to, item.host.s, item.host.len);
	addrlist_free(&list);
	for (i = 0; r == 0 && to[i] != '\0'; i++)
		to[i] = (char)char_lower(to[i]);
	if (r == 0 && i > 0 && to[i - 1] == '.')
		to[i - 1] = '\0';
	return r;
}

static enum dkim_signed
choose_domain(struct signing *s)
{
	const struct header_field *from = NULL;
	char domain[IDNA_MAX];
	size_t i;

	for (i = 0; i < s->fields.n; i++) {
		if (!header_is(&s->fields.v[i], "From"))
			continue;
		if (from != NULL)
			return no(s, "more than one From");
		from = &s->fields.v[i];
	}
	if (from == NULL)
		return no(s, "no From");
	if (author_domain(from, domain) == -1)
		return no(s, "no domain in From");
	s->domain = find_domain(s->ring, domain);
	return s->domain == NULL ? no(s, "no key for the domain of From") :
	    DKIM_SIGNED;
}

/* ---- reading ---- */

/* The whole header into s->header; *at becomes the place of the body. */
static enum dkim_signed
read_header(struct signing *s, int fd, off_t *at)
{
	struct header_scan scan = { .state = 0 };
	char data[16384];
	const char *p;
	int over = 0;
	ssize_t got;

	while (over != 2) {
		if ((got = fd_pread_all(fd, data, sizeof(data), *at)) == -1)
			return failed(s, "the message cannot be read");
		if (got == 0)
			break;
		p = data;
		do
			over = header_scan(&scan, &p, data + got);
		while (over == 1);
		if (s->header.len + (size_t)(p - data) > HEADER_MAX)
			return no(s, "the header is too long");
		if (buf_add(&s->header, data, (size_t)(p - data)) == -1)
			return failed(s, "out of memory");
		*at += p - data;
	}
	if (dkim_fields_read(&s->fields, s->header.len == 0 ? "" :
	    s->header.data, s->header.len) == -1)
		return no(s, "too many fields");
	return DKIM_SIGNED;
}

static void
note_octets(struct signing *s, const char *p, size_t n)
{
	unsigned char all = 0;
	size_t i;

	for (i = 0; i < n; i++)
		all |= (unsigned char)p[i];
	s->eightbit |= (all & 0x80) != 0;
}

static enum dkim_signed
hash_body(struct signing *s, int fd, off_t at)
{
	struct dkim_body body;
	char data[65536];
	ssize_t got;

	dkim_hash_begin(s->hash);
	dkim_body_init(&body, DKIM_RELAXED, UINT64_MAX, dkim_hash_add,
	    s->hash);
	while ((got = fd_pread_all(fd, data, sizeof(data), at)) > 0) {
		dkim_body_feed(&body, data, (size_t)got);
		note_octets(s, data, (size_t)got);
		at += got;
	}
	(void)dkim_body_end(&body);
	return got == 0 && dkim_hash_end(s->hash, s->body_hash) == 0 ?
	    DKIM_SIGNED : failed(s, "the message cannot be read");
}

static void
keep(void *arg, const void *p, size_t n)
{
	(void)buf_add(arg, p, n);
}

static enum dkim_signed
hash_fields(struct signing *s)
{
	struct dkim_text h;

	if (dkim_fields_choose(&s->fields, &s->names) == -1)
		return no(s, "too many fields");
	note_octets(s, s->header.data, s->header.len);
	h.p = s->names.data;
	h.len = s->names.len;
	(void)dkim_fields_hash(&s->fields, &h, DKIM_RELAXED, keep, &s->canon);
	return buf_failed(&s->canon) ? failed(s, "out of memory") :
	    DKIM_SIGNED;
}

/* ---- signing ---- */

static int
sign_with(struct signing *s, const struct dkim_ring_key *k, int64_t time,
    struct buf *out)
{
	struct dkim_claim claim = { .algorithm = dkim_key_algorithm(k->key),
	    .domain = k->name.domain, .selector = k->name.selector,
	    .time = time, .fields = buf_str(&s->names) };
	unsigned char hash[DKIM_HASH];
	size_t start = out->len;
	struct buf signature;
	int r = -1;

	if (claim.fields == NULL)
		return -1;
	memcpy(claim.body_hash, s->body_hash, sizeof(claim.body_hash));
	if (dkim_claim_write(out, &claim) == -1)
		return -1;
	dkim_hash_begin(s->hash);
	dkim_hash_add(s->hash, s->canon.data, s->canon.len);
	dkim_field_hash(out->data + start, out->len - start, NULL,
	    DKIM_RELAXED, dkim_hash_add, s->hash);
	buf_init(&signature, DKIM_SIG_MAX);
	if (dkim_hash_end(s->hash, hash) == 0 &&
	    dkim_key_sign(k->key, hash, &signature) == 0)
		r = dkim_claim_sign(out, signature.data, signature.len);
	buf_free(&signature);
	return r;
}

static enum dkim_signed
sign_all(struct signing *s, int fd, off_t at, int64_t time, struct buf *out)
{
	enum dkim_signed r;
	size_t i;

	if ((r = read_header(s, fd, &at)) != DKIM_SIGNED ||
	    (r = choose_domain(s)) != DKIM_SIGNED ||
	    (r = hash_fields(s)) != DKIM_SIGNED)
		return r;
	if ((s->hash = dkim_hash_new()) == NULL)
		return failed(s, "out of memory");
	if ((r = hash_body(s, fd, at)) != DKIM_SIGNED)
		return r;
	for (i = 0; i < s->ring->n; i++)
		if (strcmp(s->ring->v[i].name.domain, s->domain) == 0 &&
		    sign_with(s, &s->ring->v[i], time, out) == -1)
			return failed(s, "it could not be signed");
	s->why = "signed";
	return DKIM_SIGNED;
}

enum dkim_signed
dkim_ring_sign(const struct dkim_ring *ring, int fd, off_t at, int64_t time,
    struct buf *out, struct dkim_result *result)
{
	struct signing s = { .ring = ring };
	size_t before = out->len;
	enum dkim_signed r;

	buf_init(&s.header, HEADER_MAX + 1);
	buf_init(&s.names, FIELDS_TEXT_MAX);
	buf_init(&s.canon, 2 * HEADER_MAX);
	r = sign_all(&s, fd, at, time, out);
	if (r != DKIM_SIGNED)
		out->len = before;
	result->why = s.why;
	result->eightbit = s.eightbit;
	dkim_hash_free(s.hash);
	dkim_fields_free(&s.fields);
	buf_free(&s.header);
	buf_free(&s.names);
	buf_free(&s.canon);
	return r;
}
