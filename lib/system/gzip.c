/* SPDX-License-Identifier: ISC
 *
 * gzip in one step; for texts that are in memory anyway.
 */
#include <limits.h>
#include <string.h>

#include <zlib.h>

#include "system/gzip.h"

#define WINDOW	(15 + 16)	/* bits, and the mark of gzip */

int
gzip_add(struct buf *b, const void *p, size_t n)
{
	z_stream z;
	uLong most;
	char *to;
	int r = -1;

	memset(&z, 0, sizeof(z));
	if (n > UINT_MAX / 2 || deflateInit2(&z, Z_BEST_COMPRESSION,
	    Z_DEFLATED, WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	most = deflateBound(&z, n);
	if ((to = buf_reserve(b, most)) != NULL) {
		z.next_in = (z_const Bytef *)p;
		z.avail_in = (uInt)n;
		z.next_out = (Bytef *)to;
		z.avail_out = (uInt)most;
		if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
			buf_commit(b, z.total_out);
			r = 0;
		}
	}
	(void)deflateEnd(&z);
	return r;
}
