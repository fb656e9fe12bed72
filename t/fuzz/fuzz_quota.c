/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in a file maildirsize break its parser, and that what
 * it believes is within bounds.
 */
#include <stdint.h>
#include <stdlib.h>

#include "mail/quota.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quota_text t;
	int r = quota_parse(&t, (const char *)data, size);

	if (t.limits.bytes > INT64_MAX || t.limits.messages > INT64_MAX ||
	    t.bytes > INT64_MAX || t.messages > INT64_MAX ||
	    (r == 0 && t.lines == 0))
		abort();
	return 0;
}
