/* SPDX-License-Identifier: ISC
 *
 * QUOTA (RFC 9208, and RFC 2087 before it).  All mailboxes of a user have one
 * quota root, "", when there is a limit or a file maildirsize; limits are the
 * administrator's to set.
 */
#include <string.h>

#include "commands.h"
#include "grammar/imap_write.h"
#include "mail/quota.h"

#define ROOT	""
#define UNIT	1024		/* octets: section 5.1 */

/* quota-resource = resource-name SP resource-usage SP resource-limit */
static void
write_resource(struct buf *b, const char *name, uint64_t use, uint64_t limit)
{
	buf_addf(b, "%s%s %llu %llu", b->len > 0 ? " " : "", name,
	    (unsigned long long)use, (unsigned long long)limit);
}

/* quota-response = "QUOTA" SP quota-root-name SP quota-list; what is not
 * limited is not named (section 4.2.1). */
static void
tell_quota(struct session *s, const struct quota *q)
{
	struct buf b;

	buf_init(&b, 200);
	if (q->limits.bytes > 0)
		write_resource(&b, "STORAGE",
		    q->bytes / UNIT + (q->bytes % UNIT != 0),
		    q->limits.bytes / UNIT);
	if (q->limits.messages > 0)
		write_resource(&b, "MESSAGE", q->messages,
		    q->limits.messages);
	stream_printf(s->io, "* QUOTA \"" ROOT "\" (%s)\r\n", buf_str(&b));
	buf_free(&b);
}

static int
lex_root(struct imap_lex *l, struct imap_string *root)
{
	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (imap_lex_astring(l, root) != 1)
		return l->error != NULL ? -1 :
		    imap_lex_fail(l, "the name of a quota root is missing");
	return 0;
}

/* getquota = "GETQUOTA" SP quota-root-name */
enum reply
cmd_getquota(struct session *s, struct imap_lex *l)
{
	struct imap_string root;
	struct quota q;

	if (lex_root(l, &root) == -1 || imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	if (root.len != sizeof(ROOT) - 1 || !mailbox_root_use(s->root, &q))
		return REPLY_QUOTA_NONE;
	tell_quota(s, &q);
	return REPLY_OK;
}

/* getquotaroot = "GETQUOTAROOT" SP mailbox; it need not exist (4.1.2) */
enum reply
cmd_getquotaroot(struct session *s, struct imap_lex *l)
{
	struct imap_string name;
	struct quota q;
	struct buf b;
	bool have;

	if (args_mailbox(l, &name) == -1 || imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	have = mailbox_root_use(s->root, &q);
	buf_init(&b, 8192);
	imap_write_astring(&b, name.s, name.len);
	stream_printf(s->io, "* QUOTAROOT %s%s\r\n", buf_str(&b),
	    have ? " \"" ROOT "\"" : "");
	buf_free(&b);
	if (have)
		tell_quota(s, &q);
	return REPLY_OK;
}

/* resource-limit = number64, which is 63 bits (RFC 9051); it is not used. */
static bool
lex_limit(struct imap_lex *l)
{
	struct imap_string digits;

	return imap_lex_atom(l, &digits) == 1 && digits.len <= 19 &&
	    strspn(digits.s, "0123456789") == digits.len;
}

/* setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"
 * setquota-resource = resource-name SP resource-limit */
static int
lex_limits(struct imap_lex *l)
{
	struct imap_string name;
	int n;

	if (imap_lex_need_sp(l) == -1)
		return -1;
	if (!imap_lex_char(l, '('))
		return imap_lex_fail(l, "a list of limits is missing");
	for (n = 0; !imap_lex_char(l, ')'); n++) {
		if (n > 0 && imap_lex_need_sp(l) == -1)
			return -1;
		if (imap_lex_atom(l, &name) != 1 || !imap_lex_sp(l) ||
		    !lex_limit(l))
			return l->error != NULL ? -1 : imap_lex_fail(l,
			    "a resource and its limit are wanted");
	}
	return 0;
}

/* setquota = "SETQUOTA" SP quota-root-name SP setquota-list */
enum reply
cmd_setquota(struct session *s, struct imap_lex *l)
{
	struct imap_string root;

	if (lex_root(l, &root) == -1 || lex_limits(l) == -1 ||
	    imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	return REPLY_QUOTA_SET;
}
