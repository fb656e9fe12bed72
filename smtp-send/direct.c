/* SPDX-License-Identifier: ISC
 *
 * smtp-send in a pipeline: the message on standard input, delivered now.
 * Nothing is kept: what could not be delivered is said, by line and exit
 * code, and is the caller's again.
 */
#include <sys/mman.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dest.h"
#include "direct.h"
#include "sts_cache.h"
#include "system/fdio.h"
#include "worker.h"

#define WORKERS_MAX	16	/* destinations at once */

/* The recipients of one destination. */
struct group {
	char		 key[DELIVERY_KEY_MAX];
	struct worker	*worker;
	struct envelope_rcpt *rcpts;
	size_t		*index;		/* of each, among all */
	size_t		 n;
	size_t		 given;		/* of these, to the worker */
	size_t		 first;		/* of the delivery that it is at */
	uint32_t	 seq;		/* of that */
	size_t		 reported;
};

struct job {
	struct worker_set set;
	struct delivery	 delivery;
	struct envelope	 env;		/* its sender, and SMTPUTF8 */
	struct address	*rcpts;
	struct report	*reports;
	size_t		 n;
	struct sts_cache *sts;
	struct group	*groups;
	size_t		 ngroups;
};

/* A copy of standard input that can be read again for each host.  -1, and
 * *code is the exit code. */
static int
take_message(const struct settings *s, off_t *offset, int *code)
{
	char block[65536];
	long long total = 0;
	ssize_t got;
	int fd;

	*code = EX_TEMPFAIL;
	if ((fd = memfd_create("message", MFD_CLOEXEC)) == -1) {
		warn("memory for the message");
		return -1;
	}
	while ((got = fd_read_all(0, block, sizeof(block))) > 0) {
		if ((total += got) > s->max_size) {
			warnx("the message is larger than max_size");
			*code = EX_DATAERR;
			goto fail;
		}
		if (fd_write_all(fd, block, (size_t)got) == -1) {
			warn("memory for the message");
			goto fail;
		}
	}
	if (got == -1) {
		warn("standard input");
		goto fail;
	}
	/* An mbox's From_ line is no part of the message. */
	*offset = 0;
	got = fd_pread_all(fd, block, sizeof(block), 0);
	if (got > 5 && memcmp(block, "From ", 5) == 0) {
		char *lf = memchr(block, '\n', (size_t)got);

		*offset = lf == NULL ? 0 : lf - block + 1;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

static int
take_sender(struct envelope *env, const char *text, const char *hostname)
{
	struct address *sender = &env->sender;
	const char *why;
	struct passwd *pw;

	if (text == NULL) {
		memset(sender, 0, sizeof(*sender));
		pw = getpwuid(getuid());
		strlcpy(sender->local, pw == NULL ? "nobody" : pw->pw_name,
		    sizeof(sender->local));
		strlcpy(sender->domain, hostname, sizeof(sender->domain));
		return 0;
	}
	if (address_parse_utf8(sender, text, strlen(text), &why) != 1) {
		warnx("sender %s: %s", text, why);
		return -1;
	}
	env->utf8 = !address_is_ascii(sender);
	return 0;
}

static int
take_recipients(struct job *j, char *const *rcpts)
{
	const char *why;
	size_t i;

	for (i = 0; i < j->n; i++) {
		if (address_parse_utf8(&j->rcpts[i], rcpts[i],
		    strlen(rcpts[i]), &why) != 1) {
			warnx("recipient %s: %s", rcpts[i], why);
			return -1;
		}
		if (j->rcpts[i].domain[0] == '\0') {
			warnx("recipient %s: has no domain", rcpts[i]);
			return -1;
		}
		j->env.utf8 |= !address_is_ascii(&j->rcpts[i]);
	}
	return 0;
}

/* Sort the recipients into groups by where they go. */
static int
make_groups(struct job *j, const struct settings *s, const char *host)
{
	char key[DELIVERY_KEY_MAX];
	struct group *g;
	size_t i, k;

	for (i = 0; i < j->n; i++) {
		if (host != NULL)
			snprintf(key, sizeof(key), "=%s", host);
		else
			dest_key(s, &j->env.sender, j->rcpts[i].domain, key);
		for (k = 0; k < j->ngroups; k++)
			if (strcmp(j->groups[k].key, key) == 0)
				break;
		g = &j->groups[k];
		if (k == j->ngroups) {
			strlcpy(g->key, key, sizeof(g->key));
			g->rcpts = calloc(j->n - i, sizeof(*g->rcpts));
			g->index = calloc(j->n - i, sizeof(*g->index));
			j->ngroups++;
			if (g->rcpts == NULL || g->index == NULL)
				return -1;
		}
		g->rcpts[g->n].addr = j->rcpts[i];
		g->index[g->n++] = i;
	}
	return 0;
}

/* The report on one of a delivery that began at the group's recipient first. */
static void
keep_report(struct job *j, struct group *g, const struct report *r)
{
	j->reports[g->index[g->first + r->rcpt]] = *r;
	g->reported++;
}

/* Who was not given, or could not be, is put off. */
static void
give_up(struct job *j, struct group *g, const char *why)
{
	struct report r;

	memset(&r, 0, sizeof(r));
	r.outcome = OUTCOME_TEMPORARY;
	strlcpy(r.status, "4.3.0", sizeof(r.status));
	strlcpy(r.reply, why, sizeof(r.reply));
	for (g->first = g->reported; g->reported < g->n; g->first++)
		keep_report(j, g, &r);
}

/* The next delivery of a group, when it has its reports on the last one. */
static int
give_some(struct job *j, struct group *g)
{
	struct delivery *d = &j->delivery;

	d->domain = g->rcpts[0].addr.domain;
	d->key = g->key;
	d->sts = j->sts == NULL ? NULL : sts_cache_get(j->sts, d->domain);
	d->rcpts = g->rcpts + g->given;
	d->nrcpts = g->n - g->given;
	if (d->nrcpts > PARCEL_RCPTS)
		d->nrcpts = PARCEL_RCPTS;
	if (worker_give(g->worker, d, NULL, &g->seq) == -1)
		return -1;
	g->first = g->given;
	g->given += d->nrcpts;
	return 0;
}

static int
start_group(struct job *j, struct group *g)
{
	g->worker = worker_start(&j->set, g->key,
	    g->rcpts[0].addr.domain);
	if (g->worker != NULL && give_some(j, g) == 0)
		return 0;
	give_up(j, g, strerror(errno));
	(void)worker_free(g->worker);
	g->worker = NULL;
	return -1;
}

/* Take what a worker has.  Whether it is done. */
static bool
hear(struct job *j, struct group *g)
{
	struct record r;
	int got;

	while ((got = worker_read(g->worker, &r, false)) == 1) {
		if (r.type == RECORD_REPORT)
			keep_report(j, g, &r.u.report);
		if (g->reported == g->n)
			worker_end(g->worker);
		else if (g->reported == g->given && give_some(j, g) == -1)
			break;
	}
	if (got == -1)
		return false;
	give_up(j, g, "the delivery was interrupted here");
	(void)worker_free(g->worker);
	g->worker = NULL;
	return true;
}

/* Wait until a worker has something, take all it has; how many ended. */
static size_t
collect(struct job *j, size_t started)
{
	struct pollfd p[WORKERS_MAX];
	struct group *of[WORKERS_MAX];
	size_t i, n = 0, ended = 0;

	for (i = 0; i < started && n < WORKERS_MAX; i++)
		if (j->groups[i].worker != NULL) {
			p[n].fd = worker_fd(j->groups[i].worker);
			p[n].events = POLLIN;
			of[n++] = &j->groups[i];
		}
	if (poll(p, n, -1) == -1)
		return 0;
	for (i = 0; i < n; i++)
		if (p[i].revents != 0)
			ended += hear(j, of[i]);
	return ended;
}

static void
run_groups(struct job *j)
{
	size_t started = 0, running = 0;

	while (started < j->ngroups || running > 0) {
		while (started < j->ngroups && running < WORKERS_MAX)
			if (start_group(j, &j->groups[started++]) == 0)
				running++;
		if (running > 0)
			running -= collect(j, started);
	}
}

static int
print_reports(const struct job *j, char *const *rcpts)
{
	const struct report *r;
	int code = 0;
	size_t i;

	for (i = 0; i < j->n; i++) {
		r = &j->reports[i];
		printf("%s\t%s\t%s\t%s\n", rcpts[i], r->status,
		    r->host[0] == '\0' ? "-" : r->host, r->reply);
		if (r->outcome == OUTCOME_TEMPORARY)
			code = EX_TEMPFAIL;
		else if (r->outcome != OUTCOME_SENT && code == 0)
			code = EX_UNAVAILABLE;
	}
	return fflush(stdout) == 0 ? code : EX_IOERR;
}

static void
free_job(struct job *j)
{
	size_t i;

	for (i = 0; i < j->ngroups; i++) {
		free(j->groups[i].rcpts);
		free(j->groups[i].index);
	}
	free(j->groups);
	free(j->reports);
	free(j->rcpts);
	if (j->delivery.fd != -1)
		close(j->delivery.fd);
}

/* May a certificate have to be verified?  To load the authorities takes three
 * times as long as all else, so it is not done for a host that is given, by -r
 * or a key, and need not prove its name.  (Those of a login are there.) */
static bool
needs_authorities(const struct job *j, const struct settings *s)
{
	char name[SETTINGS_HOST_MAX];
	unsigned short port = 0;
	const char *host;
	size_t i;

	for (i = 0; i < j->ngroups; i++) {
		host = delivery_host(j->groups[i].key);
		if (*host == '\0' || settings_host_port(host, name, &port) ==
		    -1 || strcmp(settings_tls_policy(s, name), "verify") == 0)
			return true;
	}
	return false;
}

/* All that is to be known is there: deliver. */
static int
run_job(struct job *j, const struct settings *s, const char *host,
    char *const *rcpts)
{
	char fault[CONF_ERROR_MAX];
	int code;

	if (make_groups(j, s, host) == -1) {
		warn("recipients");
		return EX_TEMPFAIL;
	}
	if ((j->delivery.fd = take_message(s, &j->delivery.offset, &code)) ==
	    -1)
		return code;
	if (worker_setup(&j->set, s, fault) == -1) {
		warnx("%s", fault);
		return EX_TEMPFAIL;
	}
	if (needs_authorities(j, s))
		worker_trust(&j->set);
	/* What the agent knows, if we may read it. */
	j->sts = sts_cache_open(s->spool);
	run_groups(j);
	sts_cache_free(j->sts);
	worker_set_free(&j->set);
	return print_reports(j, rcpts);
}

int
direct(const struct settings *s, const char *sender, const char *host,
    char *const *rcpts, size_t n)
{
	struct job j = { .n = n, .delivery = { .fd = -1, .fd_7bit = -1 } };
	int code = EX_USAGE;

	j.delivery.env = &j.env;
	j.rcpts = calloc(n, sizeof(*j.rcpts));
	j.reports = calloc(n, sizeof(*j.reports));
	j.groups = calloc(n, sizeof(*j.groups));
	if (j.rcpts == NULL || j.reports == NULL || j.groups == NULL)
		err(EX_TEMPFAIL, "recipients");
	if (take_sender(&j.env, sender, s->hostname) == 0 &&
	    take_recipients(&j, rcpts) == 0)
		code = run_job(&j, s, host, rcpts);
	free_job(&j);
	return code;
}
