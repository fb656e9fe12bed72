/* SPDX-License-Identifier: ISC
 *
 * Proves that a Sieve script which gets no memory, at whichever call, ends as
 * one: the mail is tried again, or the script cannot be read; nothing breaks.
 */
#include <stdint.h>

#include "sieve_one.h"

/* Memory of glibc, until the counter says that there is none; and how many
 * pieces are held.  Where others watch over memory, nothing is counted. */
void	*__libc_malloc(size_t);
void	*__libc_calloc(size_t, size_t);
void	*__libc_realloc(void *, size_t);
void	 __libc_free(void *);

static long left = -1;		/* calls that are granted; -1: all */
static long used, held;

#ifndef __SANITIZE_ADDRESS__
static int
is_granted(void)
{
	used++;
	return left == -1 || used <= left;
}

static void *
count(void *p)
{
	held += p != NULL;
	return p;
}

void *
malloc(size_t n)
{
	return is_granted() ? count(__libc_malloc(n)) : NULL;
}

void *
calloc(size_t n, size_t size)
{
	return is_granted() ? count(__libc_calloc(n, size)) : NULL;
}

void *
realloc(void *p, size_t n)
{
	if (!is_granted())
		return NULL;
	return p == NULL ? count(__libc_malloc(n)) : __libc_realloc(p, n);
}

void
free(void *p)
{
	held -= p != NULL;
	__libc_free(p);
}
#endif

static const char *const scripts[] = {
	"redirect :copy \"x@y.test\"; fileinto :create \"M" UE "ll/a\"; "
	"keep :flags \"\\\\Seen\";",
	"if header :matches \"Subject\" \"*\" { set \"s\" \"${1}\"; } "
	"addheader \"X\" \"f" UE "r ${s}\"; deleteheader :contains \"To\" "
	"\"x\"; fileinto \"a\"; addheader :last \"Y\" \"z\";",
	"vacation :subject \"" UE "\" :from \"B " UE " <b@c.test>\" "
	":addresses [\"a@b.test\"] \"away " UE "\"; discard;",
	"vacation :mime \"Content-Type: text/html\r\n\r\n<p>\";",
	"notify :from \"b@c.test\" :importance \"1\" "
	"\"mailto:a@y.test?cc=b@y.test&x-a=b\"; "
	"if valid_notify_method \"mailto:x@y.test\" { keep; }",
	"reject \"n" UE "\";",
	"ereject \"no\";",
	"if duplicate :handle \"x\" { discard; } if duplicate :uniqueid \"a\" "
	":last { discard; }",
	"if anyof (mailboxexists \"a\", specialuse_exists \"\\\\Sent\", "
	"mailboxidexists \"x\", environment :is \"name\" \"x\", "
	"metadata \"INBOX\" \"/private/a\" \"b\") { discard; }",
	/* Tests; not :regex, as regcomp(3) itself then frees twice. */
	"if allof (header :contains [\"x\", \"subject\"] [\"y\", \"f\"], "
	"header :matches \"message-id\" \"<?@*>\", string \"${1}\" \"1\") "
	"{ set :upper :length \"a\" \"${2}\"; fileinto \"x${a}\"; }",
	"if header :comparator \"i;unicode-casemap\" :contains \"subject\" "
	"\"R\" { keep; } if header :comparator \"i;unicode-casemap\" :matches "
	"\"subject\" \"?" UE "*\" { discard; }",
	"if allof (address :localpart \"to\" \"bob\", address :all :matches "
	"\"to\" \"?o?@*\", not envelope :detail \"to\" \"\", "
	"not header :count \"gt\" \"to\" \"1\") { fileinto \"${2}\"; }",
	"addflag \"v\" [\"a b\", \"c\"]; removeflag \"v\" \"b\"; setflag "
	"\"${v}\"; if hasflag :contains \"v\" \"C x\" { keep; }",
	"if anyof (body :raw :contains \"x\", body :content \"text/plain\" :is "
	"\"x\", body :text :matches \"*o*dy*\") { discard; }",
	"if anyof (date \"date\" \"year\" \"2000\", currentdate :zone "
	"\"+0100\" :matches \"iso8601\" \"*T*\") { fileinto \"d\"; }",
};

#define REQUIRE	"require [\"copy\", \"fileinto\", \"mailbox\", " \
	"\"imap4flags\", \"variables\", \"editheader\", \"vacation\", " \
	"\"enotify\", \"reject\", \"ereject\", \"duplicate\", \"mailboxid\", " \
	"\"special-use\", \"environment\", \"mboxmetadata\", \"body\", " \
	"\"date\", \"envelope\", \"relational\", " \
	"\"subaddress\", \"comparator-i;unicode-casemap\"];"

/* With so many calls granted.  What the words are of a run that has all. */
static const char *
run_with(const char *script, long granted)
{
	static char text[2048];
	const char *got;

	used = 0;
	left = granted;
	got = run(script, "To: bob@example.net\nSubject: f" UE "r\n"
	    "Message-ID: <1@a>\nReferences: <0@a>\nContent-Type: text/html\n\n"
	    "<p>body\n", "ann@a.test");
	left = -1;
	strlcpy(text, got, sizeof(text));
	return text;
}

/* A script without memory from each call on. */
static void
test_script(const char *script)
{
	long n, calls, fewer = 0, before, lost = 0;
	char want[2048];
	const char *got;

	(void)run_with(script, -1);
	strlcpy(want, run_with(script, -1), sizeof(want));
	ok(strncmp(want, "wrong", 5) != 0 && strncmp(want, "broken", 6) != 0,
	    "%s", want);
	calls = used;
	plan_free(&plan);
	before = held;
	for (n = 0; n < calls; n++) {
		got = run_with(script, n);
		if (strcmp(got, "no memory") == 0 ||
		    strncmp(got, "wrong: ", 7) == 0)
			fewer++;
		else if (strcmp(got, want) != 0)
			ok(0, "call %ld: %s: %s", n, got, plan.error);
		plan_free(&plan);
		lost += held - before;
		before = held;
	}
	ok(calls == 0 || fewer > 0, "%ld of %ld calls failed it", fewer,
	    calls);
	is_int(lost, 0, "nothing is lost");
}

int
main(void)
{
	char script[2048];
	size_t i;

	if (begin() == -1)
		return 1;
	for (i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		snprintf(script, sizeof(script), REQUIRE "%s", scripts[i]);
		test_script(script);
	}
	return end();
}
