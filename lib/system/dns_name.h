/* SPDX-License-Identifier: ISC
 *
 * Domain names in wire form, lower-cased: the arithmetic that DNSSEC does with
 * them (RFC 4034: canonical order).  Pure: no memory, no clock, no ldns.
 */
#ifndef SYSTEM_DNS_NAME_H
#define SYSTEM_DNS_NAME_H

#include <stddef.h>
#include <stdint.h>

#define DNS_WIRE_MAX	255	/* octets of a name (RFC 1035) */

/* Labels with their lengths before them, the root's 0 at the end. */
struct dns_name {
	uint8_t	len;
	uint8_t	wire[DNS_WIRE_MAX];
};

/* Of an uncompressed name that fills n octets; 0, or -1: it is none. */
int	 dns_name_set(struct dns_name *, const uint8_t *, size_t n);

/* How many labels, without the root. */
unsigned dns_name_labels(const struct dns_name *);

/* The name of the last n labels of another, which has as many. */
void	 dns_name_tail(struct dns_name *, const struct dns_name *, unsigned n);

/* "*." before a name; 0, or -1: too long. */
int	 dns_name_wildcard(struct dns_name *, const struct dns_name *);
int	 dns_name_is_wildcard(const struct dns_name *);

int	 dns_name_equal(const struct dns_name *, const struct dns_name *);

/* Whether the first is the second or beneath it. */
int	 dns_name_within(const struct dns_name *, const struct dns_name *);

/* <0, 0, >0 in canonical order. */
int	 dns_name_compare(const struct dns_name *, const struct dns_name *);

/* How many labels at their ends are the same. */
unsigned dns_name_common(const struct dns_name *, const struct dns_name *);

/* For words to people: what is not a letter, a digit, '-', '_' or '*' is
 * written as '?'; the root is ".". */
const char *dns_name_text(const struct dns_name *, char *, size_t);

#endif
