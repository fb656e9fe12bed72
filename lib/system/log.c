/* SPDX-License-Identifier: ISC
 *
 * Where log lines go.  Everything is opened in log_open(); writing a line
 * afterwards needs one write(2) or send(2) and nothing of the file system.
 * It must never block for long, never end the process, and never write to a
 * client's socket.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "system/log.h"

#define LINE_MAX_BYTES	1900
#define ONCE_MAX	64		/* distinct lines of log_once() */
#define FACILITY_MAIL	(2 << 3)	/* RFC 3164 */

enum log_face {
	LOG_TERMINAL,	/* program[pid]: line */
	LOG_JOURNAL,	/* <N>line */
	LOG_SYSLOG	/* <N>date program[pid]: line, a datagram */
};

static const char *log_program = "stdmail";
static enum log_face log_to = LOG_TERMINAL;
static int log_descriptor = STDERR_FILENO;
static bool log_debugging;
static char log_ip[64];
static _Atomic uint64_t *log_seen;	/* shared with forked children */

/* Is standard error the socket a client talks on, or not there at all? */
static bool
stderr_is_client(void)
{
	struct stat err, in;

	if (fstat(STDERR_FILENO, &err) == -1)
		return true;
	if (!S_ISSOCK(err.st_mode) || fstat(STDIN_FILENO, &in) == -1)
		return false;
	return err.st_dev == in.st_dev && err.st_ino == in.st_ino;
}

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream. */
static bool
stderr_is_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (s == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	errno = 0;
	dev = strtoull(s, &end, 10);
	if (end == s || *end != ':' || errno != 0)
		return false;
	s = end + 1;
	ino = strtoull(s, &end, 10);
	return end != s && *end == '\0' && errno == 0 &&
	    dev == st.st_dev && ino == st.st_ino;
}

static int
syslog_connect(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	strlcpy(sun.sun_path, "/dev/log", sizeof(sun.sun_path));
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close(fd);
		return -1;
	}
	if (fd <= STDERR_FILENO) {	/* not where a stream is expected */
		int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);

		close(fd);
		fd = high;
	}
	return fd;
}

void
log_open(const char *program)
{
	void *seen;

	log_program = program;
	tzset();
	if (stderr_is_client()) {
		log_to = LOG_SYSLOG;
		log_descriptor = syslog_connect();
	} else {
		log_to = stderr_is_journal() ? LOG_JOURNAL : LOG_TERMINAL;
		log_descriptor = STDERR_FILENO;
	}
	if (log_seen != NULL)
		return;
	seen = mmap(NULL, ONCE_MAX * sizeof(*log_seen),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen != MAP_FAILED)
		log_seen = seen;
}

void
log_syslog(void)
{
	log_to = LOG_SYSLOG;
	log_descriptor = syslog_connect();
}

int
log_fd(void)
{
	return log_descriptor;
}

void
log_verbose(void)
{
	log_debugging = true;
}

void
log_peer(const char *ip)
{
	strlcpy(log_ip, ip == NULL ? "" : ip, sizeof(log_ip));
}

/* What stands before the event.  RFC 3164: "Mmm dd hh:mm:ss",
 * the day with a blank for its first digit; a local receiver adds the host
 * name. */
static size_t
line_head(char *line, size_t size, enum log_level level)
{
	static const char *const month[] = { "Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;
	time_t now;
	int n = 0;

	switch (log_to) {
	case LOG_TERMINAL:
		n = snprintf(line, size, "%s[%d]: ", log_program,
		    (int)getpid());
		break;
	case LOG_JOURNAL:
		n = snprintf(line, size, "<%d>", (int)level);
		break;
	case LOG_SYSLOG:
		now = time(NULL);
		if (localtime_r(&now, &tm) == NULL)
			memset(&tm, 0, sizeof(tm));
		n = snprintf(line, size, "<%d>%s %2d %02d:%02d:%02d %s[%d]: ",
		    FACILITY_MAIL | (int)level, month[tm.tm_mon % 12],
		    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, log_program,
		    (int)getpid());
		break;
	}
	return n < 0 ? 0 : (size_t)n;
}

/* One datagram or one write: lines of several processes do not mix. */
static void
line_send(const char *line, size_t n)
{
	ssize_t w;

	if (log_descriptor == -1)
		return;
	if (log_to == LOG_SYSLOG) {
		(void)send(log_descriptor, line, n - 1,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		return;
	}
	while (n > 0) {
		if ((w = write(log_descriptor, line, n)) == -1) {
			if (errno == EINTR)
				continue;
			return;
		}
		line += w;
		n -= (size_t)w;
	}
}

static void __attribute__((format(printf, 3, 0)))
line_write(enum log_level level, const char *event, const char *fmt,
    va_list ap)
{
	char line[LINE_MAX_BYTES + 2];
	size_t n, head, i;
	int saved = errno, m;

	head = n = line_head(line, sizeof(line), level);
	m = snprintf(line + n, LINE_MAX_BYTES - n, "%s", event);
	n += m < 0 ? 0 : (size_t)m;
	if (log_ip[0] != '\0' && n < LINE_MAX_BYTES) {
		m = snprintf(line + n, LINE_MAX_BYTES - n, " ip=%s", log_ip);
		n += m < 0 ? 0 : (size_t)m;
	}
	if (fmt != NULL && n < LINE_MAX_BYTES - 1) {
		line[n++] = ' ';
		m = vsnprintf(line + n, LINE_MAX_BYTES - n, fmt, ap);
		n += m < 0 ? 0 : (size_t)m;
	}
	if (n > LINE_MAX_BYTES - 1)
		n = LINE_MAX_BYTES - 1;
	for (i = head; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	line_send(line, n);
	errno = saved;
}

#define WRITE_AT(level) do {					\
	va_list ap;						\
								\
	va_start(ap, fmt);					\
	line_write(level, event, fmt, ap);			\
	va_end(ap);						\
} while (0)

void
log_error(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_ERROR);
}

void
log_warn(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_WARN);
}

void
log_info(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_INFO);
}

void
log_debug(const char *event, const char *fmt, ...)
{
	if (log_debugging)
		WRITE_AT(LOG_LEVEL_DEBUG);
}

/* FNV-1a, 64 bits: a line is known by it.  Never 0, the empty slot. */
static uint64_t
line_hash(const char *event, const char *rest)
{
	uint64_t h = 14695981039346656037ULL;

	for (; *event != '\0'; event++)
		h = (h ^ (unsigned char)*event) * 1099511628211ULL;
	h = (h ^ ' ') * 1099511628211ULL;
	for (; *rest != '\0'; rest++)
		h = (h ^ (unsigned char)*rest) * 1099511628211ULL;
	return h == 0 ? 1 : h;
}

/* Was it seen?  If not, it is now.  A full table shows every line. */
static bool
seen_before(uint64_t h)
{
	uint64_t old;
	size_t i;

	if (log_seen == NULL)
		return false;
	for (i = 0; i < ONCE_MAX; i++) {
		old = 0;
		if (atomic_compare_exchange_strong(&log_seen[i], &old, h))
			return false;
		if (old == h)
			return true;
	}
	return false;
}

static void __attribute__((format(printf, 2, 3)))
warn_line(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_WARN);
}

void
log_once(const char *event, const char *fmt, ...)
{
	char rest[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(rest, sizeof(rest), fmt, ap) < 0)
		rest[0] = '\0';
	va_end(ap);
	if (!seen_before(line_hash(event, rest)))
		warn_line(event, "%s", rest);
}

void
log_signal_safe(const char *event, unsigned long number)
{
	char line[128], digits[24];
	size_t n = 0, d = 0;

	if (log_to != LOG_TERMINAL) {
		line[n++] = '<';
		if (log_to == LOG_SYSLOG)
			line[n++] = '2';	/* mail.warning is 20 */
		line[n++] = log_to == LOG_SYSLOG ? '0' : '4';
		line[n++] = '>';
	}
	while (*event != '\0' && n < 90)
		line[n++] = *event++;
	do {
		digits[d++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0 && d < sizeof(digits));
	while (d > 0)
		line[n++] = digits[--d];
	line[n++] = '\n';
	line_send(line, n);
}
