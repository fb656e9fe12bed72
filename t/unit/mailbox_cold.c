/* SPDX-License-Identifier: ISC
 *
 * Proves that a session which comes when the index is lost, and so lists all
 * from nothing, tells no flags under a modification sequence under which
 * another session then tells others: what it found is in no record of the
 * journal, and may be as it was before when the other one looks.
 */
#include <sys/stat.h>

#include <fcntl.h>
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

int
main(void)
{
	if (mkdtemp(top) == NULL || chdir(top) == -1)
		return 1;
	(void)mkdir("cur", 0700);
	(void)mkdir("new", 0700);
	(void)mkdir("tmp", 0700);
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	spew(PLAIN);
	spew("cur/2.M1P1.a:2,");
	test_refresh(0, false, "with an index");
	test_refresh(MAILBOX_LATER, true, "with one from before");
	test_refresh(MAILBOX_LATER, false, "before there is one");
	test_store();
	return done();
}
