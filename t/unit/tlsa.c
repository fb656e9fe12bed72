/* SPDX-License-Identifier: ISC
 *
 * Proves which TLSA records SMTP can use (RFC 7672): all usages, selectors,
 * matching types and lengths.
 */
#include "grammar/tlsa.h"
#include "tap.h"

static const unsigned char digest[65];
static const unsigned char small[] = { 0x30, 3, 1, 1, 0 };
static const unsigned char big[3 + 0x80] = { 0x30, 0x81, 0x80 };

static const struct {
	unsigned		 usage, selector, matching;
	const unsigned char	*data;
	size_t			 n;
	enum tlsa_fitness	 want;
} rows[] = {
	{ 3, 1, 1, digest, 32, TLSA_USABLE },
	{ 3, 0, 1, digest, 32, TLSA_USABLE },
	{ 2, 0, 1, digest, 32, TLSA_USABLE },
	{ 2, 1, 2, digest, 64, TLSA_USABLE },
	{ 0, 1, 1, digest, 32, TLSA_BAD_USAGE },
	{ 1, 1, 1, digest, 32, TLSA_BAD_USAGE },
	{ 4, 1, 1, digest, 32, TLSA_BAD_USAGE },
	{ 255, 1, 1, digest, 32, TLSA_BAD_USAGE },
	{ 3, 2, 1, digest, 32, TLSA_BAD_SELECTOR },
	{ 3, 255, 1, digest, 32, TLSA_BAD_SELECTOR },
	{ 3, 1, 3, digest, 32, TLSA_BAD_MATCHING },
	{ 3, 1, 1, digest, 31, TLSA_BAD_LENGTH },
	{ 3, 1, 1, digest, 33, TLSA_BAD_LENGTH },
	{ 3, 1, 1, digest, 64, TLSA_BAD_LENGTH },
	{ 3, 1, 1, digest, 0, TLSA_BAD_LENGTH },
	{ 3, 1, 2, digest, 32, TLSA_BAD_LENGTH },
	{ 3, 1, 2, digest, 65, TLSA_BAD_LENGTH },
	{ 3, 1, 0, small, 5, TLSA_USABLE },
	{ 2, 0, 0, big, sizeof(big), TLSA_USABLE },
	{ 3, 1, 0, small, 4, TLSA_BAD_DATA },
	{ 3, 1, 0, big, sizeof(big) - 1, TLSA_BAD_DATA },
	{ 3, 1, 0, big, 2, TLSA_BAD_DATA },
	{ 3, 1, 0, digest, 32, TLSA_BAD_DATA },
	{ 3, 1, 0, digest, 0, TLSA_BAD_DATA },
};

int
main(void)
{
	enum tlsa_fitness f;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f = tlsa_judge(rows[i].usage, rows[i].selector,
		    rows[i].matching, rows[i].data, rows[i].n);
		ok(f == rows[i].want, "%u %u %u, %zu octets: %s",
		    rows[i].usage, rows[i].selector, rows[i].matching,
		    rows[i].n, tlsa_words(f));
	}
	return done();
}
