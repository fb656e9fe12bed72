/* SPDX-License-Identifier: ISC
 *
 * Proves that no server breaks the reply parser: bounded text, nothing in it
 * that is not printable, and what is written of it is a reply again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/smtp_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct smtp_reply *r)
{
	struct smtp_ehlo e;
	size_t i;

	if (r->text.len > SMTP_REPLY_TEXT_MAX ||
	    r->lines > SMTP_REPLY_LINES_MAX ||
	    !utf8_valid(r->text.data == NULL ? "" : r->text.data,
	    r->text.len))
		abort();
	for (i = 0; i < r->text.len; i++)
		if ((unsigned char)r->text.data[i] < ' ' &&
		    r->text.data[i] != '\n')
			abort();
	smtp_ehlo_parse(&e, r);
	if (strnlen(e.name, sizeof(e.name)) == sizeof(e.name))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *lf;
	struct smtp_reply r;
	int got;

	smtp_reply_init(&r);
	for (; p < end; p = lf + 1) {
		if ((lf = memchr(p, '\n', (size_t)(end - p))) == NULL)
			lf = end;
		got = smtp_reply_line(&r, p, (size_t)(lf - p));
		check(&r);
		if (got == -1)
			break;
		if (got == 1)
			smtp_reply_reset(&r);
		if (lf == end)
			break;
	}
	smtp_reply_free(&r);
	return 0;
}
