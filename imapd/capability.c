/* SPDX-License-Identifier: ISC
 *
 * What the server can do (RFC 3501 6.1.1, 7.2.1) and what of it a client turns
 * on (ENABLE, RFC 5161).  One row for each
 * capability: nothing is announced that is not here, and nothing stands here
 * that does not work.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "grammar/chars.h"

#define FRESH	STATE_FRESH
#define AUTH	(STATE_AUTH | STATE_SELECTED)
#define ANY	(FRESH | AUTH)

static bool
can_starttls(const struct session *s)
{
	return login.tls != NULL && !tls_on(s->io);
}

static bool
no_privacy(const struct session *s)
{
	return !session_privacy(s);
}

static bool
can_uidonly(const struct session *s)
{
	return s->settings->imap_uidonly;
}

static bool
can_compress(const struct session *s)
{
	return s->settings->compress && !stream_compressed(s->io);
}

static bool
not_mbox(const struct session *s)
{
	return s->root == NULL || mailbox_root_folder(s->root) == NULL;
}

static const struct {
	const char	*name;
	unsigned	 states;	/* of enum session_state */
	bool		(*here)(const struct session *);	/* or NULL */
	unsigned	 enables;	/* ENABLED bits, by ENABLE */
} capabilities[] = {
	{ "IMAP4rev1", ANY, NULL },
	{ "IMAP4rev2", ANY, NULL, ENABLED_REV2 },	/* RFC 9051 */
	{ "LITERAL+", ANY, NULL },			/* RFC 7888 */
	{ "ID", ANY, NULL },				/* RFC 2971 */
	{ "SASL-IR", FRESH, NULL },			/* RFC 4959 */
	{ "STARTTLS", FRESH, can_starttls },
	{ "LOGINDISABLED", FRESH, no_privacy },
	{ "IDLE", AUTH, NULL },				/* RFC 2177 */
	{ "UIDPLUS", AUTH, NULL },			/* RFC 4315 */
	{ "NAMESPACE", AUTH, NULL },			/* RFC 2342 */
	{ "UNSELECT", AUTH, NULL },			/* RFC 3691 */
	{ "CHILDREN", AUTH, NULL },			/* RFC 3348 */
	{ "MOVE", AUTH, NULL },				/* RFC 6851 */
	{ "NOTIFY", AUTH, NULL },			/* RFC 5465 */
	{ "ENABLE", AUTH, NULL },			/* RFC 5161 */
	{ "CONDSTORE", AUTH, NULL, ENABLED_CONDSTORE },	/* RFC 7162 */
	{ "SAVEDATE", AUTH, NULL },			/* RFC 8514 */
	{ "OBJECTID", AUTH, NULL },			/* RFC 8474 */
	{ "UTF8=ACCEPT", AUTH, NULL, ENABLED_UTF8 },	/* RFC 6855 */
	{ "UIDONLY", AUTH, can_uidonly, ENABLED_UIDONLY },	/* RFC 9586 */
	{ "QRESYNC", AUTH, NULL, ENABLED_QRESYNC | ENABLED_CONDSTORE },
	{ "STATUS=SIZE", AUTH, NULL },			/* RFC 8438 */
	{ "LIST-EXTENDED", AUTH, NULL },		/* RFC 5258 */
	{ "LIST-STATUS", AUTH, NULL },			/* RFC 5819 */
	{ "SPECIAL-USE", AUTH, NULL },			/* RFC 6154 */
	{ "CREATE-SPECIAL-USE", AUTH, not_mbox },
	{ "ESEARCH", AUTH, NULL },			/* RFC 4731 */
	{ "SEARCHRES", AUTH, NULL },			/* RFC 5182 */
	{ "WITHIN", AUTH, NULL },			/* RFC 5032 */
	{ "MULTISEARCH", AUTH, NULL },			/* RFC 7377 */
	{ "PARTIAL", AUTH, NULL },			/* RFC 9394 */
	{ "INPROGRESS", AUTH, NULL },			/* RFC 9585 */
	{ "MULTIAPPEND", AUTH, NULL },			/* RFC 3502 */
	{ "BINARY", AUTH, NULL },			/* RFC 3516 */
	{ "CATENATE", AUTH, NULL },			/* RFC 4469 */
	{ "REPLACE", AUTH, NULL },			/* RFC 8508 */
	{ "METADATA", AUTH, NULL },			/* RFC 5464 */
	{ "PREVIEW", AUTH, NULL },			/* RFC 8970 */
	{ "SORT", AUTH, NULL },				/* RFC 5256 */
	{ "SORT=DISPLAY", AUTH, NULL },			/* RFC 5957 */
	{ "ESORT", AUTH, NULL },			/* RFC 5267 */
	{ "THREAD=ORDEREDSUBJECT", AUTH, NULL },	/* RFC 5256 */
	{ "THREAD=REFERENCES", AUTH, NULL },
	{ "THREAD=REFS", AUTH, NULL },
	{ "I18NLEVEL=1", AUTH, NULL },			/* RFC 5255 */
	{ "QUOTA", AUTH, NULL },			/* RFC 9208, RFC 2087 */
	{ "QUOTA=RES-STORAGE", AUTH, NULL },
	{ "QUOTA=RES-MESSAGE", AUTH, NULL },
	{ "COMPRESS=DEFLATE", AUTH, can_compress },	/* RFC 4978 */
};

#define NCAPABILITIES	(sizeof(capabilities) / sizeof(capabilities[0]))

/* In "CONDSTORE,COMPRESS=DEFLATE", or one of the words of key imap_hide? */
static bool
is_hidden(const struct session *s, const char *name)
{
	const char *p = s->hide;
	size_t n, i;

	for (i = 0; i < s->settings->imap_hide.n; i++)
		if (strcasecmp(s->settings->imap_hide.v[i], name) == 0)
			return true;
	for (; *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (chars_is(p, n, name))
			return true;
	}
	return false;
}

/* Whether it is announced now. */
static bool
is_here(const struct session *s, size_t i)
{
	return (capabilities[i].states & s->state) &&
	    (capabilities[i].here == NULL || capabilities[i].here(s)) &&
	    !is_hidden(s, capabilities[i].name);
}

struct writing {
	const struct session *s;
	struct buf	*b;
	size_t		 start;
};

static void
write_word(struct writing *w, const char *name)
{
	if (!is_hidden(w->s, name))
		buf_addf(w->b, "%s%s", w->b->len > w->start ? " " : "",
		    name);
}

static void
write_mechanism(const char *name, void *arg)
{
	struct writing *w = arg;
	char word[64];

	snprintf(word, sizeof(word), "AUTH=%s", name);
	write_word(w, word);
}

/* RFC 7889: the same for all mailboxes. */
static void
write_appendlimit(struct writing *w)
{
	if (w->s->state & AUTH && !is_hidden(w->s, "APPENDLIMIT"))
		buf_addf(w->b, " APPENDLIMIT=%lld", w->s->settings->max_size);
}

void
session_capabilities(const struct session *s, struct buf *b)
{
	struct writing w = { s, b, b->len };
	size_t i;

	for (i = 0; i < NCAPABILITIES; i++)
		if (is_here(s, i))
			write_word(&w, capabilities[i].name);
	write_appendlimit(&w);
	if (s->state == STATE_FRESH && session_privacy(s))
		login_mechanisms(s->io, write_mechanism, &w);
}

/* What ENABLE of this name turns on: its row; -1: nothing. */
static int
find_enabled(const struct session *s, const struct imap_string *name)
{
	size_t i;

	for (i = 0; i < NCAPABILITIES; i++)
		if (capabilities[i].enables != 0 && is_here(s, i) &&
		    chars_is(name->s, name->len, capabilities[i].name))
			return (int)i;
	return -1;
}

/* "ENABLE" 1*(SP capability): what is unknown is passed over. */
enum reply
cmd_enable(struct session *s, struct imap_lex *l)
{
	struct imap_string name;
	unsigned enables = 0;
	struct buf told;
	int row, n = 0;

	buf_init(&told, 1000);
	while (imap_lex_sp(l) && imap_lex_atom(l, &name) == 1) {
		n++;
		if ((row = find_enabled(s, &name)) == -1)
			continue;
		enables |= capabilities[row].enables;
		/* Named once, however often it is asked for. */
		if (strstr(buf_str(&told), capabilities[row].name) == NULL)
			buf_addf(&told, " %s", capabilities[row].name);
	}
	if (n == 0 || imap_lex_need_end(l) == -1) {
		buf_free(&told);
		s->why = "Names of capabilities are wanted";
		return REPLY_BAD;
	}
	stream_printf(s->io, "* ENABLED%s\r\n", buf_str(&told));
	buf_free(&told);
	if (enables & ENABLED_CONDSTORE)
		(void)modseq_enable(s);
	s->enabled |= enables;
	return REPLY_OK;
}
