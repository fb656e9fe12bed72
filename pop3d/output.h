/* SPDX-License-Identifier: ISC
 *
 * Long answers: collected in one large buffer, so that a listing or a message
 * goes out in few writes.  There is one buffer in a process, and nothing stays
 * in it between commands.
 */
#ifndef POP3D_OUTPUT_H
#define POP3D_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "mail/message.h"

struct stream;

/* A block of a message, its line ends doubled, a reply before it and the end
 * behind it. */
#define OUTPUT_SIZE	(MESSAGE_BLOCK + 1024)

struct output {
	struct stream	*io;
	size_t		 n;
	char		 v[OUTPUT_SIZE];
};

/* Begin an answer; good until output_end(). */
struct output *output_begin(struct stream *);

/* Room for n octets (n <= OUTPUT_SIZE) at v[n]: what is there goes out if need
 * be.  Failures are the stream's to tell. */
void	 output_room(struct output *, size_t n);

/* Append, room having been made. */
void	 output_octets(struct output *, const void *, size_t);
void	 output_text(struct output *, const char *);
#define OUTPUT_NUMBER_MAX	20
void	 output_number(struct output *, uint64_t);

/* Give all of it to the stream. */
void	 output_end(struct output *);

#endif
