/* SPDX-License-Identifier: ISC
 *
 * Proves that nothing a client says after its login breaks a session of imapd:
 * the octets are all it sends, over a small Maildir that is made anew for each.
 * The answers keep its numbers right: no EXPUNGE of a message that is not
 * there, no EXISTS that falls.  Afterwards the Maildir opens again and has a
 * message for each file.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../imapd/session.h"
#include "mail/mailbox.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int	 LLVMFuzzerInitialize(int *, char ***);
void	 __sanitizer_set_report_fd(void *);

/* What the OK of COMPRESS says. */
#define COMPRESSED	"OK DEFLATE active"

static char folder[] = "/dev/shm/stdmail-session.XXXXXX";
static char maildir[sizeof(folder) + 8];
static int err_fd, null_fd;
static struct settings settings;

static void
quiet(bool on)
{
	(void)dup2(on ? null_fd : err_fd, STDERR_FILENO);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
wrong(const char *fmt, ...)
{
	va_list ap;

	quiet(false);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void
remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
remove_all(void)
{
	remove_tree(folder);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const keys[] = { "hostname=mx.a.test",
	    "domains=a.test", "timeout=5", "max_size=100000",
	    "imap_uidonly=yes", "compress=yes" };
	char error[CONF_ERROR_MAX];

	(void)argc;
	(void)argv;
	err_fd = dup(STDERR_FILENO);
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	__sanitizer_set_report_fd((void *)(intptr_t)err_fd);
	if (settings_load(&settings, "/dev/null", keys,
	    sizeof(keys) / sizeof(keys[0]), error) == -1)
		wrong("%s", error);
	if (mkdtemp(folder) == NULL)
		wrong("no folder");
	snprintf(maildir, sizeof(maildir), "%s/md", folder);
	atexit(remove_all);
	return 0;
}

static const struct {
	const char	*path, *text;
} files[] = {
	{ "cur/1000.a:2,S", "From: Bob <bob@b.test>\nTo: alice@a.test, "
	    "Group: x@b.test;\nSubject: =?utf-8?q?caf=C3=A9?= one\n"
	    "Date: Sat, 21 Nov 2026 04:42:00 +0000\nMessage-ID: <1@b.test>\n"
	    "\nThis is one.\n" },
	{ "cur/1001.b,S=1,W=1:2,Fa", "Subject: Re: caf\xc3\xa9 one\n"
	    "In-Reply-To: <1@b.test>\nReferences: <1@b.test>\n"
	    "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	    "Content-Type: text/plain; charset=iso-8859-1\n"
	    "Content-Transfer-Encoding: quoted-printable\n\ncaf=E9\n--b\n"
	    "Content-Type: message/rfc822\n\nSubject: inner\n"
	    "Content-Type: multipart/alternative; boundary=c\n\n--c\n\na\n"
	    "--c\nContent-Type: text/html\nContent-ID: <c@b.test>\n\n<p>b\n"
	    "--c--\n\n--b\nContent-Disposition: attachment; filename=\"x\"\n"
	    "Content-Transfer-Encoding: base64\n\nAAECAwQ=\n--b--\n" },
	{ "cur/1002.c:2,T", "no header\n\xff\xfe\r\nend" },
	{ "new/1003.d", "" },
	{ "new/1004.e", "Subject: last\n\nx\n" },
	{ ".Sent/cur/2000.f:2,S", "Subject: sent\n\nx\n" },
	{ "dovecot-keywords", "0 $Label1\n" },
	{ "subscriptions", "Sent\nGone\n" },
};

static void
make_maildir(void)
{
	static const char *const dirs[] = { "", "/cur", "/new", "/tmp",
	    "/.Sent", "/.Sent/cur", "/.Sent/new", "/.Sent/tmp" };
	char path[256];
	size_t i, n;
	int fd;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", maildir, dirs[i]);
		if (mkdir(path, 0700) == -1)
			wrong("%s cannot be made", path);
	}
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", maildir, files[i].path);
		n = strlen(files[i].text);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd == -1 || write(fd, files[i].text, n) != (ssize_t)n)
			wrong("%s cannot be written", path);
		close(fd);
	}
}

/* A descriptor to read these octets from. */
static int
input(const uint8_t *data, size_t n)
{
	int fd = memfd_create("in", MFD_CLOEXEC);

	if (fd == -1 || write(fd, data, n) != (ssize_t)n ||
	    lseek(fd, 0, SEEK_SET) == -1)
		wrong("no input");
	return fd;
}

/* One response: does the number of messages stay right? */
static void
check_line(const char *line, unsigned *exists, bool *selected)
{
	unsigned n;
	char what[16], end;

	if (strncmp(line, "* FLAGS", 7) == 0)
		return;
	if (sscanf(line, "* OK [CLOSED%c", &end) == 1)
		*selected = false;
	if (sscanf(line, "* %u %15[A-Z]", &n, what) != 2)
		return;
	if (strcmp(what, "EXISTS") == 0) {
		/* A new mailbox has any number. */
		*exists = n;
		*selected = true;
	} else if (strcmp(what, "EXPUNGE") == 0) {
		if (n == 0 || !*selected || n > *exists)
			wrong("EXPUNGE %u of %u", n, *exists);
		(*exists)--;
	} else if (strcmp(what, "FETCH") == 0 && (n == 0 || n > *exists))
		wrong("FETCH %u of %u", n, *exists);
}

/* Every response but what is in literals. */
static void
check_output(char *p, size_t len)
{
	char *end = p + len, *eol, *brace;
	unsigned long literal;
	unsigned exists = 0;
	bool selected = false, begins = true;

	while (p < end) {
		if ((eol = memmem(p, (size_t)(end - p), "\r\n", 2)) == NULL)
			wrong("no end of a line: %s", p);
		*eol = '\0';
		if (begins)
			check_line(p, &exists, &selected);
		if (begins && *p != '*' && strstr(p, " " COMPRESSED) != NULL)
			break;		/* not to be read any more */
		literal = 0;
		begins = true;
		brace = eol > p && eol[-1] == '}' ? strrchr(p, '{') : NULL;
		if (brace != NULL && *p == '*') {
			literal = strtoul(brace + 1, NULL, 10);
			begins = false;
		}
		p = eol + 2;
		if (literal > (size_t)(end - p))
			break;		/* the session has ended inside */
		p += literal;
	}
}

static unsigned
count_files(const char *name)
{
	char path[256];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%s", maildir, name);
	if ((d = opendir(path)) == NULL)
		wrong("%s is gone", name);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
check_maildir(void)
{
	unsigned n = count_files("cur") + count_files("new");
	struct mailbox_root *root;
	struct mailbox *mb;

	if (mailbox_root_open(maildir, 0, &root) != MAILBOX_OK ||
	    mailbox_open(root, "INBOX", 0, &mb) != MAILBOX_OK)
		wrong("it does not open again");
	if (mailbox_refresh(mb, 0, NULL) != MAILBOX_OK)
		wrong("it cannot be read again");
	if (mailbox_count(mb) != n)
		wrong("%u messages, %u files", mailbox_count(mb), n);
	mailbox_close(mb);
	mailbox_root_close(root);
	if (count_files("tmp") != 0)
		wrong("a file is left in tmp");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int in = input(data, n), out = memfd_create("out", MFD_CLOEXEC), said;
	struct stream *io = stream_new(in, out);
	struct session s;
	struct stat st;
	char *text;

	make_maildir();
	quiet(true);
	said = dup(out);
	session_init(&s, io, &settings, STATE_AUTH);
	if (mailbox_root_open(maildir, 0, &s.root) != MAILBOX_OK)
		wrong("it does not open");
	reply_greeting(&s, true);
	session_run(&s);
	session_free(&s);
	if (fstat(said, &st) == -1 || st.st_size == 0 ||
	    (text = calloc(1, (size_t)st.st_size + 1)) == NULL ||
	    pread(said, text, (size_t)st.st_size, 0) != st.st_size)
		wrong("it said nothing");
	check_output(text, (size_t)st.st_size);
	check_maildir();
	quiet(false);
	free(text);
	close(said);
	remove_tree(maildir);
	return 0;
}
