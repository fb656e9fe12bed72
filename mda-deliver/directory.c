/* SPDX-License-Identifier: ISC
 *
 * Where an agent looks users and aliases up: see directory.h.
 */
#include "directory.h"
#include "mail/start.h"
#include "system/log.h"

int
directory_open(struct directory *dir, const struct settings *settings,
    char *error)
{
	dir->settings = settings;
	if (users_open(&dir->users, settings, error) == -1)
		return -1;
	if (tables_open(&dir->tables, settings, error) == 0)
		return 0;
	users_close(dir->users);
	return -1;
}

void
directory_close(struct directory *dir)
{
	users_close(dir->users);
	tables_close(dir->tables);
}

void
directory_reread(struct directory *dir, struct settings *settings)
{
	char error[CONF_ERROR_MAX];
	struct settings fresh, old = *settings;
	struct directory more;

	if (start_reread(&fresh) == -1)
		return;
	/* What is open keeps the address of its settings. */
	*settings = fresh;
	if (directory_open(&more, settings, error) == -1) {
		log_error("reload", "kept=old error=%s", log_str(error));
		*settings = old;
		settings_free(&fresh);
		return;
	}
	directory_close(dir);
	*dir = more;
	settings_free(&old);
	log_info("reload", NULL);
}
