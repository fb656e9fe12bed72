/* SPDX-License-Identifier: ISC
 *
 * Proves where a mailbox's summaries are kept: in its folder; of a network file
 * system below cache_dir, in a folder that is the owner's alone, or nowhere;
 * that they are found again by the next who opens it, and not when the UIDs are
 * others or began anew; and that a message that is gone has none.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "mail/mailbox_local.h"
#include "mail/summary.h"

static char top[] = "/tmp/stdmail-boxcache.XXXXXX";
static char md[64], caches[64], below[256];

static void
deliver(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/cur/%s:2,", md, name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (write(fd, "Subject: x\n\nbody\n", 17) != 17)
		perror(path);
	close(fd);
}

static bool
exists(const char *folder, const char *name)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

enum { OURS, NETWORK, NETWORK_CACHED };

static struct mailbox *
begin(struct mailbox_root **root, int where)
{
	struct mailbox *mb;

	if (mailbox_root_open(md, MAILBOX_CREATE, root) != MAILBOX_OK)
		exit(1);
	(*root)->network = where != OURS;
	if (where == NETWORK_CACHED)
		(void)mailbox_root_cache(*root, caches, below, sizeof(below));
	if (mailbox_open(*root, "INBOX", 0, &mb) != MAILBOX_OK ||
	    mailbox_refresh(mb, 0, NULL) != MAILBOX_OK)
		exit(1);
	mailbox_summary_begin(mb);
	return mb;
}

static void
end(struct mailbox_root *root, struct mailbox *mb)
{
	mailbox_close(mb);
	mailbox_root_close(root);
}

/* Whether the first message's subject is known; it is read if not. */
static bool
known(struct mailbox *mb)
{
	const unsigned want = SUMMARY(SUMMARY_FIELDS);
	struct summary_view v;
	struct message *m;
	bool had = mailbox_summary(mb, 1, want, &v) == want;

	if (!had && mailbox_message(mb, 1, &m) == MAILBOX_OK) {
		ok(mailbox_summary_read(mb, 1, m, want, &v) == MAILBOX_OK &&
		    v.have & want, "made");
		message_close(m);
	}
	return had;
}

static void
test_where(void)
{
	struct mailbox_root *root;
	struct mailbox *mb;

	mb = begin(&root, OURS);
	ok(!known(mb), "nothing is known at first");
	ok(mailbox_summary_pending(mb), "and something to be written");
	mailbox_summary_rest(mb);
	ok(!mailbox_summary_pending(mb) && exists(md, CACHE_FILE),
	    "which is, in the folder");
	ok(known(mb), "and known");
	end(root, mb);
	mb = begin(&root, OURS);
	ok(known(mb), "to the next, too");
	end(root, mb);
	mb = begin(&root, NETWORK);
	ok(!known(mb), "on a network file system it is not looked at");
	ok(!known(mb), "nor is anything kept");
	end(root, mb);
	mb = begin(&root, NETWORK_CACHED);
	ok(!known(mb), "with cache_dir neither");
	end(root, mb);
	ok(exists(below, "."), "a folder was made there");
	mb = begin(&root, NETWORK_CACHED);
	ok(known(mb), "and used");
	end(root, mb);
	chmod(below, 0755);
	mb = begin(&root, NETWORK_CACHED);
	ok(!known(mb), "but not when others may look into it");
	end(root, mb);
}

static void
test_other_uids(void)
{
	struct mailbox_root *root;
	struct mailbox *mb;
	char path[128];

	mb = begin(&root, OURS);
	ok(known(mb), "known");
	end(root, mb);
	snprintf(path, sizeof(path), "%s/dovecot-uidlist", md);
	unlink(path);
	snprintf(path, sizeof(path), "%s/stdmail.index", md);
	unlink(path);
	snprintf(path, sizeof(path), "%s/stdmail.journal", md);
	unlink(path);
	sleep(1);
	mb = begin(&root, OURS);
	ok(!known(mb), "another UIDVALIDITY: not");
	mailbox_summary_rest(mb);
	ok(known(mb), "but anew");
	end(root, mb);
}

static void
test_gone(void)
{
	struct mailbox_root *root;
	struct mailbox *mb = begin(&root, OURS);
	uint32_t seq = 1;

	ok(known(mb), "known");
	mailbox_expunge(mb, &seq, 1, false);
	ok(mailbox_summary(mb, 1, SUMMARY_ALL, &(struct summary_view){ 0 }) ==
	    0, "gone: not told any more");
	end(root, mb);
}

static int
delete(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st, (void)kind, (void)f;
	return remove(path);
}

int
main(void)
{
	char cur[128];

	if (mkdtemp(top) == NULL)
		return 1;
	snprintf(md, sizeof(md), "%s/md", top);
	snprintf(caches, sizeof(caches), "%s/caches", top);
	mkdir(md, 0700);
	mkdir(caches, 0700);
	snprintf(cur, sizeof(cur), "%s/cur", md);
	mkdir(cur, 0700);
	deliver("1.a");
	deliver("2.a");
	test_where();
	test_other_uids();
	test_gone();
	nftw(top, delete, 8, FTW_DEPTH | FTW_PHYS);
	return done();
}
