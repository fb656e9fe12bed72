/* SPDX-License-Identifier: ISC
 *
 * One line for each event: `event key=value key=value`.  The peer is always
 * ip=, the message always id=, and no password is ever passed in here.
 *
 * Where it goes is decided once, by log_open(): standard error; or syslog
 * when standard error is the client's own socket (inetd) or is closed.  When
 * journald listens on standard error (JOURNAL_STREAM names it) each line
 * starts with `<N>`, its priority.  Nothing is opened later, so that all of
 * this goes on working inside a sandbox and after a fork.
 */
#ifndef SYSTEM_LOG_H
#define SYSTEM_LOG_H

#include <stddef.h>

/* Priorities, numbered as syslog numbers them. */
enum log_level {
	LOG_LEVEL_ERROR = 3,	/* someone has to do something */
	LOG_LEVEL_WARN = 4,	/* not as it should be, work goes on */
	LOG_LEVEL_INFO = 6,	/* what happened */
	LOG_LEVEL_DEBUG = 7	/* written only after log_verbose() */
};

/* Choose where lines go.  program must stay valid (a literal).  Connects to
 * /dev/log when syslog is chosen, reads the time zone, makes the memory that
 * log_once() shares with forked children.  Never fails: at worst lines are
 * lost.  Lines logged before it go to standard error. */
void	 log_open(const char *program);

/* From now on lines go to syslog, whatever standard error is: for a program in
 * a person's hands that does what the log should know.  Where there is no
 * syslog they are lost. */
void	 log_syslog(void);

/* The descriptor lines go to, which who closes all others must keep. */
int	 log_fd(void);

/* Also write LOG_LEVEL_DEBUG lines. */
void	 log_verbose(void);

/* From now on every line of this process carries ip=IP; "" or NULL stops
 * that.  The address is copied. */
void	 log_peer(const char *ip);

/* Write one line.  event is a short word ([a-z-]); fmt makes the rest,
 * `key=value` pairs, and may be NULL.  Values that came from a peer go
 * through log_str() or log_bytes().  As a last defence, control characters
 * of the finished line are escaped too.  A line is cut at 1,900 bytes. */
void	 log_error(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	 log_warn(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	 log_info(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	 log_debug(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* The same as log_warn(), but a line that was written before by this
 * process, its parent or any child forked after log_open() is not written
 * again: for what the kernel lacks or an ignored extra field. */
void	 log_once(const char *event, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* A value as it may stand in a line: as it is when it is plain, else in
 * double quotes with \" \\ \n \r \t and \xHH for what is not printable or
 * not UTF-8; at most 200 bytes of it, then "...".  The result stands in one
 * of eight buffers used in turn: eight values in one call are good, and none
 * is kept longer.  NULL gives "-". */
const char *log_str(const char *);
const char *log_bytes(const void *, size_t);

/* The rule of log_bytes() alone: escape n bytes into to (size tosize >= 8,
 * always terminated), return to.  Pure; for tests and for replies. */
char	*log_escape(char *to, size_t tosize, const void *, size_t n);

/* Write event and right behind it a number ("x number=" and 5 is
 * `x number=5`), using only what a signal handler may use.  For the sandbox's
 * SIGSYS handler. */
void	 log_signal_safe(const char *event, unsigned long number);

#endif
