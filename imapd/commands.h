/* SPDX-License-Identifier: ISC
 *
 * The table of commands: the protocol.  A handler is given the cursor behind
 * the command's name and returns what to answer.
 */
#ifndef IMAPD_COMMANDS_H
#define IMAPD_COMMANDS_H

#include "session.h"

typedef enum reply command_handler(struct session *, struct imap_lex *);

enum {
	COMMAND_UID = 1,	/* has a UID form */
	COMMAND_NUMBERS = 2,	/* RFC 3501 7.4.1: no EXPUNGE may be told while
				 * its form with sequence numbers runs */
	COMMAND_QUIET = 4,	/* does not tell what changed */
	COMMAND_LITERAL = 8,	/* ends in a literal that it reads itself */
	COMMAND_BARE = 16,	/* without UID it names no messages */
	COMMAND_TREE = 32,	/* may change names or subscriptions */
	COMMAND_OWN = 64,	/* may bring messages into the selected one */
	COMMAND_TELLS = 128,	/* tells what changed, whatever NOTIFY says */
	COMMAND_LAZY = 256	/* does not look what changed if that was done
				 * seconds ago: Thunderbird forgets what it is
				 * told while it fetches a text, and waits */
};

struct command {
	const char	*name;
	command_handler	*handler;
	unsigned	 states;	/* of enum session_state */
	unsigned	 flags;
};

/* By name, any letter case; uid: with "UID" before it.  NULL: none. */
const struct command *command_find(const struct imap_string *, bool uid);

command_handler cmd_capability, cmd_noop, cmd_logout, cmd_id, cmd_namespace,
    cmd_starttls, cmd_login, cmd_authenticate, cmd_select, cmd_examine,
    cmd_check, cmd_close, cmd_unselect, cmd_create, cmd_delete, cmd_rename,
    cmd_subscribe, cmd_unsubscribe, cmd_list, cmd_lsub, cmd_status, cmd_append,
    cmd_enable, cmd_idle, cmd_expunge, cmd_search, cmd_fetch, cmd_store,
    cmd_copy, cmd_move, cmd_esearch, cmd_replace, cmd_sort, cmd_thread,
    cmd_getmetadata, cmd_setmetadata, cmd_notify, cmd_getquota,
    cmd_getquotaroot, cmd_setquota, cmd_compress;

#endif
