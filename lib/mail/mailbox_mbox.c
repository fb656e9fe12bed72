/* SPDX-License-Identifier: ISC
 *
 * An mbox as the only mailbox of a root: opening it, and a session's view of
 * it.  See mail/mailbox_mbox.h.  It must never follow the name to another
 * file: a session could not open that in its sandbox, and its UIDs are not
 * those that were told.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/mailbox_mbox.h"
#include "system/log.h"

#define FROM_		"From "
#define ALONE_TRIES	40
#define ALONE_PAUSE	25000000	/* ns */

/* ---- the root ---- */

/* The first octets of an mbox, which may be empty. */
static bool
is_mbox(int fd)
{
	char start[sizeof(FROM_) - 1];
	ssize_t n = pread(fd, start, sizeof(start), 0);

	return n == 0 || (n == (ssize_t)sizeof(start) &&
	    memcmp(start, FROM_, sizeof(start)) == 0);
}

static enum mailbox_status
check_file(struct mailbox_root *root)
{
	struct stat st;
	int fd = openat(root->fd, root->mbox->name, O_RDONLY | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY);
	bool good;

	if (fd == -1)
		return mailbox_errno("open");
	good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_mbox(fd);
	close(fd);
	root->mbox->dev = st.st_dev;
	root->mbox->ino = st.st_ino;
	return good ? MAILBOX_OK : MAILBOX_NONE;
}

enum mailbox_status
mailbox_mbox_root(struct mailbox_root *root)
{
	const char *slash = strrchr(root->path, '/');
	struct mailbox_mbox *m;
	enum mailbox_status status;

	if ((root->mbox = calloc(1, sizeof(*root->mbox))) == NULL)
		return MAILBOX_TEMPORARY;
	m = root->mbox;
	m->spare = m->alone = -1;
	m->folder = strndup(root->path, slash == root->path ? 1 :
	    (size_t)(slash - root->path));
	m->name = strdup(slash + 1);
	if (m->folder == NULL || m->name == NULL)
		return MAILBOX_TEMPORARY;
	/* Who may not list the folder can open what is in it. */
	root->fd = open(m->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd == -1)
		return mailbox_errno("open");
	if ((status = check_file(root)) != MAILBOX_OK)
		return status;
	/* In a sandbox none can be made. */
	if ((root->flags & MAILBOX_READONLY) == 0)
		m->spare = open(m->folder, O_TMPFILE | O_RDWR | O_CLOEXEC,
		    0600);
	return MAILBOX_OK;
}

void
mailbox_mbox_root_close(struct mailbox_root *root)
{
	struct mailbox_mbox *m = root->mbox;

	if (m == NULL)
		return;
	if (m->spare != -1)
		close(m->spare);
	if (m->alone != -1)
		close(m->alone);
	free(m->folder);
	free(m->name);
	free(m);
	root->mbox = NULL;
}

const char *
mailbox_root_folder(const struct mailbox_root *root)
{
	return root->mbox == NULL ? NULL : root->mbox->folder;
}

enum mailbox_status
mailbox_mbox_exists(const char *name)
{
	char path[MAILBOX_NAME_MAX + 2];
	enum mailbox_status status = mailbox_path(name, path);

	return status == MAILBOX_OK && strcmp(path, ".") != 0 ? MAILBOX_NONE :
	    status;
}

enum mailbox_status
mailbox_mbox_list(struct mailbox_names *names)
{
	names->n = 0;
	if ((names->v = calloc(1, sizeof(*names->v))) == NULL)
		return MAILBOX_TEMPORARY;
	if ((names->v[0] = strdup(INBOX)) == NULL) {
		mailbox_names_free(names);
		return MAILBOX_TEMPORARY;
	}
	names->n = 1;
	return MAILBOX_OK;
}

/* ---- alone ---- */

/* Whether the process that holds the name is one that may have the mbox: a
 * stranger who takes it must not keep the owner out. */
static bool
is_ours(const struct sockaddr_un *to, socklen_t n)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	struct ucred peer = { .uid = geteuid() };
	socklen_t size = sizeof(peer);

	if (s != -1 && connect(s, (const struct sockaddr *)to, n) == 0 &&
	    getsockopt(s, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1)
		peer.uid = geteuid();
	if (s != -1)
		close(s);
	return peer.uid == geteuid() || peer.uid == 0;
}

/* Take the name: 1, 0 another has it, -1 errno. */
static int
take_name(struct mailbox_mbox *m, const struct sockaddr_un *name, socklen_t n)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	int saved;

	if (s == -1)
		return -1;
	if (bind(s, (const struct sockaddr *)name, n) == 0 &&
	    listen(s, 8) == 0) {
		m->alone = s;
		return 1;
	}
	saved = errno;
	close(s);
	errno = saved;
	return errno == EADDRINUSE ? 0 : -1;
}

enum mailbox_status
mailbox_root_alone(struct mailbox_root *root)
{
	struct timespec pause = { 0, ALONE_PAUSE };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct mailbox_mbox *m = root->mbox;
	socklen_t n;
	int i, r;

	if (m == NULL)
		return MAILBOX_OK;
	n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1,
	    "stdmail-mbox/%llx/%llx", (unsigned long long)m->dev,
	    (unsigned long long)m->ino));
	for (i = 0; i < ALONE_TRIES; i++) {
		if ((r = take_name(m, &name, n)) == 1)
			return MAILBOX_OK;
		if (r == -1)
			return mailbox_errno("lock");
		if (!is_ours(&name, n)) {
			log_warn("mbox-lock", "file=%s error=\"a stranger "
			    "has it\"", log_str(root->path));
			return MAILBOX_OK;
		}
		(void)nanosleep(&pause, NULL);
	}
	return MAILBOX_BUSY;
}

/* ---- a session ---- */

/* A modification sequence above all of earlier sessions, unless the clock was
 * set back: all that such a session told is changed for this one. */
static uint64_t
clock_modseq(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

enum mailbox_status
mailbox_mbox_open(struct mailbox *mb, const char *name)
{
	struct mailbox_mbox *m = mb->root->mbox;
	enum mailbox_status status;

	if ((status = mailbox_mbox_exists(name)) != MAILBOX_OK)
		return status;
	status = mbox_store_open(mb->root->fd, m->name,
	    mb->root->flags & MAILBOX_READONLY ? MBOX_STORE_READONLY : 0,
	    &mb->mbox);
	if (status != MAILBOX_OK)
		return status;
	mbox_store_spare(mb->mbox, &m->spare);
	if (mbox_store_readonly(mb->mbox))
		mb->flags |= MAILBOX_READONLY;
	mb->modseq = clock_modseq();
	return MAILBOX_OK;
}

static bool
is_same_file(const struct mailbox_root *root)
{
	struct stat st;

	return fstatat(root->fd, root->mbox->name, &st, 0) == 0 &&
	    st.st_dev == root->mbox->dev && st.st_ino == root->mbox->ino;
}

/* What the store says of a refresh, for a session that goes on or not. */
static enum mailbox_status
judge(const struct mailbox *mb, enum mailbox_status status)
{
	switch (status) {
	case MAILBOX_OK:
	case MAILBOX_RESET:
	case MAILBOX_TEMPORARY:
	case MAILBOX_FULL:
	case MAILBOX_NO_RIGHT:
		return status;
	case MAILBOX_BUSY:
		log_warn("mbox-lock", "busy=%s", log_str(mb->root->path));
		/* Without a first look nothing is known. */
		return mb->refreshed ? status : MAILBOX_TEMPORARY;
	case MAILBOX_NONE:
	case MAILBOX_EXISTS:
	case MAILBOX_BAD_NAME:
	case MAILBOX_NOT_PERMITTED:
	case MAILBOX_OVERQUOTA:
	case MAILBOX_LIMIT:
		break;
	}
	log_error("mbox", "file=%s error=%s", log_str(mb->root->path),
	    log_str(status == MAILBOX_BAD_NAME ? "no mbox any more" :
	    mailbox_status_text(status)));
	return MAILBOX_TEMPORARY;
}

enum mailbox_status
mailbox_mbox_refresh(struct mailbox *mb, unsigned flags)
{
	bool take = (mb->flags & (MAILBOX_KEEP_NEW | MAILBOX_READONLY)) == 0;
	enum mailbox_status status;

	(void)mailbox_take_events(mb);
	if (!is_same_file(mb->root))
		return MAILBOX_RESET;
	status = judge(mb, mbox_store_refresh(mb->mbox,
	    (take ? MBOX_STORE_TAKE_NEW : 0) |
	    (flags & MAILBOX_RELIST ? MBOX_STORE_ALL : 0)));
	if (status == MAILBOX_RESET || status == MAILBOX_TEMPORARY)
		return status;
	if (mailbox_mbox_merge(mb) == -1 || mailbox_extend_view(mb) == -1)
		return MAILBOX_TEMPORARY;
	return status;
}

int
mailbox_mbox_keyword(struct mailbox *mb, const char *name, bool create)
{
	int i;

	/* The file's own come first. */
	if (mbox_store_uidvalidity(mb->mbox) == 0 &&
	    mbox_store_refresh(mb->mbox, 0) != MAILBOX_OK)
		return -1;
	i = mbox_store_keyword(mb->mbox, name, create &&
	    !mailbox_readonly(mb));
	if (i != -1 && (mb->known & MAILBOX_KEYWORD(i)) == 0) {
		mb->known |= MAILBOX_KEYWORD(i);
		mb->new_keywords = true;
	}
	return i;
}
