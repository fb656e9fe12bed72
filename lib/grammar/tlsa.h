/* SPDX-License-Identifier: ISC
 *
 * Whether a TLSA record (RFC 6698) can be used for SMTP (RFC 7672).  Whether
 * the answer it came in was secure is the caller's to know.
 */
#ifndef GRAMMAR_TLSA_H
#define GRAMMAR_TLSA_H

#include <stddef.h>

/* Certificate usages, selectors, matching types (RFC 7218). */
enum { TLSA_PKIX_TA, TLSA_PKIX_EE, TLSA_DANE_TA, TLSA_DANE_EE };
enum { TLSA_CERT, TLSA_SPKI };
enum { TLSA_FULL, TLSA_SHA2_256, TLSA_SHA2_512 };

enum tlsa_fitness {
	TLSA_USABLE,
	TLSA_BAD_USAGE,		/* PKIX-TA, PKIX-EE, or an unknown one */
	TLSA_BAD_SELECTOR,
	TLSA_BAD_MATCHING,
	TLSA_BAD_LENGTH,	/* of a digest */
	TLSA_BAD_DATA		/* in full, and neither a certificate nor a key
				 * by its first octets and its length */
};

/* A record's four fields, data of n octets. */
enum tlsa_fitness tlsa_judge(unsigned usage, unsigned selector,
	    unsigned matching, const unsigned char *data, size_t n);

/* What is wrong, in words; "usable". */
const char *tlsa_words(enum tlsa_fitness);

#endif
