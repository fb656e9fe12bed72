/* SPDX-License-Identifier: ISC
 *
 * Proves that the spool's writer brings every octet to the file in its order,
 * whatever the pieces it comes in, and counts them; and that a failure stays
 * one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "mail/spool.h"
#include "tap.h"

#define MOST	200000

static struct spool_writer w;
static char text[MOST], got[MOST + 1];

static void
written(const size_t *pieces, bool unsummed, const char *what)
{
	FILE *f = tmpfile();
	size_t n = 0, len, lines = 0, i;

	if (f == NULL)
		exit(1);
	spool_writer_init(&w, fileno(f));
	w.unsummed = unsummed;
	for (; *pieces > 0; n += *pieces++)
		is_int(spool_write(&w, text + n, *pieces), 0, what);
	is_int(spool_flush(&w), 0, "... to its end");
	rewind(f);
	len = fread(got, 1, sizeof(got), f);
	ok(len == n && memcmp(got, text, n) == 0, "... all of it");
	for (i = 0; i < n; i++)
		lines += text[i] == '\n';
	is_int((long long)w.size, (long long)n, "... counted");
	is_int((long long)w.wire, (long long)(n + lines), "... on the wire");
	is_int(w.crc, unsummed ? 0 : crc32_add(0, text, n), "... summed");
	fclose(f);
}

static void
refused(size_t n, const char *what)
{
	int fd = open("/dev/full", O_WRONLY);

	spool_writer_init(&w, fd);
	(void)spool_write(&w, text, n);
	errno = 0;
	is_int(spool_flush(&w), -1, what);
	is_int(errno, ENOSPC, "... and why");
	errno = 0;
	is_int(spool_write(&w, text, 1), -1, "... and no octet after it");
	is_int(errno, ENOSPC, "... for the same reason");
	close(fd);
}

int
main(void)
{
	static const size_t rows[][6] = {
		{ 1 },
		{ sizeof(w.data) - 1, 1, 1 },
		{ sizeof(w.data), 1 },
		{ sizeof(w.data) + 1 },
		{ 28, 65440 },
		{ 28, 3, 4 * sizeof(w.data) - 31, 7 },
		{ MOST - 30, 10, 20 },
		{ sizeof(w.data) - 1, sizeof(w.data) + 1, 60000, 2 },
	};
	char what[40];
	size_t i;

	for (i = 0; i < MOST; i++)
		text[i] = i % 71 == 70 ? '\n' : (char)('!' + i % 89);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(what, sizeof(what), "pieces, row %zu", i);
		written(rows[i], i % 2 == 1, what);
	}
	refused(100, "a full disk, a little");
	refused(MOST, "a full disk, much");
	return done();
}
