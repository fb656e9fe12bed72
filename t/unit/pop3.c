/* SPDX-License-Identifier: ISC
 *
 * Proves how POP3's command lines are cut into words and numbers, and that
 * unique ids come out as the servers made them that had each form.
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
	{ "USER b\xc3\xb6", 1, "USER", "b\xc3\xb6" },
	{ "\xc3\xb6SER x", -1, "", "" },
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

static const struct {
	const char	*form;
	const char	*id;		/* NULL: it is none */
} forms[] = {
	{ POP3_UIDL_DEFAULT, "000000ff5e0be100" },
	{ "%08Xv%08Xu", "5e0be100000000ff" },
	{ "%f", "1700000000.M1P2.mx,S=14" },
	{ "%u", "255" },
	{ "%v-%u", "1577836800-255" },
	{ "UID%u-%v", "UID255-1577836800" },
	{ "%v.%u", "1577836800.255" },
	{ "%05u", "00255" },
	{ "%02Xu", "ff" },
	{ "%099u", "00000000000000000000000000000000000000000000000000000000"
	  "0000000000000000000000000000000000000000255" },
	{ "%v", NULL },			/* the same for all */
	{ "abc", NULL },
	{ "", NULL },
	{ "%", NULL },
	{ "%u%", NULL },
	{ "%x", NULL },
	{ "%0100u", NULL },
	{ "%8Xu", NULL },
	{ "%u %v", NULL },
	{ "%u\x7f", NULL },
};

static void
test_forms(void)
{
	const struct pop3_names names = { 255, 1577836800,
	    "1700000000.M1P2.mx,S=14:2,S", 23 };
	char id[100];
	size_t i, n;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		is_int(pop3_uidl_form(forms[i].form), forms[i].id == NULL ?
		    -1 : 1, forms[i].form);
		if (forms[i].id == NULL)
			continue;
		n = pop3_uidl(forms[i].form, &names, id, sizeof(id));
		is_mem(id, n, forms[i].id, strlen(forms[i].id), "its id");
		is_int((long long)pop3_uidl(forms[i].form, &names, id,
		    n - 1), 0, "does not fit");
	}
	is_int(pop3_unique_id("!~", 2), 1, "the outermost octets");
	is_int(pop3_unique_id("a b", 3), 0, "a blank");
	is_int(pop3_unique_id("\xc3\xb6", 2), 0, "8-bit");
	is_int(pop3_unique_id("", 0), 0, "empty");
}

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
	test_forms();
	return done();
}
