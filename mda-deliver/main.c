/* SPDX-License-Identifier: ISC
 *
 * mda-deliver: mail into mailboxes, from a pipeline or from the queue.  Here
 * are the options and nothing else.
 *
 * The way through the folder.  What a person or program calls:
 *
 *	direct		a message on standard input, delivered now
 *	caller		what its caller says, in environment and lines
 *	direct_rules	the same for a user with rules
 *	sieve_try	-t: a script tried; sieve_show: in words
 *
 * The queue, a process for each message:
 *
 *	queue		the walk through spool/local; passed: what it left out
 *	directory	users and tables, read again at SIGHUP
 *	message		one message from its lock to its end
 *	target		who it is for; once: which of their lists overlap
 *	confine		what the process gives up; launch: its helper, that does
 *			what it then cannot
 *	decide		what the user's rules want, found out as the user
 *	follow		that, done place by place and recorded
 *	once		what several recipients lead to; place: its name
 *	carry		to one place; copy: in a mailbox, bundle: in many;
 *			errand: by the helper
 *	forward		to other addresses: a new message of the spool
 *
 * At the mailbox:
 *
 *	deliver		one message into one mailbox, with its quota
 *	folder, flags	folders of a Maildir; the letters of its file names
 *	program		a user's program run; program_env: its environment
 *	warning		a mailbox that comes to be full
 *
 * What users want.  It only decides, and changes nothing:
 *
 *	rules		which of them a user has, and in what order
 *	plan		the list of places that comes of it; plan_pack: on its
 *			way between processes
 *	dotfile		lines of ~/.forward, ~/.qmail; dotfile_find: which file
 *	seen		whom vacation answered, what duplicate saw
 *
 * The language Sieve, whose grammar is in lib/grammar/sieve:
 *
 *	sieve_file	a user's scripts on disk
 *	sieve_words	all words; sieve_check: a script held against them
 *	sieve_run	a script walked with a message
 *	sieve_control	if, stop; sieve_include: scripts in scripts
 *	sieve_actions	keep, fileinto, redirect, discard; then _reject,
 *			_vacation, _notify (with _mailto), _edit, _flags
 *	sieve_tests	header, exists, size; then _address, _body, _date,
 *			_duplicate, _world
 *	sieve_vars	variables; sieve_set: their words
 *	sieve_match	match types; _compare: comparators; _regex
 *	sieve_fields, sieve_folder, sieve_owner, sieve_encoded
 *			what several of them ask
 */
#include <err.h>
#include <sysexits.h>

#include "direct.h"
#include "mail/recipient.h"
#include "mail/spool.h"
#include "mail/start.h"
#include "mail/users.h"
#include "queue.h"
#include "sieve_file.h"
#include "sieve_try.h"

/* The fault in the words of the command line; NULL none. */
static const char *
usage_fault(const struct direct *d, const char *script, int queue, int watch,
    int operands)
{
	int named = (d->user != NULL) + (d->address != NULL);
	int ways = (named > 0) + (d->mailbox != NULL);

	if (script != NULL)
		return queue || watch || operands > 0 || named > 1 ?
		    "-t takes -f and one of -d and -a alone" : NULL;
	if (queue)
		return ways > 0 || d->sender != NULL ?
		    "-q takes no message" : NULL;
	if (watch)
		return "-w needs -q";
	return operands > 1 || ways > 1 ? "more than one mailbox" : NULL;
}

int
main(int argc, char **argv)
{
	struct direct direct = { 0 };
	const char *script = NULL;
	int queue = 0, watch = 0;
	const struct start_option options[] = {
		{ 'f', "from", "SENDER", "reverse-path; <> for none",
		    NULL, &direct.sender },
		{ 'd', "user", "USER", "deliver to this user's mailbox",
		    NULL, &direct.user },
		{ 'a', "address", "ADDRESS", "deliver to whom this address "
		    "is; with -d: that it came to", NULL, &direct.address },
		{ 'q', "queue", NULL, "deliver what is due in the spool",
		    &queue, NULL },
		{ 't', "try", "SCRIPT", "say what this Sieve script would do",
		    NULL, &script },
		{ 'w', "watch", NULL, "with -q: keep watching", &watch,
		    NULL },
		{ 0 }
	};
	settings_check *const checks[] = { settings_check_hostname,
	    settings_check_accounts, users_check, recipient_check,
	    spool_check, sieve_file_check, NULL };
	const struct start st = {
		.name = "mda-deliver",
		.usage = "[-f SENDER] [-d USER] [-a ADDRESS] [-t SCRIPT | "
		    "MAILBOX] < message | -q [-w]",
		.summary = "deliver mail to mailboxes",
		.options = options,
		.checks = checks,
	};
	struct settings settings;
	const char *fault;
	int first, code;

	if ((code = start(&st, argc, argv, &settings, &first)) != START_GO)
		return code;
	if (first < argc)
		direct.mailbox = argv[first];
	if ((fault = usage_fault(&direct, script, queue, watch,
	    argc - first)) != NULL) {
		warnx("%s", fault);
		code = EX_USAGE;
	} else if (script != NULL)
		code = sieve_try(&settings, &direct, script);
	else if (queue)
		code = queue_run(&settings, watch);
	else
		code = direct_run(&settings, &direct);
	settings_free(&settings);
	return code;
}
