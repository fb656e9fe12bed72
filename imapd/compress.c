/* SPDX-License-Identifier: ISC
 *
 * COMPRESS=DEFLATE (RFC 4978).  The door knows nothing of it: it carries what
 * this process has compressed.
 */
#include "commands.h"
#include "grammar/chars.h"
#include "system/log.h"

/* compress = "COMPRESS" SP algorithm
 *
 * NOTE: a client must not send anything behind it before it has seen the OK,
 * and compresses from then on (section 3).  What is there already is taken for
 * compressed, too: not to be, it would have to be of a client that does not
 * keep to that, and could be of anybody. */
enum reply
cmd_compress(struct session *s, struct imap_lex *l)
{
	struct imap_string name;

	if (!s->settings->compress)
		return REPLY_UNKNOWN;
	if (imap_lex_need_sp(l) == -1)
		return reply_bad(s, l);
	if (imap_lex_atom(l, &name) != 1 || imap_lex_need_end(l) == -1 ||
	    !chars_is(name.s, name.len, "DEFLATE"))
		return REPLY_COMPRESS_OTHER;
	if (stream_compressed(s->io))
		return REPLY_COMPRESS_ALREADY;
	reply_send(s, REPLY_COMPRESS_BEGIN);
	if (stream_compress(s->io) == -1) {
		/* Nothing can be said any more that it would understand. */
		log_error("compress", "error=\"out of memory\"");
		s->state = STATE_OVER;
	}
	return REPLY_DONE;
}
