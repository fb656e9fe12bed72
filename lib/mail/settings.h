/* SPDX-License-Identifier: ISC
 *
 * All keys of stdmail.conf(5), for all programs, in one struct and one table
 * (settings.c).  Only keys that something uses are accepted.
 */
#ifndef MAIL_SETTINGS_H
#define MAIL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "grammar/address.h"
#include "system/conf.h"

#define MILTERS_MAX	16
#define SETTINGS_FILE	"/etc/stdmail/stdmail.conf"
#define SETTINGS_ALIASES "/etc/aliases"
#define SETTINGS_USERS	"/etc/stdmail/users"

/* Strings are never NULL once loaded; "" means not set. */
struct settings {
	bool		 unwritten;	/* there is no file */
	char		*hostname;	/* our name, never "": gethostname(2) */
	struct conf_list domains;	/* local ones; empty: hostname alone */
	char		*users;		/* a passwd-file, or "system" */
	char		*mail;		/* a user's mailbox: %u %d %h; "": the
					 * default of the kind of users */
	char		*cache_dir;	/* caches of mailboxes that are on a
					 * network file system; "": none */
	char		*spool;
	char		*postmaster;	/* user who gets <postmaster> when no
					 * account has that name; "": none */

	char		*aliases;	/* an aliases(5) file; "none" and "":
					 * there is none; SETTINGS_ALIASES may
					 * be missing */
	char		*default_user;	/* runs the programs that root's file
					 * of aliases names */
	char		*virtual;	/* a table of addresses; "": none */
	char		*recipient_delimiter; /* user+folder: one character;
					 * "": none */

	char		*tls_cert;	/* PEM chain; "": no TLS */
	char		*tls_ca;	/* PEM, who is trusted; "": as the
					 * system trusts */
	char		*tls_key;	/* PEM; "": in tls_cert's file */
	bool		 allow_plaintext; /* AUTH without TLS from anywhere */
	struct conf_list auth_mechanisms; /* PLAIN LOGIN; smtpd has no
					 * SCRAM-SHA-256 */

	char		*resolver;	/* ADDR[@PORT] ...; "":
					 * resolv.conf */
	bool		 resolver_trusted; /* believe its AD bit */
	char		*dnssec_anchor;	/* a file; "": no validation of our
					 * own */

	char		*relay;		/* smarthost HOST[:PORT]; "": by MX */
	struct conf_nets relay_from;	/* who may relay */
	struct conf_list relay_domains;	/* for which anyone may relay */
	char		*relay_recipients; /* who there may get mail; "": not
					 * known */
	bool		 relay_verify;	/* ask the next host who there may */
	bool		 vrfy;		/* answers those who may relay */
	char		*srs_secret;	/* a file; "": senders stay */
	char		*srs_domain;	/* of rewritten senders; "": the first
					 * of domains */
	struct conf_pairs route;	/* domain, HOST[:PORT] */
	struct conf_pairs tls_policy;	/* domain, host or "*"; none, may,
					 * encrypt, verify or dane */
	char		*tlsrpt_from;	/* who sends reports on TLS; "": none
					 * are sent */
	long long	 smtp_port;	/* where other servers listen: 25 */
	struct conf_list smtp_source;	/* addresses that we come from */
	char		*smtp_helo;	/* the name in EHLO; "": hostname */
	char		*smtp_ipv6;	/* named, yes, no */
	struct conf_pairs relay_by_sender; /* address or @domain, HOST[:PORT] */
	char		*relay_login;	/* a file; "": none */
	long long	 https_port;	/* where MTA-STS policies are: 443 */
	long long	 queue_lifetime; /* seconds until a bounce */
	long long	 bounce_lifetime; /* the same for a bounce, which never
					 * waits longer than other mail */
	long long	 max_workers;	/* of smtp-send, at once */
	long long	 destination_concurrency; /* of these at one host or
					 * domain */
	long long	 delay_warning;	/* seconds until the sender is told that
					 * it waits; 0: never */
	struct conf_pairs dkim;		/* SELECTOR._domainkey.DOMAIN; the file
					 * of the private key */
	char		*submit_socket;	/* where sendmail(8) finds smtpd */
	char		*list_socket;	/* where mailq(1) asks */

	struct conf_nets lmtp_from;	/* who may deliver by LMTP, besides
					 * this host */
	struct conf_pairs send_as;	/* account; address, @domain or *:
					 * sender addresses that it has */
	bool		 submission_hide_client; /* from Received */
	long long	 submission_rate; /* recipients of an account in an
					 * hour; 0: no limit */

	char		*sieve;		/* a user's script: %u %n %d %h; "no":
					 * there is none */
	char		*sieve_dir;	/* his others, for include; likewise */
	char		*sieve_global;	/* a folder of scripts for all; "":
					 * none */
	char		*sieve_default;	/* for those who have no script; "":
					 * none */
	long long	 sieve_redirects; /* the most of one message */
	bool		 forward;	/* ~/.forward is read */
	bool		 qmail;		/* ~/.qmail in its place */
	long long	 program_timeout; /* seconds for one that a user or an
					 * alias names */

	long long	 quota;		/* bytes of a user's mail; 0: none */
	long long	 quota_messages; /* 0: none */
	bool		 quota_tempfail; /* a full mailbox is tried again */
	long long	 quota_warning;	/* percent of it at which its owner is
					 * told; 0: never */
	bool		 folder_create;	/* that user+folder names */
	char		*sendmail;	/* sends on where there is no spool */
	long long	 max_size;	/* bytes of a message */
	long long	 max_recipients; /* of a message */
	long long	 max_sessions;	/* all, at once */
	long long	 max_per_address; /* of one address, at once */
	long long	 max_login_failures; /* of one address in 10 minutes */
	long long	 timeout;	/* seconds of silence; 0: what the
					 * protocol asks for */
	long long	 idle_notify;	/* seconds from one word of IDLE to the
					 * next; 0: never */
	long long	 idle_exit;	/* seconds without a session; 0 never */
	struct conf_list milter;	/* inet:HOST:PORT, unix:PATH */
	long long	 milter_timeout; /* seconds for an answer */
	char		*milter_default; /* when it fails: accept, tempfail */
	struct conf_list filter;	/* a program and its arguments */
	long long	 filter_timeout; /* seconds */
	char		*filter_user;	/* "": door_user */
	bool		 filter_network; /* it may make connections */
	char		*quarantine;	/* who gets what filters hold back */
	struct conf_nets proxy_from;	/* whose PROXY header is believed */

	/* the door of smtpd, for strangers */
	char		*deny;		/* table of mail/access.h; "": none */
	char		*allow;		/* likewise */
	char		*policy_state;	/* what is remembered; "": in spool */
	long long	 connection_rate; /* a minute, of an address; 0: none */
	long long	 connection_rate_network; /* of a network */
	long long	 message_rate;
	long long	 message_rate_network;
	long long	 sender_rate;	/* an hour, of a sender; 0: none */
	long long	 unknown_rate;	/* unknown recipients an hour, of an
					 * address; 0: none */
	long long	 session_time;	/* seconds in all; 0: no end */
	long long	 greet_pause;	/* seconds before the banner */
	bool		 greet_refuse;	/* who speaks before it */
	bool		 helo_check;	/* refuse what is no full name */
	bool		 sender_check;	/* the domain must be there */
	struct conf_list dnsbl;		/* zone [weight] ... */
	struct conf_list dnswl;
	long long	 dnsbl_threshold;
	bool		 greylist;
	long long	 greylist_delay; /* seconds */
	long long	 greylist_keep;	/* seconds a network is known */

	char		*separator;	/* of levels in IMAP: "." or "/" */
	char		*prefix;	/* of names in IMAP but INBOX, or "" */
	struct conf_list folders;	/* of a new tree: Name[=\Use] */
	struct conf_list imap_hide;	/* capabilities not to announce */
	bool		 compress;	/* COMPRESS=DEFLATE is offered */

	char		*pop3_uidl;	/* a form of pop3_uidl() */
	char		*pop3_expire;	/* CAPA's EXPIRE: days, or NEVER */
	long long	 pop3_login_delay; /* seconds between two logins */
	bool		 pop3_utf8;	/* RFC 6856 is offered */

	bool		 imap_uidonly;	/* RFC 9586 is offered */

	char		*door_user;	/* parses the network, owns nothing */
	char		*mail_user;	/* owns virtual users' mail, and
					 * spool/local */
	char		*spool_user;	/* owns spool/remote */
};

/* Load defaults, then the file, then -o assignments, then check what one key
 * says about another.  file NULL is SETTINGS_FILE, which alone may be
 * missing.  0, or -1 with one line in error[CONF_ERROR_MAX], and s is then
 * freed.  To reread: load into a fresh struct, and keep the old on -1. */
int	 settings_load(struct settings *, const char *file,
	    const char *const *assignments, size_t n, char *error);

void	 settings_free(struct settings *);

/*
 * How a domain in UTF-8 becomes what the DNS has: idna_strict() at first, so
 * that a program of short life needs no library for it; idna_ascii() in those
 * that take mail from the network or bring it there.
 */
extern int (*settings_idna)(char *, const char *, size_t);

/* Is this domain (no NUL in it, any letter case, a final dot ignored, in UTF-8
 * or its xn-- form) one of ours?  [address] literals are not judged here. */
bool	 settings_is_local(const struct settings *, const char *domain,
	    size_t len);

/* The same for relay_domains. */
bool	 settings_is_relay(const struct settings *, const char *domain,
	    size_t len);

/* Where mail of a sender (NULL: any) for a domain is sent, HOST[:PORT]: key
 * route, then relay_by_sender, then relay; "" is where its MX says. */
const char *settings_next_host(const struct settings *,
	    const struct address *sender, const char *domain);

/* Is the sender the one that a setting names: an address, or @domain? */
bool	 settings_is_sender(const char *name, const struct address *);

/* What key tls_policy says of a domain, or of a host that mail is relayed to,
 * or else of all; "" nothing. */
const char *settings_tls_policy(const struct settings *, const char *name);

/* Take "HOST[:PORT]" apart, as the keys relay and route have it, and -r:
 * the host without brackets; port stays when there is none.  0, or -1: it is
 * malformed. */
#define SETTINGS_HOST_MAX	256	/* NUL included */
int	 settings_host_port(const char *, char host[SETTINGS_HOST_MAX],
	    unsigned short *port);

/* One check of -n: 0; -1 and what is wrong in error[CONF_ERROR_MAX]; or 1 and
 * what is no fault, but should be known.
 * Modules offer functions of this form (users_check, spool_check, ...). */
typedef int settings_check(const struct settings *, char *error);

/* hostname is a full name, not "mail" or "localhost". */
settings_check settings_check_hostname;

/* door_user, mail_user and spool_user exist (only asked of root). */
settings_check settings_check_accounts;

/* The filter is there, and may be run. */
settings_check settings_check_filter;

/* tls_cert and tls_key can be read and belong together; none is good too. */
settings_check settings_check_tls;

#endif
