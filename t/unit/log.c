/* SPDX-License-Identifier: ISC
 *
 * Proves that no value can break a log line, and that each line reaches the
 * place it should in the form that place wants.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/log.h"
#include "tap.h"

static const struct {
	const char	*in;
	size_t		 n;
	const char	*want;
} rows[] = {
	{ "alice@example.org", 17, "alice@example.org" },
	{ "", 0, "\"\"" },
	{ "two words", 9, "\"two words\"" },
	{ "a=b", 3, "\"a=b\"" },
	{ "say \"hi\"\\", 9, "\"say \\\"hi\\\"\\\\\"" },
	{ "x\r\nip=1.2.3.4\t", 14, "\"x\\r\\nip=1.2.3.4\\t\"" },
	{ "nul\0nul", 7, "\"nul\\x00nul\"" },
	{ "\033[2J\177", 5, "\"\\x1b[2J\\x7f\"" },
	{ "J\xc3\xb6rg", 5, "J\xc3\xb6rg" },
	{ "J\xf6rg", 4, "\"J\\xf6rg\"" },
	{ "\xc2\x9b" "31m", 5, "\"\\xc2\\x9b31m\"" },
	{ "\xc0\xaf", 2, "\"\\xc0\\xaf\"" },
	{ "\xed\xa0\x80", 3, "\"\\xed\\xa0\\x80\"" },
	{ "\xe2\x82", 2, "\"\\xe2\\x82\"" },
	{ "\xf0\x9f\x93\xa7", 4, "\xf0\x9f\x93\xa7" },
	{ "\xf4\x90\x80\x80", 4, "\"\\xf4\\x90\\x80\\x80\"" },
};

/* What one line looks like on standard error. */
static void
captured(char *got, size_t size, void (*write_it)(void), int journal)
{
	char file[] = "/tmp/stdmail-log.XXXXXX", value[64];
	int fd = mkstemp(file), old = dup(STDERR_FILENO);
	struct stat st;
	ssize_t n;

	dup2(fd, STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	if (journal && fstat(fd, &st) == 0) {
		snprintf(value, sizeof(value), "%llu:%llu",
		    (unsigned long long)st.st_dev,
		    (unsigned long long)st.st_ino);
		setenv("JOURNAL_STREAM", value, 1);
	}
	log_open("prog");
	write_it();
	dup2(old, STDERR_FILENO);
	close(old);
	n = pread(fd, got, size - 1, 0);
	got[n < 0 ? 0 : n] = '\0';
	close(fd);
	unlink(file);
}

static void
two_lines(void)
{
	log_peer("192.0.2.1");
	log_info("mail", "from=%s", log_str("a\nb"));
	log_peer(NULL);
	log_error("raw", "x=%s", "a\nb");
	log_debug("unseen", NULL);
}

static void
once_in_children(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (fork() == 0) {
			log_once("kernel", "missing=%s", "landlock");
			_exit(0);
		}
		wait(NULL);
	}
	log_once("kernel", "missing=landlock");
	log_once("kernel", "missing=seccomp");
}

static void
signal_safe(void)
{
	log_signal_safe("sandbox number=", 4096);
}

static void
too_long(void)
{
	static char big[5000];

	memset(big, 'x', sizeof(big) - 1);
	log_info("long", "v=%s", big);
}

/* Standard error is the client's socket: nothing may appear there. */
static void
client_sees_nothing(void)
{
	int sv[2], in = dup(0), err = dup(2);
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		return;
	dup2(sv[1], 0);
	dup2(sv[1], 2);
	log_open("prog");
	log_error("secret", "path=/x");
	dup2(in, 0);
	dup2(err, 2);
	is_int(recv(sv[0], &c, 1, MSG_DONTWAIT), -1,
	    "an inetd client does not see the log");
	ok(log_fd() != 2, "it goes to syslog or nowhere");
	close(sv[0]);
	close(sv[1]);
}

int
main(void)
{
	char got[8192], want[256], long_value[400], small[16];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(log_escape(got, sizeof(got), rows[i].in, rows[i].n),
		    rows[i].want, rows[i].want);
	memset(long_value, 'y', sizeof(long_value));
	i = strlen(log_bytes(long_value, sizeof(long_value)));
	ok(i > 190 && i < 210, "a long value is cut");
	is_str(log_escape(small, sizeof(small), "0123456789 123456789", 20),
	    "\"0123456789...\"", "in a small buffer it is cut to fit");
	is_str(log_str(NULL), "-", "no value is a dash");

	captured(got, sizeof(got), two_lines, 0);
	snprintf(want, sizeof(want), "prog[%d]: mail ip=192.0.2.1 "
	    "from=\"a\\nb\"\nprog[%d]: raw x=a?b\n", (int)getpid(),
	    (int)getpid());
	is_str(got, want, "a terminal sees program, event, peer and values");
	captured(got, sizeof(got), two_lines, 1);
	is_str(got, "<6>mail ip=192.0.2.1 from=\"a\\nb\"\n<3>raw x=a?b\n",
	    "journald gets the priority");
	captured(got, sizeof(got), once_in_children, 1);
	is_str(got, "<4>kernel missing=landlock\n<4>kernel missing=seccomp\n",
	    "once is once for all children");
	captured(got, sizeof(got), signal_safe, 1);
	is_str(got, "<4>sandbox number=4096\n", "a handler can log");
	captured(got, sizeof(got), too_long, 0);
	ok(strlen(got) == 1900 && got[1899] == '\n', "a line has an end");
	client_sees_nothing();
	return done();
}
