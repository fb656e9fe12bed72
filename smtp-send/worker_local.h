/* SPDX-License-Identifier: ISC
 *
 * Between worker.c, on the side of who starts a worker, and worker_main.c,
 * which is the worker.
 */
#ifndef SMTP_SEND_WORKER_LOCAL_H
#define SMTP_SEND_WORKER_LOCAL_H

#include "worker.h"

/* The life of a worker behind its fork; up is its end of the socketpair.
 * Returns its exit code. */
int	 worker_main(const struct worker_set *, const char *key,
	    const char *domain, int up, pid_t parent);

#endif
