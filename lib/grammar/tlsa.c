/* SPDX-License-Identifier: ISC
 *
 * Which TLSA records SMTP can use (RFC 7672).
 */
#include "grammar/tlsa.h"

/* Is it one DER SEQUENCE, neither more nor less?  Certificates and public keys
 * both are. */
static int
is_sequence(const unsigned char *p, size_t n)
{
	size_t octets, len = 0, i;

	if (n < 2 || p[0] != 0x30)
		return 0;
	if (p[1] < 0x80)
		return n == 2u + p[1];
	octets = p[1] & 0x7f;
	if (octets == 0 || octets > 3 || n < 2 + octets)
		return 0;
	for (i = 0; i < octets; i++)
		len = len << 8 | p[2 + i];
	return n == 2 + octets + len;
}

enum tlsa_fitness
tlsa_judge(unsigned usage, unsigned selector, unsigned matching,
    const unsigned char *data, size_t n)
{
	if (usage != TLSA_DANE_TA && usage != TLSA_DANE_EE)
		return TLSA_BAD_USAGE;
	if (selector != TLSA_CERT && selector != TLSA_SPKI)
		return TLSA_BAD_SELECTOR;
	switch (matching) {
	case TLSA_FULL:
		return is_sequence(data, n) ? TLSA_USABLE : TLSA_BAD_DATA;
	case TLSA_SHA2_256:
		return n == 32 ? TLSA_USABLE : TLSA_BAD_LENGTH;
	case TLSA_SHA2_512:
		return n == 64 ? TLSA_USABLE : TLSA_BAD_LENGTH;
	default:
		return TLSA_BAD_MATCHING;
	}
}

const char *
tlsa_words(enum tlsa_fitness f)
{
	switch (f) {
	case TLSA_USABLE:
		return "usable";
	case TLSA_BAD_USAGE:
		return "its usage is neither 2 nor 3";
	case TLSA_BAD_SELECTOR:
		return "its selector is neither 0 nor 1";
	case TLSA_BAD_MATCHING:
		return "its matching type is none of 0, 1, 2";
	case TLSA_BAD_LENGTH:
		return "its digest has the wrong length";
	case TLSA_BAD_DATA:
		return "its data is neither a certificate nor a key";
	}
	return "unusable";
}
