/* SPDX-License-Identifier: ISC
 *
 * The logins at relays.  They are read before the sandbox and never logged.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "relay.h"
#include "system/fdio.h"

#define BLANKS	" \t\r"

/* Take the next word off a line; "" when there is none. */
static char *
word(char **line)
{
	char *p = *line + strspn(*line, BLANKS), *end = p + strcspn(p, BLANKS);

	*line = *end == '\0' ? end : end + 1;
	*end = '\0';
	return p;
}

/* Take a line apart; NULL, or what is wrong. */
static const char *
take_line(struct relay_login *l, char *line)
{
	char name[SETTINGS_HOST_MAX], *end;
	unsigned short port;

	l->sender = "";
	l->host = word(&line);
	if (strchr(l->host, '@') != NULL) {
		l->sender = l->host;
		l->host = word(&line);
	}
	l->user = word(&line);
	l->password = line + strspn(line, BLANKS);
	for (end = line + strlen(line); end > l->password && end[-1] == '\r';)
		*--end = '\0';
	if (settings_host_port(l->host, name, &port) == -1)
		return "is not [SENDER] HOST[:PORT] USER PASSWORD";
	return *l->password == '\0' ? "has no user or password" : NULL;
}

static int
take_text(struct relay_logins *all, const char *path, char *error)
{
	char *p = all->text, *line;
	struct relay_login *v;
	const char *bad;
	unsigned number = 0;

	while ((line = strsep(&p, "\n")) != NULL) {
		number++;
		line += strspn(line, BLANKS);
		if (*line == '\0' || *line == '#')
			continue;
		v = reallocarray(all->v, all->n + 1, sizeof(*v));
		if (v == NULL) {
			snprintf(error, CONF_ERROR_MAX, "relay_login: %s",
			    strerror(errno));
			return -1;
		}
		all->v = v;
		if ((bad = take_line(&v[all->n++], line)) != NULL) {
			snprintf(error, CONF_ERROR_MAX, "%s:%u: the line %s",
			    path, number, bad);
			return -1;
		}
	}
	return 0;
}

int
relay_logins_load(struct relay_logins *all, const struct settings *s,
    char *error)
{
	const char *path = s->relay_login;
	struct stat st;

	memset(all, 0, sizeof(*all));
	if (*path == '\0')
		return 0;
	all->text = fd_read_file(path, RELAY_FILE_MAX, &st, &all->len);
	if (all->text == NULL) {
		snprintf(error, CONF_ERROR_MAX, "relay_login: %s: %s", path,
		    strerror(errno));
		return -1;
	}
	if (st.st_mode & (S_IRWXO | S_IWGRP))
		snprintf(error, CONF_ERROR_MAX, "relay_login: %s: others may "
		    "read or change it (chmod 600)", path);
	else if (take_text(all, path, error) == 0)
		return 0;
	relay_logins_free(all);
	return -1;
}

void
relay_logins_free(struct relay_logins *all)
{
	if (all->text != NULL)
		explicit_bzero(all->text, all->len);
	free(all->text);
	free(all->v);
	memset(all, 0, sizeof(*all));
}

const struct relay_login *
relay_login_find(const struct relay_logins *all, const char *host,
    unsigned short port, const struct address *sender)
{
	const struct relay_login *l, *any = NULL;
	char name[SETTINGS_HOST_MAX];
	unsigned short its;
	size_t i;

	for (i = 0; i < all->n; i++) {
		l = &all->v[i];
		its = port;
		if (settings_host_port(l->host, name, &its) == -1 ||
		    its != port || strcasecmp(name, host) != 0)
			continue;
		if (*l->sender != '\0' && settings_is_sender(l->sender,
		    sender))
			return l;
		if (*l->sender == '\0' && any == NULL)
			any = l;
	}
	return any;
}

int
relay_check(const struct settings *s, char *error)
{
	struct relay_logins all;

	if (relay_logins_load(&all, s, error) == -1)
		return -1;
	relay_logins_free(&all);
	return 0;
}
