/* SPDX-License-Identifier: ISC
 *
 * Who the recipients of a message are here: users, lists, or nobody.  Nothing
 * of the message is read.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mail/recipient.h"
#include "message_local.h"
#include "rules.h"
#include "system/log.h"

/* RFC 5321, section 4.5.1, of postmaster; and somebody reads the reports. */
bool
target_is_precious(const struct work *w, const struct address *to)
{
	const struct envelope *env = &w->m->env;
	const char *before = env->expanded;
	size_t n = strlen("postmaster");

	return address_is_null(&env->sender) ||
	    strcasecmp(to->local, "postmaster") == 0 || (before != NULL &&
	    strncasecmp(before, "postmaster", n) == 0 &&
	    (before[n] == '@' || before[n] == '\0'));
}

const struct address *
target_original(const struct work *w, struct address *room)
{
	const char *before = w->m->env.expanded;

	return before != NULL && address_parse_utf8(room, before,
	    strlen(before), NULL) == 1 ? room : NULL;
}

int
target_set_local(struct work *w, struct target *t, const struct recipient *r)
{
	struct spool_as as;

	t->local = true;
	if ((t->user = malloc(sizeof(*t->user))) == NULL)
		return -1;
	*t->user = r->user;
	t->address = r->address;
	if (*r->folder != '\0' && (t->folder = strdup(r->folder)) == NULL)
		return -1;
	/* Most have no rules, and cost no more than this. */
	if (spool_as(&as, t->user->uid, t->user->gid) == 0) {
		t->rules = rules_look(w->settings, t->user,
		    r->folder);
		spool_as_end(&as);
	}
	return 0;
}

/* All of an expanded message who are elsewhere get one copy. */
static int
set_other(struct work *w, struct target *t, const struct address *to)
{
	t->forward = true;
	return recipient_list_add(&w->others, to);
}

/* Whose rights a program or file of an alias has: 0; -1 no memory. */
static int
set_special(struct work *w, struct target *t, size_t k)
{
	static const enum dest_kind kinds[] = {
		[RECIPIENT_PROGRAM] = DEST_PROGRAM,
		[RECIPIENT_FILE] = DEST_MAILBOX,
		[RECIPIENT_DISCARD] = DEST_DISCARD
	};
	const struct recipient_special *from = &t->list.specials[k];
	struct user *u = &t->specials[k];
	struct recipient_account account;
	char error[CONF_ERROR_MAX];
	struct dest *d;

	if (from->kind != RECIPIENT_DISCARD && recipient_account(w->settings,
	    from, &account, error) == -1) {
		t->forward = false;
		return refuse(t, OUTCOME_TEMPORARY, "4.3.5 %.300s", error);
	}
	if (from->kind != RECIPIENT_DISCARD) {
		u->system = true;
		u->uid = account.uid;
		u->gid = account.gid;
		strlcpy(u->name, account.name, sizeof(u->name));
		strlcpy(u->home, account.home, sizeof(u->home));
	}
	if ((d = plan_add(&t->plan, kinds[from->kind], from->text)) == NULL)
		return -1;
	d->file = from->file;
	d->line = from->line;
	return 0;
}

/* An alias with programs or files is as a user's rules are. */
static int
set_list(struct work *w, struct target *t, const struct recipient *r)
{
	size_t k, n = t->list.nspecials;

	t->forward = true;
	t->owner = r->owner;
	if (n == 0)
		return 0;
	if (*r->extension != '\0' && (t->folder = strdup(r->extension)) == NULL)
		return -1;
	if ((t->specials = calloc(n, sizeof(*t->specials))) == NULL)
		return -1;
	t->plan.kind = PLAN_GOOD;
	for (k = 0; k < n && t->forward; k++)
		if (set_special(w, t, k) == -1)
			return -1;
	return t->list.n > 0 && plan_add(&t->plan, DEST_FORWARD, "the others")
	    == NULL ? -1 : 0;
}

/* Who is this?  0, or -1 no memory. */
static int
find_target(struct work *w, const struct address *to, struct target *t)
{
	bool expanded = w->m->env.expanded != NULL;
	char text[ADDRESS_TEXT_MAX];
	struct recipient r;

	t->precious = target_is_precious(w, to);
	switch (expanded ? recipient_user(w->dir, to, &r) :
	    recipient_find(w->dir, to, &r, &t->list)) {
	case RECIPIENT_LOCAL:
		return target_set_local(w, t, &r);
	case RECIPIENT_LIST:
		return set_list(w, t, &r);
	case RECIPIENT_UNKNOWN:
		return refuse(t, OUTCOME_PERMANENT, "5.1.1 no such user: "
		    "%.300s", address_text(to, text));
	case RECIPIENT_NOBODY:
		return refuse(t, OUTCOME_TEMPORARY, "4.3.5 nobody gets mail "
		    "for %.200s: see key postmaster", address_text(to, text));
	case RECIPIENT_REMOTE:
	case RECIPIENT_RELAY:
		if (expanded)
			return set_other(w, t, to);
		return refuse(t, OUTCOME_PERMANENT, "5.1.2 not a domain of "
		    "ours any more: %.300s", address_text(to, text));
	case RECIPIENT_TEMPORARY:
		break;
	}
	log_error("recipient", "id=%s error=%s", w->m->item.id,
	    log_str(r.error));
	return refuse(t, OUTCOME_TEMPORARY, "4.3.5 it cannot be found out who "
	    "gets it");
}

int
find_targets(struct work *w)
{
	struct spool_message *m = w->m;
	size_t i;

	w->targets = calloc(m->env.nrcpts, sizeof(*w->targets));
	if (w->targets == NULL)
		return -1;
	for (i = 0; i < m->env.nrcpts; i++)
		if (envelope_is_owed(&m->env.rcpts[i]) && find_target(w,
		    &m->env.rcpts[i].addr, &w->targets[i]) == -1)
			return -1;
	return 0;
}
