/* SPDX-License-Identifier: ISC
 *
 * All reply texts on one screen.  Codes are those of RFC 5321 section 4.2
 * and, for extensions, of the documents named there; enhanced codes as
 * RFC 2034 has them: none in the banner, in EHLO's and HELO's answer and in
 * 3yz.  It must never let a byte of a peer into a reply that is not printable.
 */
#include <stdio.h>
#include <string.h>

#include "reply.h"

#define DETAIL_MAX	300

static const char *const replies[REPLIES] = {
[REPLY_NONE] = "250 2.0.0 OK",
[REPLY_BANNER] = "220 {} ESMTP",
[REPLY_BANNER_LMTP] = "220 {} LMTP",
[REPLY_BYE] = "221 2.0.0 Bye",
[REPLY_READY_TLS] = "220 2.0.0 Ready to start TLS",
[REPLY_AUTHENTICATED] = "235 2.7.0 Authentication succeeded",
[REPLY_OK] = "250 2.0.0 OK",
[REPLY_SENDER_OK] = "250 2.1.0 Sender <{}> OK",
[REPLY_RCPT_OK] = "250 2.1.5 Recipient <{}> OK",
[REPLY_QUEUED] = "250 2.0.0 Message taken as {}",
[REPLY_DISCARDED] = "250 2.0.0 Message taken",
[REPLY_DELIVERED] = "250 2.1.5 <{}> Delivered",
[REPLY_CHUNK_OK] = "250 2.0.0 {} octets taken",
[REPLY_VRFY] = "252 2.1.5 Not told here; send mail and see",
[REPLY_SEND_DATA] = "354 Send the message, end with <CRLF>.<CRLF>",
[REPLY_STOPPING] = "421 4.3.2 Service is stopping, try again later",
[REPLY_TIMEOUT] = "421 4.4.2 Nothing heard for too long, closing",
[REPLY_SESSION_LONG] = "421 4.4.2 The session has lasted too long, connect "
    "again",
[REPLY_TOO_MANY_ERRORS] = "421 4.7.0 Too many errors, closing",
[REPLY_LOCKED] = "421 4.7.0 Too many failed logins, try again later",
[REPLY_FULL] = "421 4.3.2 Too many connections, try again later",
[REPLY_ADDRESS_FULL] = "421 4.7.0 Too many connections from your address, try "
    "again later",
[REPLY_TOO_FAST] = "421 4.7.0 Too many connections in a short time from your "
    "address or network, try again later",
[REPLY_MESSAGE_RATE] = "450 4.7.1 Too many messages in a short time from your "
    "{}, try again later",
[REPLY_SENDER_RATE] = "450 4.7.1 <{}>: too many messages of this sender in an "
    "hour, try again later",
[REPLY_UNKNOWN_RATE] = "450 4.7.1 Too many unknown recipients from your "
    "address in an hour, try again later",
[REPLY_SENDER_LATER] = "450 4.1.8 <{}>: the domain of the sender cannot be "
    "looked up now, try again later",
[REPLY_GREYLISTED] = "451 4.7.1 We do not know you yet, try again in {} "
    "seconds",
[REPLY_INTERNAL] = "421 4.3.0 Local error, try again later",
[REPLY_SPOOL] = "451 4.3.0 The message could not be stored, try again later",
[REPLY_SPOOL_FULL] = "452 4.3.1 No room for the message now, try again later",
[REPLY_FILTER_FAILED] = "451 4.3.0 A filter of mail is out of order, try again "
    "later",
[REPLY_FILTER_LATER] = "451 4.7.1 Refused by a filter for now, try again "
    "later",
[REPLY_USERS_LATER] = "451 4.3.0 <{}> cannot be looked up now, try again later",
[REPLY_DELIVER_LATER] = "451 {}",
[REPLY_DELIVER_FULL] = "452 {}",
[REPLY_DELIVER_STOPPED] = "451 4.3.2 <{}>: not delivered, the service is "
    "stopping, try again later",
[REPLY_DELIVER_OVERDUE] = "451 4.3.0 <{}>: not delivered, the recipients "
    "before took too long; try again later",
[REPLY_LMTP_PORT] = "421 4.3.5 LMTP is not for port 25, closing",
[REPLY_FROZEN] = "450 4.7.1 <{}>: this account has sent to as many recipients "
    "as it may in an hour, and is frozen for an hour",
[REPLY_TOO_MANY_RCPTS] = "452 4.5.3 Too many recipients, send the rest in "
    "another message",
[REPLY_MAILBOX_FULL_NOW] = "452 4.2.2 <{}>: the mailbox is full, try again "
    "later",
[REPLY_AUTH_LATER] = "454 4.7.0 Passwords cannot be checked now, try again "
    "later",
[REPLY_NO_TLS_NOW] = "454 4.7.0 TLS is not available here",
[REPLY_BAD_BYTE] = "500 5.5.2 A NUL, control or 8-bit byte in a command",
[REPLY_BARE_LF] = "500 5.5.2 A line that ends in LF without CR; end lines with "
    "<CRLF>",
[REPLY_LINE_TOO_LONG] = "500 5.5.6 Line too long",
[REPLY_UNKNOWN_COMMAND] = "500 5.5.1 Unknown command",
[REPLY_NOT_OFFERED] = "502 5.5.1 {} is not offered here",
[REPLY_ARG_MISSING] = "501 5.5.4 {} needs an argument",
[REPLY_ARG_EXTRA] = "501 5.5.4 {} takes no argument",
[REPLY_CHUNK] = "501 5.5.4 Want BDAT SIZE [LAST], closing",
[REPLY_NO_FROM] = "501 5.5.2 Want MAIL FROM:<address>",
[REPLY_NO_TO] = "501 5.5.2 Want RCPT TO:<address>",
[REPLY_BAD_SENDER] = "501 5.1.7 Bad sender address: {}",
[REPLY_BAD_RCPT] = "501 5.1.3 Bad recipient address: {}",
[REPLY_PARAM_UNKNOWN] = "555 5.5.4 Unknown parameter {}",
[REPLY_PARAM_VALUE] = "501 5.5.4 Bad value of parameter {}",
[REPLY_PARAM_TWICE] = "501 5.5.4 Parameter {} given twice",
[REPLY_PARAM_HERE] = "555 5.5.4 A parameter that is not offered here",
[REPLY_BY_OVER] = "501 5.5.4 BY: that time is over already",
[REPLY_HOLD] = "501 5.5.4 A message is held for at most {} seconds",
[REPLY_RCPT_NULL] = "501 5.1.3 The null address is no recipient",
[REPLY_NEED_HELO] = "503 5.5.1 Say EHLO or HELO first",
[REPLY_NEED_LHLO] = "503 5.5.1 Say LHLO first",
[REPLY_SAY_LHLO] = "500 5.5.1 This is LMTP: say LHLO",
[REPLY_NEED_MAIL] = "503 5.5.1 Say MAIL first",
[REPLY_NEED_RCPT_LMTP] = "503 5.5.1 No valid recipients",
[REPLY_NEED_RCPT] = "554 5.5.1 No valid recipients",
[REPLY_NESTED_MAIL] = "503 5.5.1 Sender already given; RSET to begin anew",
[REPLY_NESTED_BDAT] = "503 5.5.1 A message is half here: more BDAT, or RSET",
[REPLY_ONLY_QUIT] = "503 5.5.1 Refused at the start; nothing but QUIT is taken",
[REPLY_TLS_ALREADY] = "503 5.5.1 TLS is already in use",
[REPLY_TLS_LATE] = "503 5.5.1 STARTTLS comes before AUTH",
[REPLY_TLS_PIPELINED] = "554 5.5.1 Nothing may follow STARTTLS before its "
    "answer, closing",
[REPLY_AUTH_ALREADY] = "503 5.5.1 Already authenticated",
[REPLY_AUTH_IN_MAIL] = "503 5.5.1 No AUTH within a mail transaction",
[REPLY_FILTER_REFUSED] = "550 5.7.1 Refused by a filter",
[REPLY_OWN_WORDS] = "550 5.7.1 Refused by a filter",
[REPLY_AUTH_REQUIRED] = "530 5.7.0 Authentication required",
[REPLY_NEEDS_TLS] = "530 5.7.10 REQUIRETLS needs TLS: STARTTLS first",
[REPLY_AUTH_NEEDS_TLS] = "538 5.7.11 Passwords only after STARTTLS",
[REPLY_AUTH_MECHANISM] = "504 5.5.4 Unknown authentication mechanism",
[REPLY_AUTH_BASE64] = "501 5.5.2 The authentication response is malformed",
[REPLY_AUTH_CANCELLED] = "501 5.7.0 Authentication cancelled",
[REPLY_AUTH_CHANNEL] = "535 5.7.8 The login is not bound to this connection; "
    "somebody may be in between",
[REPLY_AUTH_WRONG] = "535 5.7.8 User or password is wrong",
[REPLY_UTF8_SENDER] = "550 5.6.7 A sender that is not ASCII needs SMTPUTF8",
[REPLY_UTF8_RCPT] = "553 5.6.7 A recipient that is not ASCII needs SMTPUTF8 in "
    "MAIL",
[REPLY_UTF8_ASKED] = "550 5.6.8 A name that is not ASCII needs SMTPUTF8",
[REPLY_NO_SUCH_USER] = "550 5.1.1 <{}>: there is no such mailbox here",
[REPLY_MAILBOX_FULL] = "552 5.2.2 <{}>: the mailbox is full; its owner must "
    "delete mail before it takes more",
[REPLY_NO_RELAY] = "550 5.7.1 <{}>: mail to other hosts is taken only after "
    "AUTH",
[REPLY_NOT_HERE] = "550 5.1.2 <{}>: not a domain of this host, and LMTP "
    "delivers here alone",
[REPLY_LMTP_PEER] = "554 5.7.1 LMTP is for this host and those of lmtp_from, "
    "closing",
[REPLY_DELIVER_NOBODY] = "550 {}",
[REPLY_DELIVER_REFUSED] = "554 {}",
[REPLY_DELIVER_OVER] = "552 {}",
[REPLY_NOT_YOURS] = "553 5.7.1 <{}>: this account may not send as this "
    "address, use its own",
[REPLY_FROM_NOT_YOURS] = "550 5.7.1 <{}> in From or Sender: this account may "
    "not send as this address, use its own",
[REPLY_FROM_TWICE] = "550 5.6.0 The message has two From or two Sender fields",
[REPLY_FROM_BAD] = "550 5.6.0 The message has a From or Sender field without "
    "a good address",
[REPLY_FROM_MANY] = "550 5.6.0 The message has more than 20 addresses in From "
    "and Sender",
[REPLY_TOO_BIG] = "552 5.3.4 The message is over the limit of {} bytes",
[REPLY_HEADER_TOO_BIG] = "552 5.3.4 The header of the message is over 1 MiB",
[REPLY_LOOP] = "554 5.4.6 More than 100 Received fields: the message is in a "
    "loop",
[REPLY_DENIED] = "554 5.7.1 {}: no mail is taken from there, ask our "
    "postmaster by another way",
[REPLY_EARLY] = "554 5.5.1 You spoke before our greeting; wait for it",
[REPLY_BAD_HELO] = "550 5.7.1 {} is not the full name of a host, nor an "
    "address in brackets; greet with your own",
[REPLY_SENDER_NONE] = "550 5.1.8 <{}>: the domain of the sender does not "
    "exist, check its spelling",
[REPLY_SENDER_MUTE] = "550 5.1.8 <{}>: the domain of the sender has neither "
    "MX nor address, so that no answer can reach it",
[REPLY_SENDER_NULL_MX] = "550 5.7.27 <{}>: the domain of the sender takes no "
    "mail (null MX); send from one that does",
[REPLY_LISTED] = "554 5.7.1 {}; ask there how to be taken off",
[REPLY_DATA_BARE] = "554 5.6.0 A CR or LF that is no <CRLF> in the message; "
    "send only <CRLF> line ends",
[REPLY_DATA_NUL] = "554 5.6.0 A NUL byte in the message; encode it (base64)",
};

/* Copy up to n octets of what may stand in a reply; the rest is "?". */
static void
detail_clean(char to[DETAIL_MAX + 1], const char *detail, size_t n)
{
	size_t i;

	for (i = 0; i < n && i < DETAIL_MAX && detail[i] != '\0'; i++)
		to[i] = detail[i] >= ' ' && detail[i] <= '~' ? detail[i] :
		    '?';
	to[i] = '\0';
}

/* Is it an error that counts against the client? */
static bool
is_error(enum reply r)
{
	return replies[r][0] == '5';
}

void
reply(struct session *s, enum reply r, const char *detail)
{
	const char *text = replies[r], *hole = strstr(text, "{}");
	char clean[DETAIL_MAX + 1] = "";

	if (detail != NULL)
		detail_clean(clean, detail, DETAIL_MAX);
	if (hole == NULL)
		stream_puts(s->stream, text);
	else {
		stream_write(s->stream, text, (size_t)(hole - text));
		stream_puts(s->stream, clean);
		stream_puts(s->stream, hole + 2);
	}
	stream_puts(s->stream, "\r\n");
	if (is_error(r))
		s->errors++;
}

void
reply_lines(struct session *s, enum reply r, const char *lines)
{
	char status[DETAIL_MAX + 1] = "", line[DETAIL_MAX + 1];
	size_t n = strcspn(lines, "\n");

	for (;; lines += n + 1, n = strcspn(lines, "\n")) {
		detail_clean(line, lines, n);
		stream_printf(s->stream, "%.3s%c%s%s\r\n", replies[r],
		    lines[n] == '\n' ? '-' : ' ', status, line);
		if (*status == '\0')
			detail_clean(status, lines, strcspn(lines, " ") + 1);
		if (lines[n] == '\0')
			break;
	}
	if (is_error(r))
		s->errors++;
}

void
reply_words(struct session *s, const char *lines)
{
	stream_puts(s->stream, lines);
	if (*lines == '5')
		s->errors++;
	if (strncmp(lines, "421", 3) == 0)
		session_end(s);
}

const char *
reply_text(enum reply r)
{
	static char line[512];

	snprintf(line, sizeof(line), "%s\r\n", replies[r]);
	return line;
}

void
reply_help(struct session *s)
{
	bool lmtp = smtpd.mode == MODE_LMTP;

	stream_printf(s->stream, "214-2.0.0 %s MAIL RCPT DATA BDAT RSET "
	    "NOOP VRFY HELP STARTTLS %sQUIT\r\n"
	    "214 2.0.0 See RFC %s\r\n", lmtp ? "LHLO" : "EHLO HELO",
	    lmtp ? "" : "AUTH ", lmtp ? "2033" : "5321");
}

void
reply_challenge(struct session *s, const char *challenge)
{
	stream_printf(s->stream, "334 %s\r\n", challenge);
}
