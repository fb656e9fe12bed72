/* SPDX-License-Identifier: ISC
 *
 * Proves from inside each role what it may still do: the filter is the real
 * one of the plain build.  Builds with the wide filter skip, and so does a
 * kernel without Landlock.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <arpa/inet.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "system/log.h"
#include "system/sandbox.h"
#include "system/sandbox_filter.h"
#include "tap.h"

enum role { DOOR, MAILBOX, CLIENT, AGENT };
static const char *const role_name[] = { "door", "mailbox", "client",
    "agent" };

static char base[] = "/tmp/stdmail-sandbox.XXXXXX";
static char own[64], other[64], mail_tmp[96], mail_new[96], other_mail[96];
static int listener, pipe_fd[2], port;

static int
enter(enum role role)
{
	struct sandbox_path paths[] = {
		{ own, SANDBOX_WRITE },
		{ "/nonexistent/left/out", SANDBOX_READ },
	};

	switch (role) {
	case DOOR:
		return sandbox_door();
	case MAILBOX:
		return sandbox_mailbox(paths, 2);
	case CLIENT:
		return sandbox_client();
	case AGENT:
		return sandbox_agent(paths, 2, false);
	}
	return -1;
}

/* The things a process may try; 0 done, else errno. */
static int
try_open(const char *file, int flags)
{
	int fd = open(file, flags, 0600);

	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static int
try_passwd(void)
{
	return try_open("/etc/passwd", O_RDONLY);
}

static int
try_own(void)
{
	return try_open(mail_tmp, O_RDWR | O_CREAT);
}

static int
try_other(void)
{
	return try_open(other_mail, O_RDONLY);
}

static int
try_other_write(void)
{
	return unlink(other_mail) == -1 ? errno : 0;
}

static int
try_rename(void)
{
	int r = try_own();

	if (r != 0)
		return r;
	return rename(mail_tmp, mail_new) == -1 ? errno : 0;
}

static int
try_connect(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), r;

	if (fd == -1)
		return errno;
	sin.sin_port = htons((unsigned short)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r = connect(fd, (struct sockaddr *)&sin, sizeof(sin));
	r = r == -1 ? errno : 0;
	close(fd);
	return r;
}

static int
try_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd == -1)
		return errno;
	close(fd);
	return 0;
}

static int
try_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int
try_ptrace(void)
{
	return syscall(SYS_ptrace, 0, 0, 0, 0) == -1 ? errno : 0;
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == -1)
		return errno;
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	return 0;
}

static int
try_kill(void)
{
	return kill(getppid(), 0) == -1 ? errno : 0;
}

/* A close that waits for the peer would hold up whoever closes last, and that
 * may be the monitor. */
static int
try_linger(void)
{
	struct linger on = { 1, 3600 };

	return setsockopt(listener, SOL_SOCKET, SO_LINGER, &on, sizeof(on)) ==
	    -1 ? errno : 0;
}

/* Have the kernel send a signal of one's choice to another process. */
static int
try_owner(void)
{
	return fcntl(pipe_fd[0], F_SETOWN, getppid()) == -1 ? errno : 0;
}

static int
try_owner_signal(void)
{
	return fcntl(pipe_fd[0], F_SETSIG, SIGKILL) == -1 ? errno : 0;
}

/* A pair of datagram sockets sends to any address. */
static int
try_datagrams(void)
{
	int sv[2];

	return socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) == -1 ? errno : 0;
}

static int
try_stream_pair(void)
{
	int sv[2];

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1 ?
	    errno : 0;
}

/* Mode and times are not Landlock's: all mailboxes may have one owner. */
static int
try_other_mode(void)
{
	return fchmodat(AT_FDCWD, other_mail, 0, 0) == -1 ? errno : 0;
}

static int
try_other_times(void)
{
	return utimensat(AT_FDCWD, other_mail, NULL, 0) == -1 ? errno : 0;
}

static int
try_own_times(void)
{
	int fd = open(mail_tmp, O_RDWR | O_CREAT, 0600);

	if (fd == -1)
		return errno;
	return futimens(fd, NULL) == -1 ? errno : 0;
}

static int
try_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
try_unknown(void)
{
	return syscall(SYS_vmsplice, -1, NULL, 0, 0) == -1 ? errno : 0;
}

static int
try_memory(void)
{
	void *p = malloc(4 * 1024 * 1024);

	if (p == NULL)
		return errno;
	memset(p, 1, 4 * 1024 * 1024);
	free(p);
	return 0;
}

static int
try_log_and_pipe(void)
{
	time_t now = time(NULL);
	struct tm tm;

	log_info("inside", NULL);
	if (localtime_r(&now, &tm) == NULL)
		return errno;
	return write(pipe_fd[1], "x", 1) == 1 ? 0 : errno;
}

#define DIES	(-1)	/* by SIGSYS */
#define REFUSED	(-2)	/* with EACCES or EPERM */

static const struct {
	const char	*what;
	int		(*try)(void);
	int		 want[4];	/* door mailbox client agent */
} rows[] = {
	{ "/etc/passwd", try_passwd,
	    { REFUSED, REFUSED, REFUSED, REFUSED } },
	{ "its own mailbox", try_own, { REFUSED, 0, REFUSED, 0 } },
	{ "rename from tmp to new", try_rename, { REFUSED, 0, REFUSED, 0 } },
	{ "another mailbox", try_other,
	    { REFUSED, REFUSED, REFUSED, REFUSED } },
	{ "unlink in another mailbox", try_other_write,
	    { ENOSYS, REFUSED, ENOSYS, REFUSED } },
	{ "connect", try_connect, { REFUSED, REFUSED, 0, REFUSED } },
	{ "a UNIX socket", try_unix, { REFUSED, REFUSED, REFUSED, 0 } },
	{ "exec", try_exec, { DIES, DIES, DIES, DIES } },
	{ "ptrace", try_ptrace, { DIES, DIES, DIES, DIES } },
	{ "fork", try_fork, { ENOSYS, ENOSYS, ENOSYS, 0 } },
	{ "a signal to the parent", try_kill,
	    { REFUSED, REFUSED, REFUSED, REFUSED } },
	{ "a close that waits", try_linger,
	    { REFUSED, REFUSED, REFUSED, REFUSED } },
	{ "the owner of a descriptor", try_owner,
	    { REFUSED, REFUSED, REFUSED, REFUSED } },
	{ "the owner's signal", try_owner_signal,
	    { REFUSED, REFUSED, REFUSED, REFUSED } },
	{ "a pair of datagram sockets", try_datagrams,
	    { REFUSED, REFUSED, REFUSED, REFUSED } },
	{ "a pair of streams", try_stream_pair, { 0, 0, 0, 0 } },
	{ "the mode in another mailbox", try_other_mode,
	    { ENOSYS, REFUSED, ENOSYS, 0 } },
	{ "the times in another mailbox", try_other_times,
	    { ENOSYS, REFUSED, ENOSYS, REFUSED } },
	{ "the times of a file of its own", try_own_times,
	    { REFUSED, 0, REFUSED, 0 } },
	{ "executable memory", try_exec_memory,
	    { REFUSED, REFUSED, REFUSED, REFUSED } },
	{ "an unknown call", try_unknown,
	    { ENOSYS, ENOSYS, ENOSYS, ENOSYS } },
	{ "memory", try_memory, { 0, 0, 0, 0 } },
	{ "log and an open descriptor", try_log_and_pipe, { 0, 0, 0, 0 } },
};

static void
test_row(size_t i, enum role role)
{
	int status, got, want = rows[i].want[role];
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		int quiet = open("/dev/null", O_WRONLY);

		dup2(quiet, 2);
		if (enter(role) == -1)
			_exit(255);
		_exit(rows[i].try());
	}
	waitpid(pid, &status, 0);
	got = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? DIES :
	    WIFEXITED(status) ? WEXITSTATUS(status) : -3;
	if (want == REFUSED && (got == EACCES || got == EPERM))
		got = REFUSED;
	if (!ok(got == want, "%s: %s", role_name[role], rows[i].what))
		printf("# got %d, want %d\n", got, want);
}

/* The unknown call is logged by its number, once. */
static void
test_log(void)
{
	char got[500] = "", want[100];
	int pfd[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(pfd) == -1)
		return;
	fflush(stdout);
	if ((pid = fork()) == 0) {
		dup2(pfd[1], 2);
		log_open("prog");
		if (sandbox_door() == -1)
			_exit(255);
		try_unknown();
		try_unknown();
		_exit(0);
	}
	close(pfd[1]);
	waitpid(pid, &status, 0);
	n = read(pfd[0], got, sizeof(got) - 1);
	got[n < 0 ? 0 : n] = '\0';
	close(pfd[0]);
	snprintf(want, sizeof(want), "sandbox refused=syscall number=%d\n",
	    SYS_vmsplice);
	is_str(got, want, "an unknown call is logged once, by its number");
}

static int
set_up(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t n = sizeof(sin);
	char dir[96];
	int fd;

	if (mkdtemp(base) == NULL || pipe(pipe_fd) == -1)
		return -1;
	snprintf(own, sizeof(own), "%s/own", base);
	snprintf(other, sizeof(other), "%s/other", base);
	if (mkdir(own, 0700) == -1 || mkdir(other, 0700) == -1)
		return -1;
	snprintf(dir, sizeof(dir), "%s/tmp", own);
	mkdir(dir, 0700);
	snprintf(dir, sizeof(dir), "%s/new", own);
	mkdir(dir, 0700);
	snprintf(mail_tmp, sizeof(mail_tmp), "%s/tmp/m", own);
	snprintf(mail_new, sizeof(mail_new), "%s/new/m", own);
	snprintf(other_mail, sizeof(other_mail), "%s/m", other);
	if ((fd = open(other_mail, O_WRONLY | O_CREAT, 0600)) == -1)
		return -1;
	close(fd);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&sin, n) == -1 ||
	    listen(listener, 50) == -1 ||
	    getsockname(listener, (struct sockaddr *)&sin, &n) == -1)
		return -1;
	port = ntohs(sin.sin_port);
	return 0;
}

static void
clean_up(void)
{
	char dir[96];

	unlink(mail_tmp);
	unlink(mail_new);
	unlink(other_mail);
	snprintf(dir, sizeof(dir), "%s/tmp", own);
	rmdir(dir);
	snprintf(dir, sizeof(dir), "%s/new", own);
	rmdir(dir);
	rmdir(own);
	rmdir(other);
	rmdir(base);
}

int
main(void)
{
	enum role role;
	size_t i;

	if (SANDBOX_IS_WIDE) {
		printf("1..0 # SKIP this build has the wide filter\n");
		return 0;
	}
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 2) {
		printf("1..0 # SKIP this kernel has no Landlock 2\n");
		return 0;
	}
	log_open("sandbox");
	if (set_up() == -1) {
		printf("1..0 # SKIP no folder or socket: %s\n",
		    strerror(errno));
		return 0;
	}
	for (role = DOOR; role <= AGENT; role++)
		for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			test_row(i, role);
	test_log();
	clean_up();
	return done();
}
