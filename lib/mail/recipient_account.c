/* SPDX-License-Identifier: ISC
 *
 * Whose rights a program or file of an alias gets: those of who could write
 * it.  It must never be uid 0.
 */
#include <sys/stat.h>

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mail/recipient.h"
#include "system/log.h"

static int __attribute__((format(printf, 3, 4)))
fault(const struct recipient_special *special, char *error,
    const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(error, CONF_ERROR_MAX, "%.200s:%u: ", special->file,
	    special->line);
	va_start(ap, fmt);
	vsnprintf(error + n, CONF_ERROR_MAX - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

static void
set(struct recipient_account *to, const struct passwd *pw)
{
	struct stat st;

	to->uid = pw->pw_uid;
	to->gid = pw->pw_gid;
	strlcpy(to->name, pw->pw_name, sizeof(to->name));
	strlcpy(to->home, stat(pw->pw_dir, &st) == 0 && S_ISDIR(st.st_mode) ?
	    pw->pw_dir : "/", sizeof(to->home));
}

/* Who we are, when we cannot be anybody else. */
static int
ourselves(const struct recipient_special *special,
    struct recipient_account *to, char *error)
{
	const struct passwd *pw = getpwuid(geteuid());

	if (special->owner != 0 && special->owner != geteuid())
		return fault(special, error, "the file belongs to uid %u, whom "
		    "only root could become", (unsigned)special->owner);
	if (pw != NULL)
		set(to, pw);
	else {
		to->uid = geteuid();
		snprintf(to->name, sizeof(to->name), "%u",
		    (unsigned)to->uid);
		strlcpy(to->home, "/", sizeof(to->home));
	}
	to->gid = getegid();
	return 0;
}

int
recipient_account(const struct settings *s,
    const struct recipient_special *special, struct recipient_account *to,
    char *error)
{
	const char *name = s->default_user;
	const struct passwd *pw;

	memset(to, 0, sizeof(*to));
	if (geteuid() != 0)
		return ourselves(special, to, error);
	errno = 0;
	pw = special->owner == 0 ? getpwnam(name) : getpwuid(special->owner);
	if (pw == NULL && errno != 0 && errno != ENOENT)
		return fault(special, error, "accounts: %s", strerror(errno));
	if (pw == NULL && special->owner == 0)
		return fault(special, error, "default_user: there is no "
		    "account %s", log_str(name));
	if (pw == NULL)
		return fault(special, error, "the file belongs to uid %u, "
		    "which is no account", (unsigned)special->owner);
	if (pw->pw_uid == 0)
		return fault(special, error, "nothing runs as uid 0: key "
		    "default_user must name another account");
	set(to, pw);
	return 0;
}
