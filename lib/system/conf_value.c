/* SPDX-License-Identifier: ISC
 *
 * The types a configuration value may have: from words to fields.  It must
 * never take part of a word, nor let a number pass its bounds.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "system/conf_value.h"
#include "system/log.h"

int
conf_wrong(struct conf_run *run, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(run->what, sizeof(run->what), fmt, ap);
	va_end(ap);
	return -1;
}

void
conf_list_free(struct conf_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	list->v = NULL;
	list->n = 0;
}

int
conf_list_add(struct conf_list *list, const char *s, size_t n)
{
	char **v = reallocarray(list->v, list->n + 1, sizeof(*v));

	if (v == NULL)
		return -1;
	list->v = v;
	if ((v[list->n] = strndup(s, n)) == NULL)
		return -1;
	list->n++;
	return 0;
}

static void
pairs_free(struct conf_pairs *pairs)
{
	size_t i;

	for (i = 0; i < pairs->n; i++) {
		free(pairs->v[i].name);
		free(pairs->v[i].value);
	}
	free(pairs->v);
	pairs->v = NULL;
	pairs->n = 0;
}

static void *
field_of(const struct conf_key *key, void *target)
{
	return (char *)target + key->offset;
}

bool
conf_is_many(const struct conf_key *key)
{
	return key->type == CONF_LIST || key->type == CONF_NETS ||
	    key->type == CONF_PAIRS;
}

void
conf_field_zero(const struct conf_key *key, void *target)
{
	static const size_t size[] = {
		[CONF_STRING] = sizeof(char *),
		[CONF_WORDS] = sizeof(char *),
		[CONF_PATH] = sizeof(char *),
		[CONF_BOOL] = sizeof(bool),
		[CONF_INT] = sizeof(long long),
		[CONF_SIZE] = sizeof(long long),
		[CONF_DURATION] = sizeof(long long),
		[CONF_LIST] = sizeof(struct conf_list),
		[CONF_NETS] = sizeof(struct conf_nets),
		[CONF_PAIRS] = sizeof(struct conf_pairs)
	};

	memset(field_of(key, target), 0, size[key->type]);
}

void
conf_field_free(const struct conf_key *key, void *target)
{
	void *field = field_of(key, target);

	switch (key->type) {
	case CONF_STRING:
	case CONF_WORDS:
	case CONF_PATH:
		free(*(char **)field);
		break;
	case CONF_LIST:
		conf_list_free(field);
		break;
	case CONF_NETS:
		free(((struct conf_nets *)field)->v);
		break;
	case CONF_PAIRS:
		pairs_free(field);
		break;
	case CONF_BOOL:
	case CONF_INT:
	case CONF_SIZE:
	case CONF_DURATION:
		break;
	}
	conf_field_zero(key, target);
}

int
conf_set_string(struct conf_run *run, const struct conf_key *key,
    const char *word)
{
	char **field = field_of(key, run->target), *copy;
	const char *why;

	if (*word == '\0' && key->def != NULL && *key->def != '\0')
		return conf_wrong(run, "%s must not be empty", key->name);
	if (*word != '\0' && key->rule != NULL &&
	    (why = key->rule(word)) != NULL)
		return conf_wrong(run, "%s: %s %s", key->name,
		    log_str(word), why);
	if ((copy = strdup(word)) == NULL)
		return conf_wrong(run, "out of memory");
	free(*field);
	*field = copy;
	return 0;
}

/* All words in one string. */
static int
set_words(struct conf_run *run, const struct conf_key *key,
    char *const *words, size_t n)
{
	size_t size = 1, i;
	char *all;
	int r;

	for (i = 0; i < n; i++)
		size += strlen(words[i]) + 1;
	if ((all = calloc(1, size)) == NULL)
		return conf_wrong(run, "out of memory");
	for (i = 0; i < n; i++) {
		if (i > 0)
			strlcat(all, " ", size);
		strlcat(all, words[i], size);
	}
	r = conf_set_string(run, key, all);
	free(all);
	return r;
}

static int
set_bool(struct conf_run *run, const struct conf_key *key, const char *word)
{
	static const char *const yes[] = { "yes", "on", "true" };
	static const char *const no[] = { "no", "off", "false" };
	bool *field = field_of(key, run->target);
	size_t i;

	for (i = 0; i < 3; i++) {
		if (strcasecmp(word, yes[i]) == 0) {
			*field = true;
			return 0;
		}
		if (strcasecmp(word, no[i]) == 0) {
			*field = false;
			return 0;
		}
	}
	return conf_wrong(run, "%s: %s is neither yes nor no", key->name,
	    log_str(word));
}

/* What a letter behind a number multiplies by; 0: no such letter. */
static long long
unit_of(enum conf_type type, char c)
{
	static const char sizes[] = "KMGT", times[] = "smhdw";
	static const long long seconds[] = { 1, 60, 3600, 86400, 604800 };
	const char *p;

	if (c == '\0')
		return 1;
	if (type == CONF_SIZE) {
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		p = strchr(sizes, c);
		return p == NULL ? 0 : 1LL << (10 * (p - sizes + 1));
	}
	if (type == CONF_DURATION && (p = strchr(times, c)) != NULL)
		return seconds[p - times];
	return 0;
}

static int
set_number(struct conf_run *run, const struct conf_key *key, const char *word)
{
	static const char *const form[] = {
		[CONF_INT] = "a number",
		[CONF_SIZE] = "a size such as 500K, 25M or 1G",
		[CONF_DURATION] = "a time such as 30s, 5m, 4h or 5d"
	};
	long long n = 0, unit, min = key->min, max = key->max;
	const char *p = word;

	if (min == 0 && max == 0)
		max = LLONG_MAX;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > (LLONG_MAX - 9) / 10)
			return conf_wrong(run, "%s: %s is too large", key->name,
			    log_str(word));
		n = n * 10 + (*p - '0');
	}
	unit = p[0] != '\0' && p[1] != '\0' ? 0 : unit_of(key->type, *p);
	if (p == word || unit == 0)
		return conf_wrong(run, "%s: %s is not %s", key->name,
		    log_str(word), form[key->type]);
	if (n > LLONG_MAX / unit || n * unit > max)
		return conf_wrong(run, "%s: %s is too large, at most %lld",
		    key->name, log_str(word), max);
	if (n * unit < min)
		return conf_wrong(run, "%s: %s is too small, at least %lld",
		    key->name, log_str(word), min);
	*(long long *)field_of(key, run->target) = n * unit;
	return 0;
}

static int
add_net(struct conf_run *run, const struct conf_key *key, const char *word)
{
	struct conf_nets *nets = field_of(key, run->target);
	struct conf_net net, *v;

	if (conf_net_parse(&net, word) == -1)
		return conf_wrong(run, "%s: %s is not a network such as "
		    "192.0.2.0/24 or 2001:db8::/32", key->name, log_str(word));
	if ((v = reallocarray(nets->v, nets->n + 1, sizeof(*v))) == NULL)
		return conf_wrong(run, "out of memory");
	nets->v = v;
	v[nets->n++] = net;
	return 0;
}

static int
add_pair(struct conf_run *run, const struct conf_key *key,
    char *const *words, size_t n)
{
	struct conf_pairs *pairs = field_of(key, run->target);
	struct conf_pair *v;
	const char *why;

	if (n != 2)
		return conf_wrong(run, "%s takes two words", key->name);
	if (key->rule != NULL && (why = key->rule(words[1])) != NULL)
		return conf_wrong(run, "%s: %s %s", key->name,
		    log_str(words[1]), why);
	if ((v = reallocarray(pairs->v, pairs->n + 1, sizeof(*v))) == NULL)
		return conf_wrong(run, "out of memory");
	pairs->v = v;
	v += pairs->n;
	v->name = strdup(words[0]);
	v->value = strdup(words[1]);
	if (v->name == NULL || v->value == NULL) {
		free(v->name);
		free(v->value);
		return conf_wrong(run, "out of memory");
	}
	pairs->n++;
	return 0;
}

static int
add_words(struct conf_run *run, const struct conf_key *key,
    char *const *words, size_t n)
{
	struct conf_list *list = field_of(key, run->target);
	const char *why;
	size_t i;

	if (key->type == CONF_PAIRS)
		return add_pair(run, key, words, n);
	for (i = 0; i < n; i++) {
		if (key->type == CONF_NETS) {
			if (add_net(run, key, words[i]) == -1)
				return -1;
			continue;
		}
		if (key->rule != NULL && (why = key->rule(words[i])) != NULL)
			return conf_wrong(run, "%s: %s %s", key->name,
			    log_str(words[i]), why);
		if (conf_list_add(list, words[i], strlen(words[i])) == -1)
			return conf_wrong(run, "out of memory");
	}
	return 0;
}

/* Give a key its words. */
int
conf_key_set(struct conf_run *run, const struct conf_key *key,
    char *const *words, size_t n)
{
	switch (key->type) {
	case CONF_LIST:
	case CONF_NETS:
	case CONF_PAIRS:
		return add_words(run, key, words, n);
	case CONF_STRING:
	case CONF_WORDS:
	case CONF_PATH:
	case CONF_BOOL:
	case CONF_INT:
	case CONF_SIZE:
	case CONF_DURATION:
		break;
	}
	if (n == 0)
		return conf_wrong(run, "%s needs a value", key->name);
	if (key->type == CONF_WORDS)
		return set_words(run, key, words, n);
	if (n > 1)
		return conf_wrong(run, "%s takes one value, not %zu",
		    key->name, n);
	if (key->type == CONF_STRING || key->type == CONF_PATH)
		return conf_set_string(run, key, words[0]);
	if (key->type == CONF_BOOL)
		return set_bool(run, key, words[0]);
	return set_number(run, key, words[0]);
}
