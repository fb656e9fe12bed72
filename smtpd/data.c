/* SPDX-License-Identifier: ISC
 *
 * DATA: RFC 5321 section 4.1.1.4; and the reading of a message's octets, which
 * BDAT does the same way.
 */
#include <string.h>

#include "incoming.h"
#include "system/log.h"

#define CHUNK		8192
#define RECORD_TIMEOUTS	2	/* for each CHUNK; 10 minutes by default */

bool
data_read(struct session *s, struct incoming *in, uint64_t most)
{
	struct stream *st = s->stream;
	enum stream_status status = STREAM_OK;
	const char *p;
	size_t n, taken = CHUNK;

	while (most > 0 && (in == NULL || !smtp_data_done(&in->data))) {
		/* A new term only for a whole chunk, not for each octet. */
		if (taken >= CHUNK) {
			stream_record_begin(st, RECORD_TIMEOUTS *
			    session_timeout());
			taken = 0;
		}
		if ((status = stream_peek(st, 1, &p, &n)) != STREAM_OK)
			break;
		if (n > CHUNK)
			n = CHUNK;
		if (n > most)
			n = (size_t)most;
		if (in != NULL)
			incoming_text(in, p, &n);
		stream_consume(st, n);
		taken += n;
		most -= n;
	}
	stream_record_end(st);
	if (status == STREAM_OK)
		return true;
	log_info("gone", "in=data how=%s bytes=%llu",
	    stream_status_name(status),
	    in == NULL ? 0ULL : (unsigned long long)in->data.wire);
	(void)session_late(s, status);
	return false;
}

void
data_run(struct session *s)
{
	static struct incoming in;

	if (!session_busy(s))
		return;
	if (incoming_begin(&in, s, false)) {
		reply(s, REPLY_SEND_DATA, NULL);
		if (data_read(s, &in, UINT64_MAX))
			incoming_end(&in);
		else {
			incoming_drop(&in);
			session_end(s);
		}
	}
	session_reset(s);
	(void)stream_flush(s->stream);	/* before SIGTERM is heard again */
	server_busy(false);
}
