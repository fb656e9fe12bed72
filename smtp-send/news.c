/* SPDX-License-Identifier: ISC
 *
 * What comes from the process that a stranger may have taken over is looked at
 * before it is kept.
 */
#include <string.h>
#include <strings.h>

#include "grammar/idna.h"
#include "news.h"

/* Printable ASCII alone, ended; others become "?". */
static void
tidy_text(char *s, size_t size, bool lines)
{
	s[size - 1] = '\0';
	for (; *s != '\0'; s++)
		if ((*s < ' ' || *s > '~') && !(lines && *s == '\n'))
			*s = '?';
}

/* A word that may be missing, as "-" is: no spaces in it. */
static void
tidy_word(char *s, size_t size)
{
	tidy_text(s, size, false);
	if (strcmp(s, "-") == 0)
		*s = '\0';
	for (; *s != '\0'; s++)
		if (*s == ' ')
			*s = '?';
}

/* A word that is written to a file with others. */
static bool
is_word(char *s, size_t size)
{
	tidy_text(s, size, false);
	return *s != '\0' && strpbrk(s, " \t?/") == NULL;
}

static int
tidy_sts(struct sts_record *r)
{
	if (!is_word(r->domain, sizeof(r->domain)) ||
	    !is_word(r->id, sizeof(r->id)) || r->mode > MTA_STS_ENFORCE ||
	    r->max_age > MTA_STS_AGE_MAX || r->fetched < 0 || r->failed < 0)
		return -1;
	tidy_text(r->patterns, sizeof(r->patterns), false);
	return 0;
}

static int
tidy_tls(struct tls_note *n)
{
	if (!is_word(n->domain, sizeof(n->domain)) ||
	    n->type > POLICY_TYPE_TLSA || n->result >= TLS_RESULTS)
		return -1;
	tidy_word(n->mx, sizeof(n->mx));
	tidy_word(n->from, sizeof(n->from));
	tidy_word(n->to, sizeof(n->to));
	tidy_text(n->why, sizeof(n->why), false);
	tidy_text(n->policy, sizeof(n->policy), true);
	return 0;
}

/* Is it of the domain that was to be served? */
static int
check_domain(const char *domain, const char *key)
{
	char ascii[IDNA_MAX];

	if (key == NULL)
		return 0;
	return *key != '=' && idna_ascii(ascii, key, strlen(key)) == 0 &&
	    strcasecmp(ascii, domain) == 0 ? 0 : -1;
}

int
news_tidy(struct news *n, const char *key, int64_t now)
{
	switch (n->type) {
	case NEWS_STS:
		if (tidy_sts(&n->u.sts) == -1)
			return -1;
		if (now != 0 && n->u.sts.fetched > now)
			n->u.sts.fetched = now;
		if (now != 0 && n->u.sts.failed > now)
			n->u.sts.failed = now;
		return check_domain(n->u.sts.domain, key);
	case NEWS_TLS:
		return tidy_tls(&n->u.tls) == -1 ? -1 :
		    check_domain(n->u.tls.domain, key);
	}
	return -1;
}
