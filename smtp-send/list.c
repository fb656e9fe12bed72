/* SPDX-License-Identifier: ISC
 *
 * The list of the spool.  It takes no lock and changes nothing: an agent may
 * be at work on what it shows.
 */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "each.h"
#include "list.h"
#include "system/activate.h"
#include "system/log.h"
#include "system/sandbox.h"

struct list {
	struct each	 each;
	enum view_form	 form;
	bool		 mine;		/* only what these two sent */
	char		 uid[24];
	char		 login[64];	/* "" none */
	unsigned long	 messages;
	uint64_t	 octets;
};

int
list_open(struct spool *sp, const struct settings *s)
{
	char error[CONF_ERROR_MAX];

	if (spool_open(sp, s, error) == 0)
		return 0;
	if (geteuid() != 0 && (errno == EACCES || errno == EPERM)) {
		warnx("the queue is closed to this user: be root (%s)",
		    error);
		return EX_NOPERM;
	}
	warnx("%s", error);
	return EX_CONFIG;
}

static bool
is_mine(const struct list *l, const struct envelope *e)
{
	return (e->uid != NULL && strcmp(e->uid, l->uid) == 0) ||
	    (l->login[0] != '\0' && e->auth != NULL &&
	    strcmp(e->auth, l->login) == 0);
}

static int
print_one(struct each *each, struct spool_message *m)
{
	struct list *l = each->arg;
	struct buf b;

	if (l->mine && !is_mine(l, &m->env))
		return 0;
	l->messages++;
	l->octets += m->item.size;
	buf_init(&b, VIEW_MAX);
	view_message(&b, m, l->form, each->now);
	return view_print(&b);
}

static int
print_unreadable(struct each *each, const struct spool_item *it,
    const char *why)
{
	struct list *l = each->arg;
	struct buf b;

	if (l->mine)		/* whose it is nobody knows */
		return 0;
	l->messages++;
	l->octets += it->size;
	buf_init(&b, 4096);
	view_unreadable(&b, it, l->form, why);
	return view_print(&b);
}

static void
print_totals(const struct list *l)
{
	if (l->form != VIEW_PLAIN)
		return;
	if (l->messages == 0)
		printf("Nothing waits.\n");
	else
		printf("%lu %s, %" PRIu64 " octets\n", l->messages,
		    l->messages == 1 ? "message" : "messages", l->octets);
}

static int
list_all(struct list *l, struct select *sel)
{
	int code;

	l->each.select = sel;
	l->each.one = print_one;
	l->each.unreadable = print_unreadable;
	l->each.arg = l;
	code = each_message(&l->each);
	print_totals(l);
	return each_end(&l->each, code);
}

int
list_queue(const struct settings *s, struct select *sel, enum view_form form)
{
	struct list l = { .form = form };
	struct spool sp;
	int code;

	if ((code = list_open(&sp, s)) != 0)
		return code;
	l.each.spool = &sp;
	code = list_all(&l, sel);
	spool_close(&sp);
	return code;
}

/* ---- for someone else ---- */

/* Logins are accounts of this host only where the users are. */
static void
know_peer(struct list *l, const struct settings *s, const struct spool *sp,
    uid_t uid)
{
	struct passwd *pw;

	l->mine = uid != 0 && uid != sp->owner[SPOOL_REMOTE];
	snprintf(l->uid, sizeof(l->uid), "%u", uid);
	if (strcmp(s->users, "system") == 0 && (pw = getpwuid(uid)) != NULL)
		strlcpy(l->login, pw->pw_name, sizeof(l->login));
}

int
list_serve(const struct settings *s)
{
	struct list l = { .form = VIEW_PLAIN };
	struct sandbox_path paths[] = { { s->spool, SANDBOX_READ } };
	struct select all = { 0 };
	struct peer peer;
	struct spool sp;
	int code;

	if (activate_peer(STDIN_FILENO, &peer, NULL) == -1 ||
	    peer.kind != PEER_UNIX) {
		warnx("-u: standard input is no connected UNIX socket");
		return EX_USAGE;
	}
	if ((code = list_open(&sp, s)) != 0)
		return code;
	know_peer(&l, s, &sp, peer.uid);
	if (sandbox_agent(paths, 1, false) == -1) {
		log_error("sandbox", "error=%s", log_str(strerror(errno)));
		return EX_OSERR;
	}
	log_info("list", "uid=%u all=%s", peer.uid, l.mine ? "no" : "yes");
	l.each.spool = &sp;
	code = list_all(&l, &all);
	spool_close(&sp);
	return code;
}
