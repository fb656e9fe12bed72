/* SPDX-License-Identifier: ISC
 *
 * Names of mailboxes between the wire and the folder: what a client may make is
 * shown to it as it was given, what others have stored is found under the name
 * it is shown by.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "grammar/imap_names.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
is_the_one(void *arg, const char *name)
{
	return strcmp(arg, name) == 0;
}

static const struct imap_names forms[] = {
	{ '.', "", 0 }, { '/', "", 0 }, { '.', "", 1 }, { '/', "", 1 },
	{ '.', "INBOX.", 0 }, { '/', "mail/", 1 }
};

/* It is shown, and understood again. */
static void
both_ways(const struct imap_names *f, const char *stored, struct buf *shown)
{
	char again[IMAP_STORED_SIZE];

	buf_init(shown, IMAP_SHOWN_MAX);
	assert(imap_names_show(f, stored, shown) == 0);
	if (f->stored == NULL) {
		assert(imap_names_store(f, buf_str(shown), again) == 1);
		assert(strcmp(stored, again) == 0);
	}
}

static void
from_wire(const struct imap_names *f, const char *wire)
{
	size_t n = strlen(f->prefix);
	char stored[IMAP_STORED_SIZE];
	struct buf shown;

	if (!imap_names_store(f, wire, stored)) {
		assert(strcmp(stored, "/") == 0);
		return;
	}
	assert(strchr(stored, '/') == NULL);
	both_ways(f, stored, &shown);
	/* INBOX in any letter case, alone and as the first level. */
	assert(strlen(wire) == shown.len);
	assert(strncasecmp(wire, buf_str(&shown), n + 5) == 0);
	if (shown.len > n + 5 || strcasecmp(wire, "INBOX") != 0)
		assert(shown.len <= n + 5 ||
		    strcmp(wire + n + 5, buf_str(&shown) + n + 5) == 0);
	buf_free(&shown);
}

/* As mailbox_path() takes it. */
static int
is_usable(const char *name)
{
	const char *p;

	for (p = name; *p != '\0'; p++)
		if (*p < ' ' || *p > '~' || *p == '/' ||
		    (*p == '.' && (p == name || p[-1] == '.' || p[1] == '\0')))
			return 0;
	return p > name;
}

/* A folder that somebody made: under the name by which it is shown another is
 * found only when that is shown so, too. */
static void
from_folder(struct imap_names f, char *stored)
{
	char found[IMAP_STORED_SIZE];
	struct buf shown, other;

	if (!is_usable(stored))
		return;
	f.stored = is_the_one;
	f.arg = stored;
	both_ways(&f, stored, &shown);
	if (imap_names_store(&f, buf_str(&shown), found) == 1 &&
	    f.prefix[0] == '\0') {
		buf_init(&other, IMAP_SHOWN_MAX);
		assert(imap_names_show(&f, found, &other) == 0);
		assert(strcasecmp(buf_str(&shown), buf_str(&other)) == 0);
		buf_free(&other);
	}
	buf_free(&shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct imap_names *f;
	char text[IMAP_STORED_SIZE];

	if (size < 2 || size > sizeof(text))
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	f = &forms[(data[0] & 0x7f) % (sizeof(forms) / sizeof(forms[0]))];
	if (data[0] & 0x80)
		from_folder(*f, text);
	else
		from_wire(f, text);
	return 0;
}
