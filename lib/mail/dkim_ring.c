/* SPDX-License-Identifier: ISC
 *
 * The configured keys.  It must never leave the text of a key in memory.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/dkim_ring.h"
#include "mail/spool.h"
#include "system/fdio.h"
#include "system/log.h"

/* ---- files ---- */

static struct dkim_key *
read_opened(int fd, const char *file, char *error)
{
	char fault[DKIM_FAULT_MAX] = "is no regular file";
	struct dkim_key *key = NULL;
	char pem[DKIM_PEM_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if ((n = fd_read_all(fd, pem, sizeof(pem))) == -1)
			strlcpy(fault, strerror(errno), sizeof(fault));
		else
			key = dkim_key_read(pem, (size_t)n, fault);
		explicit_bzero(pem, sizeof(pem));
	}
	if (key == NULL)
		snprintf(error, CONF_ERROR_MAX, "dkim: %s: %s", log_str(file),
		    fault);
	return key;
}

struct dkim_key *
dkim_ring_read(const char *file, char *error)
{
	struct dkim_key *key;
	int fd;

	if ((fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1) {
		snprintf(error, CONF_ERROR_MAX, "dkim: %s: %s", log_str(file),
		    strerror(errno));
		return NULL;
	}
	key = read_opened(fd, file, error);
	close(fd);
	return key;
}

/* ---- the ring ---- */

static int
by_algorithm(const void *a, const void *b)
{
	const struct dkim_ring_key *x = a, *y = b;

	return (int)dkim_key_algorithm(x->key) -
	    (int)dkim_key_algorithm(y->key);
}

int
dkim_ring_load(struct dkim_ring *ring, const struct settings *s, char *error)
{
	struct dkim_ring_key *k;
	size_t i;

	memset(ring, 0, sizeof(*ring));
	if (s->dkim.n == 0)
		return 0;
	if ((ring->v = calloc(s->dkim.n, sizeof(*ring->v))) == NULL) {
		strlcpy(error, "out of memory", CONF_ERROR_MAX);
		return -1;
	}
	for (i = 0; i < s->dkim.n; i++) {
		k = &ring->v[i];
		(void)dkim_name_parse(&k->name, s->dkim.v[i].name);
		if ((k->key = dkim_ring_read(s->dkim.v[i].value, error)) ==
		    NULL) {
			dkim_ring_free(ring);
			return -1;
		}
		ring->n++;
	}
	qsort(ring->v, ring->n, sizeof(*ring->v), by_algorithm);
	return 0;
}

void
dkim_ring_free(struct dkim_ring *ring)
{
	size_t i;

	for (i = 0; i < ring->n; i++)
		dkim_key_free(ring->v[i].key);
	free(ring->v);
	memset(ring, 0, sizeof(*ring));
}

/* ---- -n ---- */

/* As the agent will: 0, -1, or 1 when others can too. */
static int
check_file(const struct settings *s, const char *file, char *error)
{
	struct passwd *pw = geteuid() == 0 ? getpwnam(s->spool_user) : NULL;
	struct spool_as as = { .changed = false };
	struct dkim_key *key;
	unsigned bits = DKIM_BITS_GOOD;
	struct stat st;
	int fd, keep;

	if (pw != NULL && spool_as(&as, pw->pw_uid, pw->pw_gid) == -1)
		pw = NULL;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	keep = errno;
	spool_as_end(&as);
	if (fd == -1 || fstat(fd, &st) == -1) {
		snprintf(error, CONF_ERROR_MAX, "dkim: %s: %s%s%s",
		    log_str(file), strerror(keep), pw == NULL ? "" : " for ",
		    pw == NULL ? "" : s->spool_user);
		if (fd != -1)
			close(fd);
		return -1;
	}
	key = read_opened(fd, file, error);
	close(fd);
	if (key == NULL)
		return -1;
	if (dkim_key_algorithm(key) == DKIM_RSA_SHA256)
		bits = dkim_key_bits(key);
	dkim_key_free(key);
	if ((st.st_mode & 07) != 0)
		snprintf(error, CONF_ERROR_MAX, "dkim: %s: everybody can read "
		    "or change it", log_str(file));
	else if (bits < DKIM_BITS_GOOD)
		snprintf(error, CONF_ERROR_MAX, "dkim: %s: an RSA key of %u "
		    "bits is weak: make one of 2048", log_str(file), bits);
	else
		return 0;
	return 1;
}

int
dkim_check(const struct settings *s, char *error)
{
	char note[CONF_ERROR_MAX];
	bool noted = false;
	size_t i;
	int r;

	for (i = 0; i < s->dkim.n; i++) {
		r = check_file(s, s->dkim.v[i].value, noted ? note : error);
		if (r == 0)
			continue;
		if (r == -1) {
			if (noted)
				strlcpy(error, note, CONF_ERROR_MAX);
			return -1;
		}
		noted = true;
	}
	return noted ? 1 : 0;
}
