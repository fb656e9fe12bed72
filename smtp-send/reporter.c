/* SPDX-License-Identifier: ISC
 *
 * Daily reports, on the agent's side.  What the process below says is believed
 * only about days and domains that are due.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "bytes/crc32.h"
#include "reporter.h"
#include "reporter_local.h"
#include "system/gzip.h"
#include "system/log.h"

#define SPREAD		(4 * 60 * 60)	/* seconds behind midnight */
#define RETRY_WAIT	(60 * 60)
#define MAIL_MAX	(16u << 20)

bool
reporter_is_due(const struct tls_policy *p, const char *hostname, int64_t now)
{
	uint32_t h = crc32_add(crc32_add(0, hostname, strlen(hostname)),
	    p->domain, strlen(p->domain));

	return now >= (p->day + 1) * DAY + h % SPREAD;
}

void
reporter_name(struct tls_report *r, const struct settings *s, int64_t day,
    const char *domain)
{
	const char *at = strrchr(s->tlsrpt_from, '@');

	memset(r, 0, sizeof(*r));
	r->day = day;
	r->domain = domain;
	if (at == NULL)		/* only to be looked at */
		snprintf(r->contact, sizeof(r->contact), "postmaster@%s",
		    s->hostname);
	else
		strlcpy(r->contact, s->tlsrpt_from, sizeof(r->contact));
	r->submitter = at == NULL ? s->hostname : at + 1;
	tls_report_id(r);
}

static bool
any_due(const struct tls_log *log, const char *hostname, int64_t now)
{
	size_t i;

	for (i = 0; i < log->n; i++)
		if (reporter_is_due(&log->v[i], hostname, now))
			return true;
	return false;
}

void
reporter_start(struct reporter *r, const struct settings *s,
    const struct tls_log *log, struct tls_client *trusting, int64_t now)
{
	pid_t parent = getpid();
	int pair[2];

	if (r->pid != 0 || now < r->next || s->tlsrpt_from[0] == '\0' ||
	    !any_due(log, s->hostname, now))
		return;
	r->next = now + RETRY_WAIT;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return;
	if ((r->pid = fork()) == 0)
		_exit(reporter_main(pair[1], parent, s, log, trusting, now));
	close(pair[1]);
	r->fd = pair[0];
	if (r->pid == -1) {
		r->pid = 0;
		close(r->fd);
	}
}

void
reporter_stop(struct reporter *r)
{
	if (r->pid == 0)
		return;
	kill(r->pid, SIGKILL);
	close(r->fd);
	while (waitpid(r->pid, NULL, 0) == -1 && errno == EINTR)
		;
	r->pid = 0;
}

/* ---- what it says ---- */

/* Those addresses of a list that one may be sent to, and that are of this host,
 * or not: added to the envelope and to the text of a To field. */
static int
take_addresses(const struct settings *s, struct envelope *e, struct buf *to,
    char *list, bool local)
{
	char *one, *save = NULL;
	struct address a;

	for (one = strtok_r(list, " ", &save); one != NULL;
	    one = strtok_r(NULL, " ", &save)) {
		if (address_parse(&a, one, strlen(one), NULL) != 1 ||
		    a.domain[0] == '\0' || settings_is_local(s, a.domain,
		    strlen(a.domain)) != local)
			continue;
		if (envelope_add(e, &a) == -1)
			return -1;
		buf_addf(to, "%s<%s>", to->len == 0 ? "" : ",\n ", one);
	}
	return buf_failed(to) ? -1 : 0;
}

static int
put_mail(const struct spool *spool, struct envelope *e, const struct buf *b,
    bool local, char *id)
{
	struct spool_put put;

	if (spool_put_begin(&put, spool, local ? SPOOL_LOCAL : SPOOL_REMOTE, e,
	    (uid_t)-1) == -1)
		return -1;
	if (spool_put_write(&put, b->data, b->len) == -1) {
		spool_put_abort(&put);
		return -1;
	}
	if (spool_put_end(&put) == -1)
		return -1;
	strlcpy(id, put.file.id, SPOOL_ID_MAX);
	return 0;
}

/* Compose a report and put it into the spool, for those addresses that are of
 * this host or not: each has a spool of its own.  1; 0 there are none; -1. */
static int
send_mail(const struct settings *s, const struct spool *spool,
    const struct tls_log *log, const struct tls_report *r, char *list,
    bool local)
{
	struct buf json, gzip, mail, to;
	char id[SPOOL_ID_MAX];
	struct envelope e;
	int result = -1;

	buf_init(&json, MAIL_MAX);
	buf_init(&gzip, MAIL_MAX);
	buf_init(&mail, 2 * MAIL_MAX);
	buf_init(&to, 65536);
	envelope_init(&e);
	e.arrived = time(NULL);
	e.own = 1;
	if (address_parse(&e.sender, r->contact, strlen(r->contact), NULL) !=
	    1 || take_addresses(s, &e, &to, list, local) == -1)
		result = -1;
	else if (e.nrcpts == 0)
		result = 0;
	else if (tls_report_json(&json, log, r) == 0 &&
	    gzip_add(&gzip, json.data, json.len) == 0 &&
	    tls_report_mail(&mail, r, buf_str(&to), &gzip, e.arrived) == 0 &&
	    put_mail(spool, &e, &mail, local, id) == 0)
		result = 1;
	if (result == 1)
		log_info("tls-report", "domain=%s day=%lld id=%s",
		    log_str(r->domain), (long long)r->day, id);
	envelope_free(&e);
	buf_free(&json);
	buf_free(&gzip);
	buf_free(&mail);
	buf_free(&to);
	return result;
}

/* To all of them: 0, or -1 to none. */
static int
send_mails(const struct settings *s, const struct spool *spool,
    const struct tls_log *log, const struct tls_report *r,
    const struct reporter_answer *a)
{
	char list[sizeof(a->to)];
	int sent[2], i;

	for (i = 0; i < 2; i++) {
		strlcpy(list, a->to, sizeof(list));
		sent[i] = send_mail(s, spool, log, r, list, i == 1);
	}
	return sent[0] == 1 || sent[1] == 1 || (sent[0] == 0 &&
	    sent[1] == 0) ? 0 : -1;
}

static bool
is_known(const struct tls_log *log, const struct reporter_answer *a,
    const char *hostname, int64_t now)
{
	size_t i;

	for (i = 0; i < log->n; i++)
		if (log->v[i].day == a->day &&
		    strcasecmp(log->v[i].domain, a->domain) == 0 &&
		    reporter_is_due(&log->v[i], hostname, now))
			return true;
	return false;
}

static void
take_answer(const struct settings *s, const struct spool *spool,
    struct tls_log *log, struct reporter_answer *a)
{
	struct tls_report r;

	a->domain[sizeof(a->domain) - 1] = '\0';
	a->to[sizeof(a->to) - 1] = '\0';
	if (!is_known(log, a, s->hostname, time(NULL)))
		return;
	reporter_name(&r, s, a->day, a->domain);
	if (a->to[0] != '\0' && send_mails(s, spool, log, &r, a) == -1) {
		log_warn("tls-report", "domain=%s error=%s",
		    log_str(a->domain), log_str(strerror(errno)));
		return;
	}
	if (a->posted)
		log_info("tls-report", "domain=%s day=%lld posted=yes",
		    log_str(a->domain), (long long)a->day);
	tls_log_drop(log, a->day, a->domain);
}

void
reporter_collect(struct reporter *r, const struct settings *s,
    const struct spool *spool, struct tls_log *log, bool wait)
{
	struct reporter_answer a;
	ssize_t n;

	while (r->pid != 0) {
		n = recv(r->fd, &a, sizeof(a), wait ? 0 : MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n == (ssize_t)sizeof(a))
			take_answer(s, spool, log, &a);
		else
			reporter_stop(r);
	}
}
