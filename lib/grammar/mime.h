/* SPDX-License-Identifier: ISC
 *
 * The structure of a message (RFC 2045, RFC 2046, RFC 2183): which parts it
 * has, where each begins and ends in the file, how large each is on the wire,
 * and what its header says about it.
 *
 * The parser takes the bytes as they come, in pieces of any size, once.  It
 * accepts everything: time is linear, memory is bounded by the limits below
 * whatever the input is, and what passes a limit is left out and recorded in
 * mime.limited.  It must never read outside what it was given and never
 * fail for a reason other than memory.
 *
 * Lines may end in LF or CRLF, also both in one message.  "Disk" numbers
 * count the bytes of the input.  "Wire" numbers count the CRLF form, in
 * which an LF not preceded by CR is CRLF (bytes/crlf.h).
 */
#ifndef GRAMMAR_MIME_H
#define GRAMMAR_MIME_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

enum {
	MIME_MAX_DEPTH = 100,		/* parts within parts */
	MIME_MAX_PARTS = 10000,
	MIME_MAX_PARAMS = 20000,	/* of all parts together */
	MIME_MAX_PART_PARAMS = 200,	/* of one field */
	MIME_MAX_BOUNDARY = 8000,	/* RFC 2046 5.1.1 says 70 */
	MIME_MAX_FIELD = 256 * 1024,	/* kept of one field's value */
	/* Kept of all fields together.  ENVELOPE makes up to 33 octets of one
	 * (an address of one octet, as From, Sender and Reply-To). */
	MIME_MAX_TEXT = 1536 * 1024
};

/* What was left out: mime.limited. */
enum {
	MIME_LIMIT_DEPTH = 1,		/* deeper parts are not taken apart */
	MIME_LIMIT_PARTS = 2,		/* later parts are not listed */
	MIME_LIMIT_PARAMS = 4,		/* later parameters are not listed */
	MIME_LIMIT_FIELD = 8,		/* a field's value was cut */
	MIME_LIMIT_TEXT = 16,		/* later values are absent or cut */
	MIME_LIMIT_BOUNDARY = 32	/* a boundary was too long to use */
};

#define MIME_NONE	UINT32_MAX

/* A string in mime.text; off is MIME_NONE when the thing is absent. */
struct mime_ref {
	uint32_t	off, len;
};

struct mime_param {
	struct mime_ref	name, value;	/* value without its quoting */
};

enum mime_kind {
	MIME_LEAF,			/* anything but the next three */
	MIME_TEXT,			/* text / * */
	MIME_MULTIPART,			/* has one child or more */
	MIME_MESSAGE			/* message/rfc822: exactly one child */
};

/* Header fields of a message that ENVELOPE needs (RFC 3501 7.4.2), in its
 * order.  Values are unfolded, otherwise as they stand. */
enum mime_field {
	MIME_DATE, MIME_SUBJECT, MIME_FROM, MIME_SENDER, MIME_REPLY_TO,
	MIME_TO, MIME_CC, MIME_BCC, MIME_IN_REPLY_TO, MIME_MESSAGE_ID,
	MIME_FIELDS
};

struct mime_envelope {
	struct mime_ref	field[MIME_FIELDS];
};

/* One part.  Part 0 is the message itself.  The child of a MIME_MESSAGE is
 * the enclosed message: its header starts where the parent's body does. */
struct mime_part {
	enum mime_kind	kind;
	uint32_t	parent, child, next;	/* indexes or MIME_NONE */
	uint32_t	depth;		/* 0 for the message itself */
	uint32_t	envelope;	/* index, only when it is a message */
	uint32_t	params, nparams;	/* of Content-Type */
	uint32_t	disp_params, disp_nparams;
	struct mime_ref	type, subtype;	/* never absent: defaults are set */
	struct mime_ref	encoding;	/* absent: 7BIT */
	struct mime_ref	disposition, md5, language, location;
	struct mime_ref	id, description;
	uint64_t	header_off, header_len;	/* disk; with the blank line */
	uint64_t	body_off, body_len;	/* disk */
	uint64_t	header_wire, body_wire;	/* wire */
	uint64_t	header_lines, body_lines;	/* line ends in it */
};

struct mime {
	struct mime_part *part;
	size_t		 nparts, part_cap;
	struct mime_param *param;
	size_t		 nparams, param_cap;
	struct mime_envelope *env;
	size_t		 nenv, env_cap;
	struct buf	 text;		/* what the refs point into */
	unsigned	 limited;	/* MIME_LIMIT_* */
};

struct mime_parser;

/* A parser; NULL: no memory.  mime_free() and mime_parser_free() take NULL. */
struct mime_parser *mime_parser_new(void);
void	 mime_parser_free(struct mime_parser *);

/* The next bytes of the message, any number.  0, or -1: no memory (sticks). */
int	 mime_feed(struct mime_parser *, const void *, size_t);

/* Whether the header of the message is complete: a caller that wants only
 * the envelope may stop feeding. */
int	 mime_header_done(const struct mime_parser *);

/* The end of the message.  0 and *out is the result, which the caller
 * releases with mime_free(); -1: no memory, and *out is empty. */
int	 mime_end(struct mime_parser *, struct mime *out);

/* All three for a message in memory. */
int	 mime_parse(struct mime *out, const void *, size_t);
void	 mime_free(struct mime *);

/* The bytes of a reference (not NUL-terminated); NULL when absent. */
const char *mime_str(const struct mime *, struct mime_ref);

/* The value of a parameter of part's Content-Type, name in any case; absent
 * when there is none. */
struct mime_ref mime_param(const struct mime *, const struct mime_part *,
	    const char *name);

/* The part with an IMAP part number (RFC 3501 6.4.5), path[0] counted from
 * 1; npath 0 is the message.  NULL: there is no such part. */
const struct mime_part *mime_find(const struct mime *, const uint32_t *path,
	    size_t npath);

#endif
