/* SPDX-License-Identifier: ISC
 *
 * Raw DEFLATE (RFC 1951) as a layer of a stream, by zlib; the only file that
 * includes it.  It must never hold back what was flushed, nor make more of
 * its input at once than the reader has room for.
 *
 * Memory while it is active: the compressor 70 kB (a window of 8 kB, level 6
 * of memory), the expander 42 kB (a client may use the greatest window), input
 * 4 kB; output is made in a buffer that lives for one write.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "system/stream_local.h"

#define WINDOW		13	/* bits, of what we send */
#define MEMORY		6
#define LEVEL		3
#define INPUT		4096
#define BLOCK		8192	/* octets compressed and sent at a time */
#define ROOM		(BLOCK + 1024)	/* more than BLOCK can become, with the
					 * marks of a flush or a new level */
#define STORED_BLOCKS	16	/* sent as they are, before the next try */

struct zip {
	struct stream	*s;
	z_stream	 out, in;
	unsigned char	*input;
	size_t		 incap, inpos, inend;
	int		 full;	/* the expander may have more */
	int		 ended;	/* the client's last block has come */
	unsigned	 stored; /* blocks to send as they are */
	unsigned char	*made;	/* compressed and not yet sent, or NULL */
	size_t		 madepos, madeend;
	size_t		 taken;	/* octets of a write it was made from */
};

static void
zip_free(void *state)
{
	struct zip *z = state;

	(void)deflateEnd(&z->out);
	(void)inflateEnd(&z->in);
	free(z->input);
	free(z->made);
	free(z);
}

/* ---- input ---- */

/* Expand into to.  How many octets came of it, or -1. */
static ssize_t
expand(struct zip *z, void *to, size_t n)
{
	int r;

	z->in.next_in = z->input + z->inpos;
	z->in.avail_in = (uInt)(z->inend - z->inpos);
	z->in.next_out = to;
	z->in.avail_out = (uInt)n;
	r = inflate(&z->in, Z_SYNC_FLUSH);
	z->inpos = z->inend - z->in.avail_in;
	z->full = z->in.avail_out == 0;
	z->ended = r == Z_STREAM_END;
	if (r != Z_OK && r != Z_BUF_ERROR && r != Z_STREAM_END) {
		stream_fail(z->s, STREAM_ERROR, "malformed DEFLATE input");
		return -1;
	}
	return (ssize_t)(n - z->in.avail_out);
}

static ssize_t
zip_read(struct stream *s, void *state, void *to, size_t n)
{
	struct zip *z = state;
	ssize_t got;

	if (n > 1 << 20)
		n = 1 << 20;
	while (!z->ended) {
		if (z->inpos < z->inend || z->full) {
			if ((got = expand(z, to, n)) == -1)
				return BACKEND_ERROR;
			if (got > 0)
				return got;
			continue;
		}
		got = stream_below_read(s, z->input, z->incap);
		if (got <= 0)
			return got;
		z->inpos = 0;
		z->inend = (size_t)got;
	}
	return BACKEND_END;
}

static size_t
zip_pending(const void *state)
{
	const struct zip *z = state;

	return z->inend - z->inpos + (size_t)z->full +
	    stream_below_pending(z->s);
}

/* ---- output ---- */

/* What does not get smaller is not worth the time: after a block that did not,
 * some go out as they are (RFC 4978, section 4). */
static int
choose_level(struct zip *z, size_t n)
{
	int r = Z_OK;

	if (z->stored > 0 && --z->stored == 0)
		r = deflateParams(&z->out, LEVEL, Z_DEFAULT_STRATEGY);
	else if (z->stored == 0 && n == BLOCK && z->madeend > n - n / 16) {
		z->stored = STORED_BLOCKS;
		r = deflateParams(&z->out, Z_NO_COMPRESSION,
		    Z_DEFAULT_STRATEGY);
	}
	return r == Z_OK ? 0 : -1;
}

/* Make a block of up to BLOCK octets, all of which the client can expand. */
static int
compress_block(struct zip *z, const void *p, size_t n)
{
	if (z->made == NULL && (z->made = malloc(ROOM)) == NULL) {
		stream_fail(z->s, STREAM_ERROR, strerror(ENOMEM));
		return -1;
	}
	if (n > BLOCK)
		n = BLOCK;
	z->out.next_in = (Bytef *)(uintptr_t)p;
	z->out.avail_in = (uInt)n;
	z->out.next_out = z->made;
	z->out.avail_out = ROOM;
	if (deflate(&z->out, Z_SYNC_FLUSH) == Z_OK && z->out.avail_in == 0 &&
	    z->out.avail_out > 0) {
		z->taken = n;
		z->madepos = 0;
		z->madeend = ROOM - z->out.avail_out;
		if (choose_level(z, n) == 0) {
			z->madeend = ROOM - z->out.avail_out;
			return 0;
		}
	}
	stream_fail(z->s, STREAM_ERROR, "zlib");
	return -1;
}

/* As SSL_write(): what could not be sent is made already, and a repetition
 * with the same octets sends it. */
static ssize_t
zip_write(struct stream *s, void *state, const void *p, size_t n)
{
	struct zip *z = state;
	ssize_t put;

	if (z->madepos == z->madeend && compress_block(z, p, n) == -1)
		return BACKEND_ERROR;
	while (z->madepos < z->madeend) {
		put = stream_below_write(s, z->made + z->madepos,
		    z->madeend - z->madepos);
		if (put <= 0)
			return put;
		z->madepos += (size_t)put;
	}
	free(z->made);
	z->made = NULL;
	z->madepos = z->madeend = 0;
	return (ssize_t)z->taken;
}

static void
zip_end(struct stream *s, void *state)
{
	(void)state;
	stream_below_end(s);
}

static const struct stream_backend backend = {
	zip_read, zip_write, zip_pending, zip_end, zip_free
};

int
stream_compressed(const struct stream *s)
{
	return stream_state(s, &backend) != NULL;
}

int
stream_compress(struct stream *s)
{
	size_t n = s->inend - s->inpos;
	struct zip *z;

	if (stream_flush(s) != STREAM_OK || s->below != NULL ||
	    (z = calloc(1, sizeof(*z))) == NULL)
		return -1;
	z->s = s;
	z->incap = n > INPUT ? n : INPUT;
	z->input = malloc(z->incap);
	if (deflateInit2(&z->out, LEVEL, Z_DEFLATED, -WINDOW, MEMORY,
	    Z_DEFAULT_STRATEGY) != Z_OK ||
	    inflateInit2(&z->in, -MAX_WBITS) != Z_OK || z->input == NULL) {
		zip_free(z);
		return -1;
	}
	if (n > 0)
		memcpy(z->input, s->in + s->inpos, n);
	z->inend = n;
	s->inpos = s->inend = s->scanned = 0;
	stream_set_layer(s, &backend, z);
	return 0;
}
