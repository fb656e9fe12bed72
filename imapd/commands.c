/* SPDX-License-Identifier: ISC
 *
 * One row for each command.  What is not in this table does not exist, and a
 * command runs only in the states its row names.
 */
#include "commands.h"
#include "grammar/chars.h"

#define ANY	(STATE_FRESH | STATE_AUTH | STATE_SELECTED)
#define AUTH	(STATE_AUTH | STATE_SELECTED)
#define SELECT	STATE_SELECTED

static const struct command commands[] = {
	/* RFC 3501 6.1, RFC 2971 */
	{ "CAPABILITY", cmd_capability, ANY, 0 },
	{ "NOOP", cmd_noop, ANY, 0 },
	{ "LOGOUT", cmd_logout, ANY, COMMAND_QUIET },
	{ "ID", cmd_id, ANY, 0 },
	/* RFC 3501 6.2 */
	{ "STARTTLS", cmd_starttls, STATE_FRESH, 0 },
	{ "AUTHENTICATE", cmd_authenticate, STATE_FRESH, 0 },
	{ "LOGIN", cmd_login, STATE_FRESH, 0 },
	/* RFC 3501 6.3, RFC 2342, RFC 2177 */
	{ "SELECT", cmd_select, AUTH, COMMAND_QUIET },
	{ "EXAMINE", cmd_examine, AUTH, COMMAND_QUIET },
	{ "CREATE", cmd_create, AUTH, COMMAND_TREE },
	{ "DELETE", cmd_delete, AUTH, COMMAND_TREE },
	{ "RENAME", cmd_rename, AUTH, COMMAND_TREE },
	{ "SUBSCRIBE", cmd_subscribe, AUTH, COMMAND_TREE },
	{ "UNSUBSCRIBE", cmd_unsubscribe, AUTH, COMMAND_TREE },
	{ "LIST", cmd_list, AUTH, 0 },
	{ "LSUB", cmd_lsub, AUTH, 0 },
	{ "STATUS", cmd_status, AUTH, 0 },
	{ "APPEND", cmd_append, AUTH, COMMAND_LITERAL | COMMAND_OWN },
	{ "NOTIFY", cmd_notify, AUTH, COMMAND_QUIET },	/* RFC 5465 */
	{ "NAMESPACE", cmd_namespace, AUTH, 0 },
	{ "IDLE", cmd_idle, AUTH, 0 },
	/* RFC 9208, RFC 4978 */
	{ "GETQUOTA", cmd_getquota, AUTH, 0 },
	{ "GETQUOTAROOT", cmd_getquotaroot, AUTH, 0 },
	{ "SETQUOTA", cmd_setquota, AUTH, 0 },
	{ "COMPRESS", cmd_compress, AUTH, COMMAND_QUIET },
	/* RFC 5161: clients that send it late are served as well */
	{ "ENABLE", cmd_enable, AUTH, 0 },
	/* RFC 5464 */
	{ "GETMETADATA", cmd_getmetadata, AUTH, 0 },
	{ "SETMETADATA", cmd_setmetadata, AUTH, COMMAND_TREE },
	/* RFC 3501 6.4, RFC 3691, RFC 4315, RFC 5256, RFC 6851 */
	{ "CHECK", cmd_check, SELECT, 0 },
	{ "CLOSE", cmd_close, SELECT, COMMAND_QUIET },
	{ "UNSELECT", cmd_unselect, SELECT, COMMAND_QUIET },
	{ "EXPUNGE", cmd_expunge, SELECT, COMMAND_UID | COMMAND_BARE |
	    COMMAND_TELLS },
	{ "SEARCH", cmd_search, SELECT, COMMAND_UID | COMMAND_NUMBERS },
	{ "ESEARCH", cmd_esearch, AUTH, COMMAND_UID },	/* RFC 7377 */
	{ "SORT", cmd_sort, SELECT, COMMAND_UID | COMMAND_NUMBERS },
	{ "THREAD", cmd_thread, SELECT, COMMAND_UID | COMMAND_NUMBERS },
	{ "FETCH", cmd_fetch, SELECT, COMMAND_UID | COMMAND_NUMBERS |
	    COMMAND_LAZY },
	{ "STORE", cmd_store, SELECT, COMMAND_UID | COMMAND_NUMBERS },
	{ "COPY", cmd_copy, SELECT, COMMAND_UID | COMMAND_OWN },
	{ "MOVE", cmd_move, SELECT, COMMAND_UID | COMMAND_OWN |
	    COMMAND_TELLS },
	/* RFC 8508 */
	{ "REPLACE", cmd_replace, SELECT, COMMAND_UID |
	    COMMAND_LITERAL | COMMAND_OWN | COMMAND_TELLS },
};

const struct command *
command_find(const struct imap_string *name, bool uid)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (chars_is(name->s, name->len, commands[i].name))
			return uid && !(commands[i].flags & COMMAND_UID) ?
			    NULL : &commands[i];
	return NULL;
}
