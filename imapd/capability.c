/* SPDX-License-Identifier: ISC
 *
 * What the server can do (RFC 3501 6.1.1, 7.2.1; RFC 5161).  One row for each
 * capability: nothing is announced that is not here, and nothing stands here
 * that does not work.
 */
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
not_mbox(const struct session *s)
{
	return s->root == NULL || mailbox_root_folder(s->root) == NULL;
}

static const struct {
	const char	*name;
	unsigned	 states;	/* of enum session_state */
	bool		(*here)(const struct session *); /* NULL: always */
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
	{ "STATUS=SIZE", AUTH, NULL },			/* RFC 8438 */
	{ "LIST-EXTENDED", AUTH, NULL },		/* RFC 5258 */
	{ "LIST-STATUS", AUTH, NULL },			/* RFC 5819 */
	{ "SPECIAL-USE", AUTH, NULL },			/* RFC 6154 */
	{ "CREATE-SPECIAL-USE", AUTH, not_mbox },
};

#define NCAPABILITIES	(sizeof(capabilities) / sizeof(capabilities[0]))

static void
write_mechanisms(const struct session *s, struct buf *b)
{
	const struct conf_list *mechanisms = &s->settings->auth_mechanisms;
	size_t i;

	if (s->state != STATE_FRESH || !session_privacy(s))
		return;
	for (i = 0; i < mechanisms->n; i++)
		buf_addf(b, " AUTH=%s", mechanisms->v[i]);
}

void
session_capabilities(const struct session *s, struct buf *b)
{
	size_t i, start = b->len;

	for (i = 0; i < NCAPABILITIES; i++)
		if ((capabilities[i].states & s->state) &&
		    (capabilities[i].here == NULL || capabilities[i].here(s)))
			buf_addf(b, "%s%s", b->len > start ? " " : "",
			    capabilities[i].name);
	write_mechanisms(s, b);
}
