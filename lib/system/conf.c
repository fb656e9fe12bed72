/* SPDX-License-Identifier: ISC
 *
 * The generic parser of the configuration.  It must never guess: a word it
 * does not understand is an error that names file and line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bytes/buf.h"
#include "system/conf.h"
#include "system/conf_value.h"
#include "system/log.h"

#define FILE_MAX_BYTES	(1024 * 1024)

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* quoted = DQUOTE *( any but DQUOTE and "\" / "\" DQUOTE / "\\" ) DQUOTE;
 * *pp stands behind the first quote. */
static int
quoted_word(struct conf_run *run, const char **pp, const char *end)
{
	struct buf b;
	const char *p = *pp;
	int r;

	buf_init(&b, (size_t)(end - p));
	while (p < end && *p != '"') {
		if (*p == '\\') {
			if (++p == end || (*p != '"' && *p != '\\'))
				goto bad;
		}
		buf_addc(&b, *p++);
	}
	if (p == end || (p + 1 < end && !is_blank(p[1])))
		goto bad;
	*pp = p + 1;
	r = buf_failed(&b) ? -1 :
	    conf_list_add(&run->words, buf_str(&b), b.len);
	buf_free(&b);
	return r == -1 ? conf_wrong(run, "out of memory") : 0;
bad:
	buf_free(&b);
	return conf_wrong(run, "a quoted word does not end well");
}

/* Cut a line into run->words.  line = *( blank / word ) [ "#" comment ] */
static int
split_words(struct conf_run *run, const char *p, const char *end)
{
	const char *from;

	conf_list_free(&run->words);
	for (;;) {
		while (p < end && is_blank(*p))
			p++;
		if (p == end || *p == '#')
			return 0;
		if (*p == '"') {
			p++;
			if (quoted_word(run, &p, end) == -1)
				return -1;
			continue;
		}
		for (from = p; p < end && !is_blank(*p); p++)
			if (*p == '"')
				return conf_wrong(run, "a quote inside a word");
		if (conf_list_add(&run->words, from, (size_t)(p - from)) == -1)
			return conf_wrong(run, "out of memory");
	}
}

static const struct conf_key *
key_find(const struct conf_run *run, const char *name)
{
	size_t i;

	for (i = 0; i < run->n; i++)
		if (strcmp(run->keys[i].name, name) == 0)
			return &run->keys[i];
	return NULL;
}

int
conf_defaults(const struct conf_key *keys, size_t n, void *target)
{
	struct conf_run run = { keys, n, target, "", { NULL, 0 } };
	const char *def;
	size_t i;
	int r = 0;

	for (i = 0; i < n; i++)
		conf_field_zero(&keys[i], target);
	for (i = 0; i < n && r == 0; i++) {
		def = keys[i].def == NULL ? "" : keys[i].def;
		if (keys[i].type == CONF_STRING || keys[i].type ==
		    CONF_WORDS || keys[i].type == CONF_PATH)
			r = conf_set_string(&run, &keys[i], def);
		else if (*def != '\0')
			r = split_words(&run, def, def + strlen(def)) == -1 ?
			    -1 : conf_key_set(&run, &keys[i], run.words.v,
			    run.words.n);
	}
	conf_list_free(&run.words);
	return r;
}

void
conf_free(const struct conf_key *keys, size_t n, void *target)
{
	size_t i;

	for (i = 0; i < n; i++)
		conf_field_free(&keys[i], target);
}

/* One line of a file; seen[] holds the line each key was given in. */
static int
line_parse(struct conf_run *run, const char *p, const char *end,
    size_t *seen, size_t line)
{
	const struct conf_key *key;

	if (memchr(p, '\0', (size_t)(end - p)) != NULL)
		return conf_wrong(run, "a NUL byte");
	if (split_words(run, p, end) == -1)
		return -1;
	if (run->words.n == 0)
		return 0;
	if ((key = key_find(run, run->words.v[0])) == NULL)
		return conf_wrong(run, "unknown key %s",
		    log_str(run->words.v[0]));
	if (seen[key - run->keys] != 0 && !conf_is_many(key))
		return conf_wrong(run, "%s was already given in line %zu",
		    key->name, seen[key - run->keys]);
	if (seen[key - run->keys] == 0 && conf_is_many(key))
		conf_field_free(key, run->target);	/* the default goes */
	seen[key - run->keys] = line;
	return conf_key_set(run, key, run->words.v + 1, run->words.n - 1);
}

int
conf_parse(const struct conf_key *keys, size_t n, void *target,
    const char *file, const char *text, size_t len, char *error)
{
	struct conf_run run = { keys, n, target, "", { NULL, 0 } };
	const char *p = text, *end = text + len, *eol;
	size_t *seen, line;
	int r = 0;

	if ((seen = calloc(n, sizeof(*seen))) == NULL) {
		snprintf(error, CONF_ERROR_MAX, "%s: out of memory", file);
		return -1;
	}
	for (line = 1; p < end && r == 0; line++) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (eol == NULL)
			eol = end;
		r = line_parse(&run, p, eol, seen, line);
		if (r == -1)
			snprintf(error, CONF_ERROR_MAX, "%.150s:%zu: %s", file,
			    line, run.what);
		p = eol == end ? end : eol + 1;
	}
	conf_list_free(&run.words);
	free(seen);
	return r;
}

static int
file_read(const char *file, struct buf *b)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t r = 0;
	char *to;

	if (fd == -1)
		return -1;
	while ((to = buf_reserve(b, 4096)) != NULL) {
		if ((r = read(fd, to, 4096)) == -1 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		buf_commit(b, (size_t)r);
	}
	if (to == NULL) {
		errno = EFBIG;
		r = -1;
	}
	close(fd);
	return r == -1 ? -1 : 0;
}

int
conf_read(const struct conf_key *keys, size_t n, void *target,
    const char *file, char *error)
{
	struct buf b;
	int r;

	buf_init(&b, FILE_MAX_BYTES);
	if (file_read(file, &b) == 0)
		r = conf_parse(keys, n, target, file, buf_str(&b), b.len,
		    error);
	else if (errno == ENOENT)
		r = 1;
	else {
		snprintf(error, CONF_ERROR_MAX, "%s: %s", file,
		    strerror(errno));
		r = -1;
	}
	buf_free(&b);
	return r;
}

/* The words of `key=value`: a single value that is not quoted is taken as it
 * is, so that a path with blanks needs no second quoting. */
static int
override_one(struct conf_run *run, const char *assignment, bool *seen)
{
	const char *eq = strchr(assignment, '='), *value;
	const struct conf_key *key;
	char name[64], *whole;

	if (eq == NULL || (size_t)(eq - assignment) >= sizeof(name))
		return conf_wrong(run, "want key=value");
	strlcpy(name, assignment, (size_t)(eq - assignment) + 1);
	value = eq + 1;
	if ((key = key_find(run, name)) == NULL)
		return conf_wrong(run, "unknown key %s", log_str(name));
	if (conf_is_many(key) && !seen[key - run->keys])
		conf_field_free(key, run->target);
	seen[key - run->keys] = true;
	if (!conf_is_many(key) && *value != '"') {
		whole = (char *)(uintptr_t)value;
		return conf_key_set(run, key, &whole, 1);
	}
	if (split_words(run, value, value + strlen(value)) == -1)
		return -1;
	if (conf_is_many(key) && run->words.n == 0)
		return 0;
	return conf_key_set(run, key, run->words.v, run->words.n);
}

int
conf_override(const struct conf_key *keys, size_t n, void *target,
    const char *const *assignments, size_t nassign, char *error)
{
	struct conf_run run = { keys, n, target, "", { NULL, 0 } };
	bool *seen;
	size_t i;
	int r = 0;

	if ((seen = calloc(n, sizeof(*seen))) == NULL) {
		snprintf(error, CONF_ERROR_MAX, "-o: out of memory");
		return -1;
	}
	for (i = 0; i < nassign && r == 0; i++) {
		r = override_one(&run, assignments[i], seen);
		if (r == -1)
			snprintf(error, CONF_ERROR_MAX, "-o %.150s: %s",
			    assignments[i], run.what);
	}
	conf_list_free(&run.words);
	free(seen);
	return r;
}

bool
conf_list_has(const struct conf_list *list, const char *word)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcasecmp(list->v[i], word) == 0)
			return true;
	return false;
}
