/* SPDX-License-Identifier: ISC
 *
 * Small honest calls on descriptors: whole writes, whole reads, passing a
 * descriptor to another process.  EINTR and short transfers end here.  Not
 * for a network peer: nothing here has a deadline (see system/stream.h).
 */
#ifndef SYSTEM_FDIO_H
#define SYSTEM_FDIO_H

#include <sys/stat.h>
#include <sys/types.h>

#include <stddef.h>

/* Write all of it; 0, or -1 with errno (a part may have been written).  On a
 * descriptor that does not block. */
int	 fd_write_all(int fd, const void *, size_t);

/* Read until n octets or end of file; how many, or -1 with errno. */
ssize_t	 fd_read_all(int fd, void *, size_t n);

/* The same at an offset, without moving the file's position. */
ssize_t	 fd_pread_all(int fd, void *, size_t n, off_t);

/* The text of a regular file of at most so many octets, *n of them and a NUL
 * behind; the caller's to free().  *st says which file it was.  NULL with
 * errno: EINVAL it is no regular file, EFBIG it is longer. */
char	*fd_read_file(const char *path, size_t most, struct stat *st,
	    size_t *n);

/*
 * One message of n octets (n >= 1) over a UNIX socket, with a descriptor
 * beside it, or -1 for none.  Returns 0, or -1 with errno (EMSGSIZE when a
 * stream socket took only a part, EAGAIN from one that does not block).  The
 * descriptor stays open here.
 */
int	 fd_send(int sock, const void *, size_t n, int fd);

/*
 * Receive one message of at most n octets; *fd becomes the descriptor beside
 * it (close-on-exec, the caller's to close), or -1.  Returns its octets, 0 at
 * the end, -1 with errno; EMSGSIZE: it was longer or brought more than one
 * descriptor (all closed).
 */
ssize_t	 fd_recv(int sock, void *, size_t n, int *fd);

#endif
