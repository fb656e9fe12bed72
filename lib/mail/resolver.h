/* SPDX-License-Identifier: ISC
 *
 * The resolver of the settings: the one place that says who is asked and
 * whether he is believed.
 */
#ifndef MAIL_RESOLVER_H
#define MAIL_RESOLVER_H

#include "mail/settings.h"
#include "system/dns.h"

/*
 * A resolver by key `resolver` (or server when it is not NULL: ADDR[@PORT], up
 * to DNS_SERVERS_MAX of them, a space between), else by resolv.conf(5);
 * trusted when `resolver_trusted` says so, or `options trust-ad` there; its
 * answers are validated here by the anchors of `dnssec_anchor`, if there are
 * any.  Reads files: call it before the sandbox.  To be freed with dns_free().
 * NULL with one line in error[CONF_ERROR_MAX].
 */
struct dns *resolver_open(const struct settings *, const char *server,
	    char *error);

#endif
