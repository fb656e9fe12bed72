/* SPDX-License-Identifier: ISC
 *
 * Mailbox names and patterns.  Matching walks the name once with the set of
 * places in the pattern that are reached, so that no pattern is expensive.
 */
#include <stdint.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/imap_mailbox.h"

/* The 6 bits of a modified base64 character (RFC 3501 5.1.3), or -1. */
static int
base64_bits(int c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == ',' ? 63 : -1;
}

/* One unit of UTF-16; *high is the first half of a pair, or 0.  Characters
 * that stand for themselves must not be encoded. */
static int
unit_ok(uint16_t u, uint16_t *high)
{
	if (*high != 0) {
		*high = 0;
		return u >= 0xdc00 && u <= 0xdfff;
	}
	if (u >= 0xd800 && u <= 0xdbff) {
		*high = u;
		return 1;
	}
	if (u >= 0xdc00 && u <= 0xdfff)
		return 0;
	return u != 0 && !(u >= 0x20 && u <= 0x7e);
}

/* A shift sequence behind its "&", up to and with its "-". */
static int
shift_ok(const char **pp, const char *end)
{
	const char *p = *pp;
	uint32_t bits = 0;
	uint16_t high = 0;
	int n = 0, b, units = 0;

	for (; p < end && (b = base64_bits(*p)) != -1; p++) {
		bits = bits << 6 | (uint32_t)b;
		if ((n += 6) >= 16) {
			n -= 16;
			if (!unit_ok((uint16_t)(bits >> n), &high))
				return 0;
			units++;
		}
	}
	/* The padding is less than a character and zero. */
	if (p == end || *p != '-' || high != 0 || units == 0 || n >= 6 ||
	    (bits & ((1u << n) - 1)) != 0)
		return 0;
	*pp = p + 1;
	return 1;
}

int
imap_mailbox_utf7(const char *s, size_t len)
{
	const char *p = s, *end = s + len, *shifted = NULL;

	while (p < end) {
		if (*p < 0x20 || *p > 0x7e)
			return 0;
		if (*p++ != '&')
			continue;
		if (p < end && *p == '-') {
			p++;
			continue;
		}
		/* Two shifts in a row should have been one. */
		if (shifted != NULL && shifted == p - 1)
			return 0;
		if (!shift_ok(&p, end))
			return 0;
		shifted = p;
	}
	return 1;
}

/* Spread from each reached wildcard to the place behind it: it may match
 * nothing. */
static void
skip_wildcards(const char *pattern, size_t n, char *reached)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (reached[i] && (pattern[i] == '*' || pattern[i] == '%'))
			reached[i + 1] = 1;
}

/* Take one character of the name; returns whether any place is reached. */
static int
match_step(const char *pattern, size_t n, char *reached, char c, char sep,
    int fold)
{
	size_t i;
	char p, alive = 0;

	/* Downwards, so that a place is read before it is written. */
	reached[n] = 0;
	for (i = n; i-- > 0;) {
		p = pattern[i];
		if (!reached[i])
			continue;
		if (p == '*' || (p == '%' && c != sep)) {
			alive = 1;
			continue;
		}
		reached[i] = 0;
		if (p == c || (fold && char_lower(p) == char_lower(c)))
			reached[i + 1] = alive = 1;
	}
	skip_wildcards(pattern, n, reached);
	return alive;
}

int
imap_mailbox_match(const char *pattern, const char *name, char sep)
{
	char reached[IMAP_MAX_MAILBOX + 1] = { 0 };
	size_t n = strlen(pattern), i, inbox = 0;

	if (n > IMAP_MAX_MAILBOX)
		return 0;
	if (strncasecmp(name, "INBOX", 5) == 0 &&
	    (name[5] == '\0' || name[5] == sep))
		inbox = 5;
	reached[0] = 1;
	skip_wildcards(pattern, n, reached);
	for (i = 0; name[i] != '\0'; i++)
		if (!match_step(pattern, n, reached, name[i], sep, i < inbox))
			return 0;
	return reached[n];
}
