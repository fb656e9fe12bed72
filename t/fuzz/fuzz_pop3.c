/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets break the parser of POP3 command lines, the forms of
 * unique ids, or the surrogates of headers: an id is as long as it says, and
 * what comes out of a header is US-ASCII.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/pop3.h"
#include "grammar/surrogate.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fuzz_command(const char *data, size_t size)
{
	struct pop3_command c;
	const char *p, *end, *arg;
	uint64_t number;
	size_t n;

	if (pop3_command(data, size, &c) != 1)
		return;
	p = c.rest;
	end = p + c.rest_len;
	if (c.keyword_len == 0 || end > data + size)
		__builtin_trap();
	while (pop3_argument(&p, end, &arg, &n))
		if (arg < c.rest || arg + n > end ||
		    pop3_number(arg, n, &number) == 0)
			__builtin_trap();
}

/* The form up to the first NUL; the rest names the file. */
static void
fuzz_uidl(const char *data, size_t size)
{
	char text[512], id[256];
	struct pop3_names names = { 7, 4294967295u, "", 0 };
	size_t n, half;

	if (size >= sizeof(text))
		size = sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	half = strlen(text);
	if (half < size) {
		names.file = text + half + 1;
		names.file_len = size - half - 1;
	}
	n = pop3_uidl(text, &names, id, sizeof(id));
	if (n > sizeof(id))
		__builtin_trap();
	if (n > 0 && pop3_uidl(text, &names, id, n - 1) != 0)
		__builtin_trap();
	if (pop3_uidl_form(text) == 1 && names.file_len == 0 && n > 0 &&
	    !pop3_unique_id(id, n))
		__builtin_trap();
}

static void
fuzz_surrogate(const char *data, size_t size)
{
	struct buf out;
	size_t i;

	buf_init(&out, 1u << 20);
	if (surrogate_header(&out, data, size) == 0)
		for (i = 0; i < out.len; i++)
			if (out.data[i] & 0x80)
				__builtin_trap();
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;

	fuzz_command(p, size);
	fuzz_uidl(p, size);
	fuzz_surrogate(p, size);
	return 0;
}
