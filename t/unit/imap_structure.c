/* SPDX-License-Identifier: ISC
 *
 * Proves ENVELOPE, BODY and BODYSTRUCTURE, row by row, from the message to
 * the answer.
 */
#include "grammar/imap_write.h"
#include "tap.h"

static const struct {
	const char	*what, *in, *want;
} envelopes[] = {
	/* The example of RFC 3501 section 8. */
	{ "the RFC's example",
	    "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\n"
	    "From: Terry Gray <gray@cac.washington.edu>\n"
	    "Subject: IMAP4rev1 WG mtg summary and minutes\n"
	    "To: imap@cac.washington.edu\n"
	    "cc: minutes@CNRI.Reston.VA.US,\n"
	    "   John Klensin <KLENSIN@MIT.EDU>\n"
	    "Message-Id: <B27397-0100000@cac.washington.edu>\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\n",
	    "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
	    "\"IMAP4rev1 WG mtg summary and minutes\" "
	    "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	    "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	    "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
	    "((NIL NIL \"imap\" \"cac.washington.edu\")) "
	    "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
	    "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL "
	    "\"<B27397-0100000@cac.washington.edu>\")" },
	{ "nothing", "\n", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "empty fields", "Subject:\nFrom: \nTo:\n\n",
	    "(NIL \"\" NIL NIL NIL NIL NIL NIL NIL NIL)" },
	{ "a group", "To: A group:a@b,Joe <j@c>;, d@e\n\n",
	    "(NIL NIL NIL NIL NIL ((NIL NIL \"A group\" NIL)"
	    "(NIL NIL \"a\" \"b\")(\"Joe\" NIL \"j\" \"c\")"
	    "(NIL NIL NIL NIL)(NIL NIL \"d\" \"e\")) NIL NIL NIL NIL)" },
	{ "Sender and Reply-To of their own",
	    "From: a@b\nSender: c@d\nReply-To: e@f\n\n",
	    "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"c\" \"d\")) "
	    "((NIL NIL \"e\" \"f\")) NIL NIL NIL NIL NIL)" },
	{ "8-bit goes as a literal", "Subject: \xe9t\xe9\n\n",
	    "(NIL {3}\r\n\xe9t\xe9 NIL NIL NIL NIL NIL NIL NIL NIL)" },
};

static const struct {
	const char	*what, *in, *body, *structure;
} bodies[] = {
	{ "plain", "\na\nb\n",
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" "
	    "6 2)",
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" "
	    "6 2 NIL NIL NIL NIL)" },
	{ "html with all there is",
	    "Content-Type: text/html; charset=utf-8; format=flowed\n"
	    "Content-ID: <i>\nContent-Description: d\n"
	    "Content-Transfer-Encoding: quoted-printable\n"
	    "Content-MD5: m==\nContent-Language: en, de\n"
	    "Content-Location: http://x\n"
	    "Content-Disposition: attachment; filename*0*=utf-8''a;\n"
	    " filename*1=\"b c\"\n\nx",
	    "(\"TEXT\" \"HTML\" (\"CHARSET\" \"utf-8\" \"FORMAT\" "
	    "\"flowed\") \"<i>\" \"d\" \"QUOTED-PRINTABLE\" 1 0)",
	    "(\"TEXT\" \"HTML\" (\"CHARSET\" \"utf-8\" \"FORMAT\" "
	    "\"flowed\") \"<i>\" \"d\" \"QUOTED-PRINTABLE\" 1 0 \"m==\" "
	    "(\"ATTACHMENT\" (\"FILENAME*0*\" \"utf-8''a\" \"FILENAME*1\" "
	    "\"b c\")) (\"en\" \"de\") \"http://x\")" },
	{ "a multipart",
	    "Content-Type: multipart/mixed; boundary=b\n"
	    "Content-Disposition: inline\nContent-Language: fr\n\n"
	    "--b\n\none\n--b\n"
	    "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n"
	    "AAAA\n--b--\n",
	    "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL "
	    "\"7BIT\" 3 0)(\"IMAGE\" \"PNG\" NIL NIL NIL \"BASE64\" 4) "
	    "\"MIXED\")",
	    "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL "
	    "\"7BIT\" 3 0 NIL NIL NIL NIL)(\"IMAGE\" \"PNG\" NIL NIL NIL "
	    "\"BASE64\" 4 NIL NIL NIL NIL) \"MIXED\" (\"BOUNDARY\" \"b\") "
	    "(\"INLINE\" NIL) \"fr\" NIL)" },
	{ "a message",
	    "Content-Type: message/rfc822\n\nSubject: s\n\nhi\n",
	    "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 18 "
	    "(NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" "
	    "4 1) 3)",
	    "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 18 "
	    "(NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	    "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" "
	    "4 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL)" },
	{ "a multipart without parts",
	    "Content-Type: multipart/x\n\n",
	    "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL "
	    "\"7BIT\" 0 0) \"X\")",
	    "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL "
	    "\"7BIT\" 0 0 NIL NIL NIL NIL) \"X\" NIL NIL NIL NIL)" },
};

int
main(void)
{
	struct mime m;
	struct buf b;
	size_t i;

	buf_init(&b, 1 << 20);
	for (i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); i++) {
		mime_parse(&m, envelopes[i].in, strlen(envelopes[i].in));
		buf_reset(&b);
		imap_write_envelope(&b, &m, &m.part[0]);
		is_str(buf_str(&b), envelopes[i].want, envelopes[i].what);
		mime_free(&m);
	}
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		mime_parse(&m, bodies[i].in, strlen(bodies[i].in));
		buf_reset(&b);
		imap_write_body(&b, &m, &m.part[0], 0);
		is_str(buf_str(&b), bodies[i].body, bodies[i].what);
		buf_reset(&b);
		imap_write_body(&b, &m, &m.part[0], 1);
		is_str(buf_str(&b), bodies[i].structure, bodies[i].what);
		mime_free(&m);
	}
	buf_free(&b);
	return done();
}
