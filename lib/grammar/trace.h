/* SPDX-License-Identifier: ISC
 *
 * Trace fields (RFC 5321, section 4.4): Received, Return-Path, and
 * Delivered-To; written in disk form (LF), folded; and the two lines in which
 * the spool keeps the envelope of a message with one recipient.
 */
#ifndef GRAMMAR_TRACE_H
#define GRAMMAR_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"
#include "grammar/address.h"

struct trace_received {
	const char	*helo;		/* as struct smtp_command's helo */
	const char	*name;		/* reverse name of the peer, confirmed;
					 * NULL or "": unknown */
	const char	*ip;		/* of the peer, as text; NULL or "": not
					 * from the network */
	const char	*who;		/* then: "uid 1000", or NULL */
	const char	*by;		/* our host name */
	const char	*with;		/* trace_with() */
	const char	*id;		/* queue id */
	const struct address *rcpt;	/* the only recipient, else NULL */
	int64_t		 time;		/* see grammar/date.h */
	int		 zone;
};

/* Append a Received field with its line end.  0, or -1 as buf_add(). */
int	 trace_received(struct buf *, const struct trace_received *);

/* The protocol token of RFC 3848: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, and
 * the same four of LMTP; with SMTPUTF8 those of RFC 6531, section 4.3. */
enum {
	TRACE_ESMTP = 1,	/* EHLO, not HELO */
	TRACE_TLS = 2,
	TRACE_AUTH = 4,
	TRACE_LMTP = 8,
	TRACE_UTF8 = 16
};
const char *trace_with(unsigned flags);

/* Append "Return-Path: <local@domain>\n", "Delivered-To: local@domain\n". */
int	 trace_return_path(struct buf *, const struct address *);
int	 trace_delivered_to(struct buf *, const struct address *);

/*
 * Read the envelope in the first two lines of a text (LF or CRLF): exactly
 * Return-Path, then Delivered-To, as written by the two above.  1, and *len
 * octets are these lines; 0: they are not there; -1: the first is there and
 * the rest is malformed or cut.
 */
int	 trace_read_envelope(const char *, size_t, struct address *from,
	    struct address *to, size_t *len);

/* Enough of a file for trace_read_envelope(). */
#define TRACE_ENVELOPE_MAX	(2 * (ADDRESS_TEXT_MAX + 32))

#endif
