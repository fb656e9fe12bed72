/* SPDX-License-Identifier: ISC
 *
 * IDLE (RFC 2177): wait for DONE, and tell what happens meanwhile.  The
 * autologout of RFC 3501 5.4 goes on counting.
 */
#include <strings.h>

#include "commands.h"
#include "system/clock.h"
#include "waiting.h"

enum reply
cmd_idle(struct session *s, struct imap_lex *l)
{
	enum stream_status status;
	struct stream_line line;

	if (imap_lex_need_end(l) == -1)
		return reply_bad(s, l);
	stream_puts(s->io, "+ idling\r\n");
	server_busy(false);
	status = waiting_for_input(s, WAITING_IDLE);
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
