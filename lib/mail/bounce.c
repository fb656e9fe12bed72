/* SPDX-License-Identifier: ISC
 *
 * The bounce.  It says who did not get the message, in the words of whoever
 * refused it, and what a person can do now; then the same for machines
 * (RFC 3464); then the message or its header.  A bounce is never bounced: its
 * sender is null.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grammar/date.h"
#include "grammar/header.h"
#include "grammar/message_id.h"
#include "grammar/smtp_reply.h"
#include "mail/bounce.h"
#include "system/clock.h"
#include "system/fdio.h"
#include "system/log.h"

#define RETURN_MAX	100000	/* octets of a message that goes back whole */
#define HEADER_MAX	32768	/* of a header that goes back */
#define ENTRY_MAX	16384	/* of a recipient in either list, at most */

/* Where the lists of recipients end, so that all the rest has room. */
#define TEXT_END	(BOUNCE_MAX / 2 - ENTRY_MAX)
#define STATUS_END	(BOUNCE_MAX - RETURN_MAX - 2 * ENTRY_MAX)

/* The parts of a recipient's last words. */
struct words {
	char		 status[SMTP_STATUS_MAX];
	char		 host[320];		/* "" none */
	const char	*reply;
};

/* What a person can do, by the start of the status; the first match counts. */
static const struct {
	const char	*status;
	const char	*advice;
} advices[] = {
	{ "5.1.10", "The domain says that it takes no mail. Ask the "
	    "recipient for another address." },
	{ "5.1.2", "The part behind the @ is wrong or no longer exists. Check "
	    "it for typing errors." },
	{ "5.1.", "Check the address for typing errors, or ask the recipient "
	    "by another way." },
	{ "5.2.1", "The mailbox is closed. Ask the recipient by another "
	    "way." },
	{ "5.2.2", "The mailbox is full. Try again later, or tell the "
	    "recipient by another way." },
	{ "5.3.4", "The message is too large for the other side. Send it in "
	    "parts, or send a link." },
	{ "5.4.6", "The mail goes round in a circle. Tell the postmaster of "
	    "the recipient's domain." },
	{ "4.4.7", "The other side could not be reached in all this time. "
	    "Try again later, or tell the recipient by another way." },
	{ "5.6.", "The other side cannot take what is in the message. Send "
	    "it as an attachment, or as plain text." },
	{ "5.7.", "A rule of the other side forbids it. Its words above say "
	    "which; its postmaster can change that." },
	{ "", "Try again later; if it fails again, ask your postmaster and "
	    "quote the words above." },
};

static const char *
advice(const char *status)
{
	size_t i = 0;

	while (strncmp(advices[i].status, status,
	    strlen(advices[i].status)) != 0)
		i++;
	return advices[i].advice;
}

static void
split_words(struct words *w, const struct envelope_rcpt *r)
{
	const char *p = r->reply == NULL ? "" : r->reply, *end, *space;
	struct smtp_status status;

	strlcpy(w->status, "5.0.0", sizeof(w->status));
	w->host[0] = '\0';
	end = p + strlen(p);
	w->reply = p;
	if (smtp_status_parse(&p, end, &status) != 1)
		return;
	smtp_status_text(&status, w->status);
	p += *p == ' ';
	if ((space = strchr(p, ' ')) == NULL)
		space = end;
	if ((size_t)(space - p) < sizeof(w->host) &&
	    !(space - p == 1 && *p == '-')) {
		memcpy(w->host, p, (size_t)(space - p));
		w->host[space - p] = '\0';
	}
	w->reply = *space == ' ' ? space + 1 : space;
}

/* Are these the words of the host, an SMTP reply, and not ours about it?  Only
 * such ones are of type smtp (RFC 3461, section 9.2). */
static bool
host_said(const struct words *w)
{
	return w->host[0] != '\0' && w->reply[0] >= '2' &&
	    w->reply[0] <= '5' && strspn(w->reply, "0123456789") == 3;
}

/* Append text in 7 bits on one line. */
static void
add_plain(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		buf_addc(b, *s >= ' ' && *s < 0x7f ? *s : '?');
}

/* Append text filled to 72 columns, each line behind indent. */
static void
add_filled(struct buf *b, const char *s, const char *indent)
{
	size_t n, at = strlen(indent), col = at;

	buf_adds(b, indent);
	while (*s != '\0') {
		n = strcspn(s, " ");
		if (col > at && col + 1 + n > 72) {
			buf_addf(b, "\n%s", indent);
			col = at;
		} else if (col > at) {
			buf_addc(b, ' ');
			col++;
		}
		for (col += n; n > 0; n--, s++)
			buf_addc(b, *s >= ' ' && *s < 0x7f ? *s : '?');
		s += strspn(s, " ");
	}
	buf_addc(b, '\n');
}

static bool
failed(const struct envelope *e, size_t i)
{
	return e->rcpts[i].status == ENVELOPE_FAILED;
}

static void
write_head(struct buf *b, const struct settings *s,
    const struct spool_message *m, int64_t now, int zone,
    const char *boundary)
{
	char date[DATE_MAX], id[MESSAGE_ID_MAX], to[ADDRESS_TEXT_MAX];

	buf_addf(b, "Date: %s\n", date_format(date, now, zone));
	buf_addf(b, "From: Mail delivery <MAILER-DAEMON@%s>\n", s->hostname);
	buf_addf(b, "To: <%s>\n", address_text(&m->env.sender, to));
	buf_adds(b, "Subject: Your message could not be delivered\n");
	buf_addf(b, "Message-ID: %s\n", message_id_make(id, (uint64_t)now,
	    strtoull(boundary + 1, NULL, 16), s->hostname));
	buf_adds(b, "Auto-Submitted: auto-replied\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\n");
	buf_addf(b, "\tboundary=\"%s\"\n\n", boundary);
}

static void
write_text(struct buf *b, const struct settings *s,
    const struct spool_message *m)
{
	char to[ADDRESS_TEXT_MAX];
	struct words w;
	size_t i, unnamed = 0;

	buf_adds(b, "Content-Type: text/plain; charset=us-ascii\n\n");
	buf_addf(b, "This is the mail server %s.\n\n"
	    "Your message could not be delivered to:\n", s->hostname);
	for (i = 0; i < m->env.nrcpts; i++) {
		if (!failed(&m->env, i))
			continue;
		if (b->len > TEXT_END) {
			unnamed++;
			continue;
		}
		split_words(&w, &m->env.rcpts[i]);
		buf_addf(b, "\n<%s>\n",
		    address_text(&m->env.rcpts[i].addr, to));
		if (w.host[0] != '\0') {
			buf_adds(b, host_said(&w) ? "  " : "  At ");
			add_plain(b, w.host);
			buf_adds(b, host_said(&w) ? " said:\n" : ":\n");
		}
		add_filled(b, w.reply[0] == '\0' ? w.status : w.reply, "  ");
		buf_addc(b, '\n');
		add_filled(b, advice(w.status), "  ");
	}
	if (unnamed > 0)
		buf_addf(b, "\nand to %zu others, for whom there is no room "
		    "here.\n", unnamed);
	buf_adds(b, "\nThe message will not be tried again for them. "
	    "It, or its header, is below.\n");
}

/* RFC 3464, section 2.2 and 2.3. */
static void
write_status(struct buf *b, const struct settings *s,
    const struct spool_message *m, int zone)
{
	char date[DATE_MAX], to[ADDRESS_TEXT_MAX];
	struct words w;
	bool said;
	size_t i;

	buf_adds(b, "Content-Type: message/delivery-status\n\n");
	buf_addf(b, "Reporting-MTA: dns; %s\nArrival-Date: %s\n",
	    s->hostname, date_format(date, m->item.arrived, zone));
	for (i = 0; i < m->env.nrcpts && b->len <= STATUS_END; i++) {
		if (!failed(&m->env, i))
			continue;
		split_words(&w, &m->env.rcpts[i]);
		buf_addf(b, "\nFinal-Recipient: rfc822; %s\n"
		    "Action: failed\nStatus: %s\n",
		    address_text(&m->env.rcpts[i].addr, to), w.status);
		said = host_said(&w);
		if (w.host[0] != '\0') {
			buf_adds(b, "Remote-MTA: dns; ");
			w.host[strcspn(w.host, "[")] = '\0';
			add_plain(b, w.host);
			buf_addc(b, '\n');
		}
		buf_addf(b, "Diagnostic-Code: %s; ", said ? "smtp" :
		    "x-stdmail");
		add_plain(b, w.reply);
		buf_addc(b, '\n');
		if (m->env.rcpts[i].last != 0)
			buf_addf(b, "Last-Attempt-Date: %s\n",
			    date_format(date, m->env.rcpts[i].last, zone));
	}
}

/*
 * RFC 6522, section 3: the whole message when it is small and 7-bit, else its
 * header, whose 8-bit octets become "?".
 */
static int
write_return(struct buf *b, const struct spool_message *m)
{
	uint64_t size = m->size - m->start, want = size;
	bool whole = size <= RETURN_MAX;
	size_t i, n;
	ssize_t got;
	char *p;

	if (!whole && want > HEADER_MAX)
		want = HEADER_MAX;
	if ((p = malloc(want + 1)) == NULL)
		return -1;
	got = fd_pread_all(m->fd, p, want, (off_t)m->start);
	if (got == -1) {
		free(p);
		return -1;
	}
	n = (size_t)got;
	for (i = 0; i < n && whole; i++)
		whole = (p[i] & 0x80) == 0 && p[i] != '\0';
	buf_addf(b, "Content-Type: %s\n\n", whole ? "message/rfc822" :
	    "text/rfc822-headers");
	if (!whole)
		n = header_length(p, n);
	for (i = 0; i < n && !whole; i++)
		if ((p[i] & 0x80) != 0 || p[i] == '\0')
			p[i] = '?';
	buf_add(b, p, n);
	if (n > 0 && p[n - 1] != '\n')
		buf_addc(b, '\n');
	free(p);
	return 0;
}

int
bounce_write(struct buf *b, const struct settings *s,
    const struct spool_message *m, int64_t now, int zone,
    const char *boundary)
{
	write_head(b, s, m, now, zone, boundary);
	buf_addf(b, "--%s\n", boundary);
	write_text(b, s, m);
	buf_addf(b, "\n--%s\n", boundary);
	write_status(b, s, m, zone);
	buf_addf(b, "\n--%s\n", boundary);
	if (write_return(b, m) == -1)
		return -1;
	buf_addf(b, "\n--%s--\n", boundary);
	if (buf_failed(b)) {
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

/* Compose and put it into the spool. */
static int
put(const struct spool *spool, const struct settings *s,
    const struct spool_message *m)
{
	char boundary[24], to[ADDRESS_TEXT_MAX];
	const char *domain = m->env.sender.domain;
	struct spool_put file;
	struct envelope e;
	struct buf b;
	time_t now = time(NULL);
	int r = -1;

	buf_init(&b, BOUNCE_MAX);
	envelope_init(&e);
	e.arrived = now;
	snprintf(boundary, sizeof(boundary), "b%08x%08x", arc4random(),
	    arc4random());
	if (envelope_add(&e, &m->env.sender) == -1 ||
	    bounce_write(&b, s, m, now, clock_zone(now), boundary) == -1)
		goto out;
	if (spool_put_begin(&file, spool, domain[0] == '\0' ||
	    settings_is_local(s, domain, strlen(domain)) ? SPOOL_LOCAL :
	    SPOOL_REMOTE, &e, (uid_t)-1) == -1)
		goto out;
	if (spool_put_write(&file, b.data, b.len) == -1) {
		spool_put_abort(&file);
		goto out;
	}
	if ((r = spool_put_end(&file)) == 0)
		log_info("bounce", "id=%s for=%s to=%s", file.file.id,
		    m->item.id, log_str(address_text(&m->env.sender, to)));
out:
	envelope_free(&e);
	buf_free(&b);
	return r;
}

int
bounce_send(const struct spool *spool, const struct settings *s,
    struct spool_message *m)
{
	size_t i;

	if (envelope_count(&m->env, ENVELOPE_FAILED) == 0)
		return 0;
	if (address_is_null(&m->env.sender))
		log_warn("no-bounce", "id=%s note=%s", m->item.id,
		    "\"a bounce is never bounced\"");
	else if (put(spool, s, m) == -1)
		return -1;
	for (i = 0; i < m->env.nrcpts; i++)
		if (failed(&m->env, i) && spool_mark(m, i, ENVELOPE_BOUNCED,
		    time(NULL), NULL) == -1)
			return -1;
	return spool_marks_sync(m);
}
