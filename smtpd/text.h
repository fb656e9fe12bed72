/* SPDX-License-Identifier: ISC
 *
 * A message that filters look at, and change, before it is taken: its header in
 * memory, its body in the draft.  In disk form.
 */
#ifndef SMTPD_TEXT_H
#define SMTPD_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "grammar/fields.h"
#include "mail/spool.h"

struct text {
	bool		 loaded;
	int		 fd;		/* of the draft */
	char		*header;	/* as it came */
	struct fields	 fields;
	bool		 blank;		/* a blank line ends the header */
	uint64_t	 body, body_len; /* where in the draft */
};

/* Read the header of a draft of this size that is written and flushed.  0, or
 * -1 with errno; EMSGSIZE: the header is too long. */
#define TEXT_HEADER_MAX	(1u << 20)
int	 text_load(struct text *, int fd, uint64_t size);
void	 text_free(struct text *);

/* Give all of it to put(), piece by piece, until it returns false.  0, or -1
 * with errno (0: put() returned false). */
typedef bool text_put(void *, const char *, size_t);
int	 text_send(const struct text *, text_put *, void *arg);

/* A body in place of the one there is: octets with CRLF line ends come behind
 * the draft's. */
struct text_body {
	struct text	*text;
	struct spool_writer *w;
	struct crlf	 ends;
	bool		 begun;
	uint64_t	 body, max;
};
/* 0, or -1 with errno; EFBIG: over max octets. */
int	 text_body_add(struct text_body *, const char *, size_t);
/* It is whole, and now the body.  0, or -1 with errno. */
int	 text_body_end(struct text_body *);

#endif
