/* SPDX-License-Identifier: ISC
 *
 * Commands that change nothing: CAPABILITY, NOOP, LOGOUT (RFC 3501 6.1), ID
 * (RFC 2971), NAMESPACE (RFC 2342).
 */
#include "commands.h"

enum { ID_FIELDS_MAX = 30 };	/* RFC 2971 3.3 */

enum reply
cmd_capability(struct session *s, struct imap_lex *l)
{
	struct buf caps;

	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	buf_init(&caps, 1000);
	session_capabilities(s, &caps);
	stream_printf(s->io, "* CAPABILITY %s\r\n", buf_str(&caps));
	buf_free(&caps);
	return REPLY_OK;
}

enum reply
cmd_noop(struct session *s, struct imap_lex *l)
{
	return imap_lex_need_end(l) == -1 ? reply_bad(s, l) : REPLY_OK;
}

enum reply
cmd_logout(struct session *s, struct imap_lex *l)
{
	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	reply_bye(s, BYE_LOGOUT);
	reply_send(s, REPLY_OK);
	s->state = STATE_OVER;
	return REPLY_DONE;
}

/* id_params_list = "(" #(string SPACE nstring) ")" / nil */
static int
lex_id(struct imap_lex *l)
{
	struct imap_string field, value;
	int n = 0;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (imap_lex_word(l, "NIL"))
		return imap_lex_need_end(l);
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list or NIL is missing");
	while (!imap_lex_char(l, ')')) {
		if (n > 0 && imap_lex_need_sp(l) == -1)
			return -1;
		if (++n > ID_FIELDS_MAX)
			return imap_lex_fail(l, "too many fields");
		if (imap_lex_string(l, &field) != 1 || !imap_lex_sp(l) ||
		    imap_lex_nstring(l, &value) != 1)
			return imap_lex_fail(l, "bad field or value");
	}
	return imap_lex_need_end(l);
}

enum reply
cmd_id(struct session *s, struct imap_lex *l)
{
	if (lex_id(l) == -1)
		return reply_bad(s, l);
	/* No version: RFC 2971 section 7 on what it tells an attacker. */
	stream_puts(s->io, "* ID (\"name\" \"stdmail\")\r\n");
	return REPLY_OK;
}

enum reply
cmd_namespace(struct session *s, struct imap_lex *l)
{
	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	/* The prefix needs no quoting: settings.c sees to that. */
	stream_printf(s->io, "* NAMESPACE ((\"%s\" \"%s\")) NIL NIL\r\n",
	    s->settings->prefix, s->settings->separator);
	return REPLY_OK;
}
