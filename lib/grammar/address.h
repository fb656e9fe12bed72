/* SPDX-License-Identifier: ISC
 *
 * Addresses of the envelope: Mailbox, Path, Domain and address literal of
 * RFC 5321, section 4.1.2 and 4.1.3.  Those of header fields are in
 * grammar/addrlist.h.
 *
 * A parsed address is canonical: the local part without its quoting, the
 * domain as written.  It never holds a NUL, a control or malformed UTF-8; and
 * no other UTF-8 than what RFC 6531, section 3.3 adds.
 */
#ifndef GRAMMAR_ADDRESS_H
#define GRAMMAR_ADDRESS_H

#include <stddef.h>

#include "bytes/buf.h"

/*
 * RFC 5321, section 4.5.3.1: a local part of 64 octets and a path of 256 must
 * be taken, and more where one can: bounce addresses that carry another
 * address are longer.  So the bounds here are wider but for the domain's.
 */
#define ADDRESS_LOCAL_MAX	255
#define ADDRESS_DOMAIN_MAX	255
#define ADDRESS_LABEL_MAX	63
/* Room for any address as text, quoted, and its NUL. */
#define ADDRESS_TEXT_MAX	(2 * ADDRESS_LOCAL_MAX + 2 + 1 + \
				    ADDRESS_DOMAIN_MAX + 1)

/*
 * Both "" is the null reverse-path; only domain "" a local part alone
 * (<Postmaster>).  An address literal stands in domain with its brackets.
 */
struct address {
	char	local[ADDRESS_LOCAL_MAX + 1];
	char	domain[ADDRESS_DOMAIN_MAX + 1];
};

/*
 * The rules.  Each takes what it finds at *p, not past end, and moves *p
 * behind it: 1 found; 0 absent, nothing moved; -1 malformed, *p is where, and
 * *why (may be NULL) says in a few words for a reply what is wrong.
 */
/* local-part "@" (domain / literal); without the "@" a local part alone. */
int	 address_mailbox(const char **p, const char *end, struct address *,
	    const char **why);
/* "<" [source route ":"] mailbox ">", or "<>"; a route is dropped
 * (RFC 5321, appendix C). */
int	 address_path(const char **p, const char *end, struct address *,
	    const char **why);

/* A whole text, such as an argument: a mailbox with or without "<" and ">",
 * or "<>", or "" (both the null address).  1, or -1 with why. */
int	 address_parse(struct address *, const char *, size_t,
	    const char **why);
/* The same with UTF-8, as the rules above take it; the one above is for those
 * who can do no more than ASCII. */
int	 address_parse_utf8(struct address *, const char *, size_t,
	    const char **why);

/* 1 when SMTPUTF8 is not needed for it. */
int	 address_is_ascii(const struct address *);

/* 1 when the text is a domain or an address literal, ASCII, and nothing
 * else. */
int	 address_is_host(const char *, size_t);

/* The address in an address literal with its brackets: 4 or 6 and ip in
 * network order; 0 when it is none of these two. */
int	 address_literal_ip(const char *, size_t, unsigned char ip[16]);

int	 address_is_null(const struct address *);

/* The same mailbox?  Domains without letter case, local parts as they are
 * (RFC 5321, section 2.4). */
int	 address_equal(const struct address *, const struct address *);

/* Append local@domain, the local part quoted when it must be; nothing for
 * the null address.  0, or -1 as buf_add(). */
int	 address_write(struct buf *, const struct address *);

/* The same to an array; returns it. */
char	*address_text(const struct address *, char text[ADDRESS_TEXT_MAX]);

#endif
