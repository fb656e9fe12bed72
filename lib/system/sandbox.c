/* SPDX-License-Identifier: ISC
 *
 * The roles, and the Landlock half of the sandbox.  It must never let a
 * process go on that asked for a sandbox this kernel has and did not get it.
 */
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "system/log.h"
#include "system/sandbox.h"
#include "system/sandbox_filter.h"

/* Newer than the installed header may be; the kernel's numbers. */
#define FS_REFER	(1ULL << 13)	/* ABI 2 */
#define FS_TRUNCATE	(1ULL << 14)	/* ABI 3 */
#define FS_IOCTL_DEV	(1ULL << 15)	/* ABI 5 */
#define NET_BIND_TCP	(1ULL << 0)	/* ABI 4 */
#define NET_CONNECT_TCP	(1ULL << 1)	/* ABI 4 */
#define SCOPE_ABSTRACT	(1ULL << 0)	/* ABI 6 */
#define SCOPE_SIGNAL	(1ULL << 1)	/* ABI 6 */

#define FS_ABI_1	((1ULL << 13) - 1)
#define FS_OF_FILE	(LANDLOCK_ACCESS_FS_READ_FILE | \
			LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | \
			LANDLOCK_ACCESS_FS_EXECUTE)
#define FS_READ		(LANDLOCK_ACCESS_FS_READ_FILE | \
			LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE	(FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | \
			LANDLOCK_ACCESS_FS_REMOVE_FILE | \
			LANDLOCK_ACCESS_FS_REMOVE_DIR | \
			LANDLOCK_ACCESS_FS_MAKE_REG | \
			LANDLOCK_ACCESS_FS_MAKE_DIR | FS_REFER | FS_TRUNCATE)
#define FS_LOCK		(LANDLOCK_ACCESS_FS_MAKE_REG | \
			LANDLOCK_ACCESS_FS_REMOVE_FILE)

/* struct landlock_ruleset_attr as of ABI 6; older kernels take the longer
 * form when what they do not know is zero. */
struct ruleset {
	uint64_t	fs;
	uint64_t	net;
	uint64_t	scope;
};

/* What this kernel has: 1 to 7 and up, 0 none. */
static int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

/* What is handled, thus refused unless a rule allows it. */
static struct ruleset
landlock_handled(int abi)
{
	struct ruleset r = { FS_ABI_1, 0, 0 };

	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4)
		r.net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scope = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	return r;
}

void
sandbox_probe(void)
{
	static const struct {
		int		 abi;
		const char	*what;
	} rows[] = {
		{ 1, "landlock" },
		{ 2, "landlock-refer" },
		{ 3, "landlock-truncate" },
		{ 4, "landlock-tcp" },
		{ 5, "landlock-ioctl" },
		{ 6, "landlock-scope" },
	};
	int abi = landlock_abi();
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (abi < rows[i].abi && (abi > 0 || rows[i].abi == 1))
			log_once("sandbox", "missing=%s", rows[i].what);
	if (SANDBOX_IS_WIDE)
		log_once("sandbox", "filter=wide");
}

static uint64_t
rights_of(unsigned rights)
{
	return (rights & SANDBOX_WRITE ? FS_WRITE : 0) |
	    (rights & SANDBOX_READ ? FS_READ : 0) |
	    (rights & SANDBOX_LOCK ? FS_LOCK : 0) |
	    (rights & SANDBOX_EXEC ? LANDLOCK_ACCESS_FS_EXECUTE : 0);
}

static int
landlock_add_path(int ruleset, const struct ruleset *handled,
    const struct sandbox_path *path)
{
	struct landlock_path_beneath_attr rule = { 0 };
	struct stat st;
	long r = -1;

	rule.parent_fd = open(path->path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	rule.allowed_access = rights_of(path->rights) & handled->fs;
	if (fstat(rule.parent_fd, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			rule.allowed_access &= FS_OF_FILE;
		r = syscall(SYS_landlock_add_rule, ruleset,
		    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	close(rule.parent_fd);
	return r == -1 ? -1 : 0;
}

static bool
any_written(const struct sandbox_path *paths, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (paths[i].rights & SANDBOX_WRITE)
			return true;
	return false;
}

/* Files below paths only; TCP as net says; signals stay inside. */
static int
landlock_apply(const struct sandbox_path *paths, size_t n, bool network)
{
	struct ruleset handled;
	int abi = landlock_abi(), fd;
	size_t i;

#ifdef SANDBOX_WIDE
	return 0;	/* coverage writes its files at exit */
#endif
	/* The first version refuses every rename between folders. */
	if (abi == 0 || (abi == 1 && any_written(paths, n))) {
		log_once("sandbox", "missing=%s", abi == 0 ? "landlock" :
		    "landlock-refer");
		return 0;
	}
	handled = landlock_handled(abi);
	if (network)
		handled.net = 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &handled,
	    sizeof(handled), 0);
	if (fd == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (landlock_add_path(fd, &handled, &paths[i]) == -1)
			goto fail;
	if (syscall(SYS_landlock_restrict_self, fd, 0) == -1)
		goto fail;
	close(fd);
	return 0;
fail:
	close(fd);
	return -1;
}

static int
restrict_to(const struct sandbox_path *paths, size_t n, unsigned filter)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	if (landlock_apply(paths, n, filter & FILTER_NET) == -1)
		return -1;
	if (filter_install(filter) == -1) {
		if (errno != ENOSYS && errno != EINVAL)
			return -1;
		log_once("sandbox", "missing=seccomp");
	}
	return 0;
}

/* Nobody else may look into this memory: no core, no tracing by the same
 * user. */
static void
hide_memory(void)
{
	struct rlimit none = { 0, 0 };

	if (SANDBOX_IS_WIDE)
		return;
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int
sandbox_door(void)
{
	hide_memory();
	return restrict_to(NULL, 0, 0);
}

int
sandbox_mailbox(const struct sandbox_path *paths, size_t n)
{
	hide_memory();
	return restrict_to(paths, n, FILTER_FILES);
}

int
sandbox_client(void)
{
	hide_memory();
	return restrict_to(NULL, 0, FILTER_NET);
}

int
sandbox_agent(const struct sandbox_path *paths, size_t n, bool network)
{
	return restrict_to(paths, n, FILTER_FILES | FILTER_FORK |
	    (network ? FILTER_NET : 0));
}

int
sandbox_program(const struct sandbox_path *paths, size_t n, bool network)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return landlock_apply(paths, n, network);
}
