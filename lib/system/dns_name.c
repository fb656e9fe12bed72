/* SPDX-License-Identifier: ISC
 *
 * Domain names in wire form.  A name is checked once, where it is set; the
 * other functions rely on that.
 */
#include <ctype.h>
#include <string.h>

#include "system/dns_name.h"

#define LABELS_MAX	127

/* Where each label begins, the root's too; how many there are without it. */
static unsigned
offsets(const struct dns_name *a, uint8_t *at)
{
	unsigned n = 0, i;

	for (i = 0; a->wire[i] != 0; i += a->wire[i] + 1u)
		at[n++] = (uint8_t)i;
	at[n] = (uint8_t)i;
	return n;
}

int
dns_name_set(struct dns_name *a, const uint8_t *p, size_t n)
{
	size_t i = 0, end;

	if (n == 0 || n > sizeof(a->wire))
		return -1;
	while (p[i] != 0) {
		if (p[i] > 63 || (end = i + p[i] + 1u) >= n)
			return -1;
		for (a->wire[i] = p[i], i++; i < end; i++)
			a->wire[i] = p[i] >= 'A' && p[i] <= 'Z' ?
			    p[i] | 32 : p[i];
	}
	if (i + 1 != n)
		return -1;
	a->wire[i] = 0;
	a->len = (uint8_t)n;
	return 0;
}

unsigned
dns_name_labels(const struct dns_name *a)
{
	uint8_t at[LABELS_MAX + 1];

	return offsets(a, at);
}

void
dns_name_tail(struct dns_name *to, const struct dns_name *a, unsigned n)
{
	uint8_t at[LABELS_MAX + 1];
	unsigned from = at[0] = 0;

	from = at[offsets(a, at) - n];
	to->len = (uint8_t)(a->len - from);
	memmove(to->wire, a->wire + from, to->len);
}

int
dns_name_wildcard(struct dns_name *to, const struct dns_name *a)
{
	if (a->len + 2u > sizeof(to->wire))
		return -1;
	memmove(to->wire + 2, a->wire, a->len);
	memcpy(to->wire, "\1*", 2);
	to->len = (uint8_t)(a->len + 2);
	return 0;
}

int
dns_name_is_wildcard(const struct dns_name *a)
{
	return a->wire[0] == 1 && a->wire[1] == '*';
}

int
dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

int
dns_name_within(const struct dns_name *a, const struct dns_name *b)
{
	uint8_t at[LABELS_MAX + 1];
	unsigned n, i;

	if (a->len < b->len)
		return 0;
	/* The tail must begin where a label does. */
	n = offsets(a, at);
	for (i = 0; i <= n && at[i] < a->len - b->len; i++)
		;
	return at[i] == a->len - b->len &&
	    memcmp(a->wire + at[i], b->wire, b->len) == 0;
}

/* Two labels as left-justified octets. */
static int
compare_labels(const uint8_t *a, const uint8_t *b)
{
	size_t n = a[0] < b[0] ? a[0] : b[0];
	int r = memcmp(a + 1, b + 1, n);

	return r != 0 ? r : a[0] - b[0];
}

int
dns_name_compare(const struct dns_name *a, const struct dns_name *b)
{
	uint8_t ata[LABELS_MAX + 1], atb[LABELS_MAX + 1];
	unsigned na = offsets(a, ata), nb = offsets(b, atb);
	int r;

	while (na > 0 && nb > 0)
		if ((r = compare_labels(a->wire + ata[--na],
		    b->wire + atb[--nb])) != 0)
			return r;
	return na > 0 ? 1 : nb > 0 ? -1 : 0;
}

unsigned
dns_name_common(const struct dns_name *a, const struct dns_name *b)
{
	uint8_t ata[LABELS_MAX + 1], atb[LABELS_MAX + 1];
	unsigned na = offsets(a, ata), nb = offsets(b, atb), n = 0;

	while (na > 0 && nb > 0 && compare_labels(a->wire + ata[--na],
	    b->wire + atb[--nb]) == 0)
		n++;
	return n;
}

const char *
dns_name_text(const struct dns_name *a, char *to, size_t size)
{
	size_t i, n = 0;
	unsigned left;

	if (a->len == 1 && size > 1)
		to[n++] = '.';
	for (i = 0; a->wire[i] != 0 && n + 1 < size; ) {
		if (i > 0)
			to[n++] = '.';
		for (left = a->wire[i++]; left > 0; left--, i++)
			if (n + 1 < size)
				to[n++] = isalnum(a->wire[i]) ||
				    strchr("-_*", a->wire[i]) != NULL ?
				    (char)a->wire[i] : '?';
	}
	to[n] = '\0';
	return to;
}
