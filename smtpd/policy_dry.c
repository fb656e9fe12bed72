/* SPDX-License-Identifier: ISC
 *
 * smtpd -t CLIENT HELO FROM TO: what would be said to such a client, rule by
 * rule, and which of them decides.  It counts nothing and writes nothing; the
 * DNS is asked as a session would.
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/users.h"
#include "monitor.h"
#include "policy.h"
#include "system/log.h"
#include "system/privilege.h"

struct dry {
	struct policy_facts	 f;
	struct lookup		 lookup;
	enum recipient_kind	 kind;
	const char		*decides;	/* the rule; NULL: none yet */
	char			 reply[600];
};

static const char *const stages[POLICY_STAGES] = { "connect", "connect",
    "helo", "mail", "mail", "rcpt" };

/* A reply with its detail, without line end. */
static void
fill(char *to, size_t size, enum reply r, const char *why)
{
	const char *text = reply_text(r), *hole = strstr(text, "{}");
	size_t n = strcspn(text, "\r");

	if (hole == NULL)
		snprintf(to, size, "%.*s", (int)n, text);
	else
		snprintf(to, size, "%.*s%s%.*s", (int)(hole - text), text, why,
		    (int)(text + n - hole - 2), hole + 2);
}

static void
line(struct dry *d, enum policy_stage stage, const char *rule, enum reply r,
    const char *why)
{
	char text[600] = "";

	if (r != REPLY_NONE)
		fill(text, sizeof(text), r, why);
	printf("%s\t%s\t%s\t%s\n", stages[stage], rule, r == REPLY_NONE ?
	    "pass" : *text == '4' ? "later" : "refuse", r == REPLY_NONE ?
	    why : text);
	if (r == REPLY_NONE || d->decides != NULL)
		return;
	d->decides = rule;
	strlcpy(d->reply, text, sizeof(d->reply));
}

static void
stage(struct dry *d, enum policy_stage at)
{
	const struct policy_rule *rule;
	struct policy_verdict v;
	const char *entry = policy_allowed(&d->f);

	if (entry != NULL) {
		line(d, at, "allow", REPLY_NONE, entry);
		return;
	}
	for (rule = policy_rules; rule < policy_rules + policy_nrules;
	    rule++) {
		if (!(rule->stages & 1u << at))
			continue;
		v.reply = REPLY_NONE;
		v.why[0] = '\0';
		if (policy_spares(rule, &d->f))
			strlcpy(v.why, d->f.rcpt->local, sizeof(v.why));
		else
			rule->check(&d->f, &v);
		line(d, at, rule->name, v.reply, v.why);
	}
}

static int
nothing(void)
{
	return 0;
}

/* What the session would have learnt from the DNS. */
static void
look_up(struct dry *d)
{
	char why[DNS_NAME_MAX + 300];

	lookup_run(d->f.peer, d->f.sender->domain, &d->lookup, nothing);
	d->f.lookup = &d->lookup;
	snprintf(why, sizeof(why), "name=%s score=%d listed=%s",
	    log_str(d->lookup.reverse), d->lookup.score,
	    log_str(d->lookup.listed));
	line(d, POLICY_MAIL, "look-up", REPLY_NONE, why);
}

/* Before the rights go: users may be root's alone to read. */
static enum recipient_kind
find(const struct address *to)
{
	static struct recipient r;
	const struct directory dir = monitor_directory();
	enum recipient_kind kind = recipient_find(&dir, to, &r, NULL);

	if (kind == RECIPIENT_TEMPORARY)
		log_error("recipient", "error=%s", log_str(r.error));
	return kind;
}

static void
recipient(struct dry *d)
{
	enum reply r = REPLY_NONE;
	char text[ADDRESS_TEXT_MAX];

	switch (d->kind) {
	case RECIPIENT_LOCAL:
	case RECIPIENT_LIST:
	case RECIPIENT_NOBODY:
	case RECIPIENT_RELAY:
		break;
	case RECIPIENT_REMOTE:
		if (!client_is_trusted(d->f.peer))
			r = REPLY_NO_RELAY;
		break;
	case RECIPIENT_UNKNOWN:
		r = REPLY_NO_SUCH_USER;
		break;
	case RECIPIENT_TEMPORARY:
		r = REPLY_USERS_LATER;
		break;
	}
	line(d, POLICY_RCPT, "recipient", r, address_text(d->f.rcpt, text));
}

static void
stages_of(struct dry *d, const char *helo, const struct address *from,
    const struct address *to)
{
	bool applies = policy_applies(d->f.peer);

	if (!applies)
		line(d, POLICY_CONNECT, "exempt", REPLY_NONE,
		    smtpd.mode != MODE_MX ? "mode" : d->f.peer->loopback ?
		    "loopback" : "relay_from");
	else {
		stage(d, POLICY_ADMIT);
		stage(d, POLICY_CONNECT);
	}
	d->f.helo = helo;
	if (applies)
		stage(d, POLICY_HELO);
	d->f.sender = from;
	if (applies) {
		stage(d, POLICY_MAIL);
		look_up(d);
		stage(d, POLICY_SENDER);
	}
	d->f.rcpt = to;
	if (applies)
		stage(d, POLICY_RCPT);
	recipient(d);
}

/* Root talks to no nameserver. */
static int
drop(void)
{
	struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	if ((pw = getpwnam(smtpd.settings->door_user)) != NULL)
		return privilege_drop(pw->pw_uid, pw->pw_gid);
	fprintf(stderr, "smtpd: door_user: there is no account %s\n",
	    log_str(smtpd.settings->door_user));
	return -1;
}

int
policy_dry(char **argv)
{
	static struct dry d;
	static struct peer peer;
	static struct address from, to;
	const char *why = "is no address";
	char helo[256];

	if (peer_set_ip(&peer, argv[0], 0) == -1) {
		fprintf(stderr, "smtpd: %s is no address of a client\n",
		    log_str(argv[0]));
		return EX_USAGE;
	}
	if (address_parse(&from, argv[2], strlen(argv[2]), &why) != 1 ||
	    address_parse(&to, argv[3], strlen(argv[3]), &why) != 1 ||
	    address_is_null(&to)) {
		fprintf(stderr, "smtpd: FROM or TO: %s\n", why);
		return EX_USAGE;
	}
	strlcpy(helo, argv[1], sizeof(helo));
	if (policy_open(true) == -1)
		return EX_OSERR;
	access_refresh(&policy_deny, smtpd.settings->deny);
	access_refresh(&policy_allow, smtpd.settings->allow);
	d.f.peer = &peer;
	d.f.now = policy_now();
	d.kind = find(&to);
	(void)tally_known(&policy_tally, TALLY_GOOD, "", 0, 0, 0); /* open */
	if (drop() == -1)
		return EX_CONFIG;
	stages_of(&d, helo, &from, &to);
	if (d.decides == NULL)
		printf("accept\n");
	else
		printf("decides\t%s\t%s\n", d.decides, d.reply);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return d.decides == NULL ? 0 : *d.reply == '4' ? EX_TEMPFAIL :
	    EX_NOPERM;
}
