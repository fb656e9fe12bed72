/* SPDX-License-Identifier: ISC
 *
 * Proves what a bounce says: each failed recipient and no other, the words of
 * the host, advice by the status, the machine's part field by field, and the
 * message back whole or, when it is large or 8-bit, its header alone.
 */
#include <stdlib.h>
#include <unistd.h>

#include "mail/bounce.h"
#include "tap.h"

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
	{ "final recipient", "5.1.1 - x",
	    "Final-Recipient: rfc822; bob@b.test\nAction: failed\n" },
};

static char *
compose(const char *message, const char *reply, size_t extra)
{
	static char out[BOUNCE_MAX + 1];
	struct settings s = { .hostname = (char *)"mx.a.test" };
	struct spool_message m = { .env_fd = -1 };
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
	envelope_init(&m.env);
	strlcpy(m.env.sender.local, "alice", sizeof(m.env.sender.local));
	strlcpy(m.env.sender.domain, "a.test", sizeof(m.env.sender.domain));
	envelope_add(&m.env, &bob);
	envelope_add(&m.env, &eve);
	m.env.rcpts[0].status = ENVELOPE_FAILED;
	m.env.rcpts[1].status = ENVELOPE_DELIVERED;
	if (reply != NULL)
		m.env.rcpts[0].reply = strdup(reply);
	if (bounce_write(&b, &s, &m, 1763700000, 60, "b0123456789abcdef") ==
	    -1)
		out[0] = '\0';
	else
		strlcpy(out, buf_str(&b), sizeof(out));
	envelope_free(&m.env);
	buf_free(&b);
	fclose(f);
	return out;
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
	is_int(bounce_write(&b, &s, &m, 1763700000, 60, "b0123456789abcdef"),
	    0, "a bounce for 3000 recipients");
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
	test_many();
	return done();
}
