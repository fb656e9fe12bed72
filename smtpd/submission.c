/* SPDX-License-Identifier: ISC
 *
 * What a message submission server does to a header (RFC 6409).
 */
#include <stdlib.h>

#include "grammar/date.h"
#include "grammar/message_id.h"
#include "incoming.h"

/* The fields that are missing. */
enum reply
submission_header(struct incoming *in, struct buf *header)
{
	char id[MESSAGE_ID_MAX], date[DATE_MAX];
	uint64_t random;

	if (!(in->data.facts & SMTP_DATA_HAS_DATE))
		buf_addf(header, "Date: %s\n",
		    date_format(date, in->now, in->zone));
	if (!(in->data.facts & SMTP_DATA_HAS_MESSAGE_ID)) {
		arc4random_buf(&random, sizeof(random));
		buf_addf(header, "Message-ID: %s\n",
		    message_id_make(id, (uint64_t)in->now, random,
		    smtpd.settings->hostname));
	}
	return REPLY_NONE;
}
