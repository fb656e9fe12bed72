/* SPDX-License-Identifier: ISC
 *
 * A growing byte buffer that never grows past the maximum it was made with.
 * Bytes are pointer and length: NUL is an ordinary byte here.
 *
 * Failure is sticky: once an append did not fit or memory ran out, every
 * further append does nothing and returns -1, and what was there before the
 * failing append is untouched.  A writer of many pieces therefore checks
 * once, at the end, with buf_failed().
 */
#ifndef BYTES_BUF_H
#define BYTES_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	char	*data;		/* owned; NULL until the first append */
	size_t	 len;		/* bytes in use */
	size_t	 cap;		/* bytes allocated */
	size_t	 max;		/* never more than this, given at init */
	int	 failed;	/* an append was refused */
};

/* Make an empty buffer of at most max bytes.  Allocates nothing. */
void	 buf_init(struct buf *, size_t max);

/* Release the memory; the buffer is empty and usable again. */
void	 buf_free(struct buf *);

/* Overwrite the contents before releasing them: for passwords and keys. */
void	 buf_wipe(struct buf *);

/* Empty it and forget the failure; the memory is kept for reuse. */
void	 buf_reset(struct buf *);

/* Append; 0 done, -1 it would pass the maximum or no memory. */
int	 buf_add(struct buf *, const void *, size_t);
static inline int buf_addc(struct buf *, char);
int	 buf_adds(struct buf *, const char *);
int	 buf_addf(struct buf *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
int	 buf_addu(struct buf *, uint64_t);	/* in decimal */

/* Make room for n more bytes and return where they go, or NULL (and the
 * failure sticks); buf_commit() then counts how many were written there. */
char	*buf_reserve(struct buf *, size_t n);
void	 buf_commit(struct buf *, size_t n);

/* Drop n bytes from the front, n <= len; the rest moves down. */
void	 buf_consume(struct buf *, size_t n);

/* The contents as a C string (a NUL is kept behind the last byte, not
 * counted in len), "" when empty; NULL after a failure.  Valid until the
 * next change. */
const char *buf_str(struct buf *);

int	 buf_failed(const struct buf *);

static inline int
buf_addc(struct buf *b, char c)
{
	/* The octet behind it is that of buf_str(). */
	if (b->failed || b->cap - b->len < 2)
		return buf_add(b, &c, 1);
	b->data[b->len++] = c;
	return 0;
}

#endif
