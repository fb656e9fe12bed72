/* SPDX-License-Identifier: ISC
 *
 * Punycode (RFC 3492), one way, for programs that start too often to load a
 * library for it.  It must never write past its bounds, nor let a number of its
 * arithmetic overflow: a label is short.
 */
#include <stdint.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/idna.h"

#define LABEL_MAX	63

/* The parameters of Punycode. */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72,
	FIRST = 0x80 };

struct label {
	char	text[LABEL_MAX];
	size_t	n;
};

static int
put(struct label *l, char c)
{
	if (l->n == sizeof(l->text))
		return -1;
	l->text[l->n++] = c;
	return 0;
}

static uint32_t
adapt(uint32_t delta, uint32_t points, int first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

/* A number, digits of the lowest value first. */
static int
put_delta(struct label *l, uint32_t q, uint32_t bias)
{
	uint32_t k, t, digit;

	for (k = BASE;; k += BASE) {
		t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		digit = q < t ? q : t + (q - t) % (BASE - t);
		if (put(l, (char)(digit < 26 ? 'a' + digit :
		    '0' + digit - 26)) == -1)
			return -1;
		if (q < t)
			return 0;
		q = (q - t) / (BASE - t);
	}
}

/* The characters, at most LABEL_MAX of them, behind "xn--". */
static int
punycode(struct label *l, const uint32_t *c, size_t n)
{
	uint32_t next, code = FIRST, delta = 0, bias = BIAS;
	size_t i, basic, done;

	for (i = 0; i < n; i++)
		if (c[i] < FIRST && put(l, (char)c[i]) == -1)
			return -1;
	basic = done = l->n - 4;
	if (basic > 0 && put(l, '-') == -1)
		return -1;
	while (done < n) {
		for (next = UINT32_MAX, i = 0; i < n; i++)
			if (c[i] >= code && c[i] < next)
				next = c[i];
		/* at most 0x10ffff * 64: it does not overflow */
		delta += (next - code) * (uint32_t)(done + 1);
		for (code = next, i = 0; i < n; i++) {
			delta += c[i] < code;
			if (c[i] != code)
				continue;
			if (put_delta(l, delta, bias) == -1)
				return -1;
			bias = adapt(delta, (uint32_t)(done + 1),
			    done == basic);
			delta = 0;
			done++;
		}
		delta++;
		code++;
	}
	return 0;
}

static int
convert(struct label *l, const char *p, const char *end)
{
	uint32_t c[LABEL_MAX];
	size_t n, len;
	int ascii = 1;

	for (n = 0; p < end; p += len, n++) {
		if (n == LABEL_MAX || (len = utf8_next(p, end, &c[n])) == 0)
			return -1;
		ascii = ascii && c[n] < FIRST;
	}
	l->n = 0;
	if (!ascii) {
		memcpy(l->text, "xn--", 4);
		l->n = 4;
		return punycode(l, c, n);
	}
	for (; l->n < n; l->n++)
		l->text[l->n] = (char)c[l->n];
	return 0;
}

int
idna_strict(char out[IDNA_MAX], const char *p, size_t n)
{
	const char *end = p + n, *dot;
	struct label l;
	size_t len = 0;

	for (;; p = dot + 1) {
		if ((dot = memchr(p, '.', (size_t)(end - p))) == NULL)
			dot = end;
		if (convert(&l, p, dot) == -1 ||
		    len + l.n + (dot < end) >= IDNA_MAX)
			return -1;
		memcpy(out + len, l.text, l.n);
		len += l.n;
		if (dot == end)
			break;
		out[len++] = '.';
	}
	out[len] = '\0';
	return 0;
}
