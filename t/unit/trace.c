/* SPDX-License-Identifier: ISC
 *
 * Proves what trace fields look like, and that the envelope in the first two
 * lines is read back, only from there and only as written.
 */
#include <stdint.h>

#include "grammar/header.h"
#include "grammar/trace.h"
#include "tap.h"

static struct address
addr(const char *s)
{
	struct address a;

	address_parse(&a, s, strlen(s), NULL);
	return a;
}

static void
check_received(void)
{
	struct address rcpt = addr("\"b c\"@d.example");
	struct trace_received t = {
		.helo = "client.example", .name = "host.client.example",
		.ip = "192.0.2.1", .by = "mx.example", .with = "ESMTPS",
		.id = "1700000000.M1P2Q3.mx", .rcpt = &rcpt,
		.time = 880127706, .zone = -360
	};
	struct buf b;

	buf_init(&b, 4000);
	is_int(trace_received(&b, &t), 0, "written");
	is_str(buf_str(&b),
	    "Received: from client.example (host.client.example [192.0.2.1])\n"
	    "\tby mx.example with ESMTPS id 1700000000.M1P2Q3.mx\n"
	    "\tfor <\"b c\"@d.example>;\n"
	    "\tFri, 21 Nov 1997 09:55:06 -0600\n", "with everything");
	buf_reset(&b);
	t.name = NULL;
	t.ip = "2001:db8::1";
	t.rcpt = NULL;
	t.id = NULL;
	trace_received(&b, &t);
	is_str(buf_str(&b),
	    "Received: from client.example ([IPv6:2001:db8::1])\n"
	    "\tby mx.example with ESMTPS;\n"
	    "\tFri, 21 Nov 1997 09:55:06 -0600\n", "IPv6, no name, no for");
	buf_reset(&b);
	t.helo = "";
	trace_received(&b, &t);
	ok(strncmp(buf_str(&b), "Received: from unknown ([", 25) == 0,
	    "no name at all");
	buf_reset(&b);
	t.helo = "workstation";
	t.ip = NULL;
	t.who = "uid 1000";
	trace_received(&b, &t);
	ok(strncmp(buf_str(&b), "Received: from workstation (uid 1000)\n",
	    38) == 0, "from this host");
	buf_reset(&b);
	t.helo = "x)\n\n(;\r\nFoo: bar";
	trace_received(&b, &t);
	ok(strncmp(buf_str(&b), "Received: from x???????Foo:?bar (", 33) ==
	    0, "a name cannot break out: %.40s", buf_str(&b));
	buf_free(&b);
}

static void
check_with(void)
{
	static const char *const want[32] = {
		"SMTP", "ESMTP", "SMTP", "ESMTPS", "SMTP", "ESMTPA", "SMTP",
		"ESMTPSA", "LMTP", "LMTP", "LMTPS", "LMTPS", "LMTPA",
		"LMTPA", "LMTPSA", "LMTPSA",
		"SMTP", "UTF8SMTP", "SMTP", "UTF8SMTPS", "SMTP", "UTF8SMTPA",
		"SMTP", "UTF8SMTPSA", "UTF8LMTP", "UTF8LMTP", "UTF8LMTPS",
		"UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPA", "UTF8LMTPSA",
		"UTF8LMTPSA"
	};
	unsigned i;

	for (i = 0; i < 32; i++)
		is_str(trace_with(i), want[i], "protocol token");
}

static const struct {
	const char	*text;
	int		 r;
	const char	*from, *to, *rest;
} rows[] = {
	{ "Return-Path: <a@b>\nDelivered-To: c@d\nReceived: x\n", 1, "a@b",
	    "c@d", "Received: x\n" },
	{ "Return-Path: <>\nDelivered-To: c@d\n", 1, "", "c@d", "" },
	{ "Return-Path: <a@b>\r\nDelivered-To: c@d\r\n\r\n", 1, "a@b", "c@d",
	    "\r\n" },
	{ "return-path:<a@b>\nDELIVERED-TO:c@d \nx", 1, "a@b", "c@d", "x" },
	{ "", 0, NULL, NULL, NULL },
	{ "Received: x\nReturn-Path: <a@b>\nDelivered-To: c@d\n", 0, NULL,
	    NULL, NULL },
	{ "Delivered-To: c@d\nReturn-Path: <a@b>\n", 0, NULL, NULL, NULL },
	{ "Return-Path: <a@b>\nReceived: x\nDelivered-To: c@d\n", -1, NULL,
	    NULL, NULL },
	{ "Return-Path: <a@b>\n", -1, NULL, NULL, NULL },
	{ "Return-Path: <a@b>", -1, NULL, NULL, NULL },
	{ "Return-Path: a@b\nDelivered-To: c@d\n", -1, NULL, NULL, NULL },
	{ "Return-Path: <a b>\nDelivered-To: c@d\n", -1, NULL, NULL, NULL },
	{ "Return-Path: <a@b>\nDelivered-To: \n", -1, NULL, NULL, NULL },
	{ "Return-Path: <a@b>\nDelivered-To: c d\n", -1, NULL, NULL, NULL },
	{ "Return-Path: <a@b>\nDelivered-To: c@d", -1, NULL, NULL, NULL },
	{ "Return-Path: <a@b>\nDelivered-To: c@d\n folded\n", -1, NULL, NULL,
	    NULL },
	{ "Return-Path: <a@b>\n folded\nDelivered-To: c@d\n", -1, NULL, NULL,
	    NULL }
};

static void
check_envelope(size_t i)
{
	char text[ADDRESS_TEXT_MAX];
	struct address from, to;
	size_t len;

	is_int(trace_read_envelope(rows[i].text, strlen(rows[i].text), &from,
	    &to, &len), rows[i].r, rows[i].text);
	if (rows[i].r != 1)
		return;
	is_str(address_text(&from, text), rows[i].from, "from");
	is_str(address_text(&to, text), rows[i].to, "to");
	is_str(rows[i].text + len, rows[i].rest, "what follows");
}

int
main(void)
{
	struct address a = addr("\"x y\"@b"), c = addr("c@d"), from, to;
	struct buf b;
	size_t i, len;

	check_received();
	check_with();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_envelope(i);
	buf_init(&b, 1000);
	trace_return_path(&b, &a);
	trace_delivered_to(&b, &c);
	is_str(buf_str(&b),
	    "Return-Path: <\"x y\"@b>\nDelivered-To: c@d\n", "written");
	is_int(trace_read_envelope(b.data, b.len, &from, &to, &len), 1,
	    "and read");
	ok(address_equal(&from, &a) && address_equal(&to, &c), "the same");
	buf_free(&b);
	return done();
}
