/* SPDX-License-Identifier: ISC
 *
 * The words of imapd: all of them stand here.
 */
#include <string.h>

#include "session.h"

static const struct {
	const char	*status, *code, *text;
} replies[] = {
	[REPLY_DONE] = { "OK", NULL, "" },
	[REPLY_OK] = { "OK", NULL, "%s completed" },
	[REPLY_BAD] = { "BAD", NULL, "Malformed arguments" },
	[REPLY_UNKNOWN] = { "BAD", NULL, "Unknown command" },
	[REPLY_NO_TAG] = { "BAD", NULL, "A tag and a command are missing" },
	[REPLY_LOGIN_FIRST] = { "BAD", NULL, "Log in first" },
	[REPLY_LOGIN_ALREADY] = { "BAD", NULL, "Already logged in" },
	[REPLY_SELECT_FIRST] = { "BAD", NULL, "Select a mailbox first" },
	[REPLY_LINE_LONG] = { "BAD", NULL, "Line too long" },
	[REPLY_LINE_NUL] = { "BAD", NULL, "NUL in a command" },
	[REPLY_LINE_LF] = { "BAD", NULL, "Lines end in CRLF, not LF" },
	[REPLY_COMMAND_LONG] = { "BAD", NULL, "Command too long" },
	[REPLY_LITERAL_LARGE] = { "BAD", NULL, "Literal too large" },
	[REPLY_LITERAL_SKIPPED] = { "BAD", NULL, "Literal too large, skipped" },
	[REPLY_READ_ONLY_OK] = { "OK", "READ-ONLY", "%s completed" },
	[REPLY_READ_WRITE_OK] = { "OK", "READ-WRITE", "%s completed" },
	[REPLY_COMPRESS_BEGIN] = { "OK", NULL, "DEFLATE active" },
	[REPLY_COMPRESS_ALREADY] = { "BAD", "COMPRESSIONACTIVE",
	    "DEFLATE is active already" },
	[REPLY_COMPRESS_OTHER] = { "BAD", NULL, "DEFLATE is all there is" },

	[REPLY_LOGIN_OK] = { "OK", NULL, "Logged in" },
	[REPLY_LOGIN_WRONG] = { "NO", "AUTHENTICATIONFAILED",
	    "Wrong user name or password" },
	[REPLY_LOGIN_AUTHZ] = { "NO", "AUTHORIZATIONFAILED",
	    "Logging in for someone else is not possible" },
	[REPLY_LOGIN_LOCKED] = { "NO", "UNAVAILABLE",
	    "Too many failed logins from your address, try again later" },
	[REPLY_LOGIN_PRIVACY] = { "NO", "PRIVACYREQUIRED",
	    "Use TLS before sending a password" },
	[REPLY_LOGIN_TEMPORARY] = { "NO", "UNAVAILABLE",
	    "Passwords cannot be checked now, try again later" },
	[REPLY_MAILBOX_TEMPORARY] = { "NO", "UNAVAILABLE",
	    "Your mailbox cannot be opened now, try again later" },
	[REPLY_MAILBOX_NEVER] = { "NO", "CONTACTADMIN",
	    "Your mailbox cannot be opened, and waiting will not help" },
	[REPLY_MECHANISM] = { "NO", "CANNOT", "No such mechanism" },
	[REPLY_CANCELLED] = { "BAD", NULL, "Authentication cancelled" },
	[REPLY_SASL_BASE64] = { "BAD", NULL, "Not base64" },
	[REPLY_SASL_MESSAGE] = { "BAD", NULL,
	    "Not what the mechanism expects" },
	[REPLY_SASL_CHANNEL] = { "NO", "AUTHENTICATIONFAILED",
	    "Bound to another connection: is someone in between?" },
	[REPLY_TLS_BEGIN] = { "OK", NULL, "Begin TLS negotiation now" },
	[REPLY_TLS_NONE] = { "BAD", NULL, "TLS is not available" },
	[REPLY_TLS_ALREADY] = { "BAD", NULL, "TLS is active already" },
	[REPLY_TLS_PIPELINED] = { "BAD", NULL,
	    "Nothing may follow STARTTLS before its answer" },

	[REPLY_NONEXISTENT] = { "NO", "NONEXISTENT", "No such mailbox" },
	[REPLY_TRYCREATE] = { "NO", "TRYCREATE", "No such mailbox" },
	[REPLY_HAS_CHILDREN] = { "NO", "HASCHILDREN",
	    "It is no mailbox, and has others below it" },
	[REPLY_EXISTS] = { "NO", "ALREADYEXISTS", "There is one already" },
	[REPLY_BAD_NAME] = { "NO", "CANNOT",
	    "No mailbox can have this name" },
	[REPLY_NOT_PERMITTED] = { "NO", "CANNOT",
	    "This mailbox does not allow that" },
	[REPLY_USE] = { "NO", "USEATTR",
	    "No mailbox here can have this special use" },
	[REPLY_INBOX] = { "NO", "CANNOT", "INBOX does not allow that" },
	[REPLY_NO_RIGHT] = { "NO", "NOPERM", "Permission denied" },
	[REPLY_FULL] = { "NO", "OVERQUOTA", "No space left" },
	[REPLY_OVERQUOTA] = { "NO", "OVERQUOTA",
	    "The mailbox is over its quota: delete something first" },
	[REPLY_LIMIT] = { "NO", "LIMIT", "That is more than can be kept" },
	[REPLY_BUSY] = { "NO", "INUSE", "The mailbox is in use, try again" },
	[REPLY_TEMPORARY] = { "NO", "UNAVAILABLE",
	    "That failed, try again later" },
	[REPLY_READ_ONLY] = { "NO", "READ-ONLY", "The mailbox is read-only" },
	[REPLY_KEYWORDS] = { "NO", "LIMIT", "No room for another keyword" },

	[REPLY_QUOTA_NONE] = { "NO", "NONEXISTENT", "No such quota root" },
	[REPLY_QUOTA_SET] = { "NO", "NOPERM",
	    "Limits are set by the administrator" },

	[REPLY_SEQUENCE] = { "BAD", NULL, "No message has that number" },
	[REPLY_GONE] = { "NO", "EXPUNGEISSUED",
	    "Some of the messages no longer exist" },
	[REPLY_SEARCH_GONE] = { "OK", "EXPUNGEISSUED", "%s completed" },
	[REPLY_CHARSET] = { "NO", "BADCHARSET",
	    "Character set not supported" },
	[REPLY_NOT_SAVED] = { "NO", "NOTSAVED", "No memory for the result" },
	[REPLY_TOO_BIG] = { "NO", "TOOBIG", "The message is too large" },
	[REPLY_NOTHING] = { "OK", NULL, "No matching messages" },
	[REPLY_NOMODSEQ] = { "BAD", NULL,
	    "This mailbox keeps no modification sequences" },
	[REPLY_QRESYNC] = { "BAD", NULL, "ENABLE QRESYNC first" },
	[REPLY_UID_REQUIRED] = { "BAD", "UIDREQUIRED",
	    "Messages are named by UID alone" },
	[REPLY_MODIFIED] = { "OK", NULL,
	    "Some messages were changed meanwhile" },
	[REPLY_EMPTY] = { "NO", NULL, "An empty message is none" },
	[REPLY_NO_MESSAGE] = { "NO", NULL, "There is no such message" },
	[REPLY_BAD_URL] = { "NO", "BADURL",
	    "That URL names nothing that can be added" },
	[REPLY_UNKNOWN_CTE] = { "NO", "UNKNOWN-CTE",
	    "The content cannot be encoded or decoded so" },
	[REPLY_UTF8_FIRST] = { "NO", "CANNOT",
	    "UTF8=ACCEPT has to be enabled first" },
	[REPLY_METADATA_SIZE] = { "NO", "METADATA MAXSIZE 65536",
	    "The value is too long" },
	[REPLY_METADATA_MANY] = { "NO", "METADATA TOOMANY",
	    "The mailbox has no room for more annotations" },
	[REPLY_BADEVENT] = { "NO", "BADEVENT (MessageNew MessageExpunge "
	    "FlagChange MailboxName SubscriptionChange MailboxMetadataChange "
	    "ServerMetadataChange)",
	    "Some of these events are never told" },
	[REPLY_NOTIFY_OVERFLOW] = { "NO", "NOTIFICATIONOVERFLOW",
	    "These are more mailboxes than can be watched" },
	[REPLY_MEMORY] = { "NO", "UNAVAILABLE", "Out of memory" },
};

static const struct {
	const char	*code, *text;
} byes[] = {
	[BYE_LOGOUT] = { NULL, "Logging out" },
	[BYE_TIMEOUT] = { NULL, "Autologout: nothing came for too long" },
	[BYE_STOPPING] = { "UNAVAILABLE", "The server is stopping" },
	[BYE_RESET] = { "UNAVAILABLE",
	    "The mailbox was removed or replaced, connect again" },
	[BYE_FAILURES] = { NULL, "Too many failed logins" },
	[BYE_LITERAL] = { "TOOBIG", "Literal too large" },
	[BYE_PIPELINED] = { NULL, "Nothing may follow STARTTLS" },
	[BYE_INTERNAL] = { "UNAVAILABLE", "Internal failure" },
};

static const char *const refusals[] = {
	[SERVER_FULL] =
	    "* BYE [UNAVAILABLE] Too many connections, try again later\r\n",
	[SERVER_ADDRESS_FULL] =
	    "* BYE [LIMIT] Too many connections from your address\r\n",
	[SERVER_STOPPING] =
	    "* BYE [UNAVAILABLE] The server is stopping\r\n",
	[SERVER_NO_FORK] =
	    "* BYE [UNAVAILABLE] Out of resources, try again later\r\n",
	[SERVER_TOO_FAST] =
	    "* BYE [LIMIT] Too many connections in a short time\r\n",
};

void
reply_greeting(struct session *s, bool preauth)
{
	struct buf caps;

	buf_init(&caps, 1000);
	session_capabilities(s, &caps);
	stream_printf(s->io, "* %s [CAPABILITY %s] %s %s\r\n",
	    preauth ? "PREAUTH" : "OK", buf_str(&caps),
	    s->settings->hostname, preauth ? "at your service" :
	    "IMAP4rev1 ready");
	buf_free(&caps);
}

void
reply_send(struct session *s, enum reply r)
{
	const char *code = replies[r].code, *text = replies[r].text;

	if (r == REPLY_DONE)
		return;
	if (s->code.len > 0)
		code = buf_str(&s->code);
	if (s->why != NULL)
		text = s->why;
	stream_printf(s->io, "%s %s ", s->tag[0] != '\0' ? s->tag : "*",
	    replies[r].status);
	if (code != NULL) {
		/* A set in COPYUID may be longer than one printf takes. */
		stream_puts(s->io, "[");
		stream_puts(s->io, code);
		stream_puts(s->io, "] ");
	}
	if (strncmp(text, "%s", 2) == 0) {
		stream_printf(s->io, "%s%s", s->uid ? "UID " : "", s->name);
		text += 2;
	}
	stream_puts(s->io, text);
	stream_puts(s->io, "\r\n");
}

bool
reply_is_no(enum reply r)
{
	return strcmp(replies[r].status, "NO") == 0;
}

enum reply
reply_mailbox(enum mailbox_status status)
{
	switch (status) {
	case MAILBOX_OK:
		return REPLY_OK;
	case MAILBOX_NONE:
		return REPLY_NONEXISTENT;
	case MAILBOX_EXISTS:
		return REPLY_EXISTS;
	case MAILBOX_BAD_NAME:
		return REPLY_BAD_NAME;
	case MAILBOX_NOT_PERMITTED:
		return REPLY_NOT_PERMITTED;
	case MAILBOX_NO_RIGHT:
		return REPLY_NO_RIGHT;
	case MAILBOX_FULL:
		return REPLY_FULL;
	case MAILBOX_OVERQUOTA:
		return REPLY_OVERQUOTA;
	case MAILBOX_LIMIT:
		return REPLY_LIMIT;
	case MAILBOX_BUSY:
		return REPLY_BUSY;
	case MAILBOX_RESET:
	case MAILBOX_TEMPORARY:
		return REPLY_TEMPORARY;
	}
	return REPLY_TEMPORARY;
}

void
reply_waiting(struct session *s, enum mailbox_status status)
{
	stream_printf(s->io, "* NO [%s] New messages may be missing: %s\r\n",
	    replies[reply_mailbox(status)].code, mailbox_status_text(status));
}

enum reply
reply_bad(struct session *s, const struct imap_lex *l)
{
	s->why = l->error;
	return REPLY_BAD;
}

void
reply_bye(struct session *s, enum bye b)
{
	if (byes[b].code != NULL)
		stream_printf(s->io, "* BYE [%s] %s\r\n", byes[b].code,
		    byes[b].text);
	else
		stream_printf(s->io, "* BYE %s\r\n", byes[b].text);
	if (b != BYE_LOGOUT)
		s->state = STATE_OVER;
}

const char *
reply_refusal(int refusal)
{
	return refusals[refusal];
}
