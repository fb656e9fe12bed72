/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in a UID list or a keywords file break their parsers,
 * that UIDs always rise, and that the next one is above all.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mail/keywords.h"
#include "mail/mailbox_file.h"
#include "mail/uidlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
take(void *arg, uint32_t uid, const char *name, const char *ext)
{
	char value[32], info[MAILBOX_INFO_MAX + 1];
	uint32_t *last = arg;
	uint64_t n;

	if (uid <= *last || *name == '\0' || strchr(name, '/') != NULL)
		__builtin_trap();
	*last = uid;
	(void)uidlist_ext(ext, 'W', value, sizeof(value));
	(void)mailbox_file_size(name, strlen(name), 'S', &n);
	mailbox_file_info(info, ext, mailbox_file_flags(ext));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keywords k = { 0 };
	struct uidlist l;
	uint32_t last = 0;
	char *text;
	ssize_t n;
	size_t cut;

	if (size < 2)
		return 0;
	(void)keywords_parse(&k, (const char *)data, size);
	keywords_free(&k);

	/* In two pieces, as a file that grows. */
	cut = data[0] * (size - 1) / 255;
	uidlist_init(&l);
	if ((text = malloc(size)) != NULL) {
		memcpy(text, data + 1, size - 1);
		n = uidlist_parse(&l, text, cut, true, take, &last);
		if (n > 0) {
			memcpy(text + n, data + 1 + n, size - 1 - (size_t)n);
			(void)uidlist_parse(&l, text + n, size - 1 -
			    (size_t)n, false, take, &last);
		}
		if (l.next <= last && l.validity != 0)
			__builtin_trap();
		free(text);
	}
	uidlist_free(&l);
	return 0;
}
