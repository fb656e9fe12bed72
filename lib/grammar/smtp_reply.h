/* SPDX-License-Identifier: ISC
 *
 * SMTP replies (RFC 5321, section 4.2; RFC 2034), read by a client line after
 * line, with bounds.
 */
#ifndef GRAMMAR_SMTP_REPLY_H
#define GRAMMAR_SMTP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "bytes/buf.h"

#define SMTP_REPLY_LINE_MAX	4096	/* read at most; 4.5.3.1.5 says 512 */
#define SMTP_REPLY_TEXT_MAX	16384	/* kept of all lines */
#define SMTP_REPLY_LINES_MAX	1000	/* more is malformed */

/* An enhanced status code (RFC 2034, section 4); class 0: none. */
struct smtp_status {
	unsigned	class, subject, detail;
};

#define SMTP_STATUS_MAX		12	/* as text, "5.999.999" and a NUL */

struct smtp_reply {
	unsigned	   code;	/* 200 to 599; 0 before a line */
	struct smtp_status status;	/* of the last line with one */
	unsigned	   lines;
	struct buf	   text;	/* without codes; LF between lines */
	int		   cut;		/* some of the text was left out */
};

void	 smtp_reply_init(struct smtp_reply *);
void	 smtp_reply_reset(struct smtp_reply *);	/* for the next reply */
void	 smtp_reply_free(struct smtp_reply *);

/*
 * Take the next line, without its line end.  1: the reply is complete; 0: more
 * lines follow; -1: malformed, or no memory: the connection is of no use any
 * more.  The text is made printable: controls become spaces, 8-bit octets
 * that are no UTF-8 become "?".
 */
int	 smtp_reply_line(struct smtp_reply *, const char *, size_t);

/* Reading a status at *p, with nothing else behind it than a space, a ";" or
 * the end: 1 and *p behind it, 0 when there is none. */
int	 smtp_status_parse(const char **p, const char *end,
	    struct smtp_status *);
/* As text, "5.1.1"; "" for class 0.  Returns text. */
char	*smtp_status_text(const struct smtp_status *,
	    char text[SMTP_STATUS_MAX]);

/* What a server offers in its answer to EHLO. */
enum {
	SMTP_CAN_PIPELINING = 0x001,
	SMTP_CAN_8BITMIME = 0x002,
	SMTP_CAN_SIZE = 0x004,
	SMTP_CAN_STARTTLS = 0x008,
	SMTP_CAN_DSN = 0x010,
	SMTP_CAN_ENHANCED = 0x020,
	SMTP_CAN_AUTH_PLAIN = 0x040,
	SMTP_CAN_AUTH_LOGIN = 0x080,
	SMTP_CAN_CHUNKING = 0x100,
	SMTP_CAN_SMTPUTF8 = 0x200,
	SMTP_CAN_REQUIRETLS = 0x400,
	SMTP_CAN_DELIVERBY = 0x800,
	SMTP_CAN_AUTH_SCRAM_SHA_256 = 0x1000
};

struct smtp_ehlo {
	unsigned	can;
	uint64_t	size;		/* 0: none given */
	uint64_t	min_by;		/* DELIVERBY: the shortest time */
	char		name[256];	/* the server's, from the first line */
};

void	 smtp_ehlo_parse(struct smtp_ehlo *, const struct smtp_reply *);

#endif
