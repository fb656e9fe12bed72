/* SPDX-License-Identifier: ISC
 *
 * Proves that a message goes into the spool, is found, taken, marked,
 * deferred and dropped; that recovery finishes what a crash left at each step
 * and touches nothing whose writer lives; and that names that are not the
 * spool's are not believed.
 */
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "mail/spool.h"
#include "system/log.h"
#include "tap.h"

static char dir[] = "/tmp/stdmail-spool.XXXXXX";
static struct settings settings;
static struct spool sp;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

/* All files below the spool, sorted: "tmp 1, local/now 2"; folders whose name
 * is a number stand for later/'s buckets. */
static int count_files;
static const char *count_in;

static int
count_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)f;
	if (type == FTW_F && strncmp(path + sizeof(dir), count_in,
	    strlen(count_in)) == 0)
		count_files++;
	return 0;
}

static int
files(const char *folder)
{
	count_files = 0;
	count_in = folder;
	nftw(dir, count_one, 16, FTW_PHYS);
	return count_files;
}

static void
fill(struct envelope *e, const char *sender, const char *const *to)
{
	struct address a;

	envelope_init(e);
	address_parse(&e->sender, sender, strlen(sender), NULL);
	for (; *to != NULL; to++)
		if (address_parse(&a, *to, strlen(*to), NULL) == 1)
			envelope_add(e, &a);
}

static const char *const one[] = { "bob@a.test", NULL };
static const char *const two[] = { "bob@a.test", "eve@a.test", NULL };
static const char body[] = "Received: x\n\nhello\r\nthere\n";

/* Put a message; its ID, or "" with errno. */
static const char *
put(enum spool_queue queue, const char *const *to)
{
	static struct spool_put p;
	struct envelope e;
	int r;

	fill(&e, "alice@b.test", to);
	r = spool_put_begin(&p, &sp, queue, &e, (uid_t)-1);
	if (r == 0) {
		spool_put_write(&p, body, 10);
		spool_put_write(&p, body + 10, sizeof(body) - 11);
		r = spool_put_end(&p);
	}
	envelope_free(&e);
	return r == 0 ? p.file.id : "";
}

/* The first item of a queue: 1, 0 none. */
static int
first(enum spool_queue queue, int64_t when, struct spool_item *it)
{
	struct spool_walk *w = spool_walk_open(&sp, queue, when, 1);
	int r = spool_walk_next(w, it);

	spool_walk_close(w);
	return r;
}

static void
test_names(void)
{
	static const struct {
		const char	*name;
		int64_t		 bucket;
		enum spool_queue queue;
		int		 want;
	} rows[] = {
		{ "1700000000.M5P9Q1L.h.test,S=10,W=12", -1, SPOOL_LOCAL, 1 },
		{ "1700000000.M5P9Q1M.h.test,S=10,W=12", -1, SPOOL_LOCAL, 1 },
		{ "1700000000.M5P9Q1S.h.test,S=10,W=12", -1, SPOOL_LOCAL, 1 },
		{ "1700000000.M5P9Q1R.h.test,S=10,W=12", -1, SPOOL_REMOTE, 1 },
		{ "1700000000.M5P9Q1R.h.test,S=10,W=12", -1, SPOOL_LOCAL, 0 },
		{ "99-1700000000.M5P9Q1R.h,S=1,W=1", 0, SPOOL_REMOTE, 1 },
		{ "1700000000.M5P9Q1R.h,S=1,W=1", 0, SPOOL_REMOTE, 0 },
		{ "99-1700000000.M5P9Q1R.h,S=1,W=1", SPOOL_HELD, SPOOL_REMOTE,
		    1 },
		{ "99-1700000000.M5P9Q1L.h,S=1,W=1", SPOOL_HELD, SPOOL_LOCAL,
		    1 },
		{ "1700000000.M5P9Q1R.h,S=1,W=1", SPOOL_HELD, SPOOL_REMOTE,
		    0 },
		{ "1700000000.M5P9Q1L.h.test", -1, SPOOL_LOCAL, 0 },
		{ "1700000000.M5P9Q1L.h.test,S=10", -1, SPOOL_LOCAL, 0 },
		{ "1700000000.M5P9Q1L.h.test,S=10,W=12:2,S", -1, SPOOL_LOCAL,
		    0 },
		{ "1700000000.M5P9Q1X.h.test,S=10,W=12", -1, SPOOL_LOCAL, 0 },
		{ "1700000000.M5P9Q1L.,S=10,W=12", -1, SPOOL_LOCAL, 0 },
		{ "99999999999999999999.M5P9Q1L.h,S=1,W=1", -1, SPOOL_LOCAL,
		    0 },
		{ "core", -1, SPOOL_LOCAL, 0 },
		{ "", -1, SPOOL_LOCAL, 0 },
	};
	struct spool_item it;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_int(spool_name_parse(&it, rows[i].name, rows[i].queue,
		    rows[i].bucket), rows[i].want, rows[i].name);
}

static void
test_way(void)
{
	struct spool_message m;
	struct spool_item it;
	const char *id = put(SPOOL_LOCAL, one);
	char text[256];
	int64_t now = time(NULL);
	ssize_t n;

	ok(*id != '\0', "one local recipient: committed");
	is_int(files("tmp"), 0, "nothing stays in tmp/");
	is_int(files("local/env"), 0, "no envelope file");
	is_int(first(SPOOL_LOCAL, now, &it), 1, "it is found");
	is_str(it.id, id, "by its ID");
	is_int(spool_take(&sp, &it, &m), 1, "it is taken");
	n = pread(m.fd, text, sizeof(text), (off_t)m.start);
	is_mem(text, (size_t)n, body, sizeof(body) - 1, "the message");
	is_int((long long)m.size, (long long)it.size, "its ,S=");
	is_int((long long)(it.wire - it.size), 5, "its ,W=: one CRLF stays");
	is_str(m.env.rcpts[0].addr.local, "bob", "its recipient");
	is_str(m.env.sender.local, "alice", "its sender");

	/* Deferred, due, retried, dropped. */
	is_int(spool_defer(&m, now + 10000), 0, "deferred");
	is_int(first(SPOOL_LOCAL, now + 9999, &it), 0, "it is not due before");
	is_int((long long)spool_next_due(&sp, SPOOL_LOCAL),
	    (long long)now + 10000, "the next due time");
	is_int(first(SPOOL_LOCAL, now + 10000, &it), 1, "then it is");
	spool_release(&m);
	is_int(spool_retry(&sp, &it), 0, "back to now/");
	is_int(first(SPOOL_LOCAL, now, &it), 1, "and found there");
	is_int(spool_take(&sp, &it, &m), 1, "taken again");
	is_int(spool_drop(&m), 0, "dropped");
	spool_release(&m);
	is_int(files("local"), 0, "nothing is left");
}

static void
test_marks(void)
{
	struct spool_message m, other;
	struct spool_item it;
	const char *id = put(SPOOL_REMOTE, one);

	ok(*id != '\0', "a remote recipient");
	is_int(files("remote/env"), 1, "has an envelope file");
	spool_release(((void)first(SPOOL_REMOTE, time(NULL), &it),
	    (void)spool_take(&sp, &it, &m), &m));
	id = put(SPOOL_LOCAL, two);
	ok(*id != '\0', "two local recipients");
	is_int(first(SPOOL_LOCAL, time(NULL), &it), 1, "found");
	is_int(spool_take(&sp, &it, &m), 1, "taken");
	is_int((long long)m.start, 0, "no lines before the message");
	is_int(spool_mark(&m, 1, ENVELOPE_DELIVERED, 0, NULL), 0, "marked");
	is_int(spool_mark(&m, 0, ENVELOPE_QUEUED, 1700000000, "4.2.2 - full"),
	    0, "and tried");
	is_int(spool_marks_sync(&m), 0, "synced");
	is_int(spool_take(&sp, &it, &other), 0, "locked for all others");
	is_int(spool_look(&sp, &it, &other), 1, "who may look");
	is_int(other.env.rcpts[1].status, ENVELOPE_DELIVERED, "at the mark");
	is_str(other.env.rcpts[0].reply, "4.2.2 - full", "and the words");
	spool_release(&other);

	/* A torn "tried" line. */
	if (pwrite(m.env_fd, "tried 17", 8, lseek(m.env_fd, 0, SEEK_END)) !=
	    8)
		ok(0, "write");
	is_int(spool_mark(&m, 0, ENVELOPE_QUEUED, 1700000009, "again"), 0,
	    "tried behind a torn line");
	spool_release(&m);
	is_int(spool_take(&sp, &it, &m), 1, "released, taken again");
	is_int(m.env.rcpts[0].tries, 2, "the torn line is not counted");
	is_str(m.env.rcpts[0].reply, "again", "the last words");
	spool_mark(&m, 0, ENVELOPE_BOUNCED, 0, NULL);
	is_int(spool_drop(&m), 0, "dropped");
	spool_release(&m);
	is_int(files("local"), 0, "with its envelope");

	/* An envelope that is gone is not a message thrown away. */
	put(SPOOL_LOCAL, two);
	first(SPOOL_LOCAL, time(NULL), &it);
	unlinkat(sp.env[SPOOL_LOCAL], it.id, 0);
	is_int(spool_take(&sp, &it, &m), -1, "no envelope");
	is_int(errno, EBADMSG, "says so");
	is_int(spool_defer_item(&sp, &it, time(NULL) + 5), 0, "put off");
	is_int(files("local/later"), 1, "and kept");
	first(SPOOL_LOCAL, time(NULL) + 5, &it);
	spool_retry(&sp, &it);
	unlinkat(sp.now[SPOOL_LOCAL], it.name, 0);
}

/* Who submitted it may speak for this host: two lines can say so, in the ID,
 * and an envelope file that comes later has it from there. */
static void
test_own(void)
{
	static struct spool_put p;
	struct spool_message m;
	struct spool_item it;
	struct envelope e;

	fill(&e, "alice@b.test", one);
	e.own = 1;
	ok(spool_put_begin(&p, &sp, SPOOL_LOCAL, &e, (uid_t)-1) == 0 &&
	    spool_put_write(&p, body, sizeof(body) - 1) == 0 &&
	    spool_put_end(&p) == 0, "a message of our own");
	envelope_free(&e);
	is_int(files("local/env"), 0, "has no envelope file");
	ok(first(SPOOL_LOCAL, time(NULL), &it) == 1 &&
	    spool_take(&sp, &it, &m) == 1 && m.env.own, "and says so");
	is_int(spool_add_envelope(&m), 0, "it gets one");
	spool_release(&m);
	ok(first(SPOOL_LOCAL, time(NULL), &it) == 1 &&
	    it.form == SPOOL_FILE && spool_take(&sp, &it, &m) == 1 &&
	    m.env.own, "which says the same");
	is_int(spool_drop_unsynced(&m), 0, "dropped");
	spool_release(&m);
}

/* What goes to several places: an envelope file for a message of two lines, and
 * what is settled. */
static void
test_places(void)
{
	struct envelope_did did = { .status = ENVELOPE_DELIVERED,
	    .key = "0123456789abcdef", .words = (char[]){ "2.0.0 - it is" } };
	const char *id = put(SPOOL_LOCAL, one);
	struct spool_message m, other;
	struct spool_item it;
	int64_t now = time(NULL);
	char text[256];
	ssize_t n;
	int fd;

	ok(*id != '\0' && first(SPOOL_LOCAL, now, &it) == 1 &&
	    spool_take(&sp, &it, &m) == 1 && spool_defer(&m, now + 9) == 0,
	    "a message that waits");
	/* A try before this one was killed, and one that moved it wins. */
	strlcpy(text, it.id, sizeof(text));
	text[strcspn(text, "L")] = 'M';
	fd = openat(sp.env[SPOOL_LOCAL], text, O_WRONLY | O_CREAT, 0200);
	ok(fd != -1, "what a kill left");
	close(fd);
	is_int(spool_add_envelope(&m), 0, "it gets an envelope file");
	is_str(m.item.id, text, "and an ID that says so");
	is_int(spool_did(&m, &did), 0, "one place is settled");
	spool_release(&m);
	is_int(files("local/env"), 1, "there is one envelope");
	is_int(first(SPOOL_LOCAL, now + 9, &it), 1, "the message is there");
	is_int(spool_take(&sp, &it, &m), 1, "and is taken");
	n = pread(m.fd, text, sizeof(text), (off_t)m.start);
	is_mem(text, (size_t)n, body, sizeof(body) - 1, "it is the same");
	is_str(m.env.rcpts[0].addr.local, "bob", "for the same");
	ok(envelope_find_did(&m.env, 0, did.key) != NULL &&
	    envelope_find_did(&m.env, 1, did.key) == NULL &&
	    envelope_find_did(&m.env, 0, "0123456789abcdee") == NULL,
	    "what is settled is known");
	is_int(spool_add_envelope(&m), 0, "it has one");
	is_int(spool_take(&sp, &it, &other), 0, "and is locked");
	(void)spool_mark(&m, 0, ENVELOPE_DELIVERED, 0, NULL);
	is_int(spool_drop(&m), 0, "dropped");
	spool_release(&m);
	is_int(files("local"), 0, "nothing is left");

	/* A kill before the rename: a recovery leaves the envelope until the
	 * message is gone. */
	put(SPOOL_LOCAL, one);
	(void)first(SPOOL_LOCAL, now, &it);
	(void)spool_take(&sp, &it, &m);
	strlcpy(text, it.name, sizeof(text));
	is_int(spool_add_envelope(&m), 0, "it gets one");
	renameat(sp.now[SPOOL_LOCAL], m.item.name, sp.now[SPOOL_LOCAL], text);
	spool_release(&m);
	is_int(spool_recover(&sp), 0, "recovered");
	is_int(files("local/env"), 1, "its envelope may be in the making");
	unlinkat(sp.now[SPOOL_LOCAL], text, 0);
	is_int(spool_recover(&sp), 0, "recovered when it is gone");
	is_int(files("local"), 0, "then it goes");

	/* A message that was moved away meanwhile stays as it is. */
	put(SPOOL_LOCAL, one);
	(void)first(SPOOL_LOCAL, now, &it);
	(void)spool_take(&sp, &it, &m);
	unlinkat(sp.now[SPOOL_LOCAL], it.name, 0);
	is_int(spool_add_envelope(&m), -1, "gone");
	spool_release(&m);
	is_int(files("local"), 0, "and no envelope");
}

/* A kill between the unlinks of message and envelope: whose copies were
 * being made has them, or the message would be there; it is another's business
 * when somebody's were not begun, or it was for another host. */
static void
test_letters(void)
{
	static const struct {
		enum spool_queue queue;
		enum envelope_status bob, eve;
		int left;
	} rows[] = {
		{ SPOOL_LOCAL, ENVELOPE_TRYING, ENVELOPE_DELIVERED, 0 },
		{ SPOOL_LOCAL, ENVELOPE_TRYING, ENVELOPE_QUEUED, 1 },
		{ SPOOL_LOCAL, ENVELOPE_TRYING, ENVELOPE_FAILED, 1 },
		{ SPOOL_REMOTE, ENVELOPE_TRYING, ENVELOPE_DELIVERED, 1 },
	};
	struct spool_message m;
	struct spool_item it;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(rows[i].queue, two);
		(void)first(rows[i].queue, time(NULL), &it);
		is_int(spool_take(&sp, &it, &m), 1, "taken");
		(void)spool_mark(&m, 0, rows[i].bob, 0, NULL);
		(void)spool_mark(&m, 1, rows[i].eve, 0, NULL);
		unlinkat(sp.now[it.queue], it.name, 0);
		spool_release(&m);
		is_int(spool_recover(&sp), 0, "recovered");
		is_int(unlinkat(sp.env[it.queue], it.id, 0), rows[i].left - 1,
		    "does its envelope stay?");
	}
}

/* Is it there, by a walk of this kind? */
static int
met(struct spool_walk *w, const char *id, struct spool_item *it)
{
	int found = 0;

	while (w != NULL && !found && spool_walk_next(w, it) == 1)
		found = strcmp(it->id, id) == 0;
	spool_walk_close(w);
	return found;
}

static void
test_hold(enum spool_queue queue, const char *const *to)
{
	int64_t now = (int64_t)time(NULL);
	struct spool_message m;
	struct spool_item it, other;
	char id[SPOOL_ID_MAX];
	const char *folder = queue == SPOOL_LOCAL ? "local" : "remote";
	int before = files(folder);

	strlcpy(id, put(queue, to), sizeof(id));
	is_int(met(spool_walk_open(&sp, queue, now, 1), id, &it), 1, "queued");
	is_int(spool_take(&sp, &it, &m), 1, "taken");
	is_int(spool_hold(&m, now - 5), 0, "held");
	is_int(m.item.held, now - 5, "since then");
	spool_release(&m);
	is_int(met(spool_walk_open(&sp, queue, INT64_MAX, 1), id, &it), 0,
	    "no agent meets it");
	is_int(spool_recover(&sp), 0, "nor does a recovery touch it");
	is_int(met(spool_walk_all(&sp, queue), id, &it), 1, "people do");
	is_int(it.held, now - 5, "with its time");
	is_int(it.due, 0, "which is no due one");
	is_int(spool_take(&sp, &it, &m), 1, "it is whole, taken");
	is_int(spool_take(&sp, &it, &(struct spool_message){ 0 }), 0,
	    "by one at a time");
	is_int(spool_unhold(&m, now + 60), 0, "released");
	is_int(met(spool_walk_open(&sp, queue, 0, 0), id, &it), 1, "into now/");
	is_int(spool_take(&sp, &it, &m), 1, "without a lock left");
	is_int(m.env.held, m.env_fd == -1 ? 0 : 60, "what its age leaves out");

	/* Someone moves it while we have it. */
	is_int(spool_defer(&m, now + 100), 0, "deferred");
	other = m.item;
	is_int(spool_retry(&sp, &other), 0, "a retry needs no lock");
	is_int(spool_defer(&m, now + 200), 0, "deferred from where it is");
	is_int(m.item.due, now + 200, "... until then");
	other = m.item;
	is_int(spool_retry(&sp, &other), 0, "a retry again");
	is_int(spool_hold(&m, now), -1, "a hold does not follow");
	is_int(errno, ENOENT, "... and says so");
	is_int(spool_drop(&m), 0, "a drop does");
	spool_release(&m);
	is_int(met(spool_walk_all(&sp, queue), id, &it), 0, "it is gone");
	is_int(spool_nudge(&sp, queue), 0, "a nudge");
	is_int(files(folder), before, "nothing is left");
}

/* How far the creator comes before it dies. */
enum step { CREATED, WRITTEN, ENV_SEALED, SEALED, SYNCED, COMMITTED,
	ABORTED };

static void
put_to(enum step step, enum spool_form form)
{
	static struct spool_writer w;
	struct spool_new n;
	struct envelope e;
	struct buf b;

	spool_create(&sp, &n, SPOOL_LOCAL, form, (uid_t)-1, false);
	if (step >= WRITTEN && form == SPOOL_FILE) {
		buf_init(&b, 4096);
		fill(&e, "a@b.test", two);
		envelope_write(&b, &e);
		envelope_free(&e);
		spool_writer_init(&w, n.env);
		spool_write(&w, b.data, b.len);
		spool_flush(&w);
		buf_free(&b);
	}
	if (step >= ENV_SEALED && form == SPOOL_FILE) {
		spool_seal_envelope(&sp, &n);
		spool_sync(&w);
	}
	spool_writer_init(&w, n.msg);
	if (form == SPOOL_LINES)
		spool_write(&w, "Return-Path: <a@b.test>\n"
		    "Delivered-To: bob@a.test\n", 49);
	spool_write(&w, body, sizeof(body) - 1);
	if (step >= WRITTEN)
		spool_flush(&w);
	if (step >= SEALED)
		is_int(spool_seal(&sp, &n, w.size, w.wire, w.crc), 0, "sealed");
	if (step >= SYNCED)
		spool_sync(&w);
	if (step == COMMITTED)
		spool_commit(&sp, &n);
	if (step == ABORTED)
		spool_abort(&sp, &n);
}

static void
test_recover(void)
{
	static const struct {
		enum step	step;
		int		now;	/* files there after recovery */
		const char	*what;
	} rows[] = {
		{ CREATED, 0, "created" },
		{ WRITTEN, 0, "written" },
		{ ENV_SEALED, 0, "envelope sealed" },
		{ SEALED, 1, "sealed" },
		{ SYNCED, 1, "synced" },
		{ COMMITTED, 1, "committed" },
		{ ABORTED, 0, "aborted" },
	};
	struct spool_message m;
	struct spool_item it;
	int form, status;
	size_t i;
	pid_t pid;

	for (form = 0; form < 2; form++)
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			fflush(stdout);
			if ((pid = fork()) == 0) {
				fclose(stdout);
				put_to(rows[i].step, (enum spool_form)form);
				_exit(0);
			}
			waitpid(pid, &status, 0);
			is_int(spool_recover(&sp), rows[i].now &&
			    rows[i].step != COMMITTED, rows[i].what);
			is_int(files("tmp"), 0, "... nothing in tmp/");
			is_int(files("local/now"), rows[i].now, "... now/");
			is_int(files("local/env"), rows[i].now &&
			    form == SPOOL_FILE, "... env/");
			if (!rows[i].now)
				continue;
			first(SPOOL_LOCAL, time(NULL), &it);
			is_int(spool_take(&sp, &it, &m), 1, "... is whole");
			for (size_t k = 0; k < m.env.nrcpts; k++)
				spool_mark(&m, k, ENVELOPE_DELIVERED, 0,
				    NULL);
			spool_drop(&m);
			spool_release(&m);
		}
}

/* A sealed file that a power cut shortened, and envelopes left by a drop. */
static void
test_remains(void)
{
	struct spool_new n;
	struct stat st;
	int fd;

	put_to(WRITTEN, SPOOL_FILE);
	is_int(spool_recover(&sp), 0, "a living writer");
	is_int(files("tmp") + files("local/env"), 2, "is left alone");

	/* The descriptors of put_to() are still open here: they live. */
	put_to(SYNCED, SPOOL_LINES);
	is_int(spool_recover(&sp), 0, "a living writer that has synced");
	is_int(files("tmp"), 2, "is left alone too");

	fflush(stdout);
	if (fork() == 0) {
		fclose(stdout);
		spool_create(&sp, &n, SPOOL_LOCAL, SPOOL_LINES, (uid_t)-1,
		    false);
		if (write(n.msg, "12345678", 8) != 8)
			_exit(1);
		spool_seal(&sp, &n, 8, 8, 0);
		(void)!ftruncate(n.msg, 4);
		_exit(0);
	}
	wait(NULL);
	is_int(files("tmp"), 3, "a file that lost its data");
	is_int(spool_recover(&sp), 0, "is not taken for a whole one");
	is_int(files("tmp"), 2, "and deleted");

	fflush(stdout);
	if (fork() == 0) {
		fclose(stdout);
		spool_create(&sp, &n, SPOOL_LOCAL, SPOOL_LINES, (uid_t)-1,
		    false);
		if (pwrite(n.msg, "12345678", 8, 0) != 8)
			_exit(1);
		spool_seal(&sp, &n, 8, 8, crc32_add(0, "12345678", 8));
		if (pwrite(n.msg, "1\0\0\0\0\0\0\0", 8, 0) != 8)
			_exit(1);
		_exit(0);
	}
	wait(NULL);
	is_int(spool_recover(&sp), 0, "zeros of the right size are none");
	is_int(files("tmp"), 2, "and deleted");

	fd = openat(sp.env[SPOOL_LOCAL], "1700000000.M5P9Q1M.h", O_WRONLY |
	    O_CREAT, 0600);
	dprintf(fd, "stdmail-envelope 1\nsender <>\narrived 1\n"
	    "to Q x@a.test\nend\n");
	close(fd);
	spool_recover(&sp);
	is_int(fstatat(sp.env[SPOOL_LOCAL], "1700000000.M5P9Q1M.h", &st, 0),
	    0, "an envelope that owes someone is never deleted");
	fd = openat(sp.env[SPOOL_LOCAL], "1700000000.M5P9Q1M.h", O_WRONLY);
	if (pwrite(fd, "D", 1, 42) != 1)
		ok(0, "write");
	close(fd);
	spool_recover(&sp);
	is_int(fstatat(sp.env[SPOOL_LOCAL], "1700000000.M5P9Q1M.h", &st, 0),
	    -1, "one that owes nobody is");
}

/* A message of four octets, due then, by a process that ends sealed, or goes
 * on to commit it. */
static void
put_due(int64_t due, bool commit)
{
	struct spool_new n;

	fflush(stdout);
	if (fork() == 0) {
		fclose(stdout);
		spool_create(&sp, &n, SPOOL_REMOTE, SPOOL_FILE, (uid_t)-1,
		    false);
		n.due = due;
		if (dprintf(n.env, "stdmail-envelope 1\nsender <>\n"
		    "arrived 1\nto Q x@b.test\nend\n") < 0 ||
		    write(n.msg, "123\n", 4) != 4)
			_exit(1);
		spool_seal_envelope(&sp, &n);
		spool_seal(&sp, &n, 4, 5, crc32_add(0, "123\n", 4));
		_exit(commit && spool_commit(&sp, &n) == -1);
	}
	wait(NULL);
}

static void
test_due(void)
{
	int now = files("remote/now"), tmp = files("tmp");
	struct stat st;

	put_due(4000000000, true);
	is_int(spool_next_due(&sp, SPOOL_REMOTE), 4000000000,
	    "a message that is to be held");
	is_int(fstatat(sp.later[SPOOL_REMOTE], "3999999960", &st, 0), 0,
	    "waits in the folder of its minute");
	is_int(st.st_mode & 0777, 0770, "which the group may use");
	put_due(3000000000, false);
	is_int(files("tmp"), tmp + 1, "one whose writer died when all was "
	    "there");
	is_int(spool_recover(&sp), 1, "is brought to its queue");
	is_int(spool_next_due(&sp, SPOOL_REMOTE), 3000000000,
	    "and held as long");
	is_int(files("remote/now"), now, "neither is to be sent now");
}

static void
test_refused(void)
{
	struct spool_new n;
	struct spool_put p;
	struct envelope e;

	spool_create(&sp, &n, SPOOL_LOCAL, SPOOL_LINES, (uid_t)-1, false);
	is_int(spool_seal(&sp, &n, 5, 5, 0), -1, "not the file's size");
	is_int(spool_commit(&sp, &n), -1, "a commit without seal");
	is_int(write(n.msg, "abc", 3), 3, "three octets");
	is_int(spool_seal(&sp, &n, 3, 2, 0), -1, "fewer on the wire");
	is_int(spool_seal(&sp, &n, 3, 7, 0), -1, "more than CRs can make");
	is_int(spool_seal(&sp, &n, 3, 6, 0), 0, "as many as can be");
	is_int(spool_seal(&sp, &n, 3, 6, 0), -1, "not twice");
	is_int(spool_seal_envelope(&sp, &n), -1, "it has no envelope");
	spool_abort(&sp, &n);
	spool_abort(&sp, &n);
	is_str(n.id, "", "aborted, twice");
	envelope_init(&e);
	is_int(spool_put_begin(&p, &sp, SPOOL_REMOTE, &e, (uid_t)-1), -1,
	    "nobody to deliver to");
	spool_put_abort(&p);
	is_int(spool_room(&sp, 1), 1, "there is room");
	is_int(spool_room(&sp, UINT64_MAX / 2), 0, "but not for all");
}

static void
test_wait(void)
{
	int64_t w, i;
	int good = 1;

	for (i = 0; i < 100; i++) {
		w = spool_wait(1000, 1000, 60, 7200) - 1000;
		good &= w >= 60 && w <= 68;
		w = spool_wait(0, 1000, 60, 7200) - 1000;
		good &= w >= 500 && w <= 563;
		w = spool_wait(0, 1000000, 60, 7200) - 1000000;
		good &= w >= 7200 && w <= 8101;
	}
	ok(good, "waits grow with the age");
}

static void
test_watch(void)
{
	struct spool_watch w;
	int64_t now = time(NULL);

	spool_watch_open(&w, &sp, SPOOL_REMOTE);
	is_int(spool_watch_wait(&w, now, NULL), 0, "a time that is over");
	put(SPOOL_REMOTE, one);
	is_int(spool_watch_wait(&w, now + 30, NULL), 1, "a message wakes");
	is_int(spool_watch_wait(&w, now + 1, NULL), 0, "only once");
	spool_watch_close(&w);
}

int
main(void)
{
	char error[CONF_ERROR_MAX], key[64];
	const char *assign[] = { key, "hostname=mx.a.test" };
	int null = open("/dev/null", O_WRONLY);

	/* What is logged is another test's. */
	if (null != -1)
		dup2(null, STDERR_FILENO);
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(key, sizeof(key), "spool=%s", dir);
	if (settings_load(&settings, "/dev/null", assign, 2, error) == -1)
		return 1;
	if (geteuid() == 0) {
		free(settings.mail_user);
		free(settings.spool_user);
		settings.mail_user = strdup("root");
		settings.spool_user = strdup("root");
	}
	if (!ok(spool_open(&sp, &settings, error) == 0, "folders are made"))
		printf("# %s\n", error);
	test_names();
	test_way();
	test_marks();
	test_own();
	test_places();
	test_letters();
	test_hold(SPOOL_LOCAL, one);
	test_hold(SPOOL_LOCAL, two);
	test_hold(SPOOL_REMOTE, one);
	test_recover();
	test_due();
	test_refused();
	test_wait();
	test_watch();
	test_remains();
	spool_close(&sp);
	settings_free(&settings);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return done();
}
