/* SPDX-License-Identifier: ISC
 *
 * One call on an mbox, for the tests that break the system under it.
 *
 *	mboxop MBOX list		lines of UID, flags and keywords, and
 *				text in hex
 *	mboxop MBOX take		give UIDs; messages are new no more
 *	mboxop MBOX flag UID...		add seen and flagged
 *	mboxop MBOX label UID...	add the keyword $Label1
 *	mboxop MBOX remove UID...
 *	mboxop MBOX save N		N messages from standard input
 *	mboxop MBOX deliver		one, as mda-deliver does
 *
 * Exit code: 0 done, 75 refused, 64.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/mbox.h"
#include "mail/mbox_store.h"

static enum mailbox_status
list(struct mbox_store *s)
{
	struct mbox_item item;
	struct message *m;
	static unsigned char text[100000];
	size_t i, k, n;
	int key;

	for (i = 0; i < mbox_store_count(s); i++) {
		mbox_store_item(s, i, &item);
		if (mbox_store_message(s, item.uid, &m) != MAILBOX_OK ||
		    message_read(m, 0, text, sizeof(text), &n) == -1)
			return MAILBOX_TEMPORARY;
		message_close(m);
		printf("%u %llx", item.uid, (unsigned long long)item.flags &
		    MAILBOX_SYSTEM_FLAGS);
		for (key = 0; key < MAILBOX_KEYWORDS_MAX; key++)
			if (item.flags & MAILBOX_KEYWORD(key))
				printf(",%s", mbox_store_keyword_name(s, key));
		printf(" ");
		for (k = 0; k < n; k++)
			printf("%02x", text[k]);
		printf("\n");
	}
	return MAILBOX_OK;
}

static size_t
read_input(char *text, size_t size)
{
	size_t n = 0;
	ssize_t k;

	while ((k = read(STDIN_FILENO, text + n, size - n)) > 0)
		n += (size_t)k;
	return n;
}

static enum mailbox_status
save(struct mbox_store *s, int many)
{
	struct mbox_save *save;
	enum mailbox_status status;
	static char text[100000];
	size_t n = read_input(text, sizeof(text));

	if ((status = mbox_save_begin(s, &save)) != MAILBOX_OK)
		return status;
	while (many-- > 0) {
		(void)mbox_save_start(save, 0, 0);
		(void)mbox_save_write(save, text, n);
		(void)mbox_save_finish(save);
	}
	return mbox_save_commit(save, NULL);
}

static enum mailbox_status
deliver(const char *path)
{
	static char text[100000];
	struct mbox_file m;
	size_t n = read_input(text, sizeof(text));

	if (mbox_begin(&m, path, "a@b.test", 10) == -1)
		return MAILBOX_TEMPORARY;
	if (mbox_write(&m, text, n) == -1) {
		mbox_abort(&m);
		return MAILBOX_FULL;
	}
	return mbox_end(&m) == -1 ? MAILBOX_FULL : MAILBOX_OK;
}

int
main(int argc, char **argv)
{
	struct mbox_store *s;
	enum mailbox_status status;
	uint32_t uids[64];
	size_t n = 0;
	const char *op;
	int i;

	if (argc < 3)
		errx(EX_USAGE, "mboxop MBOX OPERATION...");
	op = argv[2];
	if (strcmp(op, "deliver") == 0)
		return deliver(argv[1]) == MAILBOX_OK ? 0 : EX_TEMPFAIL;
	for (i = 3; i < argc && n < 64; i++)
		uids[n++] = (uint32_t)strtoul(argv[i], NULL, 10);
	if (mbox_store_open(AT_FDCWD, argv[1], 0, &s) != MAILBOX_OK)
		errx(EX_TEMPFAIL, "%s", argv[1]);
	status = mbox_store_refresh(s, strcmp(op, "take") == 0 ?
	    MBOX_STORE_TAKE_NEW : 0);
	if (status != MAILBOX_OK)
		errx(EX_TEMPFAIL, "%s", mailbox_status_text(status));
	if (strcmp(op, "list") == 0)
		status = list(s);
	else if (strcmp(op, "flag") == 0)
		status = mbox_store_flags(s, uids, n, MAILBOX_ADD,
		    MAILBOX_SEEN | MAILBOX_FLAGGED);
	else if (strcmp(op, "label") == 0 &&
	    (i = mbox_store_keyword(s, "$Label1", true)) != -1)
		status = mbox_store_flags(s, uids, n, MAILBOX_ADD,
		    MAILBOX_KEYWORD(i));
	else if (strcmp(op, "remove") == 0)
		status = mbox_store_remove(s, uids, n, false);
	else if (strcmp(op, "save") == 0)
		status = save(s, n > 0 ? (int)uids[0] : 1);
	mbox_store_close(s);
	if (status != MAILBOX_OK)
		warnx("%s", mailbox_status_text(status));
	return status == MAILBOX_OK ? 0 : EX_TEMPFAIL;
}
