/* SPDX-License-Identifier: ISC
 *
 * TLS 1.2 and 1.3, server and client, behind a stream: tls.c shakes
 * hands, tls_context.c has what that takes; no other file but tls_dane.c knows
 * OpenSSL's TLS interface.  It never prints, and after tls_init() it opens no
 * file but in tls_server_load(), tls_server_refresh() and tls_client_new(): a
 * process that only shakes hands needs none.
 *
 * The life of a server: the parent calls tls_init(), tls_server_new(),
 * tls_server_load() once; before each fork tls_server_refresh(); the session
 * calls tls_accept() and then tls_server_forget(), which wipes the private key
 * from its memory.  A process that was forked from the parent and will not
 * shake hands calls tls_server_forget() first of all.
 */
#ifndef SYSTEM_TLS_H
#define SYSTEM_TLS_H

#include <stddef.h>

#include "system/stream.h"

#define TLS_ERROR_MAX	256	/* room for any text of an error here */

/*
 * Set OpenSSL up without its configuration file and exit handlers, load the
 * texts of its errors, seed its random numbers and fetch its algorithms, so
 * that nothing is loaded in a sandbox.  From here on all that OpenSSL frees is
 * overwritten, if nothing in the process has used OpenSSL before; so call it
 * early.  Repeating it does nothing.  0, or -1.
 */
int	 tls_init(void);

/* ---- server ---- */

struct tls_server;

/* Without a certificate yet; NULL: no memory.  Calls tls_init(). */
struct tls_server *tls_server_new(void);

/*
 * Load the certificate (PEM, its chain behind it) and its private key (PEM,
 * without a passphrase; may be the same file).  The names are kept for
 * tls_server_refresh().  0, or -1 with the reason in err, "FILE: what" (errlen
 * TLS_ERROR_MAX will do); the certificate held before stays in use.
 */
int	 tls_server_load(struct tls_server *, const char *cert,
	    const char *key, char *err, size_t errlen);

/*
 * Look whether a file has changed (a stat(2) of each) and load them again.
 * 1: a new certificate is in use; 0: nothing changed; -1: changed, but not
 * usable, the old one stays, the reason is in err; said once for a change.
 */
int	 tls_server_refresh(struct tls_server *, char *err, size_t errlen);

/* Whether a certificate is loaded: whether to offer STARTTLS. */
int	 tls_server_ready(const struct tls_server *);

/* When the certificate ends, seconds since 1970; 0 when none is loaded. */
long long tls_server_not_after(const struct tls_server *);

/* Wipe the private key and free.  A stream under TLS lives on.  NULL is
 * allowed. */
void	 tls_server_free(struct tls_server *);

/* The same for a process that was forked: the key is wiped, and the rest is
 * left as it is, unusable.  To free it would make a copy of most pages that it
 * shares with its parent.  NULL is allowed. */
void	 tls_server_forget(struct tls_server *);

/* The same, and this process has no TLS: no call of OpenSSL may follow. */
void	 tls_server_abandon(struct tls_server *);

/* ---- client ---- */

struct tls_client;

/*
 * cafile: certificates of the authorities for TLS_VERIFY (PEM), NULL for the
 * system's; all is read now.  NULL with the reason in err.  Calls tls_init().
 * With verify 0 no authority is loaded and only TLS_ANY can be asked for.
 */
struct tls_client *tls_client_new(int verify, const char *cafile, char *err,
	    size_t errlen);
void	 tls_client_free(struct tls_client *);

/* ---- on a stream ---- */

enum tls_begin {
	TLS_STARTTLS,	/* after a reply: pending input is refused */
	TLS_DIRECT	/* from the first octet: pending input (read behind a
			 * PROXY header) is the start of the handshake */
};

enum tls_verify {
	TLS_ANY,	/* opportunistic: any certificate, also none */
	TLS_VERIFY,	/* trusted, current, and for this host name */
	TLS_DANE	/* as a TLSA record says; needs no authority */
};

#define TLS_USAGE_DANE_TA	2
#define TLS_USAGE_DANE_EE	3

/* A TLSA record (RFC 6698). */
struct tls_tlsa {
	unsigned	 usage, selector, matching;
	const unsigned char *data;
	size_t		 len;
};

#define TLS_NAMES_MAX	2

struct tls_demand {
	const char	*host;		/* for SNI, unless it is an address, and
					 * to be in the certificate; with
					 * TLS_DANE the TLSA base domain */
	enum tls_verify	 verify;
	const char	*names[TLS_NAMES_MAX];	/* TLS_DANE: what else may
					 * be in it; NULL: none */
	const struct tls_tlsa *tlsa;	/* TLS_DANE; those that cannot be used
					 * are left out of account */
	size_t		 ntlsa;
};

/*
 * Flush, shake hands within the stream's timeout, and put TLS behind the
 * stream.  STREAM_OK, a deadline's status, or STREAM_ERROR with the reason in
 * stream_error(); after anything but OK the stream can only be freed: nothing
 * may be sent in the clear any more.  With TLS_STARTTLS and input pending:
 * STREAM_ERROR, nothing is shaken, nothing dropped, and the stream stays as
 * it is, in the clear.
 *
 * tls_connect sends host as SNI unless it is an address.  With TLS_ANY the
 * session may still have been verified: see tls_info.verified.
 */
enum stream_status tls_accept(struct stream *, struct tls_server *,
	    enum tls_begin);
enum stream_status tls_connect(struct stream *, struct tls_client *,
	    const char *host, enum tls_verify, enum tls_begin);

/* What stood against a peer's certificate. */
enum tls_fault {
	TLS_FAULT_NONE,		/* nothing, or nobody looked */
	TLS_FAULT_EXPIRED,
	TLS_FAULT_NAME,		/* it is another host's */
	TLS_FAULT_TRUST,	/* the chain, in whatever way */
	TLS_FAULT_TLSA		/* no TLSA record is of it */
};

struct tls_info {
	char	version[16];	/* "TLSv1.3" */
	char	cipher[64];	/* "TLS_AES_256_GCM_SHA384" */
	int	bits;		/* 256 */
	int	verified;	/* client: chain and name are good */
	int	dane;		/* client: verified by a TLSA record */
	enum tls_fault fault;	/* client */
	char	why[128];	/* client: why not verified, or "" */
	char	sni[256];	/* server: the name asked for, or "" */
};

/*
 * The same with all that can be asked.  *info is as from tls_describe(), and
 * after a handshake that failed it says what stood against the certificate, if
 * that was the reason.
 *
 * With TLS_DANE usage 3 is the certificate or the key itself, whatever name and
 * dates it has (RFC 7672); usage 2 is an authority, the chain to it is
 * verified, with dates and one of the names; other usages are left out of
 * account.  Of digests of one kind only the strongest count (RFC 7671).
 */
enum stream_status tls_connect_to(struct stream *, struct tls_client *,
	    const struct tls_demand *, enum tls_begin, struct tls_info *info);

/* Can this record be used for TLS_DANE?  1 or 0. */
int	 tls_tlsa_usable(struct tls_client *, const struct tls_tlsa *);

/* A demand with TLS_DANE without a connection: does this chain (PEM, the
 * host's own first) meet it?  1, 0; -1: no record or no certificate can be
 * used, no memory. */
int	 tls_dane_check(struct tls_client *, const struct tls_demand *,
	    const char *pem, size_t len);

/* What was agreed; 1, or 0 when the stream is in the clear (all empty). */
int	 tls_describe(const struct stream *, struct tls_info *);

/* Whether the stream is under TLS. */
int	 tls_on(const struct stream *);

/* What names this connection, or its server, to a mechanism that is bound to
 * it (RFC 5056).  On a server's stream. */
enum tls_binding {
	TLS_EXPORTER,		/* RFC 9266: nothing before TLS 1.3 without
				 * extended master secret */
	TLS_SERVER_END_POINT	/* RFC 5929, section 4: of the certificate */
};

/* Octets in out[size], 64 will do; 0: there is no such binding here. */
size_t	 tls_channel(const struct stream *, enum tls_binding, void *out,
	    size_t size);

#endif
