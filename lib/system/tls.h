/* SPDX-License-Identifier: ISC
 *
 * TLS 1.2 and 1.3, server and client, behind a stream.  tls.c is the only
 * file that knows OpenSSL's TLS interface.  It never prints, and after
 * tls_init() it opens no file but in tls_server_load(), tls_server_refresh()
 * and tls_client_new(): a process that only shakes hands needs none.
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
	TLS_VERIFY	/* trusted, current, and for this host name */
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

struct tls_info {
	char	version[16];	/* "TLSv1.3" */
	char	cipher[64];	/* "TLS_AES_256_GCM_SHA384" */
	int	bits;		/* 256 */
	int	verified;	/* client: chain and name are good */
	char	why[128];	/* client: why not verified, or "" */
	char	sni[256];	/* server: the name asked for, or "" */
};

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
