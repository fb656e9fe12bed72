/* SPDX-License-Identifier: ISC
 *
 * What a user's rules have seen and answered: whom vacation told, which
 * messages "duplicate" knows.  One small file in the user's home (or Maildir):
 * lines of an expiry and a hash; what has expired goes when it is written
 * anew.
 */
#ifndef MDA_DELIVER_SEEN_H
#define MDA_DELIVER_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "plan.h"

#define SEEN_FILE	".stdmail-seen"
#define SEEN_FILE_MAX	(4u << 20)	/* octets; the oldest go */

/* The folder of the file: his home where that is one, else his mailbox when it
 * is a Maildir.  One of the arguments, or NULL: nothing can be remembered. */
const char *seen_dir(const char *home, const char *mailbox);

/* The id of words (what it is about, parts of the message), each of them
 * hashed with its length. */
void	 seen_id(unsigned char id[16], const char *const words[], size_t n);

/* Is it remembered?  1 yes; 0 no, or there is no file; -1 errno. */
int	 seen_test(const char *dir, const unsigned char id[16], int64_t now);

/* Remember it.  Safe against others at the same time.  A power cut may make it
 * forgotten again: no sync is waited for.  0; -1 errno: EAGAIN others had the
 * file for too long. */
int	 seen_mark(const char *dir, const struct plan_mark *, int64_t now);

#endif
