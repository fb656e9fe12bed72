/* SPDX-License-Identifier: ISC
 *
 * CATENATE's URLs (RFC 4469): octets of messages that are here already.  It
 * must change nothing where they come from, not even \Seen.
 */
#include <string.h>

#include "append.h"
#include "fetch.h"
#include "grammar/chars.h"
#include "grammar/imap_url.h"

/* BADURL names the URL (RFC 4469 section 5); what its text cannot hold is
 * escaped as in URLs. */
static enum reply
bad_url(struct session *s, const struct imap_string *url)
{
	size_t i;

	buf_reset(&s->code);
	buf_adds(&s->code, "BADURL ");
	for (i = 0; i < url->len; i++)
		if (char_is(url->s[i], CHAR_PRINT) && url->s[i] != ']' &&
		    url->s[i] != '\\')
			buf_addc(&s->code, url->s[i]);
		else
			buf_addf(&s->code, "%%%02X",
			    (unsigned char)url->s[i]);
	if (url->len == 0 || buf_failed(&s->code))
		buf_reset(&s->code);
	return REPLY_BAD_URL;
}

/* The mailbox a URL names: the selected one, the one of before, or opened. */
static struct mailbox *
source_of(struct append *a, struct imap_url *u)
{
	struct session *s = a->session;
	struct imap_names names = *session_names(s);
	char name[IMAP_STORED_SIZE];

	names.utf8 = 1;
	if (imap_names_store(&names, buf_str(&u->mailbox), name) != 1)
		return NULL;
	if (s->box != NULL && strcmp(mailbox_name(s->box), name) == 0)
		return s->box;
	if (a->source != NULL && strcmp(mailbox_name(a->source), name) == 0)
		return a->source;
	catenate_end(a);
	if (mailbox_open(s->root, name, MAILBOX_READONLY | MAILBOX_KEEP_NEW,
	    &a->source) != MAILBOX_OK)
		return a->source = NULL;
	switch (mailbox_refresh(a->source, 0, NULL)) {
	case MAILBOX_RESET:
	case MAILBOX_TEMPORARY:
		catenate_end(a);
		break;
	default:
		break;
	}
	return a->source;
}

struct copy {
	struct append	*append;
	enum reply	 reply;
};

static int
copy_piece(void *arg, const char *p, size_t n)
{
	struct copy *c = arg;

	c->reply = append_write(c->append, p, n);
	return c->reply != REPLY_OK;
}

/* 0 done, or the answer is in c; -1 there is no such section. */
static int
copy_section(struct fetch_message *m, const struct imap_url *u, struct copy *c)
{
	struct imap_section sec = { .kind = IMAP_SECTION_ALL };
	struct imap_lex l;
	int r = -1;

	if (imap_lex_init(&l, u->section.data, u->section.len) == -1) {
		c->reply = REPLY_MEMORY;
		return 0;
	}
	if (u->section.len == 0 || (imap_lex_section_spec(&l, &sec) == 1 &&
	    imap_lex_end(&l))) {
		sec.partial = u->partial;
		sec.offset = u->offset;
		sec.length = u->length;
		r = fetch_section_emit(m, &sec, copy_piece, c);
	}
	imap_section_free(&sec);
	imap_lex_free(&l);
	return r;
}

enum reply
catenate_url(struct append *a, const struct imap_string *url)
{
	struct copy c = { a, REPLY_OK };
	struct fetch_message m;
	struct mailbox *box;
	struct imap_url u;
	uint32_t seq = 0;
	int r;

	if ((r = imap_url_parse(&u, url->s, url->len)) == 1 &&
	    (box = source_of(a, &u)) != NULL && (u.uidvalidity == 0 ||
	    u.uidvalidity == mailbox_uidvalidity(box)))
		seq = mailbox_seq(box, u.uid);
	if (r == -1)
		c.reply = REPLY_MEMORY;
	else if (seq == 0)
		c.reply = bad_url(a->session, url);
	else {
		fetch_message_init(&m, a->session, seq);
		m.box = box;
		r = copy_section(&m, &u, &c);
		if (r == -1 && (m.failed == MAILBOX_OK ||
		    m.failed == MAILBOX_NONE))
			c.reply = bad_url(a->session, url);
		else if (r == -1)
			c.reply = reply_mailbox(m.failed);
		fetch_message_free(&m);
	}
	imap_url_free(&u);
	return c.reply;
}

void
catenate_end(struct append *a)
{
	mailbox_close(a->source);
	a->source = NULL;
}
