/* SPDX-License-Identifier: ISC
 *
 * Running a user's program: see program.h.  It must never run one as root,
 * hand on a descriptor of ours, or wait for ever; nor call a message delivered
 * that the program did not take.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "grammar/chars.h"
#include "grammar/smtp_reply.h"
#include "grammar/trace.h"
#include "program.h"
#include "system/clock.h"
#include "system/fdio.h"
#include "system/log.h"

#define SMALL		(1u << 20)	/* a message that is kept in memory */
#define GRACE_MS	2000		/* from SIGTERM to SIGKILL */
#define SIGNALLED	128		/* a shell's code for a signal */

struct run {
	const char *name;
	pid_t	 pid;
	int	 out;			/* what it says */
	char	 said[PROGRAM_OUTPUT_MAX + 1];
	size_t	 len;
	bool	 late, stopped;
	int	 status;		/* as waitpid(2) */
};

/* ---- its standard input ---- */

static int
put_lines(const struct program *p, int fd)
{
	struct buf b;
	int r = -1;

	buf_init(&b, 2 * TRACE_ENVELOPE_MAX);
	if (p->mode == PROGRAM_SENDMAIL &&
	    (program_from_line(&b, p->mail) == -1 ||
	    trace_return_path(&b, p->mail->sender) == -1 ||
	    trace_delivered_to(&b, p->mail->recipient) == -1))
		errno = ENOMEM;
	else
		r = fd_write_all(fd, b.data, b.len);
	buf_free(&b);
	return r;
}

static int
put_message(const struct program *p, int fd)
{
	uint64_t at = p->start;
	char data[32768];
	ssize_t got;

	if (fd_write_all(fd, p->header, p->nheader) == -1)
		return -1;
	while ((got = fd_pread_all(p->fd, data, sizeof(data), (off_t)at)) >
	    0) {
		if (fd_write_all(fd, data, (size_t)got) == -1)
			return -1;
		at += (uint64_t)got;
	}
	return got == -1 ? -1 : 0;
}

/*
 * A file of its own, which it may read twice, and which needs no reader: with
 * a pipe we would have to feed it.  -1 errno.
 */
static int
make_input(const struct program *p)
{
	struct stat st;
	int fd = -1, saved;

	if (fstat(p->fd, &st) == -1)
		return -1;
	if (st.st_size > SMALL)
		fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd == -1 && (fd = memfd_create("message", MFD_CLOEXEC)) == -1)
		return -1;
	if (put_lines(p, fd) == 0 && put_message(p, fd) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* ---- its process ---- */

static void
set_signals(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Does it need no shell?  As Postfix has it: when there is no character that
 * means something there.  NOTE: but NAME=value before it does. */
static bool
is_plain(const char *command)
{
	const char *s, *first = command + strspn(command, " \t");
	size_t n = strcspn(first, " \t");

	for (s = command; *s != '\0'; s++)
		if (!char_is(*s, CHAR_ALNUM | CHAR_WSP) &&
		    strchr("!@%-_=+:,./", *s) == NULL)
			return false;
	return n > 0 && memchr(first, '=', n) == NULL;
}

/* Returns when it is not found and could be something that only a shell has. */
static void
run_words(const char *command)
{
	char *text = strdup(command), *word;
	char **argv = calloc(strlen(command) + 2, sizeof(*argv));
	size_t n = 0;

	if (text == NULL || argv == NULL)
		_exit(EX_TEMPFAIL);
	while ((word = strsep(&text, " \t")) != NULL)
		if (*word != '\0')
			argv[n++] = word;
	execvp(argv[0], argv);
	if (errno == ENOENT && strchr(argv[0], '/') == NULL) {
		free(argv);
		return;
	}
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void __attribute__((noreturn))
become_program(const struct program *p, char **env, int in, int out,
    pid_t parent)
{
	set_signals();
	(void)setsid();
	if (dup2(in, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(out, STDERR_FILENO) == -1 ||
	    close_range(STDERR_FILENO + 1, ~0u, 0) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1 ||
	    getppid() != parent)
		_exit(EX_TEMPFAIL);
	(void)umask(077);
	if (chdir(p->mail->home) == -1) {
		dprintf(STDERR_FILENO, "4.3.0 %s: %s\n", p->mail->home,
		    strerror(errno));
		_exit(EX_TEMPFAIL);
	}
	environ = env;
	if (p->mode == PROGRAM_SENDMAIL && is_plain(p->command))
		run_words(p->command);
	execl("/bin/sh", "sh", "-c", p->command, (char *)NULL);
	dprintf(STDERR_FILENO, "/bin/sh: %s\n", strerror(errno));
	_exit(126);
}

static int
start(const struct program *p, struct run *r)
{
	char **env = program_env(p->mail, p->mode);
	int in = make_input(p), ends[2] = { -1, -1 }, saved;
	pid_t self = getpid();

	r->pid = -1;
	if (env == NULL)
		errno = ENOMEM;
	else if (in != -1 && pipe2(ends, O_CLOEXEC) == 0 &&
	    fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
	    (r->pid = fork()) == 0)
		become_program(p, env, in, ends[1], self);
	saved = errno;
	program_env_free(env);
	if (in != -1)
		close(in);
	if (ends[1] != -1)
		close(ends[1]);
	if (r->pid == -1 && ends[0] != -1)
		close(ends[0]);
	r->out = ends[0];
	errno = saved;
	return r->pid == -1 ? -1 : 0;
}

/* ---- waiting for it ---- */

/* One read of what it says.  Returns 0 when there is no more at present. */
static int
hear(struct run *r)
{
	char rest[4096];
	size_t room = PROGRAM_OUTPUT_MAX - r->len;
	ssize_t n;

	if (r->out == -1)
		return 0;
	do
		n = room > 0 ? read(r->out, r->said + r->len, room) :
		    read(r->out, rest, sizeof(rest));
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		r->len += room > 0 ? (size_t)n : 0;
		return 1;
	}
	if (n == 0 || errno != EAGAIN) {
		close(r->out);
		r->out = -1;
	}
	return 0;
}

static void
on_child(int signo)
{
	(void)signo;
}

/* Is it over?  It is left to be reaped, so that its number stays its own. */
static bool
has_ended(struct run *r)
{
	siginfo_t si = { .si_pid = 0 };

	if (waitid(P_PID, (id_t)r->pid, &si, WEXITED | WSTOPPED | WNOHANG |
	    WNOWAIT) == -1)
		return errno != EINTR;
	if (si.si_pid == 0)
		return false;
	if (si.si_code != CLD_STOPPED && si.si_code != CLD_TRAPPED)
		return true;
	/* Nobody would wake it. */
	r->stopped = true;
	(void)kill(-r->pid, SIGKILL);
	return false;
}

static void
wait_for(struct run *r, unsigned seconds, const sigset_t *inside)
{
	long long last = clock_ms() + 1000ll * seconds, left;
	struct timespec ts;
	struct pollfd pfd;

	while (!has_ended(r)) {
		left = last - clock_ms();
		if (left <= 0) {
			(void)kill(-r->pid, r->late ? SIGKILL : SIGTERM);
			(void)kill(-r->pid, SIGCONT);
			r->late = true;
			last = clock_ms() + GRACE_MS;
			left = GRACE_MS;
		}
		ts.tv_sec = (time_t)(left / 1000);
		ts.tv_nsec = (long)(left % 1000) * 1000000;
		pfd = (struct pollfd){ r->out, POLLIN, 0 };
		if (ppoll(&pfd, 1, &ts, inside) == 1)
			(void)hear(r);
	}
	if (r->late)
		(void)kill(-r->pid, SIGKILL);
	while (waitpid(r->pid, &r->status, 0) == -1 && errno == EINTR)
		continue;
	/* What it said before, and no more: a child of it may hold the pipe. */
	while (r->len < PROGRAM_OUTPUT_MAX && hear(r) == 1)
		continue;
	if (r->out != -1)
		close(r->out);
}

/* ---- what its end means ---- */

/* What it said on one line, as a reply can have it. */
static void
clean(struct run *r)
{
	size_t i, n = 0;

	for (i = 0; i < r->len; i++) {
		if (char_is(r->said[i], CHAR_PRINT) && r->said[i] != ' ')
			r->said[n++] = r->said[i];
		else if ((unsigned char)r->said[i] > 0x7e)
			r->said[n++] = '?';
		else if (n > 0 && r->said[n - 1] != ' ')
			r->said[n++] = ' ';
	}
	r->said[n > 0 && r->said[n - 1] == ' ' ? n - 1 : n] = '\0';
	r->len = strlen(r->said);
}

struct meaning {
	int		 code;
	const char	*status, *words;
};

/* NOTE: as Postfix has it, but that an input/output error (74) is temporary,
 * as with sendmail. */
static const struct meaning sysexits[] = {
	{ EX_USAGE, "5.3.0", "it was called wrongly" },
	{ EX_DATAERR, "5.6.0", "it does not like the message" },
	{ EX_NOINPUT, "5.3.0", "it has no input" },
	{ EX_NOUSER, "5.1.1", "it knows no such user" },
	{ EX_NOHOST, "5.1.2", "it knows no such host" },
	{ EX_UNAVAILABLE, "5.3.0", "a service is not available" },
	{ EX_SOFTWARE, "5.3.0", "it has an internal error" },
	{ EX_OSERR, "4.3.0", "a call of the system failed" },
	{ EX_OSFILE, "5.3.0", "a file of the system is missing" },
	{ EX_CANTCREAT, "5.2.0", "it cannot make its output" },
	{ EX_IOERR, "4.3.0", "an error of input or output" },
	{ EX_TEMPFAIL, "4.3.0", "it wants to be tried again" },
	{ EX_PROTOCOL, "5.5.0", "an error in a protocol" },
	{ EX_NOPERM, "5.7.0", "it does not permit that" },
	{ EX_CONFIG, "5.3.5", "it is not configured well" },
	{ 126, "4.3.5", "it cannot be run" },
	{ 127, "4.3.5", "it is not found" },
};

static bool
is_hard_in_qmail(int code)
{
	static const int hard[] = { 100, 64, 65, 70, 76, 77, 78, 112 };
	size_t i;

	for (i = 0; i < sizeof(hard) / sizeof(hard[0]); i++)
		if (code == hard[i])
			return true;
	return false;
}

static struct meaning
find_meaning(enum program_mode mode, int code)
{
	struct meaning m = { code, "5.3.0", "its exit code says no more" };
	size_t i;

	if (mode == PROGRAM_QMAIL) {
		m.status = is_hard_in_qmail(code) ? "5.3.0" : "4.3.0";
		return m;
	}
	for (i = 0; i < sizeof(sysexits) / sizeof(sysexits[0]); i++)
		if (sysexits[i].code == code)
			return sysexits[i];
	if (code > SIGNALLED) {
		m.status = "4.3.0";
		m.words = "a signal ended what it ran";
	}
	return m;
}

static void
fail(struct outcome *o, const char *status, int code)
{
	o->kind = *status == '4' ? OUTCOME_TEMPORARY : OUTCOME_PERMANENT;
	o->code = *status == '4' ? EX_TEMPFAIL :
	    code >= EX__BASE && code <= EX__MAX && code != EX_TEMPFAIL ?
	    code : EX_UNAVAILABLE;
}

/* Does it begin with a status of failure?  With qmail's codes it must be of
 * their class. */
static bool
says_status(const struct run *r, enum program_mode mode, const char *status)
{
	const char *p = r->said;
	struct smtp_status s;

	return smtp_status_parse(&p, r->said + r->len, &s) == 1 &&
	    (*p == ' ' || *p == '\0') && (s.class == 4 || s.class == 5) &&
	    (mode != PROGRAM_QMAIL || r->said[0] == *status);
}

static void
explain_exit(const struct run *r, enum program_mode mode, int code,
    struct outcome *o)
{
	const struct meaning m = find_meaning(mode, code);

	if (says_status(r, mode, m.status)) {
		fail(o, r->said, code);
		strlcpy(o->text, r->said, sizeof(o->text));
		return;
	}
	fail(o, m.status, code);
	snprintf(o->text, sizeof(o->text), "%s %s ended with %d: %.300s",
	    m.status, r->name, code, r->len > 0 ? r->said : m.words);
}

/* 1: what follows it is left out. */
static int
explain(const struct run *r, enum program_mode mode, struct outcome *o)
{
	int code = WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1;

	if (!r->late && (code == 0 || (code == 99 && mode ==
	    PROGRAM_QMAIL))) {
		o->kind = OUTCOME_DELIVERED;
		o->code = 0;
		strlcpy(o->text, "2.0.0 delivered to a program",
		    sizeof(o->text));
		return code == 99;
	}
	if (code != -1 && !r->late) {
		explain_exit(r, mode, code, o);
		return 0;
	}
	fail(o, "4", 0);
	if (r->late || r->stopped)
		snprintf(o->text, sizeof(o->text), "4.3.0 %s %s and was ended",
		    r->name, r->late ? "took too long" : "stopped itself");
	else
		snprintf(o->text, sizeof(o->text), "4.3.0 signal %d ended %s: "
		    "%.300s", WTERMSIG(r->status), r->name, r->len > 0 ?
		    r->said : "it said nothing");
	return 0;
}

static int
run(const struct program *p, struct outcome *o)
{
	struct sigaction sa = { .sa_handler = on_child }, old;
	/* What cannot be known has not been delivered. */
	struct run r = { .out = -1, .status = SIGKILL, .name = p->name !=
	    NULL ? p->name : "the recipient's program" };
	sigset_t block, before, inside;
	int error = 0;

	sigemptyset(&sa.sa_mask);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &block, &before);
	inside = before;
	sigdelset(&inside, SIGCHLD);
	(void)sigaction(SIGCHLD, &sa, &old);
	if (start(p, &r) == -1)
		error = errno;
	else
		wait_for(&r, p->seconds, &inside);
	(void)sigaction(SIGCHLD, &old, NULL);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		outcome_errno(o, "a program", error);
		return 0;
	}
	clean(&r);
	log_info("program", "id=%s command=%s status=%d said=%s", p->id,
	    log_str(p->command), WIFEXITED(r.status) ?
	    WEXITSTATUS(r.status) : -WTERMSIG(r.status), log_str(r.said));
	return explain(&r, p->mode, o);
}

int
program_run(const struct program *p, struct outcome *o)
{
	if (geteuid() != 0 && getuid() != 0 &&
	    strlen(p->command) <= PROGRAM_COMMAND_MAX)
		return run(p, o);
	fail(o, "4", 0);
	snprintf(o->text, sizeof(o->text), "4.3.5 %s", geteuid() == 0 ||
	    getuid() == 0 ? "no program is run as root" :
	    "a command is too long");
	return 0;
}
