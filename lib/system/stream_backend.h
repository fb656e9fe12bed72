/* SPDX-License-Identifier: ISC
 *
 * What stands behind a stream: the clear, or TLS.  Only stream*.c and tls.c
 * include this.  A backend never waits and never keeps a deadline: it says
 * what it wants to wait for, and the stream does.
 */
#ifndef SYSTEM_STREAM_BACKEND_H
#define SYSTEM_STREAM_BACKEND_H

#include <sys/types.h>

#include <stddef.h>

#include "system/stream.h"

/* Returns of read, write and handshake other than a count of octets > 0. */
enum {
	BACKEND_END = 0,	/* read: end of file */
	BACKEND_ERROR = -1,	/* stream_fail() has been called */
	BACKEND_READ = -2,	/* again when the peer is readable */
	BACKEND_WRITE = -3	/* again when the peer is writable */
};

struct stream_backend {
	ssize_t	(*read)(struct stream *, void *state, void *, size_t);
	ssize_t	(*write)(struct stream *, void *state, const void *, size_t);
	size_t	(*pending)(const void *state);	/* readable without the fd */
	void	(*end)(struct stream *, void *state);	/* close_notify, once */
	void	(*free)(void *state);
};

/* The clear: what TLS itself reads and writes.  Never block. */
ssize_t	 stream_raw_read(struct stream *, void *, size_t);
ssize_t	 stream_raw_write(struct stream *, const void *, size_t);

/* The deadline of an operation that begins now, to be given to
 * stream_await(), which waits for BACKEND_READ or BACKEND_WRITE until then;
 * STREAM_OK when ready. */
long long stream_deadline(struct stream *);
enum stream_status stream_await(struct stream *, int want, long long deadline);

/* Put a backend in place; state is the stream's from now on. */
void	 stream_set_backend(struct stream *, const struct stream_backend *,
	    void *state);
/* The state if the stream has this backend, else NULL; also of the one below
 * a layer. */
void	*stream_state(const struct stream *, const struct stream_backend *);

/* Put a backend in place that works by the one there was, which stays below
 * it: stream_below_*().  There is one such layer. */
void	 stream_set_layer(struct stream *, const struct stream_backend *,
	    void *state);
ssize_t	 stream_below_read(struct stream *, void *, size_t);
ssize_t	 stream_below_write(struct stream *, const void *, size_t);
size_t	 stream_below_pending(const struct stream *);
void	 stream_below_end(struct stream *);

/* Record what went wrong; returns the status for convenience. */
enum stream_status stream_fail(struct stream *, enum stream_status,
	    const char *text);

/* Leave words for stream_error() without failing. */
void	 stream_note(struct stream *, const char *text);

#endif
