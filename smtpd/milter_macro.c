/* SPDX-License-Identifier: ISC
 *
 * Macros: what a milter is told beside the commands, by the names that
 * Sendmail gave them.  One that has no value is left out.
 */
#include <stdio.h>
#include <string.h>

#include "mail/start.h"
#include "milter.h"

#define VALUE_MAX	(ADDRESS_TEXT_MAX + 64)

typedef void value_fn(const struct session *, char value[VALUE_MAX]);

/* What a stage is told that a milter did not choose. */
static const char *const usual[MILTER_STAGES] = {
[MILTER_AT_CONNECT] = ("j _ v {daemon_name} {daemon_addr} {daemon_port} "
    "{if_addr} {client_addr} {client_name} {client_port} {client_ptr} "
    "{client_resolve}"),
[MILTER_AT_HELO] = "{tls_version} {cipher} {cipher_bits}",
[MILTER_AT_MAIL] = ("i {auth_type} {auth_authen} {mail_addr} {mail_host} "
    "{mail_mailer}"),
[MILTER_AT_RCPT] = "{rcpt_addr} {rcpt_host} {rcpt_mailer}",
[MILTER_AT_DATA] = "i",
[MILTER_AT_EOH] = "i",
[MILTER_AT_END] = "i {nrcpts}",
};

static void
put(char value[VALUE_MAX], const char *text)
{
	strlcpy(value, text, VALUE_MAX);
}

static void
value_hostname(const struct session *s, char value[VALUE_MAX])
{
	(void)s;
	put(value, smtpd.settings->hostname);
}

static void
value_version(const struct session *s, char value[VALUE_MAX])
{
	(void)s;
	put(value, "stdmail " STDMAIL_VERSION);
}

static void
value_daemon(const struct session *s, char value[VALUE_MAX])
{
	(void)s;
	put(value, smtpd.mode == MODE_SUBMISSION ? "submission" : "smtpd");
}

static void
value_job(const struct session *s, char value[VALUE_MAX])
{
	put(value, s->milters->job);
}

static void
value_our_address(const struct session *s, char value[VALUE_MAX])
{
	put(value, s->server->local.ip);
}

static void
put_port(char value[VALUE_MAX], const struct peer *peer)
{
	if (peer->kind == PEER_INET)
		snprintf(value, VALUE_MAX, "%u", peer->port);
}

static void
value_our_port(const struct session *s, char value[VALUE_MAX])
{
	put_port(value, &s->server->local);
}

static void
value_port(const struct session *s, char value[VALUE_MAX])
{
	put_port(value, &s->server->peer);
}

static void
value_address(const struct session *s, char value[VALUE_MAX])
{
	put(value, s->server->peer.ip);
}

static void
value_name(const struct session *s, char value[VALUE_MAX])
{
	put(value, milter_client_name(s));
}

static void
value_who(const struct session *s, char value[VALUE_MAX])
{
	if (s->server->peer.kind == PEER_INET)
		snprintf(value, VALUE_MAX, "%s [%s]", milter_client_name(s),
		    s->server->peer.ip);
	else
		put(value, "localhost");
}

static void
value_resolve(const struct session *s, char value[VALUE_MAX])
{
	put(value, *s->reverse != '\0' ? "OK" : "FAIL");
}

static void
value_tls(const struct session *s, char value[VALUE_MAX])
{
	struct tls_info info;

	if (tls_describe(s->stream, &info))
		put(value, info.version);
}

static void
value_cipher(const struct session *s, char value[VALUE_MAX])
{
	struct tls_info info;

	if (tls_describe(s->stream, &info))
		put(value, info.cipher);
}

static void
value_bits(const struct session *s, char value[VALUE_MAX])
{
	struct tls_info info;

	if (tls_describe(s->stream, &info))
		snprintf(value, VALUE_MAX, "%d", info.bits);
}

static void
value_login(const struct session *s, char value[VALUE_MAX])
{
	put(value, s->login);
}

static void
value_mechanism(const struct session *s, char value[VALUE_MAX])
{
	put(value, s->mechanism);
}

static void
value_sender(const struct session *s, char value[VALUE_MAX])
{
	(void)address_text(&s->sender, value);
}

static void
value_sender_host(const struct session *s, char value[VALUE_MAX])
{
	put(value, s->sender.domain);
}

static void
value_sender_way(const struct session *s, char value[VALUE_MAX])
{
	put(value, settings_is_local(smtpd.settings, s->sender.domain,
	    strlen(s->sender.domain)) ? "local" : "esmtp");
}

static void
value_rcpt(const struct session *s, char value[VALUE_MAX])
{
	if (s->milters->rcpt != NULL)
		(void)address_text(&s->milters->rcpt->addr, value);
}

static void
value_rcpt_host(const struct session *s, char value[VALUE_MAX])
{
	if (s->milters->rcpt != NULL)
		put(value, s->milters->rcpt->addr.domain);
}

static void
value_rcpt_way(const struct session *s, char value[VALUE_MAX])
{
	if (s->milters->rcpt != NULL)
		put(value, s->milters->rcpt->queue == SPOOL_LOCAL ? "local" :
		    "esmtp");
}

static void
value_count(const struct session *s, char value[VALUE_MAX])
{
	snprintf(value, VALUE_MAX, "%zu", s->nrcpts);
}

static const struct {
	const char	*name;
	value_fn	*value;
} macros[] = {
	{ "_", value_who },
	{ "i", value_job },
	{ "j", value_hostname },
	{ "v", value_version },
	{ "{auth_authen}", value_login },
	{ "{auth_type}", value_mechanism },
	{ "{cipher_bits}", value_bits },
	{ "{cipher}", value_cipher },
	{ "{client_addr}", value_address },
	{ "{client_name}", value_name },
	{ "{client_port}", value_port },
	{ "{client_ptr}", value_name },
	{ "{client_resolve}", value_resolve },
	{ "{daemon_addr}", value_our_address },
	{ "{daemon_name}", value_daemon },
	{ "{daemon_port}", value_our_port },
	{ "{if_addr}", value_our_address },
	{ "{mail_addr}", value_sender },
	{ "{mail_host}", value_sender_host },
	{ "{mail_mailer}", value_sender_way },
	{ "{nrcpts}", value_count },
	{ "{rcpt_addr}", value_rcpt },
	{ "{rcpt_host}", value_rcpt_host },
	{ "{rcpt_mailer}", value_rcpt_way },
	{ "{tls_version}", value_tls },
};

/* A word is a name with or without its braces. */
static bool
is_named(const char *name, const char *word, size_t n)
{
	size_t len = strlen(name);

	if (len == n)
		return memcmp(name, word, n) == 0;
	return len == n + 2 && *name == '{' && memcmp(name + 1, word, n) == 0;
}

static void
put_macro(struct session *s, const char *word, size_t n)
{
	struct buf *out = &s->milters->out;
	char value[VALUE_MAX];
	size_t i;

	for (i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		if (!is_named(macros[i].name, word, n))
			continue;
		value[0] = '\0';
		macros[i].value(s, value);
		if (value[0] == '\0')
			return;
		milter_put_string(out, macros[i].name,
		    strlen(macros[i].name));
		milter_put_string(out, value, strlen(value));
		return;
	}
}

void
milter_macros(struct session *s, const struct milter *m,
    enum milter_stage stage)
{
	const char *p = m->macros[stage] != NULL ? m->macros[stage] :
	    usual[stage];
	struct buf *out = &s->milters->out;
	size_t begun = milter_begin(out, MILTER_MACRO), n;

	(void)buf_addc(out, (char)milter_steps[stage].command);
	while (p += strspn(p, " ,\t"), *p != '\0') {
		n = strcspn(p, " ,\t");
		put_macro(s, p, n);
		p += n;
	}
	milter_end(out, begun);
}
