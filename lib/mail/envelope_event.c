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
	envelope_add_text(b, text, n > ENVELOPE_REASON ? ENVELOPE_REASON : n);
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

int
envelope_add_did(struct buf *b, const struct envelope_did *did, int64_t when)
{
	size_t n = strlen(did->words);

	buf_addf(b, "did %" PRId64 " %zu %c %s ", when, did->rcpt,
	    (int)did->status, did->key);
	envelope_add_text(b, did->words, n > ENVELOPE_TEXT ? ENVELOPE_TEXT :
	    n);
	return buf_addc(b, '\n');
}

int
envelope_keep_did(struct envelope *e, const struct envelope_did *did)
{
	struct envelope_did *more;

	/* Room grows by doubling. */
	if ((e->ndid & (e->ndid - 1)) == 0) {
		more = reallocarray(e->did, e->ndid == 0 ? 1 : e->ndid * 2,
		    sizeof(*more));
		if (more == NULL)
			return -1;
		e->did = more;
	}
	e->did[e->ndid] = *did;
	if ((e->did[e->ndid].words = strdup(did->words)) == NULL)
		return -1;
	e->ndid++;
	return 0;
}

const struct envelope_did *
envelope_find_did(const struct envelope *e, size_t rcpt, const char *key)
{
	size_t i;

	for (i = 0; i < e->ndid; i++)
		if (e->did[i].rcpt == rcpt && strcmp(e->did[i].key, key) == 0)
			return &e->did[i];
	return NULL;
}

/* time SP index SP; moves *p. */
static int
take_rcpt(struct envelope_event *ev, const char **p, const char *end)
{
	int64_t i;

	if (envelope_get_number(p, end, &ev->when) != 1 || *p == end ||
	    *(*p)++ != ' ' || envelope_get_number(p, end, &i) != 1 ||
	    *p == end || *(*p)++ != ' ')
		return 0;
	ev->rcpt = (size_t)i;
	return 1;
}

static int
take_text(struct envelope_event *ev, const char *p, const char *end)
{
	const size_t most = 4 * ENVELOPE_REASON;	/* all of it escaped */

	ev->words = envelope_get_text(p, (size_t)(end - p) > most ? most :
	    (size_t)(end - p));
	return ev->words == NULL ? -1 : 1;
}

/* time SP index SP text */
static int
tried_parse(struct envelope_event *ev, const char *p, const char *end)
{
	return take_rcpt(ev, &p, end) ? take_text(ev, p, end) : 0;
}

/* time SP index SP ("D" / "F") SP 16HEXDIG SP text */
static int
did_parse(struct envelope_event *ev, const char *p, const char *end)
{
	const ptrdiff_t n = sizeof(ev->key) - 1;

	if (!take_rcpt(ev, &p, end) || end - p < n + 3 ||
	    (*p != ENVELOPE_DELIVERED && *p != ENVELOPE_FAILED) ||
	    p[1] != ' ' || p[n + 2] != ' ')
		return 0;
	ev->status = (enum envelope_status)*p;
	memcpy(ev->key, p + 2, (size_t)n);
	ev->key[n] = '\0';
	return strspn(ev->key, "0123456789abcdef") == (size_t)n ?
	    take_text(ev, p + n + 3, end) : 0;
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
	if (envelope_is_key(&p, end, "did")) {
		ev->what = ENVELOPE_DID;
		return did_parse(ev, p, end);
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
