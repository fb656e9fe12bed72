/* SPDX-License-Identifier: ISC
 *
 * The list of the spool.  It takes no lock and changes nothing: an agent may
 * be at work on what it shows.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "list.h"
#include "mail/spool.h"

struct totals {
	unsigned long	messages;
	uint64_t	octets;
	bool		trouble;
};

static const char *
time_text(int64_t when, char *to, size_t size)
{
	time_t t = (time_t)when;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(to, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		strlcpy(to, "-", size);
	return to;
}

/* What a server said goes to a terminal. */
static void
print_plain(const char *s)
{
	for (; *s != '\0'; s++)
		putchar((unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s);
}

static void
print_rcpt(const struct spool_item *it, const struct envelope_rcpt *r)
{
	char to[ADDRESS_TEXT_MAX], when[32];

	printf("\t%s", address_text(&r->addr, to));
	switch (r->status) {
	case ENVELOPE_REPORT:
	case ENVELOPE_EXPANDED:
		printf("  (delivered, to be reported)");
		break;
	case ENVELOPE_DELIVERED:
	case ENVELOPE_BOUNCED:
	case ENVELOPE_FAILED:
		printf("  (failed, to be returned)");
		break;
	case ENVELOPE_TRYING:
		printf("  (being delivered)");
		break;
	case ENVELOPE_QUEUED:
		if (r->tries > 0)
			printf("  (%u %s", r->tries,
			    r->tries == 1 ? "try" : "tries");
		if (it->due > 0)
			printf("%s at %s", r->tries > 0 ? ", next" :
			    "  (leaves", time_text(it->due, when,
			    sizeof(when)));
		if (r->tries > 0 || it->due > 0)
			putchar(')');
		break;
	}
	putchar('\n');
	if (r->reply != NULL) {
		printf("\t    ");
		print_plain(r->reply);
		putchar('\n');
	}
}

static void
print_message(const struct spool_message *m)
{
	const struct envelope *e = &m->env;
	char from[ADDRESS_TEXT_MAX], when[32];
	size_t i;

	printf("%s  %" PRIu64 "  %s  %s\n", m->item.id, m->item.size,
	    time_text(m->item.arrived, when, sizeof(when)),
	    address_is_null(&e->sender) ? "<>" :
	    address_text(&e->sender, from));
	for (i = 0; i < e->nrcpts; i++)
		if (e->rcpts[i].status != ENVELOPE_DELIVERED &&
		    e->rcpts[i].status != ENVELOPE_BOUNCED)
			print_rcpt(&m->item, &e->rcpts[i]);
}

static void
list_one(const struct spool *sp, enum spool_queue queue, struct totals *t)
{
	struct spool_message m;
	struct spool_walk *walk;
	struct spool_item it;
	int got = -1;

	walk = spool_walk_open(sp, queue, INT64_MAX, 1);
	while (walk != NULL && (got = spool_walk_next(walk, &it)) == 1) {
		t->messages++;
		t->octets += it.size;
		switch (spool_look(sp, &it, &m)) {
		case 1:
			print_message(&m);
			spool_release(&m);
			break;
		case 0:		/* delivered meanwhile */
			t->messages--;
			t->octets -= it.size;
			break;
		default:
			printf("%s  %" PRIu64 "  cannot be read: %s\n",
			    it.id, it.size, strerror(errno));
			t->trouble = true;
		}
	}
	if (got == -1) {
		warn("%s", sp->path);
		t->trouble = true;
	}
	spool_walk_close(walk);
}

int
list_queue(const struct settings *s)
{
	struct totals t = { 0 };
	char error[CONF_ERROR_MAX];
	struct spool sp;

	if (spool_open(&sp, s, error) == -1) {
		warnx("%s", error);
		return access(s->spool, X_OK) == -1 && errno == EACCES ?
		    EX_NOPERM : EX_CONFIG;
	}
	list_one(&sp, SPOOL_LOCAL, &t);
	list_one(&sp, SPOOL_REMOTE, &t);
	spool_close(&sp);
	if (t.messages == 0)
		printf("Nothing waits.\n");
	else
		printf("%lu %s, %" PRIu64 " octets\n", t.messages,
		    t.messages == 1 ? "message" : "messages", t.octets);
	if (fflush(stdout) != 0)
		return EX_IOERR;
	return t.trouble ? EX_TEMPFAIL : EX_OK;
}
