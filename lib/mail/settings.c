/* SPDX-License-Identifier: ISC
 *
 * The one table of configuration keys.  A key stands here only when some
 * program uses it, and stdmail.conf(5) has an entry for each.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grammar/pop3.h"
#include "mail/dkim_names.h"
#include "mail/settings.h"
#include "mail/settings_rules.h"
#include "mail/special_use.h"
#include "system/log.h"

#define AT(field)	offsetof(struct settings, field)
#define ANY		0, 0

static const struct conf_key keys[] = {
	{ "hostname", CONF_STRING, AT(hostname), "", ANY, settings_rule_host },
	{ "domains", CONF_LIST, AT(domains), "", ANY, settings_rule_host },
	{ "users", CONF_PATH, AT(users), SETTINGS_USERS, ANY,
	    settings_rule_users },
	{ "mail", CONF_PATH, AT(mail), "", ANY, settings_rule_mail },
	{ "cache_dir", CONF_PATH, AT(cache_dir), "", ANY, NULL },
	{ "spool", CONF_PATH, AT(spool), "/var/spool/stdmail", ANY, NULL },
	{ "postmaster", CONF_STRING, AT(postmaster), "", ANY, NULL },
	{ "aliases", CONF_PATH, AT(aliases), SETTINGS_ALIASES, ANY, NULL },
	{ "default_user", CONF_STRING, AT(default_user), "nobody", ANY, NULL },
	{ "virtual", CONF_PATH, AT(virtual), "", ANY, NULL },
	{ "recipient_delimiter", CONF_STRING, AT(recipient_delimiter), "+",
	    ANY, settings_rule_delimiter },

	{ "tls_cert", CONF_PATH, AT(tls_cert), "", ANY, NULL },
	{ "tls_key", CONF_PATH, AT(tls_key), "", ANY, NULL },
	{ "tls_ca", CONF_PATH, AT(tls_ca), "", ANY, NULL },
	{ "allow_plaintext", CONF_BOOL, AT(allow_plaintext), "no", ANY, NULL },
	{ "auth_mechanisms", CONF_LIST, AT(auth_mechanisms), "PLAIN LOGIN",
	    ANY, settings_rule_mechanism },

	{ "resolver", CONF_WORDS, AT(resolver), "",
	    ANY, settings_rule_resolver },
	{ "resolver_trusted", CONF_BOOL, AT(resolver_trusted), "no", ANY,
	    NULL },
	{ "dnssec_anchor", CONF_PATH, AT(dnssec_anchor), "", ANY, NULL },

	{ "relay", CONF_STRING, AT(relay), "", ANY, settings_rule_host_port },
	{ "relay_from", CONF_NETS, AT(relay_from), "127.0.0.1 ::1", ANY,
	    NULL },
	{ "relay_domains", CONF_LIST, AT(relay_domains), "", ANY,
	    settings_rule_host },
	{ "relay_recipients", CONF_PATH, AT(relay_recipients), "", ANY,
	    NULL },
	{ "relay_verify", CONF_BOOL, AT(relay_verify), "no", ANY, NULL },
	{ "vrfy", CONF_BOOL, AT(vrfy), "no", ANY, NULL },
	{ "srs_secret", CONF_PATH, AT(srs_secret), "", ANY, NULL },
	{ "srs_domain", CONF_STRING, AT(srs_domain), "",
	    ANY, settings_rule_host },
	{ "route", CONF_PAIRS, AT(route), "", ANY, settings_rule_host_port },
	{ "relay_by_sender", CONF_PAIRS, AT(relay_by_sender), "", ANY,
	    settings_rule_host_port },
	{ "relay_login", CONF_PATH, AT(relay_login), "", ANY, NULL },
	{ "tls_policy", CONF_PAIRS, AT(tls_policy), "", ANY,
	    settings_rule_tls_policy },
	{ "tlsrpt_from", CONF_STRING, AT(tlsrpt_from), "",
	    ANY, settings_rule_address },
	{ "smtp_port", CONF_INT, AT(smtp_port), "25", 1, 65535, NULL },
	{ "smtp_source", CONF_LIST, AT(smtp_source), "",
	    ANY, settings_rule_ip },
	{ "smtp_helo", CONF_STRING, AT(smtp_helo), "",
	    ANY, settings_rule_host },
	{ "smtp_ipv6", CONF_STRING, AT(smtp_ipv6), "named",
	    ANY, settings_rule_ipv6 },
	{ "https_port", CONF_INT, AT(https_port), "443", 1, 65535, NULL },
	{ "queue_lifetime", CONF_DURATION, AT(queue_lifetime), "5d", ANY,
	    NULL },
	{ "bounce_lifetime", CONF_DURATION, AT(bounce_lifetime), "1d", ANY,
	    NULL },
	{ "max_workers", CONF_INT, AT(max_workers), "100", 1, 1000, NULL },
	{ "destination_concurrency", CONF_INT, AT(destination_concurrency),
	    "20", 1, 1000, NULL },
	{ "delay_warning", CONF_DURATION, AT(delay_warning), "4h", ANY,
	    NULL },
	{ "dkim", CONF_PAIRS, AT(dkim), "", ANY, settings_rule_key_file },
	{ "submit_socket", CONF_PATH, AT(submit_socket),
	    "/run/stdmail/submit", ANY, NULL },
	{ "list_socket", CONF_PATH, AT(list_socket), "/run/stdmail/mailq", ANY,
	    NULL },

	{ "lmtp_from", CONF_NETS, AT(lmtp_from), "", ANY, NULL },
	{ "send_as", CONF_PAIRS, AT(send_as), "", ANY, settings_rule_send_as },
	{ "submission_hide_client", CONF_BOOL, AT(submission_hide_client),
	    "no", ANY, NULL },
	{ "submission_rate", CONF_INT, AT(submission_rate), "2000", 0,
	    LONG_MAX, NULL },

	{ "sieve", CONF_STRING, AT(sieve), "%h/.dovecot.sieve", ANY,
	    settings_rule_home },
	{ "sieve_dir", CONF_STRING, AT(sieve_dir), "%h/sieve", ANY,
	    settings_rule_home },
	{ "sieve_global", CONF_PATH, AT(sieve_global), "", ANY, NULL },
	{ "sieve_default", CONF_PATH, AT(sieve_default), "", ANY, NULL },
	{ "sieve_redirects", CONF_INT, AT(sieve_redirects), "4", 0, 100,
	    NULL },
	{ "forward", CONF_BOOL, AT(forward), "yes", ANY, NULL },
	{ "qmail", CONF_BOOL, AT(qmail), "no", ANY, NULL },
	{ "program_timeout", CONF_DURATION, AT(program_timeout), "1000", 1,
	    86400, NULL },

	{ "quota", CONF_SIZE, AT(quota), "0", 0, LLONG_MAX / 4, NULL },
	{ "quota_messages", CONF_INT, AT(quota_messages), "0", 0,
	    LLONG_MAX / 4, NULL },
	{ "quota_tempfail", CONF_BOOL, AT(quota_tempfail), "no", ANY, NULL },
	{ "quota_warning", CONF_INT, AT(quota_warning), "90", 0, 100, NULL },
	{ "folder_create", CONF_BOOL, AT(folder_create), "no", ANY, NULL },
	{ "sendmail", CONF_PATH, AT(sendmail), "/usr/sbin/sendmail", ANY,
	    NULL },

	{ "max_size", CONF_SIZE, AT(max_size), "50M", 1, LLONG_MAX / 4,
	    NULL },
	{ "max_recipients", CONF_INT, AT(max_recipients), "1000", 1, 100000,
	    NULL },
	{ "max_sessions", CONF_INT, AT(max_sessions), "1000", 1, 100000,
	    NULL },
	{ "max_per_address", CONF_INT, AT(max_per_address), "200", 1, 100000,
	    NULL },
	{ "max_login_failures", CONF_INT, AT(max_login_failures), "20", 1,
	    1000000, NULL },
	{ "timeout", CONF_DURATION, AT(timeout), "0", 0, 86400, NULL },
	{ "idle_notify", CONF_DURATION, AT(idle_notify), "2m", 0, 86400,
	    NULL },
	{ "idle_exit", CONF_DURATION, AT(idle_exit), "10m", 0, 604800, NULL },
	{ "proxy_from", CONF_NETS, AT(proxy_from), "", ANY, NULL },

	{ "milter", CONF_LIST, AT(milter), "", ANY, settings_rule_milter },
	{ "milter_timeout", CONF_DURATION, AT(milter_timeout), "1m", 1, 3600,
	    NULL },
	{ "milter_default", CONF_STRING, AT(milter_default), "tempfail", ANY,
	    settings_rule_milter_default },
	{ "filter", CONF_LIST, AT(filter), "", ANY, NULL },
	{ "filter_timeout", CONF_DURATION, AT(filter_timeout), "1m", 1, 3600,
	    NULL },
	{ "filter_user", CONF_STRING, AT(filter_user), "", ANY, NULL },
	{ "filter_network", CONF_BOOL, AT(filter_network), "no", ANY, NULL },
	{ "quarantine", CONF_STRING, AT(quarantine), "",
	    ANY, settings_rule_address },
	{ "deny", CONF_PATH, AT(deny), "", ANY, NULL },
	{ "allow", CONF_PATH, AT(allow), "", ANY, NULL },
	{ "policy_state", CONF_PATH, AT(policy_state), "", ANY, NULL },
	{ "connection_rate", CONF_INT, AT(connection_rate), "1000", 0,
	    1000000, NULL },
	{ "connection_rate_network", CONF_INT, AT(connection_rate_network),
	    "4000", 0, 1000000, NULL },
	{ "message_rate", CONF_INT, AT(message_rate), "3000", 0, 1000000,
	    NULL },
	{ "message_rate_network", CONF_INT, AT(message_rate_network), "12000",
	    0, 1000000, NULL },
	{ "sender_rate", CONF_INT, AT(sender_rate), "0", 0, 1000000, NULL },
	{ "unknown_rate", CONF_INT, AT(unknown_rate), "1000", 0, 1000000,
	    NULL },
	{ "session_time", CONF_DURATION, AT(session_time), "4h", 0, 604800,
	    NULL },
	{ "greet_pause", CONF_DURATION, AT(greet_pause), "0", 0, 60, NULL },
	{ "greet_refuse", CONF_BOOL, AT(greet_refuse), "no", ANY, NULL },
	{ "helo_check", CONF_BOOL, AT(helo_check), "no", ANY, NULL },
	{ "sender_check", CONF_BOOL, AT(sender_check), "yes", ANY, NULL },
	{ "dnsbl", CONF_LIST, AT(dnsbl), "", ANY, settings_rule_zone },
	{ "dnswl", CONF_LIST, AT(dnswl), "", ANY, settings_rule_zone },
	{ "dnsbl_threshold", CONF_INT, AT(dnsbl_threshold), "1", 1, 1000000,
	    NULL },
	{ "greylist", CONF_BOOL, AT(greylist), "no", ANY, NULL },
	{ "greylist_delay", CONF_DURATION, AT(greylist_delay), "5m", 1, 86400,
	    NULL },
	{ "greylist_keep", CONF_DURATION, AT(greylist_keep), "35d", 60,
	    LLONG_MAX / 4000, NULL },

	{ "separator", CONF_STRING, AT(separator), ".",
	    ANY, settings_rule_separator },
	{ "prefix", CONF_STRING, AT(prefix), "", ANY, settings_rule_prefix },
	{ "folders", CONF_LIST, AT(folders), "Drafts=\\Drafts Sent=\\Sent "
	    "Trash=\\Trash Junk=\\Junk Archive=\\Archive", ANY,
	    special_use_rule },
	{ "imap_hide", CONF_LIST, AT(imap_hide), "", ANY, NULL },
	{ "compress", CONF_BOOL, AT(compress), "no", ANY, NULL },

	{ "pop3_uidl", CONF_STRING, AT(pop3_uidl), POP3_UIDL_DEFAULT, ANY,
	    settings_rule_uidl },
	{ "pop3_expire", CONF_STRING, AT(pop3_expire), "NEVER", ANY,
	    settings_rule_expire },
	{ "pop3_login_delay", CONF_DURATION, AT(pop3_login_delay), "0", 0,
	    86400, NULL },
	{ "pop3_utf8", CONF_BOOL, AT(pop3_utf8), "yes", ANY, NULL },
	{ "imap_uidonly", CONF_BOOL, AT(imap_uidonly), "no", ANY, NULL },

	{ "door_user", CONF_STRING, AT(door_user), "stdmail-door", ANY,
	    NULL },
	{ "mail_user", CONF_STRING, AT(mail_user), "vmail", ANY, NULL },
	{ "spool_user", CONF_STRING, AT(spool_user), "stdmail", ANY, NULL },
};
#define NKEYS	(sizeof(keys) / sizeof(keys[0]))

/* A list of zones does not begin with a weight. */
static int
check_zones(const char *key, const struct conf_list *list, char *error)
{
	size_t i;
	bool zone = false, digits;

	for (i = 0; i < list->n; i++) {
		digits = list->v[i][strspn(list->v[i], "0123456789")] == '\0';
		if (digits && !zone) {
			snprintf(error, CONF_ERROR_MAX, "%s: the weight %s "
			    "has no zone before it", key, list->v[i]);
			return -1;
		}
		zone = !digits;
	}
	return 0;
}

/* The prefix is whole levels, each with its separator. */
static int
check_prefix(const struct settings *s, char *error)
{
	char twice[3] = { *s->separator, *s->separator, '\0' };
	size_t n = strlen(s->prefix);

	if (n == 0 || (n > 1 && s->prefix[n - 1] == *s->separator &&
	    *s->prefix != *s->separator && strstr(s->prefix, twice) == NULL))
		return 0;
	snprintf(error, CONF_ERROR_MAX, "prefix %s is not a name with the "
	    "separator %s behind it", log_str(s->prefix), s->separator);
	return -1;
}

/* What the table cannot say: our own name, and the domains it implies. */
static int
settings_complete(struct settings *s, char *error)
{
	char name[HOST_NAME_MAX + 1];
	const char *fault;
	char *copy;

	if (*s->hostname == '\0') {
		if (gethostname(name, sizeof(name)) == -1)
			strlcpy(name, "localhost", sizeof(name));
		name[sizeof(name) - 1] = '\0';
		if ((fault = settings_rule_host(name)) != NULL) {
			snprintf(error, CONF_ERROR_MAX, "hostname is not set "
			    "and the system's %s %s", log_str(name), fault);
			return -1;
		}
		if ((copy = strdup(name)) == NULL)
			goto memory;
		free(s->hostname);
		s->hostname = copy;
	}
	if (s->domains.n == 0) {
		free(s->domains.v);
		if ((s->domains.v = malloc(sizeof(char *))) == NULL ||
		    (s->domains.v[0] = strdup(s->hostname)) == NULL)
			goto memory;
		s->domains.n = 1;
	}
	if (*s->tls_key != '\0' && *s->tls_cert == '\0') {
		strlcpy(error, "tls_key is set and tls_cert is not",
		    CONF_ERROR_MAX);
		return -1;
	}
	if (s->filter.n > 0 && *s->filter.v[0] != '/') {
		strlcpy(error, "filter is no absolute path of a program",
		    CONF_ERROR_MAX);
		return -1;
	}
	if (s->milter.n > MILTERS_MAX) {
		strlcpy(error, "more than 16 milters", CONF_ERROR_MAX);
		return -1;
	}
	if (dkim_names_check(&s->dkim, error) == -1 ||
	    check_zones("dnsbl", &s->dnsbl, error) == -1 ||
	    check_zones("dnswl", &s->dnswl, error) == -1)
		return -1;
	return check_prefix(s, error);
memory:
	strlcpy(error, "out of memory", CONF_ERROR_MAX);
	return -1;
}

int
settings_load(struct settings *s, const char *file,
    const char *const *assignments, size_t n, char *error)
{
	bool may_miss = file == NULL;
	int r;

	if (may_miss)
		file = SETTINGS_FILE;
	if (conf_defaults(keys, NKEYS, s) == -1) {
		strlcpy(error, "out of memory", CONF_ERROR_MAX);
		goto fail;
	}
	r = conf_read(keys, NKEYS, s, file, error);
	if (r == 1 && !may_miss)
		snprintf(error, CONF_ERROR_MAX, "%.200s: %s", file,
		    strerror(ENOENT));
	if (r == -1 || (r == 1 && !may_miss))
		goto fail;
	s->unwritten = r == 1;
	if (conf_override(keys, NKEYS, s, assignments, n, error) == -1)
		goto fail;
	if (settings_complete(s, error) == -1)
		goto fail;
	return 0;
fail:
	settings_free(s);
	return -1;
}

void
settings_free(struct settings *s)
{
	conf_free(keys, NKEYS, s);
}
