/* SPDX-License-Identifier: ISC
 *
 * Folders of a Maildir by their names: see folder.h.  A stranger writes some of
 * them: no name must ever lead out of the Maildir.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "folder.h"
#include "grammar/chars.h"
#include "mail/mailbox.h"
#include "mail/subscriptions.h"
#include "system/log.h"

/* Between dots stands something. */
bool
folder_is_name(const char *s, bool stranger)
{
	char before = '.';

	if (*s == '\0' || strlen(s) > MAILBOX_NAME_MAX)
		return false;
	for (; *s != '\0'; s++) {
		if (stranger ? !char_is(*s, CHAR_ALNUM) &&
		    strchr("-_.", *s) == NULL :
		    *s == '/' || (unsigned char)*s < ' ' || *s == 0x7f)
			return false;
		if (*s == '.' && before == '.')
			return false;
		before = *s;
	}
	return before != '.';
}

/* The name in the Maildir: as it is, else the first in another letter case. */
static bool
find_name(const char *maildir, const char *folder, char name[NAME_MAX + 1])
{
	struct dirent *e;
	DIR *dir = opendir(maildir);

	name[0] = '\0';
	if (dir == NULL)
		return false;
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] == '.' &&
		    strcasecmp(e->d_name + 1, folder) == 0 &&
		    (name[0] == '\0' || strcmp(e->d_name + 1, folder) == 0))
			strlcpy(name, e->d_name, NAME_MAX + 1);
	closedir(dir);
	return name[0] != '\0';
}

static bool
join(char path[PATH_MAX], const char *maildir, const char *dot,
    const char *name)
{
	size_t n = strlen(maildir);

	return snprintf(path, PATH_MAX, "%s%s%s%s", maildir, n > 0 &&
	    maildir[n - 1] == '/' ? "" : "/", dot, name) < PATH_MAX;
}

bool
folder_find(const char *maildir, const char *folder, char path[PATH_MAX])
{
	char name[NAME_MAX + 1], found[PATH_MAX], cur[PATH_MAX + 4];
	struct stat st;

	if (!find_name(maildir, folder, name) ||
	    !join(found, maildir, "", name))
		return false;
	snprintf(cur, sizeof(cur), "%s/cur", found);
	if (stat(cur, &st) == -1 || !S_ISDIR(st.st_mode))
		return false;
	strlcpy(path, found, PATH_MAX);
	return true;
}

void
folder_make(const char *maildir, const char *name, char path[PATH_MAX])
{
	struct mailbox_root *root = NULL;
	enum mailbox_status status;
	char made[PATH_MAX];

	status = mailbox_root_open(maildir, MAILBOX_CREATE, &root);
	if (status == MAILBOX_OK)
		status = mailbox_create(root, name);
	/* Another makes the same at this moment. */
	if (status == MAILBOX_OK || status == MAILBOX_EXISTS)
		status = subscriptions_set(root, name, true);
	if (status == MAILBOX_OK && join(made, maildir, ".", name))
		strlcpy(path, made, PATH_MAX);
	else
		log_warn("folder", "mailbox=%s name=%s error=%s",
		    log_str(maildir), log_str(name),
		    log_str(mailbox_status_text(status)));
	mailbox_root_close(root);
}
