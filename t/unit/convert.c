/* SPDX-License-Identifier: ISC
 *
 * Proves that a message with 8-bit parts becomes one of 7 bits alone that
 * means the same (RFC 1652), that nothing else of it changes, and what is
 * never changed.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/convert.h"
#include "tap.h"

static const struct {
	const char	*what, *in, *out;	/* out NULL: never */
} rows[] = {
	{ "a text without MIME, in UTF-8",
	    "Subject: x\n\nna\xc3\xafve reading\n",
	    "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; "
	    "charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
	    "na=C3=AFve reading\n" },
	{ "and in an unknown character set",
	    "Subject: x\n\nna\xefve, but readable\n",
	    "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; "
	    "charset=unknown-8bit\nContent-Transfer-Encoding: "
	    "quoted-printable\n\nna=EFve, but readable\n" },
	{ "an encoding that is said is said anew, in its place",
	    "MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n"
	    "Content-Type: text/plain; charset=utf-8\n\n= \xc3\xa4 and more\n",
	    "MIME-Version: 1.0\nContent-Transfer-Encoding: quoted-printable\n"
	    "Content-Type: text/plain; charset=utf-8\n\n"
	    "=3D =C3=A4 and more\n" },
	{ "much of it: base64, with CRLF",
	    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n\n\xc3\xa4\xc3\xb6\n\xc3\xbc\n",
	    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: base64\n\nw6TDtg0Kw7wNCg==" },
	{ "only the parts that need it",
	    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
	    "Content-Transfer-Encoding: 8bit\n\npre\xc3\xa4mble\n--b\n\n"
	    "plain = text\n--b\nContent-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n\nthe w\xc3\xb6rd, long\n--b--\n"
	    "epilogue \xff\n",
	    "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
	    "Content-Transfer-Encoding: 7bit\n\npre??mble\n--b\n\n"
	    "plain = text\n--b\nContent-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: quoted-printable\n\n"
	    "the w=C3=B6rd, long\n--b--\nepilogue ?\n" },
	{ "a message in a message",
	    "MIME-Version: 1.0\nContent-Type: message/rfc822\n\n"
	    "Subject: in\nMIME-Version: 1.0\nContent-Type: text/plain; "
	    "charset=utf-8\n\nthe w\xc3\xb6rd, long\n",
	    "MIME-Version: 1.0\nContent-Type: message/rfc822\n\n"
	    "Subject: in\nMIME-Version: 1.0\nContent-Type: text/plain; "
	    "charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
	    "the w=C3=B6rd, long\n" },
	{ "nothing to do", "Subject: x\n\nall = plain\n",
	    "Subject: x\n\nall = plain\n" },
	{ "its sender has signed it",
	    "DKIM-Signature: v=1\nSubject: x\n\n\xc3\xa4\n", NULL },
	{ "its writer has signed a part",
	    "MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=b\n\n"
	    "--b\n\n\xc3\xa4\n--b\n\nsignature\n--b--\n", NULL },
	{ "8-bit octets in base64",
	    "MIME-Version: 1.0\nContent-Type: text/plain\n"
	    "Content-Transfer-Encoding: base64\n\nAAAA\xc3\n", NULL },
	{ "8-bit octets in what is no message that can be read",
	    "MIME-Version: 1.0\nContent-Type: message/partial\n\n\xc3\n",
	    NULL },
};

static int
file_of(const char *text, size_t n)
{
	int fd = memfd_create("in", MFD_CLOEXEC);

	if (fd == -1 || write(fd, "envelope\n", 9) != 9 ||
	    write(fd, text, n) != (ssize_t)n)
		exit(1);
	return fd;
}

static char *
text_of(int fd)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st) == -1 ||
	    (text = calloc(1, (size_t)st.st_size + 1)) == NULL ||
	    pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
		exit(1);
	return text;
}

static void
one(const char *what, const char *in, const char *want)
{
	const char *why = NULL;
	int fd = file_of(in, strlen(in)), to = -1;
	enum converted got = convert_7bit(fd, 9, &to, &why);
	char *text;

	ok(got == (want == NULL ? CONVERT_NEVER : CONVERTED) &&
	    (want == NULL) == (why != NULL), "%s", what);
	if (got == CONVERTED) {
		text = text_of(to);
		is_str(text, want == NULL ? "" : want, "... its text");
		free(text);
		close(to);
	}
	close(fd);
}

/* Longer than what is written at once. */
static void
large(void)
{
	const char *head = "MIME-Version: 1.0\nContent-Type: text/plain; "
	    "charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n";
	const char *line[] = { "much that is plain, \xc3\xa4, and more\n",
	    "\xd0\xb6\xd0\xb6\xd0\xb6\xd0\xb6 \xd0\xb6\xd0\xb6\n" };
	char *in = malloc(9000000), *p, *text;
	const char *why;
	int fd, to = -1, k, i;

	for (k = 0; k < 2; k++) {
		p = stpcpy(in, head);
		for (i = 0; i < 200000; i++)
			p = stpcpy(p, line[k]);
		fd = file_of(in, (size_t)(p - in));
		ok(convert_7bit(fd, 9, &to, &why) == CONVERTED,
		    "a large one, %d", k);
		text = text_of(to);
		for (i = 0; text[i] != '\0' && (text[i] & 0x80) == 0; i++)
			;
		ok(text[i] == '\0', "... has 7 bits alone");
		ok(strstr(text, k == 0 ? "=C3=A4, and more\nmuch" :
		    "0LbQttC20LYg0LbQtg0K") != NULL, "... and its text");
		free(text);
		close(fd);
		close(to);
	}
	free(in);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		one(rows[i].what, rows[i].in, rows[i].out);
	large();
	return done();
}
