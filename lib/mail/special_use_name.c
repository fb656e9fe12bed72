/* SPDX-License-Identifier: ISC
 *
 * Attributes of special uses, and the words of the key folders: what needs no
 * mailbox.
 */
#include <string.h>

#include "grammar/chars.h"
#include "mail/special_use.h"

static const struct {
	const char	*attribute;
	unsigned	 bit;
} table[] = {
	{ "\\Archive", SPECIAL_ARCHIVE },
	{ "\\Drafts", SPECIAL_DRAFTS },
	{ "\\Junk", SPECIAL_JUNK },
	{ "\\Sent", SPECIAL_SENT },
	{ "\\Trash", SPECIAL_TRASH },
};

#define NUSES	(sizeof(table) / sizeof(table[0]))

unsigned
special_use_bit(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < NUSES; i++)
		if (chars_is(s, n, table[i].attribute))
			return table[i].bit;
	return 0;
}

int
special_use_parse(const char *s, size_t n, unsigned *uses)
{
	const char *p = s, *end = s + n, *next;
	unsigned bit;

	*uses = 0;
	while (p < end) {
		if ((next = memchr(p, ' ', (size_t)(end - p))) == NULL)
			next = end;
		if (next > p) {
			bit = special_use_bit(p, (size_t)(next - p));
			if (bit == 0)
				return -1;
			*uses |= bit;
		}
		p = next + (next < end);
	}
	return 0;
}

int
special_use_write(struct buf *b, unsigned uses)
{
	const char *between = "";
	size_t i;

	for (i = 0; i < NUSES; i++)
		if (uses & table[i].bit) {
			buf_addf(b, "%s%s", between, table[i].attribute);
			between = " ";
		}
	return buf_failed(b) ? -1 : 0;
}

bool
special_use_folder(const char *word, char separator,
    char stored[IMAP_STORED_SIZE], unsigned *use)
{
	const struct imap_names form = { separator, "", 1, NULL, NULL };
	const char *equal = strstr(word, "=\\");
	char name[IMAP_SHOWN_MAX];
	size_t n = equal == NULL ? strlen(word) : (size_t)(equal - word);

	if (n == 0 || n >= sizeof(name))
		return false;
	memcpy(name, word, n);
	name[n] = '\0';
	*use = equal == NULL ? 0 : special_use_bit(equal + 1,
	    strlen(equal + 1));
	return imap_names_store(&form, name, stored) == 1 &&
	    (equal == NULL || *use != 0);
}

const char *
special_use_rule(const char *word)
{
	char stored[IMAP_STORED_SIZE];
	unsigned use;

	/* Its separator is not known here: either one. */
	return special_use_folder(word, '.', stored, &use) ||
	    special_use_folder(word, '/', stored, &use) ? NULL :
	    "is not a mailbox, or one with =\\Archive, =\\Drafts, =\\Junk, "
	    "=\\Sent or =\\Trash behind it";
}
