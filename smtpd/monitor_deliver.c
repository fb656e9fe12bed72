/* SPDX-License-Identifier: ISC
 *
 * LMTP's deliveries, in the monitor: a helper for each recipient runs
 * mda-deliver with the draft as its standard input, and tells how it ended.
 * It must never say 0 for a program that did not.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "mail/start.h"
#include "monitor.h"
#include "system/log.h"

#define PROGRAM	"mda-deliver"
#define SECONDS	50		/* a helper's own term is a minute */
#define SAID	(2 * DELIVER_SAID) /* of what it writes on standard error */

static char program[PATH_MAX];

int
deliver_find(char *error)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) -
	    sizeof(PROGRAM));
	char *slash;

	if (n <= 0 || (size_t)n >= sizeof(program) - sizeof(PROGRAM)) {
		snprintf(error, CONF_ERROR_MAX, "/proc/self/exe: %s",
		    strerror(n == -1 ? errno : ENAMETOOLONG));
		return -1;
	}
	program[n] = '\0';
	slash = strrchr(program, '/');
	memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
	if (access(program, X_OK) == 0)
		return 0;
	snprintf(error, CONF_ERROR_MAX, "%.300s: %s", program,
	    strerror(errno));
	return -1;
}

int
deliver_check(struct server_call *call)
{
	const struct deliver_request *request = call->request;
	const struct memory *m = call->data;

	if (smtpd.mode == MODE_LMTP && monitor_address(&request->sender) &&
	    monitor_address(&request->rcpt) &&
	    m->nrcpts[SPOOL_LOCAL] > 0 && monitor_draft(call->fds[0]))
		return 1;
	server_violation(call, "deliver");
	return 0;
}

unsigned
deliver_term(void)
{
	long long most = smtpd.settings->timeout;

	return most > 0 && most < SECONDS ? (unsigned)most : SECONDS;
}

static void
execute(const struct deliver_request *request, int message, int said)
{
	char from[ADDRESS_TEXT_MAX] = "<>", to[ADDRESS_TEXT_MAX];
	const char *argv[START_ARGUMENTS + 6];
	size_t n = 0;

	if (!address_is_null(&request->sender))
		address_text(&request->sender, from);
	argv[n++] = PROGRAM;
	n += start_arguments(argv + n);
	argv[n++] = "-f";
	argv[n++] = from;
	argv[n++] = "-a";
	argv[n++] = address_text(&request->rcpt, to);
	argv[n] = NULL;
	if (lseek(message, 0, SEEK_SET) == -1 ||
	    dup2(message, STDIN_FILENO) == -1 ||
	    dup2(said, STDERR_FILENO) == -1)
		_exit(EX_OSERR);
	closefrom(3);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	alarm(deliver_term());		/* exec keeps it */
	execv(program, (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, PROGRAM ": 4.3.5 %s: %s\n", program,
	    strerror(errno));
	_exit(EX_OSERR);
}

/* All that is said; what does not fit is read and forgotten, with the line that
 * is cut by that. */
static void
hear(int fd, char *text)
{
	char more[512], *lf;
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = len < SAID - 1 ? read(fd, text + len, SAID - 1 - len) :
		    read(fd, more, sizeof(more));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (len < SAID - 1)
			len += (size_t)n;
	}
	text[len] = '\0';
	if (len == SAID - 1 && (lf = strrchr(text, '\n')) != NULL)
		*lf = '\0';
}

/* The line, which is this program's own, has the status that said begins
 * with: what stands behind that; else NULL. */
static const char *
same_status(const char *said, const char *line)
{
	size_t n = strcspn(said, " ");

	return *said >= '0' && *said <= '9' && said[n] == ' ' &&
	    strncmp(line, said, n + 1) == 0 ? line + n + 1 : NULL;
}

/* The last line is why, with those before it that have its status; the others
 * are its log's. */
static void
take_said(struct deliver_reply *answer, char *text)
{
	const size_t own = sizeof(PROGRAM ": ") - 1;
	char *said = answer->said, *line;
	const char *more;

	*said = '\0';
	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		more = NULL;
		if (strncmp(line, PROGRAM ": ", own) == 0) {
			line += own;
			more = same_status(said, line);
		}
		if (more != NULL) {
			strlcat(said, "\n", DELIVER_SAID);
			strlcat(said, more, DELIVER_SAID);
			continue;
		}
		if (*said != '\0')
			log_info("mda-deliver", "said=%s", log_str(said));
		strlcpy(said, line, DELIVER_SAID);
	}
}

void
deliver_run(struct server_call *call)
{
	static char text[SAID];
	struct deliver_reply *answer = call->reply;
	int said[2], status = 0;
	pid_t pid;

	answer->status = DELIVER_DIED;
	if (pipe2(said, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		snprintf(answer->said, sizeof(answer->said), "4.3.2 %s",
		    strerror(errno));
		return;
	}
	if (pid == 0)
		execute(call->request, call->fds[0], said[1]);
	close(said[1]);
	hear(said[0], text);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	take_said(answer, text);
	if (WIFEXITED(status))
		answer->status = WEXITSTATUS(status);
	else
		log_warn("mda-deliver", "signal=%d", WTERMSIG(status));
}
