/* SPDX-License-Identifier: ISC
 *
 * Reads the isemail test suite (vectors/address/tests.xml), one case after
 * the other, without an XML parser: only what this one file holds.
 */
#ifndef T_ISEMAIL_H
#define T_ISEMAIL_H

#include <stdlib.h>

#include "tap.h"

struct isemail {
	char	id[8];
	char	address[600];
	size_t	len;
	char	category[40], diagnosis[60];
};

/* The text of <name>...</name> in p, with character references and "symbols
 * for" controls replaced.  Its length, 0 when absent. */
static size_t
isemail_text(const char *p, const char *end, const char *name, char *out,
    size_t size)
{
	char open[32], close[32];
	const char *from, *to;
	size_t n = 0;

	snprintf(open, sizeof(open), "<%s>", name);
	snprintf(close, sizeof(close), "</%s>", name);
	out[0] = '\0';
	if ((from = strstr(p, open)) == NULL || from > end)
		return 0;
	from += strlen(open);
	if ((to = strstr(from, close)) == NULL)
		return 0;
	while (from < to && n < size - 1) {
		if (memcmp(from, "&#x", 3) == 0) {
			unsigned long c = strtoul(from + 3, NULL, 16);

			if (c >= 0x2400 && c < 0x2420)
				c -= 0x2400;
			if (c > 0x7f)
				out[n++] = (char)(0xc0 | c >> 6);
			out[n++] = (char)(c > 0x7f ? 0x80 | (c & 63) : c);
			from = strchr(from, ';') + 1;
		} else if (memcmp(from, "&amp;", 5) == 0) {
			out[n++] = '&';
			from += 5;
		} else if (memcmp(from, "&quot;", 6) == 0) {
			out[n++] = '"';
			from += 6;
		} else
			out[n++] = *from++;
	}
	out[n] = '\0';
	return n;
}

static void __attribute__((unused))
isemail_each(void (*check)(const struct isemail *))
{
	static char text[200000];
	const char *shared = getenv("STDMAIL_SHARED"), *p, *end;
	char path[1024];
	struct isemail c;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/vectors/address/tests.xml",
	    shared == NULL || *shared == '\0' ? "../shared" : shared);
	if ((f = fopen(path, "r")) == NULL) {
		ok(1, "the isemail suite # SKIP %s is not there", path);
		return;
	}
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	for (p = text; (p = strstr(p, "<test id=\"")) != NULL; p = end) {
		memset(&c, 0, sizeof(c));
		p += strlen("<test id=\"");
		snprintf(c.id, sizeof(c.id), "%.*s", (int)strcspn(p, "\""), p);
		if ((end = strstr(p, "</test>")) == NULL)
			break;
		c.len = isemail_text(p, end, "address", c.address,
		    sizeof(c.address));
		isemail_text(p, end, "category", c.category,
		    sizeof(c.category));
		isemail_text(p, end, "diagnosis", c.diagnosis,
		    sizeof(c.diagnosis));
		check(&c);
	}
}

#endif
