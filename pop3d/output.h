/* SPDX-License-Identifier: ISC
 *
 * Long answers: collected in one large buffer before they are the stream's, so
 * that listings and messages, and several answers to a client that does not
 * wait, go out in few writes.  A process has one buffer.
 */
#ifndef POP3D_OUTPUT_H
#define POP3D_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "mail/message.h"

struct stream;

/* A block of a message with its line ends doubled, the reply before it and the
 * end behind it. */
#define OUTPUT_SIZE	(MESSAGE_BLOCK + 1024)

struct output {
	struct stream	*io;
	size_t		 n;
	char		 v[OUTPUT_SIZE];
};

/* Begin an answer behind what is there already. */
struct output *output_begin(struct stream *);

/* Give all that is there to the stream.  To be called before anything else is
 * written to it, and before a read that may wait. */
void	 output_flush(void);

/* Room for n octets (n <= OUTPUT_SIZE) at v[n], for which what is there is
 * flushed if need be.  Failures are the stream's to tell. */
void	 output_room(struct output *, size_t n);

/* Append, room having been made. */
void	 output_octets(struct output *, const void *, size_t);
void	 output_text(struct output *, const char *);
#define OUTPUT_NUMBER_MAX	20
void	 output_number(struct output *, uint64_t);

#endif
