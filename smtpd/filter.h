/* SPDX-License-Identifier: ISC
 *
 * The filter: a program that gets a message on its standard input and says what
 * becomes of it.  The door asks (filter.c), a helper of the monitor runs it
 * (monitor_filter.c).
 */
#ifndef SMTPD_FILTER_H
#define SMTPD_FILTER_H

#include "incoming.h"
#include "smtpd.h"

#define FILTER_OUTPUT_MAX	8192
#define FILTER_RCPTS_MAX	12000

/* Exit codes. */
#define FILTER_EXIT_TAKE	0
#define FILTER_EXIT_DATA	65	/* EX_DATAERR: refuse */
#define FILTER_EXIT_LATER	75	/* EX_TEMPFAIL */
#define FILTER_EXIT_REFUSE	77	/* EX_NOPERM: refuse */
#define FILTER_EXIT_HOLD	99

struct filter_request {
	struct address	sender;
	uint32_t	nrcpts;
	char		rcpts[FILTER_RCPTS_MAX];	/* one in a line, as
							 * many as fit */
	char		name[DNS_NAME_MAX];
	char		helo[256];
	char		login[SASL_NAME_MAX + 1];
};

struct filter_reply {
	int32_t		ran;		/* 0: it did not, or not to its end */
	int32_t		code;		/* its exit code */
	uint32_t	len;
	char		output[FILTER_OUTPUT_MAX];
};

_Static_assert(sizeof(struct filter_request) < SERVER_MESSAGE_MAX - 64,
    "a request fits in a message");

/* Ask it about the message in in->text.  As milter_message(). */
enum reply filter_message(struct incoming *, char *reason, size_t size);

/* In the monitor, and in a helper of it. */
int	 filter_check(struct server_call *);
void	 filter_run(struct server_call *);

#endif
