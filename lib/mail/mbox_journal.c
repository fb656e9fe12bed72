/* SPDX-License-Identifier: ISC
 *
 * See mail/mbox_journal.h.  It must never overwrite an octet of which no other
 * copy is on disk.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "grammar/mbox.h"
#include "mail/mbox_journal.h"
#include "system/fdio.h"
#include "system/log.h"

#define LINE	"From stdmail@localhost Thu Jan  1 00:00:00 1970" \
	MBOX_JOURNAL "state=%u to=%020" PRIu64 " end=%020" PRIu64 \
	" data=%020" PRIu64 " room=%020" PRIu64 " length=%020" PRIu64 \
	" crc=%08" PRIx32 " inode=%020" PRIu64 "\n"
#define READ_LINE	"From stdmail@localhost Thu Jan  1 00:00:00 1970" \
	MBOX_JOURNAL "state=%u to=%" SCNu64 " end=%" SCNu64 \
	" data=%" SCNu64 " room=%" SCNu64 " length=%" SCNu64 \
	" crc=%" SCNx32 " inode=%" SCNu64
#define BEFORE	"\n\n"
#define BEHIND	"Subject: Not a message: this mailbox is being changed\n\n"
#define LINE_MAX_LEN	400

struct journal {
	unsigned	state;
	uint64_t	to, end, data, room, length, inode;
	uint32_t	crc;
};

/* ---- the sink ---- */

static void
flush(struct mbox_sink *s)
{
	size_t done = 0;
	ssize_t n;

	while (s->error == 0 && done < s->len) {
		n = pwrite(s->fd, s->data + done, s->len - done,
		    (off_t)(s->at + done));
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			s->error = n == 0 ? ENOSPC : errno;
	}
	s->at += s->len;
	s->len = 0;
}

void
mbox_sink_put(struct mbox_sink *s, const void *from, size_t n)
{
	const char *p = from;
	size_t k;

	if (n > s->room - s->total && s->error == 0)
		s->error = EFBIG;
	if (n == 0 || s->error != 0)
		return;
	s->last[0] = n > 1 ? p[n - 2] : s->last[1];
	s->last[1] = p[n - 1];
	s->total += n;
	s->crc = crc32_add(s->crc, p, n);
	for (; n > 0; p += k, n -= k) {
		if (s->len == sizeof(s->data))
			flush(s);
		k = sizeof(s->data) - s->len < n ? sizeof(s->data) - s->len :
		    n;
		memcpy(s->data + s->len, p, k);
		s->len += k;
	}
}

void
mbox_sink_copy(struct mbox_sink *s, int fd, uint64_t from, uint64_t to)
{
	char block[32768];
	size_t want;
	ssize_t n;

	for (; from < to && s->error == 0; from += (uint64_t)n) {
		want = to - from < sizeof(block) ? (size_t)(to - from) :
		    sizeof(block);
		n = fd_pread_all(fd, block, want, (off_t)from);
		if (n < (ssize_t)want) {
			s->error = n == -1 ? errno : ESTALE;
			return;
		}
		mbox_sink_put(s, block, want);
	}
}

void
mbox_sink_separate(struct mbox_sink *s)
{
	if (s->last[1] == '\n')
		mbox_sink_put(s, "\n", 1);
	else
		mbox_sink_put(s, "\n\r\n", 3);
}

/* ---- the journal ---- */

static size_t
format(const struct journal *j, char *text, size_t size)
{
	int n = snprintf(text, size, BEFORE LINE BEHIND, j->state, j->to,
	    j->end, j->data, j->room, j->length, j->crc, j->inode);

	return n < 0 || (size_t)n >= size ? 0 : (size_t)n;
}

static int
write_at(int fd, const char *p, size_t n, uint64_t at)
{
	ssize_t k;

	for (; n > 0; p += k, n -= (size_t)k, at += (uint64_t)k) {
		while ((k = pwrite(fd, p, n, (off_t)at)) == -1 &&
		    errno == EINTR)
			;
		if (k <= 0)
			return -1;
	}
	return 0;
}

/* Write it so that it ends at this offset. */
static int
write_journal(int fd, const struct journal *j, uint64_t ends)
{
	char text[LINE_MAX_LEN];
	size_t n = format(j, text, sizeof(text));

	return write_at(fd, text, n, ends - n);
}

static int
read_journal(int fd, uint64_t from, struct journal *j)
{
	char text[LINE_MAX_LEN], again[LINE_MAX_LEN];
	struct stat st;
	ssize_t n;
	size_t len;

	n = fd_pread_all(fd, text, sizeof(text) - 1, (off_t)from);
	if (n == -1 || fstat(fd, &st) == -1)
		return -1;
	text[n] = '\0';
	memset(j, 0, sizeof(*j));
	if (sscanf(text, READ_LINE, &j->state, &j->to, &j->end, &j->data,
	    &j->room, &j->length, &j->crc, &j->inode) != 8)
		return 0;
	/* To the letter as we write it, and possible. */
	len = format(j, again, sizeof(again)) - strlen(BEFORE);
	if ((size_t)n < len || memcmp(text, again + strlen(BEFORE), len) != 0)
		return 0;
	return j->inode == st.st_ino && j->state <= 2 && j->to <= j->end &&
	    j->end + strlen(BEFORE) <= from && from + len <= j->data &&
	    j->to + j->length <= from && j->length <= j->room;
}

int
mbox_journal_is(int fd, uint64_t from)
{
	struct journal j;

	return read_journal(fd, from, &j);
}

/* Make room at the end; what takes part in it is found full now where the
 * file system can say so. */
static int
make_room(int fd, uint64_t size, uint64_t from)
{
	if (fallocate(fd, 0, (off_t)from, (off_t)(size - from)) == 0)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG ||
	    errno == EIO)
		return -1;
	return ftruncate(fd, (off_t)size);
}

/* From data to its place, in which no octet of data is. */
static int
copy_back(int fd, const struct journal *j)
{
	char block[65536];
	uint64_t at;
	size_t n;

	for (at = 0; at < j->length; at += n) {
		n = j->length - at < sizeof(block) ?
		    (size_t)(j->length - at) : sizeof(block);
		if (fd_pread_all(fd, block, n, (off_t)(j->data + at)) !=
		    (ssize_t)n || write_at(fd, block, n, j->to + at) == -1)
			return -1;
	}
	return fsync(fd);
}

/* State 0 to 2. */
static int
write_data(int fd, struct journal *j, mbox_emit *emit, void *arg)
{
	struct mbox_sink s = { .fd = fd, .at = j->data, .room = j->room };
	char text[LINE_MAX_LEN];
	size_t head = format(j, text, sizeof(text));

	if (write_journal(fd, j, j->end + head) == -1 ||
	    make_room(fd, j->data + j->room, j->end + head) == -1)
		return -1;
	j->state = 1;
	if (write_journal(fd, j, j->data) == -1 || fsync(fd) == -1)
		return -1;
	emit(arg, &s);
	flush(&s);
	if (s.error != 0) {
		errno = s.error;
		return -1;
	}
	if (fsync(fd) == -1)
		return -1;
	j->length = s.total;
	j->crc = s.crc;
	j->state = 2;
	if (write_journal(fd, j, j->data) == -1)
		return -1;
	return fsync(fd);
}

static int
cut(int fd, uint64_t size)
{
	return ftruncate(fd, (off_t)size) == -1 ? -1 : fsync(fd);
}

int
mbox_journal_replace(int fd, uint64_t to, uint64_t room, mbox_emit *emit,
    void *arg)
{
	struct journal j = { .to = to, .room = room };
	char text[LINE_MAX_LEN];
	struct stat st;
	size_t head;
	int saved;

	if (fstat(fd, &st) == -1)
		return -1;
	if (room == 0)
		return cut(fd, to);
	j.inode = st.st_ino;
	j.end = (uint64_t)st.st_size;
	head = format(&j, text, sizeof(text));
	/* The data comes behind the first line, and where the new end will
	 * reach neither the data nor the line before it. */
	j.data = j.end + head;
	if (j.data < to + room + head) {
		j.data = to + room + head;
		if (j.data < j.end + 2 * head)
			j.data = j.end + 2 * head;
	}
	if (write_data(fd, &j, emit, arg) == -1) {
		saved = errno;
		if (cut(fd, j.end) == -1)
			log_error("mbox", "error=%s note=\"a journal stays\"",
			    log_str(strerror(errno)));
		errno = saved;
		return -1;
	}
	if (copy_back(fd, &j) == -1)
		return -1;
	return ftruncate(fd, (off_t)(j.to + j.length));
}

/* ---- after a crash ---- */

/* The sum of the new end. */
static int
check_data(int fd, const struct journal *j)
{
	char block[65536];
	uint32_t crc = 0;
	uint64_t at;
	size_t n;

	for (at = 0; at < j->length; at += n) {
		n = j->length - at < sizeof(block) ?
		    (size_t)(j->length - at) : sizeof(block);
		if (fd_pread_all(fd, block, n, (off_t)(j->data + at)) !=
		    (ssize_t)n) {
			errno = EBADMSG;
			return -1;
		}
		crc = crc32_add(crc, block, n);
	}
	if (crc == j->crc)
		return 0;
	errno = EBADMSG;
	return -1;
}

/* Where the NULs from `from' end, before or at limit. */
static int
skip_nuls(int fd, uint64_t *from, uint64_t limit)
{
	char block[4096];
	size_t n, i;
	ssize_t got;

	while (*from < limit) {
		n = limit - *from < sizeof(block) ? (size_t)(limit - *from) :
		    sizeof(block);
		if ((got = fd_pread_all(fd, block, n, (off_t)*from)) <= 0)
			return got == 0 ? 0 : -1;
		for (i = 0; i < (size_t)got && block[i] == '\0'; i++)
			;
		*from += i;
		if (i < (size_t)got)
			return 0;
	}
	return 0;
}

struct rest {
	int		fd;
	uint64_t	to, from, end;
};

/* What others appended, behind an empty line. */
static void
emit_rest(void *arg, struct mbox_sink *s)
{
	const struct rest *r = arg;
	uint64_t n = r->to < 3 ? r->to : 3;
	char before[3] = "\n\n\n";

	if (fd_pread_all(r->fd, before + 3 - n, (size_t)n,
	    (off_t)(r->to - n)) != (ssize_t)n) {
		s->error = EIO;
		return;
	}
	if (memcmp(before + 1, "\n\n", 2) != 0 &&
	    memcmp(before, "\n\r\n", 3) != 0) {
		s->last[1] = before[2];
		mbox_sink_separate(s);
	}
	mbox_sink_copy(s, r->fd, r->from, r->end);
}

int
mbox_journal_recover(int fd, uint64_t from)
{
	struct journal j;
	struct stat st;
	struct rest r = { .fd = fd };
	char c;
	int is;

	if ((is = read_journal(fd, from, &j)) != 1 || fstat(fd, &st) == -1) {
		if (is == 0)
			errno = EBADMSG;
		return -1;
	}
	log_warn("mbox", "recovered=%u note=\"a program was killed while it "
	    "changed an mbox\"", j.state);
	r.to = j.end;
	r.from = j.data;
	r.end = (uint64_t)st.st_size;
	if (j.state == 2) {
		if (check_data(fd, &j) == -1 || copy_back(fd, &j) == -1)
			return -1;
		r.to = j.to + j.length;
	} else if (j.state == 0) {
		char text[LINE_MAX_LEN];

		r.from = from + format(&j, text, sizeof(text)) -
		    strlen(BEFORE);
		if (skip_nuls(fd, &r.from, j.data + j.room) == -1)
			return -1;
	}
	if (j.state != 0)
		r.from += j.room;
	/* Who appends ends a line first that is not ended. */
	while (r.from < r.end && fd_pread_all(fd, &c, 1, (off_t)r.from) == 1 &&
	    c == '\n')
		r.from++;
	if (r.from >= r.end)
		return cut(fd, r.to);
	return mbox_journal_replace(fd, r.to, r.end - r.from + 3, emit_rest,
	    &r);
}
