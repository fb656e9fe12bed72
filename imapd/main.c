/* SPDX-License-Identifier: ISC
 *
 * imapd: gives people their mail by IMAP.  What it has in common with pop3d,
 * from its options to the mailbox process, is login_main().
 */
#include <string.h>

#include "session.h"

static const char *
refuse(enum server_refusal why)
{
	return login.tls_first ? NULL : reply_refusal((int)why);
}

/* The mailbox process.  It answers the login, or greets as authenticated when
 * there was none (-p). */
static void
mailbox(struct login_mailbox *m)
{
	struct session s;

	session_init(&s, m->stream, login.settings, STATE_AUTH);
	s.root = m->root;
	s.user = strdup(m->user);
	s.hide = m->imap_hide;
	if (m->hello_len == 0) {
		reply_greeting(&s, true);
	} else {
		m->hello[m->hello_len - 1] = '\0';
		strlcpy(s.tag, m->hello, sizeof(s.tag));
		buf_adds(&s.code, "CAPABILITY ");
		session_capabilities(&s, &s.code);
		reply_send(&s, REPLY_LOGIN_OK);
	}
	session_mailbox(&s);
}

int
main(int argc, char **argv)
{
	login.name = "imapd";
	login.summary = "one IMAP session on standard input, or a server on a "
	    "socket there";
	login.door = door_session;
	login.refuse = refuse;
	login.session = mailbox;
	return login_main(argc, argv);
}
