/* SPDX-License-Identifier: ISC
 *
 * What is offered, to whom and when (RFC 5321 section 4.1.1.1).  One row for
 * each keyword: nothing is announced that is not here, and nothing stands
 * here that does not work.  A parameter of MAIL or RCPT is taken where the
 * keyword that offers it is.
 */
#include <stdio.h>
#include <time.h>

#include "reply.h"
#include "smtpd.h"

#define HOLD_TIME_MAX	32	/* "2026-11-26T00:00:00Z" */

static bool
can_starttls(const struct session *s)
{
	return !s->tls && !s->authenticated && smtpd.tls != NULL &&
	    tls_server_ready(smtpd.tls);
}

/* A spool's envelope carries what is asked; LMTP has none. */
static bool
has_spool(const struct session *s)
{
	(void)s;
	return smtpd.mode != MODE_LMTP;
}

static bool
can_require_tls(const struct session *s)
{
	return s->tls && has_spool(s);
}

static bool
is_submission(const struct session *s)
{
	(void)s;
	return smtpd.mode == MODE_SUBMISSION;
}

/* What stands behind a keyword, each with its space. */

static void
write_size(const struct session *s)
{
	stream_printf(s->stream, " %lld", smtpd.settings->max_size);
}

static void
write_word(const char *word, void *stream)
{
	stream_printf(stream, " %s", word);
}

static void
write_auth(const struct session *s)
{
	auth_mechanisms(s, write_word, s->stream);
}

static void
write_limits(const struct session *s)
{
	stream_printf(s->stream, " RCPTMAX=%lld",
	    smtpd.settings->max_recipients);
}

static void
write_hold(const struct session *s)
{
	time_t last = time(NULL) + HOLD_MAX;
	char text[HOLD_TIME_MAX];
	struct tm tm;

	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ",
	    gmtime_r(&last, &tm));
	stream_printf(s->stream, " %d %s", HOLD_MAX, text);
}

#define DSN_PARAMS	(SMTP_WITH_RET | SMTP_WITH_ENVID | \
			SMTP_WITH_NOTIFY | SMTP_WITH_ORCPT)

static const struct {
	const char	*name;
	bool		(*here)(const struct session *);	/* or NULL */
	void		(*write)(const struct session *);	/* or NULL */
	unsigned	 params;	/* SMTP_WITH_* */
} keywords[] = {
	{ "PIPELINING", NULL, NULL, 0 },			/* RFC 2920 */
	{ "SIZE", NULL, write_size, SMTP_WITH_SIZE },		/* RFC 1870 */
	{ "8BITMIME", NULL, NULL, SMTP_WITH_BODY },		/* RFC 6152 */
	{ "SMTPUTF8", NULL, NULL, SMTP_WITH_UTF8 },		/* RFC 6531 */
	{ "DSN", has_spool, NULL, DSN_PARAMS },			/* RFC 3461 */
	{ "CHUNKING", NULL, NULL, 0 },				/* RFC 3030 */
	{ "STARTTLS", can_starttls, NULL, 0 },			/* RFC 3207 */
	{ "AUTH", auth_offered, write_auth, 0 },		/* RFC 4954 */
	{ "REQUIRETLS", can_require_tls, NULL,
	    SMTP_WITH_REQUIRETLS },				/* RFC 8689 */
	{ "DELIVERBY", is_submission, NULL, SMTP_WITH_BY },	/* RFC 2852 */
	{ "FUTURERELEASE", is_submission, write_hold,
	    SMTP_WITH_HOLD },					/* RFC 4865 */
	{ "LIMITS", NULL, write_limits, 0 },			/* RFC 9422 */
	{ "HELP", NULL, NULL, 0 },
	{ "ENHANCEDSTATUSCODES", NULL, NULL, 0 },		/* RFC 2034 */
};

#define NKEYWORDS	(sizeof(keywords) / sizeof(keywords[0]))

static bool
is_here(const struct session *s, size_t i)
{
	return keywords[i].here == NULL || keywords[i].here(s);
}

bool
ehlo_offers(const struct session *s, unsigned params)
{
	/* A client may say who wrote it whether or not it can log in. */
	unsigned offered = SMTP_WITH_AUTH;
	size_t i;

	for (i = 0; i < NKEYWORDS; i++)
		if (is_here(s, i))
			offered |= keywords[i].params;
	return (params & ~offered) == 0;
}

void
ehlo_reply(const struct session *s)
{
	size_t i;

	stream_printf(s->stream, "250-%s\r\n", smtpd.settings->hostname);
	for (i = 0; i < NKEYWORDS; i++) {
		if (!is_here(s, i))
			continue;
		stream_printf(s->stream, "250%c%s",
		    i + 1 < NKEYWORDS ? '-' : ' ', keywords[i].name);
		if (keywords[i].write != NULL)
			keywords[i].write(s);
		stream_puts(s->stream, "\r\n");
	}
}
