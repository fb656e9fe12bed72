/* SPDX-License-Identifier: ISC
 *
 * Proves that copies which are not staged come whole or not at all: those of a
 * dead writer are undone, but for the last name of a message, one that was
 * given a UID, or whose writer lives; that a file with another name by then is
 * copied as well; and that a MOVE takes the file itself.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "mail/mailbox_local.h"

static char dir[] = "/tmp/stdmail-mailbox-straight.XXXXXX";
static struct mailbox_root *root;
static struct mailbox *inbox, *work;
static unsigned batch = 1500;
static char five[64], six[64];		/* its files */

static void
put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, text, strlen(text)) !=
	    (ssize_t)strlen(text))
		printf("# cannot write %s\n", name);
	close(fd);
}

static int
files(const char *name)
{
	struct dirent *e;
	DIR *d = opendir(name);
	int n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
empty(const char *name)
{
	struct dirent *e;
	DIR *d = opendir(name);

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

/* How many messages it has now. */
static uint32_t
count(struct mailbox *mb)
{
	if (mailbox_refresh(mb, 0, NULL) != MAILBOX_OK)
		return 1000;
	return mailbox_count(mb);
}

static bool
is_there(const char *name)
{
	return access(name, F_OK) == 0;
}

static void
record(uint32_t validity, const char *end)
{
	char text[100];

	snprintf(text, sizeof(text), "undo %u 5 6 %u.M1P1Q\n%s", validity,
	    batch, end);
	put(".Work/stdmail.batch", text);
}

/* What a writer leaves who is killed after both copies, or his own. */
static void
leave(uint32_t validity)
{
	batch++;
	record(validity, "end\n");
	snprintf(five, sizeof(five), ".Work/cur/%u.M1P1Q5.h,S=4:2,S", batch);
	snprintf(six, sizeof(six), ".Work/new/%u.M1P1Q6.h", batch);
	if (link("cur/1000.a:2,S", five) == -1 ||
	    link("cur/1001.b:2,", six) == -1)
		printf("# cannot link\n");
}

static void
clear(void)
{
	empty(".Work/cur");
	empty(".Work/new");
	is_int(count(work), 0, "cleared");
}

static void
test_undo(void)
{
	char other[64];

	leave(0);
	is_int(count(work), 0, "copies without a list are undone");
	is_int(files(".Work/cur") + files(".Work/new"), 0, "no file stays");
	ok(!is_there(".Work/stdmail.batch"), "nor the record");
	leave(mailbox_uidvalidity(work));
	snprintf(other, sizeof(other), ".Work/cur/%u.M1P1Q7.h:2,", batch);
	put(other, "A: 7\n\n");
	is_int(count(work), 1, "nor copies beside a message");
	clear();
	leave(mailbox_uidvalidity(work));
	snprintf(other, sizeof(other), ".Work/cur/%u.M1P1Q5.h:2,FS", batch);
	(void)rename(five, other);
	is_int(count(work), 0, "nor one with other flags");
}

static void
test_stay(void)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	leave(mailbox_uidvalidity(work) + 1);
	is_int(count(work), 2, "of another list they stay");
	clear();

	leave(mailbox_uidvalidity(work));
	record(mailbox_uidvalidity(work), "");
	is_int(count(work), 2, "of a record without its end they stay");
	clear();

	leave(mailbox_uidvalidity(work));
	(void)unlink(".Work/stdmail.batch");
	(void)rename(six, "six");
	is_int(count(work), 1, "the first is told, as by the writer's line");
	(void)rename("six", six);
	record(mailbox_uidvalidity(work), "end\n");
	is_int(count(work), 2, "both stay");
	clear();

	leave(mailbox_uidvalidity(work));
	fd = open(".Work/stdmail.batch", O_RDWR);
	ok(fd != -1 && fcntl(fd, F_OFD_SETLK, &whole) == 0, "a writer");
	is_int(count(work), 2, "who lives: they stay");
	close(fd);
	clear();

	leave(mailbox_uidvalidity(work));
	(void)unlink(six);
	put(six, "A: 6\n\n");
	is_int(count(work), 1, "the last name of a message stays");
	clear();
}

static enum mailbox_status
both(bool take, const char *from, const char *to, uint32_t *first)
{
	enum mailbox_status status;
	struct mailbox_save *s;

	if (mailbox_save_begin(work, &s) != MAILBOX_OK)
		return MAILBOX_TEMPORARY;
	mailbox_save_straight(s, take);
	if ((status = mailbox_save_copy(s, inbox, 1)) != MAILBOX_OK ||
	    (status = mailbox_save_copy(s, inbox, 2)) != MAILBOX_OK) {
		mailbox_save_abort(s);
		return status;
	}
	/* What another does meanwhile. */
	if (from != NULL && to == NULL)
		(void)unlink(from);
	else if (from != NULL)
		(void)rename(from, to);
	return mailbox_save_commit(s, first);
}

static ino_t
inode(const char *name)
{
	struct stat st;

	return stat(name, &st) == -1 ? 0 : st.st_ino;
}

static void
test_copy(void)
{
	uint32_t first;

	is_int(both(false, NULL, NULL, &first), MAILBOX_OK, "copy");
	is_int(count(work), 2, "both");
	is_int(mailbox_seq(work, first), 1, "the first UID");
	is_int(both(false, "cur/1001.b:2,", "cur/1001.b:2,R", NULL), MAILBOX_OK,
	    "one has another name by then");
	is_int(count(work), 4, "both");
	is_int(files(".Work/tmp"), 0, "nothing in tmp");
	is_int(both(false, "cur/1001.b:2,R", NULL, NULL), MAILBOX_NONE,
	    "one is gone by then");
	is_int(count(work), 4, "none of them");
	is_int(files(".Work/tmp"), 0, "nothing in tmp");
	is_int(files(".Work/cur") + files(".Work/new"), 4, "nor elsewhere");
}

static void
test_take(void)
{
	const uint32_t seqs[] = { 1, 2 };
	ino_t was;

	put("cur/1001.b:2,R", "A: 2\n\n");
	put("cur/1002.c:2,", "A: 3\n\n");
	is_int(count(inbox), 3, "three");
	was = inode("cur/1001.b:2,R");
	is_int(both(true, "cur/1001.b:2,R", "cur/1001.b:2,F", NULL),
	    MAILBOX_OK, "one has another name by then");
	is_int(mailbox_expunge(inbox, seqs, 2, false), MAILBOX_OK, "gone");
	is_int(count(inbox), 1, "one is left");
	is_int(count(work), 6, "two came");
	put("cur/1003.d:2,", "A: 4\n\n");
	is_int(count(inbox), 2, "another");
	was = inode("cur/1003.d:2,");
	is_int(both(true, NULL, NULL, NULL), MAILBOX_OK, "move");
	ok(was != 0 && !is_there("cur/1003.d:2,"), "the file is taken");
	is_int(mailbox_expunge(inbox, seqs, 2, false), MAILBOX_OK, "gone");
	is_int(count(inbox), 0, "none is left");
	is_int(count(work), 8, "two came");
	is_int(files("cur"), 0, "no file is left");
}

static int
remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* The first messages of a folder from two sessions at once: of the one whose
 * attempt fails, and the number that it had chosen with it, nobody knows. */
static void
test_first(void)
{
	struct mailbox *was = work, *other = NULL;

	put("cur/1004.e:2,S", "A: 5\n\n");
	put("cur/1005.f:2,", "A: 6\n\n");
	is_int(count(inbox), 2, "two messages");
	if (mailbox_open(root, "First", 0, &work) != MAILBOX_OK ||
	    mailbox_open(root, "First", 0, &other) != MAILBOX_OK) {
		ok(0, "the folder");
		return;
	}
	is_int(both(false, "cur/1005.f:2,", NULL, NULL), MAILBOX_NONE,
	    "one is gone by then");
	ok(!is_there(".First/dovecot-uidlist"), "there is no UID list");
	put("cur/1006.g:2,", "A: 7\n\n");
	is_int(count(inbox), 2, "two again");
	put(".First/new/1.x", "A: 1\n\n");
	is_int(count(other), 1, "another session finds a message there");
	is_int(both(false, NULL, NULL, NULL), MAILBOX_OK, "copied then");
	is_int(mailbox_uidvalidity(work), mailbox_uidvalidity(other),
	    "both have the number of the list");
	is_int(count(other), 3, "and all messages");
	mailbox_close(work);
	mailbox_close(other);
	work = was;
}

int
main(void)
{
	static const char *const folders[] = { "cur", "new", "tmp", ".Work",
	    ".Work/cur", ".Work/new", ".Work/tmp", ".First", ".First/cur",
	    ".First/new", ".First/tmp" };
	size_t i;

	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return 1;
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(folders[i], 0700) == -1)
			return 1;
	put("cur/1000.a:2,S", "A: 1\n\n");
	put("cur/1001.b:2,", "A: 2\n\n");
	if (mailbox_root_open(dir, 0, &root) != MAILBOX_OK ||
	    mailbox_open(root, "INBOX", 0, &inbox) != MAILBOX_OK ||
	    mailbox_open(root, "Work", 0, &work) != MAILBOX_OK)
		return 1;
	/* Whatever this file system is. */
	root->ordered = true;
	is_int(count(inbox), 2, "two messages");
	test_undo();
	test_stay();
	test_copy();
	test_take();
	test_first();
	mailbox_close(inbox);
	mailbox_close(work);
	mailbox_root_close(root);
	if (chdir("/") == -1)
		return 1;
	(void)nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return done();
}
