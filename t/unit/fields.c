/* SPDX-License-Identifier: ISC
 *
 * Proves what becomes of a header when filters change it: where fields go,
 * which one of several is meant, and that no value ends the header or begins a
 * field of its own.
 */
#include <stdlib.h>

#include "bytes/buf.h"
#include "grammar/fields.h"
#include "tap.h"

static const char text[] = "Received: one\n two\nSubject: a\nx: 1\n"
    "no field\nX: 2\nx : 3\n\nbody\n";

#define BEGIN(rest)	"Received: one\n two\nSubject: a\n" rest

enum what { INSERT, CHANGE, PREPEND, REMOVE };

static const struct {
	enum what	 what;
	size_t		 index;
	const char	*name, *value;
	bool		 leading;
	int		 r;
	const char	*want;		/* NULL: as it was */
} rows[] = {
	{ INSERT, 0, "A", "b", false, 0, "A: b\n"
	    BEGIN("x: 1\nno field\nX: 2\nx : 3\n") },
	{ INSERT, 1, "A", " b", true, 0, "A: b\n"
	    BEGIN("x: 1\nno field\nX: 2\nx : 3\n") },
	{ INSERT, 3, "A", "b", true, 0,
	    BEGIN("A:b\nx: 1\nno field\nX: 2\nx : 3\n") },
	{ INSERT, FIELDS_END, "A", "", false, 0,
	    BEGIN("x: 1\nno field\nX: 2\nx : 3\nA: \n") },
	{ INSERT, 99, "A", "b\n", false, 0,
	    BEGIN("x: 1\nno field\nX: 2\nx : 3\nA: b\n") },
	/* no value ends the header */
	{ INSERT, 99, "A", "b\nBcc: c\r\n\r\nd\re\n f", false, 0,
	    BEGIN("x: 1\nno field\nX: 2\nx : 3\n"
	    "A: b\n\tBcc: c\n\t\n\td e\n f\n") },
	{ INSERT, 1, "A b", "c", false, -1, NULL },
	{ INSERT, 1, "A:", "c", false, -1, NULL },
	{ INSERT, 1, "", "c", false, -1, NULL },
	{ CHANGE, 1, "X", "y", false, 0,
	    BEGIN("X: y\nno field\nX: 2\nx : 3\n") },
	{ CHANGE, 0, "x", "y", false, 0,
	    BEGIN("x: y\nno field\nX: 2\nx : 3\n") },
	{ CHANGE, 3, "X", "y", false, 0,
	    BEGIN("x: 1\nno field\nX: 2\nX: y\n") },
	{ CHANGE, 2, "X", "", false, 0, BEGIN("x: 1\nno field\nx : 3\n") },
	{ CHANGE, 3, "X", "", true, 0, BEGIN("x: 1\nno field\nX: 2\n") },
	{ CHANGE, 4, "X", "", false, 0, NULL },
	{ CHANGE, 4, "X", "y", false, 0,
	    BEGIN("x: 1\nno field\nX: 2\nx : 3\nX: y\n") },
	{ REMOVE, 0, "x", NULL, false, 0, BEGIN("no field\n") },
	{ REMOVE, 0, "Y", NULL, false, 0, NULL },
	{ PREPEND, 0, NULL, "A: b\n c\nD: e\n", false, 0, "A: b\n c\nD: e\n"
	    BEGIN("x: 1\nno field\nX: 2\nx : 3\n") },
	{ PREPEND, 0, NULL, "", false, 0, NULL },
	{ PREPEND, 0, NULL, "no field\n", false, -1, NULL },
	{ PREPEND, 0, NULL, "A: b", false, -1, NULL },
	{ PREPEND, 0, NULL, "\nA: b\n", false, -1, NULL },
};

static void
join(struct buf *b, const struct fields *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		buf_add(b, f->v[i].text, f->v[i].len);
}

static int
change(struct fields *f, size_t i)
{
	switch (rows[i].what) {
	case INSERT:
		return fields_insert(f, rows[i].index, rows[i].name,
		    rows[i].value, rows[i].leading);
	case CHANGE:
		return fields_change(f, rows[i].index, rows[i].name,
		    rows[i].value, rows[i].leading);
	case REMOVE:
		fields_remove(f, rows[i].name);
		return 0;
	case PREPEND:
		return fields_prepend(f, rows[i].value,
		    strlen(rows[i].value));
	}
	return -1;
}

static void
check(size_t i)
{
	struct fields f = { 0 };
	struct buf b;
	size_t len;

	buf_init(&b, 1000);
	is_int(fields_parse(&f, text, sizeof(text) - 1, &len), 0, "parsed");
	is_str(text + len, "body\n", "the body is behind it");
	is_int(change(&f, i), rows[i].r, "changed?");
	join(&b, &f);
	is_str(buf_str(&b), rows[i].want != NULL ? rows[i].want :
	    BEGIN("x: 1\nno field\nX: 2\nx : 3\n"), "the header then");
	buf_free(&b);
	fields_free(&f);
}

/* Neither many fields nor long ones, nor changes without end. */
static void
check_bounds(void)
{
	struct fields f = { 0 };
	char *many = malloc(2 * (FIELDS_MAX + 1) + 1);
	char *value = malloc(65536);
	size_t i, len;

	for (i = 0; i <= FIELDS_MAX; i++)
		memcpy(many + 2 * i, "a\n", 3);
	is_int(fields_parse(&f, many, 2 * FIELDS_MAX, &len), 0, "as many");
	is_int(fields_insert(&f, 0, "a", "b", false), -1, "and no more");
	fields_free(&f);
	is_int(fields_parse(&f, many, 2 * FIELDS_MAX + 2, &len), -1,
	    "one too many");
	fields_free(&f);
	memset(value, 'v', 65535);
	value[65535] = '\0';
	is_int(fields_insert(&f, 0, "a", value, false), 0, "a long one");
	for (i = 0; i < 1000; i++)
		if (fields_change(&f, 1, "a", value, false) == -1)
			break;
	ok(i < 40, "changed again and again: refused in the end");
	is_int((long long)f.n, 1, "it is still there");
	fields_free(&f);
	free(many);
	free(value);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i);
	check_bounds();
	return done();
}
