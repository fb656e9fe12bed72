/* SPDX-License-Identifier: ISC
 *
 * From flags to the letters of a file's name: see flags.h.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "flags.h"
#include "mail/keywords.h"
#include "system/log.h"

static mailbox_flags
system_flag(const char *name)
{
	static const struct {
		const char	*name;
		mailbox_flags	 flag;
	} rows[] = {
		{ "\\Answered", MAILBOX_ANSWERED },
		{ "\\Flagged", MAILBOX_FLAGGED },
		{ "\\Deleted", MAILBOX_DELETED },
		{ "\\Seen", MAILBOX_SEEN },
		{ "\\Draft", MAILBOX_DRAFT },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcasecmp(rows[i].name, name) == 0)
			return rows[i].flag;
	return 0;
}

static mailbox_flags
keyword(struct keywords *k, int dir, const char *name)
{
	enum mailbox_status status = MAILBOX_OK;
	struct stat st;
	int i = keywords_find(k, name);

	if (i == -1)
		status = !keywords_name_ok(name) || fstat(dir, &st) == -1 ?
		    MAILBOX_BAD_NAME : keywords_add(k, dir,
		    st.st_mode & 0666, name, 0, &i);
	if (status == MAILBOX_OK && i >= 0 && i < KEYWORDS_LETTERS)
		return MAILBOX_KEYWORD(i);
	log_warn("flags", "keyword=%s error=%s", log_str(name), log_str(
	    status == MAILBOX_OK ? "there is no letter for it" :
	    mailbox_status_text(status)));
	return 0;
}

void
flags_info(char info[MAILBOX_INFO_MAX + 1], int dir, const char *flags)
{
	char name[KEYWORDS_NAME_MAX + 1];
	struct keywords k = { 0 };
	mailbox_flags all = 0;
	size_t n;

	(void)keywords_read(&k, dir);
	for (; *flags != '\0'; flags += n) {
		flags += strspn(flags, " ");
		n = strcspn(flags, " ");
		if (n == 0 || n >= sizeof(name))
			continue;
		memcpy(name, flags, n);
		name[n] = '\0';
		all |= *name == '\\' ? system_flag(name) :
		    keyword(&k, dir, name);
	}
	keywords_free(&k);
	info[0] = '\0';
	if (all != 0)
		mailbox_file_info(info, "", all);
}
