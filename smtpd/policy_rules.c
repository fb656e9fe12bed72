/* SPDX-License-Identifier: ISC
 *
 * The rules one by one.  Each looks at what is known of a client and leaves
 * the verdict alone, or names the reply and what takes the place of {} in it.
 * What cannot be told now is no reason to refuse, but for a domain that the
 * DNS cannot find.
 */
#include <netinet/in.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policy.h"

#define MINUTE		(60 * 1000LL)
#define HOUR		(60 * MINUTE)
#define DAY		(24 * HOUR)
#define GREY_WINDOW	(2 * DAY)	/* in which it must come again */

struct tally policy_tally = { .fd = -1 };
struct access policy_deny, policy_allow;

/* An address, or its network: /24, or /64.  Its octets behind its family. */
size_t
policy_key(const struct peer *peer, bool network, unsigned char key[17])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&peer->addr;
	const struct sockaddr_in6 *in6 =
	    (const struct sockaddr_in6 *)&peer->addr;
	bool four = peer->addr.ss_family == AF_INET;
	size_t n = four ? (network ? 3 : 4) : (network ? 8 : 16);

	key[0] = four ? 4 : 6;
	if (four)
		memcpy(key + 1, &in->sin_addr, n);
	else
		memcpy(key + 1, &in6->sin6_addr, n);
	return n + 1;
}

static void
say(struct policy_verdict *v, enum reply r, const char *why)
{
	v->reply = r;
	strlcpy(v->why, why, sizeof(v->why));
}

/* Of an address and of its network; 0: as many as they like. */
static void
rate(const struct policy_facts *f, const char *what, long long max,
    long long max_network, enum reply r, struct policy_verdict *v)
{
	unsigned char key[17];
	size_t n = policy_key(f->peer, false, key);

	if (max > 0 && tally_rate(&policy_tally, what, key, n, max, MINUTE,
	    f->now, f->count) == 0) {
		say(v, r, "address");
		return;
	}
	n = policy_key(f->peer, true, key);
	if (max_network > 0 && tally_rate(&policy_tally, what, key, n,
	    max_network, MINUTE, f->now, f->count) == 0)
		say(v, r, "network");
}

void
rule_connection_rate(const struct policy_facts *f, struct policy_verdict *v)
{
	rate(f, "connection", smtpd.settings->connection_rate,
	    smtpd.settings->connection_rate_network, REPLY_TOO_FAST, v);
}

void
rule_message_rate(const struct policy_facts *f, struct policy_verdict *v)
{
	rate(f, "message", smtpd.settings->message_rate,
	    smtpd.settings->message_rate_network, REPLY_MESSAGE_RATE, v);
}

/* Everything that is known is looked up, at each stage: what is found later,
 * such as the client's name, may be denied too. */
void
rule_deny(const struct policy_facts *f, struct policy_verdict *v)
{
	const struct access *t = &policy_deny;

	if (access_address(t, (const struct sockaddr *)&f->peer->addr) != NULL)
		say(v, REPLY_DENIED, f->peer->ip);
	else if (f->lookup != NULL && access_name(t, ACCESS_CLIENT,
	    f->lookup->reverse) != NULL)
		say(v, REPLY_DENIED, f->lookup->reverse);
	else if (f->helo != NULL && access_name(t, ACCESS_HELO,
	    f->helo) != NULL) {
		snprintf(v->why, sizeof(v->why), "HELO %s", f->helo);
		v->reply = REPLY_DENIED;
	} else if (f->sender != NULL && access_sender(t, f->sender) != NULL) {
		char text[ADDRESS_TEXT_MAX];

		snprintf(v->why, sizeof(v->why), "<%s>",
		    address_text(f->sender, text));
		v->reply = REPLY_DENIED;
	}
}

void
rule_early(const struct policy_facts *f, struct policy_verdict *v)
{
	if (f->early && smtpd.settings->greet_refuse)
		say(v, REPLY_EARLY, "");
}

/* A full name or an address literal, and not our own name. */
void
rule_helo(const struct policy_facts *f, struct policy_verdict *v)
{
	struct dns_addr bare;

	if (!smtpd.settings->helo_check)
		return;
	if (dns_addr_parse(f->helo, &bare) == 0 ||
	    !address_is_host(f->helo, strlen(f->helo)) ||
	    (*f->helo != '[' && strchr(f->helo, '.') == NULL) ||
	    strcasecmp(f->helo, smtpd.settings->hostname) == 0)
		say(v, REPLY_BAD_HELO, f->helo);
}

void
rule_sender_rate(const struct policy_facts *f, struct policy_verdict *v)
{
	char text[ADDRESS_TEXT_MAX];

	if (smtpd.settings->sender_rate == 0 || address_is_null(f->sender))
		return;
	address_text(f->sender, text);
	if (tally_rate(&policy_tally, "sender", text, strlen(text),
	    smtpd.settings->sender_rate, HOUR, f->now, f->count) == 0)
		say(v, REPLY_SENDER_RATE, text);
}

void
rule_sender_domain(const struct policy_facts *f, struct policy_verdict *v)
{
	char text[ADDRESS_TEXT_MAX];

	if (!smtpd.settings->sender_check || f->lookup == NULL ||
	    f->sender->domain[0] == '\0')
		return;
	address_text(f->sender, text);
	switch (f->lookup->state) {
	case DOMAIN_UNKNOWN:
	case DOMAIN_GOOD:
		break;
	case DOMAIN_NONE:
		say(v, REPLY_SENDER_NONE, text);
		break;
	case DOMAIN_MUTE:
		say(v, REPLY_SENDER_MUTE, text);
		break;
	case DOMAIN_NULL_MX:
		say(v, REPLY_SENDER_NULL_MX, text);
		break;
	case DOMAIN_LATER:
		say(v, REPLY_SENDER_LATER, text);
		break;
	}
}

void
rule_dnsbl(const struct policy_facts *f, struct policy_verdict *v)
{
	if (f->lookup == NULL || f->lookup->listed[0] == '\0' ||
	    f->lookup->score < smtpd.settings->dnsbl_threshold)
		return;
	snprintf(v->why, sizeof(v->why), "%s is listed by %s", f->peer->ip,
	    f->lookup->listed);
	v->reply = REPLY_LISTED;
}

bool
policy_unknown_may(const struct peer *peer, int64_t now, bool count)
{
	unsigned char key[17];
	size_t n = policy_key(peer, false, key);

	return smtpd.settings->unknown_rate == 0 || tally_rate(&policy_tally,
	    "unknown", key, n, smtpd.settings->unknown_rate, HOUR, now,
	    count) != 0;
}

/* Who guessed at too many is told of none any more. */
void
rule_unknown_rate(const struct policy_facts *f, struct policy_verdict *v)
{
	if (!policy_unknown_may(f->peer, f->now, false))
		say(v, REPLY_UNKNOWN_RATE, "");
}

/* network, sender, recipient */
static size_t
grey_key(const struct policy_facts *f, unsigned char key[TALLY_KEY_MAX])
{
	size_t n = policy_key(f->peer, true, key);
	char text[ADDRESS_TEXT_MAX];
	const struct address *a[] = { f->sender, f->rcpt };
	size_t i, len;

	for (i = 0; i < 2; i++) {
		len = strlen(address_text(a[i], text)) + 1;
		if (len > (TALLY_KEY_MAX - n) / (2 - i))
			len = (TALLY_KEY_MAX - n) / (2 - i);
		memcpy(key + n, text, len);
		n += len;
	}
	return n;
}

/* A network that came again once is known for a while, whatever it sends; so
 * is one whose addresses an allow list of the DNS has. */
void
rule_greylist(const struct policy_facts *f, struct policy_verdict *v)
{
	const struct settings *s = smtpd.settings;
	unsigned char net[17], key[TALLY_KEY_MAX];
	size_t nnet = policy_key(f->peer, true, net);
	int64_t left;

	if (!s->greylist || (f->lookup != NULL && f->lookup->score < 0))
		return;
	if (tally_known(&policy_tally, TALLY_PASSED, net, nnet,
	    s->greylist_keep * 1000, f->now) == 1) {
		if (f->count)
			(void)tally_touch(&policy_tally, TALLY_PASSED, net,
			    nnet, f->now);
		return;
	}
	switch (tally_wait(&policy_tally, key, grey_key(f, key),
	    s->greylist_delay * 1000, GREY_WINDOW, f->now, f->count, &left)) {
	case 0:
		snprintf(v->why, sizeof(v->why), "%lld",
		    (long long)(left + 999) / 1000);
		v->reply = REPLY_GREYLISTED;
		break;
	case 1:
		if (f->count)
			(void)tally_touch(&policy_tally, TALLY_PASSED, net,
			    nnet, f->now);
		break;
	}
}
