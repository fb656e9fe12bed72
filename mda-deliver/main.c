/* SPDX-License-Identifier: ISC
 *
 * mda-deliver: mail into mailboxes, from a pipeline or from the queue.  Here
 * are the options and nothing else.
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
	    sieve_file_check, spool_check, NULL };
	const struct start st = {
		.name = "mda-deliver",
		.usage = "-q [-w] | [-t SCRIPT] [-f SENDER] [-d USER] "
		    "[-a ADDRESS] | MAILBOX < message",
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
