/* SPDX-License-Identifier: ISC
 *
 * What the server can do (RFC 3501 6.1.1, 7.2.1; RFC 5161).  One row for each
 * capability: nothing is announced that is not here, and nothing stands here
 * that does not work.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "grammar/chars.h"
#include "session.h"

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
can_compress(const struct session *s)
{
	return s->settings->compress && !stream_compressed(s->io);
}

static const struct {
	const char	*name;
	unsigned	 states;	/* of enum session_state */
	bool		(*here)(const struct session *);	/* NULL: always */
} capabilities[] = {
	{ "IMAP4rev1", ANY, NULL },
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
	{ "QUOTA", AUTH, NULL },			/* RFC 9208, RFC 2087 */
	{ "QUOTA=RES-STORAGE", AUTH, NULL },
	{ "QUOTA=RES-MESSAGE", AUTH, NULL },
	{ "COMPRESS=DEFLATE", AUTH, can_compress },	/* RFC 4978 */
};

#define NCAPABILITIES	(sizeof(capabilities) / sizeof(capabilities[0]))

struct writing {
	const struct session *s;
	struct buf	*b;
	size_t		 start;
};

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

void
session_capabilities(const struct session *s, struct buf *b)
{
	struct writing w = { s, b, b->len };
	size_t i;

	for (i = 0; i < NCAPABILITIES; i++)
		if ((capabilities[i].states & s->state) &&
		    (capabilities[i].here == NULL || capabilities[i].here(s)))
			write_word(&w, capabilities[i].name);
	if (s->state == STATE_FRESH && session_privacy(s))
		login_mechanisms(s->io, write_mechanism, &w);
}
