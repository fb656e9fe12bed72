/* SPDX-License-Identifier: ISC
 *
 * Many questions to the DNS about one thing: all that are known are asked at
 * once, none is asked twice, and all answers live until the end.
 */
#ifndef MAIL_ASK_H
#define MAIL_ASK_H

#include <stddef.h>

#include "system/dns.h"

#define ASK_MAX	1024	/* further ones have no answer (DNS_TEMPORARY) */
#define ASK_TIME (120 * 1000)	/* ms since ask_new(): later ones have none */

/* The number of a question that is not asked and whose answer is that there is
 * nothing. */
#define ASK_NOTHING	(ASK_MAX + 2)

struct ask;

/* NULL: no memory.  While it lives nobody else asks this dns. */
struct ask *ask_new(struct dns *);

/* With all its answers; NULL is allowed. */
void	 ask_free(struct ask *);

/* Ask, without waiting; what was asked before is not asked again (letter case
 * apart).  Returns a number for ask_answer(), never 0. */
size_t	 ask(struct ask *, enum dns_type, const char *name);

/* Wait until all that was asked has its answer. */
void	 ask_wait(struct ask *);

/* An answer, after ask_wait(); for 0, too, there is one that says nothing
 * (DNS_TEMPORARY).  Never NULL. */
const struct dns_answer *ask_answer(const struct ask *, size_t);

/* ask() and ask_wait(). */
const struct dns_answer *ask_now(struct ask *, enum dns_type,
	    const char *name);

#endif
