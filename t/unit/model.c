/* SPDX-License-Identifier: ISC
 *
 * The model of the mailbox test: copies of one message are told apart whenever
 * that can be done, and never when it cannot.
 */
/* What a session does is for others. */
#pragma GCC diagnostic ignored "-Wunused-function"

#include "../model/match.h"
#include "tap.h"

#define MANY	4
#define NONE	-1
#define ROW(u, f) { .uid = (u), .token = 8, .flags = (f) }

static const struct {
	const char	*what;
	struct entry	 e[MANY];
	struct row	 row[MANY];
	int		 shown[MANY];	/* the entry, by each row */
} rows[] = {
	{ "a copy is its row",
	    { { .token = 8, .flags = 1 } },
	    { ROW(30, 1) }, { 0 } },
	{ "another message is not",
	    { { .token = 9, .flags = 1 } },
	    { ROW(30, 1) }, { NONE } },
	{ "with other flags it is not",
	    { { .token = 8, .flags = 1 } },
	    { ROW(30, 3) }, { NONE } },
	{ "nor in another folder",
	    { { .folder = 1, .token = 8, .flags = 1 } },
	    { ROW(30, 1) }, { NONE } },
	{ "what is gone is no row",
	    { { .token = 8, .flags = 1 } },
	    { { .uid = 30, .token = 8, .flags = 1, .gone = true } }, { NONE } },
	{ "flags that may be the other way",
	    { { .token = 8, .flags = 1, .maybe = 2 } },
	    { ROW(30, 3) }, { 0 } },
	{ "one that may be gone has the row that another could have",
	    { { .token = 8, .flags = 1, .maybe = 2 },
	    { .token = 8, .flags = 3, .maybe_gone = true } },
	    { ROW(26, 3), ROW(30, 1) }, { 1, 0 } },
	{ "and is gone when there is no other row",
	    { { .token = 8, .flags = 3, .maybe_gone = true },
	    { .token = 8, .flags = 1, .maybe = 2 } },
	    { ROW(26, 3) }, { 1 } },
	{ "a row is taken from one that takes it from a third",
	    { { .token = 8, .flags = 1, .maybe = 2 },
	    { .token = 8, .flags = 3, .maybe = 4 },
	    { .token = 8, .flags = 3 } },
	    { ROW(26, 3), ROW(27, 7), ROW(28, 1) }, { 2, 1, 0 } },
	{ "two rows are not one message",
	    { { .token = 8, .flags = 1, .maybe = 2 } },
	    { ROW(26, 3), ROW(27, 1) }, { 0, NONE } },
	{ "a UID keeps its message, which may be gone",
	    { { .token = 8, .flags = 1 },
	    { .token = 8, .uid = 26, .flags = 1, .maybe_gone = true } },
	    { ROW(26, 1) }, { 1 } },
	{ "whatever flags it has",
	    { { .token = 8, .flags = 3 },
	    { .token = 8, .uid = 26, .flags = 1 } },
	    { ROW(26, 3) }, { 1 } },
};

static void
test(size_t at)
{
	static struct matching m;
	static struct reply view;
	struct entry e[MANY];
	bool shown, good = true;
	size_t i, j;

	memcpy(e, rows[at].e, sizeof(e));
	memcpy(view.row, rows[at].row, sizeof(rows[at].row));
	for (view.n = 0; view.n < MANY && view.row[view.n].uid != 0; view.n++)
		;
	match(&m, &view, e, MANY, 0);
	for (i = 0; i < view.n; i++)
		good &= rows[at].shown[i] == NONE ? m.shown[i] == NULL :
		    m.shown[i] == &e[rows[at].shown[i]];
	for (j = 0; j < MANY; j++) {
		shown = false;
		for (i = 0; i < view.n; i++)
			shown |= m.shown[i] == &e[j];
		good &= e[j].seen == shown;
	}
	ok(good, "%s", rows[at].what);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		test(i);
	return done();
}
