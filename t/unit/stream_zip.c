/* SPDX-License-Identifier: ISC
 *
 * Proves the DEFLATE layer of a stream: what one end flushes the other reads,
 * text and noise, small and large, through a socket that takes little at a
 * time; that input is given out in bounded pieces however small it was; and
 * that what is no DEFLATE is an error.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/stream.h"
#include "tap.h"

#define LARGE	(3 << 20)

static char *data;

static void
fill(int noise)
{
	uint32_t x = 1;
	size_t i;

	for (i = 0; i < LARGE; i++) {
		x = x * 1664525u + 1013904223u;
		data[i] = noise ? (char)(x >> 24) : "* 1 FETCH (UID \r\n"
		    [i % 17];
	}
}

/* A child that sends data by a compressed stream. */
static pid_t
sender(int fd, int other, size_t n)
{
	struct stream *s;
	pid_t pid = fork();
	int good;

	if (pid != 0)
		return pid;
	close(other);
	s = stream_new(fd, fd);
	stream_set_timeout(s, 60000);
	stream_puts(s, "clear\r\n");
	good = stream_compress(s) == 0 && stream_puts(s, "first\r\n") == 0 &&
	    stream_flush(s) == STREAM_OK && stream_write(s, data, n) == 0 &&
	    stream_puts(s, "last\r\n") == 0 && stream_close(s) == STREAM_OK;
	_exit(good ? 0 : 1);
}

static size_t
read_all(struct stream *s, size_t n, size_t *most)
{
	size_t have, done = 0;
	const char *p;

	*most = 0;
	while (done < n && stream_peek(s, 1, &p, &have) == STREAM_OK) {
		if (have > *most)
			*most = have;
		if (have > n - done)
			have = n - done;
		if (memcmp(p, data + done, have) != 0)
			break;
		stream_consume(s, have);
		done += have;
	}
	return done;
}

static void
check_way(int noise, size_t n, const char *what)
{
	struct stream_line line;
	struct stream *s;
	size_t most;
	int sv[2], small = 4096, status;
	pid_t pid;

	fill(noise);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	setsockopt(sv[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	pid = sender(sv[1], sv[0], n);
	close(sv[1]);
	s = stream_new(sv[0], sv[0]);
	stream_set_timeout(s, 60000);
	is_int(stream_line(s, 100, &line), STREAM_OK, "a line in the clear");
	/* what has come behind it is taken for compressed */
	is_int(stream_compress(s), 0, what);
	ok(stream_compressed(s), "it is on");
	is_int(stream_compress(s), -1, "only once");
	is_int(stream_line(s, 100, &line), STREAM_OK, "a line");
	is_str(line.data, "first", "the first");
	is_int((long long)read_all(s, n, &most), (long long)n, "all of it");
	ok(most <= STREAM_BUFFER, "in pieces of a buffer, %zu", most);
	is_int(stream_line(s, 100, &line), STREAM_OK, "a line");
	is_str(line.data, "last", "the last");
	is_int(stream_line(s, 100, &line), STREAM_EOF, "the end");
	stream_close(s);
	waitpid(pid, &status, 0);
	is_int(status, 0, "the sender has sent all");
}

/* What a flush sends is small for text, and never much more than noise. */
static void
check_size(int noise, size_t least, size_t most)
{
	static char got[1 << 20];
	struct stream *s;
	size_t n = 0;
	ssize_t r;
	int sv[2], large = 1 << 20;

	fill(noise);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
	s = stream_new(sv[0], sv[0]);
	stream_set_timeout(s, 60000);
	stream_compress(s);
	/* little enough to stay in the socket */
	is_int(stream_write(s, data, 64 << 10), 0, "written");
	stream_close(s);
	while ((r = read(sv[1], got + n, sizeof(got) - n)) > 0)
		n += (size_t)r;
	close(sv[1]);
	ok(n >= least && n <= most, "64 kB became %zu octets", n);
}

static void
check_bad(const char *octets, size_t n, enum stream_status want,
    const char *what)
{
	struct stream_line line;
	struct stream *s;
	int sv[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	s = stream_new(sv[0], sv[0]);
	stream_set_timeout(s, 60000);
	stream_compress(s);
	if (write(sv[1], octets, n) != (ssize_t)n)
		abort();
	shutdown(sv[1], SHUT_WR);
	is_int(stream_line(s, 100, &line), want, what);
	stream_free(s);
	close(sv[0]);
	close(sv[1]);
}

int
main(void)
{
	if ((data = malloc(LARGE)) == NULL)
		abort();
	check_way(0, LARGE, "text");
	check_way(1, LARGE, "noise");
	check_way(0, 1, "an octet");
	check_way(1, 16384, "a buffer of noise");
	check_size(0, 1, 4000);
	check_size(1, 60000, 66500);
	check_bad("\377\377\377\377", 4, STREAM_ERROR, "no DEFLATE");
	check_bad("\0\0\0\0\0", 5, STREAM_ERROR, "a bad stored block");
	check_bad("\3\0", 2, STREAM_EOF, "an empty last block is the end");
	check_bad("\3\0abc", 5, STREAM_EOF, "and nothing comes behind it");
	check_bad("\0\3\0\374\377ab", 7, STREAM_CUT, "cut in a block");
	return done();
}
