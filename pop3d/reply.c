/* SPDX-License-Identifier: ISC
 *
 * All reply texts on one screen.  Codes in brackets are those of RFC 2449,
 * section 8.1, and AUTH and SYS as AUTH-RESP-CODE announces them.  It must
 * never say a byte of the client's back to it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "reply.h"
#include "system/stream.h"

static const char *const texts[REPLIES] = {
[REPLY_GREETING] = "+OK %s POP3 server ready",
[REPLY_USER] = "+OK Send the password",
[REPLY_OPEN] = "+OK Maildrop locked and ready, messages: %u",
[REPLY_TLS] = "+OK Begin TLS negotiation",
[REPLY_CAPA] = "+OK Capability list follows",
[REPLY_UTF8] = "+OK UTF-8 it is",
[REPLY_MECHANISMS] = "+OK Mechanisms follow",
[REPLY_STAT] = "+OK %u %llu",
[REPLY_LIST] = "+OK %u messages (%llu octets)",
[REPLY_LIST_ONE] = "+OK %u %llu",
[REPLY_UIDL] = "+OK Unique ids follow",
[REPLY_UIDL_ONE] = "+OK %u %s",
[REPLY_RETR] = "+OK %llu octets",
[REPLY_TOP] = "+OK Top of the message follows",
[REPLY_DELETED] = "+OK Message %u deleted",
[REPLY_RESET] = "+OK %u messages (%llu octets)",
[REPLY_NOOP] = "+OK",
[REPLY_BYE] = "+OK Signing off",
[REPLY_BYE_LEFT] = "+OK Signing off, messages left: %u",

[REPLY_UNKNOWN] = "-ERR Unknown command",
[REPLY_ARGUMENTS] = "-ERR Wrong arguments: %s",
[REPLY_NO_SUCH] = "-ERR No such message, there are %u",
[REPLY_IS_DELETED] = "-ERR Message %u is deleted",
[REPLY_VANISHED] = "-ERR Message %u was removed by another program",
[REPLY_UNREADABLE] = "-ERR [SYS/TEMP] Message %u cannot be read now",
[REPLY_FORBIDDEN] = "-ERR [SYS/PERM] Message %u may not be read here",
[REPLY_NEEDS_UTF8] = "-ERR [UTF8] Message %u has a header in UTF-8: send UTF8 "
    "before you log in",
[REPLY_LOGIN_FIRST] = "-ERR Log in first",
[REPLY_LOGIN_ALREADY] = "-ERR You are logged in already",
[REPLY_USER_FIRST] = "-ERR Send USER first",
[REPLY_TLS_FIRST] = "-ERR No password is taken here without TLS, send STLS "
    "first",
[REPLY_TLS_ALREADY] = "-ERR TLS is active already",
[REPLY_TLS_NONE] = "-ERR TLS is not available here",
[REPLY_TLS_INPUT] = "-ERR Nothing may follow STLS before its answer, closing",
[REPLY_MECHANISM] = "-ERR This mechanism is not offered",
[REPLY_BASE64] = "-ERR This is not the base64 of an answer",
[REPLY_CANCELLED] = "-ERR Cancelled",
[REPLY_CHANNEL] = "-ERR [AUTH] Bound to another connection: is someone in "
    "between?",
[REPLY_WRONG] = "-ERR [AUTH] Wrong name or password",
[REPLY_LATER] = "-ERR [SYS/TEMP] Passwords cannot be checked now, try again "
    "later",
[REPLY_LOCKED_OUT] = "-ERR [AUTH] Too many failed logins from your address, "
    "try again later",
[REPLY_IN_USE] = "-ERR [IN-USE] Another session has this maildrop",
[REPLY_LOGIN_DELAY] = "-ERR [LOGIN-DELAY] Your last login was less than %lld "
    "seconds ago, try again later",
[REPLY_NOT_OPENED] = "-ERR [SYS/TEMP] The maildrop cannot be opened now: %s",
[REPLY_NEVER_OPENED] = "-ERR [SYS/PERM] The maildrop cannot be opened: %s",
[REPLY_NOT_REMOVED] = "-ERR [SYS/TEMP] Some deleted messages were not removed",
[REPLY_LINE_LONG] = "-ERR Line too long",
[REPLY_LINE_BYTES] = "-ERR A NUL, control or 8-bit octet in a command",
[REPLY_LINE_UTF8] = "-ERR The name or password is not in UTF-8",
[REPLY_ERRORS] = "-ERR Too many errors, closing",
[REPLY_STOPPING] = "-ERR [SYS/TEMP] The server is stopping, try again later",
[REPLY_FULL] = "-ERR [SYS/TEMP] Too many connections, try again later",
[REPLY_ADDRESS_FULL] = "-ERR [SYS/TEMP] Too many connections from your "
    "address, try again later",
};

static size_t
put(char *to, int r, va_list ap)
{
	size_t n;

	/* The formats are all above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(to, REPLY_MAX - 1, texts[r], ap);
#pragma GCC diagnostic pop
	n = strlen(to);
	memcpy(to + n, "\r\n", 3);
	return n + 2;
}

size_t
reply_put(char to[REPLY_MAX + 1], int r, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, r);
	n = put(to, r, ap);
	va_end(ap);
	return n;
}

void
reply_send(struct stream *io, int r, ...)
{
	char text[REPLY_MAX + 1];
	va_list ap;
	size_t n;

	va_start(ap, r);
	n = put(text, r, ap);
	va_end(ap);
	output_flush();
	stream_write(io, text, n);
}

const char *
reply_refusal(enum reply r)
{
	static char text[REPLY_MAX];

	snprintf(text, sizeof(text), "%s\r\n", texts[r]);
	return text;
}
