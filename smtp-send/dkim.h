/* SPDX-License-Identifier: ISC
 *
 * What a person does about the keys that mail is signed with: make one, and
 * see the record that publishes it.
 */
#ifndef SMTP_SEND_DKIM_H
#define SMTP_SEND_DKIM_H

#include <stddef.h>

#include "mail/settings.h"

/*
 * Make a key: argv[] is SELECTOR and perhaps "rsa" or "ed25519".  It goes to a
 * new file in the folder dkim beside the configuration, which spool_user alone
 * may read; its record and its line of configuration are printed, in the form
 * of a zone file.  Returns an exit code; what went wrong was said on standard
 * error.
 */
int	 dkim_make(const struct settings *, const char *domain, char **argv,
	    size_t n);

/* Print the records of the configured keys: all, or those of these domains. */
int	 dkim_print(const struct settings *, char **domains, size_t n);

#endif
