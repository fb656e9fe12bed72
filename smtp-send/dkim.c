/* SPDX-License-Identifier: ISC
 *
 * Making keys for DKIM, and the records that publish them.  It must never
 * overwrite a key, nor leave one where others can read it.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dkim.h"
#include "mail/dkim_ring.h"
#include "mail/start.h"
#include "system/fdio.h"

#define STRING_MAX	255	/* of a TXT record (RFC 1035) */

/* ---- the record ---- */

/* The record in the form of a zone file.  0, or -1. */
static int
print_record(const struct dkim_name *name, const struct dkim_key *key)
{
	struct buf b;
	size_t at, n;
	int r;

	buf_init(&b, DKIM_PEM_MAX);
	if ((r = dkim_key_record(key, &b)) == 0) {
		printf("%s._domainkey.%s. IN TXT (", name->selector,
		    name->domain);
		for (at = 0; at < b.len; at += n) {
			n = b.len - at > STRING_MAX ? STRING_MAX : b.len - at;
			printf("\n\t\"%.*s\"", (int)n, b.data + at);
		}
		printf(" )\n");
	}
	buf_free(&b);
	return r;
}

static int
is_asked(const struct dkim_name *name, char **domains, size_t n)
{
	struct dkim_name asked;
	char text[DKIM_NAME_MAX + 20];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "x._domainkey.%s", domains[i]);
		if (dkim_name_parse(&asked, text) == 0 &&
		    strcmp(asked.domain, name->domain) == 0)
			return 1;
	}
	return n == 0;
}

int
dkim_print(const struct settings *s, char **domains, size_t n)
{
	char error[CONF_ERROR_MAX];
	struct dkim_name name;
	struct dkim_key *key;
	size_t i, printed = 0;
	int r = 0;

	for (i = 0; i < s->dkim.n && r == 0; i++) {
		(void)dkim_name_parse(&name, s->dkim.v[i].name);
		if (!is_asked(&name, domains, n))
			continue;
		if ((key = dkim_ring_read(s->dkim.v[i].value, error)) ==
		    NULL) {
			warnx("%s", error);
			return EX_CONFIG;
		}
		r = print_record(&name, key);
		dkim_key_free(key);
		printed++;
	}
	if (r == -1 || fflush(stdout) != 0) {
		warn("the record");
		return EX_OSERR;
	}
	if (printed == 0) {
		warnx("no key is configured%s", n == 0 ? "" : " for that");
		return EX_DATAERR;
	}
	return 0;
}

/* ---- a new key ---- */

/* The folder dkim beside the configuration, made if it is not there. */
static int
open_folder(char path[PATH_MAX])
{
	char near[PATH_MAX], *slash;
	int n;

	strlcpy(near, start_config(), sizeof(near));
	if ((slash = strrchr(near, '/')) == NULL)
		strlcpy(near, ".", sizeof(near));
	else
		slash[slash == near] = '\0';
	if (realpath(near, path) == NULL) {
		warn("%s", near);
		return -1;
	}
	n = snprintf(near, sizeof(near), "%s/dkim", path);
	if (n < 0 || (size_t)n >= sizeof(near)) {
		warnx("%s: the name is too long", path);
		return -1;
	}
	strlcpy(path, near, PATH_MAX);
	if (mkdir(path, 0755) == -1 && errno != EEXIST) {
		warn("%s", path);
		return -1;
	}
	if ((n = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		warn("%s", path);
	return n;
}

/* Its owner is whom the agent runs as. */
static int
give(const struct settings *s, int fd)
{
	struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	if ((pw = getpwnam(s->spool_user)) == NULL) {
		warnx("spool_user: there is no account %s", s->spool_user);
		return -1;
	}
	return fchown(fd, pw->pw_uid, pw->pw_gid);
}

/* Whole and on disk under another name first: then a link, which never
 * replaces anything. */
static int
store(const struct settings *s, int dir, const char *file,
    const struct buf *pem)
{
	char tmp[40];
	int fd, r = -1;

	snprintf(tmp, sizeof(tmp), ".new-%ld", (long)getpid());
	(void)unlinkat(dir, tmp, 0);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd == -1)
		return -1;
	if (fd_write_all(fd, pem->data, pem->len) == 0 && give(s, fd) == 0 &&
	    fsync(fd) == 0)
		r = linkat(dir, tmp, dir, file, 0);
	if (close(fd) == -1)
		r = -1;
	if (unlinkat(dir, tmp, 0) == -1 || (r == 0 && fsync(dir) == -1))
		r = -1;
	return r;
}

static int
make(const struct settings *s, const struct dkim_name *name,
    enum dkim_algorithm algorithm)
{
	char path[PATH_MAX], file[2 * DKIM_NAME_MAX];
	struct dkim_key *key;
	struct buf pem;
	int dir, r = -1;

	if ((dir = open_folder(path)) == -1)
		return EX_CANTCREAT;
	snprintf(file, sizeof(file), "%s.%s", name->selector, name->domain);
	buf_init(&pem, DKIM_PEM_MAX);
	if ((key = dkim_key_make(algorithm, &pem)) == NULL)
		warnx("no key could be made");
	else if ((r = store(s, dir, file, &pem)) == -1)
		warn("%s/%s", path, file);
	buf_wipe(&pem);
	close(dir);
	if (r == 0) {
		printf("; for the zone of %s:\n", name->domain);
		r = print_record(name, key);
		printf("; for %s, when the record is there:\n"
		    "; dkim %s._domainkey.%s %s/%s\n", start_config(),
		    name->selector, name->domain, path, file);
	}
	dkim_key_free(key);
	return r == 0 && fflush(stdout) == 0 ? 0 : EX_CANTCREAT;
}

int
dkim_make(const struct settings *s, const char *domain, char **argv,
    size_t n)
{
	enum dkim_algorithm algorithm = DKIM_RSA_SHA256;
	char text[2 * DKIM_NAME_MAX + 20];
	struct dkim_name name;

	if (n == 2 && strcmp(argv[1], "ed25519") == 0)
		algorithm = DKIM_ED25519_SHA256;
	else if (n == 0 || n > 2 || (n == 2 && strcmp(argv[1], "rsa") != 0)) {
		warnx("-K DOMAIN takes SELECTOR [rsa | ed25519]");
		return EX_USAGE;
	}
	snprintf(text, sizeof(text), "%s._domainkey.%s", argv[0], domain);
	if (strlen(argv[0]) >= DKIM_NAME_MAX ||
	    strlen(domain) >= DKIM_NAME_MAX ||
	    dkim_name_parse(&name, text) == -1) {
		warnx("%s: is no selector and domain", text);
		return EX_USAGE;
	}
	return make(s, &name, algorithm);
}
