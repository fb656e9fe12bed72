/* SPDX-License-Identifier: ISC
 *
 * Proves that a delivery into a Maildir is there whole or not at all, under a
 * name nobody else has, that a name given by the caller shows a delivery made
 * before, and that an mbox is appended to with its From_ lines quoted, in one
 * piece or cut anywhere, and is as before after a failure.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "mail/maildir.h"
#include "mail/mbox.h"
#include "tap.h"

static char dir[] = "/tmp/stdmail-maildir.XXXXXX";

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static int
files(const char *folder)
{
	struct dirent *d;
	DIR *open_dir = opendir(folder);
	int n = 0;

	while (open_dir != NULL && (d = readdir(open_dir)) != NULL)
		n += d->d_name[0] != '.';
	if (open_dir != NULL)
		closedir(open_dir);
	return n;
}

static char *
contents(const char *path)
{
	static char text[8192];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
test_open(void)
{
	struct stat st;
	int fd;

	is_int(maildir_open("none", 0), -1, "there is none");
	is_int(errno, ENOENT, "so it says");
	mkdir("empty", 0700);
	is_int(maildir_open("empty", 0), -1, "a folder that is no Maildir");
	is_int(errno, EINVAL, "so it says");
	close(open("file", O_WRONLY | O_CREAT, 0600));
	is_int(maildir_open("file", MAILDIR_CREATE), -1, "a file");
	is_int(errno, ENOTDIR, "so it says");
	fd = maildir_open("a/b//Mail/", MAILDIR_CREATE);
	ok(fd != -1, "made, with its parents");
	ok(stat("a/b/Mail/tmp", &st) == 0 && (st.st_mode & 07777) == 0700,
	    "for its owner alone");
	close(fd);
	fd = maildir_open("empty", MAILDIR_CREATE);
	ok(fd != -1 && files("empty") == 3, "made in a folder that is there");
	close(fd);
}

static void
test_deliver(void)
{
	const struct timespec when = { 1000000000, 5 };
	struct maildir_file f;
	char path[PATH_MAX];
	struct stat st;
	int d = maildir_open("empty", 0);

	is_int(maildir_begin(&f, d, NULL, "mx/..\n:,test"), 0, "begun");
	is_int(files("empty/tmp"), 1, "in tmp/");
	maildir_write(&f, "a\r\nb\n", 5);
	is_int(maildir_end(&f, &when), 0, "delivered");
	is_int(files("empty/tmp"), 0, "no longer in tmp/");
	ok(strstr(f.name, ".mx_..___test,S=5,W=6") != NULL, "%s", f.name);
	snprintf(path, sizeof(path), "empty/new/%s", f.name);
	is_str(contents(path), "a\r\nb\n", "its octets");
	ok(stat(path, &st) == 0 && st.st_mtim.tv_sec == 1000000000 &&
	    (st.st_mode & 07777) == 0600, "its time and mode");

	is_int(maildir_begin(&f, d, NULL, "h"), 0, "begun");
	maildir_write(&f, "x", 1);
	maildir_abort(&f);
	is_int(files("empty/tmp"), 0, "aborted: nothing left");

	/* The same message twice, the first delivery killed on its way. */
	is_int(maildir_begin(&f, d, "1.M2P3Q4L.h", NULL), 0, "named");
	close(f.fd);
	is_int(maildir_begin(&f, d, "1.M2P3Q4L.h", NULL), 0, "named again");
	maildir_write(&f, "one\n", 4);
	is_int(maildir_end(&f, NULL), 0, "delivered");
	is_int(maildir_begin(&f, d, "1.M2P3Q4L.h", NULL), 0, "and again");
	maildir_write(&f, "two\n", 4);
	is_int(maildir_end(&f, NULL), 1, "was there before");
	is_str(contents("empty/new/1.M2P3Q4L.h,S=4,W=5"), "one\n",
	    "and is unchanged");
	is_int(files("empty/tmp"), 0, "nothing left in tmp/");

	/* In steps, and taken back. */
	is_int(maildir_begin(&f, d, "2.M2P3Q4L.h", NULL), 0, "in steps: begun");
	maildir_write(&f, "two\n", 4);
	is_int(maildir_ready(&f, NULL), 0, "written");
	maildir_hurry(&f);
	is_int(files("empty/tmp"), 1, "still in tmp/");
	is_int(maildir_name(&f), 0, "named");
	is_int(files("empty/tmp"), 0, "no longer in tmp/");
	is_int(maildir_sync(&f), 0, "synced");
	is_str(contents("empty/new/2.M2P3Q4L.h,S=4,W=5"), "two\n",
	    "it is there");
	maildir_undo(&f);
	is_int(access("empty/new/2.M2P3Q4L.h,S=4,W=5", F_OK), -1,
	    "taken back");
	is_int(f.fd, -1, "and closed");

	/* A folder that is gone: every step says so. */
	rename("empty/new", "empty/old");
	is_int(maildir_begin(&f, d, NULL, "h"), 0, "without new/");
	is_int(maildir_end(&f, NULL), -1, "cannot be delivered");
	is_int(files("empty/tmp"), 0, "and leaves nothing");
	rename("empty/old", "empty/new");
	rename("empty/tmp", "empty/old");
	is_int(maildir_begin(&f, d, NULL, "h"), -1, "without tmp/");
	rename("empty/old", "empty/tmp");
	close(d);
}

static const struct {
	const char	*in;
	const char	*want;		/* behind the From_ line */
} mboxes[] = {
	{ "a\nb\n", "a\nb\n\n" },
	{ "a", "a\n\r\n" },
	{ "", "\n" },
	{ "From x\n", ">From x\n\n" },
	{ "a\nFrom x\n>From y\n>>From z\n", "a\n>From x\n>>From y\n"
	    ">>>From z\n\n" },
	{ "Fro\nFrom\nFromm x\n>Fro\n>\n>>\n", "Fro\nFrom\nFromm x\n>Fro\n>\n"
	    ">>\n\n" },
	{ "aFrom x\n From x\n", "aFrom x\n From x\n\n" },
	{ "F", "F\n\r\n" },
	{ "x\n>>Fr", "x\n>>Fr\n\r\n" },
	{ "x\nFrom ", "x\n>From \n\r\n" },
};

static void
test_mbox(void)
{
	struct mbox_file m;
	const char *got;
	size_t i, k, step;

	for (i = 0; i < sizeof(mboxes) / sizeof(mboxes[0]); i++)
		for (step = 0; step < 2; step++) {
			unlink("mbox");
			mbox_begin(&m, "mbox", "a@b.test", 1000000000);
			if (step == 0)
				mbox_write(&m, mboxes[i].in,
				    strlen(mboxes[i].in));
			for (k = 0; step == 1 && k < strlen(mboxes[i].in);
			    k++)
				mbox_write(&m, mboxes[i].in + k, 1);
			is_int(mbox_end(&m), 0, "appended");
			got = contents("mbox");
			ok(strncmp(got, "From a@b.test Sun Sep  9 01:46:40 "
			    "2001\n", 39) == 0, "the From_ line");
			is_str(got + 39, mboxes[i].want, "quoted");
		}
}

static void
test_mbox_file(void)
{
	struct mbox_file m, other;
	struct stat st;
	int fd, status;

	fd = open("mbox", O_WRONLY | O_TRUNC);
	dprintf(fd, "From x Thu\n\nno empty line behind");
	close(fd);
	is_int(mbox_begin(&m, "mbox", "", 0), 0, "begun");
	mbox_write(&m, "b\n", 2);
	is_int(mbox_end(&m), 0, "appended");
	is_str(contents("mbox"), "From x Thu\n\nno empty line behind\n\n"
	    "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nb\n\n",
	    "behind an empty line");
	stat("mbox", &st);
	mbox_begin(&m, "mbox", "", 0);
	spool_flush(&m.writer);
	ok(access("mbox.lock", F_OK) == 0, "locked by a file");
	mbox_abort(&m);
	ok(access("mbox.lock", F_OK) == -1, "and unlocked");
	is_int((long long)strlen(contents("mbox")), (long long)st.st_size,
	    "a failure leaves it as before");
	is_int(mbox_begin(&m, "empty", "", 0), -1, "not a folder");
	is_int(mbox_begin(&m, "/dev/null", "", 0), -1, "not a device");

	/* Who holds the lock is waited for. */
	fflush(stdout);
	mbox_begin(&m, "mbox", "", 0);
	if (fork() == 0) {
		fclose(stdout);
		close(m.fd);
		if (mbox_begin(&other, "mbox", "", 0) == -1)
			_exit(1);
		mbox_write(&other, "2\n", 2);
		_exit(mbox_end(&other) == -1);
	}
	mbox_write(&m, "1\n", 2);
	usleep(300000);
	mbox_end(&m);
	wait(&status);
	is_int(status, 0, "another waits");
	ok(strstr(contents("mbox"), "1\n\nFrom MAILER-DAEMON Thu Jan  1 "
	    "00:00:00 1970\n2\n\n") != NULL, "and comes behind");
}

int
main(void)
{
	int null = open("/dev/null", O_WRONLY);

	if (null != -1)
		dup2(null, STDERR_FILENO);
	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return 1;
	test_open();
	test_deliver();
	test_mbox();
	test_mbox_file();
	if (chdir("/") == -1)
		return 1;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return done();
}
