/* SPDX-License-Identifier: ISC
 *
 * pop3d: lets users fetch their mail by POP3.
 */
#include "pop3d.h"

static const char *
refuse(enum server_refusal why)
{
	if (login.tls_first)
		return NULL;
	switch (why) {
	case SERVER_FULL:
	case SERVER_NO_FORK:
		return reply_refusal(REPLY_FULL);
	case SERVER_ADDRESS_FULL:
	case SERVER_TOO_FAST:
		return reply_refusal(REPLY_ADDRESS_FULL);
	case SERVER_STOPPING:
		return reply_refusal(REPLY_STOPPING);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	login.name = "pop3d";
	login.summary = "one POP3 session on standard input, or a server on a "
	    "socket there";
	login.door = door_run;
	login.refuse = refuse;
	login.open = drop_open;
	login.alone = true;
	login.session = mailbox_run;
	return login_main(argc, argv);
}
