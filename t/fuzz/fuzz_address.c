/* SPDX-License-Identifier: ISC
 *
 * Proves that no text breaks the address parsers, that an address that was
 * taken is the same after it was written, and holds nothing that could break
 * a command or a log; and that address lists come to an end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/address.h"
#include "grammar/addrlist.h"
#include "grammar/idna.h"
#include "grammar/message_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
envelope(const char *p, size_t size)
{
	char text[ADDRESS_TEXT_MAX], name[IDNA_MAX];
	struct address a, b;
	const char *why = NULL, *s;

	if (idna_ascii(name, p, size) == 0)
		for (s = name; *s != '\0'; s++)
			if ((unsigned char)*s > 127)
				abort();

	if (address_parse_utf8(&a, p, size, &why) != 1) {
		if (why == NULL)
			abort();
		return;
	}
	address_text(&a, text);
	for (s = text; *s != '\0'; s++)
		if ((*s >= 0 && *s < ' ') || *s == 0x7f)
			abort();
	if (!utf8_valid(text, strlen(text)) ||
	    address_parse_utf8(&b, text, strlen(text), NULL) != 1 ||
	    strcmp(a.local, b.local) != 0 || strcmp(a.domain, b.domain) != 0)
		abort();
}

static void
list(const char *p, size_t size)
{
	struct addrlist_item item;
	struct addrlist l;
	size_t n = 0, len;
	int depth = 0;
	const char *id, *end = p + size;

	addrlist_init(&l, p, size);
	while (addrlist_next(&l, &item) == 1) {
		if (++n > 2 * size + 2)
			abort();
		if (item.kind == ADDRLIST_GROUP)
			depth++;
		else if (item.kind == ADDRLIST_GROUP_END)
			depth--;
		if (depth < 0 || depth > 1)
			abort();
		if (item.kind == ADDRLIST_MAILBOX && item.mailbox.s == NULL)
			abort();
	}
	if (depth != 0 || l.p != l.end)
		abort();
	addrlist_free(&l);
	while (message_id_next(&p, end, &id, &len))
		if (len == 0 || id + len >= end)
			abort();
	if (p != end)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	envelope((const char *)data, size);
	list((const char *)data, size);
	return 0;
}
