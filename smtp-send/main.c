/* SPDX-License-Identifier: ISC
 *
 * smtp-send: mail to other hosts, from a pipeline or from the queue.  Here
 * are the options and nothing else.
 */
#include <err.h>
#include <sysexits.h>

#include "dial.h"
#include "direct.h"
#include "list.h"
#include "mail/spool.h"
#include "mail/start.h"
#include "queue.h"
#include "relay.h"
#include "sendmail.h"

int
main(int argc, char **argv)
{
	const char *sender = NULL, *host = NULL, *wrong = NULL;
	int queue = 0, watch = 0, list = 0;
	char name[SETTINGS_HOST_MAX];
	unsigned short port;
	const struct start_option options[] = {
		{ 'f', "from", "SENDER", "reverse-path; <> for none",
		    NULL, &sender },
		{ 'r', "relay", "HOST[:PORT]", "send to this host, not by MX",
		    NULL, &host },
		{ 'q', "queue", NULL, "deliver what is due in the spool",
		    &queue, NULL },
		{ 'w', "watch", NULL, "with -q: keep watching", &watch,
		    NULL },
		{ 'l', "list", NULL, "list what waits in the spool", &list,
		    NULL },
		{ 0 }
	};
	settings_check *const checks[] = { settings_check_hostname,
	    spool_check, relay_check, dial_check, NULL };
	const struct start st = {
		.name = "smtp-send",
		.usage = "-q [-w] | -l | [-f SENDER] [-r HOST[:PORT]] "
		    "[--] RCPT... < message",
		.summary = "deliver mail to other hosts by SMTP",
		.options = options,
		.checks = checks,
	};
	struct settings settings;
	int first, code;

	if (sendmail_is_name(argv[0]))
		return sendmail_main(argc, argv);
	if ((code = start(&st, argc, argv, &settings, &first)) != START_GO)
		return code;
	if (watch && !queue)
		wrong = "-w needs -q";
	else if (queue && list)
		wrong = "-q or -l, not both";
	else if ((queue || list) &&
	    (first != argc || sender != NULL || host != NULL))
		wrong = "-q and -l take no message";
	else if (!queue && !list && first == argc)
		wrong = "no recipient";
	else if (host != NULL &&
	    settings_host_port(host, name, &port) == -1)
		wrong = "-r: is not HOST[:PORT]";
	if (wrong != NULL) {
		warnx("%s", wrong);
		code = EX_USAGE;
	} else if (list)
		code = list_queue(&settings);
	else if (queue)
		code = queue_run(&settings, watch);
	else
		code = direct(&settings, sender, host, argv + first,
		    (size_t)(argc - first));
	settings_free(&settings);
	return code;
}
