/* SPDX-License-Identifier: ISC
 *
 * Proves what a person is told to do about a refusal: by the words of the big
 * providers, as their bounces have them, and else by the status.
 */
#include <string.h>

#include "mail/advice.h"
#include "tap.h"

static const struct {
	const char	*status, *host, *reply;
	const char	*want;		/* a part of the advice */
} rows[] = {
	{ "5.7.26", "gmail-smtp-in.l.google.com[192.0.2.1]",
	    "550 5.7.26 Your email has been blocked because the sender is "
	    "unauthenticated.", "DKIM" },
	{ "5.7.26", "mx.other.test[192.0.2.1]", "550 5.7.26 go away",
	    "A rule of the other side" },
	{ "4.4.7", "", "not delivered in time; the last try said: 4.7.28 "
	    "gmail-smtp-in.l.google.com[192.0.2.1] 421 4.7.28 an unusual rate "
	    "of mail", "Gmail gets more" },
	{ "5.7.25", "aspmx.l.google.com[192.0.2.1]",
	    "550 5.7.25 The IP address sending this message does not have a "
	    "PTR record", "a name (PTR)" },
	{ "5.7.1", "aspmx.l.google.com[192.0.2.1]",
	    "550 5.7.1 this message is likely unsolicited mail", "spam" },
	{ "5.7.1", "a.olc.protection.outlook.com[192.0.2.1]",
	    "550 5.7.1 part of their network is on our block list (S3140).",
	    "sendersupport" },
	{ "5.7.606", "b.mail.protection.outlook.com[192.0.2.1]",
	    "550 5.7.606 Access denied, banned sending IP [192.0.2.9]",
	    "sender.office.com" },
	{ "4.0.0", "mta7.am0.yahoodns.net[192.0.2.1]",
	    "421 4.7.0 [TSS04] Messages from 192.0.2.9 temporarily deferred",
	    "Yahoo" },
	{ "5.0.0", "mx00.t-online.de[192.0.2.1]", "554 IP=192.0.2.9 - A "
	    "problem occurred.", "tosa@" },
	{ "5.7.1", "mx.b.test[192.0.2.1]",
	    "554 5.7.1 Client host blocked using zen.spamhaus.org",
	    "check.spamhaus.org" },
	{ "5.7.1", "mx.b.test[192.0.2.1]",
	    "550 5.7.1 rejected by the sender's DMARC policy", "DKIM" },
	{ "5.1.1", "mx.b.test[192.0.2.1]", "550 5.1.1 no such user",
	    "typing errors" },
	{ "5.1.10", "", "the domain takes no mail (null MX)", "takes no mail" },
	{ "5.2.2", "mx.b.test[192.0.2.1]", "552 5.2.2 over quota", "full" },
	{ "", "", "", "Try again later" },
	{ "9.9.9", "x", "y", "Try again later" },
};

int
main(void)
{
	const char *got;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		got = advice(rows[i].status, rows[i].host, rows[i].reply);
		if (!ok(strstr(got, rows[i].want) != NULL, "%s",
		    rows[i].reply))
			printf("# %s\n", got);
	}
	return done();
}
