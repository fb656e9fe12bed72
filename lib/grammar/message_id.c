/* SPDX-License-Identifier: ISC
 *
 * Message-ID: RFC 5322, section 3.6.4.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "grammar/message_id.h"

/* Letters that no one reads as one another, and no shell or URL minds. */
static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* 64 bits in base 32, most significant first, without leading zeros. */
static const char *
base32(char out[14], uint64_t v)
{
	char *p = out + 13;

	*p = '\0';
	do
		*--p = digits[v & 31];
	while ((v >>= 5) != 0);
	return p;
}

char *
message_id_make(char out[MESSAGE_ID_MAX], uint64_t time, uint64_t random,
    const char *host)
{
	char t[14], r[14];

	snprintf(out, MESSAGE_ID_MAX, "<%s.%s@%.255s>", base32(t, time),
	    base32(r, random), host);
	return out;
}

/*
 * msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]
 *
 * NOTE: anything without white space, "<" and ">" between "<" and ">" is one:
 * ids without "@" and with odd characters are threaded by all the same.  So is
 * one in a comment: brackets do not balance in what people type.
 */
int
message_id_next(const char **p, const char *end, const char **id,
    size_t *len)
{
	const char *q;

	while (*p < end) {
		if ((*p = memchr(*p, '<', (size_t)(end - *p))) == NULL) {
			*p = end;
			break;
		}
		for (q = *p + 1; q < end && (unsigned char)*q > ' ' &&
		    *q != '<' && *q != '>' && *q != 0x7f; q++)
			;
		if (q < end && *q == '>' && q > *p + 1) {
			*id = *p + 1;
			*len = (size_t)(q - *id);
			*p = q + 1;
			return 1;
		}
		*p = q > *p + 1 ? q : *p + 1;
	}
	return 0;
}
