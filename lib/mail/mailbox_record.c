/* SPDX-License-Identifier: ISC
 *
 * The records of a mailbox by their places: in the mapped index, and in memory
 * where they differ from it.  Nothing here looks at a folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "mail/mailbox_local.h"

#define CHUNK	65536
#define CHUNKS_FEW 8

struct mailbox_chunk {
	struct mailbox_chunk *next;
	size_t		 used, size;
	char		 data[];
};

int
mailbox_grow(void *arrayp, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap == 0 ? 64 : *cap;
	void **array = arrayp, *p;

	if (n <= *cap)
		return 0;
	while (want < n)
		want *= 2;
	if ((p = reallocarray(*array, want, size)) == NULL)
		return -1;
	*array = p;
	*cap = want;
	return 0;
}

void
mailbox_state_free(struct mailbox_state *s)
{
	struct mailbox_chunk *c;
	size_t n = 0;

	index_close(&s->index);
	free(s->over);
	free(s->changed.v);
	free(s->added.v);
	free(s->ghosts.v);
	free(s->hash);
	for (; (c = s->chunks) != NULL; n++) {
		s->chunks = c->next;
		free(c);
	}
	memset(s, 0, sizeof(*s));
#ifdef __GLIBC__
	/* Megabytes of names in the middle of the heap, and a session may now
	 * be idle for days. */
	if (n > CHUNKS_FEW)
		(void)malloc_trim(0);
#endif
}

/* ---- strings ---- */

const char *
mailbox_string(struct mailbox *mb, const char *s, size_t n)
{
	struct mailbox_chunk *c = mb->state.chunks;
	size_t size = n + 1 > CHUNK ? n + 1 : CHUNK;
	char *to;

	if (c == NULL || c->size - c->used < n + 1) {
		if ((c = malloc(sizeof(*c) + size)) == NULL)
			return NULL;
		c->used = 0;
		c->size = size;
		c->next = mb->state.chunks;
		mb->state.chunks = c;
	}
	to = c->data + c->used;
	c->used += n + 1;
	memcpy(to, s, n);
	to[n] = '\0';
	return to;
}

static size_t
info_place(char *const *infos, size_t cap, const char *info)
{
	size_t i = index_hash(info, strlen(info)) & (cap - 1);

	while (infos[i] != NULL && strcmp(infos[i], info) != 0)
		i = (i + 1) & (cap - 1);
	return i;
}

static int
infos_grow(struct mailbox *mb)
{
	size_t i, cap = mb->infos_cap == 0 ? 64 : mb->infos_cap * 2;
	char **infos = calloc(cap, sizeof(*infos));

	if (infos == NULL)
		return -1;
	for (i = 0; i < mb->infos_cap; i++)
		if (mb->infos[i] != NULL)
			infos[info_place(infos, cap, mb->infos[i])] =
			    mb->infos[i];
	free(mb->infos);
	mb->infos = infos;
	mb->infos_cap = cap;
	return 0;
}

const char *
mailbox_info(struct mailbox *mb, const char *info)
{
	size_t at;

	if (*info == '\0')
		return "";
	if (mb->ninfos * 2 >= mb->infos_cap && infos_grow(mb) == -1)
		return NULL;
	at = info_place(mb->infos, mb->infos_cap, info);
	if (mb->infos[at] == NULL) {
		if ((mb->infos[at] = strdup(info)) == NULL)
			return NULL;
		mb->ninfos++;
	}
	return mb->infos[at];
}

/* ---- by place ---- */

struct mailbox_own *
mailbox_has_own(const struct mailbox *mb, uint32_t place)
{
	const struct mailbox_state *s = &mb->state;

	if (place >= MAILBOX_GHOST)
		return &s->ghosts.v[place - MAILBOX_GHOST];
	if (place >= s->index.n)
		return &s->added.v[place - s->index.n];
	if (s->over == NULL || s->over[place] == 0)
		return NULL;
	return &s->changed.v[s->over[place] - 1];
}

static mailbox_flags
flags_of(const struct mailbox *mb, const struct mailbox_own *o)
{
	return ((o->flags & ~o->remove) | o->add) & mb->known;
}

static void
rec_of_own(const struct mailbox *mb, const struct mailbox_own *o,
    struct mailbox_rec *r)
{
	r->uid = o->uid;
	r->saved = o->saved;
	r->base = o->base;
	r->info = o->info;
	r->ext = o->ext;
	r->flags = flags_of(mb, o);
	r->modseq = o->modseq < mb->journal.floor ? mb->journal.floor :
	    o->modseq;
	r->size = o->size;
	r->base_len = o->base_len;
	r->where = o->where;
	r->bits = o->bits;
	r->visible = o->visible;
	r->gone = o->gone;
	r->recent = o->recent;
}

void
mailbox_rec(const struct mailbox *mb, uint32_t place, struct mailbox_rec *r)
{
	const struct mailbox_own *o = mailbox_has_own(mb, place);
	const struct index *ix = &mb->state.index;
	const struct index_rec *v;

	if (o != NULL) {
		rec_of_own(mb, o, r);
		return;
	}
	v = &ix->v[place];
	r->uid = v->uid;
	r->saved = v->saved;
	r->base = index_name(ix, place);
	/* A damaged record has no name, and so no file. */
	r->base_len = *r->base == '\0' ? 0 : v->base_len;
	r->info = r->base + r->base_len;
	r->ext = index_ext(ix, place);
	r->flags = v->flags & mb->known;
	r->modseq = v->modseq < mb->journal.floor ? mb->journal.floor :
	    v->modseq;
	r->size = v->size;
	/* All in the index have a file; a damaged one's is looked for. */
	r->where = v->where == WHERE_NEW ? WHERE_NEW : WHERE_CUR;
	r->bits = v->bits;
	r->visible = true;
	r->gone = r->recent = false;
}

uint64_t
mailbox_index_size(const struct mailbox *mb, uint32_t place)
{
	const struct mailbox_own *o = mailbox_has_own(mb, place);

	return o != NULL ? o->size : mb->state.index.v[place].size;
}

struct mailbox_own *
mailbox_own(struct mailbox *mb, uint32_t place)
{
	struct mailbox_own *o = mailbox_has_own(mb, place);
	struct mailbox_state *s = &mb->state;
	struct mailbox_rec r;

	if (o != NULL)
		return o;
	if (s->over == NULL && (s->over = calloc((size_t)s->index.n + 1,
	    sizeof(*s->over))) == NULL)
		return NULL;
	if (mailbox_grow(&s->changed.v, &s->changed.cap, s->changed.n + 1,
	    sizeof(*s->changed.v)) == -1)
		return NULL;
	mailbox_rec(mb, place, &r);
	o = &s->changed.v[s->changed.n];
	memset(o, 0, sizeof(*o));
	o->uid = r.uid;
	o->saved = r.saved;
	o->base = r.base;
	o->base_len = r.base_len;
	if ((o->info = mailbox_info(mb, r.info)) == NULL)
		return NULL;
	o->ext = r.ext;
	o->flags = s->index.v[place].flags;
	o->told = r.flags;
	o->modseq = r.modseq;
	o->size = r.size;
	o->where = r.where;
	o->bits = r.bits;
	o->visible = r.visible;
	s->over[place] = (uint32_t)++s->changed.n;
	return o;
}

uint32_t
mailbox_places(const struct mailbox *mb)
{
	return mb->state.index.n + (uint32_t)mb->state.added.n;
}

int
mailbox_rec_file(const struct mailbox *mb, const struct mailbox_rec *r,
    char *name)
{
	int n;

	if (r->where == WHERE_NOWHERE || r->base_len == 0)
		return -1;
	n = snprintf(name, MAILBOX_FILE_MAX + 1, "%.*s%s", r->base_len,
	    r->base, r->info);
	if (n > MAILBOX_FILE_MAX)
		return -1;
	return r->where == WHERE_NEW ? mb->new : mb->cur;
}

/* ---- finding ---- */

uint32_t
mailbox_place_of_uid(const struct mailbox *mb, uint32_t uid)
{
	const struct mailbox_owns *added = &mb->state.added;
	size_t low = 0, high = added->n, mid;
	uint32_t i;

	if ((i = index_uid(&mb->state.index, uid)) != INDEX_NONE)
		return i;
	while (low < high) {
		mid = low + (high - low) / 2;
		if (added->v[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < added->n && added->v[low].uid == uid ?
	    mb->state.index.n + (uint32_t)low : MAILBOX_NOPLACE;
}

/* Where an added name stands in the hash, or the free place it would take. */
static size_t
hash_place(const struct mailbox_state *s, const char *base, size_t n)
{
	size_t i = index_hash(base, n) & (s->nhash - 1);
	const struct mailbox_own *o;

	for (; s->hash[i] != 0; i = (i + 1) & (s->nhash - 1)) {
		o = &s->added.v[s->hash[i] - 1];
		if (o->base_len == n && memcmp(o->base, base, n) == 0)
			break;
	}
	return i;
}

static int
rehash(struct mailbox_state *s, size_t nhash)
{
	uint32_t *hash = calloc(nhash, sizeof(*hash));
	size_t i;

	if (hash == NULL)
		return -1;
	free(s->hash);
	s->hash = hash;
	s->nhash = nhash;
	for (i = 0; i < s->added.n; i++)
		s->hash[hash_place(s, s->added.v[i].base,
		    s->added.v[i].base_len)] = (uint32_t)i + 1;
	return 0;
}

uint32_t
mailbox_place_of_name(const struct mailbox *mb, const char *base, size_t n)
{
	const struct mailbox_state *s = &mb->state;
	size_t at;

	if (s->nhash != 0 && (at = hash_place(s, base, n),
	    s->hash[at] != 0))
		return s->index.n + s->hash[at] - 1;
	return index_find(&s->index, base, n);
}

/* ---- changing ---- */

int
mailbox_touch(struct mailbox *mb, uint32_t place)
{
	struct mailbox_own *o = mailbox_own(mb, place);

	if (o == NULL)
		return -1;
	o->unsteady |= o->visible && o->where != WHERE_NOWHERE &&
	    flags_of(mb, o) != o->told;
	if (o->touched)
		return 0;
	if (mailbox_grow(&mb->touched, &mb->touched_cap, mb->ntouched + 1,
	    sizeof(*mb->touched)) == -1)
		return -1;
	o->touched = true;
	mb->touched[mb->ntouched++] = place;
	return 0;
}

int
mailbox_add(struct mailbox *mb, uint32_t uid, const char *base, size_t n,
    const char *ext)
{
	uint32_t old = mailbox_place_of_name(mb, base, n);
	struct mailbox_state *s = &mb->state;
	struct mailbox_own *o;

	if (n > MAILBOX_FILE_MAX)
		return 0;	/* no file can have this name */
	if (old != MAILBOX_NOPLACE && mailbox_lost(mb, old) == -1)
		return -1;
	if (mailbox_grow(&s->added.v, &s->added.cap, s->added.n + 1,
	    sizeof(*s->added.v)) == -1)
		return -1;
	if (s->added.n * 2 >= s->nhash &&
	    rehash(s, s->nhash == 0 ? 256 : s->nhash * 2) == -1)
		return -1;
	o = &s->added.v[s->added.n];
	memset(o, 0, sizeof(*o));
	o->uid = uid;
	o->base = mailbox_string(mb, base, n);
	o->base_len = (unsigned char)n;
	o->ext = *ext == '\0' ? "" : mailbox_string(mb, ext, strlen(ext));
	if (o->base == NULL || o->ext == NULL)
		return -1;
	o->info = "";
	o->size = UINT64_MAX;
	o->modseq = mb->journal.floor;
	mb->nnowhere++;
	s->hash[hash_place(s, base, n)] = (uint32_t)++s->added.n;
	return 0;
}

int
mailbox_set_pending(struct mailbox *mb, uint32_t place, mailbox_flags add,
    mailbox_flags remove)
{
	struct mailbox_own *o = mailbox_own(mb, place);

	if (o == NULL || mailbox_grow(&mb->pending, &mb->pending_cap,
	    mb->npending + 1, sizeof(*mb->pending)) == -1)
		return -1;
	if ((o->add | o->remove) == 0)
		mb->pending[mb->npending++] = o->uid;
	o->add = (o->add & ~remove) | add;
	o->remove = (o->remove & ~add) | remove;
	return mailbox_touch(mb, place);
}

static void
count_where(struct mailbox *mb, unsigned char from, unsigned char to)
{
	mb->nnew -= from == WHERE_NEW;
	mb->nnew += to == WHERE_NEW;
	mb->nnowhere -= from == WHERE_NOWHERE;
	mb->nnowhere += to == WHERE_NOWHERE;
}

int
mailbox_moved(struct mailbox *mb, uint32_t place, unsigned char where,
    const char *info)
{
	struct mailbox_own *o = mailbox_own(mb, place);
	mailbox_flags letters;

	if (o == NULL)
		return -1;
	letters = mailbox_file_flags(info);
	if (o->info != info) {
		o->flags = letters | (o->flags & ~MAILBOX_FILE_FLAGS);
		o->info = info;
	}
	count_where(mb, o->where, where);
	o->where = where;
	return mailbox_touch(mb, place);
}

int
mailbox_lost(struct mailbox *mb, uint32_t place)
{
	struct mailbox_own *o = mailbox_own(mb, place);

	if (o == NULL)
		return -1;
	if (o->gone)
		return 0;
	count_where(mb, o->where, WHERE_NOWHERE);
	/* The file of one that is gone is not looked for. */
	mb->nnowhere--;
	o->where = WHERE_NOWHERE;
	o->gone = true;
	return mailbox_touch(mb, place);
}
