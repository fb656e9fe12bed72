/* SPDX-License-Identifier: ISC
 *
 * Where OpenSSL's memory is; for tls.c and tls_context.c.
 */
#ifndef SYSTEM_TLS_MEMORY_H
#define SYSTEM_TLS_MEMORY_H

/* OpenSSL gets its memory here; to be called before it has any. */
void	 tls_memory_init(void);

/* From now on it gets it from the heap: a forked process begins its work. */
void	 tls_memory_end(void);

/* And from now on it is not used: what it has in the region reads as zero. */
void	 tls_memory_drop(void);

#endif
