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

static void
check(struct uidlist *l)
{
	struct uidlist_rec *rec;
	char value[32], info[MAILBOX_INFO_MAX + 1];
	uint32_t last = 0;
	uint64_t n;
	size_t i;

	for (i = 0; i < l->n; i++) {
		rec = &l->v[i];
		if (rec->uid <= last || rec->uid >= l->next ||
		    *rec->name == '\0' || strchr(rec->name, '/') != NULL)
			__builtin_trap();
		last = rec->uid;
		if (!rec->superseded &&
		    uidlist_find(l, rec->name, strlen(rec->name)) != rec)
			__builtin_trap();
		(void)uidlist_ext(rec, 'W', value, sizeof(value));
		(void)mailbox_file_size(rec->name, strlen(rec->name), 'S',
		    &n);
		mailbox_file_info(info, rec->ext,
		    mailbox_file_flags(rec->ext));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keywords k = { 0 };
	struct uidlist l;
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
	if ((text = uidlist_hold(&l, size)) != NULL) {
		memcpy(text, data + 1, size - 1);
		n = uidlist_parse(&l, text, cut, true);
		check(&l);
		if (n > 0) {
			memcpy(text + n, data + 1 + n, size - 1 - (size_t)n);
			(void)uidlist_parse(&l, text + n, size - 1 -
			    (size_t)n, false);
			check(&l);
		}
	}
	uidlist_free(&l);
	return 0;
}
