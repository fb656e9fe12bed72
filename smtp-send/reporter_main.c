/* SPDX-License-Identifier: ISC
 *
 * The process that finds out who wants a report, and posts those that go by
 * HTTPS.  It has no file and no message open.
 */
#include <sys/prctl.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "grammar/tlsrpt.h"
#include "mail/resolver.h"
#include "reporter_local.h"
#include "system/fdio.h"
#include "system/gzip.h"
#include "system/https.h"
#include "system/sandbox.h"

#define LIFE		(30 * 60)	/* seconds */
#define POST_TIMEOUT	(30 * 1000)	/* ms */
#define POSTS_MAX	2		/* URIs of a domain that are tried: it
					 * must not use up the LIFE of all */
#define HTTPS_PORT	443
#define POST_MAX	(16u << 20)	/* octets */
#define ADDRS_MAX	8

struct posting {
	const struct settings *settings;
	const struct tls_log *log;
	struct tls_client *trusting;
	struct dns	*dns;
};

/* ---- HTTPS ---- */

/* "host[:port]" of a URI, and the path behind it. */
static int
split_uri(const struct report_uri *u, char *host, size_t size,
    unsigned short *port, char *path, size_t npath)
{
	const char *colon = memchr(u->where, ':', u->nwhere);
	const char *end = u->uri + u->len, *rest = u->where + u->nwhere;
	size_t n = colon == NULL ? u->nwhere : (size_t)(colon - u->where);
	char digits[8] = "443";

	if (n == 0 || n >= size || *u->where == '[')
		return -1;
	memcpy(host, u->where, n);
	host[n] = '\0';
	if (colon != NULL && (size_t)snprintf(digits, sizeof(digits), "%.*s",
	    (int)(u->nwhere - n - 1), colon + 1) >= sizeof(digits))
		return -1;
	*port = (unsigned short)strtonum(digits, 1, 65535, NULL);
	if (*port == 0 || (size_t)snprintf(path, npath, "%s%.*s",
	    rest < end && *rest == '/' ? "" : "/", (int)(end - rest), rest) >=
	    npath)
		return -1;
	return 0;
}

/* Its addresses.  A stranger's record does not lead us to hosts that only we
 * can reach: but where policies come from another port than all the world's,
 * everything is in one place, to be tried. */
static size_t
find_addrs(const struct posting *p, const char *host, struct dns_addr *to)
{
	bool all = p->settings->https_port != HTTPS_PORT;
	static const enum dns_type types[] = { DNS_AAAA, DNS_A };
	const struct dns_answer *a;
	struct dns_query *q;
	size_t i, k, n = 0;

	for (i = 0; i < 2; i++) {
		if ((q = dns_lookup(p->dns, types[i], host)) == NULL)
			continue;
		a = dns_result(q);
		for (k = 0; k < a->n && n < ADDRS_MAX / 2 * (i + 1); k++)
			if (all || !dns_addr_is_private(&a->rr[k].addr))
				to[n++] = a->rr[k].addr;
		dns_query_free(q);
	}
	return n;
}

/* RFC 8460. */
static int
post(const struct posting *p, const struct report_uri *u,
    const struct buf *gzip)
{
	char host[256], path[1024];
	struct dns_addr addrs[ADDRS_MAX];
	struct https_request q = { .host = host, .path = path,
	    .addrs = addrs, .timeout = POST_TIMEOUT, .post = gzip->data,
	    .npost = gzip->len, .type = "application/tlsrpt+gzip" };
	struct https_answer a;
	int r;

	if (p->trusting == NULL || split_uri(u, host, sizeof(host), &q.port,
	    path, sizeof(path)) == -1 ||
	    (q.naddrs = find_addrs(p, host, addrs)) == 0)
		return -1;
	r = https_get(p->trusting, &q, &a) == HTTPS_OK ? 0 : -1;
	https_free(&a);
	return r;
}

/* ---- who wants it ---- */

/* An address of a URI, its %XX decoded, behind those that are there. */
static void
add_address(char *to, size_t size, const struct report_uri *u)
{
	char one[256], hex[3] = "";
	size_t i, n = 0;

	for (i = 0; i < u->nwhere && n + 1 < sizeof(one); i++)
		if (u->where[i] == '%' && i + 2 < u->nwhere) {
			memcpy(hex, u->where + i + 1, 2);
			one[n++] = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else
			one[n++] = u->where[i];
	one[n] = '\0';
	if (i < u->nwhere || strpbrk(one, " \n\r\t<>,") != NULL ||
	    strlen(to) + n + 2 > size)
		return;
	if (*to != '\0')
		strlcat(to, " ", size);
	strlcat(to, one, size);
}

/* The one record of the answer: 1, 0 there is not exactly one. */
static int
find_record(const struct dns_answer *a, struct tlsrpt *record)
{
	struct tlsrpt one;
	size_t i, n = 0;
	int good = 0;

	for (i = 0; i < a->n; i++)
		switch (tlsrpt_record(&one, (const char *)a->rr[i].data,
		    a->rr[i].len)) {
		case 1:
			*record = one;
			good = 1;
			n++;
			break;
		case -1:
			n++;
			break;
		}
	return n == 1 && good;
}

/* Send it to all who are named.  1 it is settled; 0 to be tried again. */
static int
serve(const struct posting *p, const struct tlsrpt *record,
    struct reporter_answer *a)
{
	struct buf json, gzip;
	struct tls_report r;
	size_t i, failed = 0, posts = 0;

	buf_init(&json, POST_MAX);
	buf_init(&gzip, POST_MAX);
	reporter_name(&r, p->settings, a->day, a->domain);
	if (tls_report_json(&json, p->log, &r) == -1 ||
	    gzip_add(&gzip, json.data, json.len) == -1)
		failed++;
	/* An address that fails keeps no other one from it. */
	for (i = 0; i < record->nrua && gzip.len > 0; i++)
		switch (record->rua[i].scheme) {
		case REPORT_MAILTO:
			add_address(a->to, sizeof(a->to), &record->rua[i]);
			break;
		case REPORT_HTTPS:
			if (posts++ >= POSTS_MAX)
				break;
			if (post(p, &record->rua[i], &gzip) == 0)
				a->posted = 1;
			else
				failed++;
			break;
		case REPORT_OTHER:
			break;
		}
	buf_free(&json);
	buf_free(&gzip);
	return failed == 0 || a->posted || a->to[0] != '\0';
}

static int
settle(const struct posting *p, struct reporter_answer *a)
{
	char name[DNS_NAME_MAX];
	struct dns_query *q;
	const struct dns_answer *d;
	struct tlsrpt record = { 0 };
	int r = 1;

	if ((size_t)snprintf(name, sizeof(name), "_smtp._tls.%s", a->domain) >=
	    sizeof(name))
		return 1;
	if ((q = dns_lookup(p->dns, DNS_TXT, name)) == NULL)
		return 0;
	d = dns_result(q);
	if (d->status == DNS_TEMPORARY || d->status == DNS_BOGUS)
		r = 0;
	else if (find_record(d, &record))
		r = serve(p, &record, a);
	dns_query_free(q);
	return r;
}

/* ---- the process ---- */

/* Is it the first policy of its domain and day? */
static bool
is_first(const struct tls_log *log, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (log->v[k].day == log->v[i].day &&
		    strcasecmp(log->v[k].domain, log->v[i].domain) == 0)
			return false;
	return true;
}

int
reporter_main(int up, pid_t parent, const struct settings *s,
    const struct tls_log *log, struct tls_client *trusting, int64_t now)
{
	struct posting p = { .settings = s, .log = log,
	    .trusting = trusting };
	struct reporter_answer a;
	char error[CONF_ERROR_MAX];
	size_t i, k, first;

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	alarm(LIFE);
	/* The locks of messages must not live on in it. */
	if (up > STDERR_FILENO + 1)
		(void)close_range(STDERR_FILENO + 1, (unsigned)up - 1, 0);
	(void)close_range((unsigned)up + 1, ~0u, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent ||
	    (p.dns = resolver_open(s, NULL, error)) == NULL ||
	    sandbox_client() == -1)
		return EX_TEMPFAIL;
	/* Not always in one order: what takes long would keep the same ones
	 * behind it. */
	first = log->n == 0 ? 0 : arc4random_uniform((uint32_t)log->n);
	for (k = 0; k < log->n; k++) {
		i = (first + k) % log->n;
		if (!reporter_is_due(&log->v[i], s->hostname, now) ||
		    !is_first(log, i))
			continue;
		memset(&a, 0, sizeof(a));
		a.day = log->v[i].day;
		strlcpy(a.domain, log->v[i].domain, sizeof(a.domain));
		if (settle(&p, &a) && fd_send(up, &a, sizeof(a), -1) == -1)
			break;
	}
	dns_free(p.dns);
	return 0;
}
