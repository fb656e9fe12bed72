/* SPDX-License-Identifier: ISC
 *
 * The folder that an address "user+folder" names: see folder.h.  A stranger
 * writes that name: it must never lead out of the Maildir.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "folder.h"
#include "grammar/chars.h"

/* Letters, digits and "-_."; between dots stands something. */
static int
is_harmless(const char *s)
{
	char before = '.';

	if (*s == '\0' || strlen(s) > NAME_MAX - 1)
		return 0;
	for (; *s != '\0'; s++) {
		if (!char_is(*s, CHAR_ALNUM) && strchr("-_.", *s) == NULL)
			return 0;
		if (*s == '.' && before == '.')
			return 0;
		before = *s;
	}
	return before != '.';
}

/* The name in the Maildir: as it is, else the first in another letter case. */
static int
find_name(const char *maildir, const char *folder, char name[NAME_MAX + 1])
{
	struct dirent *e;
	DIR *dir = opendir(maildir);

	name[0] = '\0';
	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] == '.' &&
		    strcasecmp(e->d_name + 1, folder) == 0 &&
		    (name[0] == '\0' || strcmp(e->d_name + 1, folder) == 0))
			strlcpy(name, e->d_name, NAME_MAX + 1);
	closedir(dir);
	return name[0] != '\0';
}

const char *
folder_find(const char *maildir, const char *folder, char path[PATH_MAX])
{
	char name[NAME_MAX + 1], cur[PATH_MAX + 4];
	size_t n = strlen(maildir);
	struct stat st;

	if (is_harmless(folder) && find_name(maildir, folder, name) &&
	    snprintf(path, PATH_MAX, "%s%s%s", maildir, n > 0 &&
	    maildir[n - 1] == '/' ? "" : "/", name) < PATH_MAX) {
		snprintf(cur, sizeof(cur), "%s/cur", path);
		if (stat(cur, &st) == 0 && S_ISDIR(st.st_mode))
			return path;
	}
	strlcpy(path, maildir, PATH_MAX);
	return path;
}
