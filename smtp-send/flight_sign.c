/* SPDX-License-Identifier: ISC
 *
 * Between the queue and the workers: mail of this host is signed before anyone
 * who speaks to others gets it, and none of it leaves for want of a signature
 * that could not be made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flight.h"
#include "system/log.h"

#define KEPT_MAX	2000	/* messages that wait with their signatures */

void
flight_unsign(struct flight *f)
{
	free(f->prefix);
	free(f->prefix_7bit);
	f->prefix = f->prefix_7bit = NULL;
	if (f->fd_7bit != -1)
		close(f->fd_7bit);
	f->fd_7bit = -1;
}

void
flight_keep(struct books *b, struct flight *f)
{
	if (f->prefix == NULL || f->fd_7bit != -1 || b->kept >= KEPT_MAX)
		return;
	f->entry->prefix = f->prefix;
	f->prefix = NULL;
	b->kept++;
}

static void
log_unsigned(const struct flight *f, const char *why)
{
	log_warn("unsigned", "id=%s error=%s", f->msg.item.id, log_str(why));
}

bool
flight_sign(struct books *b, struct flight *f)
{
	struct spool_message *m = &f->msg;
	int fd;

	if ((f->prefix = f->entry->prefix) != NULL) {
		f->entry->prefix = NULL;
		b->kept--;
		return false;
	}
	if (b->signer == NULL || !m->env.own)
		return false;
	if ((fd = spool_reader(m)) != -1 && signer_submit(b->signer, f, fd,
	    (off_t)m->start, !m->env.utf8) == 0)
		return true;
	log_unsigned(f, strerror(errno));
	flight_put_off(b, f, "it cannot be signed now");
	return true;
}

/* Take over what was made for it: 0, or -1 no memory. */
static int
take(struct flight *f, const struct signature *s)
{
	f->fd_7bit = s->fd_7bit;
	if ((f->prefix = strdup(s->prefix)) == NULL)
		return -1;
	return s->prefix_7bit != NULL &&
	    (f->prefix_7bit = strdup(s->prefix_7bit)) == NULL ? -1 : 0;
}

void
flight_signed(struct books *b, const struct signature *s)
{
	struct flight *f = s->arg;

	switch (s->outcome) {
	case SIGNER_UNSIGNED:
		log_debug("unsigned", "id=%s reason=%s", f->msg.item.id,
		    log_str(s->why));
		flight_go(b, f);
		return;
	case SIGNER_SIGNED:
		if (take(f, s) == 0) {
			flight_go(b, f);
			return;
		}
		log_unsigned(f, strerror(ENOMEM));
		break;
	case SIGNER_FAILED:
		log_unsigned(f, s->why);
		break;
	}
	flight_put_off(b, f, "it cannot be signed now");
}

void
flight_recall(struct books *b, struct entry_queue *to)
{
	struct flight *f;
	void *arg;

	while (b->signer != NULL && signer_forget(b->signer, &arg)) {
		f = arg;
		STAILQ_INSERT_TAIL(to, f->entry, next);
		flight_drop(b, f);
	}
}
