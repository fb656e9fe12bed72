/* SPDX-License-Identifier: ISC
 *
 * Mail that its owner refuses: reject and ereject (RFC 5429).  The null sender
 * must never be answered: what comes from there is kept, so that no bounce is
 * lost, and so is postmaster's mail.
 *
 * The words of reject go to whoever delivers when they are in ASCII and he is
 * still there to hear them, as an LMTP client is (RFC 5429, section 2.2); else
 * the sender has them in a report of their own.  Those of ereject are never in
 * one: the queue's report of failure has them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/compose.h"
#include "grammar/header.h"
#include "grammar/surrogate.h"
#include "mail/start.h"
#include "sieve_actions.h"

#define STATUS		"5.7.1"		/* RFC 5429, section 2.5 */
#define OURS		"refused by the recipient's mail filter"
#define REPORT_MAX	(1u << 20)
#define RETURN_MAX	(64u << 10)	/* of a header that goes back */

static bool
is_blank(char c)
{
	return (c & 0x80) == 0 && (c == ' ' || !char_is(c, CHAR_PRINT));
}

/* Its lines, with LF between; none at either end is empty, and other controls
 * are blanks. */
static void
add_lines(struct buf *to, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && is_blank(*p))
		p++;
	while (p < end && is_blank(end[-1]))
		end--;
	for (; p < end; p++)
		if (*p != '\r' || p[1] != '\n')
			buf_addc(to, *p == '\n' || !is_blank(*p) ? *p : ' ');
}

/* Can it be told to a client that is still there?  Not in its language
 * (RFC 5429, section 2.1.1), nor at any length. */
static bool
fits_reply(const struct buf *reason)
{
	size_t i, lines = 1;

	for (i = 0; i < reason->len; i++)
		lines += reason->data[i] == '\n';
	return lines <= PLAN_REPLY_LINES && reason->len <= PLAN_REPLY_MAX &&
	    chars_ascii(reason->data, reason->len);
}

/* The sender hears it from whoever brought the message. */
static int
refuse(struct sieve_run *r, const char *word, const struct buf *reason)
{
	bool hears = r->mail->queued ||
	    chars_ascii(reason->data, reason->len);
	char shown[SIEVE_SHOWN];
	struct buf words, text;
	int ret = -1;

	buf_init(&words, SIEVE_VALUE_MAX);
	buf_init(&text, PLAN_TEXT_MAX);
	if (hears)
		add_lines(&words, reason->data, reason->len);
	buf_adds(&text, STATUS " ");
	if (words.len == 0 || r->mail->queued)
		buf_adds(&text, OURS);
	if (words.len > 0 && r->mail->queued)
		buf_adds(&text, ":\n");
	buf_add(&text, words.data, words.len);
	if (buf_failed(&words) || buf_failed(&text))
		(void)sieve_nomem(r);
	else if (sieve_dest(r, DEST_REJECT, buf_str(&text)) != NULL) {
		sieve_say(r, "%s: it is refused: \"%s\"%s", word,
		    sieve_shown(shown, text.data, text.len), hears ? "" :
		    " (only ASCII can be said)");
		ret = 0;
	}
	buf_free(&words);
	buf_free(&text);
	return ret;
}

/* ---- the report of RFC 5429, section 2.2.1 ---- */

/* What machines read (RFC 3798, section 3.1). */
static void
write_disposition(const struct sieve_run *r, struct buf *b,
    const struct address *owner)
{
	char text[ADDRESS_TEXT_MAX];
	struct header_field f;

	buf_addf(b, "Content-Type: message/disposition-notification\n\n"
	    "Reporting-UA: %s; stdmail %s\n", r->user->settings->hostname,
	    STDMAIL_VERSION);
	buf_addf(b, "Final-Recipient: rfc822; %s\n",
	    address_text(owner, text));
	if (header_find(r->mail->text, r->header.original, "Message-ID", &f) &&
	    chars_ascii(f.value, f.value_len))
		(void)compose_text(b, "Original-Message-ID", f.value,
		    f.value_len);
	buf_adds(b, "Disposition: automatic-action/MDN-sent-automatically; "
	    "deleted\n");
}

/* The header as it came, whatever was edited (RFC 5293, section 7); in ASCII
 * and with LF.  Nothing, when it becomes too long by that. */
static void
write_header(const struct sieve_run *r, struct buf *b)
{
	struct buf text;
	size_t i;

	buf_init(&text, 4 * RETURN_MAX);
	if (surrogate_header(&text, r->mail->text, r->header.original) == -1)
		buf_reset(&text);
	for (i = 0; i < text.len; i++)
		if (text.data[i] != '\r' && text.data[i] != '\0')
			buf_addc(b, text.data[i]);
	buf_free(&text);
}

static void
write_parts(const struct sieve_run *r, struct buf *b, const char *boundary,
    const struct buf *reason, const struct address *owner)
{
	struct buf words;

	buf_init(&words, SIEVE_VALUE_MAX + 256);
	buf_adds(&words, "The message was refused by the recipient's mail "
	    "filter.  The reason given was:\n\n");
	buf_add(&words, reason->data, reason->len);
	buf_addf(b, "\n--%s\n", boundary);
	if (buf_failed(&words))
		b->failed = 1;
	else
		(void)compose_part(b, buf_str(&words), words.len);
	buf_free(&words);
	buf_addf(b, "\n--%s\n", boundary);
	write_disposition(r, b, owner);
	if (r->header.original <= RETURN_MAX) {
		buf_addf(b, "\n--%s\nContent-Type: text/rfc822-headers\n\n",
		    boundary);
		write_header(r, b);
	}
	buf_addf(b, "\n--%s--\n", boundary);
}

static int
report(struct sieve_run *r, const char *word, const struct buf *reason)
{
	char from[ADDRESS_TEXT_MAX], to[ADDRESS_TEXT_MAX], boundary[20];
	struct address owner;
	struct buf b;
	int ret = -1;

	snprintf(boundary, sizeof(boundary), "m%08x%08x", arc4random(),
	    arc4random());
	sieve_owner(r, &owner);
	buf_init(&b, REPORT_MAX);
	(void)sieve_compose_begin(r, &b);
	buf_addf(&b, "From: %s\nTo: %s\n", address_text(&owner, from),
	    address_text(r->mail->from, to));
	buf_addf(&b, "Subject: Your message was refused\n"
	    "Auto-Submitted: auto-replied\n");
	(void)compose_ids(&b, r->mail->text, r->header.original);
	buf_addf(&b, "MIME-Version: 1.0\nContent-Type: multipart/report;\n"
	    " report-type=disposition-notification;\n boundary=\"%s\"\n",
	    boundary);
	write_parts(r, &b, boundary, reason, &owner);
	if (sieve_send(r, r->mail->from, &b) != NULL &&
	    sieve_dest(r, DEST_DISCARD, NULL) != NULL) {
		sieve_say(r, "%s: it is refused by a report to %s", word, to);
		ret = 0;
	}
	buf_free(&b);
	return ret;
}

static int
reject(struct sieve_run *r, const struct sieve_call *c, bool exact)
{
	const char *word = c->word->name;
	struct buf reason;
	int ret = -1;

	if (sieve_act(r, word, SIEVE_ACT_REJECTS) == -1)
		return -1;
	if (address_is_null(r->mail->from) || r->mail->precious) {
		sieve_say(r, "%s: not done: %s", word, r->mail->precious ?
		    "it is for postmaster, or a report" : "it comes from the "
		    "null sender, who must not be answered");
		return 0;
	}
	buf_init(&reason, SIEVE_VALUE_MAX);
	if (sieve_expand(r, &c->arg[0]->strings[0], &reason) == 0)
		ret = exact && (r->mail->queued || !fits_reply(&reason)) ?
		    report(r, word, &reason) : refuse(r, word, &reason);
	if (ret == 0)
		r->keep = false;
	buf_free(&reason);
	return ret;
}

int
sieve_run_reject(struct sieve_run *r, const struct sieve_call *c)
{
	return reject(r, c, true);
}

int
sieve_run_ereject(struct sieve_run *r, const struct sieve_call *c)
{
	return reject(r, c, false);
}
