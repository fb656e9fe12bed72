/* SPDX-License-Identifier: ISC
 *
 * Proves what a user's program gets (the message, the environment, nothing
 * else), what its end means, and that none holds us up: with real scripts.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../mda-deliver/program.h"
#include "system/clock.h"
#include "system/fdio.h"
#include "system/log.h"
#include "tap.h"

#define NOBODY	65534

static char home[] = "/tmp/stdmail-program-XXXXXX";
static const char text[] = "Subject: x\n\nbody\n";
static struct address sender = { "al", "example.net" };
static struct address rcpt = { "bob+a-b-c", "mail.example.org" };
static struct address null;
static int message;

static struct program_mail mail = {
	.sender = &sender, .recipient = &rcpt, .user = "bob", .home = home,
	.extension = "a-b-c", .rest = "b-c", .client_address = "192.0.2.1",
	.arrived = 1700000000,
};

static struct outcome o;

static int
run(enum program_mode mode, const char *command, unsigned seconds)
{
	const struct program p = { .id = "x", .command = command,
	    .mode = mode, .mail = &mail, .fd = message, .start = 5,
	    .seconds = seconds };

	memset(&o, 0, sizeof(o));
	return program_run(&p, &o);
}

/* ---- exit codes ---- */

static const struct row {
	enum program_mode mode;
	const char *command;
	enum outcome_kind kind;
	int code;
	const char *text;	/* how the outcome's text begins */
} rows[] = {
	{ PROGRAM_SENDMAIL, "true", OUTCOME_DELIVERED, 0, "2.0.0 " },
	{ PROGRAM_SENDMAIL, "/bin/true a b", OUTCOME_DELIVERED, 0, "2.0.0 " },
	{ PROGRAM_SENDMAIL, "exit 0", OUTCOME_DELIVERED, 0, "2.0.0 " },
	{ PROGRAM_SENDMAIL, "A=/x true", OUTCOME_DELIVERED, 0, "2.0.0 " },
	{ PROGRAM_SENDMAIL, "echo 5.1.1 x", OUTCOME_DELIVERED, 0, "2.0.0 " },
	{ PROGRAM_SENDMAIL, "false", OUTCOME_PERMANENT, EX_UNAVAILABLE,
	    "5.3.0 the recipient's program ended with 1: its exit" },
	{ PROGRAM_SENDMAIL, "exit 67", OUTCOME_PERMANENT, EX_NOUSER,
	    "5.1.1 the recipient's program ended with 67: it knows no" },
	{ PROGRAM_SENDMAIL, "printf '  a\\n\\tb\\001\\377'; exit 77",
	    OUTCOME_PERMANENT, EX_NOPERM,
	    "5.7.0 the recipient's program ended with 77: a b ?" },
	{ PROGRAM_SENDMAIL, "exit 71", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.0 " },
	{ PROGRAM_SENDMAIL, "exit 74", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.0 " },
	{ PROGRAM_SENDMAIL, "exit 75", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.0 the recipient's program ended with 75: it wants" },
	{ PROGRAM_SENDMAIL, "exit 78", OUTCOME_PERMANENT, EX_CONFIG,
	    "5.3.5 " },
	{ PROGRAM_SENDMAIL, "exit 99", OUTCOME_PERMANENT, EX_UNAVAILABLE,
	    "5.3.0 " },
	{ PROGRAM_SENDMAIL, "echo 5.7.1 no, thanks >&2; exit 75",
	    OUTCOME_PERMANENT, EX_UNAVAILABLE, "5.7.1 no, thanks" },
	{ PROGRAM_SENDMAIL, "echo 4.2.2 full; exit 77", OUTCOME_TEMPORARY,
	    EX_TEMPFAIL, "4.2.2 full" },
	{ PROGRAM_SENDMAIL, "echo 2.0.0 well; exit 77", OUTCOME_PERMANENT,
	    EX_NOPERM, "5.7.0 the recipient's program ended with 77: 2.0.0" },
	{ PROGRAM_SENDMAIL, "echo 5.7.1x; exit 75", OUTCOME_TEMPORARY,
	    EX_TEMPFAIL, "4.3.0 " },
	{ PROGRAM_SENDMAIL, "/nowhere/prog", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.5 the recipient's program ended with 127: /nowhere/prog: " },
	{ PROGRAM_SENDMAIL, "/etc/passwd x", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.5 the recipient's program ended with 126: /etc/passwd: " },
	{ PROGRAM_SENDMAIL, "no-such-program-x y", OUTCOME_TEMPORARY,
	    EX_TEMPFAIL, "4.3.5 the recipient's program ended with 127: " },
	{ PROGRAM_SENDMAIL, "  ", OUTCOME_DELIVERED, 0, "2.0.0 " },
	{ PROGRAM_SENDMAIL, "kill -9 $$", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.0 signal 9 ended the recipient's program: it said nothing" },
	{ PROGRAM_SENDMAIL, "sh -c 'kill -9 $$'; exit $?", OUTCOME_TEMPORARY,
	    EX_TEMPFAIL, "4.3.0 the recipient's program ended with 137" },
	{ PROGRAM_SENDMAIL, "kill -STOP $$", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.0 the recipient's program stopped itself" },
	{ PROGRAM_QMAIL, "exit 0", OUTCOME_DELIVERED, 0, "2.0.0 " },
	{ PROGRAM_QMAIL, "exit 100", OUTCOME_PERMANENT, EX_UNAVAILABLE,
	    "5.3.0 " },
	{ PROGRAM_QMAIL, "exit 112", OUTCOME_PERMANENT, EX_UNAVAILABLE,
	    "5.3.0 " },
	{ PROGRAM_QMAIL, "exit 64", OUTCOME_PERMANENT, EX_USAGE, "5.3.0 " },
	{ PROGRAM_QMAIL, "exit 67", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.0 " },
	{ PROGRAM_QMAIL, "exit 111", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.0 " },
	{ PROGRAM_QMAIL, "exit 1", OUTCOME_TEMPORARY, EX_TEMPFAIL, "4.3.0 " },
	{ PROGRAM_QMAIL, "nothing-like-it", OUTCOME_TEMPORARY, EX_TEMPFAIL,
	    "4.3.0 " },
	{ PROGRAM_QMAIL, "echo 5.1.1 no; exit 100", OUTCOME_PERMANENT,
	    EX_UNAVAILABLE, "5.1.1 no" },
	{ PROGRAM_QMAIL, "echo 5.1.1 no; exit 111", OUTCOME_TEMPORARY,
	    EX_TEMPFAIL, "4.3.0 the recipient's program ended with 111: 5" },
};

static void
test_codes(void)
{
	const struct row *r;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = &rows[i];
		(void)run(r->mode, r->command, 30);
		if (!ok(o.kind == r->kind && o.code == r->code && strncmp(
		    o.text, r->text, strlen(r->text)) == 0, "%s",
		    r->command))
			printf("# kind %d code %d: %s\n", o.kind, o.code,
			    o.text);
	}
	is_int(run(PROGRAM_QMAIL, "exit 99", 30), 1, "99 ends the list");
	is_int(o.kind, OUTCOME_DELIVERED, "... and is a delivery");
	is_int(run(PROGRAM_QMAIL, "exit 0", 30), 0, "0 does not end it");
	is_int(run(PROGRAM_SENDMAIL, "exit 99", 30), 0, "nor 99 elsewhere");
}

/* ---- what it gets ---- */

static const char *
out(void)
{
	static char got[8192];
	struct stat st;
	char *s;
	size_t n;

	s = fd_read_file("out", sizeof(got) - 1, &st, &n);
	strlcpy(got, s != NULL ? s : "none", sizeof(got));
	free(s);
	return got;
}

static void
gives(enum program_mode mode, const char *command, const char *want)
{
	(void)unlink("out");
	(void)run(mode, command, 30);
	is_str(out(), want, command);
}

static void
test_message(void)
{
	gives(PROGRAM_SENDMAIL, "cat >out", "From al@example.net Tue Nov 14 "
	    "22:13:20 2023\nReturn-Path: <al@example.net>\n"
	    "Delivered-To: bob+a-b-c@mail.example.org\n"
	    "Subject: x\n\nbody\n");
	gives(PROGRAM_QMAIL, "cat >out", text);
	gives(PROGRAM_QMAIL, "cat >/dev/null; cat /dev/stdin >out", text);
	mail.sender = &null;
	gives(PROGRAM_SENDMAIL, "head -n 2 >out", "From MAILER-DAEMON Tue Nov "
	    "14 22:13:20 2023\nReturn-Path: <>\n");
	gives(PROGRAM_SENDMAIL, "printf %s \"$SENDER\" >out", "");
	mail.sender = &sender;
}

static void
test_environment(void)
{
	const char *command = "echo $SENDER $NEWSENDER $RECIPIENT $USER "
	    "$LOGNAME $SHELL $LOCAL $DOMAIN $EXTENSION $ORIGINAL_RECIPIENT "
	    "$CLIENT_ADDRESS ${CLIENT_PROTOCOL-none} >out";

	gives(PROGRAM_SENDMAIL, command, "al@example.net al@example.net "
	    "bob+a-b-c@mail.example.org bob bob /bin/sh bob+a-b-c "
	    "mail.example.org a-b-c bob+a-b-c@mail.example.org 192.0.2.1 "
	    "none\n");
	gives(PROGRAM_QMAIL, "echo $HOST $HOST2 $HOST3 [$HOST4] $EXT $EXT2 "
	    "$EXT3 [$EXT4] $DEFAULT >out", "mail.example.org mail.example "
	    "mail [] a-b-c b-c c [] b-c\n");
	gives(PROGRAM_QMAIL, "printf '%s|' \"$UFLINE\" \"$RPLINE\" "
	    "\"$DTLINE\" >out", "From al@example.net Tue Nov 14 22:13:20 2023"
	    "\n|Return-Path: <al@example.net>\n|Delivered-To: "
	    "bob+a-b-c@mail.example.org\n|");
	setenv("SECRET", "x", 1);
	setenv("TZ", "UTC", 1);
	gives(PROGRAM_SENDMAIL, "echo ${SECRET-no} $TZ $PATH >out",
	    "no UTC /usr/local/bin:/usr/bin:/bin\n");
}

static void
test_place(void)
{
	char want[2 * sizeof(home) + 16];
	struct stat st;

	snprintf(want, sizeof(want), "%s %s\n0077\n", home, home);
	gives(PROGRAM_SENDMAIL, "echo $HOME `pwd` >out; umask >>out", want);
	ok(stat("out", &st) == 0 && (st.st_mode & 0777) == 0600,
	    "nobody else reads what it writes");
}

static void
test_strangers(void)
{
	struct address bad = { "a`x`;$(y)'z\"|&\\ b", "example.net" };

	mail.sender = &bad;
	gives(PROGRAM_SENDMAIL, "printf %s \"$SENDER\" >out",
	    "_a_x____y__z_______b_@example.net");
	gives(PROGRAM_QMAIL, "printf %s \"$SENDER\" >out",
	    "\"a`x`;$(y)'z\\\"|&\\\\ b\"@example.net");
	gives(PROGRAM_QMAIL, "printf %s \"$UFLINE\" >out", "From "
	    "\"a`x`;$(y)'z\\\"|&\\\\-b\"@example.net Tue Nov 14 22:13:20 "
	    "2023\n");
	mail.sender = &sender;
}

/* ---- what it must not get, and hangs ---- */

static void
test_descriptors(void)
{
	int fd = open("/dev/null", O_RDONLY);	/* not closed by exec */

	/* 3 is the folder that it reads. */
	gives(PROGRAM_SENDMAIL, "exec ls /proc/self/fd >out",
	    "0\n1\n2\n3\n");
	close(fd);
	(void)signal(SIGPIPE, SIG_IGN);
	/* All but 32 and 33, which the C library keeps to itself. */
	gives(PROGRAM_SENDMAIL, "grep -c 'SigIgn.*[08]0000000$' "
	    "/proc/self/status >out", "1\n");
	(void)signal(SIGPIPE, SIG_DFL);
}

static void
test_big(void)
{
	char block[65536];
	int small = message, i;

	memset(block, 'x', sizeof(block));
	message = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (i = 0; i < 48; i++)
		(void)fd_write_all(message, block, sizeof(block));
	gives(PROGRAM_QMAIL, "wc -c >out", "3145723\n");
	(void)run(PROGRAM_SENDMAIL, "exec <&-", 30);
	is_int(o.kind, OUTCOME_DELIVERED, "it need not read its input");
	close(message);
	message = small;
}

/* Is there such a process, which may have to be reaped yet? */
static bool
runs(const char *pid)
{
	char path[64], state[512] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%.*s/stat",
	    (int)strcspn(pid, "\n"), pid);
	if ((fd = open(path, O_RDONLY)) == -1)
		return false;
	(void)fd_read_all(fd, state, sizeof(state) - 1);
	close(fd);
	return strstr(state, ") Z") == NULL;
}

static void
killed_too(const char *what)
{
	long long last = clock_ms() + 30000;

	while (runs(out()) && clock_ms() < last)
		(void)usleep(1000);
	ok(*out() >= '1' && *out() <= '9' && !runs(out()), "%s", what);
}

static void
test_hangs(void)
{
	long long begin = clock_ms();

	(void)run(PROGRAM_SENDMAIL, "sleep 60 & exit 0", 30);
	is_int(o.kind, OUTCOME_DELIVERED, "a child that keeps the pipe");
	(void)run(PROGRAM_SENDMAIL, "yes & exit 69", 30);
	is_int(o.code, 69, "... and writes without end");
	ok(clock_ms() - begin < 20000, "... is not waited for");
	(void)run(PROGRAM_SENDMAIL, "head -c 3000000 /dev/zero | tr '\\0' x; "
	    "exit 69", 30);
	ok(o.code == 69 && strlen(o.text) < sizeof(o.text) - 1,
	    "much output is drained");
	begin = clock_ms();
	(void)run(PROGRAM_SENDMAIL, "echo 5.1.1 no; sleep 60; exit 5", 1);
	ok(o.kind == OUTCOME_TEMPORARY && strstr(o.text, "took too long") !=
	    NULL, "one that takes too long is temporary");
	ok(clock_ms() - begin < 20000, "... and ended");
	(void)run(PROGRAM_SENDMAIL, "trap 'echo $$ >out; exit 0' TERM; "
	    "while :; do sleep 0.1; done", 1);
	ok(o.kind == OUTCOME_TEMPORARY && *out() >= '1' && *out() <= '9',
	    "SIGTERM lets it clean up");
	begin = clock_ms();
	(void)run(PROGRAM_SENDMAIL, "trap '' TERM; sleep 60 & echo $! >out; "
	    "yes; sleep 60", 1);
	ok(o.kind == OUTCOME_TEMPORARY && clock_ms() - begin < 20000,
	    "one that writes on and ignores SIGTERM");
	killed_too("... is killed with its children");
	(void)run(PROGRAM_SENDMAIL, "sh -c 'trap \"\" TERM; echo $$ >out; "
	    "sleep 60; sleep 60' & wait", 1);
	killed_too("a child that ignores SIGTERM");
	(void)run(PROGRAM_SENDMAIL, "sh -c 'trap \"echo x >out; exit\" TERM; "
	    "sleep 60 & wait' & trap '' TERM; wait; wait", 1);
	is_str(out(), "x\n", "SIGTERM is for all of them");
}

static void
test_faults(void)
{
	char *long_one = calloc(1, PROGRAM_COMMAND_MAX + 2);
	const char *before = mail.home;

	mail.home = "/nowhere/home";
	(void)run(PROGRAM_SENDMAIL, "true", 30);
	ok(o.kind == OUTCOME_TEMPORARY && strstr(o.text, "/nowhere/home") !=
	    NULL, "no home is temporary: %s", o.text);
	mail.home = before;
	memset(long_one, ':', PROGRAM_COMMAND_MAX + 1);
	(void)run(PROGRAM_SENDMAIL, long_one, 30);
	is_str(o.text, "4.3.5 a command is too long", "a long command");
	free(long_one);
}

static void
test_root(void)
{
	if (geteuid() != 0)
		return;
	(void)run(PROGRAM_SENDMAIL, "true", 30);
	ok(o.kind == OUTCOME_TEMPORARY && strstr(o.text, "root") != NULL,
	    "not as root");
}

static int
prepare(void)
{
	if (mkdtemp(home) == NULL || chdir(home) == -1)
		return -1;
	message = open("message", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (message == -1 || fd_write_all(message, "skip\n", 5) == -1 ||
	    fd_write_all(message, text, strlen(text)) == -1)
		return -1;
	test_root();
	if (geteuid() != 0)
		return 0;
	return chown(home, NOBODY, NOBODY) == -1 ||
	    setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
	    setresuid(NOBODY, NOBODY, NOBODY) == -1 ? -1 : 0;
}

int
main(void)
{
	log_open("program");
	if (!ok(prepare() == 0, "a home"))
		return done();
	test_codes();
	test_message();
	test_environment();
	test_place();
	test_strangers();
	test_descriptors();
	test_big();
	test_hangs();
	test_faults();
	(void)unlink("out");
	(void)unlink("big");
	(void)unlink("message");
	(void)rmdir(home);
	return done();
}
