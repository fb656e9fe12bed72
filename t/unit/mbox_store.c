/* SPDX-License-Identifier: ISC
 *
 * Proves that an mbox is a store that keeps UIDs, flags, keywords and every
 * octet of its messages, whoever else delivers into it, flags and removes; that
 * flags change in place; that a failure leaves the old state; and over some
 * thousand random operations that it is what a simple model says.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "mail/mbox.h"
#include "mail/mbox_store.h"
#include "tap.h"

#define F	"From a@b.test Thu Jan  1 00:00:10 1970\n"

static char dir[] = "/tmp/stdmail-mbox_store.XXXXXX";

static void
spew(const char *text)
{
	int fd = open("mbox", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		perror("mbox");
	close(fd);
}

static char *
slurp(void)
{
	static char text[65536];
	int fd = open("mbox", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
deliver(const char *text)
{
	struct mbox_file m;

	if (mbox_begin(&m, "mbox", "a@b.test", 10) == -1 ||
	    mbox_write(&m, text, strlen(text)) == -1 || mbox_end(&m) == -1)
		perror("deliver");
}

static struct mbox_store *
open_store(unsigned flags)
{
	struct mbox_store *s = NULL;

	(void)mbox_store_open(AT_FDCWD, "mbox", flags, &s);
	return s;
}

/* A message as text, LF for CRLF, or "gone". */
static const char *
text_of(struct mbox_store *s, uint32_t uid)
{
	static char text[65536];
	struct message *m;
	size_t n = 0, i, k = 0;

	if (mbox_store_message(s, uid, &m) != MAILBOX_OK)
		return "gone";
	if (message_read(m, 0, text, sizeof(text) - 1, &n) == -1)
		n = 0;
	message_close(m);
	for (i = 0; i < n; i++)
		if (text[i] != '\r')
			text[k++] = text[i];
	text[k] = '\0';
	return text;
}

/* "uid:flags,keywords " of each. */
static const char *
state(struct mbox_store *s)
{
	static char text[4096];
	struct mbox_item item;
	size_t i, n = 0;
	int k;

	*text = '\0';
	for (i = 0; i < mbox_store_count(s); i++) {
		mbox_store_item(s, i, &item);
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "%s%u:%s%s%s%s%s%s", i > 0 ? " " : "", item.uid,
		    item.flags & MAILBOX_SEEN ? "S" : "",
		    item.flags & MAILBOX_ANSWERED ? "A" : "",
		    item.flags & MAILBOX_FLAGGED ? "F" : "",
		    item.flags & MAILBOX_DELETED ? "T" : "",
		    item.flags & MAILBOX_DRAFT ? "D" : "",
		    item.recent ? "n" : "");
		for (k = 0; k < MAILBOX_KEYWORDS_MAX; k++)
			if (item.flags & MAILBOX_KEYWORD(k))
				n += (size_t)snprintf(text + n,
				    sizeof(text) - n, ",%s",
				    mbox_store_keyword_name(s, k));
	}
	return text;
}

/* Open, refresh, say what is there, close. */
static const char *
fresh_state(void)
{
	struct mbox_store *s = open_store(0);
	const char *text;

	if (mbox_store_refresh(s, 0) != MAILBOX_OK)
		text = "failed";
	else
		text = state(s);
	mbox_store_close(s);
	return text;
}

static void
one(struct mbox_store *s, uint32_t uid, enum mailbox_change how,
    mailbox_flags flags, const char *what)
{
	is_int(mbox_store_flags(s, &uid, 1, how, flags), MAILBOX_OK, what);
}

static off_t
size_now(void)
{
	struct stat st;

	return stat("mbox", &st) == -1 ? -1 : st.st_size;
}

static void
test_flags(void)
{
	struct mbox_store *s;
	uint32_t validity;
	struct stat was, now;
	int k;

	spew(F "A: 1\n\none\n\n" F "A: 2\nStatus: RO\n\ntwo\n\n" F
	    "A: 3\nX-Status: AF\n\nthree\n");
	chmod("mbox", 0640);
	stat("mbox", &was);
	s = open_store(0);
	is_int(mbox_store_refresh(s, 0), MAILBOX_OK, "refreshed");
	is_str(state(s), "1:n 2:S 3:AFn", "UIDs and flags of others");
	validity = mbox_store_uidvalidity(s);
	stat("mbox", &now);
	ok(was.st_ino == now.st_ino && now.st_mode == was.st_mode,
	    "the same file");
	is_str(text_of(s, 1), "A: 1\n\none\n", "message 1");
	is_str(text_of(s, 2), "A: 2\n\ntwo\n", "message 2");
	is_str(text_of(s, 3), "A: 3\n\nthree\n", "message 3");
	is_str(fresh_state(), "1:n 2:S 3:AFn", "read again");

	one(s, 1, MAILBOX_ADD, MAILBOX_SEEN | MAILBOX_DELETED, "added");
	k = mbox_store_keyword(s, "$Junk", true);
	one(s, 2, MAILBOX_ADD, MAILBOX_KEYWORD(k), "a keyword");
	one(s, 3, MAILBOX_REPLACE, MAILBOX_DRAFT, "replaced");
	one(s, 3, MAILBOX_REMOVE, MAILBOX_SEEN, "not there");
	is_int(size_now(), now.st_size, "all in place");
	is_str(state(s), "1:STn 2:S,$Junk 3:Dn", "as told");
	is_str(fresh_state(), "1:STn 2:S,$Junk 3:Dn", "and in the file");
	is_int(mbox_store_refresh(s, MBOX_STORE_TAKE_NEW), MAILBOX_OK, "take");
	is_str(state(s), "1:STn 2:S,$Junk 3:Dn", "recent to this one");
	is_str(fresh_state(), "1:ST 2:S,$Junk 3:D", "and not to the next");
	is_int(size_now(), now.st_size, "in place");
	is_str(text_of(s, 1), "A: 1\n\none\n", "message 1 as before");
	is_int(mbox_store_uidvalidity(s), validity, "UIDVALIDITY");
	is_int(mbox_store_uidnext(s), 4, "UIDNEXT");
	mbox_store_close(s);
}

static void
test_remove(void)
{
	struct mbox_store *s;
	uint32_t uids[4] = { 1, 3, 77 }, validity;

	spew("");
	deliver("A: 1\n\none\n");
	deliver("A: 2\n\ntwo");
	deliver("A: 3\nStatus: RO\nX-UID: 9\n\nFrom here\n");
	deliver("A: 4");
	s = open_store(0);
	mbox_store_refresh(s, 0);
	is_str(state(s), "1:n 2:n 3:n 4:n", "delivered");
	validity = mbox_store_uidvalidity(s);
	is_str(text_of(s, 3), "A: 3\nStatus: RO\nX-UID: 9\n\nFrom here\n",
	    "a sender's fields");
	is_int(mbox_store_remove(s, uids, 3, true), MAILBOX_OK, "not deleted");
	is_int((long long)mbox_store_count(s), 4, "none removed");
	one(s, 1, MAILBOX_ADD, MAILBOX_DELETED, "deleted");
	is_int(mbox_store_remove(s, uids, 3, true), MAILBOX_OK, "removed");
	is_str(state(s), "2:n 3:n 4:n", "the first");
	is_str(text_of(s, 2), "A: 2\n\ntwo", "no final line end");
	is_str(text_of(s, 4), "A: 4", "neither header nor line end");
	is_int(mbox_store_remove(s, uids, 3, false), MAILBOX_OK, "removed");
	is_str(state(s), "2:n 4:n", "one in the middle");
	deliver("A: 5\n\n");
	uids[0] = 4;
	is_int(mbox_store_remove(s, uids, 1, false), MAILBOX_OK, "removed");
	is_str(state(s), "2:n 5:n", "the last but a new one");
	is_str(fresh_state(), "2:n 5:n", "in the file");
	is_str(text_of(s, 2), "A: 2\n\ntwo", "still the same");
	is_str(text_of(s, 5), "A: 5\n\n", "and the new one");
	uids[0] = 2;
	uids[1] = 5;
	is_int(mbox_store_remove(s, uids, 2, false), MAILBOX_OK, "removed");
	is_int(size_now(), 0, "all of them: an empty file");
	deliver("A: 6\n");
	mbox_store_refresh(s, 0);
	is_str(state(s), "6:n", "UIDs go on");
	is_str(fresh_state(), "6:n", "in the file");
	is_int(mbox_store_uidvalidity(s), validity, "UIDVALIDITY stays");
	unlink("mbox");
	is_int(mbox_store_refresh(s, 0), MAILBOX_OK, "the file is gone");
	is_int((long long)mbox_store_count(s), 0, "then it is empty");
	is_str(text_of(s, 6), "gone", "a message of it");
	mbox_store_close(s);
	ok(open_store(0) == NULL, "not there");
	s = open_store(MBOX_STORE_CREATE);
	ok(s != NULL, "created");
	mbox_store_close(s);
}

static void
test_save(void)
{
	struct mbox_store *s;
	struct mbox_save *save;
	struct mbox_item item;
	uint32_t first;
	size_t i;
	int k;
	static const char *texts[] = { "A: 1\r\n\r\nFrom x\r\n", "A: 2",
	    "X-UID: 7\r\nA: 3\r\n\r\nx\r\n" };

	spew(F "A: 0\n\nzero");
	s = open_store(0);
	mbox_store_refresh(s, MBOX_STORE_TAKE_NEW);
	k = mbox_store_keyword(s, "later", true);
	is_int(mbox_save_begin(s, &save), MAILBOX_OK, "begun");
	for (i = 0; i < 3; i++) {
		mbox_save_start(save, i == 1 ? MAILBOX_SEEN |
		    MAILBOX_KEYWORD(k) : 0, 1000000000 + (time_t)i);
		mbox_save_write(save, texts[i], strlen(texts[i]));
		is_int(mbox_save_finish(save), MAILBOX_OK, "finished");
	}
	is_int((long long)mbox_store_count(s), 1, "not there yet");
	is_int(mbox_save_commit(save, &first), MAILBOX_OK, "committed");
	is_int(first, 2, "first UID");
	mbox_store_refresh(s, 0);
	is_str(state(s), "1:n 2:n 3:Sn,later 4:n", "there");
	is_str(fresh_state(), "1: 2:n 3:Sn,later 4:n", "in the file");
	is_str(text_of(s, 1), "A: 0\n\nzero", "who was there");
	is_str(text_of(s, 2), "A: 1\n\nFrom x\n", "saved 1");
	is_str(text_of(s, 3), "A: 2", "saved 2");
	is_str(text_of(s, 4), "X-UID: 7\nA: 3\n\nx\n", "saved 3");
	mbox_store_item(s, 2, &item);
	is_int((long long)item.size, 4, "size");
	is_int((long long)item.date, 1000000001, "date");
	mbox_save_begin(s, &save);
	mbox_save_start(save, 0, 0);
	mbox_save_abort(save);
	is_int((long long)mbox_store_count(s), 4, "aborted");
	mbox_store_close(s);
}

/* Others write it anew, with or without what we noted. */
static void
test_others(void)
{
	struct mbox_store *s;
	uint32_t uids[2] = { 1, 2 }, validity;

	spew(F "A: 1\n\n1\n\n" F "A: 2\n\n2\n\n" F "A: 3\n\n3\n\n");
	s = open_store(0);
	mbox_store_refresh(s, 0);
	validity = mbox_store_uidvalidity(s);
	spew(F "A: 1\n\n1\n\n" F "A: 3\nStatus: R\n\n3\n\n" F "A: 4\n\n4\n\n");
	mbox_store_refresh(s, 0);
	is_str(state(s), "1:n 3:Sn 4:n", "without UIDs: by what they are");
	is_int(mbox_store_uidvalidity(s), validity,
	    "UIDVALIDITY written again");
	is_str(fresh_state(), "1:n 3:Sn 4:n", "in the file");
	is_str(text_of(s, 4), "A: 4\n\n4\n", "the new one");
	is_int(mbox_store_remove(s, uids, 2, false), MAILBOX_OK, "removed");
	is_str(state(s), "3:Sn 4:n", "those that are there");
	mbox_store_close(s);

	/* UIDs nobody should believe. */
	spew(F "X-IMAPbase: 77 0000000005 foo\nX-UID: 2\n\n1\n\n" F
	    "X-UID: 1\n\n2\n\n" F "X-UID: 4\n\n3\n\n");
	s = open_store(0);
	mbox_store_refresh(s, 0);
	is_str(state(s), "2:n 6:n 7:n", "falling UIDs are given anew");
	is_int(mbox_store_uidvalidity(s), 77, "UIDVALIDITY of others");
	ok(mbox_store_keyword(s, "FOO", false) == 0, "keywords of others");
	uids[0] = 2;
	is_int(mbox_store_remove(s, uids, 1, false), MAILBOX_OK, "removed");
	ok(strstr(slurp(), "X-IMAPbase: 77 0000000007 ") != NULL,
	    "the next message says what holds for all");
	spew(F "X-IMAPbase: 78 0000000005 foo\nX-UID: 2\n\n1\n\n");
	is_int(mbox_store_refresh(s, 0), MAILBOX_RESET, "another UIDVALIDITY");
	mbox_store_close(s);

	spew(F "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\n"
	    "X-IMAP: 99 0000000002\nStatus: RO\n\nx\n\n" F
	    "X-UID: 1\nStatus: O\n\n1\n\n" F "A: 2\n\n2\n\n");
	s = open_store(0);
	mbox_store_refresh(s, 0);
	is_str(state(s), "1: 3:n", "the pseudo message is none");
	is_int(mbox_store_uidvalidity(s), 99, "and has the UIDVALIDITY");
	is_int(mbox_store_remove(s, uids, 1, false), MAILBOX_OK, "removed");
	ok(strstr(slurp(), "X-IMAP: 99 0000000003 ") != NULL, "it stays");
	mbox_store_close(s);

	spew("no mbox\n");
	s = open_store(0);
	is_int(mbox_store_refresh(s, 0), MAILBOX_BAD_NAME, "not an mbox");
	is_str(slurp(), "no mbox\n", "not touched");
	mbox_store_close(s);
}

static void
test_readonly(void)
{
	struct mbox_store *s;
	uint32_t uid = 1;
	const char *text = F "A: 1\n\n1\n\n" F "A: 2\n\n2\n\n";

	spew(text);
	s = open_store(MBOX_STORE_READONLY);
	mbox_store_refresh(s, MBOX_STORE_TAKE_NEW);
	is_str(state(s), "1:n 2:n", "read-only");
	is_int(mbox_store_remove(s, &uid, 1, false), MAILBOX_NOT_PERMITTED,
	    "refused");
	is_str(slurp(), text, "not touched");
	deliver("A: 3\n");
	mbox_store_refresh(s, 0);
	is_str(state(s), "1:n 2:n 3:n", "UIDs of the session");
	is_str(text_of(s, 3), "A: 3\n", "a message");
	mbox_store_close(s);
}

/* A file that may not grow is as before. */
static void
test_full(void)
{
	struct rlimit limit, was;
	struct mbox_store *s;
	struct mbox_save *save;
	static char before[65536];
	char told[100];
	uint32_t uid = 1;
	int k, n = -1;

	spew(F "A: 1\n\n1\n\n" F "A: 2\n\n2\n\n");
	s = open_store(0);
	mbox_store_refresh(s, 0);
	deliver("A: 3\n\n3\n");
	strlcpy(before, slurp(), sizeof(before));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	limit = was;
	/* UIDs may be left out, as they are reserved first. */
	for (k = 0; k < 900; k += 60) {
		limit.rlim_cur = (rlim_t)size_now() + (rlim_t)k;
		fflush(stdout);
		setrlimit(RLIMIT_FSIZE, &limit);
		n = (int)mbox_store_refresh(s, 0);
		setrlimit(RLIMIT_FSIZE, &was);
		if (n == MAILBOX_OK || strlen(slurp()) != strlen(before) ||
		    strcmp(state(s), "1:n 2:n") != 0)
			break;
	}
	ok(k > 0 && k < 900, "refused with up to %d octets more", k - 60);
	is_int(n, MAILBOX_OK, "and then done");
	is_int((long long)mbox_store_count(s), 3, "all there");
	strlcpy(told, state(s), sizeof(told));
	strlcpy(before, slurp(), sizeof(before));
	limit.rlim_cur = (rlim_t)size_now() + 100;
	fflush(stdout);
	setrlimit(RLIMIT_FSIZE, &limit);
	k = (int)mbox_store_remove(s, &uid, 1, false);
	setrlimit(RLIMIT_FSIZE, &was);
	is_int(k, MAILBOX_FULL, "a removal is refused");
	is_str(slurp(), before, "nothing changed");
	is_str(state(s), told, "nothing at all");
	mbox_save_begin(s, &save);
	mbox_save_start(save, 0, 0);
	mbox_save_write(save, "A: 4\r\n", 6);
	mbox_save_finish(save);
	fflush(stdout);
	setrlimit(RLIMIT_FSIZE, &limit);
	k = (int)mbox_save_commit(save, NULL);
	setrlimit(RLIMIT_FSIZE, &was);
	is_int(k, MAILBOX_FULL, "a message is refused");
	mbox_store_refresh(s, 0);
	is_str(fresh_state(), told, "nothing at all");
	mbox_store_close(s);
}

/* ---- at random, against a model ---- */

#define MODEL	60

struct model {
	unsigned	number;		/* in its text */
	uint32_t	uid;		/* 0: not told yet */
	mailbox_flags	flags;
};

static struct model model[MODEL];
static size_t nmodel;
static unsigned seed;

static unsigned
below(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

static const char *
model_text(unsigned number)
{
	static char text[4000];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "Message-ID: <%u>\n%s\n"
	    "From %u\n%.*s", number, number % 3 == 0 ? "Status: R\n" : "",
	    number, (int)(number * 37 % 3000), "");
	memset(text + n, 'x', number * 37 % 3000);
	text[n + number * 37 % 3000] = '\0';
	if (number % 5 != 0)
		strlcat(text, "\n", sizeof(text));
	return text;
}

/* Does the store say what the model does?  UIDs that are new are noted. */
static const char *
compare_model(struct mbox_store *s, bool texts)
{
	struct mbox_item item;
	size_t i;

	if (mbox_store_count(s) != nmodel)
		return "another number of messages";
	for (i = 0; i < nmodel; i++) {
		mbox_store_item(s, i, &item);
		if (model[i].uid == 0)
			model[i].uid = item.uid;
		if (model[i].uid != item.uid)
			return "another UID";
		if (model[i].flags != item.flags)
			return "other flags";
		if (texts && strcmp(text_of(s, item.uid),
		    model_text(model[i].number)) != 0)
			return "another text";
	}
	return NULL;
}

static void
model_save(struct mbox_store *s, unsigned number)
{
	const char *text = model_text(number), *lf;
	struct mbox_save *save;

	if (mbox_save_begin(s, &save) != MAILBOX_OK)
		return;
	mbox_save_start(save, MAILBOX_FLAGGED, 5);
	for (; (lf = strchr(text, '\n')) != NULL; text = lf + 1) {
		mbox_save_write(save, text, (size_t)(lf - text));
		mbox_save_write(save, "\r\n", 2);
	}
	mbox_save_write(save, text, strlen(text));
	mbox_save_finish(save);
	if (mbox_save_commit(save, NULL) == MAILBOX_OK)
		model[nmodel++] = (struct model){ number, 0, MAILBOX_FLAGGED };
}

static void
model_remove(struct mbox_store *s)
{
	uint32_t uids[MODEL];
	size_t n = 0, i, k = 0;

	for (i = 0; i < nmodel; i++) {
		if (model[i].uid != 0 && below(4) == 0)
			uids[n++] = model[i].uid;
		else
			model[k++] = model[i];
	}
	nmodel = k;
	if (mbox_store_remove(s, uids, n, false) != MAILBOX_OK)
		model[0].number = 0;
}

static void
model_flags(struct mbox_store *s)
{
	mailbox_flags flags = below(32);
	size_t i = below((unsigned)nmodel);
	int k = mbox_store_keyword(s, "one", true);

	if (model[i].uid == 0)
		return;
	if (below(2) == 0 && k == 0)
		flags |= MAILBOX_KEYWORD(k);
	if (mbox_store_flags(s, &model[i].uid, 1, MAILBOX_REPLACE, flags) ==
	    MAILBOX_OK)
		model[i].flags = flags;
}

static void
test_model(void)
{
	struct mbox_store *s[2];
	const char *wrong = NULL;
	unsigned number = 0, step, which, begun;
	const char *steps = getenv("MBOX_STEPS");
	unsigned many = steps == NULL ? 400 : (unsigned)strtoul(steps, NULL,
	    10);
	bool mixed = false;

	seed = getenv("MBOX_SEED") == NULL ? (unsigned)time(NULL) :
	    (unsigned)strtoul(getenv("MBOX_SEED"), NULL, 10);
	begun = seed;
	spew("");
	s[0] = open_store(0);
	s[1] = open_store(0);
	for (step = 0; step < many && wrong == NULL; step++) {
		which = below(2);
		switch (below(6)) {
		case 0:
			if (nmodel == MODEL)
				break;
			deliver(model_text(++number));
			model[nmodel++] = (struct model){ number, 0, 0 };
			break;
		case 1:
			if (nmodel < MODEL)
				model_save(s[which], ++number);
			break;
		case 2:
			if (below(4) == 0)
				model_remove(s[which]);
			break;
		case 3:
		case 4:
			if (nmodel > 0)
				model_flags(s[which]);
			break;
		case 5:
			mixed = below(10) == 0;
			break;
		}
		if (mbox_store_refresh(s[which], MBOX_STORE_ALL) != MAILBOX_OK)
			wrong = "a refresh failed";
		else
			wrong = compare_model(s[which], mixed);
	}
	ok(wrong == NULL, "%u random steps (MBOX_SEED=%u): %s", step, begun,
	    wrong == NULL ? "as the model" : wrong);
	mbox_store_close(s[0]);
	mbox_store_close(s[1]);
	ok(access("mbox.lock", F_OK) == -1, "no lock is left");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	return remove(path);
}

int
main(void)
{
	int null = open("/dev/null", O_WRONLY);

	if (null != -1 && getenv("MBOX_LOUD") == NULL)
		dup2(null, STDERR_FILENO);
	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return 1;
	test_flags();
	test_remove();
	test_save();
	test_others();
	test_readonly();
	test_full();
	test_model();
	if (chdir("/") == -1)
		return 1;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return done();
}
