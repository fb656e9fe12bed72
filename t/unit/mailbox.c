/* SPDX-License-Identifier: ISC
 *
 * Proves a session's view of a Maildir: UIDs that stay with their messages
 * whatever other programs do in the folder meanwhile, differences as IMAP
 * tells them, flags, saving, copying, removing, and the tree of folders.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"
#include "bytes/buf.h"
#include "mail/mailbox.h"
#include "mail/mailbox_lock.h"
#include "mail/mailbox_pop3.h"
#include "mail/subscriptions.h"
#include "mail/uidlist.h"

static char top[64];
static struct mailbox_root *root;
static struct buf text;

/* A command for sh in the test's folder. */
static void __attribute__((format(printf, 1, 2)))
run(const char *fmt, ...)
{
	char command[4096];
	va_list ap;
	int status;
	pid_t pid;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if ((pid = fork()) == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		printf("# failed: %s\n", command);
}

static const char *
file(const char *name)
{
	static char data[8192];
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, O_RDONLY);
	n = fd == -1 ? 0 : read(fd, data, sizeof(data) - 1);
	data[n > 0 ? n : 0] = '\0';
	if (fd != -1)
		close(fd);
	return data;
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

static struct mailbox *
inbox(unsigned flags)
{
	struct mailbox *mb;

	if (mailbox_open(root, "inbox", flags, &mb) != MAILBOX_OK)
		printf("# cannot open INBOX\n");
	return mb;
}

static void
setup(void)
{
	snprintf(top, sizeof(top), "/tmp/stdmail-mailbox.XXXXXX");
	if (mkdtemp(top) == NULL)
		printf("# no folder\n");
	run("cd %s && mkdir cur new tmp && "
	    "printf 'A: 1\\n\\none\\n' >new/1000.a && "
	    "printf 'A: 2\\n\\ntwo\\n' >new/1001.b,S=10,W=13 && "
	    "printf 'A: 3\\n' >cur/999.c:2,S && touch -d @86400 cur/999.c:2,S",
	    top);
	if (mailbox_root_open(top, 0, &root) != MAILBOX_OK)
		printf("# cannot open %s\n", top);
}

static void
teardown(void)
{
	mailbox_root_close(root);
	run("rm -rf %s", top);
}

/* ---- opening and listing ---- */

static void
test_open(void)
{
	struct mailbox *a, *b;
	uint64_t size;
	time_t date;

	setup();
	a = inbox(MAILBOX_KEEP_NEW);
	is_str(refresh(a, 0), "+3 ", "first refresh");
	is_str(view(a), "1 8;2 0*;3 0*;", "UIDs by time of arrival");
	ok(strstr(file(UIDLIST_FILE), "\n1 :999.c\n2 :1000.a\n3 :1001.b,S=10,"
	    "W=13\n") != NULL, "the list is on disk");
	is_str(refresh(a, 0), "", "nothing changed");
	is_int(mailbox_size(a, 1, &size), MAILBOX_OK, "size");
	is_int((long long)size, 6, "counted");
	mailbox_size(a, 3, &size);
	is_int((long long)size, 13, "by the name");
	mailbox_date(a, 1, &date);
	is_int((long long)date, 86400, "date");
	is_int(mailbox_seq(a, 2), 2, "by UID");
	is_int(mailbox_seq(a, 4), 0, "no such UID");
	is_int(mailbox_seq_from(a, 4), 4, "behind the last");

	b = inbox(0);
	is_str(refresh(b, 0), "+3 ", "a second session");
	is_str(view(b), "1 8;2 0*;3 0*;", "moves new, and has them as recent");
	is_int(mailbox_recent(b), 2, "their number");
	run("test -f '%s/cur/1000.a:2,' && test -z \"$(ls %s/new)\"", top,
	    top);
	is_str(refresh(a, 0), "", "the first does not mind");
	is_int((long long)mailbox_uidvalidity(a), mailbox_uidvalidity(b),
	    "one UIDVALIDITY");
	mailbox_close(a);
	mailbox_close(b);
	a = inbox(0);
	is_str(refresh(a, 0), "+3 ", "a third");
	is_str(view(a), "1 8;2 0;3 0;", "sees nothing recent");
	mailbox_close(a);
	teardown();
}

/* ---- what others do ---- */

static const struct {
	const char	*what;
	const char	*command;
	unsigned	 flags;
	const char	*diff;
	const char	*view;
} outside[] = {
	{ "flagged", "mv 999.c:2,S 999.c:2,FS", 0, "~1 ", "1 a;2 0;3 0;" },
	{ "flags taken away", "mv 999.c:2,FS 999.c", 0, "~1 ",
	  "1 0;2 0;3 0;" },
	{ "a new one", "printf x >1002.d:2,", 0, "+4 ",
	  "1 0;2 0;3 0;4 0;" },
	{ "one removed", "rm 1000.a*", 0, "-2 ", "1 0;3 0;4 0;" },
	{ "a reply, a removal and a new one", "mv 999.c 999.c:2,R; rm 1001*; "
	  "printf y >1003.e:2,S", 0, "-2 ~1 +3 ", "1 1;4 0;5 8;" },
	{ "removed, not to be told", "rm 1002.d*", MAILBOX_NO_EXPUNGE, "",
	  "1 1;4 0!;5 8;" },
	{ "and then", "true", 0, "-2 ", "1 1;5 8;" },
	{ "came back", "printf x >1002.d:2,F", 0, "+3 ", "1 1;5 8;6 2;" },
	{ "moved to new", "mv 1003.e:2,S ../new/1003.e", 0, "~2 ",
	  "1 1;5 0*;6 2;" },
	{ "two files of one name", "printf 1 >1003.e:2,R; printf 2 >1003.e:2,T",
	  MAILBOX_RELIST, NULL, NULL },
	{ "nothing of ours", "mkdir d; ln -s 999.c l; printf x >.hidden; "
	  "mkfifo f", MAILBOX_RELIST, NULL, NULL },
};

static void
test_outside(void)
{
	struct mailbox *mb;
	size_t i;

	setup();
	mb = inbox(0);
	refresh(mb, 0);
	mailbox_close(mb);
	mb = inbox(0);
	refresh(mb, 0);
	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		run("cd %s/cur && { %s; }", top, outside[i].command);
		if (outside[i].diff == NULL) {
			refresh(mb, outside[i].flags);
			refresh(mb, outside[i].flags);
			is_str(refresh(mb, outside[i].flags), "",
			    outside[i].what);
			continue;
		}
		is_str(refresh(mb, outside[i].flags), outside[i].diff,
		    outside[i].what);
		is_str(view(mb), outside[i].view, "the view then");
	}
	is_int(mailbox_count(mb), 5, "two files more are two messages more");
	mailbox_close(mb);
	teardown();
}

/* Another program replaces the list while a session goes on. */
static void
test_list_replaced(void)
{
	const uint32_t first = 1;
	struct mailbox *mb;
	uint64_t modseq;
	uint32_t validity;

	setup();
	mb = inbox(0);
	refresh(mb, 0);
	run("cd %s && cp dovecot-uidlist t && mv t dovecot-uidlist", top);
	ok(mailbox_store(mb, &first, 1, MAILBOX_ADD, MAILBOX_DRAFT) ==
	    MAILBOX_OK && mailbox_modseq_sync(mb) == 0,
	    "the same list anew, and a change whose number is kept");
	ok(mailbox_store(mb, &first, 1, MAILBOX_REMOVE, MAILBOX_DRAFT) ==
	    MAILBOX_OK, "and taken back");
	is_str(refresh(mb, 0), "", "which is nothing new");
	validity = mailbox_uidvalidity(mb);
	run("cd %s && printf '3 V%u N9 Xy\\n1 :999.c\\n3 :1001.b,S=10,W=13\\n"
	    "8 Pq :1000.a\\n' >t && mv t dovecot-uidlist", top, validity);
	is_str(refresh(mb, 0), "-2 +3 ", "another list: a new UID");
	is_str(view(mb), "1 8;3 0*;8 0;", "for a message that has one there");
	run("cd %s && rm dovecot-uidlist && printf z >cur/2000.z", top);
	is_str(refresh(mb, 0), "+4 ", "the list removed");
	is_str(view(mb), "1 8;3 0*;8 0;9 0;", "no UID is lost");
	ok(strstr(file(UIDLIST_FILE), "\n8 Pq :1000.a\n9 :2000.z\n") != NULL,
	    "and it is there again");
	run("cd %s && printf '3 V%u N9\\n' >t && mv t dovecot-uidlist", top,
	    validity + 1);
	is_str(refresh(mb, 0), "[the mailbox was replaced, open it again] ",
	    "another UIDVALIDITY ends it");
	mailbox_close(mb);

	mb = inbox(0);
	refresh(mb, 0);
	modseq = mailbox_modseq(mb);
	run("cd %s && cp dovecot-uidlist t && mv t dovecot-uidlist", top);
	ok(mailbox_expunge(mb, &first, 1, false) == MAILBOX_OK &&
	    mailbox_modseq(mb) == modseq,
	    "what is found anew later has no number that nobody knows");
	ok(strcmp(refresh(mb, 0), "-1 ") == 0 && mailbox_modseq(mb) > modseq,
	    "but one when it is found");
	mailbox_close(mb);

	run("printf garbage >%s/dovecot-uidlist", top);
	mb = inbox(0);
	is_str(refresh(mb, 0), "+3 ", "a list of garbage");
	ok(mailbox_uidvalidity(mb) > validity, "gets a greater UIDVALIDITY");
	mailbox_close(mb);
	teardown();
}

/* ---- flags ---- */

static void
test_store(void)
{
	struct mailbox *a, *b;
	uint32_t seqs[] = { 1, 2, 3 };
	int k;

	setup();
	a = inbox(0);
	refresh(a, 0);
	b = inbox(0);
	refresh(b, 0);
	is_int(mailbox_store(a, seqs, 3, MAILBOX_ADD, MAILBOX_FLAGGED),
	    MAILBOX_OK, "add a flag");
	is_str(view(a), "1 a;2 2*;3 2*;", "it is there");
	is_str(refresh(a, 0), "", "and no news to us");
	is_str(refresh(b, 0), "~1 ~2 ~3 ", "but to others");
	run("cd %s/cur && mv 1000.a:2,F 1000.a:2,FPS", top);
	is_int(mailbox_store(a, seqs + 1, 1, MAILBOX_ADD, MAILBOX_ANSWERED),
	    MAILBOX_OK, "a name that changed meanwhile");
	is_str(view(a), "1 a;2 b*;3 2*;", "nothing is undone");
	is_str(refresh(a, 0), "~2 ", "the other's change is told");
	run("test -f %s/cur/1000.a:2,FPRS", top);
	is_int(mailbox_store(a, seqs, 3, MAILBOX_REMOVE, MAILBOX_FLAGGED),
	    MAILBOX_OK, "remove");
	is_int(mailbox_store(a, seqs, 1, MAILBOX_REPLACE, MAILBOX_DRAFT),
	    MAILBOX_OK, "replace");
	is_str(view(a), "1 10;2 9*;3 0*;", "as said");
	k = mailbox_keyword(a, "$Label1", true);
	is_int(k, 0, "a keyword");
	is_int(mailbox_keyword(a, "$LABEL1", false), 0, "in any case");
	is_int(mailbox_keyword(a, "b ad", true), -1, "no atom");
	mailbox_store(a, seqs + 2, 1, MAILBOX_ADD, MAILBOX_KEYWORD(k));
	is_str(refresh(a, 0), "k ", "keywords are told");
	is_str(file("dovecot-keywords"), "0 $Label1\n", "the file");
	refresh(b, 0);
	is_str(mailbox_keyword_name(b, 0), "$Label1", "others read it");
	is_str(view(b), "1 10;2 9;3 100;", "and see it");
	run("rm %s/cur/1000*", top);
	is_int(mailbox_store(a, seqs, 3, MAILBOX_ADD, MAILBOX_SEEN),
	    MAILBOX_OK, "one is gone");
	is_str(view(a), "1 18;2 9*!;3 108*;", "the others are done");
	is_str(refresh(a, 0), "-2 ", "and it is told");
	is_int(mailbox_expunge(a, seqs, 2, true), MAILBOX_OK, "none deleted");
	is_str(refresh(a, 0), "", "none goes");
	mailbox_store(a, seqs, 1, MAILBOX_ADD, MAILBOX_DELETED);
	is_int(mailbox_expunge(a, seqs, 2, true), MAILBOX_OK, "one deleted");
	is_str(refresh(a, 0), "-1 ", "one goes");
	is_int(mailbox_expunge(a, seqs, 1, false), MAILBOX_OK, "any");
	is_int(mailbox_expunge(a, seqs, 1, false), MAILBOX_OK, "twice");
	is_str(refresh(a, 0), "-1 ", "gone");
	mailbox_close(a);
	a = inbox(MAILBOX_READONLY);
	is_int(mailbox_store(a, seqs, 1, MAILBOX_ADD, 1),
	    MAILBOX_NOT_PERMITTED, "read-only: no flags");
	mailbox_close(a);
	mailbox_close(b);
	teardown();
}

/* How many files in cur have this at the end of their names. */
static int
named(const char *end)
{
	size_t n = strlen(end), len;
	char path[128];
	struct dirent *e;
	int found = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/cur", top);
	if ((d = opendir(path)) == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		len = strlen(e->d_name);
		found += len >= n && strcmp(e->d_name + len - n, end) == 0;
	}
	closedir(d);
	return found;
}

static int
flagged(const struct mailbox *mb, mailbox_flags flags)
{
	struct mailbox_msg m;
	uint32_t seq;
	int n = 0;

	for (seq = 1; seq <= mailbox_count(mb); seq++) {
		mailbox_msg(mb, seq, &m);
		n += m.flags == flags && !m.gone;
	}
	return n;
}

/* Flags of many messages: the journal has them first, the names follow. */
static void
test_pending(void)
{
	struct mailbox *a, *b;
	uint32_t seqs[40], i;
	uint64_t modseq;
	int pid;

	setup();
	run("cd %s && rm -f new/* cur/* && for i in $(seq 40); do "
	    "printf x >cur/70$i.x:2,; done", top);
	for (i = 0; i < 40; i++)
		seqs[i] = i + 1;
	a = inbox(0);
	refresh(a, 0);
	b = inbox(0);
	refresh(b, 0);
	modseq = mailbox_modseq(a);
	is_int(mailbox_store(a, seqs, 40, MAILBOX_ADD, MAILBOX_SEEN),
	    MAILBOX_OK, "a flag for many");
	is_int(flagged(a, MAILBOX_SEEN), 40, "all have it");
	ok(mailbox_modseq(a) > modseq, "with a new modification sequence");
	is_int(named(":2,"), 40, "their names are the old ones");
	is_str(refresh(a, 0), "", "no news to us");
	refresh(b, 0);
	is_int(flagged(b, MAILBOX_SEEN), 40, "others see it");
	run("cd %s/cur && mv 705.x:2, 705.x:2,F && rm 706.x:2,", top);
	refresh(b, 0);
	is_int(flagged(b, MAILBOX_SEEN | MAILBOX_FLAGGED), 1,
	    "a flag from outside is there beside it");
	mailbox_store(b, (uint32_t[]){ 7 }, 1, MAILBOX_REMOVE, MAILBOX_SEEN);
	mailbox_flush(a);
	is_int(named(":2,S"), 37, "the names follow");
	is_int(named("705.x:2,FS"), 1, "and nothing is undone");
	is_int(named("708.x:2,"), 1, "nor what another session said later");
	refresh(a, 0);
	refresh(b, 0);
	is_int(flagged(a, MAILBOX_SEEN), 37, "both sessions");
	is_int(flagged(b, MAILBOX_SEEN), 37, "agree");
	mailbox_close(b);
	mailbox_close(a);

	fflush(stdout);
	if ((pid = fork()) == 0) {
		a = inbox(0);
		refresh(a, 0);
		mailbox_store(a, seqs, 39, MAILBOX_REPLACE, MAILBOX_ANSWERED);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	is_int(named(":2,R"), 0, "a session that died");
	a = inbox(0);
	refresh(a, 0);
	is_int(flagged(a, MAILBOX_ANSWERED), 39, "is known to the next");
	usleep(1100000);
	refresh(a, 0);
	is_int(named(":2,R"), 39, "which does what it left");
	mailbox_close(a);
	teardown();
}

/* ---- saving ---- */

static const char *
read_message(struct mailbox *mb, uint32_t seq)
{
	static char data[256];
	struct message *m;
	size_t n = 0;

	if (mailbox_message(mb, seq, &m) != MAILBOX_OK)
		return NULL;
	message_read(m, 0, data, sizeof(data) - 1, &n);
	data[n] = '\0';
	message_close(m);
	return data;
}

static void
test_save(void)
{
	struct mailbox *a, *sent;
	struct mailbox_save *save;
	const char *p, wire[] = "A: b\r\n\r\n\r\r\nx\r";
	uint32_t first = 0;
	time_t date;

	setup();
	a = inbox(0);
	refresh(a, 0);
	mailbox_save_begin(a, &save);
	mailbox_save_start(save, MAILBOX_SEEN, 1234567);
	for (p = wire; *p != '\0'; p++)
		mailbox_save_write(save, p, 1);
	is_int(mailbox_save_finish(save), MAILBOX_OK, "write");
	mailbox_save_start(save, 0, (time_t)-1);
	mailbox_save_finish(save);
	is_int(mailbox_save_commit(save, &first), MAILBOX_OK, "commit two");
	is_int(first, 4, "the first UID");
	is_str(refresh(a, 0), "+5 ", "the session sees them");
	is_str(view(a), "1 8;2 0*;3 0*;4 8;5 0*;", "with their flags");
	is_str(read_message(a, 4), wire, "octet for octet");
	is_str(read_message(a, 5), "", "an empty one");
	mailbox_date(a, 4, &date);
	is_int((long long)date, 1234567, "its date");
	mailbox_saved(a, 4, &date);
	ok(date > 1700000000, "it was saved later than that");
	run("touch -d @777 %s/cur/1000.a*", top);
	mailbox_saved(a, 2, &date);
	is_int((long long)date, 777, "what was delivered: its date");
	ok(mailbox_has_saved(a), "a Maildir knows");

	mailbox_save_begin(a, &save);
	mailbox_save_start(save, 0, (time_t)-1);
	mailbox_save_write(save, "x", 1);
	mailbox_save_abort(save);
	run("test -z \"$(ls %s/tmp)\"", top);
	is_str(refresh(a, 0), "", "nothing of an aborted one");

	mailbox_keyword(a, "one", true);
	mailbox_keyword(a, "two", true);
	mailbox_store(a, &(uint32_t){ 1 }, 1, MAILBOX_ADD,
	    MAILBOX_KEYWORD(1));
	is_int(mailbox_create(root, "Sent"), MAILBOX_OK, "another mailbox");
	is_int(mailbox_open(root, "Sent", 0, &sent), MAILBOX_OK, "opened");
	mailbox_save_begin(sent, &save);
	is_int(mailbox_save_copy(save, a, 1), MAILBOX_OK, "copy one");
	is_int(mailbox_save_copy(save, a, 3), MAILBOX_OK, "and another");
	run("rm %s/cur/1000.a*", top);
	is_int(mailbox_save_copy(save, a, 2), MAILBOX_NONE, "one is gone");
	is_int(mailbox_save_commit(save, &first), MAILBOX_OK, "commit");
	is_int(first, 1, "UIDs from 1");
	is_str(refresh(sent, 0), "+2 k ", "both");
	is_str(view(sent), "1 108;2 0*;", "flags and keywords are the same");
	is_str(mailbox_keyword_name(sent, 0), "two", "by name");
	mailbox_date(sent, 1, &date);
	is_int((long long)date, 86400, "the date too");
	mailbox_saved(sent, 1, &date);
	ok(date > 1700000000, "but not when it was saved");
	is_str(read_message(sent, 2), "A: 2\r\n\r\ntwo\r\n", "the text");
	ok(mailbox_uidvalidity(sent) > mailbox_uidvalidity(a),
	    "a UIDVALIDITY of its own");
	run("chmod 500 %s/.Sent/cur 2>/dev/null; true", top);
	mailbox_close(sent);
	mailbox_close(a);
	teardown();
}

/* Two processes save at once: all UIDs differ, and each is where it was said
 * to be. */
static void
test_race(void)
{
	struct mailbox *mb, *watcher;
	struct mailbox_save *save;
	uint32_t first;
	int i, status, pids = 4;

	setup();
	watcher = inbox(0);
	refresh(watcher, 0);
	fflush(stdout);
	for (i = 0; i < pids; i++) {
		if (fork() != 0)
			continue;
		mb = inbox(0);
		for (i = 0; i < 25; i++) {
			if (mailbox_save_begin(mb, &save) != MAILBOX_OK)
				_exit(1);
			mailbox_save_start(save, MAILBOX_SEEN, (time_t)-1);
			mailbox_save_write(save, "x", 1);
			mailbox_save_finish(save);
			if (mailbox_save_commit(save, &first) != MAILBOX_OK)
				_exit(2);
			if (mailbox_refresh(mb, 0, NULL) != MAILBOX_OK)
				_exit(3);
			if (mailbox_seq(mb, first) == 0)
				_exit(4);
			mailbox_store(mb, &(uint32_t){ mailbox_seq(mb,
			    first) }, 1, MAILBOX_ADD, MAILBOX_FLAGGED);
		}
		_exit(0);
	}
	for (i = 0; i < 200; i++) {
		if (strchr(refresh(watcher, 0), '-') != NULL)
			ok(0, "something vanished: %s", buf_str(&text));
		usleep(1000);
	}
	for (i = 0; i < pids; i++) {
		wait(&status);
		is_int(status, 0, "a writer");
	}
	refresh(watcher, 0);
	is_int(mailbox_count(watcher), 103, "the watcher has them all");
	is_int(mailbox_uidnext(watcher), 104, "no UID was wasted");
	mailbox_close(watcher);
	teardown();
}

/* A program renames files all the time: none is ever told as gone. */
static void
test_lively(void)
{
	char from[128], to[128];
	struct mailbox *mb;
	int i, pid, status, gone = 0, dir;

	setup();
	run("cd %s/cur && for i in $(seq 3000); do : >5000.$i:2,; done", top);
	mb = inbox(0);
	refresh(mb, 0);
	if ((pid = fork()) == 0) {
		snprintf(from, sizeof(from), "%s/cur", top);
		dir = open(from, O_RDONLY | O_DIRECTORY);
		for (i = 0; i < 15000; i++) {
			snprintf(from, sizeof(from), "5000.%d:2,%s",
			    i % 3000 + 1, i / 3000 % 2 ? "S" : "");
			snprintf(to, sizeof(to), "5000.%d:2,%s",
			    i % 3000 + 1, i / 3000 % 2 ? "" : "S");
			if (renameat(dir, from, dir, to) == -1)
				_exit(1);
		}
		_exit(0);
	}
	for (i = 0; waitpid(pid, &status, WNOHANG) == 0; i++)
		gone += strchr(refresh(mb, 0), '-') != NULL;
	is_int(status, 0, "renames");
	refresh(mb, 0);
	is_int(gone, 0, "nothing gone in any refresh");
	is_int(mailbox_count(mb), 3003, "all there");
	is_int(mailbox_uidnext(mb), 3004, "with their UIDs");
	mailbox_close(mb);
	teardown();
}

/* No space for the UID list: what is known stays usable, new messages wait, and
 * nothing broken is left. */
static void
test_full(void)
{
	struct mailbox_save *save;
	struct rlimit limit;
	struct mailbox *mb;
	int pid, status;

	setup();
	mb = inbox(MAILBOX_KEEP_NEW);
	refresh(mb, 0);
	mailbox_close(mb);
	run("printf x >%s/new/4000.x", top);
	fflush(stdout);
	if ((pid = fork()) == 0) {
		signal(SIGXFSZ, SIG_IGN);
		limit.rlim_cur = limit.rlim_max = 0;
		setrlimit(RLIMIT_FSIZE, &limit);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		mb = inbox(MAILBOX_KEEP_NEW);
		if (mailbox_refresh(mb, 0, NULL) != MAILBOX_FULL ||
		    mailbox_count(mb) != 3)
			_exit(1);
		if (mailbox_store(mb, &(uint32_t){ 1 }, 1, MAILBOX_ADD,
		    MAILBOX_FLAGGED) != MAILBOX_OK)
			_exit(2);
		mailbox_save_begin(mb, &save);
		mailbox_save_start(save, 0, (time_t)-1);
		mailbox_save_write(save, "x", 1);
		if (mailbox_save_finish(save) != MAILBOX_FULL ||
		    mailbox_save_commit(save, NULL) != MAILBOX_FULL)
			_exit(3);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	is_int(status, 0, "no space: new ones wait, flags can be set");
	run("test -z \"$(ls %s/tmp %s/*.lock 2>/dev/null | grep -v :)\"", top,
	    top);
	mb = inbox(MAILBOX_KEEP_NEW);
	is_str(refresh(mb, 0), "+4 ", "space again");
	is_str(view(mb), "1 a;2 0*;3 0*;4 0*;", "nothing was lost");
	mailbox_close(mb);
	teardown();
}

/* ---- locks ---- */

static void
test_lock(void)
{
	struct mailbox_lock lock;
	char want[16];
	int dir, pid;

	setup();
	dir = mailbox_root_fd(root);
	is_int(mailbox_lock(&lock, dir, "x", 0600), MAILBOX_OK, "lock");
	snprintf(want, sizeof(want), "%d:", (int)getpid());
	ok(strncmp(file("x.lock"), want, strlen(want)) == 0, "pid:host");
	mailbox_unlock(&lock);
	is_str(file("x.lock"), "", "gone");
	if ((pid = fork()) == 0) {
		mailbox_lock(&lock, dir, "x", 0600);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	is_int(mailbox_lock(&lock, dir, "x", 0600), MAILBOX_OK,
	    "a dead owner's is broken");
	mailbox_unlock(&lock);
	run("printf 1:elsewhere.example >%s/x.lock && touch -d '-3 min' "
	    "%s/x.lock", top, top);
	is_int(mailbox_lock(&lock, dir, "x", 0600), MAILBOX_OK,
	    "one left alone too");
	mailbox_unlock(&lock);
	teardown();
}

/* ---- the tree ---- */

static const char *
list(void)
{
	struct mailbox_names names;
	size_t i;

	buf_reset(&text);
	if (mailbox_list(root, &names) != MAILBOX_OK)
		return "failed";
	for (i = 0; i < names.n; i++)
		buf_addf(&text, "%s ", names.v[i]);
	mailbox_names_free(&names);
	return buf_str(&text);
}

static const struct {
	const char	*verb;
	const char	*a, *b;
	enum mailbox_status want;
	const char	*list;
} tree[] = {
	{ "create", "Sent", NULL, MAILBOX_OK, "INBOX Sent " },
	{ "create", "Sent", NULL, MAILBOX_EXISTS, "INBOX Sent " },
	{ "create", "iNbox", NULL, MAILBOX_EXISTS, "INBOX Sent " },
	{ "create", "a.b.c", NULL, MAILBOX_OK, "INBOX Sent a.b.c " },
	{ "create", "a.x.", NULL, MAILBOX_OK, "INBOX Sent a.b.c a.x " },
	{ "create", "inbox.y", NULL, MAILBOX_OK,
	  "INBOX INBOX.y Sent a.b.c a.x " },
	{ "create", "", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", ".", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", "..", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", ".a", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", "a..b", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", "a/b", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", "../x", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", "a\nb", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", "\xc3\xa4", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", "R&D", NULL, MAILBOX_BAD_NAME, NULL },
	{ "create", "R&-D", NULL, MAILBOX_OK,
	  "INBOX INBOX.y R&-D Sent a.b.c a.x " },
	{ "delete", "R&-D", NULL, MAILBOX_OK, "INBOX INBOX.y Sent a.b.c a.x " },
	{ "delete", "R&-D", NULL, MAILBOX_NONE, NULL },
	{ "delete", "a", NULL, MAILBOX_NONE, NULL },
	{ "delete", "INBOX", NULL, MAILBOX_NOT_PERMITTED, NULL },
	{ "delete", "..", NULL, MAILBOX_NONE, NULL },
	{ "exists", "a", NULL, MAILBOX_NONE, NULL },
	{ "exists", "a.x", NULL, MAILBOX_OK, NULL },
	{ "rename", "a", "z", MAILBOX_OK, "INBOX INBOX.y Sent z.b.c z.x " },
	{ "rename", "z", "z.x.q", MAILBOX_NOT_PERMITTED, NULL },
	{ "rename", "z", "Sent", MAILBOX_EXISTS, NULL },
	{ "rename", "Sent", "z.b", MAILBOX_OK, "INBOX INBOX.y z.b z.b.c z.x " },
	{ "rename", "z.b", "Sent", MAILBOX_OK,
	  "INBOX INBOX.y Sent Sent.c z.x " },
	{ "rename", "none", "w", MAILBOX_NONE, NULL },
	{ "rename", "Sent", "inbox", MAILBOX_EXISTS, NULL },
	{ "rename", "INBOX", "old", MAILBOX_OK,
	  "INBOX INBOX.y Sent Sent.c old z.x " },
};

static void
test_tree(void)
{
	enum mailbox_status got = MAILBOX_TEMPORARY;
	struct mailbox *mb;
	uint32_t validity;
	size_t i;

	setup();
	run("mkdir -p %s/.notmail %s/.inbox/cur %s/..x/cur", top, top, top);
	for (i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
		if (*tree[i].verb == 'c')
			got = mailbox_create(root, tree[i].a);
		else if (*tree[i].verb == 'd')
			got = mailbox_delete(root, tree[i].a);
		else if (*tree[i].verb == 'e')
			got = mailbox_exists(root, tree[i].a);
		else
			got = mailbox_rename(root, tree[i].a, tree[i].b);
		ok(got == tree[i].want, "%s %s %s: %s", tree[i].verb,
		    tree[i].a, tree[i].b == NULL ? "" : tree[i].b,
		    mailbox_status_text(got));
		if (tree[i].list != NULL)
			is_str(list(), tree[i].list, "the list then");
	}
	mailbox_open(root, "old", 0, &mb);
	is_str(refresh(mb, 0), "+3 ", "INBOX' messages went along");
	mailbox_close(mb);
	mb = inbox(0);
	refresh(mb, 0);
	is_int(mailbox_count(mb), 0, "and it is empty");
	mailbox_close(mb);

	mailbox_open(root, "Sent", 0, &mb);
	refresh(mb, 0);
	validity = mailbox_uidvalidity(mb);
	mailbox_delete(root, "Sent");
	is_str(refresh(mb, 0), "[the mailbox was replaced, open it again] ",
	    "removed under a session");
	mailbox_close(mb);
	mailbox_create(root, "Sent");
	mailbox_open(root, "Sent", 0, &mb);
	refresh(mb, 0);
	ok(mailbox_uidvalidity(mb) > validity, "made again: a greater one");
	mailbox_close(mb);
	is_int(mailbox_open(root, "none", 0, &mb), MAILBOX_NONE, "no mailbox");
	run("test -z \"$(ls -d %s/..stdmail* 2>/dev/null)\"", top);
	teardown();
}

/* ---- the rest ---- */

static void
test_watch(void)
{
	struct mailbox *mb;
	struct pollfd p = { .events = POLLIN };
	int ms;

	setup();
	mb = inbox(0);
	refresh(mb, 0);
	p.fd = mailbox_watch(mb, &ms);
	if (p.fd == -1) {
		printf("# no inotify here\n");
	} else {
		refresh(mb, 0);
		is_int(poll(&p, 1, 0), 0, "quiet");
		run("printf x >%s/new/3000.x", top);
		is_int(poll(&p, 1, 60000), 1, "woken");
		is_str(refresh(mb, 0), "+4 ", "by a message");
		refresh(mb, 0);
		is_int(poll(&p, 1, 0), 0, "quiet again");
	}
	mailbox_close(mb);
	teardown();
}

static const char *
subscriptions(void)
{
	struct mailbox_names names;
	size_t i;

	buf_reset(&text);
	if (subscriptions_read(root, &names) != MAILBOX_OK)
		return "failed";
	for (i = 0; i < names.n; i++)
		buf_addf(&text, "%s ", names.v[i]);
	mailbox_names_free(&names);
	return buf_str(&text);
}

static void
test_subscriptions(void)
{
	setup();
	is_str(subscriptions(), "", "no file");
	subscriptions_set(root, "inbox", true);
	subscriptions_set(root, "a.b", true);
	subscriptions_set(root, "a.b", true);
	is_str(subscriptions(), "INBOX a.b ", "two");
	is_str(file("subscriptions"), "INBOX\na.b\n", "the file");
	subscriptions_set(root, "INBOX", false);
	subscriptions_set(root, "none", false);
	is_str(subscriptions(), "a.b ", "one");
	run("printf 'V\\t2\\n\\nINBOX\\nLists\\tfoo\\nx\\001ty\\n' >"
	    "%s/subscriptions", top);
	is_str(subscriptions(), "INBOX Lists.foo ", "version 2");
	subscriptions_set(root, "Lists.bar", true);
	is_str(file("subscriptions"), "V\t2\n\nINBOX\nLists\tfoo\nx\001ty\n"
	    "Lists\tbar\n", "is kept");
	subscriptions_set(root, "Lists.foo", false);
	is_str(file("subscriptions"), "V\t2\n\nINBOX\nx\001ty\n"
	    "Lists\tbar\n", "and taken from");
	is_int(subscriptions_set(root, "a\nb", true), MAILBOX_BAD_NAME,
	    "no name");
	teardown();
}

static void
test_pop3_fields(void)
{
	struct mailbox *mb;
	struct mailbox_known known;
	char id[70];

	setup();
	run("printf '3 V5 N9\\n1 Pold-id O3 W77 :999.c\\n2 P :1000.a\\n"
	    "3 O2 P\\001 :1001.b,S=10,W=13\\n' >%s/dovecot-uidlist", top);
	mb = inbox(MAILBOX_KEEP_NEW);
	refresh(mb, 0);
	mailbox_known(mb, 2, &known);
	ok(known.uid == 2 && known.base_len == 6 &&
	    memcmp(known.base, "1000.a", 6) == 0, "UID and base name");
	is_int(mailbox_pop3_id(mb, 1, id, sizeof(id)), 1, "a migrated id");
	is_str(id, "old-id", "as it was");
	is_int(mailbox_pop3_id(mb, 2, id, sizeof(id)), 1, "an empty one");
	is_str(id, "1000.a", "stands for the base name");
	is_int(mailbox_pop3_id(mb, 2, id, 6), 0, "no room");
	ok(mailbox_pop3_ordered(mb), "a migration's order");
	is_int(mailbox_pop3_order(mb, 1), 3, "order");
	is_int(mailbox_pop3_order(mb, 2), 0, "none");
	mailbox_close(mb);
	teardown();
}

int
main(void)
{
	buf_init(&text, 65536);
	test_open();
	test_outside();
	test_list_replaced();
	test_store();
	test_pending();
	test_save();
	test_race();
	test_lively();
	test_full();
	test_lock();
	test_tree();
	test_watch();
	test_subscriptions();
	test_pop3_fields();
	buf_free(&text);
	return done();
}
