/* SPDX-License-Identifier: ISC
 *
 * Proves that no text breaks the parser of aliases and tables, and that all it
 * gives is whole: a name, targets that are addresses or marked as others.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/address.h"
#include "grammar/alias.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_target(enum alias_form form, const char *p)
{
	struct address a;
	const char *rest;

	switch (alias_target(p, &rest)) {
	case ALIAS_ADDRESS:
	case ALIAS_USER:
		if (address_parse_utf8(&a, rest, strlen(rest), NULL) != 1 ||
		    address_is_null(&a))
			abort();
		break;
	case ALIAS_DOMAIN:
		if (form != ALIAS_TABLE || *rest == '\0')
			abort();
		break;
	case ALIAS_PROGRAM:
	case ALIAS_FILE:
	case ALIAS_INCLUDE:
	case ALIAS_UNKNOWN:
		if (rest < p || rest > p + strlen(p))
			abort();
		break;
	}
}

static void
check_entry(enum alias_form form, const struct buf *b)
{
	const char *p = b->data, *end = b->data + b->len;

	if (b->len < 2 || end[-1] != '\0' || end[-2] != '\0' ||
	    (*p == '\0') != (form == ALIAS_MEMBERS))
		abort();
	for (p += strlen(p) + 1; p < end - 1; p += strlen(p) + 1) {
		if (form == ALIAS_LIST)
			abort();
		check_target(form, p);
	}
	if (p != end - 1)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct alias_reader r;
	const char *why = NULL;
	struct buf b;
	unsigned line;
	int form, found;

	for (form = ALIAS_NAMES; form <= ALIAS_LIST; form++) {
		buf_init(&b, 2 * size + 16);
		alias_reader_init(&r, (enum alias_form)form,
		    (const char *)data, size);
		while ((found = alias_next(&r, &b, &line, &why)) == 1) {
			check_entry((enum alias_form)form, &b);
			buf_reset(&b);
		}
		if (found == -1 && (why == NULL || line == 0))
			abort();
		buf_free(&b);
	}
	return 0;
}
