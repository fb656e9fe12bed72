/* SPDX-License-Identifier: ISC
 *
 * The text of a report.  It says who got the message or did not, in the words
 * of whoever refused it, and what a person can do now; then the same for
 * machines (RFC 3464, RFC 6533); then the message or its header.  Whatever
 * these hold, the parts are 7-bit, so that any way back will do.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/qp.h"
#include "bytes/utf8.h"
#include "grammar/date.h"
#include "grammar/header.h"
#include "grammar/message_id.h"
#include "grammar/smtp_reply.h"
#include "mail/advice.h"
#include "mail/bounce.h"
#include "system/fdio.h"

#define RETURN_MAX	100000	/* octets of a message that goes back whole */
#define HEADER_MAX	32768	/* of a header that goes back */

/* Where the lists of recipients end, so that all the rest has room, also when
 * every octet is encoded as three. */
#define TEXT_MAX	(192u << 10)
#define STATUS_MAX	(384u << 10)

/* Octets of a text that stands on one line, which has at most 998 (RFC 5322,
 * section 2.1.1). */
#define LINE_LONGEST	900

/* What is said of a recipient; the first that is there names the report. */
static const struct {
	const char	*name;		/* RFC 3464, section 2.3.3 */
	const char	*subject;
	const char	*intro;
	const char	*end;
	const char	*status;	/* when the words have none */
} actions[] = {
	[BOUNCE_NOTHING] = { "", "", "", "", "" },
	[BOUNCE_FAILED] = { "failed", "Your message could not be delivered",
	    "Your message could not be delivered to:",
	    "The message will not be tried again for them.", "5.0.0" },
	[BOUNCE_DELAYED] = { "delayed", "Your message is delayed",
	    "Your message could not be delivered yet to:",
	    "It will be tried again; you need do nothing.", "4.4.7" },
	[BOUNCE_DELIVERED] = { "delivered", "Your message was delivered",
	    "Your message is in the mailbox of:", "", "2.0.0" },
	[BOUNCE_RELAYED] = { "relayed", "Your message was sent on",
	    "Your message was taken by the next host for:",
	    "That host may not report what becomes of it.", "2.0.0" },
	[BOUNCE_EXPANDED] = { "expanded", "Your message was sent on",
	    "Your message was sent on to those who stand behind:",
	    "Of them only a failure will be reported.", "2.0.0" },
};
#define ACTIONS	(sizeof(actions) / sizeof(actions[0]))

/* A status of another class than the fate's is not about it; 4.4.7 is said of
 * what was tried for long and then failed. */
static void
split_words(struct envelope_words *w, const struct envelope_rcpt *r,
    enum bounce_action action)
{
	const char *usual = actions[action].status;

	envelope_words_parse(w, r->reply);
	if (w->status[0] == '\0' ||
	    (action != BOUNCE_FAILED && w->status[0] != usual[0]))
		strlcpy(w->status, usual, sizeof(w->status));
}

/* Are these the words of the host, an SMTP reply, and not ours about it?  Only
 * such ones are of type smtp (RFC 3461, section 9.2). */
static bool
host_said(const struct envelope_words *w)
{
	return w->host[0] != '\0' && w->reply[0] >= '2' &&
	    w->reply[0] <= '5' && strspn(w->reply, "0123456789") == 3;
}

static bool
is_ascii(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((p[i] & 0x80) != 0 || p[i] == '\0')
			return false;
	return true;
}

/* Append text in 7 bits on one line. */
static void
add_plain(struct buf *b, const char *s)
{
	const char *end = s + strnlen(s, LINE_LONGEST);

	for (; s < end; s++)
		buf_addc(b, *s == '\n' ? ' ' : *s >= ' ' && *s < 0x7f ? *s :
		    '?');
}

static bool
may_stand(char c, bool utf8)
{
	return (c & 0x80) != 0 ? utf8 : c >= ' ' && c < 0x7f;
}

/* Append n octets filled to 72 columns, each line behind indent. */
static void
add_filled(struct buf *b, const char *s, size_t n, const char *indent,
    bool utf8)
{
	size_t word, at = strlen(indent), col = at;
	const char *end = s + n;

	buf_adds(b, indent);
	while (s < end) {
		for (word = 0; s + word < end && s[word] != ' ' &&
		    word < LINE_LONGEST; word++)
			;
		if (col > at && col + 1 + word > 72) {
			buf_addf(b, "\n%s", indent);
			col = at;
		} else if (col > at) {
			buf_addc(b, ' ');
			col++;
		}
		for (col += word; word > 0; word--, s++)
			buf_addc(b, may_stand(*s, utf8) ? *s : '?');
		while (s < end && *s == ' ')
			s++;
	}
	buf_addc(b, '\n');
}

/* Words of several lines, behind a first of ours, are a person's: his lines
 * stay (RFC 5429, section 2.1.2), but for those that are too long for mail. */
static void
add_words(struct buf *b, const char *s, const char *indent)
{
	bool utf8 = strchr(s, '\n') != NULL && utf8_valid(s, strlen(s));
	size_t i, n = strcspn(s, "\n");

	add_filled(b, s, n, indent, utf8);
	while (s[n] != '\0') {
		s += n + 1;
		n = strcspn(s, "\n");
		if (n > LINE_LONGEST) {
			add_filled(b, s, n, indent, utf8);
			continue;
		}
		buf_adds(b, n == 0 ? "" : indent);
		for (i = 0; i < n; i++)
			buf_addc(b, may_stand(s[i], utf8) ? s[i] : '?');
		buf_addc(b, '\n');
	}
}

enum bounce_action
bounce_action(const struct bounce *bounce, size_t i)
{
	const struct spool_message *m = bounce->message;
	const struct envelope_rcpt *r = &m->env.rcpts[i];

	/* Postmaster is told of what failed alone. */
	if (bounce->postmaster != NULL && r->status != ENVELOPE_FAILED)
		return BOUNCE_NOTHING;
	switch (r->status) {
	case ENVELOPE_QUEUED:
	case ENVELOPE_TRYING:
		return bounce->delay && envelope_wants(r, ENVELOPE_DELAY) ?
		    BOUNCE_DELAYED : BOUNCE_NOTHING;
	case ENVELOPE_FAILED:
		return !bounce->delay && envelope_wants(r,
		    ENVELOPE_FAILURE) ? BOUNCE_FAILED : BOUNCE_NOTHING;
	case ENVELOPE_REPORT:
		if (bounce->delay)
			return BOUNCE_NOTHING;
		return m->item.queue == SPOOL_LOCAL ? BOUNCE_DELIVERED :
		    BOUNCE_RELAYED;
	case ENVELOPE_EXPANDED:
		return bounce->delay ? BOUNCE_NOTHING : BOUNCE_EXPANDED;
	case ENVELOPE_DELIVERED:
	case ENVELOPE_BOUNCED:
		break;
	}
	return BOUNCE_NOTHING;
}

enum bounce_action
bounce_first(const struct bounce *bounce)
{
	enum bounce_action action, first = BOUNCE_NOTHING;
	size_t i;

	for (i = 0; i < bounce->message->env.nrcpts; i++) {
		action = bounce_action(bounce, i);
		if (action != BOUNCE_NOTHING &&
		    (first == BOUNCE_NOTHING || action < first))
			first = action;
	}
	return first;
}

static void
write_head(struct buf *b, const struct bounce *bounce)
{
	char date[DATE_MAX], id[MESSAGE_ID_MAX], to[ADDRESS_TEXT_MAX];
	const char *host = bounce->settings->hostname;

	buf_addf(b, "Date: %s\n", date_format(date, bounce->now,
	    bounce->zone));
	buf_addf(b, "From: Mail delivery <MAILER-DAEMON@%s>\n", host);
	buf_addf(b, "To: <%s>\n",
	    address_text(bounce->postmaster != NULL ? bounce->postmaster :
	    &bounce->message->env.sender, to));
	buf_addf(b, "Subject: %s\n", bounce->postmaster != NULL ?
	    "A report could not be delivered" :
	    actions[bounce_first(bounce)].subject);
	if (bounce->postmaster != NULL)
		buf_addf(b, BOUNCE_DOUBLE ": %s\n", host);
	buf_addf(b, "Message-ID: %s\n", message_id_make(id,
	    (uint64_t)bounce->now, strtoull(bounce->boundary + 1, NULL, 16),
	    host));
	buf_adds(b, "Auto-Submitted: auto-replied\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n");
	buf_addf(b, "\tboundary=\"%s\"\n\n", bounce->boundary);
}

static void
write_person(struct buf *b, const struct envelope_rcpt *r,
    enum bounce_action action)
{
	char to[ADDRESS_TEXT_MAX];
	struct envelope_words w;

	split_words(&w, r, action);
	buf_addf(b, "\n<%s>\n", address_text(&r->addr, to));
	if (w.host[0] != '\0') {
		buf_adds(b, host_said(&w) ? "  " : "  At ");
		add_plain(b, w.host);
		buf_adds(b, host_said(&w) ? " said:\n" : ":\n");
	}
	add_words(b, w.reply[0] == '\0' ? w.status : w.reply, "  ");
	if (action == BOUNCE_FAILED) {
		buf_addc(b, '\n');
		add_words(b, advice(w.status, w.host, w.reply), "  ");
	}
}

/* All recipients of one action. */
static void
write_group(struct buf *b, const struct bounce *bounce,
    enum bounce_action action)
{
	const struct envelope *e = &bounce->message->env;
	size_t i, named = 0, unnamed = 0;

	for (i = 0; i < e->nrcpts; i++) {
		if (bounce_action(bounce, i) != action)
			continue;
		if (named + unnamed == 0)
			buf_addf(b, "\n%s\n", actions[action].intro);
		if (b->len > TEXT_MAX) {
			unnamed++;
			continue;
		}
		write_person(b, &e->rcpts[i], action);
		named++;
	}
	if (unnamed > 0)
		buf_addf(b, "\nand to %zu others, for whom there is no room "
		    "here.\n", unnamed);
	if (named + unnamed > 0 && actions[action].end[0] != '\0')
		buf_addf(b, "\n%s\n", actions[action].end);
}

static void
write_text(struct buf *b, const struct bounce *bounce)
{
	enum bounce_action action;

	buf_addf(b, "This is the mail server %s.\n",
	    bounce->settings->hostname);
	if (bounce->postmaster != NULL)
		buf_adds(b, "\nA message without a sender, as reports are, "
		    "could not be delivered.\nYou are told because nobody "
		    "else can be.\n");
	for (action = BOUNCE_FAILED; action < ACTIONS; action++)
		write_group(b, bounce, action);
	buf_addf(b, "\nThe message%s below.\n",
	    bounce_first(bounce) == BOUNCE_FAILED ? ", or its header, is" :
	    "'s header is");
}

/* address-type ";" generic-address (RFC 3464, section 2.3.2) */
static void
write_final(struct buf *b, const struct address *a)
{
	char to[ADDRESS_TEXT_MAX];

	address_text(a, to);
	buf_addf(b, "Final-Recipient: %s; %s\n",
	    address_is_ascii(a) ? "rfc822" : "utf-8", to);
}

/* The same as ORCPT gave it; a character of it must not end the line. */
static void
write_original(struct buf *b, const char *orcpt)
{
	size_t n = strcspn(orcpt, ";");
	const char *p;

	if (orcpt[n] == '\0')
		return;
	buf_addf(b, "Original-Recipient: %.*s; ", (int)n, orcpt);
	for (p = orcpt + n + 1; *p != '\0'; p++)
		buf_addc(b, (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p);
	buf_addc(b, '\n');
}

/* RFC 3464, section 2.3. */
static void
write_fields(struct buf *b, const struct bounce *bounce, size_t i)
{
	const struct envelope_rcpt *r = &bounce->message->env.rcpts[i];
	enum bounce_action action = bounce_action(bounce, i);
	char date[DATE_MAX];
	struct envelope_words w;
	bool said;

	split_words(&w, r, action);
	said = host_said(&w);
	buf_addc(b, '\n');
	if (r->orcpt != NULL)
		write_original(b, r->orcpt);
	write_final(b, &r->addr);
	buf_addf(b, "Action: %s\nStatus: %s\n", actions[action].name,
	    w.status);
	if (w.host[0] != '\0') {
		buf_adds(b, "Remote-MTA: dns; ");
		w.host[strcspn(w.host, "[")] = '\0';
		add_plain(b, w.host);
		buf_addc(b, '\n');
	}
	buf_addf(b, "Diagnostic-Code: %s; ", said ? "smtp" : "x-stdmail");
	add_plain(b, w.reply);
	buf_addc(b, '\n');
	if (r->last != 0)
		buf_addf(b, "Last-Attempt-Date: %s\n",
		    date_format(date, r->last, bounce->zone));
	if (action == BOUNCE_DELAYED && bounce->until != 0)
		buf_addf(b, "Will-Retry-Until: %s\n",
		    date_format(date, bounce->until, bounce->zone));
}

/* RFC 3464, section 2.2, and all recipients. */
static void
write_status(struct buf *b, const struct bounce *bounce)
{
	const struct spool_message *m = bounce->message;
	char date[DATE_MAX];
	size_t i;

	if (m->env.envid != NULL) {
		buf_adds(b, "Original-Envelope-Id: ");
		add_plain(b, m->env.envid);
		buf_addc(b, '\n');
	}
	buf_addf(b, "Reporting-MTA: dns; %s\nArrival-Date: %s\n",
	    bounce->settings->hostname, date_format(date, m->item.arrived,
	    bounce->zone));
	if (m->env.by != 0)
		buf_addf(b, "Deliver-By-Date: %s\n", date_format(date,
		    m->env.by, bounce->zone));
	for (i = 0; i < m->env.nrcpts && b->len <= STATUS_MAX; i++)
		if (bounce_action(bounce, i) != BOUNCE_NOTHING)
			write_fields(b, bounce, i);
}

/* A part of the report: as it is, or, when it is not all ASCII, of another
 * type (RFC 6533, section 4) and encoded. */
static void
add_part(struct buf *b, const struct bounce *bounce, const char *ascii,
    const char *other, const struct buf *part)
{
	struct qp_encoder qp = { 0 };
	bool plain = is_ascii(part->data, part->len);

	buf_addf(b, "\n--%s\nContent-Type: %s\n%s\n", bounce->boundary,
	    plain ? ascii : other, plain ? "" :
	    "Content-Transfer-Encoding: quoted-printable\n");
	if (plain)
		buf_add(b, part->data, part->len);
	else if (qp_encode(&qp, b, part->data, part->len) == 0)
		(void)qp_encode_end(&qp, b);
	if (b->len > 0 && b->data[b->len - 1] != '\n')
		buf_addc(b, '\n');
}

/*
 * What of the message goes back, RFC 6522, section 3: all of it when that is
 * wanted, small, and 7-bit or UTF-8; else its header.  A report without a
 * failure has only that (RFC 3461, section 6.2), and so has one of a message
 * under REQUIRETLS (RFC 8689, section 5).
 */
static bool
returns_whole(const struct bounce *bounce)
{
	const struct spool_message *m = bounce->message;

	return bounce_first(bounce) == BOUNCE_FAILED &&
	    m->env.ret != ENVELOPE_RET_HDRS && !m->env.requiretls &&
	    m->size - m->start <= RETURN_MAX;
}

static int
write_return(struct buf *b, const struct bounce *bounce)
{
	const struct spool_message *m = bounce->message;
	uint64_t want = m->size - m->start;
	bool whole = returns_whole(bounce), utf8;
	struct buf part;
	ssize_t got;
	size_t n, i;
	char *p;

	if (!whole && want > HEADER_MAX)
		want = HEADER_MAX;
	buf_init(&part, RETURN_MAX + 1);
	if ((p = malloc(want + 1)) == NULL)
		return -1;
	if ((got = fd_pread_all(m->fd, p, want, (off_t)m->start)) == -1) {
		free(p);
		return -1;
	}
	n = (size_t)got;
	utf8 = m->env.utf8 && utf8_valid(p, n) && memchr(p, '\0', n) == NULL;
	whole = whole && (utf8 || is_ascii(p, n));
	if (!whole)
		n = header_length(p, n);
	for (i = 0; i < n && !utf8; i++)
		if ((p[i] & 0x80) != 0 || p[i] == '\0')
			p[i] = '?';
	buf_add(&part, p, n);
	add_part(b, bounce, whole ? "message/rfc822" : "text/rfc822-headers",
	    whole ? "message/global" : "message/global-headers", &part);
	free(p);
	i = (size_t)buf_failed(&part);
	buf_free(&part);
	return i == 0 ? 0 : -1;
}

int
bounce_write(struct buf *b, const struct bounce *bounce)
{
	struct buf part;
	int r;

	buf_init(&part, BOUNCE_MAX);
	write_head(b, bounce);
	write_text(&part, bounce);
	add_part(b, bounce, "text/plain; charset=us-ascii",
	    "text/plain; charset=utf-8", &part);
	r = buf_failed(&part);
	buf_reset(&part);
	write_status(&part, bounce);
	add_part(b, bounce, "message/delivery-status",
	    "message/global-delivery-status", &part);
	r |= buf_failed(&part);
	buf_free(&part);
	if (r || write_return(b, bounce) == -1) {
		errno = ENOMEM;
		return -1;
	}
	buf_addf(b, "\n--%s--\n", bounce->boundary);
	if (!buf_failed(b))
		return 0;
	errno = ENOMEM;
	return -1;
}
