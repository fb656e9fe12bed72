/* SPDX-License-Identifier: ISC
 *
 * Proves that no line breaks the command parser, and that what it keeps is
 * terminated, printable and within the line.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/utf8.h"
#include "grammar/smtp_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
printable(const char *s, size_t size)
{
	if (strnlen(s, size) == size)
		abort();
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			abort();
}

/* The same, or UTF-8. */
static void
text(const char *s, size_t size)
{
	if (strnlen(s, size) == size || !utf8_valid(s, strlen(s)))
		abort();
	for (; *s != '\0'; s++)
		if ((*s >= 0 && *s < ' ') || *s == 0x7f)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *line = (const char *)data;
	struct smtp_command c;
	struct buf a, b;

	smtp_command_parse(&c, line, size, SMTP_AUTH_LINE_MAX);
	printable(c.word, sizeof(c.word));
	printable(c.helo, sizeof(c.helo));
	printable(c.params.envid, sizeof(c.params.envid));
	text(c.path.local, sizeof(c.path.local));
	text(c.path.domain, sizeof(c.path.domain));
	text(c.params.orcpt, sizeof(c.params.orcpt));
	if (c.arg < line || c.arg + c.arg_len > line + size)
		abort();
	if (c.initial != NULL && (c.initial < line ||
	    c.initial + c.initial_len > line + size))
		abort();
	if (c.why == NULL || (c.fault == SMTP_ADDRESS) != (c.why[0] != '\0'))
		abort();
	if (c.fault == SMTP_GOOD && memchr(line, '\0', size) != NULL)
		abort();
	buf_init(&a, 3 * size + 1);
	buf_init(&b, size + 1);
	smtp_xtext_decode(&b, line, size);
	buf_reset(&b);
	smtp_xtext_encode(&a, line, size);
	if (smtp_xtext_decode(&b, a.data, a.len) != 1 || b.len != size ||
	    (size > 0 && memcmp(b.data, line, size) != 0))
		abort();
	buf_free(&a);
	buf_free(&b);
	return 0;
}
