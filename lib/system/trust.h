/* SPDX-License-Identifier: ISC
 *
 * May only its owner have written a file?  For files that say what becomes of
 * mail: who could write in one could read others' mail, and run programs as
 * its owner.
 */
#ifndef SYSTEM_TRUST_H
#define SYSTEM_TRUST_H

#include <sys/stat.h>

/*
 * What makes a file that was opened by this path, and is *st, writable by
 * others than its owner: its own mode, or that of the folder which it is in,
 * or which a symbolic link to it is in.  In a folder with the sticky bit
 * nobody takes the place of another's file.  NULL: nothing; else a few static
 * words that go behind the file's name.
 */
const char *trust_fault(const char *path, const struct stat *st);

/*
 * Open such a file to read.  A descriptor, the caller's to close, and *st
 * says which file it is; or -1 and *why in a few words, static or
 * strerror(3)'s, with errno: EINVAL it is no regular file, EPERM others may
 * write in it.
 */
int	 trust_open(const char *path, struct stat *st, const char **why);

#endif
