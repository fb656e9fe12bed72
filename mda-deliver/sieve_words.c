/* SPDX-License-Identifier: ISC
 *
 * All words of the language, and the names of its extensions.  A word that
 * no table has does not exist; one whose extension stands here may be asked
 * for by require.
 */
#include <string.h>

#include "sieve_script.h"

const char *const sieve_extensions[] = {
	"body", "comparator-i;ascii-numeric", "comparator-i;unicode-casemap",
	"copy", "date", "duplicate", "editheader", SIEVE_ENCODED, "enotify",
	"envelope", "environment", "ereject", "fileinto", "ihave",
	"imap4flags", "include", "index", "mailbox", "mailboxid",
	"mboxmetadata", "regex", "reject", "relational", "servermetadata",
	"special-use", "subaddress", "vacation", "vacation-seconds",
	SIEVE_VARIABLES,
	NULL
};

static const struct sieve_word *const tables[] = {
	sieve_control_words, sieve_test_words, sieve_action_words,
	sieve_vars_words, sieve_body_words, sieve_date_words,
	sieve_flags_words, sieve_vacation_words, sieve_notify_words,
	sieve_edit_words, sieve_duplicate_words, sieve_world_words,
	sieve_include_words,
};

/* Always there, required or not (RFC 5228, section 2.7.3). */
static const char *const comparators[] = {
	"comparator-i;octet", "comparator-i;ascii-casemap"
};

#define COUNT(a)	(sizeof(a) / sizeof(*(a)))

_Static_assert(COUNT(sieve_extensions) + COUNT(comparators) <= 64,
    "each extension has a bit");

uint64_t
sieve_extension_bit(const char *name)
{
	size_t i;

	for (i = 0; sieve_extensions[i] != NULL; i++)
		if (*name == *sieve_extensions[i] &&
		    strcmp(name, sieve_extensions[i]) == 0)
			return UINT64_C(1) << i;
	for (i = 0; i < COUNT(comparators); i++)
		if (strcmp(name, comparators[i]) == 0)
			return UINT64_C(1) << (63 - i);
	return 0;
}

bool
sieve_available(const char *name)
{
	return sieve_extension_bit(name) != 0;
}

const char *
sieve_extension_name(uint64_t bits)
{
	size_t i;

	for (i = 0; sieve_extensions[i] != NULL; i++)
		if ((bits >> i & 1) != 0)
			return sieve_extensions[i];
	return "";
}

/* FNV-1a. */
static size_t
slot(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h % SIEVE_HASH;
}

void
sieve_words_load(struct sieve_dictionary *d)
{
	const struct sieve_word *w;
	size_t i, at;

	memset(d, 0, sizeof(*d));
	for (i = 0; i < COUNT(tables); i++)
		for (w = tables[i]; w->name != NULL; w++) {
			for (at = slot(w->name); d->slot[at] != NULL;)
				at = (at + 1) % SIEVE_HASH;
			d->slot[at] = w;
		}
}

const struct sieve_word *
sieve_words_find(const struct sieve_dictionary *d, const char *name)
{
	size_t at;

	for (at = slot(name); d->slot[at] != NULL; at = (at + 1) % SIEVE_HASH)
		if (strcmp(d->slot[at]->name, name) == 0)
			return d->slot[at];
	return NULL;
}
