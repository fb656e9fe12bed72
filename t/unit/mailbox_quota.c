/* SPDX-License-Identifier: ISC
 *
 * Proves that a tree with a quota, by a rule or by its file, takes what fits
 * and nothing more, notes what comes and goes, and lets a full mailbox be
 * tidied; and that a tree without one gets no file and asks no message's size.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "mail/mailbox.h"
#include "mail/quota.h"

static char dir[] = "/tmp/stdmail-mailbox-quota.XXXXXX";
static struct mailbox_root *root;
static struct mailbox *inbox, *work;

static void
put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, text, strlen(text)) !=
	    (ssize_t)strlen(text))
		printf("# cannot write %s\n", name);
	close(fd);
}

/* What the file says. */
static const char *
noted(void)
{
	static char text[QUOTA_FILE_MAX];
	ssize_t n;
	int fd;

	if ((fd = open(QUOTA_FILE, O_RDONLY)) == -1)
		return "none";
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return text;
}

static enum mailbox_status
save(const char *text, uint32_t *first)
{
	struct mailbox_save *s;

	if (mailbox_save_begin(work, &s) != MAILBOX_OK)
		return MAILBOX_TEMPORARY;
	(void)mailbox_save_start(s, 0, (time_t)-1);
	(void)mailbox_save_write(s, text, strlen(text));
	(void)mailbox_save_finish(s);
	return mailbox_save_commit(s, first);
}

static enum mailbox_status
copy(bool moves)
{
	struct mailbox_save *s;

	if (mailbox_save_begin(work, &s) != MAILBOX_OK)
		return MAILBOX_TEMPORARY;
	if (moves)
		mailbox_save_moves(s);
	(void)mailbox_save_copy(s, inbox, 1);
	return mailbox_save_commit(s, NULL);
}

static void
reopen(unsigned flags)
{
	mailbox_close(inbox);
	mailbox_close(work);
	mailbox_root_close(root);
	inbox = work = NULL;
	if (mailbox_root_open(dir, flags, &root) != MAILBOX_OK ||
	    mailbox_open(root, "INBOX", 0, &inbox) != MAILBOX_OK ||
	    mailbox_open(root, "Work", 0, &work) != MAILBOX_OK ||
	    mailbox_refresh(inbox, 0, NULL) != MAILBOX_OK)
		printf("# cannot open %s\n", dir);
}

static void
test_none(void)
{
	uint32_t seq = 1;

	is_int(save("12345678901\n", NULL), MAILBOX_OK, "save");
	is_int(copy(false), MAILBOX_OK, "copy");
	is_int(mailbox_expunge(inbox, &seq, 1, false), MAILBOX_OK, "expunge");
	is_str(noted(), "none", "no quota, no file");
}

/* 10 octets in cur, 12 and 10 in Work. */
static void
test_rule(void)
{
	const struct quota_limits rule = { .set = true, .bytes = 50,
	    .messages = 4 };
	uint32_t seq = 1, first = 7;

	put("cur/1001.b:2,", "123456789\n");
	reopen(0);
	mailbox_root_quota(root, &rule);
	is_int(save("1234567890123456789\n", &first), MAILBOX_OVERQUOTA,
	    "two octets too many");
	is_int(first, 0, "no UID");
	is_int(save("12345678901234567\n", &first), MAILBOX_OK, "what fits");
	is_int(first, 3, "its UID");
	is_int(save("", &first), MAILBOX_OVERQUOTA, "full");
	is_int(copy(false), MAILBOX_OVERQUOTA, "for a copy too");
	is_int(copy(true), MAILBOX_OK, "not for one that moves");
	is_int(mailbox_expunge(inbox, &seq, 1, false), MAILBOX_OK, "expunge");
	is_str(noted(), "50S,4C\n50 4\n10 1\n-10 -1\n", "noted");
	/* A message that lost its file to others is theirs to count. */
	is_int(mailbox_expunge(inbox, &seq, 1, false), MAILBOX_OK, "twice");
	is_str(noted(), "50S,4C\n50 4\n10 1\n-10 -1\n", "is once");
}

static void
test_file(void)
{
	uint32_t seq = 1;

	/* Another program's sizes: hints in names are believed. */
	put("cur/1002.c,S=20:2,", "123456789\n");
	put(QUOTA_FILE, "200S\n70 5\n");
	reopen(0);
	is_int(copy(false), MAILBOX_OK, "a copy");
	is_int(mailbox_expunge(inbox, &seq, 1, false), MAILBOX_OK, "expunge");
	is_str(noted(), "200S\n70 5\n20 1\n-20 -1\n", "sizes of names");
	is_int(mailbox_delete(root, "Work"), MAILBOX_OK, "delete");
	is_str(noted(), "200S\n0 0\n", "a folder went");
}

static void
test_readonly(void)
{
	put("cur/1003.d:2,", "123456789\n");
	put(QUOTA_FILE, "damaged\n");
	is_int(mailbox_create(root, "Work"), MAILBOX_OK, "create");
	reopen(MAILBOX_READONLY);
	is_int(copy(false), MAILBOX_TEMPORARY, "nothing is saved");
	is_str(noted(), "damaged\n", "nor is the file made good");
}

static int
remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL || chdir(dir) == -1 ||
	    mkdir("cur", 0700) == -1 || mkdir("new", 0700) == -1 ||
	    mkdir("tmp", 0700) == -1)
		return 1;
	put("cur/1000.a:2,", "123456789\n");
	mkdir(".Work", 0700);
	mkdir(".Work/cur", 0700);
	mkdir(".Work/tmp", 0700);
	reopen(0);
	test_none();
	test_rule();
	test_file();
	test_readonly();
	mailbox_close(inbox);
	mailbox_close(work);
	mailbox_root_close(root);
	if (chdir("/") == -1)
		return 1;
	(void)nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return done();
}
