/* SPDX-License-Identifier: ISC
 *
 * Running the filter: in a helper of the monitor, as a user without rights, in
 * a sandbox, with a time limit and little room for what it says.  It must
 * never hand on a descriptor but the three it needs, nor leave a process of it
 * behind.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "filter.h"
#include "monitor.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/privilege.h"
#include "system/sandbox.h"

#define ERRORS_MAX	400	/* kept of its standard error */
#define ENV_MAX		16
#define ROUNDS		500	/* of ending what it left, a ms each */

/* What it writes into one of its two pipes. */
struct pipe_end {
	int	 fd;
	char	*data;
	size_t	 len, size;
	bool	 cut;
};

static char *env[ENV_MAX];
static char home[PATH_MAX] = "/";

int
filter_check(struct server_call *call)
{
	const struct filter_request *q = call->request;

	if (monitor_address(&q->sender) &&
	    monitor_string(q->rcpts, sizeof(q->rcpts)) &&
	    monitor_string(q->name, sizeof(q->name)) &&
	    monitor_string(q->helo, sizeof(q->helo)) &&
	    monitor_string(q->login, sizeof(q->login)) &&
	    monitor_draft(call->fds[0]) && smtpd.mode != MODE_LMTP)
		/* since a reload there may be none; the door goes by ran */
		return smtpd.settings->filter.n > 0;
	server_violation(call, "filter");
	return 0;
}

/* The draft, to read only, from its start. */
static int
reopen(int fd)
{
	char path[40];

	if (fchmod(fd, 0400) == -1)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Become its user. */
static int
become(void)
{
	const char *name = *smtpd.settings->filter_user != '\0' ?
	    smtpd.settings->filter_user : smtpd.settings->door_user;
	struct passwd *pw = geteuid() == 0 ? getpwnam(name) :
	    getpwuid(geteuid());

	if (pw != NULL && *pw->pw_dir == '/')
		strlcpy(home, pw->pw_dir, sizeof(home));
	if (geteuid() != 0)
		return 0;
	if (pw == NULL) {
		errno = ENOENT;
		return -1;
	}
	return privilege_drop(pw->pw_uid, pw->pw_gid);
}

static int
set(size_t *n, const char *name, const char *value)
{
	if (*n + 1 >= ENV_MAX ||
	    asprintf(&env[*n], "%s=%s", name, value) == -1)
		return -1;
	(*n)++;
	return 0;
}

static int
set_all(const struct server_call *call)
{
	const struct filter_request *q = call->request;
	char text[ADDRESS_TEXT_MAX], count[16], first[ADDRESS_TEXT_MAX];
	size_t n = 0;

	snprintf(count, sizeof(count), "%u", q->nrcpts);
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(q->rcpts, "\n"),
	    q->rcpts);
	return set(&n, "PATH", "/usr/local/bin:/usr/bin:/bin") == -1 ||
	    set(&n, "HOME", home) == -1 ||
	    set(&n, "HOSTNAME", smtpd.settings->hostname) == -1 ||
	    set(&n, "SENDER", address_text(&q->sender, text)) == -1 ||
	    set(&n, "RECIPIENT", first) == -1 ||
	    set(&n, "RECIPIENTS", q->rcpts) == -1 ||
	    set(&n, "RECIPIENT_COUNT", count) == -1 ||
	    set(&n, "CLIENT_ADDRESS", call->peer->ip) == -1 ||
	    set(&n, "CLIENT_NAME", q->name) == -1 ||
	    set(&n, "CLIENT_HELO", q->helo) == -1 ||
	    set(&n, "AUTH_USER", q->login) == -1 ? -1 : 0;
}

/* The program's own process, up to its first instruction. */
static void __attribute__((noreturn))
become_program(int in, int out, int err, pid_t parent)
{
	const struct conf_list *list = &smtpd.settings->filter;
	struct sandbox_path paths[] = {
		{ "/", SANDBOX_READ | SANDBOX_EXEC },
		{ "/dev/null", SANDBOX_WRITE },
		{ "/tmp", SANDBOX_WRITE },
		{ home, SANDBOX_WRITE },
	};
	size_t n = sizeof(paths) / sizeof(paths[0]);
	struct rlimit none = { 0, 0 };
	char **argv = calloc(list->n + 1, sizeof(*argv));

	(void)setpgid(0, 0);
	if (argv == NULL || dup2(in, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1 || dup2(err, STDERR_FILENO) == -1)
		_exit(EX_OSERR);
	(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (strcmp(home, "/") == 0)
		n--;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1 ||
	    getppid() != parent || chdir("/") == -1 ||
	    sandbox_program(paths, n, smtpd.settings->filter_network) == -1) {
		dprintf(STDERR_FILENO, "sandbox: %s", strerror(errno));
		_exit(EX_OSERR);
	}
	memcpy(argv, list->v, list->n * sizeof(*argv));
	execve(argv[0], argv, env);
	dprintf(STDERR_FILENO, "%s: %s", argv[0], strerror(errno));
	_exit(EX_OSERR);
}

/* What is there to read; what is too much is thrown away. */
static void
drain(struct pipe_end *p)
{
	char rest[4096];
	size_t room = p->size - p->len;
	ssize_t n;

	n = room > 0 ? read(p->fd, p->data + p->len, room) :
	    read(p->fd, rest, sizeof(rest));
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close(p->fd);
		p->fd = -1;
	} else if (room > 0)
		p->len += (size_t)n;
	else
		p->cut = true;
}

/* Until it has ended: its status, or -1: it was too late. */
static int
watch(pid_t pid, struct pipe_end p[2])
{
	int64_t last = clock_ms() + 1000 * smtpd.settings->filter_timeout;
	struct pollfd pfd[2];
	int status, i, wait;

	while (clock_ms() < last) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			/* a child of it may hold them, and counts not */
			for (i = 0; i < 2; i++)
				if (p[i].fd != -1)
					drain(&p[i]);
			return status;
		}
		/* when both are closed its end is near */
		wait = p[0].fd == -1 && p[1].fd == -1 ? 2 : 50;
		for (i = 0; i < 2; i++)
			pfd[i] = (struct pollfd){ p[i].fd, POLLIN, 0 };
		if (poll(pfd, 2, wait) <= 0)
			continue;
		for (i = 0; i < 2; i++)
			if (pfd[i].revents != 0)
				drain(&p[i]);
	}
	return -1;
}

static bool
start(int in, pid_t *pid, struct pipe_end p[2])
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	pid_t self = getpid();

	if (pipe2(out, O_CLOEXEC) == -1 || pipe2(err, O_CLOEXEC) == -1 ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(err[0], F_SETFL, O_NONBLOCK) == -1)
		return false;
	if ((*pid = fork()) == -1)
		return false;
	if (*pid == 0)
		become_program(in, out[1], err[1], self);
	(void)setpgid(*pid, *pid);
	close(out[1]);
	close(err[1]);
	p[0].fd = out[0];
	p[1].fd = err[0];
	return true;
}

/* As proc(5) has it; 0: there is no such process any more. */
static pid_t
parent_of(const char *pid)
{
	char path[40], text[512], *p;
	ssize_t n = -1;
	int fd, parent = 0;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	if ((p = strrchr(text, ')')) != NULL)
		(void)sscanf(p, ") %*c %d", &parent);
	return parent;
}

/* All that descends from it is ours when its parent has ended, whatever group
 * or session it made for itself. */
static void
end_all(void)
{
	const struct dirent *e;
	pid_t pid, self = getpid();
	int i;
	DIR *d;

	for (i = 0; i < ROUNDS; i++) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			continue;
		if (pid == -1 || (d = opendir("/proc")) == NULL)
			return;		/* there is none; none can be found */
		while ((e = readdir(d)) != NULL)
			if (*e->d_name >= '1' && *e->d_name <= '9' &&
			    parent_of(e->d_name) == self)
				(void)kill((pid_t)strtol(e->d_name, NULL, 10),
				    SIGKILL);
		closedir(d);
		(void)poll(NULL, 0, 1);
	}
	log_error("filter", "error=\"it left processes that do not end\"");
}

static void
report(const struct pipe_end p[2], int status, struct filter_reply *a)
{
	const char *why = NULL;

	if (p[1].len > 0)
		log_info("filter", "says=%s", log_str(p[1].data));
	if (status == -1)
		why = "too late";
	else if (!WIFEXITED(status))
		why = "it died by a signal";
	else if (p[0].cut)
		why = "too much output";
	else if (memchr(p[0].data, '\0', p[0].len) != NULL)
		why = "a NUL in its output";
	if (why != NULL) {
		log_error("filter", "error=\"%s\"", why);
		return;
	}
	a->ran = 1;
	a->code = WEXITSTATUS(status);
	a->len = (uint32_t)p[0].len;
}

void
filter_run(struct server_call *call)
{
	static char errors[ERRORS_MAX + 1];
	struct filter_reply *a = call->reply;
	struct pipe_end p[2] = {
		{ -1, a->output, 0, sizeof(a->output) - 1, false },
		{ -1, errors, 0, ERRORS_MAX, false },
	};
	int in = reopen(call->fds[0]), status;
	pid_t pid;

	if (in == -1 || become() == -1 || set_all(call) == -1 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1 ||
	    !start(in, &pid, p)) {
		log_error("filter", "error=%s", log_str(strerror(errno)));
		return;
	}
	status = watch(pid, p);
	kill(-pid, SIGKILL);
	end_all();
	report(p, status, a);
}
