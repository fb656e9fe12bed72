/* SPDX-License-Identifier: ISC
 *
 * Proves that no .qmail breaks its parser, that what it gives lies within the
 * text and holds neither NUL nor line end, and that a list has addresses alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/dotqmail.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *why = NULL;
	bool executable = size > 0 && data[0] == '#' && size % 2 == 0;
	struct dotqmail_reader r;
	struct dotqmail_target t;
	int found;

	dotqmail_init(&r, text, size, executable);
	while ((found = dotqmail_next(&r, &t, &why)) == 1) {
		if (t.text < text || t.text + t.len > text + size ||
		    memchr(t.text, '\0', t.len) != NULL ||
		    memchr(t.text, '\n', t.len) != NULL)
			abort();
		if (r.list && t.kind != DOTQMAIL_FORWARD)
			abort();
		if (t.kind == DOTQMAIL_FORWARD && address_is_null(&t.address))
			abort();
	}
	if (found == -1 && (why == NULL || r.line == 0))
		abort();
	return 0;
}
