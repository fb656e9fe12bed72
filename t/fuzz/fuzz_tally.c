/* SPDX-License-Identifier: ISC
 *
 * Proves that no octets in smtpd's shared memory break its reader, and that
 * what they say of a client holds no longer than the rate's own time.  The
 * first octet says how the file is damaged and which slot is the key's; the
 * rest lies in its bucket.
 */
#include <sys/stat.h>

#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/tally.h"

#define PAGE	4096		/* the header */
#define SLOT	32
#define BUCKET	(8 * SLOT)
#define NOW	1700000000000LL
#define TERM	60000LL
#define WINDOW	(10 * TERM)

int LLVMFuzzerInitialize(int *, char ***);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static char path[] = "/dev/shm/stdmail-fuzz.XXXXXX";
static int file;
static struct tally tally;
static unsigned char header[PAGE];

/* Of the key "k" in each table: where its bucket is, and its tag. */
static off_t at[TALLY_TABLES];
static unsigned char tag[TALLY_TABLES][8];

static void
end(void)
{
	(void)unlink(path);
}

static int
ask(enum tally_table table, int64_t now, int64_t *left)
{
	if (table == TALLY_RATE)
		return tally_rate(&tally, "", "k", 1, 5, TERM, now, true);
	if (table == TALLY_GREY)
		return tally_wait(&tally, "k", 1, TERM, WINDOW, now, true,
		    left);
	return tally_touch(&tally, table, "k", 1, now);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct stat st;
	int64_t left;
	int i;

	(void)argc;
	(void)argv;
	if ((file = mkstemp(path)) == -1 || atexit(end) != 0 ||
	    tally_init(&tally, path, false) == -1)
		abort();
	for (i = 0; i < TALLY_TABLES; i++) {
		assert(ask((enum tally_table)i, NOW, &left) != -1);
		assert(fstat(file, &st) == 0);
		at[i] = st.st_size - BUCKET;
		assert(pread(file, header, PAGE, 0) == PAGE &&
		    pread(file, tag[i], 8, at[i]) == 8);
		assert(ftruncate(file, 0) == 0 &&
		    pwrite(file, header, PAGE, 0) == PAGE);
	}
	return 0;
}

static void
check(enum tally_table table)
{
	int64_t left = 0;
	int r = ask(table, NOW, &left);

	assert(r >= -1 && r <= 1);
	if (table == TALLY_RATE && r == 0)
		assert(ask(table, NOW + 3 * TERM, &left) == 1);
	if (table == TALLY_GREY && r != -1)
		assert(left <= TERM && left >= TERM - WINDOW);
	if (table > TALLY_GREY && r == 0)
		assert(tally_known(&tally, table, "k", 1, TERM, NOW) == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char bucket[BUCKET] = { 0 };
	size_t n;
	int i;

	if (size == 0)
		return 0;
	n = size - 1 > BUCKET ? BUCKET : size - 1;
	memcpy(bucket, data + 1, n);
	for (i = 0; i < TALLY_TABLES; i++) {
		assert(ftruncate(file, 0) == 0 &&
		    pwrite(file, header, PAGE, 0) == PAGE);
		memcpy(bucket + (*data & 7) * SLOT, tag[i], 8);
		assert(pwrite(file, bucket, *data & 8 ? n : BUCKET, at[i]) !=
		    -1);
		/* now and then it is no header, or cut */
		if ((*data & 0xf0) == 0xf0)
			assert(pwrite(file, data, size > PAGE ? PAGE : size,
			    0) != -1);
		else if ((*data & 0xf0) == 0xe0)
			assert(ftruncate(file, (off_t)size) == 0);
		check((enum tally_table)i);
		/* a new memory has another seed */
		assert(pwrite(file, header, PAGE, 0) == PAGE);
	}
	return 0;
}
