/* SPDX-License-Identifier: ISC
 *
 * Names of mailboxes between the client and the mailbox: a command's are
 * converted when they are read (imap_lex_mailbox()), an answer's here and
 * nowhere else.
 */
#include <string.h>

#include "grammar/imap_write.h"
#include "session.h"

static int
is_stored(void *arg, const char *name)
{
	struct session *s = arg;

	return mailbox_exists(s->root, name) == MAILBOX_OK;
}

const struct imap_names *
session_names(struct session *s)
{
	s->names.separator = *s->settings->separator;
	s->names.prefix = s->settings->prefix;
	s->names.utf8 = (s->enabled & (ENABLED_UTF8 | ENABLED_REV2)) != 0;
	s->names.stored = s->root == NULL ? NULL : is_stored;
	s->names.arg = s;
	return &s->names;
}

static bool
has_8bit(const char *p, size_t n)
{
	while (n-- > 0)
		if ((unsigned char)*p++ >= 0x80)
			return true;
	return false;
}

void
reply_wire_name(struct session *s, struct buf *b, const char *wire, size_t n)
{
	size_t i;

	if (!session_names(s)->utf8 || !has_8bit(wire, n)) {
		imap_write_astring(b, wire, n);
		return;
	}
	/* RFC 6855 section 3, RFC 9051 4.3: UTF-8 in a quoted string.  It has
	 * no control characters. */
	buf_addc(b, '"');
	for (i = 0; i < n; i++) {
		if (wire[i] == '"' || wire[i] == '\\')
			buf_addc(b, '\\');
		buf_addc(b, wire[i]);
	}
	buf_addc(b, '"');
}

void
reply_mailbox_name(struct session *s, struct buf *b, const char *name)
{
	struct buf wire;

	buf_init(&wire, IMAP_SHOWN_MAX);
	if (imap_names_show(session_names(s), name, &wire) == 0)
		reply_wire_name(s, b, wire.data, wire.len);
	else
		b->failed = 1;
	buf_free(&wire);
}
