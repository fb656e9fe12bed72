/* SPDX-License-Identifier: ISC
 *
 * FETCH's data items.  Items without arguments become bits, so asking for one
 * a thousand times costs nothing; sections are bounded in number.
 */
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/imap_fetch.h"
#include "grammar/imap_write.h"

void
imap_fetch_init(struct imap_fetch *f)
{
	memset(f, 0, sizeof(*f));
}

void
imap_section_free(struct imap_section *s)
{
	free(s->path);
	free(s->field);
	s->path = NULL;
	s->field = NULL;
}

void
imap_fetch_free(struct imap_fetch *f)
{
	size_t i;

	for (i = 0; i < f->nsection; i++)
		imap_section_free(&f->section[i]);
	free(f->section);
	imap_fetch_init(f);
}

static struct imap_section *
new_section(struct imap_lex *l, struct imap_fetch *f)
{
	struct imap_section *s;
	size_t cap;

	if (f->nsection == IMAP_MAX_SECTIONS) {
		imap_lex_fail(l, "too many sections");
		return NULL;
	}
	if (f->nsection == f->cap) {
		cap = f->cap == 0 ? 4 : f->cap * 2;
		if ((s = reallocarray(f->section, cap, sizeof(*s))) == NULL) {
			imap_lex_fail(l, "out of memory");
			return NULL;
		}
		f->section = s;
		f->cap = cap;
	}
	s = &f->section[f->nsection++];
	memset(s, 0, sizeof(*s));
	return s;
}

/* section-part = nz-number *("." nz-number), and the "." behind it: 1 when
 * something must follow, 2 when nothing does. */
static int
lex_part(struct imap_lex *l, struct imap_section *s)
{
	uint32_t path[IMAP_MAX_PART_PATH], n;
	size_t npath = 0;
	int r;

	while ((r = imap_lex_nz_number(l, &n)) == 1) {
		if (npath == IMAP_MAX_PART_PATH)
			return imap_lex_fail(l, "a part number is too long");
		path[npath++] = n;
		if (!imap_lex_char(l, '.')) {
			r = 2;
			break;
		}
	}
	if (r == -1)
		return -1;
	if (npath > 0) {
		s->path = reallocarray(NULL, npath, sizeof(*s->path));
		if (s->path == NULL)
			return imap_lex_fail(l, "out of memory");
		memcpy(s->path, path, npath * sizeof(path[0]));
		s->npath = npath;
	}
	return r == 2 ? 2 : 1;
}

/* header-fld-name = astring; but no header has a field of a name with other
 * octets (RFC 5322 section 3.6.8). */
static int
is_field_name(const struct imap_string *s)
{
	size_t i;

	for (i = 0; i < s->len; i++)
		if (!char_is(s->s[i], CHAR_PRINT))
			return 0;
	return 1;
}

/* header-list = "(" header-fld-name *(SP header-fld-name) ")" */
static int
lex_header_list(struct imap_lex *l, struct imap_section *s)
{
	struct imap_string *a;
	size_t cap = 0;
	int r;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of field names is missing");
	do {
		if (s->nfield == cap) {
			cap = cap == 0 ? 8 : cap * 2;
			a = reallocarray(s->field, cap, sizeof(*a));
			if (a == NULL)
				return imap_lex_fail(l, "out of memory");
			s->field = a;
		}
		r = imap_lex_astring(l, &s->field[s->nfield]);
		if (r == -1)
			return -1;
		if (r == 0)
			return imap_lex_fail(l, "a field name is missing");
		if (!is_field_name(&s->field[s->nfield]))
			return imap_lex_fail(l, "bad field name");
		s->nfield++;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "a list of field names is not closed");
	return 1;
}

/* section-text = section-msgtext / "MIME"
 * section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list /
 *                   "TEXT" */
static int
lex_section_text(struct imap_lex *l, struct imap_section *s)
{
	if (imap_lex_word(l, "HEADER.FIELDS")) {
		s->kind = IMAP_SECTION_FIELDS;
		return lex_header_list(l, s);
	}
	if (imap_lex_word(l, "HEADER.FIELDS.NOT")) {
		s->kind = IMAP_SECTION_FIELDS_NOT;
		return lex_header_list(l, s);
	}
	if (imap_lex_word(l, "HEADER"))
		s->kind = IMAP_SECTION_HEADER;
	else if (imap_lex_word(l, "TEXT"))
		s->kind = IMAP_SECTION_TEXT;
	else if (s->npath > 0 && imap_lex_word(l, "MIME"))
		s->kind = IMAP_SECTION_MIME;
	else
		return imap_lex_fail(l, "unknown section");
	return 1;
}

/* "<" number64 "." nz-number64 ">" (RFC 9051 section 9) */
static int
lex_partial(struct imap_lex *l, struct imap_section *s)
{
	if (!imap_lex_char(l, '<'))
		return 0;
	if (imap_lex_number64(l, &s->offset) != 1 || !imap_lex_char(l, '.') ||
	    imap_lex_number64(l, &s->length) != 1 || s->length == 0 ||
	    !imap_lex_char(l, '>'))
		return imap_lex_fail(l, "bad partial");
	s->partial = 1;
	return 1;
}

/* section-spec = section-msgtext / (section-part ["." section-text]) */
int
imap_lex_section_spec(struct imap_lex *l, struct imap_section *s)
{
	int r = lex_part(l, s);

	return r == 1 ? lex_section_text(l, s) : r == 2 ? 1 : -1;
}

/* section = "[" [section-spec] "]" ["<" number "." nz-number ">"]; the "["
 * has been taken. */
static int
lex_section(struct imap_lex *l, struct imap_fetch *f, int peek)
{
	struct imap_section *s;

	if ((s = new_section(l, f)) == NULL)
		return -1;
	s->peek = peek;
	if (!imap_lex_char(l, ']')) {
		if (imap_lex_section_spec(l, s) == -1)
			return -1;
		if (!imap_lex_char(l, ']'))
			return imap_lex_fail(l, "a section is not closed");
	}
	return lex_partial(l, s) == -1 ? -1 : 1;
}

/* section-binary = "[" [section-part] "]" (RFC 3516 section 7; RFC 9051), with
 * a partial unless only the size is asked for; the "[" has been taken. */
static int
lex_binary(struct imap_lex *l, struct imap_fetch *f,
    enum imap_section_kind kind, int peek)
{
	struct imap_section *s;

	if ((s = new_section(l, f)) == NULL)
		return -1;
	s->kind = kind;
	s->peek = peek;
	if (!imap_lex_char(l, ']') && (lex_part(l, s) != 2 ||
	    !imap_lex_char(l, ']')))
		return imap_lex_fail(l, "a section is a part number here");
	if (kind == IMAP_SECTION_BINARY_SIZE)
		return 1;
	return lex_partial(l, s) == -1 ? -1 : 1;
}

static int
add_rfc822(struct imap_lex *l, struct imap_fetch *f, const char *name,
    enum imap_section_kind kind, int peek)
{
	struct imap_section *s;

	if ((s = new_section(l, f)) == NULL)
		return -1;
	s->name = name;
	s->kind = kind;
	s->peek = peek;
	return 1;
}

static const struct {
	const char	*name;
	unsigned	 item;
} items[] = {
	{ "UID", IMAP_FETCH_UID },
	{ "FLAGS", IMAP_FETCH_FLAGS },
	{ "INTERNALDATE", IMAP_FETCH_INTERNALDATE },
	{ "RFC822.SIZE", IMAP_FETCH_SIZE },
	{ "ENVELOPE", IMAP_FETCH_ENVELOPE },
	{ "BODYSTRUCTURE", IMAP_FETCH_BODYSTRUCTURE },
	{ "BODY", IMAP_FETCH_BODY },
	{ "MODSEQ", IMAP_FETCH_MODSEQ },
	{ "SAVEDATE", IMAP_FETCH_SAVEDATE },
	{ "EMAILID", IMAP_FETCH_EMAILID },
	{ "THREADID", IMAP_FETCH_THREADID },
};

static const struct {
	const char	*name;
	unsigned	 items;
} macros[] = {
	{ "ALL", IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE |
	    IMAP_FETCH_SIZE | IMAP_FETCH_ENVELOPE },
	{ "FULL", IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE |
	    IMAP_FETCH_SIZE | IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY },
	{ "FAST", IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE |
	    IMAP_FETCH_SIZE },
};

static const struct {
	const char	*name;
	enum imap_section_kind kind;
	int		 peek;
} rfc822[] = {
	{ "RFC822", IMAP_SECTION_ALL, 0 },
	{ "RFC822.HEADER", IMAP_SECTION_HEADER, 1 },
	{ "RFC822.TEXT", IMAP_SECTION_TEXT, 0 },
};

static const struct {
	const char	*name;
	enum imap_section_kind kind;
	int		 peek;
} binaries[] = {
	{ "BINARY[", IMAP_SECTION_BINARY, 0 },
	{ "BINARY.PEEK[", IMAP_SECTION_BINARY, 1 },
	{ "BINARY.SIZE[", IMAP_SECTION_BINARY_SIZE, 1 },
};

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* fetch-att =/ "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]
 * preview-mod = "LAZY" (RFC 8970, section 6); the word has been taken. */
static int
lex_preview(struct imap_lex *l, struct imap_fetch *f)
{
	if (!chars_begin(l->p, l->end, " (")) {
		f->items |= IMAP_FETCH_PREVIEW;
		return 1;
	}
	l->p += 2;
	do {
		if (!imap_lex_word(l, "LAZY"))
			return imap_lex_fail(l, "unknown modifier of PREVIEW");
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "the modifiers are not closed");
	f->items |= IMAP_FETCH_PREVIEW_LAZY;
	return 1;
}

/* fetch-att */
static int
lex_att(struct imap_lex *l, struct imap_fetch *f)
{
	size_t i;

	if (chars_begin(l->p, l->end, "BODY[")) {
		l->p += strlen("BODY[");
		return lex_section(l, f, 0);
	}
	if (chars_begin(l->p, l->end, "BODY.PEEK[")) {
		l->p += strlen("BODY.PEEK[");
		return lex_section(l, f, 1);
	}
	for (i = 0; i < N(binaries); i++)
		if (chars_begin(l->p, l->end, binaries[i].name)) {
			l->p += strlen(binaries[i].name);
			return lex_binary(l, f, binaries[i].kind,
			    binaries[i].peek);
		}
	for (i = 0; i < N(items); i++)
		if (imap_lex_word(l, items[i].name)) {
			f->items |= items[i].item;
			return 1;
		}
	if (imap_lex_word(l, "PREVIEW"))
		return lex_preview(l, f);
	for (i = 0; i < N(rfc822); i++)
		if (imap_lex_word(l, rfc822[i].name))
			return add_rfc822(l, f, rfc822[i].name,
			    rfc822[i].kind, rfc822[i].peek);
	return imap_lex_fail(l, "unknown data item");
}

int
imap_lex_fetch(struct imap_lex *l, struct imap_fetch *f)
{
	size_t i;

	for (i = 0; i < N(macros); i++)
		if (imap_lex_word(l, macros[i].name)) {
			f->items |= macros[i].items;
			return 1;
		}
	if (!imap_lex_char(l, '('))
		return lex_att(l, f);
	do {
		if (lex_att(l, f) == -1)
			return -1;
	} while (imap_lex_sp(l));
	if (!imap_lex_char(l, ')'))
		return imap_lex_fail(l, "the list of items is not closed");
	return 1;
}

int
imap_section_write(struct buf *b, const struct imap_section *s)
{
	static const char *const text[] = {
		[IMAP_SECTION_ALL] = "",
		[IMAP_SECTION_HEADER] = "HEADER",
		[IMAP_SECTION_FIELDS] = "HEADER.FIELDS",
		[IMAP_SECTION_FIELDS_NOT] = "HEADER.FIELDS.NOT",
		[IMAP_SECTION_TEXT] = "TEXT",
		[IMAP_SECTION_MIME] = "MIME",
		[IMAP_SECTION_BINARY] = "",
		[IMAP_SECTION_BINARY_SIZE] = "",
	};
	size_t i;

	if (s->name != NULL)
		return buf_adds(b, s->name);
	buf_adds(b, s->kind == IMAP_SECTION_BINARY ? "BINARY[" :
	    s->kind == IMAP_SECTION_BINARY_SIZE ? "BINARY.SIZE[" : "BODY[");
	for (i = 0; i < s->npath; i++)
		buf_addf(b, "%s%u", i == 0 ? "" : ".", s->path[i]);
	if (s->npath > 0 && text[s->kind][0] != '\0')
		buf_addc(b, '.');
	buf_adds(b, text[s->kind]);
	for (i = 0; i < s->nfield; i++) {
		buf_adds(b, i == 0 ? " (" : " ");
		imap_write_astring(b, s->field[i].s, s->field[i].len);
	}
	buf_adds(b, s->nfield > 0 ? ")]" : "]");
	if (s->partial)
		buf_addf(b, "<%llu>", (unsigned long long)s->offset);
	return buf_failed(b) ? -1 : 0;
}
