/* SPDX-License-Identifier: ISC
 *
 * See grammar/preview.h.  HTML is not parsed, but read past: tags, comments,
 * and what style, script, title and the like enclose go; entities become what
 * they stand for.  It must never give anything but UTF-8 on one line.
 */
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "grammar/preview.h"

/* ---- characters that have arrived ---- */

/* Nobody sees these; senders put rows of them behind a first line. */
static int
is_invisible(uint32_t c)
{
	return c == 0xad || c == 0x34f || (c >= 0x200b && c <= 0x200f) ||
	    (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) ||
	    c == 0xfeff;
}

static int
is_space(uint32_t c)
{
	return c <= ' ' || (c >= 0x7f && c <= 0xa0) || c == 0x2028 ||
	    c == 0x2029 || (c >= 0x2000 && c <= 0x200a) || c == 0x3000;
}

static void
put_whole(struct preview_text *t, uint32_t c)
{
	char s[4];

	if (t->space && t->whole->len > 0)
		buf_addc(t->whole, ' ');
	buf_add(t->whole, s, utf8_put(s, c));
	t->space = 0;
}

static void
put(struct preview_text *t, uint32_t c)
{
	if (is_invisible(c))
		return;
	if (is_space(c)) {
		t->space = 1;
		return;
	}
	if (t->whole != NULL) {
		put_whole(t, c);
		return;
	}
	if (t->space && t->n > 0 && t->chars < PREVIEW_CHARS) {
		t->s[t->n++] = ' ';
		t->chars++;
	}
	t->space = 0;
	if (t->chars < PREVIEW_CHARS) {
		t->n += utf8_put(t->s + t->n, c);
		t->chars++;
	}
}

/* Lines that quote another message are wanted only when nothing else is. */
static void
put_plain(struct preview *p, uint32_t c)
{
	if (c == '\n') {
		p->in_line = 0;
		put(&p->quoted, c);
	} else if (!p->in_line && (c == '>' || !is_space(c))) {
		p->in_line = 1;
		p->in_quote = c == '>';
	}
	put(p->in_line && p->in_quote ? &p->quoted : &p->text, c);
}

/* ---- entities ---- */

/* Those that mail has; Latin letters are written as they are nowadays, and by
 * their numbers. */
static const struct {
	const char	*name;
	uint32_t	 c;
} entities[] = {
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' },
	{ "apos", '\'' }, { "nbsp", 0xa0 }, { "shy", 0xad },
	{ "zwnj", 0x200c }, { "zwj", 0x200d }, { "copy", 0xa9 },
	{ "reg", 0xae }, { "trade", 0x2122 }, { "euro", 0x20ac },
	{ "pound", 0xa3 }, { "ndash", 0x2013 }, { "mdash", 0x2014 },
	{ "hellip", 0x2026 }, { "bull", 0x2022 }, { "middot", 0xb7 },
	{ "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "sbquo", 0x201a },
	{ "ldquo", 0x201c }, { "rdquo", 0x201d }, { "bdquo", 0x201e },
	{ "laquo", 0xab }, { "raquo", 0xbb }, { "deg", 0xb0 },
	{ "times", 0xd7 }, { "ensp", 0x2002 }, { "emsp", 0x2003 },
	{ "auml", 0xe4 }, { "ouml", 0xf6 }, { "uuml", 0xfc },
	{ "Auml", 0xc4 }, { "Ouml", 0xd6 }, { "Uuml", 0xdc },
	{ "szlig", 0xdf }, { "eacute", 0xe9 }, { "Eacute", 0xc9 },
	{ "egrave", 0xe8 }, { "agrave", 0xe0 }, { "aacute", 0xe1 },
	{ "acirc", 0xe2 }, { "ecirc", 0xea }, { "icirc", 0xee },
	{ "ocirc", 0xf4 }, { "iacute", 0xed }, { "oacute", 0xf3 },
	{ "uacute", 0xfa }, { "ntilde", 0xf1 }, { "ccedil", 0xe7 },
	{ "atilde", 0xe3 }, { "otilde", 0xf5 }, { "aring", 0xe5 },
	{ "aelig", 0xe6 }, { "oslash", 0xf8 }, { "iexcl", 0xa1 },
	{ "iquest", 0xbf },
};

/* "#" 1*DIGIT / "#x" 1*HEXDIG: the character, 0 it is none. */
static uint32_t
numeric(const char *s, size_t n)
{
	uint32_t c = 0;
	int hex = n > 0 && (*s == 'x' || *s == 'X'), digit;
	size_t i;

	for (i = (size_t)hex; i < n && c < 0x110000; i++) {
		digit = char_hex(s[i]);
		if (digit == -1 || (!hex && digit > 9))
			return 0;
		c = c * (hex ? 16 : 10) + (uint32_t)digit;
	}
	return c < 0x110000 && (c < 0xd800 || c > 0xdfff) ? c : 0;
}

/* The entity whose name is in word; one that is not known stays as it is. */
static void
end_entity(struct preview *p, int closed)
{
	uint32_t c = 0;
	size_t i;

	if (p->nword > 1 && p->word[0] == '#')
		c = numeric(p->word + 1, p->nword - 1);
	for (i = 0; c == 0 && i < sizeof(entities) / sizeof(entities[0]); i++)
		if (strlen(entities[i].name) == p->nword &&
		    memcmp(entities[i].name, p->word, p->nword) == 0)
			c = entities[i].c;
	p->state = PREVIEW_TEXT;
	if (c != 0) {
		put(&p->text, c);
		return;
	}
	put(&p->text, '&');
	for (i = 0; i < p->nword; i++)
		put(&p->text, (unsigned char)p->word[i]);
	if (closed)
		put(&p->text, ';');
}

/* ---- tags ---- */

static int
among(const char *const *words, const char *s, size_t n)
{
	for (; *words != NULL; words++)
		if (chars_is(s, n, *words))
			return 1;
	return 0;
}

/* A tag is over: one that stands between words is white space. */
static void
end_tag(struct preview *p)
{
	static const char *const within[] = { "a", "b", "i", "u", "em", "s",
	    "strong", "span", "font", "big", "small", "sub", "sup", "tt",
	    "code", "abbr", "wbr", "o:p", "mark", NULL };
	static const char *const skipped[] = { "style", "script", "title",
	    "xml", "svg", "select", NULL };
	int closing = p->nword > 0 && p->word[0] == '/';
	const char *name = p->word + closing;
	size_t n = p->nword - (size_t)closing;

	p->state = PREVIEW_TEXT;
	if (p->skip[0] != '\0') {
		if (closing && chars_is(name, n, p->skip))
			p->skip[0] = '\0';
		return;
	}
	if (!closing && among(skipped, name, n)) {
		memcpy(p->skip, name, n);
		p->skip[n] = '\0';
	}
	if (!among(within, name, n))
		p->text.space = 1;
}

static void
begin(struct preview *p, int state)
{
	p->state = state;
	p->nword = 0;
	p->in_word = 1;
	p->quote = '\0';
}

static void put_html(struct preview *, uint32_t);

/* Whether this can follow "<"; within a script only its end is a tag. */
static int
begins_tag(const struct preview *p, uint32_t c)
{
	if (c == '/')
		return 1;
	return p->skip[0] == '\0' && c < 0x80 && (char_is((int)c,
	    CHAR_ALPHA) || c == '!' || c == '?');
}

/* Within "<": the name is the first word. */
static void
in_tag(struct preview *p, uint32_t c)
{
	if (p->in_word && p->nword == 0 && !begins_tag(p, c)) {
		p->state = PREVIEW_TEXT;
		if (p->skip[0] == '\0')
			put(&p->text, '<');
		put_html(p, c);
	} else if (c == '>') {
		end_tag(p);
	} else if ((c == '"' || c == '\'') && p->skip[0] == '\0') {
		p->quote = (char)c;
		p->state = PREVIEW_VALUE;
	} else if (p->in_word && (c <= ' ' || (c == '/' && p->nword > 0))) {
		p->in_word = 0;
	} else if (p->in_word && c < 0x80 && p->nword < sizeof(p->word)) {
		p->word[p->nword++] = (char)c;
		if (p->nword == 3 && memcmp(p->word, "!--", 3) == 0)
			begin(p, PREVIEW_COMMENT);
	}
}

/* A comment ends in "-->"; nword counts its dashes. */
static void
in_comment(struct preview *p, uint32_t c)
{
	if (c == '>' && p->nword >= 2)
		p->state = PREVIEW_TEXT;
	else if (c != '-')
		p->nword = 0;
	else if (p->nword < 2)
		p->nword++;
}

static void
in_entity(struct preview *p, uint32_t c)
{
	if (c == ';') {
		end_entity(p, 1);
	} else if (p->nword < sizeof(p->word) && (char_is((int)(c < 0x80 ? c :
	    0), CHAR_ALNUM) || (c == '#' && p->nword == 0))) {
		p->word[p->nword++] = (char)c;
	} else {
		end_entity(p, 0);
		put_html(p, c);
	}
}

static void
put_html(struct preview *p, uint32_t c)
{
	switch (p->state) {
	case PREVIEW_TEXT:
		if (c == '<')
			begin(p, PREVIEW_TAG);
		else if (p->skip[0] != '\0')
			;
		else if (c == '&')
			begin(p, PREVIEW_ENTITY);
		else
			put(&p->text, c);
		break;
	case PREVIEW_TAG:
		in_tag(p, c);
		break;
	case PREVIEW_VALUE:
		if (c == (unsigned char)p->quote)
			p->state = PREVIEW_TAG;
		break;
	case PREVIEW_COMMENT:
		in_comment(p, c);
		break;
	case PREVIEW_ENTITY:
		in_entity(p, c);
		break;
	}
}

/* ---- octets ---- */

static void
put_char(struct preview *p, uint32_t c)
{
	if (p->html)
		put_html(p, c);
	else
		put_plain(p, c);
}

/* Whether a character may have been cut here. */
static int
is_cut(const char *s, const char *end)
{
	unsigned char c = (unsigned char)*s;
	int need = c < 0xc2 || c > 0xf4 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (end - s >= need)
		return 0;
	while (++s < end)
		if (((unsigned char)*s & 0xc0) != 0x80)
			return 0;
	return 1;
}

/* Characters of n octets; how many were taken: all but the beginning of a
 * character at the end. */
static size_t
take(struct preview *p, const char *s, size_t n)
{
	const char *at = s, *end = s + n;
	uint32_t c;
	size_t k;

	while (at < end && p->text.chars < PREVIEW_CHARS) {
		if ((k = utf8_next(at, end, &c)) == 0) {
			if (is_cut(at, end))
				break;
			c = 0xfffd;
			k = 1;
		}
		put_char(p, c);
		at += k;
	}
	return (size_t)(at - s);
}

int
preview_feed(struct preview *p, const char *s, size_t n)
{
	char joined[8];
	size_t k, taken;

	/* Finish a character that was cut with a few octets more. */
	while (p->ncut > 0 && n > 0) {
		k = n < 4 ? n : 4;
		memcpy(joined, p->cut, p->ncut);
		memcpy(joined + p->ncut, s, k);
		taken = take(p, joined, p->ncut + k);
		if (p->text.chars == PREVIEW_CHARS)
			return 1;
		if (taken < p->ncut) {
			/* Still cut: all of it fits. */
			memcpy(p->cut, joined, p->ncut + k);
			p->ncut += k;
			return 0;
		}
		s += taken - p->ncut;
		n -= taken - p->ncut;
		p->ncut = 0;
	}
	taken = take(p, s, n);
	if (p->text.chars == PREVIEW_CHARS)
		return 1;
	p->ncut = n - taken;
	memcpy(p->cut, s + taken, p->ncut);
	return 0;
}

const char *
preview_end(struct preview *p, size_t *n)
{
	const struct preview_text *t;

	if (p->ncut > 0)
		put_char(p, 0xfffd);
	if (p->html && p->state == PREVIEW_ENTITY)
		end_entity(p, 0);
	t = p->text.n > 0 ? &p->text : &p->quoted;
	*n = t->n;
	return t->s;
}
