/* SPDX-License-Identifier: ISC
 *
 * Proves that an envelope comes back from its file as it was written, that a
 * line torn by a crash is not believed, that a letter can be overwritten where
 * the struct says, and that no value makes a second line.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "mail/envelope.h"
#include "tap.h"

#define HEAD	"stdmail-envelope 1\nsender a@b.test\narrived 1700000000\n"

/* All of an envelope as text. */
static const char *
show(const struct envelope *e)
{
	static char out[2048];
	char text[ADDRESS_TEXT_MAX];
	size_t i, n;

	n = (size_t)snprintf(out, sizeof(out), "%s,%lld,%s,%s,%s,%d",
	    address_text(&e->sender, text), (long long)e->arrived,
	    e->auth == NULL ? "-" : e->auth, e->ip == NULL ? "-" : e->ip,
	    e->with == NULL ? "-" : e->with, (int)e->body);
	if (e->utf8 || e->ret != ENVELOPE_RET_NONE)
		n += (size_t)snprintf(out + n, sizeof(out) - n,
		    ",%s,%s,%s,%s,%lld%c%s", e->utf8 ? "utf8" : "-",
		    e->requiretls ? "requiretls" : "-",
		    e->ret == ENVELOPE_RET_FULL ? "FULL" : "HDRS",
		    e->envid == NULL ? "-" : e->envid, (long long)e->by,
		    e->by_mode, e->by_trace ? "T" : "");
	if (e->own)
		n += (size_t)snprintf(out + n, sizeof(out) - n, ",own");
	if (e->hold != 0 || e->warned != 0)
		n += (size_t)snprintf(out + n, sizeof(out) - n,
		    ",%lld,%lld", (long long)e->hold, (long long)e->warned);
	if (e->uid != NULL)
		n += (size_t)snprintf(out + n, sizeof(out) - n, ",uid %s",
		    e->uid);
	if (e->held != 0)
		n += (size_t)snprintf(out + n, sizeof(out) - n, ",held %lld",
		    (long long)e->held);
	for (i = 0; i < e->nrcpts; i++) {
		n += (size_t)snprintf(out + n, sizeof(out) - n,
		    "[%c %s %u %lld %s", (int)e->rcpts[i].status,
		    address_text(&e->rcpts[i].addr, text), e->rcpts[i].tries,
		    (long long)e->rcpts[i].last,
		    e->rcpts[i].reply == NULL ? "-" : e->rcpts[i].reply);
		if (e->rcpts[i].notify != 0)
			n += (size_t)snprintf(out + n, sizeof(out) - n,
			    " %x %s", e->rcpts[i].notify,
			    e->rcpts[i].orcpt == NULL ? "-" :
			    e->rcpts[i].orcpt);
		n += (size_t)snprintf(out + n, sizeof(out) - n, "]");
	}
	if (e->skip != 0)
		n += (size_t)snprintf(out + n, sizeof(out) - n, ",skip %llu",
		    (unsigned long long)e->skip);
	for (i = 0; i < e->ndid; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n,
		    "{%zu %c %s %s}", e->did[i].rcpt, (int)e->did[i].status,
		    e->did[i].key, e->did[i].words);
	return out;
}

static const struct {
	const char	*text;
	int		 want;
	unsigned	 line;		/* when it is malformed */
	const char	*show;
} rows[] = {
	{ HEAD "to Q x@y.test\nend\n", 1, 0,
	    "a@b.test,1700000000,-,-,-,0[Q x@y.test 0 0 -]" },
	{ "stdmail-envelope 1\nsender <>\narrived 5\nauth al\\x0aice\n"
	    "ip 192.0.2.1\nwith ESMTPSA\nbody 8BITMIME\nfuture thing\n"
	    "to D x@y.test\nto F \"a b\"@y.test\nend\n", 1, 0,
	    ",5,al\nice,192.0.2.1,ESMTPSA,2[D x@y.test 0 0 -]"
	    "[F \"a b\"@y.test 0 0 -]" },
	{ HEAD "to Q x@y.test\nend\ntried 7 0 4.0.0 - a\ntried 9 0 b\\\\c\n",
	    1, 0, "a@b.test,1700000000,-,-,-,0[Q x@y.test 2 9 b\\c]" },
	{ HEAD "utf8 yes\nrequiretls yes\nret HDRS\nenvid a\\x0ab\n"
	    "by 1700000100 NT\nto Q x@y.test\nnotify SUCCESS,DELAY\n"
	    "orcpt rfc822;x@z.test\nto Q v@y.test\nnotify NEVER\nend\n", 1, 0,
	    "a@b.test,1700000000,-,-,-,0,utf8,requiretls,HDRS,a\nb,"
	    "1700000100NT[Q x@y.test 0 0 - a rfc822;x@z.test]"
	    "[Q v@y.test 0 0 - 1 -]" },
	{ HEAD "ret FULL\nby 7 R\nto Q x@y.test\nend\n", 1, 0,
	    "a@b.test,1700000000,-,-,-,0,-,-,FULL,-,7R[Q x@y.test 0 0 -]" },
	{ HEAD "hold 1700000200\nto S x@y.test\nto X v@y.test\nend\n"
	    "warned 5\nwarned 1700000300\nwarned 17", 1, 0,
	    "a@b.test,1700000000,-,-,-,0,1700000200,1700000300"
	    "[S x@y.test 0 0 -][X v@y.test 0 0 -]" },
	/* Kept back: not before its own hold, and no time twice. */
	{ HEAD "to Q x@y.test\nend\nheld 1700000100 1700000200\n"
	    "held 1700000150 1700000250\nheld 1700000300 1700000300\n"
	    "held 1700000400\nheld 1700000500 17", 1, 0,
	    "a@b.test,1700000000,-,-,-,0,held 150[Q x@y.test 0 0 -]" },
	{ HEAD "hold 1700000200\nto Q x@y.test\nend\nheld 5 1700000201\n",
	    1, 0, "a@b.test,1700000000,-,-,-,0,1700000200,0,held 1"
	    "[Q x@y.test 0 0 -]" },
	/* What is settled of several places; half a line is none. */
	{ HEAD "skip 87\nto Q x@y.test\nto Q v@y.test\nend\n"
	    "did 7 0 D 0123456789abcdef 2.0.0 a\\\\b\n"
	    "did 7 1 F 0123456789abcdef 5.0.0 no\n"
	    "did 7 2 D 0123456789abcdef nobody\n"
	    "did 7 0 Q 0123456789abcdef x\ndid 7 0 D 0123456789abcde x\n"
	    "did 7 0 D 0123456789abcdeF x\ndid 7 0 D 0123456789abcdef", 1, 0,
	    "a@b.test,1700000000,-,-,-,0[Q x@y.test 0 0 -]"
	    "[Q v@y.test 0 0 -],skip 87{0 D 0123456789abcdef 2.0.0 a\\b}"
	    "{1 F 0123456789abcdef 5.0.0 no}" },
	{ HEAD "skip x\nto Q x@y.test\nend\n", 0, 4, NULL },
	{ HEAD "own yes\nto Q x@y.test\nend\n", 1, 0,
	    "a@b.test,1700000000,-,-,-,0,own[Q x@y.test 0 0 -]" },
	{ HEAD "own no\nto Q x@y.test\nend\n", 0, 4, NULL },
	{ HEAD "own yes?\nto Q x@y.test\nend\n", 0, 4, NULL },
	{ HEAD "uid 1000\nuid 1\\x0a\nto Q x@y.test\nend\n", 1, 0,
	    "a@b.test,1700000000,-,-,-,0,uid 1\n[Q x@y.test 0 0 -]" },
	{ HEAD "hold x\nto Q x@y.test\nend\n", 0, 4, NULL },
	{ HEAD "notify NEVER\nto Q x@y.test\nend\n", 0, 4, NULL },
	{ HEAD "to Q x@y.test\nnotify NEVER,\nend\n", 0, 5, NULL },
	{ HEAD "by 7 X\nto Q x@y.test\nend\n", 0, 4, NULL },
	{ HEAD "orcpt rfc822;a\nto Q x@y.test\nend\n", 0, 4, NULL },
	/* A torn line at the end, and one in the middle. */
	{ HEAD "to Q x@y.test\nend\ntried 7 0 a\ntried 9 0 b", 1, 0,
	    "a@b.test,1700000000,-,-,-,0[Q x@y.test 1 7 a]" },
	{ HEAD "to Q x@y.test\nend\ntried 7\ntried 9 0 b\n", 1, 0,
	    "a@b.test,1700000000,-,-,-,0[Q x@y.test 1 9 b]" },
	{ HEAD "to Q x@y.test\nend\ntried 7 1 a\n", 1, 0,
	    "a@b.test,1700000000,-,-,-,0[Q x@y.test 0 0 -]" },
	{ "", 0, 1, NULL },
	{ "stdmail-envelope 2\n", 0, 1, NULL },
	{ HEAD "to Q x@y.test\n", 0, 5, NULL },
	{ HEAD "to Q x@y.test\nend", 0, 5, NULL },
	{ HEAD "end\n", 0, 5, NULL },
	{ HEAD "to Z x@y.test\nend\n", 0, 4, NULL },
	{ HEAD "to Q \nend\n", 0, 4, NULL },
	{ HEAD "to Q x@y@z\nend\n", 0, 4, NULL },
	{ "stdmail-envelope 1\nsender a b\nend\n", 0, 2, NULL },
	{ "stdmail-envelope 1\narrived 5x\nend\n", 0, 2, NULL },
	{ "stdmail-envelope 1\narrived 99999999999999999999\n", 0, 2, NULL },
};

static void
test_rows(void)
{
	struct envelope e;
	unsigned line;
	size_t i;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		envelope_init(&e);
		r = envelope_parse(&e, rows[i].text, strlen(rows[i].text),
		    &line);
		if (!ok(r == rows[i].want, "row %zu", i))
			printf("# got %d\n", r);
		if (rows[i].show != NULL)
			is_str(show(&e), rows[i].show, "... and what it says");
		else {
			is_int(line, rows[i].line, "... and its line");
			is_int((long long)e.nrcpts, 0, "... and it is empty");
		}
		envelope_free(&e);
	}
}

/* Who is told what, and what two lines can say. */
static void
test_wishes(void)
{
	static const struct {
		const char *notify;
		int success, failure, delay;
	} wishes[] = {
		{ "", 0, 1, 1 },
		{ "notify NEVER\n", 0, 0, 0 },
		{ "notify SUCCESS\n", 1, 0, 0 },
		{ "notify FAILURE\n", 0, 1, 0 },
		{ "notify SUCCESS,DELAY\n", 1, 0, 1 },
	};
	struct envelope e;
	char text[256];
	unsigned line;
	size_t i;

	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		envelope_init(&e);
		snprintf(text, sizeof(text), HEAD "to Q x@y.test\n%send\n",
		    wishes[i].notify);
		ok(envelope_parse(&e, text, strlen(text), &line) == 1 &&
		    envelope_wants(&e.rcpts[0], ENVELOPE_SUCCESS) ==
		    wishes[i].success &&
		    envelope_wants(&e.rcpts[0], ENVELOPE_FAILURE) ==
		    wishes[i].failure &&
		    envelope_wants(&e.rcpts[0], ENVELOPE_DELAY) ==
		    wishes[i].delay, "who is told: %s", wishes[i].notify);
		is_int(envelope_is_plain(&e), i == 0, "... and two lines");
		envelope_free(&e);
	}
}

/* The words of an attempt, there and back. */
static void
test_words(void)
{
	static const struct {
		const char *text, *status, *host, *tls, *reply;
		bool same;	/* written anew it is the same */
	} words[] = {
		{ "4.2.0 mx.b.test[192.0.2.1] 452 4.2.0 busy", "4.2.0",
		    "mx.b.test[192.0.2.1]", "", "452 4.2.0 busy", true },
		{ "2.0.0 mx.b.test[192.0.2.1] "
		    "tls=TLSv1.3/TLS_AES_256_GCM_SHA384/dane 250 ok",
		    "2.0.0", "mx.b.test[192.0.2.1]",
		    "TLSv1.3/TLS_AES_256_GCM_SHA384/dane", "250 ok", true },
		{ "4.4.1 - no answer", "4.4.1", "", "", "no answer", true },
		{ "4.4.1 - tls=none no", "4.4.1", "", "none", "no", true },
		{ "4.4.1 h a tls=x b", "4.4.1", "h", "", "a tls=x b", true },
		{ "4.4.1 h tls=x", "4.4.1", "h", "x", "" },
		{ "4.4.1 h", "4.4.1", "h", "", "" },
		{ "4.4.1", "4.4.1", "", "", "" },
		{ "", "", "", "", "" },
		{ NULL, "", "", "", "" },
		{ "no status at all", "", "", "", "no status at all" },
		{ "5.1 x y", "", "", "", "5.1 x y" },
	};
	struct envelope_words w;
	char back[ENVELOPE_TEXT], text[4000];
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		envelope_words_parse(&w, words[i].text);
		is_str(w.status, words[i].status, "words: status");
		is_str(w.host, words[i].host, "... host");
		is_str(w.tls, words[i].tls, "... tls");
		is_str(w.reply, words[i].reply, "... reply");
		if (words[i].same)
			is_str(envelope_words_text(back, sizeof(back),
			    w.status, w.host, w.tls, w.reply), words[i].text,
			    "... and back");
	}
	is_str(envelope_words_text(back, sizeof(back), "2.0.0", "h", "a b\n",
	    "r"), "2.0.0 h tls=a_b_ r", "no space in tls");
	is_str(envelope_words_text(back, 10, "2.0.0", "host", "", "r"),
	    "2.0.0 hos", "cut");
	memset(text, 'x', sizeof(text));
	memcpy(text, "2.0.0 ", 6);
	text[3999] = '\0';
	envelope_words_parse(&w, text);
	is_str(w.host, "", "a host that is too long is none");
}

static void
add(struct envelope *e, const char *text)
{
	struct address a;

	if (address_parse(&a, text, strlen(text), NULL) != 1 ||
	    envelope_add(e, &a) == -1)
		ok(0, "%s", text);
}

static void
test_round(void)
{
	static char reason[ENVELOPE_REASON];
	struct envelope e, back;
	char want[2048], name[64];
	unsigned line;
	struct buf b;
	int i;

	envelope_init(&e);
	envelope_init(&back);
	buf_init(&b, 1 << 20);
	e.arrived = 1700000000;
	e.body = SMTP_BODY_7BIT;
	envelope_set(&e.auth, "two\nlines \\ and \x7f \xc3\xa9");
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "u%d@y.test", i);
		add(&e, name);
	}
	e.own = e.utf8 = e.requiretls = 1;
	e.ret = ENVELOPE_RET_HDRS;
	envelope_set(&e.uid, "1000");
	envelope_set(&e.envid, "a b\n");
	e.by = 1700000007;
	e.by_mode = 'R';
	e.rcpts[1].notify = ENVELOPE_SUCCESS | ENVELOPE_FAILURE;
	envelope_set(&e.rcpts[1].orcpt, "rfc822;x\ny");
	strlcpy(want, show(&e), sizeof(want));
	buf_adds(&b, "before");
	is_int(envelope_write(&b, &e), 0, "it is written");
	buf_consume(&b, 6);
	is_int(envelope_parse(&back, b.data, b.len, &line), 1,
	    "and read back");
	is_str(show(&back), want, "and is the same");
	is_int((long long)back.rcpts[17].at, (long long)e.rcpts[17].at,
	    "the place of a letter is known to who wrote it");
	b.data[e.rcpts[17].at] = ENVELOPE_DELIVERED;
	envelope_tried(&b, 3, 1700000001, "451 4.2.0 a\r\nb");
	envelope_free(&back);
	is_int(envelope_parse(&back, b.data, b.len, &line), 1,
	    "with a letter overwritten and a line appended");
	is_int(back.rcpts[17].status, ENVELOPE_DELIVERED, "the letter");
	is_str(back.rcpts[3].reply, "451 4.2.0 a\r\nb", "the words");
	memset(reason, 0xff, sizeof(reason) - 1);
	envelope_tried(&b, 3, 1700000001, reason);
	envelope_free(&back);
	is_int(envelope_parse(&back, b.data, b.len, &line), 1,
	    "a reason of many octets, all escaped");
	is_str(back.rcpts[3].reply, reason, "... is all there");
	is_int((long long)envelope_count(&back, ENVELOPE_QUEUED), 19,
	    "all others as they were");
	envelope_free(&back);
	envelope_free(&e);
	buf_free(&b);
}

/* Every cut of a file is read or refused, and none says more than the whole. */
static void
test_cuts(void)
{
	static const char text[] = HEAD "to Q x@y.test\nto D z@y.test\nend\n"
	    "tried 7 0 4.0.0 - a\ntried 9 1 b\n";
	struct envelope e;
	unsigned line;
	size_t n;
	int good = 1;

	for (n = 0; n < sizeof(text) - 1; n++) {
		envelope_init(&e);
		if (envelope_parse(&e, text, n, &line) == 1 &&
		    (e.nrcpts != 2 || e.rcpts[1].status !=
		    ENVELOPE_DELIVERED))
			good = 0;
		envelope_free(&e);
	}
	ok(good, "every cut");
}

int
main(void)
{
	test_rows();
	test_wishes();
	test_words();
	test_round();
	test_cuts();
	return done();
}
