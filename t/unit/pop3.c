/* SPDX-License-Identifier: ISC
 *
 * Proves how POP3's command lines are cut into words and numbers.
 */
#include "tap.h"
#include "grammar/pop3.h"

static const struct {
	const char	*line;
	int		 want;
	const char	*keyword, *rest;
} rows[] = {
	{ "QUIT", 1, "QUIT", "" },
	{ "RETR 1", 1, "RETR", "1" },
	{ "PASS  a b ", 1, "PASS", " a b " },
	{ "STAT ", 1, "STAT", "" },
	{ "x", 1, "x", "" },
	{ "", -1, "", "" },
	{ " QUIT", -1, "", "" },
	{ "QU\tIT", -1, "", "" },
	{ "QUIT\r", -1, "", "" },
	{ "USER b\xc3\xb6", -1, "", "" },
	{ "USER \x7f", -1, "", "" },
};

static const struct {
	const char	*text;
	int		 want;
	uint64_t	 value;
} numbers[] = {
	{ "0", 1, 0 },
	{ "007", 1, 7 },
	{ "4294967296", 1, 4294967296ull },
	{ "18446744073709551616", 1, UINT64_MAX },
	{ "99999999999999999999999", 1, UINT64_MAX },
	{ "", -1, 0 },
	{ "-1", -1, 0 },
	{ "1x", -1, 0 },
	{ "+1", -1, 0 },
};

int
main(void)
{
	struct pop3_command c;
	const char *p, *arg, *text = "  1  20 x ";
	uint64_t v;
	size_t i, n;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = pop3_command(rows[i].line, strlen(rows[i].line), &c);
		is_int(r, rows[i].want, rows[i].line);
		if (r != 1)
			continue;
		is_mem(c.keyword, c.keyword_len, rows[i].keyword,
		    strlen(rows[i].keyword), "keyword");
		is_mem(c.rest, c.rest_len, rows[i].rest,
		    strlen(rows[i].rest), "rest");
	}
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		v = 0;
		is_int(pop3_number(numbers[i].text, strlen(numbers[i].text),
		    &v), numbers[i].want, numbers[i].text);
		if (numbers[i].want == 1)
			ok(v == numbers[i].value, "its value");
	}
	p = text;
	is_int(pop3_argument(&p, text + strlen(text), &arg, &n), 1, "first");
	is_mem(arg, n, "1", 1, "is 1");
	is_int(pop3_argument(&p, text + strlen(text), &arg, &n), 1, "second");
	is_mem(arg, n, "20", 2, "is 20");
	is_int(pop3_argument(&p, text + strlen(text), &arg, &n), 1, "third");
	is_int(pop3_argument(&p, text + strlen(text), &arg, &n), 0, "none");
	return done();
}
