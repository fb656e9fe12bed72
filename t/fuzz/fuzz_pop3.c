/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets break the parser of POP3 command lines.
 */
#include <stdint.h>

#include "grammar/pop3.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pop3_command c;
	const char *p, *end, *arg;
	uint64_t number;
	size_t n;

	if (pop3_command((const char *)data, size, &c) != 1)
		return 0;
	p = c.rest;
	end = p + c.rest_len;
	if (c.keyword_len == 0 || end > (const char *)data + size)
		__builtin_trap();
	while (pop3_argument(&p, end, &arg, &n))
		if (arg < c.rest || arg + n > end ||
		    pop3_number(arg, n, &number) == 0)
			__builtin_trap();
	return 0;
}
