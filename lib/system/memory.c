/* SPDX-License-Identifier: ISC
 *
 * What a thousand idle sessions have freed is worth more to the system than the
 * faults with which they get it again.  A forked process also keeps the pages
 * as they were that its parent has written to since.
 */
#include <sys/mman.h>

#include <malloc.h>
#include <stdint.h>
#include <unistd.h>

#include "system/memory.h"

#define STACK_MAX	(1024 * 1024)	/* octets that are looked at */

void
memory_drop(void *p, size_t n)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)p + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)p + n) & ~(page - 1);

	if (end > from)
		(void)madvise((void *)from, end - from, MADV_DONTNEED);
}

/* What was deeper once; of it only what is there. */
static void
drop_stack(void)
{
#ifndef __SANITIZE_ADDRESS__
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(page - 1);

	/* Two pages stand between it and what is in use. */
	memory_drop((void *)(here - STACK_MAX), STACK_MAX - 2 * page);
#endif
}

void
memory_rest(void)
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
	drop_stack();
}
