/* SPDX-License-Identifier: ISC
 *
 * Proves a session's view of an mbox through mail/mailbox.h: numbers,
 * differences as IMAP tells them, flags and keywords, removal, saving and
 * copying, what of a tree there is, and that nobody follows its name to
 * another file.
 */
#include <sys/stat.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "bytes/buf.h"
#include "mail/mailbox.h"
#include "mail/mailbox_pop3.h"
#include "mail/mbox.h"
#include "mail/subscriptions.h"

static char top[] = "/tmp/stdmail-mailbox_mbox.XXXXXX";
static struct mailbox_root *root;
static struct buf text;

static void
deliver(const char *content)
{
	struct mbox_file m;

	if (mbox_begin(&m, "mbox", "a@b.test", 86400) == -1 ||
	    mbox_write(&m, content, strlen(content)) == -1 ||
	    mbox_end(&m) == -1)
		printf("# not delivered\n");
}

/* An mbox of three messages, and its root. */
static void
setup(void)
{
	unlink("mbox");
	deliver("A: 1\n\none\n");
	deliver("A: 2\n\ntwo two\n");
	deliver("A: 3\n\nFrom three\n");
	if (mailbox_root_open("mbox", MAILBOX_CREATE, &root) != MAILBOX_OK)
		printf("# cannot open the mbox\n");
}

static struct mailbox *
inbox(unsigned flags)
{
	struct mailbox *mb;

	if (mailbox_open(root, "inbox", flags, &mb) != MAILBOX_OK)
		printf("# cannot open INBOX\n");
	return mb;
}

/* "uid flags[*][!];..." of all messages: * recent, ! gone. */
static const char *
view(const struct mailbox *mb)
{
	struct mailbox_msg m;
	uint32_t seq;

	buf_reset(&text);
	for (seq = 1; seq <= mailbox_count(mb); seq++) {
		mailbox_msg(mb, seq, &m);
		buf_addf(&text, "%u %llx%s%s;", m.uid,
		    (unsigned long long)m.flags, m.recent ? "*" : "",
		    m.gone ? "!" : "");
	}
	return buf_str(&text);
}

/* "-seq ... ~seq ... +count k": what a refresh tells. */
static const char *
refresh(struct mailbox *mb, unsigned flags)
{
	struct mailbox_diff diff;
	enum mailbox_status status = mailbox_refresh(mb, flags, &diff);
	size_t i;

	buf_reset(&text);
	if (status != MAILBOX_OK)
		buf_addf(&text, "[%s] ", mailbox_status_text(status));
	for (i = 0; i < diff.nexpunged; i++)
		buf_addf(&text, "-%u ", diff.expunged[i]);
	for (i = 0; i < diff.nchanged; i++)
		buf_addf(&text, "~%u ", diff.changed[i]);
	if (diff.exists)
		buf_addf(&text, "+%u ", mailbox_count(mb));
	if (diff.keywords)
		buf_adds(&text, "k ");
	return buf_str(&text);
}

static const char *
content(struct mailbox *mb, uint32_t seq)
{
	static char data[200];
	struct message *m;
	size_t n = 0;

	if (mailbox_message(mb, seq, &m) != MAILBOX_OK)
		return "none";
	if (message_read(m, 0, data, sizeof(data) - 1, &n) == -1)
		n = 0;
	data[n] = '\0';
	message_close(m);
	return data;
}

static void
test_open(void)
{
	struct mailbox_known known;
	struct mailbox *a, *b;
	uint64_t size = 0;
	time_t date = 0;
	char id[100];

	setup();
	a = inbox(MAILBOX_KEEP_NEW);
	is_str(refresh(a, 0), "+3 ", "first refresh");
	is_str(view(a), "1 0*;2 0*;3 0*;", "UIDs in their order");
	is_str(refresh(a, 0), "", "nothing changed");
	is_int(mailbox_uidnext(a), 4, "UIDNEXT");
	mailbox_size(a, 2, &size);
	is_int((long long)size, 17, "size");
	ok(!mailbox_has_saved(a), "an mbox does not know when");
	mailbox_date(a, 2, &date);
	is_int((long long)date, 86400, "date");
	is_str(content(a, 3), "A: 3\r\n\r\nFrom three\r\n", "text");
	is_int(mailbox_seq(a, 3), 3, "by UID");
	is_int(mailbox_seq(a, 4), 0, "no such UID");
	mailbox_known(a, 2, &known);
	is_int(known.uid, 2, "POP3's id is of the UID");
	ok(known.base_len == 0 && !mailbox_pop3_id(a, 2, id, sizeof(id)),
	    "and of nothing else");
	b = inbox(0);
	is_str(refresh(b, 0), "+3 ", "a second session");
	is_int(mailbox_recent(b), 3, "has them as recent");
	is_int((long long)mailbox_uidvalidity(a), mailbox_uidvalidity(b),
	    "one UIDVALIDITY");
	mailbox_close(b);
	b = inbox(0);
	refresh(b, 0);
	is_str(view(b), "1 0;2 0;3 0;", "a third sees nothing recent");
	is_str(refresh(a, 0), "", "the first does not mind");
	mailbox_close(a);
	mailbox_close(b);
	mailbox_root_close(root);
}

static void
test_changes(void)
{
	const uint32_t first = 1, second = 2, both[] = { 1, 3 };
	struct mailbox_msg before, after;
	struct mailbox *a, *b;
	int k;

	setup();
	a = inbox(0);
	b = inbox(MAILBOX_KEEP_NEW);
	refresh(a, 0);
	refresh(b, 0);
	mailbox_msg(b, 2, &before);
	k = mailbox_keyword(a, "$New", true);
	is_int(k, 0, "a keyword");
	is_int(mailbox_store(a, &second, 1, MAILBOX_ADD, MAILBOX_SEEN |
	    MAILBOX_KEYWORD(0)), MAILBOX_OK, "flags");
	is_str(view(a), "1 0*;2 108*;3 0*;", "are there at once");
	is_str(refresh(a, 0), "k ", "and not told again");
	is_str(refresh(b, 0), "~2 k ", "but to others");
	is_str(mailbox_keyword_name(b, 0), "$New", "with the keyword");
	mailbox_msg(b, 2, &after);
	ok(after.modseq > before.modseq && mailbox_modseq(b) >=
	    after.modseq, "modification sequences rise");
	is_int(mailbox_store(b, both, 2, MAILBOX_REPLACE, MAILBOX_DELETED),
	    MAILBOX_OK, "flags replaced");
	is_int(mailbox_store(a, &first, 1, MAILBOX_REMOVE, MAILBOX_DELETED),
	    MAILBOX_OK, "and taken away, not yet known to be there");
	is_str(refresh(a, 0), "~3 ", "the other one is told");
	is_int(mailbox_expunge(b, both, 2, true), MAILBOX_OK, "removed");
	is_str(view(b), "1 0;2 108;3 4!;", "what still is deleted");
	is_str(refresh(a, MAILBOX_NO_EXPUNGE), "", "not to be told now");
	is_str(view(a), "1 0*;2 108*;3 4*!;", "gone, with its number");
	is_str(content(a, 3), "none", "it cannot be had");
	is_int(mailbox_store(a, both, 2, MAILBOX_ADD, MAILBOX_DRAFT),
	    MAILBOX_OK, "and is passed over");
	deliver("A: 4\n\nfour\n");
	is_str(refresh(a, 0), "-3 +3 ", "told, and what is new");
	is_str(view(a), "1 10*;2 108*;4 0*;", "a new UID");
	is_str(refresh(b, 0), "-3 ~1 +3 ", "to both");
	is_int(mailbox_recent(a), 3, "recent ones are counted");
	mailbox_close(b);
	b = inbox(MAILBOX_READONLY | MAILBOX_KEEP_NEW);
	refresh(b, 0);
	is_int(mailbox_store(b, &first, 1, MAILBOX_ADD, MAILBOX_SEEN),
	    MAILBOX_NOT_PERMITTED, "not where it is only read");
	is_int(mailbox_expunge(b, &first, 1, false), MAILBOX_NOT_PERMITTED,
	    "nor removed");
	mailbox_close(a);
	mailbox_close(b);
	mailbox_root_close(root);
}

static void
test_save(void)
{
	struct mailbox *a, *to;
	struct mailbox_save *save;
	const uint32_t second = 2;
	uint32_t uid = 0;
	time_t date = 0;

	setup();
	a = inbox(0);
	refresh(a, 0);
	(void)mailbox_keyword(a, "$One", true);
	(void)mailbox_keyword(a, "$Two", true);
	mailbox_store(a, &second, 1, MAILBOX_ADD, MAILBOX_KEYWORD(1));
	/* The target knows other keywords by other indexes. */
	to = inbox(0);
	is_int(mailbox_save_begin(to, &save), MAILBOX_OK, "a batch");
	is_int(mailbox_save_start(save, MAILBOX_SEEN, 100), MAILBOX_OK,
	    "from the wire");
	mailbox_save_write(save, "A: 5\r\n\r", 7);
	mailbox_save_write(save, "\nFrom five\r\n", 12);
	is_int(mailbox_save_finish(save), MAILBOX_OK, "whole");
	is_int(mailbox_save_copy(save, a, 2), MAILBOX_OK, "and a copy");
	is_int(mailbox_save_commit(save, &uid), MAILBOX_OK, "appear");
	is_int(uid, 4, "with UIDs");
	is_int((long long)mailbox_uidvalidity(to), mailbox_uidvalidity(a),
	    "of this mbox");
	mailbox_close(to);
	refresh(a, 0);
	is_str(view(a), "1 0*;2 200*;3 0*;4 8*;5 200*;", "flags and keywords");
	is_str(content(a, 4), "A: 5\r\n\r\nFrom five\r\n", "what was sent");
	is_str(content(a, 5), "A: 2\r\n\r\ntwo two\r\n", "what was copied");
	mailbox_date(a, 4, &date);
	is_int((long long)date, 100, "its date");
	mailbox_date(a, 5, &date);
	is_int((long long)date, 86400, "and that of the other");
	mailbox_save_begin(a, &save);
	mailbox_save_start(save, 0, -1);
	mailbox_save_write(save, "A: 6\r\n", 6);
	mailbox_save_abort(save);
	is_str(refresh(a, 0), "", "nothing of what is given up");
	mailbox_save_begin(a, &save);
	mailbox_save_copy(save, a, 1);
	is_int(mailbox_save_commit(save, NULL), MAILBOX_OK, "into itself");
	is_str(refresh(a, 0), "+6 ", "is told");
	mailbox_close(a);
	mailbox_root_close(root);
}

static void
test_tree(void)
{
	struct mailbox_names names;
	struct mailbox *mb;
	struct mailbox_root *other;

	setup();
	is_int(mailbox_list(root, &names), MAILBOX_OK, "names");
	ok(names.n == 1 && strcmp(names.v[0], "INBOX") == 0, "INBOX alone");
	mailbox_names_free(&names);
	is_int(mailbox_exists(root, "inbox"), MAILBOX_OK, "it exists");
	is_int(mailbox_exists(root, "x"), MAILBOX_NONE, "no other");
	is_int(mailbox_open(root, "x", 0, &mb), MAILBOX_NONE, "to open");
	is_int(mailbox_create(root, "x"), MAILBOX_NOT_PERMITTED, "or make");
	is_int(mailbox_delete(root, "x"), MAILBOX_NOT_PERMITTED, "or delete");
	is_int(mailbox_rename(root, "INBOX", "x"), MAILBOX_NOT_PERMITTED,
	    "or rename");
	is_int(subscriptions_set(root, "INBOX", true), MAILBOX_NOT_PERMITTED,
	    "or subscribe to");
	is_int(subscriptions_read(root, &names), MAILBOX_OK, "none is");
	is_int((long long)names.n, 0, "subscribed");
	is_int(mailbox_root_alone(root), MAILBOX_OK, "alone");
	mailbox_root_open("mbox", 0, &other);
	is_int(mailbox_root_alone(other), MAILBOX_BUSY, "another is not");
	mailbox_root_close(root);
	is_int(mailbox_root_alone(other), MAILBOX_OK, "but then");
	mailbox_root_close(other);
}

static void
test_outside(void)
{
	struct pollfd p = { .events = POLLIN };
	struct mailbox *mb;
	int ms;

	setup();
	mb = inbox(0);
	refresh(mb, 0);
	p.fd = mailbox_watch(mb, &ms);
	refresh(mb, 0);
	if (p.fd == -1) {
		printf("# no inotify here\n");
	} else {
		is_int(poll(&p, 1, 0), 0, "quiet");
		deliver("A: 4\n\nfour\n");
		is_int(poll(&p, 1, 60000), 1, "woken");
		is_str(refresh(mb, 0), "+4 ", "by a message");
		refresh(mb, 0);
		is_int(poll(&p, 1, 0), 0, "quiet again");
	}
	if (rename("mbox", "old") == -1)
		printf("# not renamed\n");
	is_str(refresh(mb, 0), "[the mailbox was replaced, open it again] ",
	    "it is gone");
	deliver("A: 1\n\none\n");
	is_str(refresh(mb, 0), "[the mailbox was replaced, open it again] ",
	    "another file of its name is not it");
	mailbox_close(mb);
	mailbox_root_close(root);
}

static void
write_file(const char *name, const char *s)
{
	FILE *f = fopen(name, "w");

	if (f == NULL || fputs(s, f) == EOF || fclose(f) == EOF)
		printf("# %s is not written\n", name);
}

static void
test_not(void)
{
	static const struct { const char *path; int want; } rows[] = {
		{ "text", MAILBOX_NONE },
		{ "short", MAILBOX_NONE },
		{ "empty", MAILBOX_OK },
		{ "empty/", MAILBOX_NONE },
		{ "fifo", MAILBOX_NONE },
		{ "none", MAILBOX_NONE },
		{ "none/mbox", MAILBOX_NONE },
		{ "mbox/mbox", MAILBOX_NONE },
	};
	size_t i;

	write_file("text", "Subject: no mbox\n\nx\n");
	write_file("short", "From");
	write_file("empty", "");
	(void)mkfifo("fifo", 0600);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		is_int(mailbox_root_open(rows[i].path, 0, &root),
		    rows[i].want, rows[i].path);
		mailbox_root_close(root);
	}
}

int
main(void)
{
	static const char *const files[] = { "text", "short", "empty", "fifo",
	    "old", "mbox" };
	size_t i;

	buf_init(&text, 4096);
	if (mkdtemp(top) == NULL || chdir(top) == -1)
		return 1;
	test_open();
	test_changes();
	test_save();
	test_tree();
	test_outside();
	test_not();
	buf_free(&text);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlink(files[i]);
	is_int(rmdir(top), 0, "no lock is left, nor anything else");
	return done();
}
