/* SPDX-License-Identifier: ISC
 *
 * See mail/mbox_view.h.  The message is filtered from a known place on; such a
 * place is remembered every STEP octets, so that any other is near one.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/mbox_quote.h"
#include "mail/mbox_view.h"
#include "system/fdio.h"

#define STEP	65536u	/* octets in the file from place to place */
#define READ	16384u	/* at once; divides STEP */
#define PROOF	512u	/* octets of the message that are compared */

/* Here the filter can begin. */
struct place {
	uint64_t	raw;		/* offset in the file */
	uint64_t	plain;		/* and in the message */
	struct mbox_filter filter;
};

struct mbox_view {
	int		 fd;
	struct mbox_place at;
	struct place	*places;
	size_t		 n, cap;
	struct place	 now;
	size_t		 len;		/* of out, which ends at now.plain */
	size_t		 proof_len;
	char		 proof[PROOF];
	struct stat	 st;		/* when it was opened */
	char		 in[READ];
	char		 out[READ + 3 * MBOX_ROOM];	/* it always fits */
};

struct mbox_view *
mbox_view_new(int fd, const struct mbox_place *at)
{
	struct mbox_view *v = malloc(sizeof(*v));
	size_t n = PROOF;
	ssize_t got;

	if (v == NULL)
		return NULL;
	memset(v, 0, offsetof(struct mbox_view, proof));
	v->fd = fd;
	v->at = *at;
	if (at->fixed < at->content)
		v->at.fixed = at->content;
	if (v->at.fixed - at->from < n)
		n = (size_t)(v->at.fixed - at->from);
	v->proof_len = n;
	got = fstat(fd, &v->st) == -1 ? -1 :
	    fd_pread_all(fd, v->proof, n, (off_t)at->from);
	if (got != -1 && (size_t)got < n) {
		errno = ESTALE;
		got = -1;
	}
	if (got == -1 ||
	    (v->places = calloc(1, sizeof(*v->places))) == NULL) {
		free(v);
		return NULL;
	}
	v->now.raw = at->content;
	mbox_filter_init(&v->now.filter, MBOX_UNQUOTE);
	v->places[0] = v->now;
	v->n = v->cap = 1;
	return v;
}

void
mbox_view_free(struct mbox_view *v)
{
	if (v == NULL)
		return;
	free(v->places);
	free(v);
}

/* Is the message still here?  0, -1. */
static int
prove(const struct mbox_view *v)
{
	char now[PROOF];
	ssize_t n = fd_pread_all(v->fd, now, v->proof_len, (off_t)v->at.from);

	if (n == -1)
		return -1;
	if ((size_t)n == v->proof_len && memcmp(now, v->proof, (size_t)n) == 0)
		return 0;
	errno = ESTALE;
	return -1;
}

bool
mbox_view_here(const struct mbox_view *v)
{
	struct stat st;

	return fstat(v->fd, &st) == 0 && st.st_size == v->st.st_size &&
	    st.st_mtim.tv_sec == v->st.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == v->st.st_mtim.tv_nsec &&
	    st.st_ctim.tv_sec == v->st.st_ctim.tv_sec &&
	    st.st_ctim.tv_nsec == v->st.st_ctim.tv_nsec;
}

static int
remember(struct mbox_view *v)
{
	struct place *places;

	if ((v->now.raw - v->at.content) % STEP != 0 ||
	    v->places[v->n - 1].raw >= v->now.raw)
		return 0;
	if (v->n == v->cap) {
		places = reallocarray(v->places, 2 * v->cap, sizeof(*places));
		if (places == NULL)
			return -1;
		v->places = places;
		v->cap *= 2;
	}
	v->places[v->n++] = v->now;
	return 0;
}

/* Filter the next piece into out: 1, 0 the end, -1. */
static int
next_piece(struct mbox_view *v)
{
	uint64_t left = v->at.end - v->now.raw;
	size_t n = left < READ ? (size_t)left : READ;
	ssize_t got;

	v->len = 0;
	if (n == 0)
		return 0;
	got = fd_pread_all(v->fd, v->in, n, (off_t)v->now.raw);
	if (got == -1 || prove(v) == -1)
		return -1;
	if ((size_t)got < n) {
		errno = ESTALE;
		return -1;
	}
	v->len = mbox_filter(&v->now.filter, v->in, &n, v->out,
	    sizeof(v->out));
	v->now.raw += n;
	if (v->now.raw == v->at.end)
		v->len += mbox_filter_end(&v->now.filter, v->out + v->len);
	v->now.plain += v->len;
	return remember(v) == -1 ? -1 : 1;
}

/* Begin again at the last place before an offset. */
static void
go_back(struct mbox_view *v, uint64_t at)
{
	size_t low = 0, high = v->n, mid;

	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (v->places[mid].plain <= at)
			low = mid;
		else
			high = mid;
	}
	v->now = v->places[low];
	v->len = 0;
}

ssize_t
mbox_view_read(struct mbox_view *v, void *to, size_t n, uint64_t at)
{
	uint64_t begin;
	size_t done = 0, skip, k;
	int r;

	begin = v->now.plain - v->len;
	if (at < begin || at > v->now.plain + STEP)
		go_back(v, at);
	while (done < n) {
		begin = v->now.plain - v->len;
		if (at + done >= v->now.plain) {
			if ((r = next_piece(v)) == -1)
				return -1;
			if (r == 0)
				break;
			continue;
		}
		skip = (size_t)(at + done - begin);
		k = v->len - skip < n - done ? v->len - skip : n - done;
		memcpy((char *)to + done, v->out + skip, k);
		done += k;
	}
	return (ssize_t)done;
}
