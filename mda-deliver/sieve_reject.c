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
 *
 * NOTE: lines become one.
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
#define REPORT_MAX	(1u << 20)
#define RETURN_MAX	(64u << 10)	/* of a header that goes back */

static bool
is_ascii(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && (p[i] & 0x80) == 0; i++)
		;
	return i == n;
}

/* On one line, without controls. */
static void
flatten(struct buf *to, const char *p, size_t n)
{
	const char *end = p + n;
	bool blank = false;

	for (; p < end; p++) {
		if (!char_is(*p, CHAR_PRINT) || *p == ' ') {
			blank = to->len > 0;
			continue;
		}
		if (blank)
			buf_addc(to, ' ');
		blank = false;
		buf_addc(to, *p);
	}
}

/* The sender hears it from whoever brought the message. */
static int
refuse(struct sieve_run *r, const char *word, const struct buf *reason)
{
	const char *p = reason->len == 0 ? "" : reason->data;
	bool ascii = is_ascii(p, reason->len);
	char shown[SIEVE_SHOWN];
	struct buf words, text;
	int ret = -1;

	buf_init(&words, PLAN_TEXT_MAX - 16);
	buf_init(&text, PLAN_TEXT_MAX);
	if (ascii)
		flatten(&words, p, reason->len);
	if (words.len == 0)
		buf_adds(&words, "refused by the recipient's mail filter");
	if (buf_failed(&words) || buf_addf(&text, STATUS " %s",
	    buf_str(&words)) == -1)
		(void)sieve_nomem(r);
	else if (sieve_dest(r, DEST_REJECT, buf_str(&text)) != NULL) {
		sieve_say(r, "%s: it is refused: \"%s\"%s", word,
		    sieve_shown(shown, words.data, words.len), ascii ? "" :
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
	    is_ascii(f.value, f.value_len))
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
		ret = exact && (r->mail->queued ||
		    !is_ascii(buf_str(&reason), reason.len)) ?
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
