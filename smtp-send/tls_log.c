/* SPDX-License-Identifier: ISC
 *
 * Counters, and their file:
 *
 *	stdmail-tls 1
 *	policy DAY DOMAIN TYPE GOOD BAD
 *	text LINE			(of the policy, any number)
 *	fail RESULT COUNT MX FROM TO [WORDS]	("-": not known)
 *
 * with text and fail lines of the policy before them.
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

#include "system/fdio.h"
#include "tls_log.h"

#define FILE_MAX	(16u << 20)
#define HEAD		"stdmail-tls 1\n"
#define DAY_MAX		(INT64_C(1) << 24)	/* far off, and no overflow */

/* ---- counting ---- */

static struct tls_policy *
find(const struct tls_log *log, int64_t day, const char *domain,
    enum policy_type type)
{
	size_t i;

	for (i = 0; i < log->n; i++)
		if (log->v[i].day == day && log->v[i].type == type &&
		    strcasecmp(log->v[i].domain, domain) == 0)
			return &log->v[i];
	return NULL;
}

static struct tls_policy *
find_or_make(struct tls_log *log, int64_t day, const char *domain,
    enum policy_type type)
{
	struct tls_policy *p = find(log, day, domain, type);

	if (p != NULL || log->n == TLS_LOG_MAX)
		return p;
	p = &log->v[log->n];
	memset(p, 0, sizeof(*p));
	p->day = day;
	p->type = type;
	strlcpy(p->domain, domain, sizeof(p->domain));
	log->n++;
	return p;
}

static bool
is_same(const struct tls_failure *f, const struct tls_failure *g)
{
	return f->result == g->result && strcmp(f->mx, g->mx) == 0 &&
	    strcmp(f->from, g->from) == 0 && strcmp(f->to, g->to) == 0 &&
	    strcmp(f->why, g->why) == 0;
}

/* Beyond their number, or without memory, they are counted in the sum alone. */
static void
count_failure(struct tls_log *log, struct tls_policy *p,
    const struct tls_failure *f)
{
	struct tls_failure *more;
	size_t i;

	for (i = 0; i < p->n; i++)
		if (is_same(&p->failures[i], f)) {
			p->failures[i].count += f->count;
			return;
		}
	if (p->n == TLS_LOG_FAILURES || log->kinds >= TLS_LOG_KINDS ||
	    (more = reallocarray(p->failures, p->n + 1, sizeof(*more))) ==
	    NULL)
		return;
	p->failures = more;
	p->failures[p->n++] = *f;
	log->kinds++;
}

void
tls_log_note(struct tls_log *log, const struct tls_note *n, int64_t now)
{
	struct tls_failure f = { .result = n->result, .count = 1 };
	struct tls_policy *p;

	p = find_or_make(log, now / DAY, n->domain, n->type);
	if (p == NULL)
		return;
	log->changed = true;
	if (p->text[0] == '\0')
		strlcpy(p->text, n->policy, sizeof(p->text));
	if (f.result == TLS_RESULT_GOOD) {
		p->good++;
		return;
	}
	p->bad++;
	strlcpy(f.mx, n->mx, sizeof(f.mx));
	strlcpy(f.from, n->from, sizeof(f.from));
	strlcpy(f.to, n->to, sizeof(f.to));
	strlcpy(f.why, n->why, sizeof(f.why));
	count_failure(log, p, &f);
}

static void
remove_at(struct tls_log *log, size_t i)
{
	free(log->v[i].failures);
	log->kinds -= log->v[i].n;
	log->v[i] = log->v[--log->n];
	log->changed = true;
}

void
tls_log_drop(struct tls_log *log, int64_t day, const char *domain)
{
	size_t i = 0;

	while (i < log->n)
		if (log->v[i].day == day &&
		    strcasecmp(log->v[i].domain, domain) == 0)
			remove_at(log, i);
		else
			i++;
}

void
tls_log_expire(struct tls_log *log, int64_t now)
{
	size_t i = 0;

	while (i < log->n)
		if (log->v[i].day + TLS_LOG_DAYS < now / DAY ||
		    log->v[i].day > now / DAY)
			remove_at(log, i);
		else
			i++;
}

/* ---- the file ---- */

static struct tls_policy *
take_policy(struct tls_log *log, const char *line)
{
	char domain[NEWS_DOMAIN_MAX], type[20];
	struct tls_policy *p;
	uint64_t good, bad;
	int64_t day;
	int t = 0;

	if (sscanf(line, "policy %" SCNd64 " %255s %19s %" SCNu64 " %" SCNu64,
	    &day, domain, type, &good, &bad) != 5 || day < 0 || day > DAY_MAX)
		return NULL;
	while (t <= POLICY_TYPE_TLSA && strcmp(type,
	    tls_type_name((enum policy_type)t)) != 0)
		t++;
	if (t > POLICY_TYPE_TLSA || (p = find_or_make(log, day, domain,
	    (enum policy_type)t)) == NULL)
		return NULL;
	p->good += good;
	p->bad += bad;
	return p;
}

static void
take_text(struct tls_policy *p, const char *line)
{
	size_t n = strlen(p->text);

	if (n + strlen(line) + 2 <= sizeof(p->text))
		snprintf(p->text + n, sizeof(p->text) - n, "%s%s",
		    n == 0 ? "" : "\n", line);
}

static void
undash(char *s)
{
	if (strcmp(s, "-") == 0)
		*s = '\0';
}

static void
take_failure(struct tls_log *log, struct tls_policy *p, const char *line)
{
	struct tls_failure f = { 0 };
	char name[40];
	int at = 0, t = TLS_RESULT_GOOD + 1;

	if (sscanf(line, "fail %39s %" SCNu64 " %255s %45s %45s%n", name,
	    &f.count, f.mx, f.from, f.to, &at) != 5)
		return;
	while (t < TLS_RESULTS &&
	    strcmp(name, tls_result_name((enum tls_result)t)) != 0)
		t++;
	if (t == TLS_RESULTS)
		return;
	f.result = (enum tls_result)t;
	undash(f.mx);
	undash(f.from);
	undash(f.to);
	strlcpy(f.why, line + at + (line[at] == ' '), sizeof(f.why));
	count_failure(log, p, &f);
}

static void
take_lines(struct tls_log *log, char *text, size_t n)
{
	struct tls_policy *p = NULL;
	char *line = text, *lf;

	for (; (lf = memchr(line, '\n', n - (size_t)(line - text))) != NULL;
	    line = lf + 1) {
		*lf = '\0';
		if (strncmp(line, "policy ", 7) == 0)
			p = take_policy(log, line);
		else if (p != NULL && strncmp(line, "text ", 5) == 0)
			take_text(p, line + 5);
		else if (p != NULL)
			take_failure(log, p, line);
	}
}

int
tls_log_open(struct tls_log *log, const char *spool)
{
	struct stat st;
	size_t n = 0;
	char *text;

	memset(log, 0, sizeof(*log));
	if ((log->v = calloc(TLS_LOG_MAX, sizeof(*log->v))) == NULL ||
	    asprintf(&log->file, "%s/remote/tls/results", spool) == -1 ||
	    asprintf(&log->part, "%s/remote/tls/results.part", spool) == -1) {
		tls_log_free(log);
		return -1;
	}
	text = fd_read_file(log->file, FILE_MAX, &st, &n);
	if (text != NULL && n >= sizeof(HEAD) - 1 &&
	    memcmp(text, HEAD, sizeof(HEAD) - 1) == 0)
		take_lines(log, text, n);
	free(text);
	return 0;
}

void
tls_log_free(struct tls_log *log)
{
	while (log->n > 0)
		free(log->v[--log->n].failures);
	free(log->v);
	free(log->file);
	free(log->part);
	memset(log, 0, sizeof(*log));
}

static const char *
dash(const char *s)
{
	return *s == '\0' ? "-" : s;
}

static void
write_policy(struct buf *b, const struct tls_policy *p)
{
	const struct tls_failure *f;
	const char *line = p->text;
	size_t i, n;

	buf_addf(b, "policy %" PRId64 " %s %s %" PRIu64 " %" PRIu64 "\n",
	    p->day, p->domain, tls_type_name(p->type), p->good, p->bad);
	for (; *line != '\0'; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		if (n > 0)
			buf_addf(b, "text %.*s\n", (int)n, line);
	}
	for (i = 0; i < p->n; i++) {
		f = &p->failures[i];
		buf_addf(b, "fail %s %" PRIu64 " %s %s %s %s\n",
		    tls_result_name(f->result), f->count, dash(f->mx),
		    dash(f->from), dash(f->to), f->why);
	}
}

int
tls_log_write(struct tls_log *log)
{
	struct buf b;
	int fd = -1, r = -1;
	size_t i;

	if (!log->changed)
		return 0;
	buf_init(&b, FILE_MAX);
	buf_adds(&b, HEAD);
	for (i = 0; i < log->n; i++)
		write_policy(&b, &log->v[i]);
	if (buf_failed(&b))
		errno = EFBIG;
	else if ((fd = open(log->part, O_WRONLY | O_CREAT | O_TRUNC |
	    O_CLOEXEC | O_NOFOLLOW, 0640)) != -1 &&
	    fd_write_all(fd, b.data, b.len) == 0 && fsync(fd) == 0 &&
	    rename(log->part, log->file) == 0)
		r = 0;
	if (fd != -1)
		close(fd);
	buf_free(&b);
	log->changed = r == -1;
	return r;
}
