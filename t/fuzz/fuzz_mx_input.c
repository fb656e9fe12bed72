/* SPDX-License-Identifier: ISC
 *
 * Proves of the names that mxlookup takes from a file that no octets break the
 * reading; that a name is a word, neither empty nor a comment; and that it
 * makes no difference in which pieces the file comes.
 */
#include <sys/mman.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../mxlookup/input.h"
#include "bytes/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const char *name)
{
	if (*name == '\0' || strpbrk(name, " \t\r\n") != NULL ||
	    strlen(name) >= 2048)
		abort();
}

/* All that is in the file. */
static void
whole(int fd, struct buf *names)
{
	static struct input in;
	enum input_status st;
	char *name;

	input_fd(&in, fd);
	while ((st = input_next(&in, &name)) == INPUT_NAME) {
		check(name);
		buf_add(names, name, strlen(name) + 1);
	}
	if (st != INPUT_END)
		abort();
}

/* The same, from a pipe that never holds more than step octets. */
static void
pieces(const uint8_t *p, size_t n, size_t step, struct buf *names)
{
	static struct input in;
	enum input_status st;
	int fd[2], open = 1;
	char *name;

	if (pipe(fd) == -1)
		abort();
	input_fd(&in, fd[0]);
	while ((st = input_next(&in, &name)) != INPUT_END) {
		if (st == INPUT_NAME)
			buf_add(names, name, strlen(name) + 1);
		else if (st == INPUT_FAILED || !open)
			abort();
		else if (n == 0) {
			close(fd[1]);
			open = 0;
		} else {
			step = step < n ? step : n;
			if (write(fd[1], p, step) != (ssize_t)step)
				abort();
			p += step;
			n -= step;
		}
	}
	close(fd[0]);
	if (open)
		close(fd[1]);
}

/* The first octet says how large the pieces are. */
int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t size)
{
	struct buf a, b;
	int fd;

	if (size < 2)
		return 0;
	if ((fd = memfd_create("names", MFD_CLOEXEC)) == -1 ||
	    write(fd, p + 1, size - 1) != (ssize_t)(size - 1) ||
	    lseek(fd, 0, SEEK_SET) == -1)
		abort();
	buf_init(&a, 4 << 20);
	buf_init(&b, 4 << 20);
	whole(fd, &a);
	pieces(p + 1, size - 1, (size_t)p[0] * 16 + 1, &b);
	if (a.len != b.len || (a.len > 0 && memcmp(a.data, b.data, a.len) !=
	    0))
		abort();
	buf_free(&a);
	buf_free(&b);
	close(fd);
	return 0;
}
