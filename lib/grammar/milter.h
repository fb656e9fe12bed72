/* SPDX-License-Identifier: ISC
 *
 * The milter protocol, version 6, as a mail server speaks it to a filter:
 * packets of a length, a letter and data.  Numbers are in network order, a
 * string ends with a NUL.  The server's packets are written here, and the
 * filter's are read and judged; nothing of either is believed to be short.
 */
#ifndef GRAMMAR_MILTER_H
#define GRAMMAR_MILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

#define MILTER_VERSION	6
#define MILTER_CHUNK	65535		/* of a body, in one packet */
#define MILTER_HEAD	5		/* a packet's length and letter */
#define MILTER_DATA_MAX	(1024 * 1024)	/* of a filter's packet */

/* What the server says. */
enum milter_command {
	MILTER_ABORT = 'A',
	MILTER_BODY = 'B',
	MILTER_CONNECT = 'C',
	MILTER_MACRO = 'D',
	MILTER_END = 'E',
	MILTER_HELO = 'H',
	MILTER_HEADER = 'L',
	MILTER_MAIL = 'M',
	MILTER_EOH = 'N',
	MILTER_NEGOTIATE = 'O',
	MILTER_QUIT = 'Q',
	MILTER_RCPT = 'R',
	MILTER_DATA = 'T'
};

/* What the filter says. */
enum milter_answer {
	MILTER_ADD_RCPT = '+',
	MILTER_DELETE_RCPT = '-',
	MILTER_ADD_RCPT_ARGS = '2',
	MILTER_SHUTDOWN = '4',
	MILTER_ACCEPT = 'a',
	MILTER_REPLACE_BODY = 'b',
	MILTER_CONTINUE = 'c',
	MILTER_DISCARD = 'd',
	MILTER_CHANGE_FROM = 'e',
	MILTER_FAIL = 'f',
	MILTER_ADD_HEADER = 'h',
	MILTER_INSERT_HEADER = 'i',
	MILTER_CHANGE_HEADER = 'm',
	MILTER_OPTIONS = 'O',
	MILTER_PROGRESS = 'p',
	MILTER_QUARANTINE = 'q',
	MILTER_REJECT = 'r',
	MILTER_SKIP = 's',
	MILTER_TEMPFAIL = 't',
	MILTER_REPLYCODE = 'y'
};

/* Actions a filter may want. */
#define MILTER_CAN_ADD_HEADERS	0x001u
#define MILTER_CAN_CHANGE_BODY	0x002u
#define MILTER_CAN_ADD_RCPT	0x004u
#define MILTER_CAN_DELETE_RCPT	0x008u
#define MILTER_CAN_CHANGE_HEADERS 0x010u
#define MILTER_CAN_QUARANTINE	0x020u
#define MILTER_CAN_CHANGE_FROM	0x040u
#define MILTER_CAN_ADD_RCPT_ARGS 0x080u
#define MILTER_CAN_SET_MACROS	0x100u
#define MILTER_CAN_ALL		0x1ffu

/* What a filter need not be told, or does not answer. */
#define MILTER_NO_CONNECT	0x000001u
#define MILTER_NO_HELO		0x000002u
#define MILTER_NO_MAIL		0x000004u
#define MILTER_NO_RCPT		0x000008u
#define MILTER_NO_BODY		0x000010u
#define MILTER_NO_HEADERS	0x000020u
#define MILTER_NO_EOH		0x000040u
#define MILTER_MUTE_HEADERS	0x000080u
#define MILTER_NO_UNKNOWN	0x000100u
#define MILTER_NO_DATA		0x000200u
#define MILTER_CAN_SKIP		0x000400u
#define MILTER_MUTE_CONNECT	0x001000u
#define MILTER_MUTE_HELO	0x002000u
#define MILTER_MUTE_MAIL	0x004000u
#define MILTER_MUTE_RCPT	0x008000u
#define MILTER_MUTE_DATA	0x010000u
#define MILTER_MUTE_UNKNOWN	0x020000u
#define MILTER_MUTE_EOH		0x040000u
#define MILTER_MUTE_BODY	0x080000u
#define MILTER_LEADING_SPACE	0x100000u	/* of a header's value */
/* All of them but the wish to hear of refused recipients (0x800). */
#define MILTER_PROTOCOL_ALL	0x1ff7ffu

/* The stages for which a filter may name the macros it wants. */
enum milter_stage {
	MILTER_AT_CONNECT,
	MILTER_AT_HELO,
	MILTER_AT_MAIL,
	MILTER_AT_RCPT,
	MILTER_AT_DATA,
	MILTER_AT_END,
	MILTER_AT_EOH,
	MILTER_STAGES
};

/*
 * Writing: a packet is begun, filled, and ended, which writes its length.
 * Failures stick to the buffer: look at buf_failed() once.
 */
size_t	 milter_begin(struct buf *, enum milter_command);
void	 milter_end(struct buf *, size_t begun);
void	 milter_put32(struct buf *, uint32_t);
/* A string; a NUL in it becomes a space. */
void	 milter_put_string(struct buf *, const char *, size_t);

/* Whole packets. */
void	 milter_put(struct buf *, enum milter_command);	/* without data */
void	 milter_put_negotiate(struct buf *);
/* address NULL: not from the network; else IPv4 or IPv6, as text. */
void	 milter_put_connect(struct buf *, const char *name,
	    const char *address, unsigned short port);
/* An address with its brackets (MAIL, RCPT), or one argument (HELO). */
void	 milter_put_argument(struct buf *, enum milter_command, const char *);
/* A field: its value as it stands on disk, from behind the colon.  leading:
 * with its leading space. */
void	 milter_put_header(struct buf *, const char *name, size_t name_len,
	    const char *value, size_t value_len, bool leading);

/*
 * Reading.
 */

/* The head of a packet of a filter: 0, or -1: it is too long or too short.
 * n is how many octets of data follow. */
int	 milter_head(const unsigned char head[MILTER_HEAD], char *letter,
	    size_t *n);

struct milter_reply {
	enum milter_answer what;
	/* OPTIONS */
	uint32_t	 version, actions, protocol;
	/* CHANGE_HEADER, INSERT_HEADER: counted from 1; there also 0 */
	uint32_t	 index;
	/* fields: name; addresses, quarantine: text */
	const char	*name, *text;	/* in the packet, NUL behind them */
	/* REPLACE_BODY; REPLYCODE without its NUL; OPTIONS: what is behind
	 * the numbers */
	const char	*data;
	size_t		 len;
};

/* What a packet says: 1; 0 the letter is unknown; -1 malformed. */
int	 milter_reply_parse(struct milter_reply *, char letter,
	    const char *data, size_t n);

/* The next list of macros in what stands behind OPTIONS' numbers: 1, and p
 * moves; 0 the end; -1 malformed. */
int	 milter_symbols_next(const char **p, const char *end, uint32_t *stage,
	    const char **names);

/*
 * The words of REPLYCODE ("550 5.7.1 no", or several such lines with "-"), as
 * lines for an SMTP client, with an enhanced status in each, printable ASCII,
 * at most MILTER_REPLY_LINES of at most 512 octets.  The code or 0: it is none
 * that a filter may give (4yz and 5yz are), or no memory.
 */
#define MILTER_REPLY_LINES	32
#define MILTER_REPLY_MAX	(MILTER_REPLY_LINES * 512)
unsigned milter_reply_lines(struct buf *, const char *, size_t);

#endif
