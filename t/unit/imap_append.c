/* SPDX-License-Identifier: ISC
 *
 * Proves the arguments of APPEND, step by step (RFC 3502, RFC 4469, RFC 6855
 * section 4), with pieces of the command cut where octets of a message are;
 * and IMAP URLs (RFC 5092), each also cut short at each octet.
 */
#include <stdlib.h>

#include "grammar/imap_append.h"
#include "grammar/imap_url.h"
#include "tap.h"

/*
 * Pieces of a command divided by "|", and what their steps are: B begin with
 * flags and date, O octets (8: literal8, u: UTF8, +: unasked), U a URL, F
 * finish, E the end; "!" malformed, "." the piece ended where octets are.
 */
static const struct {
	const char	*in, *want;
} appends[] = {
	{ " {5}|", "B O5 F E" },
	{ " {5+}|", "B O5+ F E" },
	{ " ~{5}|", "B O5(8) F E" },
	{ " (\\Seen) {5}|", "B8 O5 F E" },
	{ " (\\Seen x) \"17-Jul-1996 02:44:25 -0700\" {0}|",
	    "B8k1d O0 F E" },
	{ " {1}| {2}| () {3}|", "B O1 F B O2 F B O3 F E" },
	{ " CATENATE (TEXT {1}|)", "B O1 F E" },
	{ " CATENATE (URL \"/a/;UID=1\")", "B U/a/;UID=1 F E" },
	{ " CATENATE (URL /a TEXT {1+}| URL {2}\r\n/b TEXT {3}|)",
	    "B U/a O1+ U/b O3 F E" },
	{ " UTF8 (~{4}|)", "B O4(8u) F E" },
	{ " catenate (utf8 (~{4}|) text ~{2}|) {1}|",
	    "B O4(8u) O2(8) F B O1 F E" },
	{ "", "!" }, { " ", "B !" }, { "  {5}|", "B !" },
	{ " {5}|x", "B O5 F !" }, { " {5}| ", "B O5 F B !" },
	{ " {5}|{5}|", "B O5 F !" },
	{ " \"x\"", "!" }, { " (\\Bogus) {1}|", "!" },
	{ " \"x\" {1}|", "!" }, { " (\\Seen){1}|", "!" },
	{ " ~\"x\"", "B !" }, { " ~", "B !" }, { " {5} x", "B !" },
	{ " UTF8 {4}|", "B !" }, { " UTF8 ({4}|)", "B !" },
	{ " UTF8 (~{4}|", "B O4(8u) !" }, { " UTF8(~{4}|)", "B !" },
	{ " CATENATE ()", "B !" }, { " CATENATE (TEXT)", "B !" },
	{ " CATENATE (URL)", "B !" }, { " CATENATE (TEXT x)", "B !" },
	{ " CATENATE (TEXT {1}|", "B O1 !" },
	{ " CATENATE (TEXT {1}|  URL a)", "B O1 !" },
	{ " CATENATE (URL a", "B Ua !" }, { " CATENATE(URL a)", "B !" },
	{ " CATENATE (URL a)x", "B Ua F !" },
	{ " {99999999999999999999}", "B !" },
};

static void
show(struct buf *b, const struct imap_append *a, enum imap_append_step step)
{
	switch (step) {
	case IMAP_APPEND_BEGIN:
		buf_adds(b, "B");
		if (a->flags.system != 0)
			buf_addf(b, "%u", a->flags.system);
		if (a->flags.nkeywords > 0)
			buf_addf(b, "k%zu", a->flags.nkeywords);
		buf_adds(b, a->has_date ? "d " : " ");
		break;
	case IMAP_APPEND_OCTETS:
		buf_addf(b, "O%llu", (unsigned long long)a->size);
		if (a->literal8)
			buf_adds(b, a->utf8 ? "(8u)" : "(8)");
		buf_adds(b, a->sync ? " " : "+ ");
		break;
	case IMAP_APPEND_URL:
		buf_addf(b, "U%s ", a->url.s);
		break;
	case IMAP_APPEND_FINISH:
		buf_adds(b, "F ");
		break;
	case IMAP_APPEND_END:
		buf_adds(b, "E");
		break;
	}
}

/* One piece: 1 another follows, 0 that was all. */
static int
piece(struct imap_append *a, const char *s, size_t n, struct buf *b)
{
	enum imap_append_step step = IMAP_APPEND_END;
	int announced, r;
	struct imap_lex l;

	imap_lex_init(&l, s, n);
	announced = imap_append_announced(a, &l);
	l.p = s;
	l.used = 0;
	while ((r = imap_append_next(a, &l, &step)) == 1) {
		show(b, a, step);
		if (step == IMAP_APPEND_OCTETS || step == IMAP_APPEND_END)
			break;
	}
	if (r != 1)
		buf_adds(b, "!");
	if (announced != (r == 1 && step == IMAP_APPEND_OCTETS))
		buf_adds(b, " but announced otherwise");
	imap_lex_free(&l);
	return r == 1 && step == IMAP_APPEND_OCTETS;
}

static void
test_appends(void)
{
	struct imap_append a;
	char name[200];
	const char *p;
	struct buf b;
	size_t i, n;

	for (i = 0; i < sizeof(appends) / sizeof(appends[0]); i++) {
		buf_init(&b, 1000);
		memset(&a, 0, sizeof(a));
		for (p = appends[i].in;; p += n + 1) {
			n = strcspn(p, "|");
			if (!piece(&a, p, n, &b) || p[n] == '\0')
				break;
		}
		snprintf(name, sizeof(name), "APPEND%.*s",
		    (int)strcspn(appends[i].in, "\r"), appends[i].in);
		is_str(buf_str(&b), appends[i].want, name);
		buf_free(&b);
	}
}

static const struct {
	const char	*in, *want;	/* NULL: none */
} urls[] = {
	{ "/INBOX/;UID=20", "INBOX 0 20" },
	{ "/INBOX;UIDVALIDITY=385759045/;UID=20", "INBOX 385759045 20" },
	{ "/Drafts;uidvalidity=1/;uid=2/;section=1.5.9",
	    "Drafts 1 2 [1.5.9]" },
	{ "/a/b/;UID=1", "a/b 0 1" },
	{ "/a%20b%3B/;UID=1", "a b; 0 1" },
	{ "/%E6%97%A5%E6%9C%AC%E8%AA%9E/;UID=1",
	    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e 0 1" },
	{ "/a&b/;UID=1", "a&b 0 1" },
	{ "/Entw%C3%BCrfe/;UID=1", "Entw\xc3\xbcrfe 0 1" },
	{ "/%F0%9F%98%80x/;UID=1", "\xf0\x9f\x98\x80x 0 1" },
	{ "/a/;UID=1/;PARTIAL=0.1024", "a 0 1 <0.1024>" },
	{ "/a/;UID=1/;SECTION=TEXT/;PARTIAL=7", "a 0 1 [TEXT] <7.4294967295>" },
	{ "/a/;UID=1/;SECTION=HEADER.FIELDS%20(TO%20CC)",
	    "a 0 1 [HEADER.FIELDS (TO CC)]" },
	{ "", NULL }, { "/", NULL }, { "a/;UID=1", NULL },
	{ ";UID=1", NULL }, { "//a/;UID=1", NULL }, { "/;UID=1", NULL },
	{ "imap://h/a/;UID=1", NULL }, { "/a", NULL }, { "/a;UID=1", NULL },
	{ "/a/;UID=0", NULL }, { "/a/;UID=", NULL },
	{ "/a/;UID=01", NULL }, { "/a/;UID=4294967296", NULL },
	{ "/a;UIDVALIDITY=0/;UID=1", NULL },
	{ "/a;UIDVALIDITY=1;UID=1", NULL },
	{ "/a/;UID=1/", NULL }, { "/a/;UID=1/;SECTION=", NULL },
	{ "/a/;UID=1/;PARTIAL=", NULL }, { "/a/;UID=1/;PARTIAL=1.0", NULL },
	{ "/a/;UID=1;URLAUTH=anonymous", NULL },
	{ "/a%0/;UID=1", NULL }, { "/a%zz/;UID=1", NULL },
	{ "/a%00/;UID=1", NULL }, { "/a%ff/;UID=1", NULL },
	{ "/a b/;UID=1", NULL }, { "/a?SUBJECT%20x", NULL },
	{ "/a/;UID=1?x", NULL }, { "/a/;UID=1/;SECTION=\"", NULL },
};

static void
show_url(struct buf *b, struct imap_url *u)
{
	buf_addf(b, "%s %u %u", buf_str(&u->mailbox), u->uidvalidity, u->uid);
	if (u->section.len > 0)
		buf_addf(b, " [%s]", buf_str(&u->section));
	if (u->partial)
		buf_addf(b, " <%u.%u>", u->offset, u->length);
}

static void
test_urls(void)
{
	struct imap_url u;
	struct buf b;
	size_t i, n;
	char *cut;
	int r;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		buf_init(&b, 1000);
		r = imap_url_parse(&u, urls[i].in, strlen(urls[i].in));
		if (r == 1)
			show_url(&b, &u);
		imap_url_free(&u);
		if (urls[i].want == NULL)
			is_int(r, 0, urls[i].in);
		else
			is_str(buf_str(&b), urls[i].want, urls[i].in);
		buf_free(&b);
		/* In memory that ends where it ends. */
		for (n = 0; n < strlen(urls[i].in); n++) {
			if ((cut = malloc(n + 1)) == NULL)
				abort();
			memcpy(cut, urls[i].in, n);
			(void)imap_url_parse(&u, cut, n);
			imap_url_free(&u);
			free(cut);
		}
	}
}

int
main(void)
{
	test_appends();
	test_urls();
	return done();
}
