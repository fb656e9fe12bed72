/* SPDX-License-Identifier: ISC
 *
 * The environment of a user's program: the names that Postfix and qmail give,
 * and nothing of our own.  Strangers write some of the values: a script must
 * not be led astray by them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grammar/chars.h"
#include "grammar/trace.h"
#include "program.h"

#define VALUES_MAX	48

struct env {
	enum program_mode mode;
	char	*v[VALUES_MAX + 1];
	size_t	 n;
	bool	 failed;
};

/* What a shell may meet anywhere, as in Postfix. */
static bool
is_harmless(char c)
{
	return char_is(c, CHAR_ALNUM) || (c != '\0' &&
	    strchr("!@%-_=+:,./", c) != NULL);
}

/* qmail's programs get addresses as they are, but for what ends a line. */
static bool
is_allowed(const struct env *e, char c)
{
	return e->mode == PROGRAM_QMAIL ? (unsigned char)c >= ' ' &&
	    c != 0x7f : is_harmless(c);
}

static void
set_plain(struct env *e, const char *name, const char *value)
{
	if (e->failed || value == NULL)
		return;
	if (e->n == VALUES_MAX ||
	    asprintf(&e->v[e->n], "%s=%s", name, value) == -1) {
		e->v[e->n] = NULL;
		e->failed = true;
	} else
		e->n++;
}

/* A value that came with the message. */
static void
set(struct env *e, const char *name, const char *value)
{
	char *p;

	set_plain(e, name, value);
	if (e->failed || value == NULL)
		return;
	for (p = strchr(e->v[e->n - 1], '=') + 1; *p != '\0'; p++)
		if (!is_allowed(e, *p))
			*p = '_';
}

static void
set_address(struct env *e, const char *name, const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	set(e, name, address_text(a, text));
}

/* A line, with its end, which address_write() keeps to one. */
static void
set_line(struct env *e, const char *name, struct buf *b)
{
	const char *s = buf_str(b);

	if (s == NULL)
		e->failed = true;
	else
		set_plain(e, name, s);
	buf_reset(b);
}

/* HOST2 is what stands before the last dot of HOST, and so on. */
static void
set_hosts(struct env *e, const char *host)
{
	static const char *const names[] = { "HOST", "HOST2", "HOST3",
	    "HOST4" };
	char text[ADDRESS_DOMAIN_MAX + 1], *dot;
	size_t i;

	strlcpy(text, host, sizeof(text));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		set(e, names[i], text);
		dot = strrchr(text, '.');
		*(dot != NULL ? dot : text) = '\0';
	}
}

/* EXT2 is what stands behind the first dash of EXT, and so on. */
static void
set_extensions(struct env *e, const char *ext)
{
	static const char *const names[] = { "EXT", "EXT2", "EXT3", "EXT4" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		set(e, names[i], ext);
		ext += strcspn(ext, "-");
		ext += *ext == '-';
	}
}

int
program_from_line(struct buf *b, const struct program_mail *m)
{
	char sender[ADDRESS_TEXT_MAX], date[64], *p;
	struct tm tm;

	strlcpy(sender, "MAILER-DAEMON", sizeof(sender));
	if (!address_is_null(m->sender))
		address_text(m->sender, sender);
	for (p = sender; *p != '\0'; p++)
		if (char_is(*p, CHAR_WSP))
			*p = '-';
	if (gmtime_r(&m->arrived, &tm) == NULL ||
	    strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm) == 0)
		strlcpy(date, "Thu Jan  1 00:00:00 1970", sizeof(date));
	return buf_addf(b, "From %s %s\n", sender, date);
}

static void
set_lines(struct env *e, const struct program_mail *m)
{
	struct buf b;

	buf_init(&b, TRACE_ENVELOPE_MAX);
	(void)trace_delivered_to(&b, m->recipient);
	set_line(e, "DTLINE", &b);
	(void)trace_return_path(&b, m->sender);
	set_line(e, "RPLINE", &b);
	(void)program_from_line(&b, m);
	set_line(e, "UFLINE", &b);
	buf_free(&b);
}

/* What both kinds of program know. */
static void
set_account(struct env *e, const struct program_mail *m)
{
	set_plain(e, "PATH", "/usr/local/bin:/usr/bin:/bin");
	set_plain(e, "TZ", getenv("TZ"));
	set_plain(e, "LANG", getenv("LANG"));
	set_plain(e, "HOME", m->home);
	set_plain(e, "SHELL", m->shell != NULL ? m->shell : "/bin/sh");
	set_plain(e, "USER", m->user);
	set_plain(e, "LOGNAME", m->user);
}

static void
free_values(char **v)
{
	for (; *v != NULL; v++)
		free(*v);
}

void
program_env_free(char **v)
{
	if (v != NULL)
		free_values(v);
	free(v);
}

char **
program_env(const struct program_mail *m, enum program_mode mode)
{
	struct env e = { .mode = mode };
	const char *ext = m->extension != NULL ? m->extension : "";
	char **v;

	set_account(&e, m);
	set_address(&e, "SENDER", m->sender);
	set_address(&e, "NEWSENDER", m->forwarder != NULL ? m->forwarder :
	    m->sender);
	set_address(&e, "RECIPIENT", m->recipient);
	set_address(&e, "ORIGINAL_RECIPIENT", m->original != NULL ?
	    m->original : m->recipient);
	set(&e, "LOCAL", m->recipient->local);
	set(&e, "DOMAIN", m->recipient->domain);
	set(&e, "EXTENSION", ext);
	set(&e, "DEFAULT", m->rest);
	set(&e, "CLIENT_ADDRESS", m->client_address);
	set(&e, "CLIENT_PROTOCOL", m->client_protocol);
	set(&e, "SASL_USERNAME", m->login);
	set_hosts(&e, m->recipient->domain);
	set_extensions(&e, ext);
	set_lines(&e, m);
	v = e.failed ? NULL : calloc(e.n + 1, sizeof(*v));
	if (v != NULL)
		memcpy(v, e.v, e.n * sizeof(*v));
	else
		free_values(e.v);
	return v;
}
