/* SPDX-License-Identifier: ISC
 *
 * What a process that the agent forks must not keep: a lock on a message would
 * outlive the agent's, and another's socket would never end.
 */
#ifndef SMTP_SEND_CLOSE_OTHERS_H
#define SMTP_SEND_CLOSE_OTHERS_H

#include <stddef.h>

/* Close all but the standard streams and these; the array is sorted, and -1 in
 * it is nobody. */
void	 close_others(int *keep, size_t n);

#endif
