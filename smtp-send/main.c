/* SPDX-License-Identifier: ISC
 *
 * smtp-send: mail to other hosts, from a pipeline or from the queue, and the
 * queue for people.  Here are the options and nothing else.
 *
 * The way through the folder.  What a person or program calls:
 *
 *	direct		a message on standard input, delivered now
 *	list, view	what waits; how a message is written down
 *	list_ask	the same for those to whom the spool is closed
 *	show		one message, and what happened to it
 *	manage		retry, hold, release, drop
 *	select, each	the words that choose messages, and the walk to them
 *	dkim		keys and their records
 *	sendmail	the face of sendmail(8); sendmail_args: its letters
 *	letter		what programs write, made a message
 *	submit, reach	to the server of this host, by a UNIX socket
 *
 * The agent, which has the queue and speaks to no stranger:
 *
 *	queue		its loop
 *	flight		one message from its lock to its end
 *	flight_sign	its signatures, by signer: signer_process
 *	dest		destinations, how much each takes, and who waits there
 *	hosts		addresses that do not answer
 *	pool, worker	processes that speak to hosts, chosen and started
 *	parcel, news	what goes to them; what they tell beside reports
 *	sweep		what is sent is closed at leisure, and on disk
 *	keeper		what is kept about TLS: sts_cache, tls_log
 *	reporter	daily reports about it: reporter_main, tls_report
 *	close_others	what the agent's children must not have
 *
 * The worker, which speaks to hosts and has no file but the message:
 *
 *	worker_main	deliveries, one by one
 *	route		from a domain to a conversation with one of its hosts
 *	route_places	the addresses that are tried for it
 *	policy		what a host is held to; secure: by what is published,
 *			dane, sts: its records, its domain's policy
 *	dial		a connection; client: its greeting, EHLO and TLS
 *	relay, auth	logins
 *	wish		what a message asks of a host
 *	transact, text	the message, and its octets
 *	report		what becomes of each recipient
 */
#include <err.h>
#include <sysexits.h>
#include <unistd.h>

#include "dial.h"
#include "direct.h"
#include "dkim.h"
#include "grammar/idna.h"
#include "keeper.h"
#include "list.h"
#include "mail/dkim_ring.h"
#include "mail/spool.h"
#include "mail/start.h"
#include "manage.h"
#include "queue.h"
#include "relay.h"
#include "sendmail.h"

/* What is asked for; at most one of these. */
enum verb {
	VERB_SEND,		/* no letter: a message on standard input */
	VERB_QUEUE,
	VERB_KEYS,		/* of DKIM: print their records */
	VERB_MAKE,		/* make one */
	VERB_TLS,		/* results of TLS */
	VERB_LIST,		/* from here on: of messages in the queue */
	VERB_SHOW,
	VERB_TRACE,
	VERB_RETRY,
	VERB_HOLD,
	VERB_RELEASE,
	VERB_DROP,
	VERBS
};

struct asked {
	const char	*sender, *host;
	const char	*key;		/* the domain of one to be made */
	int		 verb[VERBS];	/* how often each was given */
	int		 watch, bounce, json, whole, user;
};

/* The one verb; VERBS when there are several. */
static enum verb
the_verb(const struct asked *a)
{
	enum verb v, found = VERB_SEND;

	for (v = VERB_QUEUE; v < VERBS; v++)
		if (a->verb[v] > 0) {
			if (found != VERB_SEND)
				return VERBS;
			found = v;
		}
	return found;
}

/* What is wrong with the command line; NULL nothing. */
static const char *
fault(const struct asked *a, enum verb verb, size_t n)
{
	char name[SETTINGS_HOST_MAX];
	unsigned short port;

	if (verb == VERBS)
		return "only one of -q -k -K -T -l -s -t -R -H -U -D";
	if (a->watch && verb != VERB_QUEUE)
		return "-w needs -q";
	if (a->bounce && verb != VERB_DROP)
		return "-B needs -D";
	if (a->whole && verb != VERB_SHOW)
		return "-v needs -s";
	if (a->user && (verb != VERB_LIST || n > 0 || a->json))
		return "-u needs -l, and nothing else";
	if (a->json && verb < VERB_LIST)
		return "-j is for the queue's lists";
	if (verb != VERB_SEND && (a->sender != NULL || a->host != NULL))
		return "-f and -r need a message";
	if (verb == VERB_QUEUE && n > 0)
		return "-q takes no message";
	if (verb == VERB_TLS && n > 0)
		return "-T takes no argument";
	if (verb == VERB_SEND && n == 0)
		return "no recipient";
	if (verb > VERB_LIST && n == 0)
		return "which messages? ids, from=, to=, older=, newer=, "
		    "queue=, or all";
	if (a->host != NULL && settings_host_port(a->host, name, &port) == -1)
		return "-r: is not HOST[:PORT]";
	return NULL;
}

/* A terminal has a person before it. */
static enum view_form
form(const struct asked *a)
{
	return a->json ? VIEW_JSON : isatty(STDOUT_FILENO) ? VIEW_PLAIN :
	    VIEW_TSV;
}

/* The verbs that are about messages in the queue. */
static int
on_queue(const struct settings *s, const struct asked *a, enum verb verb,
    char *const *words, size_t n)
{
	struct select sel;
	char why[256];
	int code = EX_SOFTWARE;

	if (select_parse(&sel, words, n, why, sizeof(why)) == -1) {
		warnx("%s", why[0] == '\0' ? "no memory" : why);
		select_free(&sel);
		return why[0] == '\0' ? EX_TEMPFAIL : EX_USAGE;
	}
	switch (verb) {
	case VERB_LIST:
		code = list_queue(s, &sel, form(a));
		break;
	case VERB_SHOW:
		code = list_show(s, &sel, form(a), a->whole);
		break;
	case VERB_TRACE:
		code = list_trace(s, &sel, form(a));
		break;
	case VERB_RETRY:
		code = manage(s, &sel, MANAGE_RETRY, a->json);
		break;
	case VERB_HOLD:
		code = manage(s, &sel, MANAGE_HOLD, a->json);
		break;
	case VERB_RELEASE:
		code = manage(s, &sel, MANAGE_RELEASE, a->json);
		break;
	case VERB_DROP:
		code = manage(s, &sel, a->bounce ? MANAGE_BOUNCE :
		    MANAGE_DROP, a->json);
		break;
	case VERB_SEND:
	case VERB_QUEUE:
	case VERB_KEYS:
	case VERB_MAKE:
	case VERB_TLS:
	case VERBS:
		break;
	}
	select_free(&sel);
	return code;
}

int
main(int argc, char **argv)
{
	struct asked a = { .sender = NULL };
	const struct start_option options[] = {
		{ 'f', "from", "SENDER", "reverse-path; <> for none",
		    NULL, &a.sender },
		{ 'r', "relay", "HOST[:PORT]", "send to this host, not by MX",
		    NULL, &a.host },
		{ 'q', "queue", NULL, "deliver what is due in the spool",
		    &a.verb[VERB_QUEUE], NULL },
		{ 'w', "watch", NULL, "with -q: keep watching", &a.watch,
		    NULL },
		{ 'k', "dkim-print", NULL, "print the records of the keys "
		    "that sign", &a.verb[VERB_KEYS], NULL },
		{ 'K', "dkim-make", "DOMAIN", "make a key that signs",
		    NULL, &a.key },
		{ 'T', "tls-report", NULL, "print the results of TLS",
		    &a.verb[VERB_TLS], NULL },
		{ 'l', "list", NULL, "list what waits in the spool",
		    &a.verb[VERB_LIST], NULL },
		{ 'u', "user", NULL, "with -l: for the peer of a UNIX socket",
		    &a.user, NULL },
		{ 's', "show", NULL, "show messages: envelope and header",
		    &a.verb[VERB_SHOW], NULL },
		{ 'v', "whole", NULL, "with -s: the whole message", &a.whole,
		    NULL },
		{ 't', "trace", NULL, "what happened to messages",
		    &a.verb[VERB_TRACE], NULL },
		{ 'R', "retry", NULL, "try messages now",
		    &a.verb[VERB_RETRY], NULL },
		{ 'H', "hold", NULL, "keep messages back",
		    &a.verb[VERB_HOLD], NULL },
		{ 'U', "release", NULL, "let go what is held",
		    &a.verb[VERB_RELEASE], NULL },
		{ 'D', "drop", NULL, "take messages out of the queue",
		    &a.verb[VERB_DROP], NULL },
		{ 'B', "bounce", NULL, "with -D: tell their senders",
		    &a.bounce, NULL },
		{ 'j', "json", NULL, "print JSON lines", &a.json, NULL },
		{ 0 }
	};
	settings_check *const checks[] = { settings_check_hostname,
	    spool_check, relay_check, dial_check, dkim_check, NULL };
	const struct start st = {
		.name = "smtp-send",
		.usage = "-q [-w] | -T | -l [-u] | -l|-s|-t|-R|-H|-U|-D [-Bjv] "
		    "WHICH...\n    | -k [DOMAIN...] | -K DOMAIN SELECTOR "
		    "[rsa | ed25519]\n    | [-f SENDER] [-r HOST[:PORT]] "
		    "[--] RCPT... < message",
		.summary = "deliver mail to other hosts by SMTP",
		.options = options,
		.checks = checks,
	};
	struct settings settings;
	const char *wrong;
	int first, code;
	enum verb verb;

	settings_idna = idna_ascii;
	if (sendmail_is_name(argv[0]))
		return sendmail_main(argc, argv);
	if ((code = start(&st, argc, argv, &settings, &first)) != START_GO)
		return code;
	a.verb[VERB_MAKE] = a.key != NULL;
	verb = the_verb(&a);
	if ((wrong = fault(&a, verb, (size_t)(argc - first))) != NULL) {
		warnx("%s", wrong);
		code = EX_USAGE;
	} else if (a.user)
		code = list_serve(&settings);
	else if (verb == VERB_TLS)
		code = keeper_print(&settings);
	else if (verb == VERB_KEYS)
		code = dkim_print(&settings, argv + first,
		    (size_t)(argc - first));
	else if (verb == VERB_MAKE)
		code = dkim_make(&settings, a.key, argv + first,
		    (size_t)(argc - first));
	else if (verb == VERB_QUEUE)
		code = queue_run(&settings, a.watch);
	else if (verb == VERB_SEND)
		code = direct(&settings, a.sender, a.host, argv + first,
		    (size_t)(argc - first));
	else
		code = on_queue(&settings, &a, verb, argv + first,
		    (size_t)(argc - first));
	settings_free(&settings);
	return code;
}
