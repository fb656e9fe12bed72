/* SPDX-License-Identifier: ISC
 *
 * IDLE (RFC 2177): wait for DONE, and tell what happens meanwhile.  The
 * autologout of RFC 3501 5.4 goes on counting.
 */
#include <strings.h>

#include "commands.h"
#include "system/clock.h"

/* How the waiting ended: STREAM_OK: there is a line. */
static enum stream_status
wait_for_line(struct session *s, long long until)
{
	enum stream_status status;
	long long left;
	int fd = -1, seconds = IDLE_SECONDS;
	size_t which;

	for (;;) {
		if (s->state == STATE_SELECTED) {
			fd = mailbox_watch(s->box, &seconds);
			sync_mailbox(s, true);
			if (s->state == STATE_OVER)
				return STREAM_RESET;
		}
		if ((left = until - clock_ms()) <= 0)
			return STREAM_TIMEOUT;
		if (left > seconds * 1000LL)
			left = seconds * 1000LL;
		stream_set_timeout(s->io, (int)left);
		status = stream_wait(s->io, &fd, fd == -1 ? 0 : 1, &which);
		if (status != STREAM_WAKE && status != STREAM_TIMEOUT)
			return status;
	}
}

enum reply
cmd_idle(struct session *s, struct imap_lex *l)
{
	enum stream_status status;
	struct stream_line line;

	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	stream_puts(s->io, "+ idling\r\n");
	server_busy(false);
	status = wait_for_line(s, clock_ms() + session_silence(s));
	stream_set_timeout(s->io, session_silence(s));
	if (status == STREAM_OK)
		status = stream_line(s->io, LINE_MAX_FRESH, &line);
	server_busy(true);
	if (status == STREAM_OK && line.len == 4 &&
	    strncasecmp(line.data, "DONE", 4) == 0 &&
	    !(line.flags & LINE_BARE_LF))
		return REPLY_OK;
	if (status == STREAM_OK || status == STREAM_TOOLONG) {
		s->why = "DONE was expected";
		return REPLY_BAD;
	}
	if (s->state == STATE_OVER)
		return REPLY_DONE;
	if (server_stopping())
		reply_bye(s, BYE_STOPPING);
	else if (status == STREAM_TIMEOUT || status == STREAM_EXPIRED)
		reply_bye(s, BYE_TIMEOUT);
	s->state = STATE_OVER;
	return REPLY_DONE;
}
