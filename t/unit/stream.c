/* SPDX-License-Identifier: ISC
 *
 * Proves of streams in the clear: lines with their facts, whole and byte by
 * byte; the bound of a line; end of file inside and between records;
 * deadlines; that output goes out exactly when input is drained; waiting for
 * other descriptors; hand-over of input; the relay; that no descriptor's flags
 * change.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "system/fdio.h"
#include "system/stream.h"
#include "tap.h"

static void
pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		exit(1);
}

static long long
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
send_str(int fd, const char *s)
{
	fd_write_all(fd, s, strlen(s));
}

/* ---- lines ---- */

struct row {
	const char	*in;
	size_t		 n;
	enum stream_status st;
	const char	*want;
	size_t		 wantn;
	unsigned	 flags;
};

#define ROW(in, st, want, flags) \
	{ in, sizeof(in) - 1, st, want, sizeof(want) - 1, flags }

/* The maximum of a line is 12. */
static const struct row rows[] = {
	ROW("NOOP\r\n", STREAM_OK, "NOOP", 0),
	ROW("\r\n", STREAM_OK, "", 0),
	ROW("\n", STREAM_OK, "", LINE_BARE_LF),
	ROW("NOOP\n", STREAM_OK, "NOOP", LINE_BARE_LF),
	ROW("a\rb\r\n", STREAM_OK, "a\rb", LINE_BARE_CR),
	ROW("a\r\r\n", STREAM_OK, "a\r", LINE_BARE_CR),
	ROW("a\rb\n", STREAM_OK, "a\rb", LINE_BARE_CR | LINE_BARE_LF),
	ROW("a\0b\r\n", STREAM_OK, "a\0b", LINE_NUL),
	ROW("\xc3\xa9\r\n", STREAM_OK, "\xc3\xa9", LINE_8BIT),
	ROW("\0\xff\r\x80\n", STREAM_OK, "\0\xff\r\x80",
	    LINE_NUL | LINE_8BIT | LINE_BARE_CR | LINE_BARE_LF),
	ROW("1234567890\r\n", STREAM_OK, "1234567890", 0),
	ROW("12345678901\n", STREAM_OK, "12345678901", LINE_BARE_LF),
	ROW("12345678901\r\n", STREAM_TOOLONG, "12345678901", 0),
	ROW("123456789012\n", STREAM_TOOLONG, "123456789012", LINE_BARE_LF),
	ROW("12345678901\r\r\n", STREAM_TOOLONG, "12345678901\r",
	    LINE_BARE_CR),
	ROW("1234567890123\r5\0\x80\r\n", STREAM_TOOLONG,
	    "1234567890123\r5\0\x80", LINE_BARE_CR | LINE_NUL | LINE_8BIT),
	ROW("1234\r67890123\r\n", STREAM_TOOLONG, "1234\r67890123",
	    LINE_BARE_CR)
};

/* Feed one row to a stream, step octets at a time, and another line behind
 * it. */
static void
one_line(const struct row *r, size_t step, const char *how)
{
	struct stream_line line;
	struct stream *s;
	enum stream_status st = STREAM_TIMEOUT;
	char what[64];
	size_t at = 0, n;
	int fd[2];

	pair(fd);
	s = stream_new(fd[0], fd[0]);
	stream_set_timeout(s, 1);
	while (at < r->n && st == STREAM_TIMEOUT) {
		n = r->n - at < step ? r->n - at : step;
		fd_write_all(fd[1], r->in + at, n);
		at += n;
		if (at == r->n)
			stream_set_timeout(s, 5000);
		st = stream_line(s, 12, &line);
	}
	snprintf(what, sizeof(what), "row %d, %s", (int)(r - rows), how);
	is_int(st, r->st, what);
	is_int((long long)at, (long long)r->n, "at its last octet");
	is_mem(line.data, line.len, r->want, r->wantn, "its octets");
	is_int(line.flags, r->flags, "its facts");
	is_int(line.data == NULL ? 1 : line.data[line.len], 0,
	    "a NUL behind it");
	if (st == STREAM_TOOLONG)
		is_mem(line.tail, line.tail_len, r->want, r->wantn,
		    "its tail");
	send_str(fd[1], "next\r\n");
	is_int(stream_line(s, 12, &line), STREAM_OK, "the next line");
	is_mem(line.data, line.len, "next", 4, "is whole");
	stream_close(s);
	close(fd[1]);
}

static void
test_lines(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		one_line(&rows[i], 1000, "whole");
		one_line(&rows[i], 1, "byte by byte");
	}
}

/* A line as long as allowed and one octet more, over many buffers; run by a
 * child, as a socket does not take it at once. */
static void
test_long(size_t len, size_t max, enum stream_status want)
{
	struct stream_line line;
	struct stream *s;
	char *big = malloc(len + 2);
	int fd[2];
	pid_t pid;

	pair(fd);
	memset(big, 'x', len);
	memcpy(big, "tag ", 4);
	memcpy(big + len - 5, " {9+}\r\n", 7);
	if ((pid = fork()) == 0) {
		fd_write_all(fd[1], big, len + 2);
		send_str(fd[1], "next\r\n");
		_exit(0);
	}
	close(fd[1]);
	s = stream_new(fd[0], fd[0]);
	stream_set_timeout(s, 5000);
	is_int(stream_line(s, max, &line), want, "a long line");
	if (want == STREAM_OK)
		is_mem(line.data, line.len, big, len, "has its octets");
	else {
		is_mem(line.data, line.len, big, STREAM_HEAD, "its head");
		is_mem(line.tail, line.tail_len, big + len - STREAM_TAIL,
		    STREAM_TAIL, "its tail");
	}
	is_int(stream_line(s, max, &line), STREAM_OK, "the next line comes");
	is_mem(line.data, line.len, "next", 4, "whole");
	is_int(stream_line(s, max, &line), STREAM_EOF, "then the end");
	stream_close(s);
	waitpid(pid, NULL, 0);
	free(big);
}

static void
test_many_lines(void)
{
	struct stream_line line;
	struct stream *s;
	char want[32];
	int fd[2], i, good = 1;
	pid_t pid;

	pair(fd);
	if ((pid = fork()) == 0) {
		s = stream_new(fd[1], fd[1]);
		for (i = 0; i < 20000; i++)
			stream_printf(s, "line %d\r\n", i);
		stream_close(s);
		_exit(0);
	}
	close(fd[1]);
	s = stream_new(fd[0], fd[0]);
	stream_set_timeout(s, 5000);
	for (i = 0; i < 20000 && good; i++) {
		snprintf(want, sizeof(want), "line %d", i);
		good = stream_line(s, 512, &line) == STREAM_OK &&
		    strcmp(line.data, want) == 0;
	}
	ok(good, "20000 lines over the ends of buffers (%d)", i);
	is_int(stream_line(s, 512, &line), STREAM_EOF, "and a clean end");
	stream_close(s);
	waitpid(pid, NULL, 0);
}

/* ---- end of file ---- */

static void
test_end(const char *in, int record, enum stream_status want, const char *what)
{
	struct stream_line line;
	struct stream *s;
	const char *p;
	size_t n;
	int fd[2];

	pair(fd);
	send_str(fd[1], in);
	close(fd[1]);
	s = stream_new(fd[0], fd[0]);
	if (record)
		stream_record_begin(s, 0);
	is_int(stream_line(s, 12, &line), want, what);
	is_int(stream_line(s, 12, &line), want, "and again");
	if (*in != '\0' && strlen(in) < 12) {
		is_int(stream_peek(s, 1, &p, &n), STREAM_OK,
		    "the rest is not lost");
		is_mem(p, n, in, strlen(in), "all of it");
	}
	is_int(stream_peek(s, 16, &p, &n), want, "also for peek");
	stream_close(s);
}

static void
test_reset(void)
{
	struct stream_line line;
	struct stream *s;
	int fd[2], i;

	pair(fd);
	s = stream_new(fd[0], fd[0]);
	close(fd[1]);
	stream_puts(s, "220 hello\r\n");
	is_int(stream_line(s, 12, &line), STREAM_EOF, "end before the reply");
	is_int(stream_flush(s), STREAM_RESET, "the reply is refused");
	is_int(stream_line(s, 12, &line), STREAM_RESET, "which sticks");
	is_int(stream_puts(s, "x"), -1, "for writing too");
	ok(stream_error(s)[0] != '\0', "with words: %s", stream_error(s));
	stream_close(s);

	if (pipe(fd) == -1)
		exit(1);
	s = stream_new(fd[0], fd[1]);
	close(fd[0]);
	for (i = 0; i < 10; i++)
		stream_puts(s, "x");
	is_int(stream_flush(s), STREAM_RESET, "a broken pipe is no signal");
	stream_free(s);
	close(fd[1]);
}

/* ---- deadlines ---- */

static void
test_deadlines(void)
{
	struct stream_line line;
	struct stream *s;
	const char *p;
	size_t n;
	int fd[2], i;
	long long t;
	pid_t pid;

	pair(fd);
	s = stream_new(fd[0], fd[0]);
	stream_set_timeout(s, 30);
	t = now();
	is_int(stream_line(s, 12, &line), STREAM_TIMEOUT, "no input");
	t = now() - t;
	ok(t >= 29 && t < 10000, "in time (%lld ms)", t);
	send_str(fd[1], "NO");
	is_int(stream_line(s, 12, &line), STREAM_TIMEOUT, "half a line");
	send_str(fd[1], "OP\r\n");
	is_int(stream_line(s, 12, &line), STREAM_OK, "goes on");
	is_mem(line.data, line.len, "NOOP", 4, "nothing is lost");

	/* One octet each 10 ms, endlessly: the line has its deadline. */
	if ((pid = fork()) == 0) {
		for (i = 0; i < 3000; i++) {
			send_str(fd[1], "x");
			usleep(10000);
		}
		_exit(0);
	}
	stream_set_timeout(s, 100);
	t = now();
	is_int(stream_line(s, 512, &line), STREAM_TIMEOUT, "a trickled line");
	ok(now() - t < 10000, "ends in time");
	stream_record_begin(s, 60);
	t = now();
	while (stream_peek(s, 1, &p, &n) == STREAM_OK)
		stream_consume(s, n);
	ok(now() - t < 10000, "a trickled record ends in time");
	stream_record_end(s);
	stream_set_session(s, 50);
	stream_set_timeout(s, 0);
	send_str(fd[1], "x");
	is_int(stream_line(s, 512, &line), STREAM_EXPIRED, "a session too");
	is_int(stream_wait(s, NULL, 0, NULL), STREAM_OK,
	    "what is buffered still counts");
	stream_set_session(s, 0);
	is_int(stream_peek(s, 1, &p, &n), STREAM_OK, "taken away again");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	stream_close(s);
	close(fd[1]);
}

static void
test_unread(void)
{
	static char big[1024 * 1024];
	struct stream *s;
	int fd[2];

	pair(fd);
	s = stream_new(fd[0], fd[0]);
	stream_set_timeout(s, 30);
	is_int(stream_write(s, big, sizeof(big)), -1,
	    "a peer that reads nothing");
	is_int(stream_flush(s), STREAM_TIMEOUT, "is a time-out");
	stream_close(s);
	close(fd[1]);

	if (pipe(fd) == -1)
		exit(1);
	s = stream_new(fd[0], fd[1]);
	stream_set_timeout(s, 30);
	is_int(stream_write(s, big, sizeof(big)), -1, "nor a pipe");
	is_int(stream_flush(s), STREAM_TIMEOUT, "blocks us");
	stream_close(s);
}

/* ---- output ---- */

static size_t
arrived(int fd, char *to, size_t max)
{
	ssize_t n = recv(fd, to, max, MSG_DONTWAIT);

	return n == -1 ? 0 : (size_t)n;
}

static void
test_pipelining(void)
{
	struct stream_line line;
	struct stream *s;
	char got[256];
	int fd[2];

	pair(fd);
	s = stream_new(fd[0], fd[0]);
	stream_set_timeout(s, 20);
	send_str(fd[1], "MAIL\r\nRCPT\r\nDA");
	stream_line(s, 12, &line);
	stream_puts(s, "250 one\r\n");
	stream_line(s, 12, &line);
	stream_printf(s, "%d two\r\n", 250);
	is_int((long long)arrived(fd[1], got, sizeof(got)), 0,
	    "replies wait while commands are there");
	is_int(stream_line(s, 12, &line), STREAM_TIMEOUT, "input drained");
	is_mem(got, arrived(fd[1], got, sizeof(got)),
	    "250 one\r\n250 two\r\n", 18, "then they go in one piece");
	send_str(fd[1], "TA\r\n");
	is_int(stream_line(s, 12, &line), STREAM_OK, "nothing was lost");
	is_mem(line.data, line.len, "DATA", 4, "of the third");
	stream_puts(s, "354\r\n");
	is_int(stream_close(s), STREAM_OK, "closing");
	is_mem(got, arrived(fd[1], got, sizeof(got)), "354\r\n", 5, "flushes");
	close(fd[1]);
}

static void
test_output(void)
{
	static char big[300000], back[sizeof(big) + 64];
	struct stream *s;
	size_t i;
	int fd[2];
	pid_t pid;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 251);
	/* A pipe takes 64 KiB, so this waits for the reader many times. */
	if (pipe(fd) == -1)
		exit(1);
	if ((pid = fork()) == 0) {
		close(fd[0]);
		s = stream_new(0, fd[1]);
		stream_puts(s, "head");
		stream_write(s, big, sizeof(big));
		stream_puts(s, "tail");
		stream_printf(s, "%5000d", 1);
		_exit(stream_flush(s) != STREAM_OK);
	}
	close(fd[1]);
	is_int(fd_read_all(fd[0], back, 4), 4, "head");
	is_mem(back, 4, "head", 4, "is first");
	is_int(fd_read_all(fd[0], back, sizeof(big)), sizeof(big), "body");
	is_mem(back, 32, big, 32, "begins well");
	ok(memcmp(back, big, sizeof(big)) == 0, "is as it was");
	is_int(fd_read_all(fd[0], back, sizeof(back)), 5004, "and the rest");
	is_mem(back, 4, "tail", 4, "comes last");
	close(fd[0]);
	waitpid(pid, NULL, 0);

	pair(fd);
	s = stream_new(fd[0], fd[0]);
	is_int(stream_printf(s, "%*d", STREAM_BUFFER, 1), -1,
	    "too much for one printf is an error");
	is_int(stream_flush(s), STREAM_ERROR, "that sticks");
	stream_close(s);
	close(fd[1]);
}

/* ---- the rest ---- */

static void
test_wait(void)
{
	struct stream_line line;
	struct stream *s;
	size_t which = 9;
	int fd[2], wake[2], other[2], fds[2];
	char got[16];

	pair(fd);
	pair(other);
	if (pipe(wake) == -1)
		exit(1);
	fds[0] = other[0];
	fds[1] = wake[0];
	s = stream_new(fd[0], fd[0]);
	stream_set_timeout(s, 20);
	stream_puts(s, "+ idling\r\n");
	is_int(stream_wait(s, fds, 2, &which), STREAM_TIMEOUT, "nothing");
	is_mem(got, arrived(fd[1], got, sizeof(got)), "+ idling\r\n", 10,
	    "but the output went");
	send_str(wake[1], "x");
	is_int(stream_wait(s, fds, 2, &which), STREAM_WAKE, "woken");
	is_int((long long)which, 1, "by the second");
	send_str(other[1], "x");
	is_int(stream_wait(s, fds, 2, &which), STREAM_WAKE, "woken by both");
	is_int((long long)which, 0, "the first is told");
	is_int(read(other[0], got, 1), 1, "and taken");
	send_str(fd[1], "DONE\r\n");
	is_int(stream_wait(s, fds, 2, &which), STREAM_OK, "input is first");
	is_int(stream_wait(s, fds, 2, &which), STREAM_OK, "until taken");
	is_int(stream_line(s, 12, &line), STREAM_OK, "it is");
	is_int(stream_wait(s, fds, 2, &which), STREAM_WAKE, "then the other");
	close(fd[1]);
	is_int(stream_wait(s, fds, 2, &which), STREAM_OK, "the end wakes");
	is_int(stream_line(s, 12, &line), STREAM_EOF, "and is told");
	stream_close(s);
	close(wake[0]);
	close(wake[1]);
	close(other[0]);
	close(other[1]);
}

static void
test_handover(void)
{
	struct stream_line line;
	struct stream *s;
	const char *p;
	char rest[64];
	size_t n;
	int fd[2];

	pair(fd);
	s = stream_new(fd[0], fd[0]);
	stream_set_timeout(s, 20);
	send_str(fd[1], "LOGIN\r\nSELECT\r\nFET");
	ok(stream_input_empty(s), "nothing read yet");
	stream_line(s, 12, &line);
	is_int((long long)stream_pending(s), 11, "the rest is pending");
	ok(!stream_input_empty(s), "so input is not empty");
	n = stream_take_input(s, rest, sizeof(rest));
	is_mem(rest, n, "SELECT\r\nFET", 11, "and can be taken out");
	ok(stream_input_empty(s), "then it is");
	stream_free(s);

	s = stream_new(fd[0], fd[0]);
	stream_set_timeout(s, 20);
	is_int(stream_give_input(s, rest, STREAM_LINE_MAX + 1), -1,
	    "not more than fits");
	is_int(stream_give_input(s, rest, n), 0, "and given to another");
	is_int(stream_give_input(s, rest, n), -1, "once");
	send_str(fd[1], "CH\r\n1234");
	is_int(stream_line(s, 12, &line), STREAM_OK, "who goes on");
	is_mem(line.data, line.len, "SELECT", 6, "where it was");
	is_int(stream_line(s, 12, &line), STREAM_OK, "also over");
	is_mem(line.data, line.len, "FETCH", 5, "the seam");
	is_int(stream_peek(s, 3, &p, &n), STREAM_OK, "octets");
	is_mem(p, n, "1234", 4, "are shown");
	stream_consume(s, 2);
	is_int(stream_peek(s, 2, &p, &n), STREAM_OK, "taken in part");
	is_mem(p, n, "34", 2, "the others stay");
	is_int(stream_peek(s, 3, &p, &n), STREAM_TIMEOUT, "more must come");
	is_mem(p, n, "34", 2, "what is there is shown");
	stream_record_begin(s, 0);
	close(fd[1]);
	is_int(stream_peek(s, 3, &p, &n), STREAM_CUT, "the end cuts");
	stream_consume(s, 2);
	is_int(stream_peek(s, 1, &p, &n), STREAM_CUT, "in a record always");
	stream_record_end(s);
	is_int(stream_peek(s, 1, &p, &n), STREAM_EOF, "behind it it is EOF");
	stream_close(s);
}

static void
test_flags(void)
{
	struct stream *s;
	struct stream_line line;
	int sock[2], p[2];

	pair(sock);
	if (pipe(p) == -1)
		exit(1);
	s = stream_new(p[0], sock[0]);
	stream_set_timeout(s, 10);
	stream_puts(s, "hello\r\n");
	is_int(stream_line(s, 12, &line), STREAM_TIMEOUT, "an idle pipe");
	is_int(fcntl(p[0], F_GETFL) & O_NONBLOCK, 0, "is not changed");
	is_int(fcntl(sock[0], F_GETFL) & O_NONBLOCK, 0, "nor is a socket");
	send_str(p[1], "x\r\n");
	is_int(stream_line(s, 12, &line), STREAM_OK, "a pipe is read");
	close(p[1]);
	is_int(stream_line(s, 12, &line), STREAM_EOF, "to its end");
	stream_close(s);
	close(sock[1]);
}

/* The relay runs in a child between peer[1] and owner[1]. */
static void
test_relay(void)
{
	static char big[200000];
	struct stream_line line;
	struct stream *s;
	int peer[2], owner[2], status;
	char got[64];
	size_t have = 0, back = 0;
	ssize_t n;
	pid_t pid;

	pair(peer);
	pair(owner);
	send_str(peer[0], "login\r\nearly\r\n");
	if ((pid = fork()) == 0) {
		close(peer[0]);
		close(owner[0]);
		s = stream_new(peer[1], peer[1]);
		stream_line(s, 12, &line);
		stream_puts(s, "ok\r\n");
		_exit(stream_relay(s, owner[1]));
	}
	close(peer[1]);
	close(owner[1]);
	is_int(fd_read_all(owner[0], got, 7), 7, "pending input goes first");
	is_mem(got, 7, "early\r\n", 7, "unchanged");
	is_int(fd_read_all(peer[0], got, 4), 4, "and pending output");
	is_mem(got, 4, "ok\r\n", 4, "too");
	send_str(peer[0], "ping");
	is_int(fd_read_all(owner[0], got, 4), 4, "one way");
	send_str(owner[0], "pong");
	is_int(fd_read_all(peer[0], got, 4), 4, "the other way");
	shutdown(peer[0], SHUT_WR);
	is_int(fd_read_all(owner[0], got, 4), 0, "the peer's end is told");
	fcntl(owner[0], F_SETFL, O_NONBLOCK);
	while (have < sizeof(big)) {
		n = write(owner[0], big + have, sizeof(big) - have);
		if (n > 0)
			have += (size_t)n;
		else if ((n = read(peer[0], got, sizeof(got))) > 0)
			back += (size_t)n;
		else
			break;
	}
	shutdown(owner[0], SHUT_WR);
	is_int((long long)have, sizeof(big), "it still gets its answer");
	while ((n = read(peer[0], got, sizeof(got))) > 0)
		back += (size_t)n;
	is_int(n, 0, "to the end");
	is_int((long long)back, (long long)have, "all of it");
	close(owner[0]);
	waitpid(pid, &status, 0);
	is_int(WEXITSTATUS(status), STREAM_EOF, "the relay ends in order");
	close(peer[0]);
}

/* The other process has closed its ear: what the peer still sends is thrown
 * away, so that it is not stopped before it has read its answer. */
static void
test_relay_deaf(void)
{
	static char big[1000000];
	struct stream *s;
	int peer[2], owner[2], status;
	char got[16];
	pid_t pid;

	pair(peer);
	pair(owner);
	if ((pid = fork()) == 0) {
		close(peer[0]);
		close(owner[0]);
		s = stream_new(peer[1], peer[1]);
		_exit(stream_relay(s, owner[1]));
	}
	close(peer[1]);
	close(owner[1]);
	shutdown(owner[0], SHUT_RD);
	alarm(20);
	is_int(fd_write_all(peer[0], big, sizeof(big)), 0,
	    "a peer that is not listened to is not stopped");
	send_str(owner[0], "bye");
	close(owner[0]);
	is_int(fd_read_all(peer[0], got, 3), 3, "and gets its answer");
	waitpid(pid, &status, 0);
	is_int(WEXITSTATUS(status), STREAM_EOF, "then all ends");
	alarm(0);
	close(peer[0]);
}

static void
test_fdio(void)
{
	int sock[2], p[2], fd;
	char got[16];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock) == -1 ||
	    pipe(p) == -1)
		exit(1);
	is_int(fd_send(sock[0], "pipe", 4, p[1]), 0, "a descriptor is sent");
	is_int(fd_send(sock[0], "none", 4, -1), 0, "a message without");
	is_int(fd_send(sock[0], "too long", 8, p[1]), 0, "a longer one");
	is_int(fd_recv(sock[1], got, 4, &fd), 4, "received");
	ok(fd != -1 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0,
	    "with its descriptor, close-on-exec");
	send_str(fd, "x");
	is_int(read(p[0], got, 1), 1, "which works");
	close(fd);
	is_int(fd_recv(sock[1], got, 4, &fd), 4, "the second");
	is_int(fd, -1, "has none");
	is_int(fd_recv(sock[1], got, 4, &fd), -1, "too long");
	ok(errno == EMSGSIZE && fd == -1, "is told, its descriptor closed");
	close(sock[0]);
	is_int(fd_recv(sock[1], got, 4, &fd), 0, "and the end");
	close(sock[1]);
	close(p[0]);
	close(p[1]);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);	/* children repeat nothing */
	test_lines();
	test_long(60000, 65536, STREAM_OK);
	test_long(60000, 60002, STREAM_OK);
	test_long(60000, 60001, STREAM_TOOLONG);
	test_long(400000, 65536, STREAM_TOOLONG);
	test_many_lines();
	test_end("", 0, STREAM_EOF, "a clean end");
	test_end("NOO", 0, STREAM_CUT, "an end in a line");
	test_end("", 1, STREAM_CUT, "an end in a record");
	test_end("much too long for it", 0, STREAM_CUT, "in a line too long");
	test_reset();
	test_deadlines();
	test_unread();
	test_pipelining();
	test_output();
	test_wait();
	test_handover();
	test_flags();
	test_relay();
	test_relay_deaf();
	test_fdio();
	return done();
}
