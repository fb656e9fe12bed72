/* SPDX-License-Identifier: ISC
 *
 * A connection to a UNIX socket of this host.
 */
#ifndef SMTP_SEND_REACH_H
#define SMTP_SEND_REACH_H

/* A descriptor, or -1 errno. */
int	 reach_unix(const char *path);

#endif
