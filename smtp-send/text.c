/* SPDX-License-Identifier: ISC
 *
 * The octets of a message before they are sent: how many there are, and
 * whether a host that takes 7 bits alone can have them.
 */
#include <errno.h>
#include <string.h>

#include "bytes/crlf.h"
#include "client.h"
#include "mail/convert.h"
#include "system/fdio.h"
#include "wish.h"

static void
measure(struct client_text *t, struct crlf *crlf, const char *p, size_t n)
{
	size_t i;

	t->wire += n + crlf_wire_extra(crlf, p, n);
	for (i = 0; i < n && !t->eightbit; i++)
		t->eightbit = (p[i] & 0x80) != 0;
}

int
client_text_measure(struct client_text *t, struct wish_scan *scan)
{
	char block[65536];
	struct crlf crlf = { 0 };
	off_t at = t->offset;
	ssize_t got;

	t->wire = 0;
	t->eightbit = false;
	measure(t, &crlf, t->prefix, strlen(t->prefix));
	while ((got = fd_pread_all(t->fd, block, sizeof(block), at)) > 0) {
		at += got;
		measure(t, &crlf, block, (size_t)got);
		if (scan != NULL)
			wish_scan(scan, block, (size_t)got);
		if ((size_t)got < sizeof(block))
			break;
	}
	return got == -1 ? -1 : 0;
}

int
client_text_seven(struct client_message *m, const char **why)
{
	struct client_text seven = { .prefix = "" };

	if (m->seven.fd != -1)
		return 1;
	/* A signature of ours before it is one of these octets. */
	if (m->text.prefix[0] != '\0') {
		*why = "it is signed as it is";
		return 0;
	}
	switch (convert_7bit(m->text.fd, m->text.offset, &seven.fd, why)) {
	case CONVERTED:
		break;
	case CONVERT_NEVER:
		return 0;
	case CONVERT_FAILED:
		return -1;
	}
	if (client_text_measure(&seven, NULL) == -1)
		return -1;
	m->seven = seven;
	return 1;
}
