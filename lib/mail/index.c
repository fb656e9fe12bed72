/* SPDX-License-Identifier: ISC
 *
 * See mail/index.h.  It must never believe a file further than its length:
 * every offset is looked at before it is followed.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "mail/index.h"
#include "system/fdio.h"

#define INDEX_TMP	INDEX_FILE ".tmp"
#define MAGIC		0x31784964746453ull	/* "SdtdIx1", this byte order */
#define SLOT_AT		512	/* each in a disk sector of its own */
#define SLOT_STEP	512
#define HEAD_SIZE	4096

struct head {
	uint64_t	 magic;
	uint32_t	 rec_size, n, nhash, crc;
	uint64_t	 nstrings;
	struct index_mark mark;
};

static uint32_t
head_sum(struct head h)
{
	h.crc = 0;
	return crc32_add(0, &h, sizeof(h));
}

static uint64_t
file_size(uint32_t n, uint32_t nhash, uint64_t nstrings)
{
	return HEAD_SIZE + (uint64_t)n * sizeof(struct index_rec) +
	    (uint64_t)nhash * sizeof(uint32_t) + nstrings;
}

/* The parts of a file of size octets at map; false: it is none. */
static bool
find_parts(struct index *ix)
{
	const char *p = ix->map;
	struct head h;

	memcpy(&h, p, sizeof(h));
	if (h.magic != MAGIC || h.rec_size != sizeof(struct index_rec) ||
	    h.crc != head_sum(h) || h.n > INDEX_MAX ||
	    (h.nhash & (h.nhash - 1)) != 0 || h.nhash <= h.n ||
	    h.nstrings > ix->size ||
	    file_size(h.n, h.nhash, h.nstrings) != ix->size)
		return false;
	ix->n = h.n;
	ix->nhash = h.nhash;
	ix->nstrings = (size_t)h.nstrings;
	ix->mark = h.mark;
	p += HEAD_SIZE;
	ix->v = (const void *)p;
	p += (size_t)h.n * sizeof(*ix->v);
	ix->hash = (const void *)p;
	p += (size_t)h.nhash * sizeof(*ix->hash);
	ix->strings = p;
	/* So that a string at any offset ends. */
	return ix->nstrings > 0 && p[ix->nstrings - 1] == '\0';
}

int
index_open(struct index *ix, int dir)
{
	int fd, r = -1, saved;
	struct stat st;

	memset(ix, 0, sizeof(*ix));
	fd = openat(dir, INDEX_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (fstat(fd, &st) == -1)
		goto out;
	r = 0;
	if (!S_ISREG(st.st_mode) || st.st_size < HEAD_SIZE ||
	    (uint64_t)st.st_size > SIZE_MAX / 2)
		goto out;
	ix->size = (size_t)st.st_size;
	ix->map = mmap(NULL, ix->size, PROT_READ, MAP_SHARED, fd, 0);
	if (ix->map == MAP_FAILED) {
		ix->map = NULL;
		r = -1;
		goto out;
	}
	ix->dev = st.st_dev;
	ix->ino = st.st_ino;
	if (find_parts(ix))
		r = 1;
	else
		index_close(ix);
out:
	saved = errno;
	close(fd);
	errno = saved;
	return r;
}

void
index_close(struct index *ix)
{
	if (ix->map != NULL)
		munmap(ix->map, ix->size);
	memset(ix, 0, sizeof(*ix));
}

bool
index_current(const struct index *ix, int dir)
{
	struct stat st;

	return ix->map != NULL && fstatat(dir, INDEX_FILE, &st,
	    AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == ix->ino &&
	    st.st_dev == ix->dev;
}

/* ---- looking up ---- */

const char *
index_name(const struct index *ix, uint32_t i)
{
	const struct index_rec *r = &ix->v[i];

	if (r->name >= ix->nstrings || r->name_len < r->base_len ||
	    ix->nstrings - r->name <= r->name_len ||
	    ix->strings[r->name + r->name_len] != '\0')
		return "";
	return ix->strings + r->name;
}

const char *
index_ext(const struct index *ix, uint32_t i)
{
	const struct index_rec *r = &ix->v[i];
	size_t at = (size_t)r->name + r->name_len + 1;

	return (r->bits & INDEX_EXT) != 0 && at < ix->nstrings ?
	    ix->strings + at : "";
}

/* FNV-1a.  Names are the owner's own; nobody gains by choosing them. */
uint32_t
index_hash(const char *s, size_t n)
{
	uint32_t h = 2166136261u;

	while (n-- > 0)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h ^ h >> 15;
}

uint32_t
index_find(const struct index *ix, const char *base, size_t n)
{
	uint32_t at, i, tries;

	if (ix->nhash == 0)
		return INDEX_NONE;
	at = index_hash(base, n) & (ix->nhash - 1);
	for (tries = 0; tries < ix->nhash && ix->hash[at] != 0; tries++) {
		i = ix->hash[at] - 1;
		/* A damaged record's name is shorter than it says. */
		if (i < ix->n && ix->v[i].base_len == n &&
		    strncmp(index_name(ix, i), base, n) == 0)
			return i;
		at = (at + 1) & (ix->nhash - 1);
	}
	return INDEX_NONE;
}

uint32_t
index_uid(const struct index *ix, uint32_t uid)
{
	uint32_t low = 0, high = ix->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (ix->v[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < ix->n && ix->v[low].uid == uid ? low : INDEX_NONE;
}

/* ---- slots ---- */

static uint32_t
slot_sum(const struct index_slot *slot)
{
	return crc32_add(1, slot, offsetof(struct index_slot, crc));
}

static void
read_slot(const struct index *ix, int i, struct index_slot *slot)
{
	memcpy(slot, (const char *)ix->map + SLOT_AT + i * SLOT_STEP,
	    sizeof(*slot));
	if (slot->crc != slot_sum(slot))
		memset(slot, 0, sizeof(*slot));
}

void
index_slot(const struct index *ix, struct index_slot *slot)
{
	struct index_slot other;

	memset(slot, 0, sizeof(*slot));
	if (ix->map == NULL)
		return;
	read_slot(ix, 0, slot);
	read_slot(ix, 1, &other);
	if (other.number > slot->number)
		*slot = other;
}

int
index_slot_write(const struct index *ix, int dir,
    const struct index_slot *given)
{
	struct index_slot now, slot = *given;
	int fd, r;

	index_slot(ix, &now);
	slot.number = now.number + 1;
	slot.crc = slot_sum(&slot);
	fd = openat(dir, INDEX_FILE, O_WRONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd == -1)
		return -1;
	if (!index_current(ix, dir)) {
		close(fd);
		errno = ESTALE;
		return -1;
	}
	r = pwrite(fd, &slot, sizeof(slot), SLOT_AT + (off_t)
	    (slot.number & 1) * SLOT_STEP) == (ssize_t)sizeof(slot) ? 0 : -1;
	return close(fd) == -1 ? -1 : r;
}

/* ---- making a file ---- */

int
index_begin(struct index_writer *w, uint32_t n, size_t strings)
{
	uint64_t size;

	memset(w, 0, sizeof(*w));
	if (n > INDEX_MAX || strings > UINT32_MAX) {
		errno = EFBIG;
		return -1;
	}
	for (w->nhash = 64; w->nhash / 2 <= n; w->nhash *= 2)
		;
	w->nmax = n;
	w->max = strings + 1;
	size = file_size(n, w->nhash, w->max);
	/* What is never touched costs nothing. */
	w->data = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->data == MAP_FAILED) {
		w->data = NULL;
		return -1;
	}
	w->v = (void *)(w->data + HEAD_SIZE);
	w->hash = (void *)(w->v + n);
	w->strings = (void *)(w->hash + w->nhash);
	return 0;
}

static void
put_string(struct index_writer *w, const char *s, size_t n)
{
	if (w->failed || w->max - w->used < n) {
		w->failed = true;
		return;
	}
	memcpy(w->strings + w->used, s, n);
	w->used += n;
}

void
index_put(struct index_writer *w, const struct index_rec *rec,
    const char *base, const char *info, const char *ext)
{
	size_t base_len = rec->base_len, info_len = strlen(info);
	struct index_rec *r = &w->v[w->n];
	uint32_t at;

	if (w->failed || w->n == w->nmax || base_len + info_len > 255) {
		w->failed = true;
		return;
	}
	*r = *rec;
	r->name = (uint32_t)w->used;
	r->name_len = (uint8_t)(base_len + info_len);
	put_string(w, base, base_len);
	put_string(w, info, info_len + 1);
	r->bits = (uint8_t)(rec->bits & ~INDEX_EXT);
	if (*ext != '\0') {
		r->bits |= INDEX_EXT;
		put_string(w, ext, strlen(ext) + 1);
	}
	at = index_hash(base, base_len) & (w->nhash - 1);
	while (w->hash[at] != 0)
		at = (at + 1) & (w->nhash - 1);
	w->hash[at] = ++w->n;
}

void
index_abort(struct index_writer *w)
{
	if (w->data != NULL)
		munmap(w->data, (size_t)file_size(w->nmax, w->nhash, w->max));
	w->data = NULL;
}

static int
write_parts(const struct index_writer *w, int fd, const struct index_mark *mark,
    const struct index_slot *given)
{
	struct head h = { .magic = MAGIC, .rec_size = sizeof(*w->v),
	    .n = w->n, .nhash = w->nhash, .nstrings = w->used + 1,
	    .mark = *mark };
	struct index_slot slot = *given;

	h.crc = head_sum(h);
	memcpy(w->data, &h, sizeof(h));
	slot.number = 1;
	slot.crc = slot_sum(&slot);
	memcpy(w->data + SLOT_AT + SLOT_STEP, &slot, sizeof(slot));
	/* The strings end with a NUL, whatever they hold. */
	if (fd_write_all(fd, w->data, HEAD_SIZE + w->n * sizeof(*w->v)) == -1 ||
	    fd_write_all(fd, w->hash, w->nhash * sizeof(*w->hash)) == -1 ||
	    fd_write_all(fd, w->strings, w->used + 1) == -1)
		return -1;
	return fsync(fd);
}

int
index_end(struct index_writer *w, int dir, mode_t mode,
    const struct index_mark *mark, const struct index_slot *slot)
{
	int fd, r = -1, saved;

	if (w->failed) {
		errno = ENAMETOOLONG;
		goto out;
	}
	(void)unlinkat(dir, INDEX_TMP, 0);
	fd = openat(dir, INDEX_TMP, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    mode);
	if (fd == -1)
		goto out;
	r = write_parts(w, fd, mark, slot);
	saved = errno;
	close(fd);
	errno = saved;
	if (r == 0)
		r = renameat(dir, INDEX_TMP, dir, INDEX_FILE);
	saved = errno;
	if (r == -1)
		(void)unlinkat(dir, INDEX_TMP, 0);
	errno = saved;
out:
	saved = errno;
	index_abort(w);
	errno = saved;
	return r;
}
