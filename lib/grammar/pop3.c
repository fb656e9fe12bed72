/* SPDX-License-Identifier: ISC
 *
 * See grammar/pop3.h.  Pure.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/pop3.h"

/*
 * command = keyword *(SP param)		RFC 2449, section 3
 * keyword = 3*4VCHAR
 * param   = 1*VCHAR
 *
 * NOTE: a keyword of any length is cut here, so that the answer to an unknown
 * one is that it is unknown.
 */
int
pop3_command(const char *p, size_t n, struct pop3_command *c)
{
	const char *end = p + n, *q;

	for (q = p; q < end && *q != ' '; q++)
		if (!char_is(*q, CHAR_PRINT))
			return -1;
	if (q == p)
		return -1;
	c->keyword = p;
	c->keyword_len = (size_t)(q - p);
	if (q < end)
		q++;
	c->rest = q;
	c->rest_len = (size_t)(end - q);
	for (; q < end; q++)
		if (!char_is(*q, CHAR_PRINT) && (*q & 0x80) == 0)
			return -1;
	return 1;
}

int
pop3_argument(const char **p, const char *end, const char **arg, size_t *len)
{
	const char *q = *p;

	while (q < end && *q == ' ')
		q++;
	*arg = q;
	while (q < end && *q != ' ')
		q++;
	*len = (size_t)(q - *arg);
	*p = q;
	return *len > 0;
}

/* number = 1*DIGIT */
int
pop3_number(const char *p, size_t n, uint64_t *value)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!char_is(p[i], CHAR_DIGIT))
			return -1;
		if (v > (UINT64_MAX - 9) / 10)
			v = UINT64_MAX;
		else
			v = v * 10 + (uint64_t)(p[i] - '0');
	}
	*value = v;
	return n > 0 ? 1 : -1;
}

/* ---- unique ids ---- */

/* unique-id = 1*VCHAR */
int
pop3_unique_id(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] < 0x21 || p[i] > 0x7e)
			return 0;
	return n > 0;
}

struct variable {
	char	 letter;
	int	 hex;
	size_t	 width;		/* filled with zeros */
};

/*
 * variable = "%" ["0" 1*2DIGIT] ["X"] ("u" / "v" / "f")
 *
 * NOTE: Dovecot cuts what is wider than a width without the 0; such ids would
 * not differ.
 */
static int
variable(const char **p, struct variable *v)
{
	const char *q = *p + 1;

	memset(v, 0, sizeof(*v));
	if (*q == '0')
		for (q++; char_is(*q, CHAR_DIGIT) && v->width < 10; q++)
			v->width = v->width * 10 + (size_t)(*q - '0');
	if (*q == 'X') {
		v->hex = 1;
		q++;
	}
	v->letter = *q;
	if (*q != 'u' && *q != 'v' && *q != 'f')
		return -1;
	*p = q + 1;
	return 1;
}

int
pop3_uidl_form(const char *form)
{
	struct variable v;
	int unique = 0;

	while (*form != '\0') {
		if (*form != '%') {
			if (!pop3_unique_id(form++, 1))
				return -1;
		} else if (variable(&form, &v) == -1)
			return -1;
		else if (v.letter != 'v')
			unique = 1;
	}
	return unique ? 1 : -1;
}

/* Written into text, from its end. */
static size_t
number(const struct variable *v, uint32_t value, char text[100])
{
	static const char digits[] = "0123456789abcdef";
	uint32_t base = v->hex ? 16 : 10;
	size_t n = 0;

	do
		text[99 - n++] = digits[value % base];
	while ((value /= base) > 0);
	while (n < v->width)
		text[99 - n++] = '0';
	return n;
}

size_t
pop3_uidl(const char *form, const struct pop3_names *names, char *to,
    size_t size)
{
	struct variable v;
	char text[100];
	const char *p;
	size_t n, len = 0;

	while (*form != '\0') {
		p = form;
		n = 1;
		if (*form != '%')
			form++;
		else if (variable(&form, &v) == -1)
			return 0;
		else if (v.letter == 'f') {
			p = names->file;
			n = names->file_len;
		} else {
			n = number(&v, v.letter == 'u' ? names->uid :
			    names->uidvalidity, text);
			p = text + sizeof(text) - n;
		}
		if (n > size - len)
			return 0;
		memcpy(to + len, p, n);
		len += n;
	}
	return len;
}
