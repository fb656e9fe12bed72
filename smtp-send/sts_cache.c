/* SPDX-License-Identifier: ISC
 *
 * Known policies.  A crash leaves the file as it was or as it is to be, never
 * half of it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bytes/buf.h"
#include "sts.h"
#include "sts_cache.h"
#include "system/fdio.h"

#define FILE_MAX	((size_t)STS_CACHE_MAX * 1024)
#define HEAD		"stdmail-sts 1\n"

/* A record with only as much of its patterns as there is. */
struct sts_cache {
	char		*file, *part;
	struct sts_record **v;
	size_t		 n;
	struct sts_record out;		/* what get returns */
	bool		 changed;
};

static struct sts_record **
find(const struct sts_cache *c, const char *domain)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcasecmp(c->v[i]->domain, domain) == 0)
			return &c->v[i];
	return NULL;
}

/* The place of the one fetched first. */
static struct sts_record **
oldest(const struct sts_cache *c)
{
	size_t i, old = 0;

	for (i = 1; i < c->n; i++)
		if (c->v[i]->fetched < c->v[old]->fetched)
			old = i;
	return &c->v[old];
}

void
sts_cache_put(struct sts_cache *c, const struct sts_record *r)
{
	struct sts_record **at = find(c, r->domain), *copy;
	size_t size = sts_record_size(r);

	if (at == NULL && c->n == STS_CACHE_MAX) {
		at = oldest(c);
		/* A domain whose policy cannot be had drives out none. */
		if (r->fetched == 0 && (*at)->fetched != 0)
			return;
	}
	if ((copy = malloc(size)) == NULL)
		return;
	memcpy(copy, r, size);
	if (at == NULL)
		at = &c->v[c->n++];
	else
		free(*at);
	*at = copy;
	c->changed = true;
}

const struct sts_record *
sts_cache_get(const struct sts_cache *c, const char *domain)
{
	struct sts_record **at = find(c, domain), *out;

	if (at == NULL)
		return NULL;
	out = (struct sts_record *)&c->out;
	memset(out, 0, sizeof(*out));
	memcpy(out, *at, sts_record_size(*at));
	return out;
}

/* ---- the file ---- */

static void
take_line(struct sts_cache *c, char *line, size_t n)
{
	struct news news = { .type = NEWS_STS };
	struct sts_record *r = &news.u.sts;
	char mode[16];
	int at = 0;

	line[n] = '\0';
	if (sscanf(line, "%255s %32s %" SCNd64 " %" SCNu32 " %15s%n",
	    r->domain, r->id, &r->fetched, &r->max_age, mode, &at) != 5)
		return;
	while (r->mode <= MTA_STS_ENFORCE && strcmp(mode,
	    mta_sts_mode_name((enum mta_sts_mode)r->mode)) != 0)
		r->mode++;
	if (r->mode > MTA_STS_ENFORCE || r->fetched == 0 ||
	    strlcpy(r->patterns, line + at + (line[at] == ' '),
	    sizeof(r->patterns)) >= sizeof(r->patterns) ||
	    news_tidy(&news, NULL, 0) == -1)
		return;
	if (find(c, r->domain) == NULL)
		sts_cache_put(c, r);
}

struct sts_cache *
sts_cache_open(const char *spool)
{
	struct sts_cache *c;
	char *text, *p, *lf;
	struct stat st;
	size_t n = 0;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	if ((c->v = calloc(STS_CACHE_MAX, sizeof(struct sts_record *))) ==
	    NULL || asprintf(&c->file, "%s/remote/tls/policies", spool) == -1 ||
	    asprintf(&c->part, "%s/remote/tls/policies.part", spool) == -1) {
		sts_cache_free(c);
		return NULL;
	}
	text = fd_read_file(c->file, FILE_MAX, &st, &n);
	if (text != NULL && n >= sizeof(HEAD) - 1 &&
	    memcmp(text, HEAD, sizeof(HEAD) - 1) == 0)
		for (p = text + sizeof(HEAD) - 1;
		    (lf = memchr(p, '\n', n - (size_t)(p - text))) != NULL;
		    p = lf + 1)
			take_line(c, p, (size_t)(lf - p));
	free(text);
	c->changed = false;
	return c;
}

void
sts_cache_free(struct sts_cache *c)
{
	if (c == NULL)
		return;
	while (c->n > 0)
		free(c->v[--c->n]);
	free(c->v);
	free(c->file);
	free(c->part);
	free(c);
}

/* Those that still count; a failure alone is not worth a line. */
static int
write_lines(const struct sts_cache *c, struct buf *b, int64_t now)
{
	const struct sts_record *r;
	size_t i;

	if (buf_adds(b, HEAD) == -1)
		return -1;
	for (i = 0; i < c->n; i++) {
		r = c->v[i];
		if (sts_is_live(r, now) && buf_addf(b, "%s %s %" PRId64
		    " %" PRIu32 " %s%s%s\n", r->domain, r->id, r->fetched,
		    r->max_age, mta_sts_mode_name((enum mta_sts_mode)r->mode),
		    *r->patterns == '\0' ? "" : " ", r->patterns) == -1)
			return -1;
	}
	return 0;
}

int
sts_cache_write(struct sts_cache *c, int64_t now)
{
	struct buf b;
	int fd = -1, r = -1;

	if (!c->changed)
		return 0;
	buf_init(&b, FILE_MAX);
	if (write_lines(c, &b, now) == -1)
		errno = ENOMEM;
	else if ((fd = open(c->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0640)) != -1 && fd_write_all(fd, b.data, b.len) == 0 &&
	    fsync(fd) == 0 && rename(c->part, c->file) == 0)
		r = 0;
	if (fd != -1)
		close(fd);
	buf_free(&b);
	c->changed = r == -1;
	return r;
}
