/* SPDX-License-Identifier: ISC
 *
 * Memory of a process that will wait for long.
 */
#ifndef SYSTEM_MEMORY_H
#define SYSTEM_MEMORY_H

#include <stddef.h>

#define MEMORY_REST	2000	/* ms of quiet before it is worth the while */

/* Give back to the system what was freed, and the stack below the caller. */
void	 memory_rest(void);

/* The whole pages in this object, which is not on the heap, are wanted no more:
 * they read as zero from now on, or as they were. */
void	 memory_drop(void *, size_t);

#endif
