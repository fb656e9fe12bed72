/* SPDX-License-Identifier: ISC
 *
 * Proves how the lines of an HTTP answer are read: what is of its form, and
 * that nothing else is.
 */
#include <stdlib.h>

#include "grammar/http.h"
#include "tap.h"

static const struct {
	const char	*line;
	int		 want;
} status[] = {
	{ "HTTP/1.1 200 OK", 200 },
	{ "HTTP/1.0 404 ", 404 },
	{ "HTTP/1.1 301", 301 },
	{ "HTTP/1.1 599 \xc3\xb6", 599 },
	{ "HTTP/2 200 OK", -1 },
	{ "HTTP/1.1 20 OK", -1 },
	{ "HTTP/1.1 2000 OK", -1 },
	{ "HTTP/1.1 099 OK", -1 },
	{ "HTTP/1.1 600 OK", -1 },
	{ "HTTP/1.1  200 OK", -1 },
	{ "http/1.1 200 OK", -1 },
	{ "ICY 200 OK", -1 },
	{ "", -1 },
};

static const struct {
	const char	*line;
	const char	*name, *value;	/* NULL: malformed */
} fields[] = {
	{ "Content-Type: text/plain", "Content-Type", "text/plain" },
	{ "a:b", "a", "b" },
	{ "a:\t b c \t", "a", "b c" },
	{ "a:", "a", "" },
	{ "a: b: c", "a", "b: c" },
	{ "a : b", NULL, NULL },
	{ " a: b", NULL, NULL },
	{ ": b", NULL, NULL },
	{ "a", NULL, NULL },
	{ "a/b: c", NULL, NULL },
	{ "a: b\rc", NULL, NULL },
	{ "", NULL, NULL },
};

static const struct {
	const char	*text;
	int		 want;
	uint64_t	 value;
} lengths[] = {
	{ "0", 1, 0 },
	{ "123", 1, 123 },
	{ "999999999999999999", 1, 999999999999999999ull },
	{ "1999999999999999999", -1, 0 },
	{ "", -1, 0 },
	{ "-1", -1, 0 },
	{ "1, 1", -1, 0 },
	{ "0x1", -1, 0 },
}, chunks[] = {
	{ "0", 1, 0 },
	{ "1aF", 1, 0x1af },
	{ "5 ; a=b", 1, 5 },
	{ "fffffffffffffff", 1, 0xfffffffffffffffull },
	{ "1000000000000000", -1, 0 },
	{ "", -1, 0 },
	{ ";", -1, 0 },
	{ "5 x", -1, 0 },
	{ "-5", -1, 0 },
};

static const struct {
	const char	*value;
	int		 want;
} types[] = {
	{ "text/plain", 1 },
	{ "Text/Plain; charset=utf-8", 1 },
	{ "text/plain ;a=b", 1 },
	{ "text/plainer", 0 },
	{ "text/html", 0 },
	{ "text/plai", 0 },
	{ "", 0 },
};

/* Octets in memory of their own, so that reading beyond them is noticed. */
static char *
own(const char *p, size_t n)
{
	char *q = malloc(n == 0 ? 1 : n);

	if (q == NULL)
		exit(1);
	memcpy(q, p, n);
	return q;
}

static void
test_fields(void)
{
	struct http_field f;
	size_t i, n;
	char *p;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		p = own(fields[i].line, n = strlen(fields[i].line));
		if (is_int(http_field(&f, p, n), fields[i].name == NULL ? -1 :
		    1, fields[i].line) && fields[i].name != NULL) {
			is_mem(f.name, f.nname, fields[i].name,
			    strlen(fields[i].name), "its name");
			is_mem(f.value, f.nvalue, fields[i].value,
			    strlen(fields[i].value), "its value");
		}
		free(p);
	}
}

static void
test_numbers(void)
{
	uint64_t v;
	size_t i, n;
	char *p;
	int r;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		p = own(lengths[i].text, n = strlen(lengths[i].text));
		r = http_length(p, n, &v);
		ok(r == lengths[i].want && (r == -1 || v == lengths[i].value),
		    "length '%s'", lengths[i].text);
		free(p);
	}
	for (i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		p = own(chunks[i].text, n = strlen(chunks[i].text));
		r = http_chunk(p, n, &v);
		ok(r == chunks[i].want && (r == -1 || v == chunks[i].value),
		    "chunk '%s'", chunks[i].text);
		free(p);
	}
}

int
main(void)
{
	size_t i, n;
	char *p;

	for (i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
		p = own(status[i].line, n = strlen(status[i].line));
		is_int(http_status_line(p, n), status[i].want,
		    status[i].line);
		free(p);
	}
	test_fields();
	test_numbers();
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		p = own(types[i].value, n = strlen(types[i].value));
		is_int(http_type_is(p, n, "text/plain"), types[i].want,
		    types[i].value);
		free(p);
	}
	return done();
}
