/* SPDX-License-Identifier: ISC
 *
 * What the files cache*.c share, and the form of the file; nobody else
 * includes it but tests.
 *
 *	file    = header *segment
 *	header  = magic(16) UIDVALIDITY(4) crc(4)
 *	segment = head(128) uids(4 * count) *column cells
 *	head    = magic(4) crc(4) length(4) count(4) first(4) last(4)
 *	          ncolumns(4) zero(4) 12 * ( kind(2) version(2) zero(4) )
 *	column  = offset(4) * (count + 1)
 *	cell    = crc(4) octets
 *
 * Numbers are little-endian.  uids rise.  Cell i of a column is between its
 * offsets i and i + 1, counted from the segment's begin; an empty one is
 * absent.  The crc of a cell is over UIDVALIDITY, UID, kind, version and its
 * octets: a cell that is found by a damaged table, or in a segment that was
 * written over meanwhile, is not believed.  Therefore the tables need none.
 */
#ifndef MAIL_CACHE_LOCAL_H
#define MAIL_CACHE_LOCAL_H

#include "bytes/buf.h"
#include "mail/cache.h"

#define CACHE_MAGIC		"stdmail cache 2\n"
#define CACHE_SEGMENT_MAGIC	0x67657331u

enum {
	CACHE_HEADER = 24,
	CACHE_COLUMNS = 32,		/* of a head: where they begin */
	CACHE_COLUMN = 8,
	CACHE_HEAD = CACHE_COLUMNS + CACHE_KINDS * CACHE_COLUMN,
	CACHE_CRC = 4,
	CACHE_SMALL = 256 * 1024,	/* segments put together with others */
	CACHE_SEGMENT_MAX = 8 << 20,
	CACHE_SEGMENTS = 4096,		/* no more of them */
	CACHE_WINDOW = 128 * 1024
};

struct cache_segment {
	uint64_t	at;
	uint32_t	length, count;
	uint32_t	first, last;	/* UIDs */
	signed char	column[CACHE_KINDS];	/* of a kind; -1 none */
};

/* Octets of the file that were read ahead. */
struct cache_window {
	char		*data;
	size_t		 n, want;
	uint64_t	 at;
};

/* Facts of one message to be written: where they are in the batch's data. */
struct cache_record {
	uint32_t	uid;
	uint32_t	order;
	uint32_t	at[CACHE_KINDS], n[CACHE_KINDS];
};

struct cache_batch {
	struct cache_record *v;
	size_t		 n, cap;
	uint32_t	 last;		/* the greatest UID */
	bool		 mixed;		/* not in the order of UIDs */
	struct buf	 data;
};

struct cache {
	int		 dir, fd;	/* fd -1: there is no file */
	const char	*name;
	uint32_t	 validity;
	uint16_t	 version[CACHE_KINDS];
	mode_t		 mode;
	bool		 readonly;
	bool		 writable;	/* fd is */
	dev_t		 dev;
	ino_t		 ino;

	struct cache_segment *segment;
	size_t		 n, cap;
	uint64_t	 end;		/* behind the last whole segment */
	uint64_t	 records;	/* in all of them */
	size_t		 hit;		/* the segment of the last hit */
	uint32_t	 hit_index;

	struct cache_window uids, offsets[CACHE_KINDS], cells[CACHE_KINDS];
	struct cache_batch batch;
};

/* Numbers in the file. */
static inline uint32_t
cache_u32(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline void
cache_put32(char *p, uint32_t n)
{
	p[0] = (char)(n & 0xff);
	p[1] = (char)(n >> 8 & 0xff);
	p[2] = (char)(n >> 16 & 0xff);
	p[3] = (char)(n >> 24 & 0xff);
}

/* ---- cache.c ---- */

/* Take a descriptor as the file, with its header and segments: 0, and it is the
 * cache's; or -1: it is none of ours, and stays the caller's. */
int	 cache_attach(struct cache *, int fd);
void	 cache_detach(struct cache *);
/* Whether the name still leads to the file that is open, and nobody cut it. */
bool	 cache_named(const struct cache *);
/* Take up what was appended. */
void	 cache_walk(struct cache *);
/* Let go of what was read ahead. */
void	 cache_forget(struct cache *);
uint32_t cache_cell_crc(const struct cache *, uint32_t uid, unsigned kind,
	    const char *, size_t);
void	 cache_header(const struct cache *, char header[CACHE_HEADER]);

/* ---- cache_batch.c ---- */

void	 cache_batch_free(struct cache_batch *);
/* Add facts; 0, -1 no memory (none was added). */
int	 cache_batch_add(struct cache_batch *, uint32_t uid,
	    const struct cache_item items[CACHE_KINDS]);
/* All the cells of a segment of the file that are whole. */
int	 cache_batch_take(struct cache_batch *, struct cache *,
	    const struct cache_segment *);
/* The batch as a segment, in *p, n octets, the caller's to free; -1 no
 * memory. */
int	 cache_batch_segment(struct cache_batch *, const struct cache *,
	    char **p, size_t *n);
/* What is held of a message. */
int	 cache_batch_get(const struct cache_batch *, uint32_t uid,
	    unsigned kind, struct cache_item *);

#endif
