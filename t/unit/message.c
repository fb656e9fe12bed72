/* SPDX-License-Identifier: ISC
 *
 * Proves that a stored message goes out with the octets it came in with, any
 * range of it, whatever its line ends are and wherever a block is cut, and that
 * a file cut short is an error and no more.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"
#include "mail/message.h"

static const struct {
	const char	*what;
	const char	*disk;
	const char	*wire;
	long long	 body;		/* where it begins */
	long long	 top0, top1;	/* lengths of TOP 0 and 1 */
} rows[] = {
	{ "LF", "A: b\n\nx\ny\n", "A: b\r\n\r\nx\r\ny\r\n", 8, 8, 11 },
	{ "CRLF file", "A: b\r\n\r\nx\r\n", "A: b\r\n\r\nx\r\n", 8, 8, 11 },
	{ "no final newline", "A: b\n\nx", "A: b\r\n\r\nx", 8, 8, 9 },
	{ "header alone", "A: b\n", "A: b\r\n", 6, 6, 6 },
	{ "empty", "", "", 0, 0, 0 },
	{ "empty line first", "\nx\n", "\r\nx\r\n", 2, 2, 5 },
	{ "bare CR", "A: b\rc\n\n\rx\n", "A: b\rc\r\n\r\n\rx\r\n", 10, 10,
	  14 },
	{ "CR CR LF is no empty line", "A: b\n\r\r\n\nx\n",
	  "A: b\r\n\r\r\n\r\nx\r\n", 11, 11, 14 },
	{ "LF LF", "\n\n\n", "\r\n\r\n\r\n", 2, 2, 4 },
};

static int
make_file(const char *text, size_t n)
{
	char path[] = "/tmp/stdmail-message.XXXXXX";
	int fd = mkstemp(path);

	unlink(path);
	if (write(fd, text, n) != (ssize_t)n)
		perror(path);
	return fd;
}

/* TOP's end looked for in pieces of step octets, and what was given. */
static void
check_lines(const char *what, const char *disk, uint64_t n, size_t step,
    long long want)
{
	struct message_lines l;
	size_t at = 0, len = strlen(disk), part, took;

	message_lines_init(&l, n);
	for (; at < len && !l.done; at += took) {
		part = len - at < step ? len - at : step;
		took = message_lines_feed(&l, disk + at, part);
		if (took < part && !l.done)
			break;
	}
	is_int((long long)(l.taken + l.added), want, what);
	is_int((long long)l.taken, (long long)at, "as many as were fed");
}

/* The file in disk form, piece by piece, at least so much at a time. */
static void
check_disk(struct message *m, const char *disk, size_t want,
    size_t want_least)
{
	const char *p;
	size_t at = 0, n, bad = 0;

	while (message_disk(m, at, want_least, &p, &n) == 1) {
		if (n == 0 || at + n > want || memcmp(p, disk + at, n) != 0)
			bad++;
		if (n < want_least && at + n < want &&
		    (at + n) % (MESSAGE_BLOCK / 2) != 0)
			bad++;
		at += n;
		if (bad > 0)
			break;
	}
	ok(bad == 0 && at == want, "disk form");
}

static void
test_rows(void)
{
	uint64_t size, at, len;
	struct message *m;
	char got[256];
	size_t i, n, want, bad;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		want = strlen(rows[i].wire);
		for (n = 1; n < 5; n++) {
			check_lines(rows[i].what, rows[i].disk, 0, n,
			    rows[i].top0);
			check_lines("one line", rows[i].disk, 1, n,
			    rows[i].top1);
			check_lines("all lines", rows[i].disk, 1000, n,
			    (long long)want);
		}
		m = message_new(make_file(rows[i].disk,
		    strlen(rows[i].disk)));
		check_disk(m, rows[i].disk, strlen(rows[i].disk), 1);
		is_int(message_top(m, 0, &len), 0, rows[i].what);
		is_int((long long)len, rows[i].top0, "TOP 0");
		message_top(m, 1, &len);
		is_int((long long)len, rows[i].top1, "TOP 1");
		message_top(m, 1000, &len);
		is_int((long long)len, (long long)want, "TOP 1000");
		message_body(m, &at);
		is_int((long long)at, rows[i].body, "body");
		message_read(m, 0, got, sizeof(got), &n);
		is_mem(got, n, rows[i].wire, want, "all");
		message_size(m, &size);
		is_int((long long)size, (long long)want, "size");
		bad = 0;
		for (at = 0; at <= want; at++)
			for (len = 0; at + len <= want; len++) {
				message_read(m, at, got, len, &n);
				bad += n != len || memcmp(got,
				    rows[i].wire + at, n) != 0;
			}
		is_int((long long)bad, 0, "every range");
		message_close(m);
	}
}

/* Lines of rising length, some with CRLF, over many blocks. */
static void
test_large(void)
{
	size_t room = 600000, ndisk = 0, nwire = 0, i, n, at, bad = 0;
	char *disk = malloc(room), *wire = malloc(room), *got = malloc(room);
	struct message *m;
	uint64_t size;

	for (i = 0; ndisk + i + 4 < room - 4000; i = (i + 1) % 1000) {
		memset(disk + ndisk, 'a' + (int)i % 26, i);
		memset(wire + nwire, 'a' + (int)i % 26, i);
		ndisk += i;
		nwire += i;
		if (i % 7 == 3)
			disk[ndisk++] = '\r';
		disk[ndisk++] = '\n';
		wire[nwire++] = '\r';
		wire[nwire++] = '\n';
	}
	m = message_new(make_file(disk, ndisk));
	message_read(m, 0, got, room, &n);
	is_mem(got, n == nwire ? 10 : n, wire, 10, "large: length");
	ok(n == nwire && memcmp(got, wire, n) == 0, "large: bytes");
	message_close(m);

	m = message_new(make_file(disk, ndisk));
	check_disk(m, disk, ndisk, 1);
	message_close(m);

	m = message_new(make_file(disk, ndisk));
	check_disk(m, disk, ndisk, MESSAGE_HEADER);
	message_close(m);

	m = message_new(make_file(disk, ndisk));
	message_size(m, &size);
	is_int((long long)size, (long long)nwire, "large: size");
	for (at = nwire; at > 3001; at -= 2999) {
		message_read(m, at - 3001, got, 3001, &n);
		bad += n != 3001 || memcmp(got, wire + at - 3001, n) != 0;
	}
	is_int((long long)bad, 0, "large: ranges, backwards");
	check_disk(m, disk, ndisk, MESSAGE_BLOCK);
	message_close(m);
	free(disk);
	free(wire);
	free(got);
}

/* A CRLF that a block's end cuts; the octets are sent before anybody has asked
 * for the size, which is then known from that. */
static void
test_cut(void)
{
	static char disk[3 * MESSAGE_BLOCK], got[2 * sizeof(disk)];
	size_t cut = MESSAGE_BLOCK / 2, n;
	struct message *m;
	uint64_t size;

	memset(disk, 'x', sizeof(disk));
	disk[cut - 1] = '\r';
	disk[cut] = '\n';
	disk[2 * cut] = '\n';
	m = message_new(make_file(disk, sizeof(disk)));
	is_int(message_read(m, 0, got, sizeof(got), &n), 0, "read first");
	is_int((long long)n, sizeof(disk) + 1, "one CR is added");
	ok(memcmp(got, disk, 2 * cut) == 0 && got[2 * cut] == '\r' &&
	    memcmp(got + 2 * cut + 1, disk + 2 * cut, sizeof(disk) - 2 * cut)
	    == 0, "to the right LF");
	is_int(message_size(m, &size), 0, "then size");
	is_int((long long)size, sizeof(disk) + 1, "the same");
	is_int(message_read(m, 2 * cut, got, 3, &n), 0, "from the middle");
	is_mem(got, n, "\r\nx", 3, "as it was sent");
	message_close(m);
}

static int
refuse(void *arg, const char *p, size_t n)
{
	(void)arg, (void)p, (void)n;
	return 7;
}

static void
test_failures(void)
{
	char text[100000];
	const char *p;
	struct message *m;
	uint64_t size;
	size_t n;
	int fd;

	memset(text, 'x', sizeof(text));
	fd = make_file(text, sizeof(text));
	m = message_new(dup(fd));
	is_int(message_stream(m, 0, 10, refuse, NULL), 7, "emit ends it");
	(void)!ftruncate(fd, 50000);
	is_int(message_size(m, &size), -1, "cut short");
	is_int(errno, ESTALE, "and says so");
	is_int(message_disk(m, 60000, 1, &p, &n), -1, "nor as it is on disk");
	is_int(message_disk(m, 100000, 1, &p, &n), 0, "and there it ends");
	is_int(message_read(m, 90000, text, 10, &n), -1, "no range of it");
	message_close(m);
	close(fd);
	ok(message_new(open("/", O_RDONLY)) == NULL, "a folder is no message");
}

int
main(void)
{
	test_rows();
	test_large();
	test_cut();
	test_failures();
	return done();
}
