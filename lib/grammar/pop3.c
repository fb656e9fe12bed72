/* SPDX-License-Identifier: ISC
 *
 * See grammar/pop3.h.  Pure.
 */
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

	for (q = p; q < end; q++)
		if (!char_is(*q, CHAR_PRINT))
			return -1;
	for (q = p; q < end && *q != ' '; q++)
		;
	if (q == p)
		return -1;
	c->keyword = p;
	c->keyword_len = (size_t)(q - p);
	if (q < end)
		q++;
	c->rest = q;
	c->rest_len = (size_t)(end - q);
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
