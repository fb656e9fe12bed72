/* SPDX-License-Identifier: ISC
 *
 * What the agent and its signing processes say to each other.  Only signer*.c
 * includes this.
 */
#ifndef SMTP_SEND_SIGNER_LOCAL_H
#define SMTP_SEND_SIGNER_LOCAL_H

#include <stdint.h>

#include "signer.h"

/* Down, with the descriptor of the message beside it. */
struct signer_request {
	int64_t		at;
	uint32_t	convert;
};

/* Up: lengths of the texts behind it, each with its NUL (0: there is none);
 * the descriptor of the 7-bit form beside it. */
struct signer_answer {
	uint32_t	outcome;	/* enum signer_outcome */
	uint32_t	why, prefix, prefix_7bit;
};

#define SIGNER_ANSWER_MAX	(sizeof(struct signer_answer) +		\
				CONF_ERROR_MAX + 2 * (DKIM_PREFIX_MAX + 1))

/* The process: says by one answer (why is the fault) whether it has the keys,
 * and serves.  Returns when the agent has closed its end. */
void	 signer_main(const struct settings *, int sock);

#endif
