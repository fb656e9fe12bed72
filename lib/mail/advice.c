/* SPDX-License-Identifier: ISC
 *
 * What to do about a refusal.  The words of the big providers are for who runs
 * this server; the sender is told to hand them on, and what they mean.  As
 * seen in bounces up to 2026: they change now and then, and what is not known
 * here is answered by its status.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "mail/advice.h"

#define TO_POSTMASTER	"Send this report to the postmaster of your own " \
	"mail server: "

#define NO_PROOF	TO_POSTMASTER "the other side cannot tell that the " \
	"mail is really yours. It wants a DKIM signature and an SPF record " \
	"that names the server (mxlookup -a shows what your domain has)."
#define NO_NAME		TO_POSTMASTER "its IP address needs a name (PTR) " \
	"that leads back to it, set by whoever rents it the address."
#define REPUTATION	TO_POSTMASTER "its IP address or your domain is " \
	"thought to send spam. Look whether an account or a forward does, " \
	"then wait some days."

/* A part of the name of the host that spoke or of what it said, and a part of
 * what it said; "" fits all.  The first row that fits counts. */
static const struct {
	const char	*who, *words, *advice;
} known[] = {
	{ "google.com", ".7.26", NO_PROOF },
	{ "google.com", ".7.27", NO_PROOF },
	{ "google.com", ".7.30", NO_PROOF },
	{ "google.com", ".7.25", NO_NAME },
	{ "google.com", ".7.23", NO_NAME },
	{ "google.com", ".7.28", TO_POSTMASTER "Gmail gets more unwanted mail "
	    "from it than it likes. Look whether an account or a forward "
	    "sends spam; then send less for some days." },
	{ "google.com", "unsolicited", REPUTATION },
	{ "google.com", "low reputation", REPUTATION },
	{ "outlook.com", "S3140", TO_POSTMASTER "Microsoft blocks its "
	    "network. The form at sendersupport.olc.protection.outlook.com "
	    "asks for it to be let in." },
	{ "outlook.com", "S3150", TO_POSTMASTER "Microsoft blocks its "
	    "network. The form at sendersupport.olc.protection.outlook.com "
	    "asks for it to be let in." },
	{ "outlook.com", "banned sending IP", TO_POSTMASTER "Microsoft 365 "
	    "blocks its IP address. The form at sender.office.com takes it "
	    "off the list." },
	{ "outlook.com", "5.7.515", NO_PROOF },
	{ "outlook.com", "5.7.509", NO_PROOF },
	{ "outlook.com", "5.4.1", "The address is probably wrong: Microsoft "
	    "365 says so of addresses that it does not have. Check it, or "
	    "ask the recipient by another way." },
	{ "yahoodns.net", "TSS04", TO_POSTMASTER "Yahoo had complaints or "
	    "too much mail at once. Look whether an account sends spam; "
	    "then it ends by itself." },
	{ "yahoodns.net", "5.7.9", NO_PROOF },
	{ "kundenserver.de", "PTR", NO_NAME },
	{ "gmx.net", "PTR", NO_NAME },
	{ "web.de", "PTR", NO_NAME },
	{ "t-online.de", "IP=", TO_POSTMASTER "T-Online takes mail only from "
	    "servers that it knows. It asks to be written to at "
	    "tosa@rx.t-online.de, with the IP address." },
	{ "icloud.com", "HM08", REPUTATION },
	{ "icloud.com", "CS01", REPUTATION },
	{ "", "spamhaus", TO_POSTMASTER "its IP address or a domain in the "
	    "mail is on a list of Spamhaus. check.spamhaus.org says why, and "
	    "takes it off." },
	{ "", "barracuda", TO_POSTMASTER "its IP address is on Barracuda's "
	    "list. barracudacentral.org takes it off." },
	{ "", "DMARC", NO_PROOF },
	{ "", "5.7.25", NO_NAME },
	{ "", "reverse DNS", NO_NAME },
	{ "", "5.7.23", NO_PROOF },
	{ "", "SPF", NO_PROOF },
};

/* By the start of the status; the first match counts. */
static const struct {
	const char	*status;
	const char	*advice;
} by_status[] = {
	{ "5.1.10", "The domain says that it takes no mail. Ask the "
	    "recipient for another address." },
	{ "5.1.2", "The part behind the @ is wrong or no longer exists. Check "
	    "it for typing errors." },
	{ "5.1.", "Check the address for typing errors, or ask the recipient "
	    "by another way." },
	{ "5.2.1", "The mailbox is closed. Ask the recipient by another "
	    "way." },
	{ "5.2.2", "The mailbox is full. Try again later, or tell the "
	    "recipient by another way." },
	{ "5.4.7", "You asked for it to be delivered by then or not at all. "
	    "Send it again if it still matters." },
	{ "5.3.4", "The message is too large for the other side. Send it in "
	    "parts, or send a link." },
	{ "5.4.6", "The mail goes round in a circle. Tell the postmaster of "
	    "the recipient's domain." },
	{ "4.4.7", "The other side could not be reached in all this time. "
	    "Try again later, or tell the recipient by another way." },
	{ "5.6.7", "The other side does not know addresses that are not "
	    "ASCII. Ask the recipient for another address." },
	{ "5.6.", "The other side cannot take what is in the message. Send "
	    "it as an attachment, or as plain text." },
	{ "5.7.30", "You asked for it to be sent protected or not at all. "
	    "Send it without that request, or by another way." },
	{ "5.7.10", "You asked for it to be sent protected or not at all. "
	    "Send it without that request, or by another way." },
	{ "5.7.", "A rule of the other side forbids it. Its words above say "
	    "which; its postmaster can change that." },
	{ "", "Try again later; if it fails again, ask your postmaster and "
	    "quote the words above." },
};

static bool
fits(const char *who, const char *words, const char *host, const char *reply)
{
	return (strcasestr(host, who) != NULL ||
	    strcasestr(reply, who) != NULL) && strcasestr(reply, words) != NULL;
}

const char *
advice(const char *status, const char *host, const char *reply)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (fits(known[i].who, known[i].words, host, reply))
			return known[i].advice;
	for (i = 0; strncmp(by_status[i].status, status,
	    strlen(by_status[i].status)) != 0; i++)
		;
	return by_status[i].advice;
}
