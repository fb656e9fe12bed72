/* SPDX-License-Identifier: ISC
 *
 * See mail/message.h.  The file is read with pread(2) in blocks, never mapped:
 * a file that is cut short under a mapping would be a signal.  Where block i
 * begins on the wire is remembered in marks[i] as far as the file was read.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crlf.h"
#include "mail/mbox_view.h"
#include "mail/message.h"
#include "system/fdio.h"

#define DISK_BLOCK	(MESSAGE_BLOCK / 2)	/* doubles at most */
#define FEW_MARKS	2	/* a message of one block needs no more */

/* The state on the way to a block: enough to begin there. */
struct mark {
	uint64_t	wire;
	struct crlf	crlf;
};

struct message {
	int		 fd;
	struct mbox_view *view;		/* of the fd; NULL: the whole file */
	uint64_t	 disk;		/* octets on disk */
	time_t		 time;		/* the file's */
	uint64_t	 wire;		/* valid when nmarks == nblocks + 1 */
	struct mark	*marks;		/* of block 0 to nblocks, the end */
	struct mark	 few[FEW_MARKS];
	size_t		 nblocks, nmarks;
	uint64_t	 body;		/* behind the header; UINT64_MAX: not
					 * known yet */
	size_t		 held;		/* the block in disk_block, or -1 */
	size_t		 held_len;	/* how much of it */
	char		*wire_block;	/* MESSAGE_BLOCK, once needed */
	char		 disk_block[DISK_BLOCK];
};

/* Takes fd and view, and lets go of them when it fails or is told so. */
static struct message *
make(int fd, struct mbox_view *view, uint64_t disk, time_t time, bool good)
{
	struct message *m = NULL;
	int saved;

	if (!good || (m = malloc(sizeof(*m))) == NULL)
		goto fail;
	m->fd = fd;
	m->view = view;
	m->disk = disk;
	m->time = time;
	m->wire = 0;
	m->body = UINT64_MAX;
	m->held = SIZE_MAX;
	m->held_len = 0;
	m->wire_block = NULL;
	m->nblocks = (size_t)((m->disk + DISK_BLOCK - 1) / DISK_BLOCK);
	m->nmarks = 1;
	m->marks = m->few;
	if (m->nblocks >= FEW_MARKS)
		m->marks = reallocarray(NULL, m->nblocks + 1,
		    sizeof(*m->marks));
	if (m->marks == NULL)
		goto fail;
	memset(&m->marks[0], 0, sizeof(m->marks[0]));
	return m;
fail:
	saved = errno;
	free(m);
	mbox_view_free(view);
	close(fd);
	errno = saved;
	return NULL;
}

static bool
regular(int fd, uint64_t *size, time_t *time)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return false;
	errno = EINVAL;
	*size = (uint64_t)st.st_size;
	*time = st.st_mtime;
	return S_ISREG(st.st_mode);
}

struct message *
message_new(int fd)
{
	uint64_t size = 0;
	time_t time = 0;
	bool good = regular(fd, &size, &time);

	return make(fd, NULL, size, time, good);
}

struct message *
message_new_mbox(int fd, const struct mbox_place *place, uint64_t plain)
{
	struct mbox_view *view = NULL;
	time_t time = 0;
	uint64_t size;
	bool good = regular(fd, &size, &time) &&
	    (view = mbox_view_new(fd, place)) != NULL;

	return make(fd, view, plain, time, good);
}

bool
message_here(const struct message *m)
{
	return m->view == NULL || mbox_view_here(m->view);
}

void
message_close(struct message *m)
{
	if (m == NULL)
		return;
	mbox_view_free(m->view);
	close(m->fd);
	if (m->marks != m->few)
		free(m->marks);
	free(m->wire_block);
	free(m);
}

static ssize_t
read_disk(struct message *m, void *to, size_t n, uint64_t at)
{
	return m->view == NULL ? fd_pread_all(m->fd, to, n, (off_t)at) :
	    mbox_view_read(m->view, to, n, at);
}

/* How many octets block i has on disk. */
static size_t
block_len(const struct message *m, size_t i)
{
	uint64_t at = (uint64_t)i * DISK_BLOCK;

	return m->disk - at < DISK_BLOCK ? (size_t)(m->disk - at) : DISK_BLOCK;
}

/* Have the first want octets of block i, or all it has, in disk_block. */
static int
hold(struct message *m, size_t i, size_t want)
{
	uint64_t at = (uint64_t)i * DISK_BLOCK;
	ssize_t n;

	if (want > block_len(m, i))
		want = block_len(m, i);
	if (m->held != i)
		m->held_len = 0;
	if (m->held_len >= want)
		return 0;
	m->held = SIZE_MAX;
	n = read_disk(m, m->disk_block + m->held_len, want - m->held_len,
	    at + m->held_len);
	if (n == -1)
		return -1;
	if ((size_t)n < want - m->held_len) {
		errno = ESTALE;
		return -1;
	}
	m->held = i;
	m->held_len = want;
	return 0;
}

/* Block i, whose mark is the last that is known, has n octets on the wire and
 * ends in this state. */
static void
mark_next(struct message *m, size_t i, uint64_t n, struct crlf crlf)
{
	struct mark *next = &m->marks[i + 1];

	next->wire = m->marks[i].wire + n;
	next->crlf = crlf;
	m->nmarks = i + 2;
	if (i + 1 == m->nblocks)
		m->wire = next->wire;
}

int
message_size(struct message *m, uint64_t *size)
{
	struct crlf crlf = m->marks[m->nmarks - 1].crlf;
	uint64_t extra;
	size_t i;

	for (i = m->nmarks - 1; i < m->nblocks; i++) {
		if (hold(m, i, DISK_BLOCK) == -1)
			return -1;
		extra = crlf_wire_extra(&crlf, m->disk_block, m->held_len);
		mark_next(m, i, m->held_len + extra, crlf);
	}
	*size = m->wire;
	return 0;
}

int
message_disk(struct message *m, uint64_t at, size_t want, const char **p,
    size_t *n)
{
	size_t i = (size_t)(at / DISK_BLOCK), skip = (size_t)(at % DISK_BLOCK);

	if (at >= m->disk)
		return 0;
	if (want > DISK_BLOCK - skip)
		want = DISK_BLOCK - skip;
	if (hold(m, i, skip + want) == -1)
		return -1;
	*p = m->disk_block + skip;
	*n = m->held_len - skip;
	return 1;
}

int
message_disk_read(struct message *m, void *to, size_t size, size_t *n)
{
	ssize_t got = read_disk(m, to, size, 0);

	*n = got > 0 ? (size_t)got : 0;
	return got == -1 ? -1 : 0;
}

uint64_t
message_disk_size(const struct message *m)
{
	return m->disk;
}

time_t
message_time(const struct message *m)
{
	return m->time;
}

/* The last block whose mark is known and which begins at or before offset. */
static size_t
block_of(const struct message *m, uint64_t offset)
{
	size_t low = 0, high = m->nmarks, mid;

	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (m->marks[mid].wire <= offset)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Block i in wire form into wire_block; how many octets, or -1. */
static ssize_t
wire_of(struct message *m, size_t i)
{
	struct crlf crlf = m->marks[i].crlf;
	size_t n, made;

	if (m->wire_block == NULL &&
	    (m->wire_block = malloc(MESSAGE_BLOCK)) == NULL)
		return -1;
	if (hold(m, i, DISK_BLOCK) == -1)
		return -1;
	n = m->held_len;
	made = crlf_to_wire(&crlf, m->disk_block, &n, m->wire_block,
	    MESSAGE_BLOCK);
	if (m->nmarks == i + 1)
		mark_next(m, i, made, crlf);
	return (ssize_t)made;
}

int
message_stream(struct message *m, uint64_t offset, uint64_t length,
    message_emit *emit, void *arg)
{
	uint64_t at, skip, take;
	size_t i;
	ssize_t n;
	int r;

	for (i = block_of(m, offset); i < m->nblocks && length > 0; i++) {
		if ((n = wire_of(m, i)) == -1)
			return -1;
		at = m->marks[i].wire;
		if (at + (uint64_t)n <= offset)
			continue;
		skip = offset > at ? offset - at : 0;
		take = (uint64_t)n - skip;
		if (take > length)
			take = length;
		if ((r = emit(arg, m->wire_block + skip, (size_t)take)) != 0)
			return r;
		length -= take;
	}
	return 0;
}

struct memory {
	char	*to;
	size_t	 n;
};

static int
emit_memory(void *arg, const char *p, size_t n)
{
	struct memory *mem = arg;

	memcpy(mem->to + mem->n, p, n);
	mem->n += n;
	return 0;
}

int
message_read(struct message *m, uint64_t offset, void *to, size_t size,
    size_t *n)
{
	struct memory mem = { to, 0 };
	int r = message_stream(m, offset, size, emit_memory, &mem);

	*n = mem.n;
	return r;
}

/* ---- lines ---- */

void
message_lines_init(struct message_lines *l, uint64_t n)
{
	memset(l, 0, sizeof(*l));
	l->left = n;
}

void
message_lines_body(struct message_lines *l)
{
	l->body = true;
	l->done = l->left == 0;
}

/*
 * In wire form every LF follows a CR, one of the file or one of ours, and what
 * an empty line has before its LF is that CR alone.
 */
size_t
message_lines_feed(struct message_lines *l, const char *p, size_t n)
{
	const char *at = p, *end = n > 0 ? p + n : p, *lf;
	int cr;

	while (!l->done && at < end) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf != at)
			l->last = (lf == NULL ? end : lf)[-1];
		l->line += (uint64_t)((lf == NULL ? end : lf) - at);
		if (lf == NULL) {
			at = end;
			break;
		}
		at = lf + 1;
		cr = l->line > 0 && l->last == '\r';
		l->added += !cr;
		if (l->body)
			l->left--;
		else
			l->body = l->line == (uint64_t)cr;
		l->done = l->body && l->left == 0;
		l->line = 0;
	}
	l->taken += (uint64_t)(at - p);
	return (size_t)(at - p);
}

int
message_top(struct message *m, uint64_t n, uint64_t *length)
{
	struct message_lines l;
	const char *p;
	size_t len;
	int r;

	message_lines_init(&l, n);
	/* Whole blocks: who asks for the body mostly reads it. */
	while (!l.done && (r = message_disk(m, l.taken, MESSAGE_BLOCK, &p,
	    &len)) != 0) {
		if (r == -1)
			return -1;
		(void)message_lines_feed(&l, p, len);
	}
	*length = l.taken + l.added;
	return 0;
}

int
message_body(struct message *m, uint64_t *offset)
{
	if (m->body == UINT64_MAX && message_top(m, 0, &m->body) == -1)
		return -1;
	*offset = m->body;
	return 0;
}
