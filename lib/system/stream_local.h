/* SPDX-License-Identifier: ISC
 *
 * The inside of a stream, shared by the stream*.c files and by nobody else.
 */
#ifndef SYSTEM_STREAM_LOCAL_H
#define SYSTEM_STREAM_LOCAL_H

#include "system/stream.h"
#include "system/stream_backend.h"

/* A line too long, while it is being thrown away. */
struct stream_discard {
	int	 on;
	int	 held_cr;	/* the last octet was a CR: maybe of CRLF */
	unsigned flags;
	size_t	 total;		/* octets so far, the held CR too */
	size_t	 head_len, tail_len;
	char	 head[STREAM_HEAD + 1];
	char	 tail[STREAM_TAIL + 2];	/* one more, for the CR of CRLF */
};

/* Output is sent when so much has come together: a message mostly in one go. */
#define STREAM_OUT	(4 * STREAM_BUFFER)

struct stream {
	int	 rfd, wfd;
	int	 rsock, wsock;		/* they are sockets */
	const struct stream_backend *backend;
	void	*state;
	const struct stream_backend *below;	/* NULL: no layer above it */
	void	*below_state;

	char	*in;			/* input is in[inpos..inend) */
	size_t	 incap, inpos, inend;
	size_t	 scanned;		/* of it, known to hold no LF */
	int	 ended;			/* end of file has been read */
	struct stream_discard discard;

	char	*out;			/* output is out[outpos..outend) */
	size_t	 outpos, outend;
	int	 held;			/* reading does not flush */

	enum stream_status failed;	/* sticks */
	char	 error[128];

	int	 timeout;		/* ms, 0 none */
	long long session;		/* absolute ms, 0 none */
	long long record;		/* likewise */
	int	 in_record;
};

/* Milliseconds of the monotonic clock. */

/* One attempt to read into the buffer, which is given room; returns as
 * stream_backend.read. */
ssize_t	 stream_try(struct stream *);

/* Memory is held only while there is something in it. */
void	 stream_release(struct stream *);

/* Whether a deadline has passed: STREAM_OK or its status. */
enum stream_status stream_late(struct stream *, long long deadline);

/* Milliseconds until the first deadline, for poll(2); -1 for none. */
int	 stream_left(const struct stream *, long long deadline);

#endif
