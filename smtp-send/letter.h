/* SPDX-License-Identifier: ISC
 *
 * A message as a program hands it to sendmail(8): from a header that may be
 * incomplete or missing to one that can be sent, and its recipients.
 */
#ifndef SMTP_SEND_LETTER_H
#define SMTP_SEND_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "bytes/buf.h"
#include "grammar/address.h"
#include "mail/envelope.h"

#define LETTER_RCPTS_MAX	10000

struct letter {
	/* Set by the caller: */
	const char	*domain;	/* of addresses without one */
	const char	*hostname;	/* for the Message-ID */
	const char	*name;		/* for From; "" none */
	struct address	 sender;
	bool		 from_header;	/* recipients from To, Cc, Bcc */
	time_t		 now;
	unsigned	 notify;	/* of all recipients: ENVELOPE_* */
	enum envelope_ret ret;
	const char	*envid;		/* NULL none */
	/* Filled in; freed by letter_free(): */
	struct address	*rcpts;
	size_t		 n, cap;
	struct buf	 text;		/* the message, in disk form */
	bool		 eightbit;
	char		 why[512];	/* what is wrong, for a person */
};

/* Add the recipients of a text as a header field has them: one address or
 * several, with names or without.  One that is there already is not added
 * again.  0, or -1 and why. */
int	 letter_add(struct letter *, const char *, size_t);

/*
 * Read the whole input; unless ignore_dots, a line of one dot ends it too.
 * 0; -1 with errno, EFBIG when it is larger than raw's maximum.
 */
int	 letter_read(struct buf *raw, int fd, bool ignore_dots);

/*
 * Make the text of the raw input: From, Date and Message-ID are added where
 * they are missing; Bcc and Return-Path go; a text that begins with no field
 * gets a header of its own.  With from_header, recipients are added, of the
 * Resent- fields where there are some.  0, or -1 and why.
 */
int	 letter_compose(struct letter *, const struct buf *raw);

void	 letter_free(struct letter *);

#endif
