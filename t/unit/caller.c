/* SPDX-License-Identifier: ISC
 *
 * Proves what is believed of a program that hands over one message: its
 * environment, never as root; the sender in all the forms in which it is
 * given; and the lines and fields that it put before the message.
 */
#include <stdlib.h>

#include "../../mda-deliver/caller.h"
#include "tap.h"

/* Give or take away a variable. */
static void
set(const char *name, const char *value)
{
	if (value == NULL)
		unsetenv(name);
	else
		setenv(name, value, 1);
}

static const struct {
	const char	*what;
	/* SENDER RECIPIENT EXTENSION EXT */
	const char	*sender, *recipient, *extension, *ext;
	uid_t		 euid;
	const char	*want_sender, *want_recipient, *want_extension;
} environments[] = {
	{ "Postfix", "a@b.test", "me+x@c.test", "x", NULL, 1000,
	    "a@b.test", "me+x@c.test", "x" },
	{ "Postfix, a bounce to no extension", "", "me@c.test", "", NULL, 1000,
	    "", "me@c.test", NULL },
	{ "qmail", "a@b.test", "me-x@c.test", NULL, "x", 1000,
	    "a@b.test", "me-x@c.test", "x" },
	{ "as root", "a@b.test", "me@c.test", "x", "x", 0, NULL, NULL, NULL },
	{ "no recipient", "a@b.test", NULL, "x", "x", 1000, NULL, NULL, NULL },
	{ "an empty one", "a@b.test", "", "x", "x", 1000, NULL, NULL, NULL },
	{ "nothing", NULL, NULL, NULL, NULL, 1000, NULL, NULL, NULL },
	{ "no sender", NULL, "me@c.test", NULL, NULL, 1000,
	    NULL, "me@c.test", NULL },
};

static void
test_environment(void)
{
	struct caller c;
	size_t i;

	for (i = 0; i < sizeof(environments) / sizeof(environments[0]); i++) {
		set("SENDER", environments[i].sender);
		set("RECIPIENT", environments[i].recipient);
		set("EXTENSION", environments[i].extension);
		set("EXT", environments[i].ext);
		caller_environment(&c, environments[i].euid);
		is_str(c.sender, environments[i].want_sender,
		    environments[i].what);
		is_str(c.recipient, environments[i].want_recipient,
		    "its recipient");
		is_str(c.extension, environments[i].want_extension,
		    "its extension");
	}
}

static const struct {
	const char	*text;
	const char	*want;		/* NULL: none */
} senders[] = {
	{ "a@b.test", "a@b.test" },
	{ "<a@b.test>", "a@b.test" },
	{ "", "" },
	{ "<>", "" },
	{ "MAILER-DAEMON", "" },
	{ "<mailer-daemon>", "" },
	{ "#@[]", "" },
	{ "a b", NULL },
	{ "@", NULL },
};

static void
test_senders(void)
{
	char text[ADDRESS_TEXT_MAX];
	struct address a;
	size_t i;

	for (i = 0; i < sizeof(senders) / sizeof(senders[0]); i++)
		is_str(caller_sender(&a, senders[i].text, NULL) == 0 ?
		    address_text(&a, text) : NULL, senders[i].want,
		    senders[i].text);
}

#define NOBODY	"-"		/* no sender is named */

static const struct {
	const char	*in;
	const char	*sender;
	const char	*both;		/* when both fields are dropped */
	const char	*path;		/* when Return-Path is */
} texts[] = {
	{ "S: x\n\nb\n", NOBODY, "S: x\n\nb\n", "S: x\n\nb\n" },
	{ "From a@b.test Thu Jan  1 00:00:00 1970\nS: x\n", "a@b.test",
	    "S: x\n", "S: x\n" },
	{ "From a@b.test  Thu Jan  1 00:00:00 1970\r\nS: x\r\n", "a@b.test",
	    "S: x\r\n", "S: x\r\n" },
	{ "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nS: x\n", "",
	    "S: x\n", "S: x\n" },
	{ "From a@b.test Thu\n>From c Wed\n>From d Tue\nS: x\n", "a@b.test",
	    "S: x\n", "S: x\n" },
	{ ">From a@b.test Thu\nS: x\n", NOBODY, "S: x\n", "S: x\n" },
	{ "From \nS: x\n", NOBODY, "S: x\n", "S: x\n" },
	{ "From a@b.test Thu", NOBODY, "From a@b.test Thu",
	    "From a@b.test Thu" },
	{ "From: a@b.test\n", NOBODY, "From: a@b.test\n",
	    "From: a@b.test\n" },
	/* Postfix */
	{ "From a@b.test Thu\nReturn-Path: <a@b.test>\nX-Original-To: me\n"
	    "Delivered-To: me@c.test\nReceived: x\nDelivered-To: y\n",
	    "a@b.test",
	    "X-Original-To: me\nReceived: x\nDelivered-To: y\n",
	    "X-Original-To: me\nDelivered-To: me@c.test\nReceived: x\n"
	    "Delivered-To: y\n" },
	/* getmail, in another order, folded */
	{ "Delivered-To:\n me@c.test\nreturn-path:\n <a@b.test> \nS: x\n",
	    "a@b.test", "S: x\n", "Delivered-To:\n me@c.test\nS: x\n" },
	{ "Return-Path: <>\nS: x\n", "", "S: x\n", "S: x\n" },
	{ "Return-Path:\nS: x\n", "", "S: x\n", "S: x\n" },
	{ "Return-Path: what is this\nS: x\n", NOBODY, "S: x\n", "S: x\n" },
	/* the second is of a delivery before, or of a circle */
	{ "Delivered-To: me\nDelivered-To: me\nReturn-Path: <a@b.test>\n",
	    NOBODY, "Delivered-To: me\nReturn-Path: <a@b.test>\n",
	    "Delivered-To: me\nDelivered-To: me\nReturn-Path: <a@b.test>\n" },
	{ "Received: x\nReturn-Path: <a@b.test>\nDelivered-To: me\n", NOBODY,
	    "Received: x\nReturn-Path: <a@b.test>\nDelivered-To: me\n",
	    "Received: x\nReturn-Path: <a@b.test>\nDelivered-To: me\n" },
	{ "\nReturn-Path: <a@b.test>\n", NOBODY,
	    "\nReturn-Path: <a@b.test>\n", "\nReturn-Path: <a@b.test>\n" },
	{ "", NOBODY, "", "" },
};

static void
test_dropped(const char *in, const struct caller_lines *l, bool to,
    const char *want, const char *what)
{
	char text[512];
	size_t n = strlen(in) - l->skip;

	memcpy(text, in + l->skip, n);
	n = caller_drop(l, text, n, true, to);
	is_mem(text, n, want, strlen(want), what);
}

static void
test_lines(void)
{
	char text[ADDRESS_TEXT_MAX];
	struct caller_lines l;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		caller_lines(&l, texts[i].in, strlen(texts[i].in));
		is_str(l.has_sender ? address_text(&l.sender, text) : NOBODY,
		    texts[i].sender, "who has sent it");
		test_dropped(texts[i].in, &l, true, texts[i].both,
		    "both dropped");
		test_dropped(texts[i].in, &l, false, texts[i].path,
		    "Return-Path dropped");
	}
}

static void
test_path(void)
{
	char to[PATH_MAX];

	setenv("HOME", "/home/me", 1);
	is_str(caller_path("~/Maildir/", to), "/home/me/Maildir/", "~/");
	is_str(caller_path("a/~/b", to), "a/~/b", "none at the beginning");
	is_str(caller_path("~me/b", to), "~me/b", "another's");
	setenv("HOME", "here", 1);
	ok(caller_path("~/x", to) == NULL || *to == '/',
	    "a home is no relative path");
}

int
main(void)
{
	test_environment();
	test_senders();
	test_lines();
	test_path();
	return done();
}
