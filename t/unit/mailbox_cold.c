/* SPDX-License-Identifier: ISC
 *
 * Proves that a session which comes when the index is lost, and so lists all
 * from nothing, tells no flags under a modification sequence under which
 * another session then tells others: what it found is in no record of the
 * journal, and may be as it was before when the other one looks.  And that one
 * which comes to be cold among renames does not take UIDNEXT back.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "mail/mailbox_local.h"
#include "tap.h"

#define PLAIN		"cur/1.M1P1.a:2,"
#define ANSWERED	"cur/1.M1P1.a:2,R"

static char top[] = "/tmp/stdmail-cold.XXXXXX";
static int dir;

struct client {
	struct mailbox_root *root;
	struct mailbox	*mb;
};

static void
spew(const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd == -1 || write(fd, "A: b\n\nc\n", 8) != 8)
		printf("# %s cannot be written\n", name);
	close(fd);
}

static void
look(struct client *c)
{
	if (mailbox_refresh(c->mb, 0, NULL) != MAILBOX_OK)
		printf("# no refresh\n");
}

static void
come(struct client *c, unsigned flags)
{
	if (mailbox_root_open(top, MAILBOX_CREATE, &c->root) != MAILBOX_OK ||
	    mailbox_open(c->root, "INBOX", flags, &c->mb) != MAILBOX_OK)
		printf("# INBOX cannot be opened\n");
	look(c);
}

static void
leave(struct client *c)
{
	mailbox_close(c->mb);
	mailbox_root_close(c->root);
}

static struct mailbox_msg
first(const struct client *c)
{
	struct mailbox_msg m;

	mailbox_msg(c->mb, 1, &m);
	return m;
}

/* One session is there, which the journal knows of, another comes cold and sees
 * a flag, which is taken away again. */
static void
meet(struct client *warm, struct client *cold, unsigned flags)
{
	uint32_t seq = 1;

	come(warm, flags);
	(void)mailbox_store(warm->mb, &seq, 1, MAILBOX_ADD, MAILBOX_SEEN);
	(void)mailbox_store(warm->mb, &seq, 1, MAILBOX_REMOVE, MAILBOX_SEEN);
	(void)renameat(dir, "stdmail.index", dir, "old");
	(void)renameat(dir, PLAIN, dir, ANSWERED);
	come(cold, flags);
	ok(first(cold).flags == MAILBOX_ANSWERED &&
	    first(cold).modseq == mailbox_modseq(cold->mb),
	    "a session that comes cold tells a flag under the floor");
	(void)renameat(dir, ANSWERED, dir, PLAIN);
}

static void
part(struct client *warm, struct client *cold)
{
	leave(warm);
	leave(cold);
}

static void
test_refresh(unsigned flags, bool old, const char *index)
{
	struct client warm, cold;
	uint64_t told;
	int i;

	meet(&warm, &cold, flags);
	told = mailbox_modseq(cold.mb);
	ok(!old || renameat(dir, "old", dir, "stdmail.index") == 0,
	    "%s", index);
	look(&warm);
	ok(first(&warm).flags == 0 && first(&warm).modseq > told,
	    "%s: without the flag it has another number", index);
	look(&cold);
	ok(first(&cold).flags == 0 && first(&cold).modseq ==
	    first(&warm).modseq, "%s: and the same for both", index);
	told = mailbox_modseq(cold.mb);
	for (i = 0; i < 3; i++) {
		look(&warm);
		look(&cold);
	}
	ok(mailbox_modseq(warm.mb) == told && mailbox_modseq(cold.mb) == told,
	    "%s: which stays", index);
	part(&warm, &cold);
}

static void
test_store(void)
{
	struct client warm, cold;
	uint32_t seq = 1;
	uint64_t told;

	meet(&warm, &cold, 0);
	told = mailbox_modseq(cold.mb);
	ok(mailbox_store(warm.mb, &seq, 1, MAILBOX_ADD, MAILBOX_SEEN) ==
	    MAILBOX_OK && first(&warm).flags == MAILBOX_SEEN &&
	    first(&warm).modseq > told, "one that stores as well");
	look(&cold);
	ok(first(&cold).flags == MAILBOX_SEEN && first(&cold).modseq ==
	    first(&warm).modseq, "and the other one sees it");
	ok(mailbox_store(warm.mb, &seq, 1, MAILBOX_REPLACE, 0) == MAILBOX_OK,
	    "it is taken away");
	part(&warm, &cold);
}

/* Files renamed all the time, so that nothing can be believed gone. */
static pid_t
rename_always(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	while (getppid() == parent) {
		(void)renameat(dir, PLAIN, dir, ANSWERED);
		(void)renameat(dir, ANSWERED, dir, PLAIN);
	}
	_exit(0);
}

static void
test_uidnext(void)
{
	struct client warm, other;
	uint32_t next;
	pid_t pid;

	come(&warm, 0);
	come(&other, MAILBOX_LATER);
	spew("cur/3.M1P1.a:2,");
	look(&warm);
	look(&other);
	(void)unlinkat(dir, "cur/3.M1P1.a:2,", 0);
	look(&warm);
	look(&other);
	next = mailbox_uidnext(warm.mb);
	ok(mailbox_count(warm.mb) == 2 && next > 3, "the last one went");
	(void)unlinkat(dir, "stdmail.journal", 0);
	look(&other);
	pid = rename_always();
	(void)usleep(5000);	/* it has begun */
	look(&warm);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	is_int(mailbox_uidnext(warm.mb), next, "a cold start among renames "
	    "does not take UIDNEXT back");
	look(&warm);
	ok(mailbox_count(warm.mb) == 2 && mailbox_uidnext(warm.mb) == next,
	    "nor one without");
	part(&warm, &other);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	(void)remove(path);
	return 0;
}

int
main(void)
{
	int i;

	if (mkdtemp(top) == NULL || chdir(top) == -1 ||
	    mkdir("cur", 0700) == -1 || mkdir("new", 0700) == -1 ||
	    mkdir("tmp", 0700) == -1)
		return 1;
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	spew(PLAIN);
	spew("cur/2.M1P1.a:2,");
	test_refresh(0, false, "with an index");
	test_refresh(MAILBOX_LATER, true, "with one from before");
	test_refresh(MAILBOX_LATER, false, "before there is one");
	test_store();
	for (i = 0; i < 5; i++)
		test_uidnext();
	(void)nftw(top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return done();
}
