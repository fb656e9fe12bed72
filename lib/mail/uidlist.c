/* SPDX-License-Identifier: ISC
 *
 * The list in memory and its text form; see mail/uidlist.h.  It opens no
 * file: that is uidlist_file.c.  It must never give a UID twice, whatever a
 * file says.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/uidlist.h"

#define CHUNK	65536

struct uidlist_chunk {
	struct uidlist_chunk *next;
	size_t		 used, size;
	char		 data[];
};

void
uidlist_init(struct uidlist *l)
{
	memset(l, 0, sizeof(*l));
	l->next = 1;
	l->fd = -1;
}

void
uidlist_free(struct uidlist *l)
{
	struct uidlist_chunk *c;

	while ((c = l->chunks) != NULL) {
		l->chunks = c->next;
		free(c);
	}
	free(l->v);
	free(l->hash);
	free(l->header);
	if (l->fd != -1)
		close(l->fd);
	uidlist_init(l);
}

char *
uidlist_hold(struct uidlist *l, size_t n)
{
	struct uidlist_chunk *c = l->chunks;
	size_t size = n > CHUNK ? n : CHUNK;

	if (c == NULL || c->size - c->used < n) {
		if ((c = malloc(sizeof(*c) + size)) == NULL)
			return NULL;
		c->used = 0;
		c->size = size;
		/* A chunk of its own must not hide the one being filled. */
		if (n > CHUNK && l->chunks != NULL) {
			c->next = l->chunks->next;
			l->chunks->next = c;
		} else {
			c->next = l->chunks;
			l->chunks = c;
		}
	}
	c->used += n;
	return c->data + c->used - n;
}

const char *
uidlist_string(struct uidlist *l, const char *s, size_t n)
{
	char *to = uidlist_hold(l, n + 1);

	if (to == NULL)
		return NULL;
	memcpy(to, s, n);
	to[n] = '\0';
	return to;
}

/* FNV-1a.  Names are the owner's own; nobody gains by choosing them. */
static uint32_t
hash_name(const char *s, size_t n)
{
	uint32_t h = 2166136261u;

	while (n-- > 0)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return h ^ h >> 15;
}

/* Where the name stands in the hash, or the free place it would take. */
static size_t
hash_place(const struct uidlist *l, const char *s, size_t n)
{
	size_t i = hash_name(s, n) & (l->nhash - 1);
	const char *name;

	for (; l->hash[i] != 0; i = (i + 1) & (l->nhash - 1)) {
		name = l->v[l->hash[i] - 1].name;
		if (strncmp(name, s, n) == 0 && name[n] == '\0')
			break;
	}
	return i;
}

/* A hash of n places for the records of v. */
static int
rehash(struct uidlist *l, size_t nhash)
{
	size_t i, at;
	uint32_t *hash = calloc(nhash, sizeof(*hash));

	if (hash == NULL)
		return -1;
	free(l->hash);
	l->hash = hash;
	l->nhash = nhash;
	for (i = 0; i < l->n; i++) {
		if (l->v[i].superseded)
			continue;
		at = hash_place(l, l->v[i].name, strlen(l->v[i].name));
		l->hash[at] = (uint32_t)i + 1;
	}
	return 0;
}

int
uidlist_take(struct uidlist *l, struct uidlist_rec *v, size_t n)
{
	struct uidlist_rec *old = l->v;
	size_t nhash = 256, oldn = l->n;

	while (nhash <= n * 2)
		nhash *= 2;
	l->v = v;
	l->n = n;
	if (rehash(l, nhash) == -1) {
		l->v = old;
		l->n = oldn;
		return -1;
	}
	free(old);
	l->cap = l->written = n;
	return 0;
}

struct uidlist_rec *
uidlist_find(struct uidlist *l, const char *s, size_t n)
{
	size_t at;

	if (l->nhash == 0)
		return NULL;
	at = hash_place(l, s, n);
	return l->hash[at] == 0 ? NULL : &l->v[l->hash[at] - 1];
}

size_t
uidlist_at(const struct uidlist *l, uint32_t uid)
{
	size_t low = 0, high = l->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (l->v[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* A record behind the last; its uid is above all others. */
static struct uidlist_rec *
add(struct uidlist *l, uint32_t uid, const char *name, const char *ext)
{
	struct uidlist_rec *rec;
	size_t cap, at;

	if (l->n == l->cap) {
		cap = l->cap == 0 ? 64 : l->cap * 2;
		rec = reallocarray(l->v, cap, sizeof(*l->v));
		if (rec == NULL)
			return NULL;
		l->v = rec;
		l->cap = cap;
	}
	if (l->n * 2 >= l->nhash &&
	    rehash(l, l->nhash == 0 ? 256 : l->nhash * 2) == -1)
		return NULL;
	at = hash_place(l, name, strlen(name));
	if (l->hash[at] != 0)
		l->v[l->hash[at] - 1].superseded = true;
	rec = &l->v[l->n++];
	memset(rec, 0, sizeof(*rec));
	rec->uid = uid;
	rec->name = name;
	rec->ext = ext;
	rec->info = "";
	rec->size = UINT64_MAX;
	l->hash[at] = (uint32_t)l->n;
	l->next = uid + 1;
	return rec;
}

struct uidlist_rec *
uidlist_add(struct uidlist *l, const char *name, const char *ext)
{
	if (l->next > UIDLIST_UID_MAX)
		return NULL;
	return add(l, l->next, name, ext);
}

/* A number of at most 32 bits and not 0; *p is moved behind it. */
static int
number(char **p, uint32_t *n)
{
	uint64_t v = 0;
	char *s = *p;

	for (; *s >= '0' && *s <= '9'; s++)
		if ((v = v * 10 + (uint64_t)(*s - '0')) > UINT32_MAX)
			return 0;
	if (v == 0)
		return 0;
	*n = (uint32_t)v;
	*p = s;
	return 1;
}

/* *(key value): V and N are taken out, the rest is kept as it stands. */
static int
parse_header3(struct uidlist *l, char *p)
{
	char *start, *to;
	size_t n = strlen(p);

	if ((l->header = malloc(n + 2)) == NULL)
		return -1;
	to = l->header;
	while (*p != '\0') {
		start = p;
		p += strcspn(p, " ");
		n = (size_t)(p - start);
		p += strspn(p, " ");
		if (*start == 'V' || *start == 'N') {
			char *digits = start + 1;

			if (!number(&digits, *start == 'V' ? &l->validity :
			    &l->next))
				l->damaged = true;
			continue;
		}
		*to++ = ' ';
		memmove(to, start, n);
		to += n;
	}
	*to = '\0';
	return 0;
}

/* header = "3 " fields / "1 " uidvalidity " " nextuid */
static int
parse_header(struct uidlist *l, char *p)
{
	uint32_t validity, next;

	if (strncmp(p, "3 ", 2) == 0)
		return parse_header3(l, p + 2);
	l->damaged = true;
	if (strncmp(p, "1 ", 2) != 0)
		return 0;
	p += 2;
	if (!number(&p, &validity) || *p++ != ' ' || !number(&p, &next))
		return 0;
	l->validity = validity;
	l->next = next;
	return 0;
}

/* record = uid *(SP key value) SP ":" name; in version 1 uid SP name */
static int
parse_record(struct uidlist *l, char *p, uint32_t *last)
{
	struct uidlist_rec *rec;
	uint32_t uid, next = l->next;
	char *ext, *name;

	if (!number(&p, &uid) || *p != ' ' || uid > UIDLIST_UID_MAX)
		return 0;
	p += strspn(p, " ");
	ext = p;
	if (l->header != NULL) {
		if (*p != ':' && (p = strstr(p, " :")) == NULL)
			return 0;
		if (*p == ' ')
			*p++ = '\0';
		else
			ext = p + strlen(p);
		name = p + 1;
	} else {
		ext = p + strlen(p);
		name = p;
	}
	/* Flags behind the base name are those of long ago. */
	name[strcspn(name, ":")] = '\0';
	if (uid <= *last || *name == '\0' || strchr(name, '/') != NULL)
		return 0;
	if ((rec = add(l, uid, name, ext)) == NULL)
		return -1;
	if (l->next < next)
		l->next = next;
	*last = uid;
	return 1;
}

ssize_t
uidlist_parse(struct uidlist *l, char *text, size_t n, bool header)
{
	char *p = text, *end = text + n, *nl;
	uint32_t last = l->n > 0 ? l->v[l->n - 1].uid : 0;
	int r;

	if (!header && l->validity == 0)
		return (ssize_t)n;
	for (; (nl = memchr(p, '\n', (size_t)(end - p))) != NULL; p = nl + 1) {
		*nl = '\0';
		if (memchr(p, '\0', (size_t)(nl - p)) != NULL)
			r = 0;
		else if (header)
			r = parse_header(l, p) == -1 ? -1 : 1;
		else
			r = parse_record(l, p, &last);
		if (r == -1)
			return -1;
		if (r == 0)
			l->damaged = true;
		if (l->validity == 0) {
			/* Without it no UID means anything. */
			l->damaged = true;
			return (ssize_t)n;
		}
		header = false;
	}
	return p - text;
}

int
uidlist_ext(const struct uidlist_rec *rec, char key, char *value, size_t size)
{
	const char *p;
	size_t n;

	for (p = rec->ext; *p != '\0'; p += n, p += strspn(p, " ")) {
		n = strcspn(p, " ");
		if (*p != key)
			continue;
		if (n > size)
			return 0;
		memcpy(value, p + 1, n - 1);
		value[n - 1] = '\0';
		return 1;
	}
	return 0;
}
