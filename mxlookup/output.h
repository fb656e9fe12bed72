/* SPDX-License-Identifier: ISC
 *
 * What mxlookup prints of one domain: lines of a table, or a line of JSON.
 */
#ifndef MXLOOKUP_OUTPUT_H
#define MXLOOKUP_OUTPUT_H

#include "bytes/buf.h"
#include "mail/mx.h"

/* Append the lines of a domain; it is shown as it was given.  names: the
 * addresses were not asked for.  Whether all fitted buf_failed() says. */
void	 output_table(struct buf *, const char *domain, const struct mx_list *,
	    int names);
void	 output_json(struct buf *, const char *domain, const struct mx_list *,
	    int names);

#endif
