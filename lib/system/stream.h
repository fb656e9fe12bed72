/* SPDX-License-Identifier: ISC
 *
 * The one place that reads and writes a peer: lines, raw bytes, replies,
 * each with a bound and a deadline, in the clear and over TLS alike.
 *
 * A stream has a descriptor to read and one to write: the same socket, or
 * two pipes.  It never changes the flags of a descriptor (they may be shared
 * with a shell): sockets are asked not to block at each call, pipes and files
 * are polled first.  The clock is CLOCK_MONOTONIC, times are milliseconds.
 *
 * Output is collected and goes out when a read would have to wait, when the
 * buffer is full, or by stream_flush(): a handler writes its reply and does
 * not think of pipelining (RFC 2920, section 3.2).
 *
 * System calls used after stream_new(): poll, recvfrom, sendto, read, write,
 * shutdown, close, clock_gettime, and those of malloc.  None opens anything.
 */
#ifndef SYSTEM_STREAM_H
#define SYSTEM_STREAM_H

#include <sys/types.h>

#include <stddef.h>

struct stream;

#define STREAM_BUFFER	16384	/* of input, and of output, when in use */
#define STREAM_LINE_MAX	131072	/* the greatest max of stream_line() */
#define STREAM_HEAD	64	/* kept of the start of a line too long */
#define STREAM_TAIL	32	/* and of its end */
#define STREAM_WAKE_MAX	8	/* descriptors of stream_wait() */

/* How an operation ended.  STREAM_OK is the only success; after any but OK,
 * TOOLONG, WAKE and the two of time nothing more will come. */
enum stream_status {
	STREAM_OK = 0,
	STREAM_EOF,	/* the peer is done, between two records */
	STREAM_CUT,	/* the peer is gone in the middle of a record */
	STREAM_TIMEOUT,	/* an operation or a record took too long */
	STREAM_EXPIRED,	/* the session's own deadline has passed */
	STREAM_TOOLONG,	/* a line over its maximum, now discarded */
	STREAM_WAKE,	/* not input, but another descriptor is ready */
	STREAM_RESET,	/* connection reset or broken pipe */
	STREAM_ERROR	/* another error: see stream_error() */
};

/* What is to be known of a line.  Recorded, never acted on, here. */
#define LINE_BARE_LF	0x01u	/* ended by LF without CR */
#define LINE_BARE_CR	0x02u	/* holds a CR that no LF follows */
#define LINE_NUL	0x04u	/* holds a NUL */
#define LINE_8BIT	0x08u	/* holds an octet above 127 */

struct stream_line {
	char	*data;		/* in the stream's buffer, until its next call
				 * that reads; data[len] is a NUL of ours, and
				 * the caller may change data[0..len-1] */
	size_t	 len;		/* without CRLF or LF */
	unsigned flags;		/* LINE_* */
	char	*tail;		/* only with STREAM_TOOLONG, see there */
	size_t	 tail_len;
};

/*
 * A stream over two descriptors, which may be equal.  They stay the caller's
 * until stream_close().  No deadlines are set.  SIGPIPE is ignored from here
 * on in this process, so that a broken pipe is a status.  NULL: no memory.
 */
struct stream *stream_new(int rfd, int wfd);

/* Forget the stream: what was not flushed is dropped, the descriptors stay
 * open, no close_notify is sent.  NULL is allowed. */
void	 stream_free(struct stream *);

/* Flush, say close_notify under TLS, end the connection, close both
 * descriptors, free.  Returns how the flush ended.  A connection is ended for
 * all who hold it: who has handed it to another process calls stream_flush(),
 * stream_free() and close(2). */
enum stream_status stream_close(struct stream *);

int	 stream_rfd(const struct stream *);
int	 stream_wfd(const struct stream *);

/*
 * Deadlines.  All may be changed at any time; 0 takes one away.
 *
 * stream_set_timeout: what one operation may take in all: a line from the call
 * to its end, the wait for a chunk, each time that buffered output goes out
 * (for long output: each time without any progress).
 * stream_set_session: the session ends so many ms from now, whatever happens
 * (STREAM_EXPIRED).
 */
void	 stream_set_timeout(struct stream *, int ms);
void	 stream_set_session(struct stream *, int ms);

/*
 * Between begin and end the stream is inside a record of many reads (DATA, a
 * literal): end of file is STREAM_CUT, and if ms is not 0 all reads together
 * end after ms from now (STREAM_TIMEOUT).  Calling begin again moves the
 * deadline, e.g. after each so many octets, which makes a least rate.
 */
void	 stream_record_begin(struct stream *, int ms);
void	 stream_record_end(struct stream *);

/*
 * Read a line of at most max octets, its line end counted, as RFCs count
 * (e.g. 512 of RFC 5321, section 4.5.3.1.4); max <= STREAM_LINE_MAX.
 *
 * STREAM_OK: line is set.
 * STREAM_TOOLONG: the line has been read to its end and thrown away, the next
 * call reads the next line.  line->data and len are its first STREAM_HEAD
 * octets (for the tag of an answer), tail and tail_len its last STREAM_TAIL
 * without the line end (for a "{n+}" there); flags are those of all of it.
 * STREAM_EOF: nothing of a line had come.  STREAM_CUT: a part had; it stays
 * in the buffer for who wants it (stream_peek).
 * STREAM_TIMEOUT, STREAM_EXPIRED: a part that has come stays, the call may be
 * repeated.
 */
enum stream_status stream_line(struct stream *, size_t max,
	    struct stream_line *line);

/*
 * Look at the input without taking it: waits until at least min octets are
 * there (1 <= min <= STREAM_BUFFER), and gives all that are buffered.  Valid
 * until the next call that reads.  End of file: STREAM_EOF with nothing
 * buffered and outside a record, else STREAM_CUT; *p and *n then give the rest
 * (*n < min), on other failures too.
 */
enum stream_status stream_peek(struct stream *, size_t min, const char **p,
	    size_t *n);

/* Take n octets that stream_peek() showed. */
void	 stream_consume(struct stream *, size_t n);

/*
 * Flush, then wait until input is there (STREAM_OK; also when only its end
 * is there, which the next read tells), or until one of nfds <=
 * STREAM_WAKE_MAX other descriptors is readable (STREAM_WAKE, *which its
 * index), or a deadline.  Input comes first.  fds may be NULL with nfds 0.
 */
enum stream_status stream_wait(struct stream *, const int *fds, size_t nfds,
	    size_t *which);

/* Octets of input that have been read from the peer and not yet taken,
 * decrypted or not. */
size_t	 stream_pending(const struct stream *);

/* Whether nothing is pending: must be true at STARTTLS, or a man in the
 * middle could put commands into the protected session (RFC 3207, section 6,
 * and its known attack).  tls_accept() and tls_connect() check it. */
int	 stream_input_empty(const struct stream *);

/* Move up to cap octets of the pending input out, to hand the session to
 * another process; returns how many.  Only in the clear. */
size_t	 stream_take_input(struct stream *, void *to, size_t cap);

/* Put octets that another process had read before the input of a new stream;
 * 0, or -1: no memory, more than STREAM_LINE_MAX, or input has been read. */
int	 stream_give_input(struct stream *, const void *, size_t);

/*
 * Output.  Each returns 0, or -1 when output has failed, now or before: the
 * failure sticks, everything after it is dropped, and the next read, wait or
 * flush returns its status.  A session may thus write replies unchecked.
 * Short writes collect in the buffer, long ones go out at once.
 */
int	 stream_write(struct stream *, const void *, size_t);
int	 stream_puts(struct stream *, const char *);
int	 stream_printf(struct stream *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));	/* <= STREAM_BUFFER */

/* Send all that is buffered. */
enum stream_status stream_flush(struct stream *);

/* Whether what is written now waits for stream_flush(), also when there is no
 * input left: a reply to octets that have still to be read. */
void	 stream_hold(struct stream *, int on);

/*
 * From here on what goes out is compressed, and what comes in, pending input
 * included, is expected to be: raw DEFLATE (RFC 1951), with everything sent at
 * each flush.  Under it stays what was there, TLS or the clear.  Costs about
 * 120 kB of memory for as long as the stream lives; how much input a stream
 * gives out is bounded as without it, however small it was.  0, or -1: no
 * memory, and nothing has changed.
 */
int	 stream_compress(struct stream *);
int	 stream_compressed(const struct stream *);

/*
 * Pump octets between the stream (in the clear or, for a door whose session
 * another process has taken over, under TLS) and a descriptor of a connected
 * stream socket, both ways, with one STREAM_BUFFER each way, until the
 * descriptor's side has ended and all its octets are sent.  When the peer ends
 * first, the descriptor is shut down for writing and what still comes from it
 * goes out.  The timeout bounds only a peer that does not take its output
 * (the idle time is the other process's to keep), the session deadline all.
 * Returns STREAM_EOF when both sides ended in order.  Closes nothing.
 */
enum stream_status stream_relay(struct stream *, int fd);

/* For the log: "eof", "cut", "timeout" ...; never NULL. */
const char *stream_status_name(enum stream_status);

/* More about the last STREAM_ERROR or STREAM_RESET, or a failed handshake:
 * errno's text or what the TLS library said; "" when nothing failed. */
const char *stream_error(const struct stream *);

#endif
