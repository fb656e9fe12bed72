/* SPDX-License-Identifier: ISC
 *
 * The name of a place that several recipients of a message may lead to.
 */
#ifndef MDA_DELIVER_PLACE_H
#define MDA_DELIVER_PLACE_H

#include "message_local.h"

/*
 * Of a place of recipient i's plan (NULL: his mailbox), by what it is and not
 * by whom it is for: the same Maildir or folder, file or program with the same
 * rights, address; and the same header, flags and wishes.  False: nobody shares
 * it, or it is not there yet.
 */
bool	 place_key(const struct work *, size_t i, const struct dest *,
	    char key[ENVELOPE_KEY]);

/* Of an address on a list. */
void	 place_address_key(const struct address *, char key[ENVELOPE_KEY]);

/* Is it a key of these?  Else it is one of plan_key(). */
bool	 place_is_key(const char *key);

#endif
