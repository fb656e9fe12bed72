/* SPDX-License-Identifier: ISC
 *
 * The files that say what an address is here: see tables.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/tables.h"
#include "system/fdio.h"
#include "system/log.h"

static int
read_secrets(struct srs *srs, const char *path, struct stamp *stamp,
    char *error)
{
	char text[SRS_FILE_MAX];
	const char *why;
	struct stat st;
	ssize_t n = -1;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) != -1 &&
	    fstat(fd, &st) == 0)
		n = fd_read_all(fd, text, sizeof(text));
	why = strerror(errno);
	if (fd != -1)
		close(fd);
	if (n != -1 && srs_init(srs, text, (size_t)n, &why) == -1)
		n = -1;
	explicit_bzero(text, sizeof(text));
	if (n == -1) {
		snprintf(error, CONF_ERROR_MAX, "%.200s: %s", path, why);
		return -1;
	}
	stamp_set(stamp, &st);
	return 0;
}

int
tables_open(struct tables **tp, const struct settings *s, char *error)
{
	const char *aliases = strcmp(s->aliases, "none") == 0 ? "" :
	    s->aliases;
	struct tables *t;

	*tp = NULL;
	if ((t = calloc(1, sizeof(*t))) == NULL) {
		strlcpy(error, strerror(errno), CONF_ERROR_MAX);
		return -1;
	}
	t->settings = s;
	t->has_srs = *s->srs_secret != '\0';
	if (table_open(&t->aliases, aliases, ALIAS_NAMES,
	    strcmp(aliases, SETTINGS_ALIASES) == 0, error) == -1 ||
	    table_open(&t->virtual, s->virtual, ALIAS_TABLE, false, error) ==
	    -1 || table_open(&t->relay, s->relay_recipients, ALIAS_LIST,
	    false, error) == -1 || (t->has_srs && read_secrets(&t->srs,
	    s->srs_secret, &t->srs_stamp, error) == -1)) {
		tables_close(t);
		return -1;
	}
	*tp = t;
	return 0;
}

void
tables_close(struct tables *t)
{
	if (t == NULL)
		return;
	table_close(&t->aliases);
	table_close(&t->virtual);
	table_close(&t->relay);
	srs_free(&t->srs);
	free(t);
}

static void
refresh_secrets(struct tables *t)
{
	const char *path = t->settings->srs_secret;
	char error[CONF_ERROR_MAX];
	struct srs fresh;
	struct stat st;

	if (stat(path, &st) == -1 || !stamp_changed(&t->srs_stamp, &st))
		return;
	if (read_secrets(&fresh, path, &t->srs_stamp, error) == 0) {
		srs_free(&t->srs);
		t->srs = fresh;
		return;
	}
	log_warn("table", "error=%s note=\"the old one stays\"",
	    log_str(error));
	stamp_set(&t->srs_stamp, &st);
}

void
tables_refresh(struct tables *t)
{
	table_refresh(&t->aliases);
	table_refresh(&t->virtual);
	table_refresh(&t->relay);
	if (t->has_srs)
		refresh_secrets(t);
}
