/* SPDX-License-Identifier: ISC
 *
 * A message for hosts that take no 8-bit octets (RFC 1652, section 3): its
 * 8-bit parts become quoted-printable or base64, all else stays as it is.
 */
#ifndef MAIL_CONVERT_H
#define MAIL_CONVERT_H

#include <sys/types.h>

enum converted {
	CONVERTED,		/* *to is a descriptor of the new text */
	CONVERT_NEVER,		/* it must not be changed, *why says why: it
				 * is signed by another, or by its writer, or
				 * its structure cannot be relied on */
	CONVERT_FAILED		/* errno */
};

/*
 * Convert the message that begins at an octet of a file, in disk form (LF, or
 * CRLF).  The new text is a file in memory, to be read from its start, closed
 * and, if need be, sealed by the caller.  The 8-bit octets of a header, which
 * no encoding of a body can help, stay.  Holds the whole message in memory, at
 * most CONVERT_MAX octets; EFBIG.
 */
#define CONVERT_MAX	(256u << 20)
enum converted convert_7bit(int fd, off_t from, int *to, const char **why);

#endif
