/* SPDX-License-Identifier: ISC
 *
 * Internationalised domain names by libidn2, one label at a time: it would
 * refuse names in ASCII alone that are in use ("r1---sn.example"), and is never
 * asked about them.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <idn2.h>

#include "grammar/chars.h"
#include "grammar/idna.h"

#define LABEL_MAX	63	/* in ASCII */
#define RAW_MAX		252	/* in UTF-8: characters of 4 octets */

/* What a name may be made of when it was mapped to ASCII: a full stop, too,
 * as other scripts have theirs. */
static int
is_name(const char *p)
{
	for (; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_' &&
		    *p != '.')
			return 0;
	return 1;
}

/* Convert one label; 0 and its text in to, or -1. */
static int
convert(char to[IDNA_MAX], const char *p, size_t n)
{
	char label[RAW_MAX + 1], *out = NULL;
	int ascii = chars_ascii(p, n), r;

	if (n > (ascii ? LABEL_MAX : RAW_MAX))
		return -1;
	memcpy(label, p, n);
	label[n] = to[n] = '\0';
	memcpy(to, p, n);
	if (ascii && (n < 4 || strncasecmp(label, "xn--", 4) != 0))
		return 0;
	if (strlen(label) != n)
		return -1;
	r = idn2_to_ascii_8z(label, &out, IDN2_NFC_INPUT |
	    IDN2_NONTRANSITIONAL);
	if (r == IDN2_DISALLOWED && ascii)
		return 0;
	if (r == IDN2_OK && strlen(out) < IDNA_MAX && is_name(out))
		memcpy(to, out, strlen(out) + 1);
	else
		r = IDN2_DISALLOWED;
	idn2_free(out);
	return r == IDN2_OK ? 0 : -1;
}

int
idna_ascii(char out[IDNA_MAX], const char *p, size_t n)
{
	const char *end = p + n, *dot;
	char label[IDNA_MAX];
	size_t len = 0, size;

	for (;; p = dot + 1) {
		if ((dot = memchr(p, '.', (size_t)(end - p))) == NULL)
			dot = end;
		if (convert(label, p, (size_t)(dot - p)) == -1)
			return -1;
		size = chars_ascii(p, (size_t)(dot - p)) ? (size_t)(dot - p) :
		    strlen(label);
		if (len + size + (dot < end) >= IDNA_MAX)
			return -1;
		memcpy(out + len, label, size);
		len += size;
		if (dot == end)
			break;
		out[len++] = '.';
	}
	out[len] = '\0';
	return 0;
}
