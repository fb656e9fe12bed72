/* SPDX-License-Identifier: ISC
 *
 * What happens to a message while it waits: the lines behind "end" of its
 * envelope file, and the words of an attempt.  It must never believe half a
 * line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/envelope_local.h"

/* text = *( any octet but controls and "\" / "\\" / "\x" 2HEXDIG ) */
void
envelope_add_text(struct buf *b, const char *s, size_t n)
{
	unsigned char c;

	for (; n > 0; n--) {
		c = (unsigned char)*s++;
		if (c == '\\')
			buf_adds(b, "\\\\");
		else if (c < 0x20 || c == 0x7f)
			buf_addf(b, "\\x%02x", c);
		else
			buf_addc(b, (char)c);
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* An escape that is none stands for itself. */
char *
envelope_get_text(const char *s, size_t n)
{
	char *out, *to;
	size_t i;

	if ((out = to = malloc(n + 1)) == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		if (s[i] == '\\' && i + 1 < n && s[i + 1] == '\\') {
			*to++ = '\\';
			i++;
		} else if (s[i] == '\\' && i + 3 < n && s[i + 1] == 'x' &&
		    hex_value(s[i + 2]) >= 0 && hex_value(s[i + 3]) >= 0) {
			*to++ = (char)(hex_value(s[i + 2]) << 4 |
			    hex_value(s[i + 3]));
			i += 3;
		} else
			*to++ = s[i];
	}
	*to = '\0';
	return out;
}

/* number = 1*DIGIT; moves *p. */
int
envelope_get_number(const char **p, const char *end, int64_t *to)
{
	const char *s = *p;
	int64_t v = 0;

	while (s < end && *s >= '0' && *s <= '9') {
		if (v > (INT64_MAX - 9) / 10)
			return -1;
		v = v * 10 + (*s++ - '0');
	}
	if (s == *p)
		return -1;
	*p = s;
	*to = v;
	return 1;
}

int
envelope_is_key(const char **p, const char *end, const char *key)
{
	size_t n = strlen(key);

	if ((size_t)(end - *p) <= n || memcmp(*p, key, n) != 0 ||
	    (*p)[n] != ' ')
		return 0;
	*p += n + 1;
	return 1;
}

/* ---- the words of an attempt ---- */

/* The next word at *p into to[size], "" when it has no room; moves *p behind
 * the space that follows it. */
static void
take_word(char *to, size_t size, const char **p)
{
	size_t n = strcspn(*p, " ");

	to[0] = '\0';
	if (n < size) {
		memcpy(to, *p, n);
		to[n] = '\0';
	}
	*p += n;
	*p += **p == ' ';
}

void
envelope_words_parse(struct envelope_words *w, const char *text)
{
	const char *p = text == NULL ? "" : text;
	struct smtp_status status;

	memset(w, 0, sizeof(*w));
	w->reply = p;
	if (smtp_status_parse(&p, p + strlen(p), &status) != 1)
		return;
	smtp_status_text(&status, w->status);
	p += *p == ' ';
	take_word(w->host, sizeof(w->host), &p);
	if (strcmp(w->host, "-") == 0)
		w->host[0] = '\0';
	if (strncmp(p, "tls=", 4) == 0) {
		p += 4;
		take_word(w->tls, sizeof(w->tls), &p);
	}
	w->reply = p;
}

char *
envelope_words_text(char *to, size_t size, const char *status,
    const char *host, const char *tls, const char *reply)
{
	char *p, word[ENVELOPE_TLS];

	strlcpy(word, tls, sizeof(word));
	for (p = word; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			*p = '_';
	snprintf(to, size, "%s %s%s%s %s", status, host[0] == '\0' ? "-" :
	    host, word[0] == '\0' ? "" : " tls=", word, reply);
	return to;
}

/* ---- events ---- */

int
envelope_tried(struct buf *b, size_t rcpt, int64_t when, const char *text)
{
	size_t n = strlen(text);

	buf_addf(b, "tried %" PRId64 " %zu ", when, rcpt);
	envelope_add_text(b, text, n > ENVELOPE_TEXT ? ENVELOPE_TEXT : n);
	return buf_addc(b, '\n');
}

int
envelope_warned(struct buf *b, int64_t when)
{
	return buf_addf(b, "warned %" PRId64 "\n", when);
}

int
envelope_held(struct buf *b, int64_t since, int64_t until)
{
	return buf_addf(b, "held %" PRId64 " %" PRId64 "\n", since, until);
}

/* time SP index SP text */
static int
tried_parse(struct envelope_event *ev, const char *p, const char *end)
{
	const size_t most = 4 * ENVELOPE_TEXT;	/* all of it escaped */
	int64_t i;

	if (envelope_get_number(&p, end, &ev->when) != 1 || p == end ||
	    *p++ != ' ' || envelope_get_number(&p, end, &i) != 1 ||
	    p == end || *p++ != ' ')
		return 0;
	ev->rcpt = (size_t)i;
	ev->words = envelope_get_text(p, (size_t)(end - p) > most ? most :
	    (size_t)(end - p));
	return ev->words == NULL ? -1 : 1;
}

int
envelope_event_parse(struct envelope_event *ev, const char *p,
    const char *end)
{
	memset(ev, 0, sizeof(*ev));
	if (envelope_is_key(&p, end, "tried")) {
		ev->what = ENVELOPE_TRIED;
		return tried_parse(ev, p, end);
	}
	if (envelope_is_key(&p, end, "warned")) {
		ev->what = ENVELOPE_WARNED;
		return envelope_get_number(&p, end, &ev->when) == 1 &&
		    p == end;
	}
	if (envelope_is_key(&p, end, "held")) {
		ev->what = ENVELOPE_HELD;
		return envelope_get_number(&p, end, &ev->when) == 1 &&
		    p < end && *p++ == ' ' &&
		    envelope_get_number(&p, end, &ev->until) == 1 && p == end;
	}
	return 0;
}

const char *
envelope_history(const char *text, size_t n)
{
	const char *p = text, *end = text + n, *nl;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL;
	    p = nl + 1)
		if (nl - p == 3 && memcmp(p, "end", 3) == 0)
			return nl + 1;
	return end;
}
