/* SPDX-License-Identifier: ISC
 *
 * The folders that a script names.  The same name means the same mailbox as in
 * imapd; beyond that, what is customary elsewhere is understood where it can
 * mean nothing else.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "mail/mailbox.h"
#include "mail/special_use.h"
#include "mail/uidlist.h"
#include "sieve_actions.h"

#define INBOX	"INBOX"

/* Its path; "" is too long. */
static void
path_of(const struct sieve_run *r, const char *stored, const char *file,
    char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s%s%s/%s", r->user->mailbox,
	    *stored == '\0' ? "" : "/.", stored, file) >= PATH_MAX)
		path[0] = '\0';
}

/* Is it there? */
static int
is_stored(void *arg, const char *stored)
{
	char path[PATH_MAX];
	struct stat st;

	path_of(arg, strcmp(stored, INBOX) == 0 ? "" : stored, "cur", path);
	return stat(path, &st) == 0;
}

bool
sieve_folder_exists(const struct sieve_run *r, const char *stored)
{
	char path[PATH_MAX];
	struct stat st;

	if (*stored == '\0' && stat(r->user->mailbox, &st) == 0 &&
	    S_ISREG(st.st_mode))
		strlcpy(path, r->user->mailbox, sizeof(path));
	else
		path_of(r, stored, "new", path);
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* The name of a mailbox that was found. */
static void
found(const char *name, char stored[IMAP_STORED_SIZE])
{
	strlcpy(stored, strcmp(name, INBOX) == 0 ? "" : name,
	    IMAP_STORED_SIZE);
}

/* Can a mailbox have it?  A name that is no modified UTF-7 ("R&D", made by
 * hand) one that is there can; none is made. */
static bool
is_usable(const struct sieve_run *r, const char *stored)
{
	if (mailbox_name_ok(stored))
		return true;
	return *stored != '.' && strstr(stored, "..") == NULL &&
	    stored[strlen(stored) - 1] != '.' &&
	    strchr(stored, '/') == NULL && is_stored((void *)(uintptr_t)r,
	    stored);
}

/* The ways to read a name that are possible. */
struct ways {
	char	v[3][IMAP_STORED_SIZE];
	size_t	n;
};

/* As imapd stores it, with a separator and a prefix. */
static bool
add_way(const struct sieve_run *r, struct ways *w, const char *name,
    char separator, const char *prefix)
{
	const struct imap_names names = { separator, prefix, 1, is_stored,
	    (void *)(uintptr_t)r };

	if (imap_names_store(&names, name, w->v[w->n]) != 1 ||
	    !is_usable(r, w->v[w->n]))
		return false;
	w->n++;
	return true;
}

/* From the most exact one: as imapd does, or without the prefix that it asks
 * for; with "/" between levels; below INBOX, where other servers have all
 * folders. */
static void
find_ways(const struct sieve_run *r, const char *name, struct ways *w)
{
	const struct settings *s = r->user->settings;
	size_t n = strlen(INBOX);

	w->n = 0;
	if (!add_way(r, w, name, *s->separator, s->prefix) &&
	    *s->prefix != '\0')
		(void)add_way(r, w, name, *s->separator, "");
	if (strchr(name, '/') != NULL && *s->separator != '/')
		(void)add_way(r, w, name, '/', "");
	if (*s->prefix == '\0' && strncasecmp(name, INBOX, n) == 0 &&
	    (name[n] == '.' || name[n] == '/'))
		(void)add_way(r, w, name + n + 1, name[n], "");
}

int
sieve_folder(const struct sieve_run *r, const char *name, size_t n,
    char stored[IMAP_STORED_SIZE])
{
	struct ways w = { .n = 0 };
	size_t i;

	if (n > 0 && n <= IMAP_SHOWN_MAX && memchr(name, '\0', n) == NULL)
		find_ways(r, name, &w);
	if (w.n == 0)
		return 0;
	for (i = 0; i + 1 < w.n && strcmp(w.v[i], INBOX) != 0 &&
	    !is_stored((void *)(uintptr_t)r, w.v[i]); i++)
		;
	found(w.v[i], stored);
	return 1;
}

/* ---- by what they are ---- */

/* All mailboxes: 1, 0 there are none. */
static int
list(const struct sieve_run *r, struct mailbox_root **root,
    struct mailbox_names *names)
{
	if (mailbox_root_open(r->user->mailbox, MAILBOX_READONLY, root) !=
	    MAILBOX_OK)
		return 0;
	if (mailbox_list(*root, names) == MAILBOX_OK)
		return 1;
	mailbox_root_close(*root);
	return 0;
}

int
sieve_folder_by_use(const struct sieve_run *r, const char *use,
    char stored[IMAP_STORED_SIZE])
{
	const struct settings *s = r->user->settings;
	unsigned bit = special_use_bit(use, strlen(use)), *uses;
	struct mailbox_root *root;
	struct mailbox_names names;
	int got = 0;
	size_t i;

	if (bit == 0 || !list(r, &root, &names))
		return 0;
	uses = calloc(names.n + 1, sizeof(*uses));
	if (uses != NULL)
		special_use_find(root, &names, &s->folders, *s->separator,
		    uses);
	for (i = 0; uses != NULL && !got && i < names.n; i++)
		if ((uses[i] & bit) != 0) {
			found(names.v[i], stored);
			got = 1;
		}
	free(uses);
	mailbox_names_free(&names);
	mailbox_root_close(root);
	return got;
}

/* The first line of its UID list has it; nothing else is read. */
static bool
has_id(const struct sieve_run *r, const char *stored, const char *id)
{
	char path[PATH_MAX], own[MAILBOX_ID_SIZE];
	struct uidlist list;
	bool same = false;
	int dir;

	path_of(r, stored, "", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		return false;
	uidlist_init(&list);
	if (uidlist_open(&list, dir) == UIDLIST_MORE) {
		if (uidlist_ext(list.header + strspn(list.header, " "), 'G',
		    own, sizeof(own)) != 1)
			snprintf(own, sizeof(own), "V%08x", list.validity);
		same = strcmp(own, id) == 0;
	}
	uidlist_free(&list);
	close(dir);
	return same;
}

int
sieve_folder_by_id(const struct sieve_run *r, const char *id,
    char stored[IMAP_STORED_SIZE])
{
	struct mailbox_root *root;
	struct mailbox_names names;
	int got = 0;
	size_t i;

	if (!list(r, &root, &names))
		return 0;
	for (i = 0; !got && i < names.n; i++) {
		found(names.v[i], stored);
		got = has_id(r, stored, id);
	}
	mailbox_names_free(&names);
	mailbox_root_close(root);
	return got;
}
