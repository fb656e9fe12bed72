/* SPDX-License-Identifier: ISC
 *
 * Proves names of mailboxes between the wire and the Maildir++ folder: each
 * row both ways, what was stored by others, and what no mailbox can have.
 */
#include "grammar/imap_names.h"
#include "tap.h"

/* Its usual form, with "&-", would be too long. */
#define AND16	"&&&&&&&&&&&&&&&&"
#define AND192	AND16 AND16 AND16 AND16 AND16 AND16 AND16 AND16 AND16 AND16 \
	AND16 AND16

/* These exist, to be found as they are shown. */
static const char *const there[] = {
	"R&D", "Entw&APw-rfe", "a\\2fb", "x\\5cy", "&AAE-",
	"Entw&APw-rfe.&AAE-", "\\2e", AND192
};

static int
stored(void *arg, const char *name)
{
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		if (strcmp(there[i], name) == 0)
			return 1;
	return 0;
}

static const struct imap_names forms[] = {
	{ '.', "", 0, stored, NULL },
	{ '/', "", 0, stored, NULL },
	{ '.', "", 1, stored, NULL },
	{ '/', "", 1, stored, NULL },
	{ '.', "INBOX.", 0, stored, NULL },
	{ '/', "mail/", 1, stored, NULL },
};

enum { DOT, SLASH, DOT8, SLASH8, COURIER, PREFIX8 };

/* The shown name is stored so, and that is shown so. */
static const struct {
	int		 form;
	const char	*wire, *stored;
} rows[] = {
	{ DOT, "INBOX", "INBOX" },
	{ DOT, "a.b", "a.b" },
	{ DOT, "a/b", "a\\2fb" },
	{ DOT, "Entw&APw-rfe", "Entw&APw-rfe" },
	{ DOT, "R&-D", "R&-D" },
	{ DOT, "~*%#\"", "~*%#\"" },
	{ DOT, "\\", "\\" },
	{ DOT, "\\x", "\\x" },
	{ DOT, "\\2fx", "\\5c2fx" },
	{ DOT, "\\5c2fx", "\\5c5c2fx" },
	{ DOT, "\\2", "\\2" },
	{ DOT, "\\5C", "\\5C" },
	{ DOT, "\\2e", "\\2e" },		/* it is there */
	{ DOT, "x\\5cy", "x\\5cy" },		/* it is there */
	{ DOT, "R&D", "R&D" },			/* it is there */
	{ SLASH, "a/b", "a.b" },
	{ SLASH, "a.b/c", "a\\2eb.c" },
	{ SLASH, ".a./b", "\\2ea\\2e.b" },
	{ SLASH, "\\2f", "\\5c2f" },
	{ SLASH, "INBOX/a", "INBOX.a" },
	{ DOT8, "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	{ DOT8, "R&D", "R&D" },			/* it is there */
	{ DOT8, AND192, AND192 },		/* it is there */
	{ DOT8, "Q&A", "Q&-A" },
	{ DOT8, "&", "&-" },
	{ DOT8, "&AAE-", "&AAE-" },		/* a control, it is there */
	{ DOT8, "Entw\xc3\xbcrfe.&AAE-", "Entw&APw-rfe.&AAE-" },
	/* RFC 3501 5.1.3, the example's name */
	{ DOT8, "~peter.mail.\xe5\x8f\xb0\xe5\x8c\x97.\xe6\x97\xa5\xe6\x9c\xac"
	    "\xe8\xaa\x9e", "~peter.mail.&U,BTFw-.&ZeVnLIqe-" },
	{ DOT8, "\xf0\x9f\x98\x80", "&2D3eAA-" },
	{ DOT8, "\xe2\x82\xac/a", "&IKw-\\2fa" },
	{ DOT8, "\xc3\xbc\xc3\xbc\xc3\xbc.x", "&APwA,AD8-.x" },
	{ SLASH8, "a.\xc3\xbc/b", "a\\2e&APw-.b" },
	{ COURIER, "INBOX", "INBOX" },
	{ COURIER, "INBOX.Sent", "Sent" },
	{ COURIER, "INBOX.INBOX.x", "INBOX.x" },
	{ PREFIX8, "mail/\xc3\xbc.x/b", "&APw-\\2ex.b" },
	{ PREFIX8, "INBOX", "INBOX" },
};

/* One way: what is understood, and what nobody can have. */
static const struct {
	int		 form;
	const char	*wire, *stored;
} in[] = {
	{ DOT, "inbox", "INBOX" },
	{ DOT, "inBox.a", "INBOX.a" },
	{ DOT, "inboxa", "inboxa" },
	{ DOT, "a.", "a." },
	{ DOT, ".a", ".a" },
	{ DOT, "", "/" },
	{ DOT, "Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe" },	/* not to be made */
	{ DOT8, "a\xff", "/" },
	{ DOT8, "a\x01", "/" },
	{ DOT8, "a\x7f", "/" },
	{ DOT8, "a\xc2\x85", "/" },
	{ DOT8, "a\xe2\x80\xa8", "/" },
	{ DOT8, "Entw&APw-rfe", "Entw&-APw-rfe" },
	{ COURIER, "inbox.inbox.x", "INBOX.x" },
	{ COURIER, "Inbox.Sent", "Sent" },
	{ COURIER, "Sent", "/" },
	{ COURIER, "INBOX.", "/" },
	{ PREFIX8, "mail", "/" },
	{ PREFIX8, "Mail/a", "/" },
	{ PREFIX8, "inbox/a", "/" },
};

/* Shown otherwise than understood: what others made. */
static const struct {
	int		 form;
	const char	*stored, *wire;
} out[] = {
	{ DOT8, "R&D", "R&D" },
	{ DOT8, "R&-D", "R&D" },
	{ DOT8, "&AAo-", "&AAo-" },
	{ DOT8, "&APw-.&x", "\xc3\xbc.&x" },
	{ SLASH, "a\\2fb", "a\\2fb" },
	{ DOT, "a\\", "a\\" },
	{ DOT, "a\\5c", "a\\5c" },
	{ DOT, "a\\5c2", "a\\5c2" },
	{ DOT, "a\\2F", "a\\2F" },
};

int
main(void)
{
	char name[IMAP_STORED_SIZE], long_name[400];
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		is_int(imap_names_store(&forms[rows[i].form], rows[i].wire,
		    name), 1, rows[i].wire);
		is_str(name, rows[i].stored, "is stored so");
		buf_init(&b, IMAP_SHOWN_MAX);
		is_int(imap_names_show(&forms[rows[i].form], rows[i].stored,
		    &b), 0, rows[i].stored);
		is_str(buf_str(&b), rows[i].wire, "is shown so");
		buf_free(&b);
	}
	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		is_int(imap_names_store(&forms[in[i].form], in[i].wire, name),
		    strcmp(in[i].stored, "/") != 0, in[i].wire);
		is_str(name, in[i].stored, "is understood so");
	}
	for (i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		buf_init(&b, IMAP_SHOWN_MAX);
		is_int(imap_names_show(&forms[out[i].form], out[i].stored,
		    &b), 0, out[i].stored);
		is_str(buf_str(&b), out[i].wire, "is shown so");
		buf_free(&b);
	}

	memset(long_name, 'a', sizeof(long_name));
	long_name[255] = '\0';
	is_int(imap_names_store(&forms[DOT], long_name, name), 1,
	    "as long as can be");
	long_name[255] = 'a';
	long_name[256] = '\0';
	is_int(imap_names_store(&forms[DOT], long_name, name), 0,
	    "too long");
	memset(long_name, '/', 128);
	long_name[128] = '\0';
	is_int(imap_names_store(&forms[DOT], long_name, name), 0,
	    "too long when it is stored");
	return done();
}
