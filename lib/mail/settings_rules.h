/* SPDX-License-Identifier: ISC
 *
 * What the value of a key must be, beyond its type; for the table in
 * settings.c.  Each takes one word of the value, and returns NULL, or the fault
 * as words that follow it ("is not a host name"), static.
 */
#ifndef MAIL_SETTINGS_RULES_H
#define MAIL_SETTINGS_RULES_H

const char *settings_rule_host(const char *);
const char *settings_rule_host_port(const char *);
const char *settings_rule_send_as(const char *);
const char *settings_rule_tls_policy(const char *);
const char *settings_rule_resolver(const char *);
const char *settings_rule_users(const char *);
const char *settings_rule_mechanism(const char *);
const char *settings_rule_mail(const char *);
const char *settings_rule_home(const char *);
const char *settings_rule_delimiter(const char *);
const char *settings_rule_uidl(const char *);
const char *settings_rule_expire(const char *);
const char *settings_rule_milter(const char *);
const char *settings_rule_milter_default(const char *);
const char *settings_rule_address(const char *);
const char *settings_rule_ip(const char *);
const char *settings_rule_ipv6(const char *);
const char *settings_rule_separator(const char *);
const char *settings_rule_prefix(const char *);
const char *settings_rule_zone(const char *);
const char *settings_rule_key_file(const char *);

#endif
