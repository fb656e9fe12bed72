/* SPDX-License-Identifier: ISC
 *
 * Proves what a bounce says: each failed recipient and no other, the words of
 * the host, advice by the status, the machine's part (RFC 3464) field by
 * field, what the sender asked for, UTF-8 in 7 bits, and the message back
 * whole or, when it is large or 8-bit, its header alone.
 */
#include <stdlib.h>
#include <unistd.h>

#include "mail/bounce.h"
#include "tap.h"

static struct bounce bounce = { .now = 1763700000, .zone = 60,
    .boundary = "b0123456789abcdef" };

static const struct row {
	const char *what, *reply, *want;
} rows[] = {
	{ "host's words", "5.1.1 mx.b.test[192.0.2.1] 550 5.1.1 no such user",
	    "  mx.b.test[192.0.2.1] said:\n  550 5.1.1 no such user\n" },
	{ "advice", "5.1.1 mx.b.test[192.0.2.1] 550 5.1.1 no such user",
	    "Check the address for typing errors" },
	{ "status", "5.1.1 mx.b.test[192.0.2.1] 550 no", "Status: 5.1.1\n" },
	{ "remote host", "5.1.1 mx.b.test[192.0.2.1] 550 no",
	    "\nRemote-MTA: dns; mx.b.test\nDiagnostic-Code: smtp; 550 no\n" },
	{ "and not how it was protected",
	    "5.1.1 mx.b.test[192.0.2.1] tls=TLSv1.3/X/no 550 5.1.1 no",
	    "Diagnostic-Code: smtp; 550 5.1.1 no\n" },
	{ "our words about a host",
	    "5.3.4 mx.b.test[192.0.2.1] 999 is too much",
	    "\nRemote-MTA: dns; mx.b.test\n"
	    "Diagnostic-Code: x-stdmail; 999 is too much\n" },
	{ "whose they are", "5.6.3 mx.b.test[192.0.2.1] it takes no such thing",
	    "  At mx.b.test[192.0.2.1]:\n  it takes no such thing\n" },
	{ "our own words", "5.1.1 - no such user here",
	    "\nDiagnostic-Code: x-stdmail; no such user here\n" },
	{ "null MX", "5.1.10 - the domain takes no mail",
	    "says that it takes no mail" },
	{ "8-bit and controls", "5.0.0 - \xc3\xa9 \t x", "; ?? ? x\n" },
	{ "no words at all", NULL, "Status: 5.0.0\n" },
	{ "lines", "5.7.1 - by the filter:\n\n  No,  no \tx\n\xc3\xa9\n",
	    "  by the filter:\n\n    No,  no ?x\n  =C3=A9\n\n" },
	{ "... whose octets are none", "5.7.1 - no:\n\xc3\n\033[1m",
	    "  no:\n  ?\n  ?[1m\n" },
	{ "... on one line", "5.7.1 - by the filter:\n\n  No\nx",
	    "; by the filter:    No x\n" },
	{ "final recipient", "5.1.1 - x",
	    "Final-Recipient: rfc822; bob@b.test\nAction: failed\n" },
};

/* The envelope of the next one, besides: alice to bob, failed, and to eve,
 * delivered. */
static struct {
	char	status[3];	/* of both */
	unsigned notify;
	const char *orcpt;
	const char *local;	/* instead of bob */
	struct envelope e;
} with = { .status = "FD" };

static char *
compose(const char *message, const char *reply, size_t extra)
{
	static char out[BOUNCE_MAX + 1];
	struct settings s = { .hostname = (char *)"mx.a.test" };
	struct spool_message m = { .env_fd = -1, .env = with.e,
	    .item.queue = SPOOL_REMOTE };
	struct address bob = { "bob", "b.test" }, eve = { "eve", "e.test" };
	FILE *f = tmpfile();
	struct buf b;

	buf_init(&b, BOUNCE_MAX);
	fputs("Return-Path: <x@y>\n", f);
	m.start = (uint64_t)ftell(f);
	fputs(message, f);
	while (extra-- > 0)
		fputc('x', f);
	m.size = (uint64_t)ftell(f);
	fflush(f);
	m.fd = fileno(f);
	strlcpy(m.env.sender.local, "alice", sizeof(m.env.sender.local));
	strlcpy(m.env.sender.domain, "a.test", sizeof(m.env.sender.domain));
	if (with.local != NULL)
		strlcpy(bob.local, with.local, sizeof(bob.local));
	envelope_add(&m.env, &bob);
	envelope_add(&m.env, &eve);
	m.env.rcpts[0].status = (enum envelope_status)with.status[0];
	m.env.rcpts[1].status = (enum envelope_status)with.status[1];
	m.env.rcpts[0].notify = with.notify;
	if (with.orcpt != NULL)
		m.env.rcpts[0].orcpt = strdup(with.orcpt);
	if (with.e.envid != NULL)
		m.env.envid = strdup(with.e.envid);
	if (reply != NULL)
		m.env.rcpts[0].reply = strdup(reply);
	bounce.settings = &s;
	bounce.message = &m;
	if (bounce_write(&b, &bounce) == -1)
		out[0] = '\0';
	else
		strlcpy(out, buf_str(&b), sizeof(out));
	envelope_free(&m.env);
	buf_free(&b);
	fclose(f);
	return out;
}

static void
has(const char *p, const char *want, const char *what)
{
	if (!ok(strstr(p, want) != NULL, "%s", what))
		printf("# %s\n", p);
}

/* What was asked for with RET, ENVID, ORCPT, REQUIRETLS, and other fates. */
static void
test_wishes(void)
{
	const char *small = "Subject: hi\n\nbody\n", *p;

	with.e.envid = (char *)"QQ=1+2";
	with.orcpt = "rfc822;Bob@c.test";
	with.e.ret = ENVELOPE_RET_HDRS;
	p = compose(small, "5.1.1 - x", 0);
	has(p, "\nOriginal-Envelope-Id: QQ=1+2\nReporting-MTA:", "ENVID");
	has(p, "\nOriginal-Recipient: rfc822; Bob@c.test\n"
	    "Final-Recipient: rfc822; bob@b.test\n", "ORCPT");
	has(p, "text/rfc822-headers\n\nSubject: hi\n", "RET=HDRS");
	ok(strstr(p, "body") == NULL, "... no more than the header");
	with.e.ret = ENVELOPE_RET_FULL;
	has(compose(small, NULL, 0), "message/rfc822\n\nSubject: hi\n\nbody",
	    "RET=FULL");
	with.e.requiretls = 1;
	has(compose(small, NULL, 0), "text/rfc822-headers\n",
	    "... is not for a message under REQUIRETLS");
	with.e.requiretls = 0;
	strlcpy(with.status, "SF", sizeof(with.status));
	p = compose(small, "2.0.0 mx.b.test[192.0.2.1] 250 ok", 0);
	has(p, "Action: relayed\nStatus: 2.0.0\nRemote-MTA: dns; mx.b.test\n"
	    "Diagnostic-Code: smtp; 250 ok\n", "relayed");
	has(p, "Action: failed\nStatus: 5.0.0\n", "... and failed, in one");
	has(p, "\nSubject: Your message could not be delivered\n",
	    "the worst names it");
	strlcpy(with.status, "XD", sizeof(with.status));
	p = compose(small, NULL, 0);
	has(p, "Action: expanded\nStatus: 2.0.0\n", "expanded");
	has(p, "text/rfc822-headers\n", "success returns no body");
	strlcpy(with.status, "QS", sizeof(with.status));
	bounce.delay = true;
	bounce.until = 1763700600;
	p = compose(small, "4.2.0 - busy", 0);
	has(p, "Action: delayed\nStatus: 4.2.0\n", "delayed");
	has(p, "\nWill-Retry-Until: Fri, 21 Nov 2025 05:50:00 +0100\n",
	    "... until when");
	ok(strstr(p, "eve") == NULL, "... those that wait, no others");
	with.notify = ENVELOPE_FAILURE;
	ok(strstr(compose(small, NULL, 0), "bob") == NULL,
	    "who did not ask for DELAY is not in it");
	bounce.delay = false;
	bounce.until = 0;
	with.notify = ENVELOPE_NEVER;
	strlcpy(with.status, "FF", sizeof(with.status));
	p = compose(small, NULL, 0);
	ok(strstr(p, "bob") == NULL && strstr(p, "eve") != NULL,
	    "NEVER is silent about him alone");
	memset(&with, 0, sizeof(with));
	strlcpy(with.status, "FD", sizeof(with.status));
}

/* RFC 6533, all of it in 7 bits. */
static void
test_utf8(void)
{
	const char *text = "Subject: \xc3\xa9\n\nbod\xc3\xbf\n", *p;
	const char *head = "Content-Transfer-Encoding: quoted-printable\n";

	with.e.utf8 = 1;
	with.local = "j\xc3\xb8rn";
	with.orcpt = "utf-8;\xc3\xa9@c.test";
	p = compose(text, "5.6.7 - x", 0);
	has(p, "Content-Type: text/plain; charset=utf-8\n", "words in UTF-8");
	has(p, "Content-Type: message/global-delivery-status\n",
	    "global-delivery-status");
	has(p, "\nOriginal-Recipient: utf-8; =C3=A9@c.test\n"
	    "Final-Recipient: utf-8; j=C3=B8rn@b.test\n", "its addresses");
	has(p, "Content-Type: message/global\n", "all of it goes back");
	has(p, "\nSubject: =C3=A9\n\nbod=C3=BF\n", "... encoded");
	has(p, head, "... and says so");
	for (; *p != '\0' && (*p & 0x80) == 0; p++)
		;
	is_int(*p, 0, "nothing is 8-bit");
	with.e.ret = ENVELOPE_RET_HDRS;
	p = compose(text, NULL, 0);
	has(p, "Content-Type: message/global-headers\n", "or its header");
	has(p, "\nSubject: =C3=A9\n", "... encoded");
	ok(strstr(p, "bod=") == NULL, "... and no more");
	memset(&with, 0, sizeof(with));
	strlcpy(with.status, "FD", sizeof(with.status));
}

/* As many recipients as a message may have, each refused at length, and a
 * message that would go back whole: there must be a bounce even so. */
static void
test_many(void)
{
	struct settings s = { .hostname = (char *)"mx.a.test" };
	struct spool_message m = { .env_fd = -1 };
	struct address to = { "", "b.test" };
	char words[4000] = "5.1.1 mx.b.test[192.0.2.1] 550 ";
	FILE *f = tmpfile();
	struct buf b;
	const char *p;
	size_t i;

	memset(words + strlen(words), 'w', sizeof(words) - strlen(words) - 1);
	words[sizeof(words) - 1] = '\0';
	for (i = 0; i < 90000 / 64; i++)
		fprintf(f, "X-%060zu\n", i);
	m.size = (uint64_t)ftell(f);
	fflush(f);
	m.fd = fileno(f);
	envelope_init(&m.env);
	strlcpy(m.env.sender.local, "alice", sizeof(m.env.sender.local));
	for (i = 0; i < 3000; i++) {
		snprintf(to.local, sizeof(to.local), "%064zu", i);
		envelope_add(&m.env, &to);
		m.env.rcpts[i].status = ENVELOPE_FAILED;
		m.env.rcpts[i].reply = strdup(words);
	}
	buf_init(&b, BOUNCE_MAX);
	bounce.settings = &s;
	bounce.message = &m;
	is_int(bounce_write(&b, &bounce), 0, "a bounce for 3000 recipients");
	p = buf_str(&b) == NULL ? "" : buf_str(&b);
	ok(strstr(p, " others, for whom there is no room here") != NULL,
	    "says that it does not name all");
	ok(strlen(p) > 23 && strcmp(p + strlen(p) - 23,
	    "\n--b0123456789abcdef--\n") == 0, "and has its end");
	envelope_free(&m.env);
	buf_free(&b);
	fclose(f);
}

int
main(void)
{
	const char *small = "Subject: hi\n\nbody\n";
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = compose(small, rows[i].reply, 0);
		if (!ok(strstr(p, rows[i].want) != NULL, "%s", rows[i].what))
			printf("# %s\n", p);
	}
	p = compose(small, "5.1.1 - x", 0);
	ok(strstr(p, "eve") == NULL, "the delivered recipient is not named");
	ok(strstr(p, "Date: Fri, 21 Nov 2025 05:40:00 +0100\n") != NULL,
	    "the date has the zone");
	ok(strstr(p, "Content-Type: message/rfc822\n\nSubject: hi\n\nbody\n")
	    != NULL, "a small message goes back whole");
	ok(strstr(p, "Return-Path") == NULL, "without our envelope lines");
	p = compose("Subject: \xc3\xa9\n\nbody\n", "5.1.1 - x", 0);
	ok(strstr(p, "text/rfc822-headers\n\nSubject: ??\n") != NULL &&
	    strstr(p, "body") == NULL, "of an 8-bit one the header");
	p = compose(small, "5.1.1 - x", 200000);
	ok(strstr(p, "text/rfc822-headers\n\nSubject: hi\n") != NULL &&
	    strlen(p) < 4000, "and of a large one");
	test_wishes();
	test_utf8();
	test_many();
	return done();
}
