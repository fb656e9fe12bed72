/* SPDX-License-Identifier: ISC
 *
 * Who is told, and that it is on disk before anyone believes it.  A report,
 * whose sender is null, is reported on to postmaster, and that never.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mail/bounce.h"
#include "system/clock.h"
#include "system/fdio.h"
#include "system/log.h"

/* Who is told. */
static const struct address *
receiver(const struct bounce *bounce)
{
	return bounce->postmaster != NULL ? bounce->postmaster :
	    &bounce->message->env.sender;
}

/* The report's own envelope; what protected the message protects it (RFC 8689,
 * section 5). */
static int
address_it(struct envelope *e, const struct bounce *bounce)
{
	const struct envelope *of = &bounce->message->env;

	envelope_init(e);
	e->arrived = bounce->now;
	e->requiretls = of->requiretls;
	e->utf8 = !address_is_ascii(receiver(bounce));
	return envelope_add(e, receiver(bounce));
}

/* Put it into the spool. */
static int
post(const struct spool *spool, const struct bounce *bounce,
    struct envelope *e, const struct buf *b)
{
	const struct spool_message *m = bounce->message;
	const char *domain = receiver(bounce)->domain;
	char to[ADDRESS_TEXT_MAX];
	struct spool_put file;

	if (spool_put_begin(&file, spool, domain[0] == '\0' ||
	    settings_is_local(bounce->settings, domain, strlen(domain)) ?
	    SPOOL_LOCAL : SPOOL_REMOTE, e, (uid_t)-1) == -1)
		return -1;
	if (spool_put_write(&file, b->data, b->len) == -1) {
		spool_put_abort(&file);
		return -1;
	}
	if (spool_put_end(&file) == -1)
		return -1;
	log_info("bounce", "id=%s for=%s to=%s", file.file.id, m->item.id,
	    log_str(address_text(receiver(bounce), to)));
	return 0;
}

/* Compose it and put it into the spool. */
static int
report(const struct spool *spool, struct bounce *bounce)
{
	char boundary[24];
	struct envelope e;
	struct buf b;
	int r = -1;

	snprintf(boundary, sizeof(boundary), "b%08x%08x", arc4random(),
	    arc4random());
	bounce->boundary = boundary;
	bounce->zone = clock_zone(bounce->now);
	buf_init(&b, BOUNCE_MAX);
	if (address_it(&e, bounce) == 0 && bounce_write(&b, bounce) == 0)
		r = post(spool, bounce, &e, &b);
	envelope_free(&e);
	buf_free(&b);
	return r;
}

static void
log_silent(const struct spool_message *m)
{
	char to[ADDRESS_TEXT_MAX];
	size_t i;

	for (i = 0; i < m->env.nrcpts; i++)
		if (m->env.rcpts[i].status == ENVELOPE_FAILED &&
		    !envelope_wants(&m->env.rcpts[i], ENVELOPE_FAILURE))
			log_info("no-bounce", "id=%s to=%s note=%s",
			    m->item.id, log_str(address_text(
			    &m->env.rcpts[i].addr, to)),
			    "\"the sender wants none\"");
}

/* The letter of one who was told. */
static enum envelope_status
after(enum envelope_status status)
{
	switch (status) {
	case ENVELOPE_REPORT:
	case ENVELOPE_EXPANDED:
		return ENVELOPE_DELIVERED;
	case ENVELOPE_FAILED:
		return ENVELOPE_BOUNCED;
	case ENVELOPE_QUEUED:
	case ENVELOPE_TRYING:
	case ENVELOPE_DELIVERED:
	case ENVELOPE_BOUNCED:
		break;
	}
	return status;
}

/* What was owed is done. */
static int
mark_told(struct spool_message *m)
{
	enum envelope_status status;
	size_t i;

	for (i = 0; i < m->env.nrcpts; i++) {
		status = m->env.rcpts[i].status;
		if (after(status) != status && spool_mark(m, i,
		    after(status), time(NULL), NULL) == -1)
			return -1;
	}
	return spool_marks_sync(m);
}

/* Does its header say that it is a report to postmaster? */
static bool
is_double(const struct spool_message *m)
{
	const size_t most = 32768, n = strlen(BOUNCE_DOUBLE ":");
	char *text, *p, *end;
	bool found = false;
	ssize_t got;

	if ((text = malloc(most + 1)) == NULL)
		return true;
	if ((got = fd_pread_all(m->fd, text, most, (off_t)m->start)) == -1) {
		free(text);
		return true;
	}
	text[got] = '\0';
	for (p = text; !found && *p != '\0' && *p != '\n'; p = end + 1) {
		found = strncasecmp(p, BOUNCE_DOUBLE ":", n) == 0;
		if ((end = strchr(p, '\n')) == NULL)
			break;
	}
	free(text);
	return found;
}

/* Is postmaster to be told of a failed report?  Never of one to himself. */
static bool
goes_to_postmaster(const struct spool_message *m,
    const struct address *postmaster)
{
	const struct envelope_rcpt *r = m->env.rcpts;
	size_t i;

	if (envelope_count(&m->env, ENVELOPE_FAILED) == 0 || is_double(m))
		return false;
	for (i = 0; i < m->env.nrcpts; i++)
		if (r[i].status == ENVELOPE_FAILED &&
		    strcasecmp(r[i].addr.local, postmaster->local) == 0 &&
		    strcasecmp(r[i].addr.domain, postmaster->domain) == 0)
			return false;
	return true;
}

int
bounce_send(const struct spool *spool, const struct settings *s,
    struct spool_message *m)
{
	struct bounce bounce = { .settings = s, .message = m,
	    .now = time(NULL) };
	struct address postmaster = { "postmaster", "" };

	strlcpy(postmaster.domain, s->domains.v[0],
	    sizeof(postmaster.domain));
	if (envelope_count(&m->env, ENVELOPE_FAILED) +
	    envelope_count(&m->env, ENVELOPE_REPORT) +
	    envelope_count(&m->env, ENVELOPE_EXPANDED) == 0)
		return 0;
	if (address_is_null(&m->env.sender) &&
	    goes_to_postmaster(m, &postmaster))
		bounce.postmaster = &postmaster;
	if (address_is_null(&m->env.sender) && bounce.postmaster == NULL)
		log_warn("no-bounce", "id=%s note=%s", m->item.id,
		    "\"a bounce is never bounced\"");
	else if (bounce_first(&bounce) != BOUNCE_NOTHING &&
	    report(spool, &bounce) == -1)
		return -1;
	log_silent(m);
	return mark_told(m);
}

int
bounce_delay(const struct spool *spool, const struct settings *s,
    struct spool_message *m, int64_t until)
{
	struct bounce bounce = { .settings = s, .message = m,
	    .now = time(NULL), .delay = true, .until = until };

	if (m->env_fd == -1 || address_is_null(&m->env.sender))
		return 0;
	if (bounce_first(&bounce) != BOUNCE_NOTHING &&
	    report(spool, &bounce) == -1)
		return -1;
	return spool_warned(m, bounce.now);
}
