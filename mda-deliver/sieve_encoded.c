/* SPDX-License-Identifier: ISC
 *
 * Characters that a script has in hexadecimal (RFC 5228, section 2.4.2.4).
 */
#include <string.h>
#include <strings.h>

#include "bytes/utf8.h"
#include "grammar/chars.h"
#include "sieve_script.h"

struct cursor {
	const char	*p, *end;
};

/* *blank; how many. */
static size_t
blanks(struct cursor *c)
{
	size_t n;

	for (n = 0; c->p < c->end && (*c->p == ' ' || *c->p == '\t' ||
	    *c->p == '\r' || *c->p == '\n'); n++)
		c->p++;
	return n;
}

/* 1*HEXDIG, at most so many; a number too large for a character stays one.
 * The digits taken. */
static size_t
digits(struct cursor *c, size_t most, uint32_t *value)
{
	size_t n;

	*value = 0;
	for (n = 0; n < most && c->p < c->end && char_is(*c->p, CHAR_HEX);
	    n++) {
		if (*value <= 0x10ffff)
			*value = *value << 4 | (uint32_t)char_hex(*c->p);
		c->p++;
	}
	return n;
}

/* One value, encoded; 0: it is no character. */
static size_t
put(char *to, bool unicode, uint32_t value)
{
	if (unicode)
		return utf8_put(to, value);
	*to = (char)value;
	return 1;
}

/*
 * What stands behind "${hex:" or "${unicode:", to its "}".  1, with *to behind
 * what was written; 0 it is no sequence; -1 it is one, with a number that is
 * no character: RFC 5228 wants to know first whether it is well-formed.
 */
static int
sequence(struct cursor *c, bool unicode, char **to)
{
	size_t gap = 1, n, count = 0;
	bool bad = false;
	char *at = *to;
	uint32_t value;

	for (blanks(c); c->p < c->end && *c->p != '}'; gap = blanks(c)) {
		n = digits(c, unicode ? SIZE_MAX : 2, &value);
		if (n == 0 || gap == 0)
			return 0;
		n = put(at, unicode, value);
		bad = bad || n == 0;
		at += n;
		count++;
	}
	if (c->p == c->end || count == 0)
		return 0;
	c->p++;
	*to = at;
	return bad ? -1 : 1;
}

/* As sequence(), with its beginning. */
static int
encoded(struct cursor *c, char **to)
{
	static const char x[] = "${hex:", u[] = "${unicode:";
	struct cursor ahead = *c;
	size_t left = (size_t)(c->end - c->p);
	int r = 0;

	if (left > sizeof(x) && strncasecmp(c->p, x, sizeof(x) - 1) == 0) {
		ahead.p += sizeof(x) - 1;
		r = sequence(&ahead, false, to);
	} else if (left > sizeof(u) &&
	    strncasecmp(c->p, u, sizeof(u) - 1) == 0) {
		ahead.p += sizeof(u) - 1;
		r = sequence(&ahead, true, to);
	}
	if (r == 1)
		*c = ahead;
	return r;
}

int
sieve_encoded(struct sieve_tree *t, struct sieve_string *s, const char **why)
{
	struct cursor c = { s->text, s->text + s->len };
	char *text, *to;
	int r;

	if (memmem(s->text, s->len, "${", 2) == NULL)
		return 0;
	/* What is written is never longer than what is read, but what is no
	 * sequence may be written in part. */
	if ((text = sieve_tree_alloc(t, s->len + 1)) == NULL) {
		*why = "no memory";
		return -1;
	}
	for (to = text; c.p < c.end;) {
		if ((r = *c.p == '$' ? encoded(&c, &to) : 0) == -1) {
			*why = "a \"${unicode:...}\" that is no character";
			return -1;
		}
		if (r == 0)
			*to++ = *c.p++;
	}
	*to = '\0';
	s->text = text;
	s->len = (size_t)(to - text);
	return 0;
}
