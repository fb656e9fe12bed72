/* SPDX-License-Identifier: ISC
 *
 * Names in the spool.  An ID is a Maildir unique name (see
 * https://cr.yp.to/proto/maildir.html) with one letter more, which says the
 * queue and where the envelope is:
 *
 *	id   = sec ".M" usec "P" pid "Q" seq letter "." host
 *	base = id ",S=" size ",W=" wire
 *	name = [time "-"] base	; in later/ when it is due, in held/ since when
 *	tmp  = id [",S=" size ",W=" wire ",C=" 8HEXDIG [",D=" due]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/spool_local.h"

void
spool_safe_host(char *to, size_t size, const char *host)
{
	size_t i;
	char c;

	for (i = 0; i + 1 < size && host[i] != '\0'; i++) {
		c = host[i];
		to[i] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' ? c : '_';
	}
	if (i == 0)
		to[i++] = '_';
	to[i] = '\0';
}

void
spool_make_id(char *id, int letter, const char *host)
{
	static unsigned long seq;
	struct timespec ts;
	char mark[2] = { (char)letter, '\0' };

	clock_gettime(CLOCK_REALTIME, &ts);
	snprintf(id, SPOOL_ID_MAX, "%lld.M%06ldP%ldQ%lu%s.%.99s",
	    (long long)ts.tv_sec, ts.tv_nsec / 1000, (long)getpid(), ++seq,
	    mark, host);
}

int
spool_letter(enum spool_queue queue, enum spool_form form, bool own)
{
	if (queue == SPOOL_REMOTE)
		return 'R';
	if (form == SPOOL_FILE)
		return 'M';
	return own ? 'S' : 'L';
}

const char *
spool_queue_name(enum spool_queue queue)
{
	return queue == SPOOL_LOCAL ? "local" : "remote";
}

/* 1*DIGIT at *p; moves it. */
static int
number(const char **p, uint64_t *to)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; *s >= '0' && *s <= '9'; s++) {
		if (v > (INT64_MAX - 9) / 10)
			return 0;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	if (s == *p)
		return 0;
	*p = s;
	*to = v;
	return 1;
}

static int
literal(const char **p, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*p, text, n) != 0)
		return 0;
	*p += n;
	return 1;
}

/* seq letter: the letter is the last octet before the dot of the host. */
static int
id_letter(const char **p, struct spool_item *it)
{
	uint64_t seq;

	if (!literal(p, "Q") || !number(p, &seq))
		return 0;
	it->queue = SPOOL_LOCAL;
	it->form = SPOOL_FILE;
	switch (*(*p)++) {
	case 'S':
		it->own = true;
		/* FALLTHROUGH */
	case 'L':
		it->form = SPOOL_LINES;
		return 1;
	case 'M':
		return 1;
	case 'R':
		it->queue = SPOOL_REMOTE;
		return 1;
	}
	return 0;
}

/* A base name, or a bare ID, which has sealed 0. */
static int
base_parse(struct spool_item *it, const char *base, int *sealed)
{
	const char *p = base;
	uint64_t sec, other;
	size_t n;

	memset(it, 0, sizeof(*it));
	it->bucket = SPOOL_NOW;
	if (strlen(base) >= sizeof(it->name) || !number(&p, &sec) ||
	    !literal(&p, ".M") || !number(&p, &other) ||
	    !literal(&p, "P") || !number(&p, &other) ||
	    !id_letter(&p, it) || !literal(&p, ".") ||
	    strcspn(p, ",/:") == 0)
		return 0;
	it->arrived = (int64_t)sec;
	p += strcspn(p, ",/:");
	n = (size_t)(p - base);
	if (n >= sizeof(it->id))
		return 0;
	memcpy(it->id, base, n);
	strlcpy(it->name, base, sizeof(it->name));
	*sealed = *p != '\0';
	if (!*sealed)
		return 1;
	return literal(&p, ",S=") && number(&p, &it->size) &&
	    literal(&p, ",W=") && number(&p, &it->wire) && *p == '\0';
}

int
spool_tmp_parse(struct spool_item *it, const char *name, int *sealed,
    uint32_t *crc)
{
	char base[SPOOL_NAME_MAX];
	const char *sum = strstr(name, ",C="), *p;
	uint64_t due = 0;
	char *end;

	*crc = 0;
	if (sum == NULL)
		return base_parse(it, name, sealed) && !*sealed;
	if (strspn(sum + 3, "0123456789abcdef") != 8 ||
	    strlcpy(base, name, sizeof(base)) >= sizeof(base))
		return 0;
	p = sum + 11;
	if (*p != '\0' && (!literal(&p, ",D=") || !number(&p, &due) ||
	    *p != '\0'))
		return 0;
	base[sum - name] = '\0';
	*crc = (uint32_t)strtoul(sum + 3, &end, 16);
	if (!base_parse(it, base, sealed) || !*sealed)
		return 0;
	it->due = (int64_t)due;
	return 1;
}

int
spool_name_parse(struct spool_item *it, const char *name,
    enum spool_queue queue, int64_t bucket)
{
	uint64_t when = 0;
	int sealed;

	if (bucket != SPOOL_NOW && (!number(&name, &when) ||
	    !literal(&name, "-")))
		return 0;
	if (!base_parse(it, name, &sealed) || !sealed ||
	    it->queue != queue)
		return 0;
	it->bucket = bucket;
	if (bucket == SPOOL_HELD)
		it->held = (int64_t)when;
	else
		it->due = (int64_t)when;
	return 1;
}

int
spool_item_path(const struct spool *sp, const struct spool_item *it,
    char path[SPOOL_NAME_MAX + 64])
{
	if (it->bucket == SPOOL_NOW) {
		strlcpy(path, it->name, SPOOL_NAME_MAX);
		return sp->now[it->queue];
	}
	if (it->bucket == SPOOL_HELD) {
		snprintf(path, SPOOL_NAME_MAX + 64, "%" PRId64 "-%s",
		    it->held, it->name);
		return sp->held[it->queue];
	}
	snprintf(path, SPOOL_NAME_MAX + 64, "%" PRId64 "/%" PRId64 "-%s",
	    it->bucket, it->due, it->name);
	return sp->later[it->queue];
}
