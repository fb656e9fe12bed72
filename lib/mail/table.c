/* SPDX-License-Identifier: ISC
 *
 * A file of aliases or addresses in memory: see table.h.  It must never be
 * half of one file and half of another.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/table.h"
#include "system/fdio.h"
#include "system/log.h"
#include "system/trust.h"

static int
entry_compare(const void *a, const void *b)
{
	const struct table_entry *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : (x->line > y->line) - (x->line < y->line);
}

static int
fault(const struct table *t, char *error, unsigned line, const char *why)
{
	snprintf(error, CONF_ERROR_MAX, "%.200s:%u: %s", t->path, line, why);
	return -1;
}

/* Where each entry begins in the text, which may move while it grows. */
static int
list_entries(struct table *t, const char *text, size_t n, char *error)
{
	struct alias_reader reader;
	struct table_entry *more;
	const char *why;
	unsigned line;
	size_t start, room = 0;
	int found;

	alias_reader_init(&reader, t->form, text, n);
	while (start = t->text.len, (found = alias_next(&reader, &t->text,
	    &line, &why)) == 1) {
		if (t->n == room) {
			room = room == 0 ? 64 : room * 2;
			more = reallocarray(t->entries, room, sizeof(*more));
			if (more == NULL)
				return fault(t, error, line, "out of memory");
			t->entries = more;
		}
		t->entries[t->n].start = start;
		t->entries[t->n++].line = line;
	}
	return found == 0 ? 0 : fault(t, error, line, why);
}

static int
sort_entries(struct table *t, char *error)
{
	struct table_entry *e;
	char why[64];
	size_t i;

	for (i = 0; i < t->n; i++) {
		e = &t->entries[i];
		e->name = (const char *)t->text.data + e->start;
		e->targets = e->name + strlen(e->name) + 1;
	}
	if (t->n > 0)
		qsort(t->entries, t->n, sizeof(*t->entries), entry_compare);
	for (i = 1; i < t->n; i++) {
		e = &t->entries[i];
		if (strcmp(e->name, e[-1].name) != 0)
			continue;
		snprintf(why, sizeof(why), "the name stands in line %u too",
		    e[-1].line);
		return fault(t, error, e->line, why);
	}
	return 0;
}

/* Entries of a file that others may write in are there, so that they are not
 * somebody else's: what is to become of them is the caller's. */
static void
set_trust(struct table *t, const struct stat *st)
{
	const char *before = t->fault;

	/* A list says who there is, not where mail goes. */
	if (t->form == ALIAS_LIST)
		return;
	t->fault = trust_fault(t->path, st);
	if (t->fault != NULL && before == NULL)
		log_warn("table", "file=%s fault=\"%s\" note=\"mail for those "
		    "in it waits\"", log_str(t->path), t->fault);
}

int
table_open(struct table *t, const char *path, enum alias_form form,
    bool optional, char *error)
{
	struct stat st;
	char *text;
	size_t n = 0;
	int r;

	memset(t, 0, sizeof(*t));
	t->path = path;
	t->form = form;
	t->optional = optional;
	buf_init(&t->text, 2 * TABLE_FILE_MAX);
	if (*path == '\0')
		return 0;
	if ((text = fd_read_file(path, TABLE_FILE_MAX, &st, &n)) == NULL) {
		if (optional && errno == ENOENT)
			return 0;
		snprintf(error, CONF_ERROR_MAX, "%.200s: %s", path,
		    strerror(errno));
		return -1;
	}
	stamp_set(&t->stamp, &st);
	set_trust(t, &st);
	r = list_entries(t, text, n, error);
	if (r == 0)
		r = sort_entries(t, error);
	free(text);
	if (r == -1)
		table_close(t);
	return r;
}

void
table_close(struct table *t)
{
	buf_free(&t->text);
	free(t->entries);
	t->entries = NULL;
	t->n = 0;
}

void
table_refresh(struct table *t)
{
	char error[CONF_ERROR_MAX];
	struct table fresh;
	struct stat st;

	if (*t->path == '\0')
		return;
	if (stat(t->path, &st) == -1) {
		if (errno != EACCES && !(t->optional && t->n == 0))
			log_once("table", "file=%s error=%s",
			    log_str(t->path), log_str(strerror(errno)));
		return;
	}
	if (!stamp_changed(&t->stamp, &st)) {
		if (t->fault != NULL)
			set_trust(t, &st);
		return;
	}
	if (table_open(&fresh, t->path, t->form, t->optional,
	    error) == 0) {
		table_close(t);
		*t = fresh;
		return;
	}
	log_warn("table", "error=%s note=\"the old one stays\"",
	    log_str(error));
	/* Said once, until it changes again. */
	stamp_set(&t->stamp, &st);
}

const struct table_entry *
table_find(const struct table *t, const char *name)
{
	size_t lo = 0, hi = t->n, mid;
	int c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if ((c = strcmp(t->entries[mid].name, name)) == 0)
			return &t->entries[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const char *
table_target(const char **targets)
{
	const char *target = *targets;

	if (*target == '\0')
		return NULL;
	*targets += strlen(target) + 1;
	return target;
}
