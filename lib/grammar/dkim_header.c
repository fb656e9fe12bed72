/* SPDX-License-Identifier: ISC
 *
 * The header and a signature over it: RFC 6376, sections 3.5, 3.7 and 5.4.
 * Signer and verifier hash through the same functions.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/base64.h"
#include "grammar/chars.h"
#include "grammar/dkim_header.h"

#define FOLD	70		/* octets of a line, its tab apart */

/* ---- fields ---- */

int
dkim_fields_read(struct dkim_fields *f, const char *text, size_t len)
{
	struct header_field field, *more;
	struct header h;
	size_t cap = 0;

	memset(f, 0, sizeof(*f));
	header_init(&h, text, len);
	while (header_next(&h, &field)) {
		if (field.name_len == 0)
			continue;
		if (f->n == cap) {
			cap = cap == 0 ? 32 : 2 * cap;
			more = f->n >= DKIM_FIELDS_MAX ? NULL :
			    reallocarray(f->v, cap, sizeof(*more));
			if (more == NULL) {
				dkim_fields_free(f);
				return -1;
			}
			f->v = more;
		}
		f->v[f->n++] = field;
	}
	return 0;
}

void
dkim_fields_free(struct dkim_fields *f)
{
	free(f->v);
	memset(f, 0, sizeof(*f));
}

size_t
dkim_fields_count(const struct dkim_fields *f, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < f->n; i++)
		n += chars_is(f->v[i].name, f->v[i].name_len, name);
	return n;
}

/* The lowest one left; one that was taken has no name any more. */
static struct header_field *
take(struct dkim_fields *f, const struct dkim_text *name)
{
	size_t i = f->n;

	if (name->len == 0)
		return NULL;
	while (i-- > 0)
		if (chars_equal(f->v[i].name, f->v[i].name_len, name->p,
		    name->len))
			return &f->v[i];
	return NULL;
}

int
dkim_fields_hash(struct dkim_fields *f, const struct dkim_text *h,
    enum dkim_canon how, dkim_sink *to, void *arg)
{
	struct dkim_text rest = *h, name;
	struct header_field *field;
	struct dkim_field canon;
	size_t n = 0;

	while (dkim_word(&rest, &name)) {
		if (++n > DKIM_NAMES_MAX)
			return -1;
		if ((field = take(f, &name)) == NULL)
			continue;
		dkim_field_init(&canon, how, to, arg);
		dkim_field_feed(&canon, field->start, field->len);
		dkim_field_end(&canon, 1);
		field->name_len = 0;
	}
	return 0;
}

void
dkim_field_hash(const char *field, size_t len, const struct dkim_text *hole,
    enum dkim_canon how, dkim_sink *to, void *arg)
{
	struct dkim_field canon;
	size_t before = hole == NULL ? len : (size_t)(hole->p - field);

	dkim_field_init(&canon, how, to, arg);
	dkim_field_feed(&canon, field, before);
	if (hole != NULL)
		dkim_field_feed(&canon, hole->p + hole->len,
		    len - before - hole->len);
	dkim_field_end(&canon, 0);
}

/* ---- which ones are signed ---- */

enum more {
	NO_MORE,	/* those that are there */
	ONE_MORE,	/* and if there is one, one more */
	ALWAYS		/* one more in any case */
};

/*
 * RFC 6376, section 5.4.1, and what programs make decisions by.  Not Received,
 * Return-Path and other traces, nor what lists and hosts on the way add.  Of
 * what a reader is shown or answers to, none may be added to what has none; a
 * missing Date or Message-ID may be, as hosts on the way do so.
 */
static const struct {
	const char	*name;
	enum more	 more;
} signed_fields[] = {
	{ "From", ALWAYS },
	{ "Reply-To", ALWAYS },
	{ "Subject", ALWAYS },
	{ "To", ALWAYS },
	{ "Cc", ALWAYS },
	{ "Date", ONE_MORE },
	{ "Message-ID", ONE_MORE },
	{ "Sender", ONE_MORE },
	{ "In-Reply-To", ONE_MORE },
	{ "References", ONE_MORE },
	{ "MIME-Version", ONE_MORE },
	{ "Content-Type", ONE_MORE },
	{ "Content-Transfer-Encoding", ONE_MORE },
	{ "Content-Disposition", NO_MORE },
	{ "Content-Description", NO_MORE },
	{ "Content-Language", NO_MORE },
	{ "Content-ID", NO_MORE },
	{ "Resent-From", NO_MORE },
	{ "Resent-Sender", NO_MORE },
	{ "Resent-To", NO_MORE },
	{ "Resent-Cc", NO_MORE },
	{ "Resent-Date", NO_MORE },
	{ "Resent-Message-ID", NO_MORE },
	{ "List-Id", NO_MORE },
	{ "List-Help", NO_MORE },
	{ "List-Unsubscribe", NO_MORE },
	{ "List-Unsubscribe-Post", NO_MORE },
	{ "List-Subscribe", NO_MORE },
	{ "List-Post", NO_MORE },
	{ "List-Owner", NO_MORE },
	{ "List-Archive", NO_MORE },
	{ "Auto-Submitted", NO_MORE },
	{ "Autocrypt", NO_MORE },
	{ "Feedback-ID", NO_MORE },
};

int
dkim_fields_choose(const struct dkim_fields *f, struct buf *b)
{
	size_t i, n, names = 0;

	for (i = 0; i < sizeof(signed_fields) / sizeof(signed_fields[0]);
	    i++) {
		n = dkim_fields_count(f, signed_fields[i].name);
		if (signed_fields[i].more == ALWAYS ||
		    (signed_fields[i].more == ONE_MORE && n > 0))
			n++;
		if (n > DKIM_NAMES_MAX || (names += n) > DKIM_NAMES_MAX)
			return -1;
		for (; n > 0; n--) {
			if (b->len > 0)
				(void)buf_addc(b, ':');
			(void)buf_adds(b, signed_fields[i].name);
		}
	}
	return buf_failed(b) ? -1 : 0;
}

/* ---- writing ---- */

/* Append a text that may be folded behind each of this octet. */
static void
fold(struct buf *b, size_t *column, const char *s, char behind)
{
	const char *stop;
	size_t n;

	for (; *s != '\0'; s += n) {
		stop = strchr(s, behind);
		n = stop == NULL ? strlen(s) : (size_t)(stop - s) + 1;
		if (*column > 0 && *column + n > FOLD) {
			(void)buf_adds(b, "\n\t");
			*column = 0;
		}
		(void)buf_add(b, s, n);
		*column += n;
	}
}

/* One tag: in this line or the next. */
static void
add_tag(struct buf *b, size_t *column, const char *name, const char *value)
{
	size_t n = strlen(name) + strlen(value) + 3;

	if (*column + n > FOLD) {
		(void)buf_adds(b, "\n\t");
		*column = 0;
	} else {
		(void)buf_addc(b, ' ');
		++*column;
	}
	(void)buf_addf(b, "%s=", name);
	*column += strlen(name) + 1;
	fold(b, column, value, ':');
	(void)buf_addc(b, ';');
	++*column;
}

int
dkim_claim_write(struct buf *b, const struct dkim_claim *c)
{
	size_t column = strlen("DKIM-Signature:");
	char number[24];
	struct buf hash;

	buf_init(&hash, BASE64_LEN(DKIM_HASH) + 1);
	if (base64_encode(&hash, c->body_hash, DKIM_HASH) == -1 ||
	    buf_str(&hash) == NULL) {
		buf_free(&hash);
		return -1;
	}
	snprintf(number, sizeof(number), "%" PRId64, c->time);
	(void)buf_adds(b, "DKIM-Signature:");
	add_tag(b, &column, "v", "1");
	add_tag(b, &column, "a", dkim_algorithm_name(c->algorithm));
	add_tag(b, &column, "c", "relaxed/relaxed");
	add_tag(b, &column, "d", c->domain);
	add_tag(b, &column, "s", c->selector);
	add_tag(b, &column, "t", number);
	add_tag(b, &column, "h", c->fields);
	add_tag(b, &column, "bh", buf_str(&hash));
	(void)buf_adds(b, "\n\tb=");
	buf_free(&hash);
	return buf_failed(b) ? -1 : 0;
}

int
dkim_claim_sign(struct buf *b, const void *signature, size_t len)
{
	size_t room = FOLD - strlen("b="), n, done;
	struct buf text;

	buf_init(&text, BASE64_LEN(DKIM_SIG_MAX));
	if (base64_encode(&text, signature, len) == -1) {
		buf_free(&text);
		return -1;
	}
	for (done = 0; done < text.len; done += n) {
		n = text.len - done > room ? room : text.len - done;
		if (done > 0)
			(void)buf_adds(b, "\n\t");
		(void)buf_add(b, text.data + done, n);
		room = FOLD;
	}
	buf_free(&text);
	return buf_addc(b, '\n');
}
