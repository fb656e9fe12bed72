/* SPDX-License-Identifier: ISC
 *
 * Questions to a parsed message: its strings, its parameters, its parts by
 * number.
 */
#include <string.h>

#include "grammar/chars.h"
#include "grammar/mime.h"

const char *
mime_str(const struct mime *m, struct mime_ref r)
{
	if (r.off == MIME_NONE)
		return NULL;
	return m->text.data == NULL ? "" : m->text.data + r.off;
}

struct mime_ref
mime_param(const struct mime *m, const struct mime_part *part,
    const char *name)
{
	const struct mime_ref none = { MIME_NONE, 0 };
	const struct mime_param *p;
	uint32_t i;

	for (i = 0; i < part->nparams; i++) {
		p = &m->param[part->params + i];
		if (chars_is(mime_str(m, p->name), p->name.len, name))
			return p->value;
	}
	return none;
}

/* The nth part, counted from 1, of a message or multipart: a message that is
 * no multipart has itself as its only part (RFC 3501 6.4.5). */
static const struct mime_part *
nth(const struct mime *m, const struct mime_part *whole, uint32_t n)
{
	uint32_t i;

	if (whole->kind != MIME_MULTIPART)
		return n == 1 ? whole : NULL;
	for (i = whole->child; i != MIME_NONE && n > 1; n--)
		i = m->part[i].next;
	return i == MIME_NONE ? NULL : &m->part[i];
}

const struct mime_part *
mime_find(const struct mime *m, const uint32_t *path, size_t npath)
{
	const struct mime_part *part = &m->part[0];
	size_t i;

	for (i = 0; i < npath; i++) {
		if (i > 0 && part->kind == MIME_MESSAGE)
			part = &m->part[part->child];
		else if (i > 0 && part->kind != MIME_MULTIPART)
			return NULL;
		if (path[i] == 0 || (part = nth(m, part, path[i])) == NULL)
			return NULL;
	}
	return part;
}
