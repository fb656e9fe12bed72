/* SPDX-License-Identifier: ISC
 *
 * Proves DKIM's lists, canonical forms and choice of fields by rows, each row
 * whole and in pieces; that the examples of RFC 6376 and RFC 8463 come out
 * octet for octet; and that a message signed by us verifies in any line ends,
 * and no longer when an octet of it is another.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes/crlf.h"
#include "mail/dkim_ring.h"
#include "tap.h"
#include "dkim_verify.h"

static void
keep(void *arg, const void *p, size_t n)
{
	buf_add(arg, p, n);
}

/* ---- lists ---- */

static const struct {
	const char	*text, *want;	/* "name=value|..."; NULL: malformed */
} lists[] = {
	{ "a=b", "a=b|" },
	{ " a = b ;\r\n\tc=d;", "a=b|c=d|" },
	{ "a=; b=x", "a=|b=x|" },
	{ "a=b c\td", "a=b c\td|" },
	{ "a_1=b=c", "a_1=b=c|" },
	{ "A=1;a=2", "A=1|a=2|" },
	{ "a=\xc3\xa9", "a=\xc3\xa9|" },
	{ "a=b; ", "a=b|" },
	{ "", NULL },
	{ "a", NULL },
	{ "a=b;;c=d", NULL },
	{ "=b", NULL },
	{ "1a=b", NULL },
	{ "_a=b", NULL },
	{ "a b=c", NULL },
	{ "a=b;a=c", NULL },
	{ "a=b\x01", NULL },
	{ "a=b\x7f", NULL },
};

static void
test_lists(void)
{
	struct dkim_tag tags[DKIM_TAGS_MAX];
	char got[200];
	size_t i, k, n, at;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		n = dkim_tags(tags, lists[i].text, strlen(lists[i].text));
		got[at = 0] = '\0';
		for (k = 0; k < n; k++)
			at += (size_t)snprintf(got + at, sizeof(got) - at,
			    "%.*s=%.*s|", (int)tags[k].name.len,
			    tags[k].name.p, (int)tags[k].value.len,
			    tags[k].value.p);
		if (!is_str(n == 0 ? NULL : got, lists[i].want, "a list"))
			printf("# row %zu\n", i);
	}
	n = dkim_tags(tags, "a=1\0;b=2", 9);
	is_int((long long)n, 0, "a NUL is in no list");
}

#define HASH	"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
#define GOOD	"v=1; a=rsa-sha256; d=a.test; s=x; h=from; " HASH "; b=QUJD"

static const struct {
	const char	*text;
	enum dkim_fault	 want;
} signatures[] = {
	{ GOOD, DKIM_GOOD },
	{ GOOD "; c=relaxed; i=@b.a.test; t=5; x=6; l=4; q=dns/txt; zz=1",
	    DKIM_GOOD },
	{ "v=1; a=ed25519-sha256; d=a.test; s=x.y; h= to :\r\n FROM ; " HASH
	    "; b=QUJ\r\n D", DKIM_GOOD },
	{ "v=2; a=rsa-sha256; d=a.test; s=x; h=from; " HASH "; b=QUJD",
	    DKIM_VERSION },
	{ "a=rsa-sha256; d=a.test; s=x; h=from; " HASH "; b=QUJD",
	    DKIM_MALFORMED },
	{ "v=1; a=rsa-sha1; d=a.test; s=x; h=from; " HASH "; b=QUJD",
	    DKIM_ALGORITHM },
	{ GOOD "; c=nowsp", DKIM_CANON },
	{ GOOD "; c=relaxed/", DKIM_CANON },
	{ GOOD "; q=http", DKIM_QUERY },
	{ GOOD "; i=@other.test", DKIM_DOMAIN },
	{ GOOD "; i=@xa.test", DKIM_DOMAIN },
	{ GOOD "; i=a.test", DKIM_DOMAIN },
	{ GOOD "; t=6; x=6", DKIM_MALFORMED },
	{ GOOD "; t=x", DKIM_MALFORMED },
	{ GOOD "; l=", DKIM_MALFORMED },
	{ GOOD "; b=QUJD", DKIM_MALFORMED },
	{ "v=1; a=rsa-sha256; d=test; s=x; h=from; " HASH "; b=QUJD",
	    DKIM_DOMAIN },
	{ "v=1; a=rsa-sha256; d=a..test; s=x; h=from; " HASH "; b=QUJD",
	    DKIM_DOMAIN },
	{ "v=1; a=rsa-sha256; d=a.test; s=; h=from; " HASH "; b=QUJD",
	    DKIM_DOMAIN },
	{ "v=1; a=rsa-sha256; d=a.test; s=x; h=to:fromx; " HASH "; b=QUJD",
	    DKIM_NO_FROM },
	{ "v=1; a=rsa-sha256; d=a.test; s=x; h=from; bh=QUJD; b=QUJD",
	    DKIM_MALFORMED },
	{ "v=1; a=rsa-sha256; d=a.test; s=x; h=from; " HASH "; b=",
	    DKIM_MALFORMED },
	{ "v=1; a=rsa-sha256; d=a.test; s=x; h=from; " HASH "; b=QU*D",
	    DKIM_MALFORMED },
};

static const struct {
	const char	*text;
	enum dkim_fault	 want;
} key_records[] = {
	{ "v=DKIM1; p=QUJD", DKIM_GOOD },
	{ "p=QUJD", DKIM_GOOD },
	{ "v=DKIM1; k=ed25519; t=y:s; s=web : email; h=sha1:sha256; p=Q UJD",
	    DKIM_GOOD },
	{ "v=DKIM1; p=", DKIM_REVOKED },
	{ "v=DKIM1.0; p=QUJD", DKIM_VERSION },
	{ "p=QUJD; v=DKIM1", DKIM_VERSION },
	{ "v=DKIM1; k=other; p=QUJD", DKIM_OTHER_KEY },
	{ "v=DKIM1; s=web; p=QUJD", DKIM_OTHER_KEY },
	{ "v=DKIM1; h=sha1; p=QUJD", DKIM_OTHER_KEY },
	{ "v=DKIM1", DKIM_MALFORMED },
	{ "v=DKIM1; p=QUJD; p=QUJD", DKIM_MALFORMED },
	{ "some other text", DKIM_MALFORMED },
};

static void
test_records(void)
{
	struct dkim_signature s;
	struct dkim_record r;
	size_t i;

	for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		if (!is_int(dkim_signature_parse(&s, signatures[i].text,
		    strlen(signatures[i].text)), signatures[i].want,
		    "a signature"))
			printf("# row %zu\n", i);
	for (i = 0; i < sizeof(key_records) / sizeof(key_records[0]); i++)
		is_int(dkim_record_parse(&r, key_records[i].text,
		    strlen(key_records[i].text)), key_records[i].want,
		    key_records[i].text);
	dkim_record_parse(&r, key_records[2].text,
	    strlen(key_records[2].text));
	ok(r.testing && r.strict && r.algorithm == DKIM_ED25519_SHA256,
	    "flags and the kind of a key");
	dkim_signature_parse(&s, signatures[1].text,
	    strlen(signatures[1].text));
	ok(s.header == DKIM_RELAXED && s.body == DKIM_SIMPLE &&
	    s.length == 4 && s.time == 5 && s.expires == 6,
	    "one canonical form named is the header's");
}

/* ---- canonical forms ---- */

static const struct {
	const char	*body, *simple, *relaxed;
} bodies[] = {
	{ "", "\r\n", "" },
	{ "\n", "\r\n", "" },
	{ "\n\n\n", "\r\n", "" },
	{ "a", "a\r\n", "a\r\n" },
	{ "a\n", "a\r\n", "a\r\n" },
	{ "a\n\n\n", "a\r\n", "a\r\n" },
	{ "\n\na\n\n\nb\n\n", "\r\n\r\na\r\n\r\n\r\nb\r\n",
	    "\r\n\r\na\r\n\r\n\r\nb\r\n" },
	{ " a \t b\t\n", " a \t b\t\r\n", " a b\r\n" },
	{ "a\n \n\t\n", "a\r\n \r\n\t\r\n", "a\r\n" },
	{ " \nb", " \r\nb\r\n", "\r\nb\r\n" },
	{ "a\rb\r\r\nc\n", "a\rb\r\r\nc\r\n", "a\rb\r\r\nc\r\n" },
	{ "a \rb\n", "a \rb\r\n", "a \rb\r\n" },
	{ "a\r", "a\r\r\n", "a\r\r\n" },
	{ ".\n..\n", ".\r\n..\r\n", ".\r\n..\r\n" },
	{ "\xe9 \xff\n", "\xe9 \xff\r\n", "\xe9 \xff\r\n" },
	/* RFC 6376, section 3.4.5 */
	{ " C \nD \t E\n\n\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
};

static void
body_form(struct buf *b, enum dkim_canon how, const char *p, size_t n,
    size_t step)
{
	struct dkim_body body;
	uint64_t length;
	size_t i, some;

	buf_reset(b);
	dkim_body_init(&body, how, UINT64_MAX, keep, b);
	for (i = 0; i < n; i += some) {
		some = n - i > step ? step : n - i;
		dkim_body_feed(&body, p + i, some);
	}
	length = dkim_body_end(&body);
	is_int((long long)length, (long long)b->len, "its length");
}

static void
test_bodies(void)
{
	static const struct { size_t step; int wire; } ways[] = {
		{ 1000, 0 }, { 1, 0 }, { 3, 0 }, { 1000, 1 }, { 1, 1 },
	};
	char wire[200];
	const char *p;
	size_t i, k, n, len;
	struct crlf c;
	struct buf b;

	buf_init(&b, 10000);
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		for (k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
			p = bodies[i].body;
			len = n = strlen(p);
			if (ways[k].wire) {
				memset(&c, 0, sizeof(c));
				len = crlf_to_wire(&c, p, &n, wire,
				    sizeof(wire));
				p = wire;
			}
			body_form(&b, DKIM_SIMPLE, p, len, ways[k].step);
			is_mem(b.data, b.len, bodies[i].simple,
			    strlen(bodies[i].simple), "a simple body");
			body_form(&b, DKIM_RELAXED, p, len, ways[k].step);
			is_mem(b.data, b.len, bodies[i].relaxed,
			    strlen(bodies[i].relaxed), "a relaxed body");
		}
	buf_free(&b);
}

/* Longer than any buffer, with a limit inside. */
static void
test_long_body(void)
{
	static char line[20000];
	struct dkim_body body;
	struct buf b;
	int i;

	memset(line, 'x', sizeof(line));
	buf_init(&b, 1 << 20);
	dkim_body_init(&body, DKIM_RELAXED, 50001, keep, &b);
	for (i = 0; i < 3; i++)
		dkim_body_feed(&body, line, sizeof(line));
	dkim_body_feed(&body, "\n\n", 2);
	is_int((long long)dkim_body_end(&body), 60002,
	    "a line of 60,000 octets");
	is_int((long long)b.len, 50001, "of which so many are hashed");
	buf_free(&b);
}

static const struct {
	const char	*field, *simple, *relaxed;
} fields_rows[] = {
	{ "A: X\n", "A: X\r\n", "a:X\r\n" },
	{ "B : Y\t\n\tZ  \n", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n" },
	{ "SUBJect: AbC", "SUBJect: AbC\r\n", "subject:AbC\r\n" },
	{ "A:\n", "A:\r\n", "a:\r\n" },
	{ "A: \n \n b\n", "A: \r\n \r\n b\r\n", "a:b\r\n" },
	{ "A:b: C\n", "A:b: C\r\n", "a:b: C\r\n" },
	{ "A: b\rc\n", "A: b\rc\r\n", "a:b\rc\r\n" },
	{ "A: \xc3\x89  x\n", "A: \xc3\x89  x\r\n", "a:\xc3\x89 x\r\n" },
};

static void
test_fields(void)
{
	static const enum dkim_canon forms[] = { DKIM_SIMPLE, DKIM_RELAXED };
	struct dkim_field f;
	size_t i, k, step, n, at;
	const char *want, *p;
	struct buf b;

	buf_init(&b, 1000);
	for (i = 0; i < sizeof(fields_rows) / sizeof(fields_rows[0]); i++)
		for (k = 0; k < 2; k++)
			for (step = 1; step < 100; step += 98) {
				p = fields_rows[i].field;
				n = strlen(p);
				want = k == 0 ? fields_rows[i].simple :
				    fields_rows[i].relaxed;
				buf_reset(&b);
				dkim_field_init(&f, forms[k], keep, &b);
				for (at = 0; at < n; at += step)
					dkim_field_feed(&f, p + at,
					    n - at > step ? step : n - at);
				dkim_field_end(&f, 1);
				is_mem(b.data, b.len, want, strlen(want),
				    "a field");
			}
	buf_free(&b);
}

/* ---- the choice of fields ---- */

static const char doubled[] =
    "Received: <A>\n"
    "Received: <B>\n"
    "X-Other: x\n"
    "Received: <C>\n"
    "From: a@a.test\n"
    "\n"
    "Received: no field\n";

static void
test_order(void)
{
	static const char h[] = "received : Received:\n from:received:"
	    "from:received:none";
	const struct dkim_text names = { h, sizeof(h) - 1 };
	struct dkim_fields fields;
	struct dkim_text many;
	char long_list[4 * DKIM_NAMES_MAX];
	struct buf b;
	size_t i;

	buf_init(&b, 1000);
	dkim_fields_read(&fields, doubled, sizeof(doubled) - 1);
	is_int((long long)fields.n, 5, "the fields of a header");
	dkim_fields_hash(&fields, &names, DKIM_RELAXED, keep, &b);
	is_str(buf_str(&b), "received:<C>\r\nreceived:<B>\r\n"
	    "from:a@a.test\r\nreceived:<A>\r\n",
	    "from the bottom up, each once, and what is not there is nothing");
	for (i = 0; i < sizeof(long_list) - 2; i += 2)
		memcpy(long_list + i, "a:", 2);
	many.p = long_list;
	many.len = i;
	is_int(dkim_fields_hash(&fields, &many, DKIM_RELAXED, keep, &b), -1,
	    "too many names");
	dkim_fields_free(&fields);
	buf_free(&b);
}

static const struct {
	const char	*header, *want;
} choices[] = {
	{ "From: a\n", "From:From:Reply-To:Subject:To:Cc" },
	{ "Received: r\nReturn-Path: <>\nX-Y: z\nfrom: a\nTo: b\nDate: d\n"
	    "DKIM-Signature: old\n",
	    "From:From:Reply-To:Subject:To:To:Cc:Date:Date" },
	{ "Comments: a\nList-Id: b\nFrom: a\nList-ID: c\n",
	    "From:From:Reply-To:Subject:To:Cc:List-Id:List-Id" },
};

static void
test_choices(void)
{
	char text[5000];
	struct dkim_fields fields;
	struct buf b;
	size_t i;

	buf_init(&b, 10000);
	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		buf_reset(&b);
		dkim_fields_read(&fields, choices[i].header,
		    strlen(choices[i].header));
		dkim_fields_choose(&fields, &b);
		is_str(buf_str(&b), choices[i].want, "which are signed");
		dkim_fields_free(&fields);
	}
	for (i = 0; i < 300; i++)
		memcpy(text + 6 * i, "To: a\n", 6);
	dkim_fields_read(&fields, text, 6 * i);
	buf_reset(&b);
	is_int(dkim_fields_choose(&fields, &b), -1, "too many to be signed");
	dkim_fields_free(&fields);
	buf_free(&b);
}

/* ---- RFC 8463, appendix A ---- */

static const char ed_pem[] = "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
static const char rsa_pem[] = "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
    "-----END RSA PRIVATE KEY-----\n";

static const char rfc8463[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\n"
    " d=football.example.com; i=@football.example.com;\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n"
    " subject : date : message-id : from : subject : date;\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n"
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n"
    " d=football.example.com; i=@football.example.com;\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\n"
    " date : message-id : from : subject : date;\n"
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\n"
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\n"
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\n"
    "From: Joe SixPack <joe@football.example.com>\n"
    "To: Suzie Q <suzie@shopping.example.net>\n"
    "Subject: Is dinner ready?\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
    "\n"
    "Hi.\n"
    "\n"
    "We lost the game.  Are you hungry yet?\n"
    "\n"
    "Joe.\n";

static const char *
football(const char *name)
{
	if (strcmp(name, "brisbane._domainkey.football.example.com") == 0)
		return "v=DKIM1; k=ed25519; "
		    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
	if (strcmp(name, "test._domainkey.football.example.com") == 0)
		return "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKB"
		    "gQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J1"
		    "6JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6l"
		    "HvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l"
		    "/K4w3QIDAQAB";
	return NULL;
}

/* What we sign of the same header is what stands there. */
static void
same_signature(const struct header_field *f, const char *pem)
{
	char fault[DKIM_FAULT_MAX], name[600];
	struct dkim_key *k = dkim_key_read(pem, strlen(pem), fault);
	struct dkim_hash *hash = dkim_hash_new();
	unsigned char sum[DKIM_HASH];
	struct dkim_fields fields;
	struct dkim_signature s;
	struct buf b;

	buf_init(&b, 2000);
	ok(k != NULL, "the key is read");
	is_int(dkim_signature_parse(&s, f->value, f->value_len), DKIM_GOOD,
	    "the field of the RFC");
	dkim_fields_read(&fields, rfc8463, sizeof(rfc8463) - 1);
	dkim_hash_begin(hash);
	dkim_fields_hash(&fields, &s.fields, DKIM_RELAXED, dkim_hash_add,
	    hash);
	dkim_field_hash(f->start, f->len, &s.hole, DKIM_RELAXED,
	    dkim_hash_add, hash);
	is_int(dkim_hash_end(hash, sum), 0, "it is hashed");
	is_int(dkim_key_sign(k, sum, &b), 0, "it is signed");
	is_mem(b.data, b.len, s.data, s.ndata, "... and is the same");
	snprintf(name, sizeof(name), "%.*s._domainkey.football.example.com",
	    (int)s.selector.len, s.selector.p);
	buf_reset(&b);
	is_int(dkim_key_record(k, &b), 0, "its record is made");
	is_str(buf_str(&b), football(name), "... as in the RFC");
	buf_free(&b);
	dkim_fields_free(&fields);
	dkim_hash_free(hash);
	dkim_key_free(k);
}

static void
test_rfc8463(void)
{
	struct header_field f;
	struct header h;
	int count[4];

	verify_piece = 0;
	verify(rfc8463, sizeof(rfc8463) - 1, football, count);
	is_int(count[PASSES], 2, "both signatures of RFC 8463");
	header_init(&h, rfc8463, sizeof(rfc8463) - 1);
	header_next(&h, &f);
	same_signature(&f, ed_pem);
	header_next(&h, &f);
	same_signature(&f, rsa_pem);
}

/* ---- keys ---- */

static void
test_keys(void)
{
	static const struct { const char *pem, *want; } rows[] = {
		{ "", "is no private key in PEM form, or has a passphrase" },
		{ "no key\n", "is no private key in PEM form, or has a "
		    "passphrase" },
		/* 512 bits of RSA */
		{ "-----BEGIN RSA PRIVATE KEY-----\n"
		    "MIIBOQIBAAJBALgSoqXVSEmfcIsOzw7oRuCCOwsmtX/SJnTWxYyj2l"
		    "-----END RSA PRIVATE KEY-----\n",
		    "is no private key in PEM form, or has a passphrase" },
		/* P-256 */
		{ "-----BEGIN PRIVATE KEY-----\n"
		    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gd"
		    "AFr88hb2\nOF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOM"
		    "vdyHKcvjBeBSDZH2r\n1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4Qdb"
		    "Ad0E7oH50VpuZ1P087G\n-----END PRIVATE KEY-----\n",
		    "is neither an RSA nor an Ed25519 key" },
	};
	char fault[DKIM_FAULT_MAX];
	unsigned char sum[DKIM_HASH] = { 1 };
	struct dkim_key *k, *again;
	struct buf pem, sig;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strlcpy(fault, "none", sizeof(fault));
		dkim_key_free(dkim_key_read(rows[i].pem, strlen(rows[i].pem),
		    fault));
		is_str(fault, rows[i].want, "a key that is not used");
	}
	buf_init(&pem, DKIM_PEM_MAX);
	buf_init(&sig, DKIM_SIG_MAX);
	for (i = 0; i < 2; i++) {
		buf_reset(&pem);
		buf_reset(&sig);
		k = dkim_key_make((enum dkim_algorithm)i, &pem);
		ok(k != NULL && dkim_key_algorithm(k) ==
		    (enum dkim_algorithm)i, "a key is made");
		again = dkim_key_read(pem.data, pem.len, fault);
		ok(again != NULL, "and read again");
		is_int(dkim_key_sign(again, sum, &sig), 0, "it signs");
		is_int(dkim_key_verify(k, sum, sig.data, sig.len), 1,
		    "what it signed is known");
		sig.data[5] ^= 1;
		is_int(dkim_key_verify(k, sum, sig.data, sig.len), 0,
		    "but not with another octet");
		sig.data[5] ^= 1;
		sum[0] ^= 4;
		is_int(dkim_key_verify(k, sum, sig.data, sig.len), 0,
		    "nor for another hash");
		is_int(dkim_key_bits(k), i == 0 ? 2048 : 256, "its bits");
		dkim_key_free(k);
		dkim_key_free(again);
	}
	ok(dkim_key_public(DKIM_RSA_SHA256, "abc", 3) == NULL,
	    "no public key");
	ok(dkim_key_public(DKIM_ED25519_SHA256, "abc", 3) == NULL,
	    "no public key of Ed25519");
	buf_free(&pem);
	buf_free(&sig);
}

/* ---- a message signed ---- */

static char dir[] = "/tmp/dkim.XXXXXX";
static char published[4][1000];		/* r1, e1, p1: of a.test, a.test,
					 * b.test */

static const char *
ours(const char *name)
{
	if (strcmp(name, "r1._domainkey.a.test") == 0)
		return published[0];
	if (strcmp(name, "e1._domainkey.a.test") == 0)
		return published[1];
	return strcmp(name, "p1._domainkey.xn--bcher-kva.test") == 0 ?
	    published[2] : NULL;
}

static void
write_file(const char *name, const void *p, size_t n, mode_t mode)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	ok(fd != -1 && write(fd, p, n) == (ssize_t)n, "%s is written", name);
	close(fd);
}

static void
make_key(const char *name, enum dkim_algorithm algorithm, char *record)
{
	struct dkim_key *k;
	struct buf b;

	buf_init(&b, DKIM_PEM_MAX);
	k = dkim_key_make(algorithm, &b);
	write_file(name, b.data, b.len, 0600);
	buf_reset(&b);
	dkim_key_record(k, &b);
	strlcpy(record, buf_str(&b), sizeof(published[0]));
	dkim_key_free(k);
	buf_free(&b);
}

static int
load(struct settings *s, struct dkim_ring *ring, const char *const *o,
    size_t n, char *error)
{
	if (settings_load(s, "/dev/null", o, n, error) == -1)
		return -1;
	if (dkim_ring_load(ring, s, error) == 0)
		return 0;
	settings_free(s);
	return -1;
}

#define M	"\nText  with \t spaces \n\n.\nlast\n\n\n"

static const struct {
	const char	*message;
	int		 passes;	/* signatures */
	const char	*why;
} messages[] = {
	{ "From: x@a.test\n" M, 2, "signed" },
	{ "Received: by z\nfrom : X\n <x@A.Test>, y@b.test\nSubject: \n x\n"
	    M, 2, "signed" },
	{ "From: x@sub.a.test\n" M, 2, "signed" },
	{ "From: x@xn--bcher-kva.test\n" M, 1, "signed" },
	{ "From: x@b\xc3\xbc" "cher.test\nSubject: \xc3\xa9\n" M, 1,
	    "signed" },
	{ "From: x@a.test\nTo: a\nTo: b\nCc: d\n\n", 2, "signed" },
	{ "From: x@a.test\n", 2, "signed" },
	{ "From: x@a.test\r\nTo: a\r\n\r\nb\r\n", 2, "signed" },
	{ "From: x@a.test\n\n\xe9 8-bit\n", 2, "signed" },
	{ "From: x@a.test\n\nno line end", 2, "signed" },
	{ "From: g: x@a.test;\n" M, 2, "signed" },
	{ "From: x@a.test\nFrom: y@b.test\n" M, 0, "more than one From" },
	{ "Sender: x@a.test\n" M, 0, "no From" },
	{ "From: x\n" M, 0, "no domain in From" },
	{ "From:\n" M, 0, "no domain in From" },
	{ "From: x@xa.test\n" M, 0, "no key for the domain of From" },
	{ "From: x@test\n" M, 0, "no key for the domain of From" },
	{ "From: x@[192.0.2.1]\n" M, 0, "no key for the domain of From" },
	{ "", 0, "no From" },
};

/* Every line of the fields is at most 78 columns, a tab being eight. */
static int
is_narrow(const char *p, size_t n)
{
	size_t column = 0;

	for (; n > 0; n--, p++) {
		column = *p == '\n' ? 0 : column + (*p == '\t' ? 8 : 1);
		if (column > 78)
			return 0;
	}
	return 1;
}

/* An octet of the signed message changed, anywhere it counts. */
static void
test_changed(const struct buf *b, size_t head)
{
	char *copy = malloc(b->len);
	int count[4], bad = 0;
	size_t i;

	for (i = head; i < b->len; i++) {
		if (strchr(" \t\r\n", b->data[i]) != NULL)
			continue;
		memcpy(copy, b->data, b->len);
		copy[i] ^= 1;
		verify(copy, b->len, ours, count);
		bad += count[PASSES] != 0;
	}
	is_int(bad, 0, "no octet can be another");
	free(copy);
}

static void
test_message(const struct dkim_ring *ring, size_t row)
{
	const char *text = messages[row].message;
	struct dkim_result result;
	size_t n = strlen(text), prefix, i;
	char path[200];
	int count[4], fd, eightbit;
	struct buf b;

	buf_init(&b, 100000);
	snprintf(path, sizeof(path), "%s/message", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ok(write(fd, "before\n", 7) == 7 && write(fd, text, n) == (ssize_t)n,
	    "row %zu", row);
	is_int(dkim_ring_sign(ring, fd, 7, 1700000000, &b, &result),
	    messages[row].passes == 0 ? DKIM_UNSIGNED : DKIM_SIGNED,
	    "whether it is signed");
	is_str(result.why, messages[row].why, "and why");
	for (eightbit = 0, i = 0; i < n; i++)
		eightbit |= (text[i] & 0x80) != 0;
	if (messages[row].passes > 0)
		is_int(result.eightbit, eightbit, "8-bit octets are seen");
	close(fd);
	ok(is_narrow(b.data, b.len), "folded");
	prefix = b.len;
	buf_add(&b, text, n);
	for (i = 0; i < 2; i++) {
		verify_piece = i;
		verify(b.data == NULL ? "" : b.data, b.len, ours, count);
		is_int(count[PASSES], messages[row].passes, "it verifies");
		is_int(count[FAILS] + count[UNUSABLE] + count[NO_RECORD], 0,
		    "nothing else");
	}
	if (row == 0) {
		ok(strstr(buf_str(&b), "a=rsa-sha256") < strstr(buf_str(&b),
		    "a=ed25519-sha256"), "RSA first");
		test_changed(&b, prefix);
		buf_reset(&b);
	}
	if (messages[row].passes > 0 && row > 0) {
		struct buf forged;

		buf_init(&forged, 200000);
		buf_adds(&forged, "From: boss@a.test\nSubject: other\n");
		buf_add(&forged, b.data, b.len);
		verify(forged.data, forged.len, ours, count);
		is_int(count[PASSES], 0, "no From can be put on top");
		buf_free(&forged);
	}
	buf_free(&b);
}

static const struct {
	const char	*pairs[6];
	const char	*want;		/* at the end of what is said */
} bad_settings[] = {
	{ { "dkim=r1.a.test x" },
	    "dkim: r1.a.test is not SELECTOR._domainkey.DOMAIN" },
	{ { "dkim=._domainkey.a.test x" },
	    "dkim: ._domainkey.a.test is not SELECTOR._domainkey.DOMAIN" },
	{ { "dkim=a._domainkey.test x" },
	    "dkim: a._domainkey.test is not SELECTOR._domainkey.DOMAIN" },
	{ { "dkim=a._domainkey.a.test x", "dkim=A._domainkey.a.test. y" },
	    "dkim: A._domainkey.a.test. stands there twice" },
	{ { "dkim=a._domainkey.a.test x", "dkim=b._domainkey.a.test x",
	    "dkim=c._domainkey.a.test x", "dkim=d._domainkey.a.test x",
	    "dkim=e._domainkey.a.test x" },
	    "dkim: e._domainkey.a.test is one key too many for its domain" },
	{ { "dkim=a._domainkey.a.test /nowhere/x" },
	    "dkim: /nowhere/x: No such file or directory" },
	{ { "dkim=a._domainkey.a.test /etc" },
	    "dkim: /etc: is no regular file" },
	{ { "dkim=a._domainkey.a.test /etc/passwd" },
	    "dkim: /etc/passwd: is no private key in PEM form, or has a "
	    "passphrase" },
};

static void
test_settings(void)
{
	char error[CONF_ERROR_MAX];
	struct dkim_ring ring;
	struct settings s;
	size_t i, n;

	for (i = 0; i < sizeof(bad_settings) / sizeof(bad_settings[0]); i++) {
		for (n = 0; bad_settings[i].pairs[n] != NULL; n++)
			;
		error[0] = '\0';
		is_int(load(&s, &ring, bad_settings[i].pairs, n, error), -1,
		    "a fault");
		n = strlen(error) < strlen(bad_settings[i].want) ? 0 :
		    strlen(error) - strlen(bad_settings[i].want);
		is_str(error + n, bad_settings[i].want, "which it says");
	}
}

static void
test_check(const struct settings *s)
{
	char error[CONF_ERROR_MAX] = "", path[200];

	is_int(dkim_check(s, error), 0, "the keys are good");
	is_str(error, "", "and nothing is said");
	snprintf(path, sizeof(path), "%s/e1", dir);
	chmod(path, 0644);
	is_int(dkim_check(s, error), 1, "one that all can read is told of");
	ok(strstr(error, "/e1: everybody can read or change it") != NULL,
	    "as such");
	chmod(path, 0600);
	write_file("p1", rsa_pem, sizeof(rsa_pem) - 1, 0600);
	is_int(dkim_check(s, error), 1, "a weak one is told of");
	ok(strstr(error, "/p1: an RSA key of 1024 bits is weak") != NULL,
	    "as such");
	write_file("p1", "x", 1, 0600);
	is_int(dkim_check(s, error), -1, "a bad one is a fault");
}

static void
test_signing(void)
{
	char error[CONF_ERROR_MAX] = "", o[4][300];
	const char *args[4] = { o[0], o[1], o[2], o[3] };
	struct dkim_ring ring;
	struct settings s;
	size_t i;

	ok(mkdtemp(dir) != NULL, "a folder");
	make_key("r1", DKIM_RSA_SHA256, published[0]);
	make_key("e1", DKIM_ED25519_SHA256, published[1]);
	make_key("p1", DKIM_RSA_SHA256, published[2]);
	snprintf(o[0], sizeof(o[0]), "dkim=E1._domainkey.A.test. %s/e1", dir);
	snprintf(o[1], sizeof(o[1]), "dkim=r1._domainkey.a.test %s/r1", dir);
	snprintf(o[2], sizeof(o[2]), "dkim=p1._domainkey.b\xc3\xbc"
	    "cher.test %s/p1", dir);
	/* As long as the test is root and the folder its own. */
	snprintf(o[3], sizeof(o[3]), "spool_user=root");
	if (load(&s, &ring, args, 4, error) == -1) {
		ok(0, "the keys are loaded: %s", error);
		return;
	}
	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		test_message(&ring, i);
	test_check(&s);
	dkim_ring_free(&ring);
	settings_free(&s);
	for (i = 0; i < 4; i++) {
		static const char *const names[] = { "r1", "e1", "p1",
		    "message" };

		snprintf(o[0], sizeof(o[0]), "%s/%s", dir, names[i]);
		unlink(o[0]);
	}
	rmdir(dir);
}

int
main(void)
{
	test_lists();
	test_records();
	test_bodies();
	test_long_body();
	test_fields();
	test_order();
	test_choices();
	test_rfc8463();
	test_keys();
	test_settings();
	test_signing();
	return done();
}
