/* SPDX-License-Identifier: ISC
 *
 * From octets to whole commands (RFC 3501 section 2.2.1, RFC 7888): lines and
 * the literals between them.  It must never hold more than a command may be,
 * and never take octets of a literal for a command.
 */
#include <string.h>

#include "append.h"
#include "session.h"

enum {
	LITERAL_MS = 5 * 60 * 1000,	/* for each piece of a literal */
	SKIP_FRESH = 0,			/* octets read to be thrown away, */
	SKIP_AUTH = 64 << 20,		/* besides what a message may have */
	LITERALS_MAX = 1000		/* in a command */
};

static size_t
line_max(const struct session *s)
{
	return s->state == STATE_FRESH ? LINE_MAX_FRESH : LINE_MAX_AUTH;
}

/* Remember the tag of a command that will not be parsed. */
static void
keep_tag(struct session *s, const char *data, size_t len)
{
	struct imap_string tag;
	struct imap_lex l;

	if (s->tag[0] != '\0' || imap_lex_init(&l, data, len) == -1)
		return;
	if (imap_lex_tag(&l, &tag) == 1 && tag.len <= TAG_MAX &&
	    imap_lex_sp(&l))
		memcpy(s->tag, tag.s, tag.len + 1);
	imap_lex_free(&l);
}

/* How the input ended; say goodbye where someone may still hear it. */
static enum input
ended(struct session *s, enum stream_status status)
{
	if (server_stopping())
		reply_bye(s, BYE_STOPPING);
	else if (status == STREAM_TIMEOUT || status == STREAM_EXPIRED)
		reply_bye(s, BYE_TIMEOUT);
	return INPUT_END;
}

/* Take n octets: to b, or nowhere when it is NULL. */
static enum stream_status
take(struct session *s, uint64_t n, struct buf *b)
{
	enum stream_status status = STREAM_OK;
	const char *p;
	size_t have;

	while (n > 0) {
		stream_record_begin(s->io, LITERAL_MS);
		status = stream_peek(s->io, 1, &p, &have);
		if (status != STREAM_OK)
			break;
		if (have > n)
			have = (size_t)n;
		if (b != NULL)
			buf_add(b, p, have);
		stream_consume(s->io, have);
		n -= have;
	}
	stream_record_end(s->io);
	return status;
}

static bool
skippable(const struct session *s, uint64_t n)
{
	if (s->state == STATE_FRESH)
		return n <= SKIP_FRESH;
	return n <= (uint64_t)s->settings->max_size + SKIP_AUTH;
}

bool
input_skip(struct session *s, uint64_t n)
{
	enum stream_status status;
	struct stream_line line;
	int sync;

	for (;;) {
		if (!skippable(s, n)) {
			reply_bye(s, BYE_LITERAL);
			return false;
		}
		if (take(s, n, NULL) != STREAM_OK)
			break;
		status = stream_line(s->io, line_max(s), &line);
		if (status == STREAM_TOOLONG) {
			line.data = line.tail;
			line.len = line.tail_len;
		} else if (status != STREAM_OK)
			break;
		/* A literal that waits to be asked for never comes. */
		if (imap_line_literal(line.data, line.len, &n, &sync) == 0 ||
		    sync)
			return true;
	}
	s->state = STATE_OVER;
	return false;
}

/* Skip what a line that ends in tail says will come without being asked. */
static enum input
skip_literal(struct session *s, const char *tail, size_t len)
{
	uint64_t n;
	int sync;

	if (imap_line_literal(tail, len, &n, &sync) != 0 && !sync &&
	    !input_skip(s, n))
		return INPUT_END;
	return INPUT_AGAIN;
}

/* Answer a command that is not read to its end; a line of it ended in tail. */
static enum input
refuse(struct session *s, enum reply r, const char *tail, size_t len)
{
	enum input in = skip_literal(s, tail, len);

	s->why = NULL;
	buf_reset(&s->code);
	if (in == INPUT_AGAIN)
		reply_send(s, r);
	return in;
}

/* A line that is not as it must be; INPUT_COMMAND: it is. */
static enum input
check_line(struct session *s, const struct stream_line *line)
{
	bool swallowed = s->swallow;

	/* A bare LF ends no line: all up to the CRLF is one, and malformed. */
	s->swallow = (line->flags & LINE_BARE_LF) != 0;
	if (swallowed)
		return s->swallow ? INPUT_AGAIN : skip_literal(s, line->data,
		    line->len);
	if (s->command.len == 0)
		keep_tag(s, line->data, line->len);
	if (s->swallow)
		return refuse(s, REPLY_LINE_LF, "", 0);
	if (line->flags & LINE_NUL)
		return refuse(s, REPLY_LINE_NUL, line->data, line->len);
	return INPUT_COMMAND;
}

/* A literal was announced at the end of the line just added.  INPUT_COMMAND:
 * it has been read, and the command goes on. */
static enum input
read_literal(struct session *s, uint64_t n, bool sync, const char *line,
    size_t len)
{
	enum stream_status status;

	if (n > s->command.max - s->command.len - 2 ||
	    ++s->literals > LITERALS_MAX) {
		if (sync)
			return refuse(s, REPLY_LITERAL_LARGE, "", 0);
		return refuse(s, REPLY_LITERAL_SKIPPED, line, len);
	}
	if (sync)
		stream_puts(s->io, "+ OK\r\n");
	buf_adds(&s->command, "\r\n");
	if ((status = take(s, n, &s->command)) != STREAM_OK)
		return ended(s, status);
	return INPUT_COMMAND;
}

/* One line of a command; *more: a literal was read, and another follows. */
static enum input
read_line(struct session *s, bool *more)
{
	struct stream_line line;
	enum stream_status status;
	enum input in;
	uint64_t n;
	int sync, r;

	*more = false;
	status = stream_line(s->io, line_max(s), &line);
	if (status == STREAM_TOOLONG) {
		if (s->command.len == 0)
			keep_tag(s, line.data, line.len);
		s->swallow = (line.flags & LINE_BARE_LF) != 0;
		return refuse(s, REPLY_LINE_LONG, line.tail, line.tail_len);
	}
	if (status != STREAM_OK)
		return ended(s, status);
	if ((in = check_line(s, &line)) != INPUT_COMMAND)
		return in;
	if (line.len > s->command.max - s->command.len)
		return refuse(s, REPLY_COMMAND_LONG, line.data, line.len);
	if (buf_add(&s->command, line.data, line.len) == -1)
		return refuse(s, REPLY_MEMORY, line.data, line.len);
	r = imap_line_literal(line.data, line.len, &n, &sync);
	if (r == 0)
		return INPUT_COMMAND;
	if (r == 1 && s->state != STATE_FRESH && append_announced(s)) {
		s->has_literal = true;
		s->literal = n;
		s->literal_sync = sync;
		return INPUT_COMMAND;
	}
	*more = true;
	return read_literal(s, n, sync, line.data, line.len);
}

/* The command up to its end, or to octets of a message. */
static enum input
read_lines(struct session *s)
{
	enum input in;
	bool more;

	buf_reset(&s->command);
	s->has_literal = false;
	do {
		in = read_line(s, &more);
	} while (in == INPUT_COMMAND && more);
	if (in == INPUT_COMMAND && buf_failed(&s->command))
		return refuse(s, REPLY_MEMORY, "", 0);
	return in;
}

enum input
input_command(struct session *s)
{
	s->tag[0] = '\0';
	s->append = NULL;
	s->literals = 0;
	return read_lines(s);
}

enum input
input_piece(struct session *s)
{
	enum input in = read_lines(s);

	if (in == INPUT_END)
		s->state = STATE_OVER;
	return in;
}
