/* SPDX-License-Identifier: ISC
 *
 * DATA: RFC 5321 section 4.1.1.4.
 */
#include <string.h>

#include "incoming.h"
#include "system/log.h"

#define CHUNK		8192
#define RECORD_TIMEOUTS	2	/* for each CHUNK; 10 minutes by default, as
				 * RFC 5321 section 4.5.3.2.6 has it */

/* Read up to CRLF.CRLF.  false: the client is gone before it. */
static bool
receive(struct incoming *in)
{
	struct stream *st = in->s->stream;
	enum stream_status status;
	const char *p;
	size_t n, taken = CHUNK;

	while (!smtp_data_done(&in->data)) {
		/* A new term only for a whole chunk, not for each octet. */
		if (taken >= CHUNK) {
			stream_record_begin(st, RECORD_TIMEOUTS *
			    session_timeout());
			taken = 0;
		}
		status = stream_peek(st, 1, &p, &n);
		if (status != STREAM_OK) {
			stream_record_end(st);
			log_info("gone", "in=data how=%s bytes=%llu",
			    stream_status_name(status),
			    (unsigned long long)in->data.wire);
			(void)session_late(in->s, status);
			return false;
		}
		if (n > CHUNK)
			n = CHUNK;
		incoming_text(in, p, &n);
		stream_consume(st, n);
		taken += n;
	}
	stream_record_end(st);
	return true;
}

void
data_run(struct session *s)
{
	static struct incoming in;

	if (!session_busy(s))
		return;
	if (incoming_begin(&in, s)) {
		reply(s, REPLY_SEND_DATA, NULL);
		if (receive(&in))
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
