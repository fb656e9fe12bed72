/* SPDX-License-Identifier: ISC
 *
 * smtp-send: mail to other hosts, from a pipeline or from the queue.  Here
 * are the options and nothing else.
 */
#include <err.h>
#include <sysexits.h>

#include "direct.h"
#include "mail/start.h"
#include "system/log.h"

int
main(int argc, char **argv)
{
	const char *sender = NULL, *host = NULL;
	const struct start_option options[] = {
		{ 'f', "from", "SENDER", "reverse-path; <> for none",
		    NULL, &sender },
		{ 'r', "relay", "HOST[:PORT]", "send to this host, not by MX",
		    NULL, &host },
		{ 0 }
	};
	settings_check *const checks[] = { settings_check_hostname, NULL };
	const struct start st = {
		.name = "smtp-send",
		.usage = "[-f SENDER] [-r HOST[:PORT]] [--] RCPT... < message",
		.summary = "deliver mail to other hosts by SMTP",
		.options = options,
		.checks = checks,
	};
	struct settings settings;
	int first, code;

	if ((code = start(&st, argc, argv, &settings, &first)) != START_GO)
		return code;
	if (first == argc) {
		warnx("no recipient");
		return EX_USAGE;
	}
	code = direct(&settings, sender, host, argv + first,
	    (size_t)(argc - first));
	settings_free(&settings);
	return code;
}
