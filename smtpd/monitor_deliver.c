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
#define SAID	8192		/* of what it writes on standard error */

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

static unsigned
term(void)
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
	alarm(term());			/* exec keeps it */
	execv(program, (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, PROGRAM ": 4.3.5 %s: %s\n", program,
	    strerror(errno));
	_exit(EX_OSERR);
}

/* All that is said; what does not fit is read and forgotten. */
static void
hear(int fd, char *text)
{
	char more[512];
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
}

/* The last line is why; the ones before are its log's. */
static void
take_said(struct deliver_reply *answer, char *text)
{
	const char *last = "";
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		if (*last != '\0')
			log_info("mda-deliver", "said=%s", log_str(last));
		last = line;
	}
	if (strncmp(last, PROGRAM ": ", sizeof(PROGRAM ": ") - 1) == 0)
		last += sizeof(PROGRAM ": ") - 1;
	strlcpy(answer->said, last, sizeof(answer->said));
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
