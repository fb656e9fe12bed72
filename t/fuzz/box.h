/* SPDX-License-Identifier: ISC
 *
 * A small Maildir, for fuzzers that put files of any octets beside it: five
 * messages that say by their text which they are, with the UIDs 1 to 5.
 */
#ifndef T_FUZZ_BOX_H
#define T_FUZZ_BOX_H

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/mailbox_local.h"

#define BOX_MESSAGES	5
#define BOX_KEEP	"keep"		/* the UID list under another name */

/* Of the sanitizers' own interface. */
void	 __sanitizer_set_report_fd(void *);

static char box_name[] = "/dev/shm/stdmail-fuzz.XXXXXX";
static int box_dir = -1, box_stderr, box_null;
static struct mailbox_root *box_root;

/* Files as they were made. */
struct box_file {
	const char	*name;
	char		 data[16384];
	size_t		 n;
};
static struct box_file box_list = { .name = UIDLIST_FILE },
    box_journal = { .name = JOURNAL_FILE }, box_index = { .name = INDEX_FILE };

/* What is logged is not for those who look at a fuzzer. */
static void
box_quiet(bool quiet)
{
	(void)dup2(quiet ? box_null : box_stderr, STDERR_FILENO);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
box_wrong(const char *fmt, ...)
{
	va_list ap;

	box_quiet(false);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static void
box_put(const char *name, const void *data, size_t n)
{
	int fd = openat(box_dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, data, n) != (ssize_t)n)
		box_wrong("%s cannot be written", name);
	close(fd);
}

static void
box_take(struct box_file *f)
{
	int fd = openat(box_dir, f->name, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, f->data, sizeof(f->data));

	if (n <= 0)
		box_wrong("there is no %s", f->name);
	close(fd);
	f->n = (size_t)n;
}

static void
box_remove(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", box_name, (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, NULL, 0);
}

/* Folders that were changed long ago, so that their stamps can be believed. */
static void
box_age(void)
{
	struct timespec old[2] = { { 1500000000, 0 }, { 1500000000, 0 } };

	(void)utimensat(box_dir, "cur", old, 0);
	(void)utimensat(box_dir, "new", old, 0);
}

static void
box_make(void)
{
	static const char *const files[BOX_MESSAGES] = { "cur/1000.a:2,S",
	    "cur/1001.b,S=1,W=1:2,", "cur/1002.c:2,Fa", "new/1003.d",
	    "cur/1004.e:2,ST" };
	struct mailbox *mb;
	char token;
	int i;

	box_stderr = dup(STDERR_FILENO);
	__sanitizer_set_report_fd((void *)(intptr_t)box_stderr);
	box_null = open("/dev/null", O_WRONLY);
	if (mkdtemp(box_name) == NULL || mailbox_root_open(box_name,
	    MAILBOX_CREATE, &box_root) != MAILBOX_OK ||
	    (box_dir = open(box_name, O_RDONLY)) == -1)
		abort();
	atexit(box_remove);
	for (i = 0; i < BOX_MESSAGES; i++) {
		token = (char)('1' + i);
		box_put(files[i], &token, 1);
	}
	box_put("dovecot-keywords", "0 Alpha\n", 8);
	box_age();
	if (mailbox_open(box_root, "INBOX", MAILBOX_KEEP_NEW, &mb) !=
	    MAILBOX_OK || mailbox_refresh(mb, 0, NULL) != MAILBOX_OK)
		abort();
	mailbox_close(mb);
	box_take(&box_list);
	box_take(&box_journal);
	box_take(&box_index);
	if (linkat(box_dir, UIDLIST_FILE, box_dir, BOX_KEEP, 0) == -1)
		abort();
}

/* All but the messages as it was; the UID list is the same file, since the
 * index knows it by that. */
static void
box_restore(void)
{
	(void)unlinkat(box_dir, UIDLIST_FILE, 0);
	box_put(BOX_KEEP, box_list.data, box_list.n);
	if (linkat(box_dir, BOX_KEEP, box_dir, UIDLIST_FILE, 0) == -1)
		box_wrong("no link");
	box_put(JOURNAL_FILE, box_journal.data, box_journal.n);
	box_put(INDEX_FILE, box_index.data, box_index.n);
	(void)unlinkat(box_dir, "stdmail.cache", 0);
}

/* Which message it is, 1 to BOX_MESSAGES; 0: it cannot be read. */
static unsigned
box_token(struct mailbox *mb, uint32_t seq)
{
	struct message *m;
	char token = '0';
	size_t n;

	if (mailbox_message(mb, seq, &m) != MAILBOX_OK)
		return 0;
	if (message_read(m, 0, &token, 1, &n) == -1 || n != 1)
		token = '0';
	message_close(m);
	return (unsigned)(token - '0');
}

/* As a session tells its client. */
static void
box_tell(struct mailbox *mb, unsigned flags)
{
	uint32_t n = mailbox_count(mb);
	struct mailbox_diff d;
	struct mailbox_msg m;
	size_t i;

	(void)mailbox_refresh(mb, flags, &d);
	for (i = 0; i < d.nexpunged; i++)
		if (d.expunged[i] == 0 || d.expunged[i] > n--)
			box_wrong("expunge %u", d.expunged[i]);
	for (i = 0; i < d.nchanged; i++) {
		if (d.changed[i] == 0 || d.changed[i] > mailbox_count(mb))
			box_wrong("changed %u", d.changed[i]);
		mailbox_msg(mb, d.changed[i], &m);
	}
}

/* Open it, look at all there is, and count each message in seen. */
static void
box_look(unsigned flags, unsigned seen[BOX_MESSAGES + 1], bool strict)
{
	struct mailbox_msg m;
	struct mailbox *mb;
	uint64_t size;
	unsigned token;
	uint32_t seq;

	memset(seen, 0, (BOX_MESSAGES + 1) * sizeof(*seen));
	if (mailbox_open(box_root, "INBOX", MAILBOX_KEEP_NEW, &mb) !=
	    MAILBOX_OK)
		box_wrong("it cannot be opened");
	if (mailbox_refresh(mb, flags, NULL) != MAILBOX_OK && strict)
		box_wrong("it cannot be read");
	for (seq = 1; seq <= mailbox_count(mb); seq++) {
		token = box_token(mb, seq);
		(void)mailbox_size(mb, seq, &size);
		mailbox_msg(mb, seq, &m);
		if (token > BOX_MESSAGES)
			box_wrong("another message");
		seen[token]++;
		if (strict && token != 0 && m.uid <= BOX_MESSAGES &&
		    m.uid != token)
			box_wrong("UID %u is message %u", m.uid, token);
	}
	box_tell(mb, flags);
	box_tell(mb, MAILBOX_RELIST);
	mailbox_close(mb);
}

/* And none is missing or there twice. */
static void __attribute__((unused))
box_look_all(void)
{
	unsigned seen[BOX_MESSAGES + 1], i;

	box_look(MAILBOX_RELIST, seen, true);
	for (i = 1; i <= BOX_MESSAGES; i++)
		if (seen[i] != 1)
			box_wrong("message %u is there %u times", i, seen[i]);
}

#endif
