/* SPDX-License-Identifier: ISC
 *
 * The agent's files about TLS.  A crash loses some seconds of them, and no
 * mail.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "grammar/idna.h"
#include "keeper.h"
#include "reporter.h"
#include "sts_cache.h"
#include "system/log.h"
#include "tls_log.h"

#define WRITE_WAIT	10	/* seconds between two writes */
#define JSON_MAX	(16u << 20)

struct keeper {
	const struct settings *settings;
	const struct spool *spool;
	struct tls_client *trusting;
	struct sts_cache *sts;
	struct tls_log	 log;
	struct reporter	 reporter;
	int64_t		 written;
};

struct keeper *
keeper_open(const struct settings *s, const struct spool *spool,
    struct tls_client *trusting)
{
	struct keeper *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return NULL;
	k->settings = s;
	k->spool = spool;
	k->trusting = trusting;
	if ((k->sts = sts_cache_open(s->spool)) != NULL &&
	    tls_log_open(&k->log, s->spool) == 0)
		return k;
	sts_cache_free(k->sts);
	free(k);
	return NULL;
}

static void
write_files(struct keeper *k, int64_t now)
{
	k->written = now;
	tls_log_expire(&k->log, now);
	if (sts_cache_write(k->sts, now) == -1)
		log_warn("sts", "error=%s", log_str(strerror(errno)));
	if (tls_log_write(&k->log) == -1)
		log_warn("tls-log", "error=%s", log_str(strerror(errno)));
}

void
keeper_close(struct keeper *k, bool hurry)
{
	if (k == NULL)
		return;
	if (!hurry)
		reporter_collect(&k->reporter, k->settings, k->spool, &k->log,
		    true);
	reporter_stop(&k->reporter);
	write_files(k, time(NULL));
	tls_log_free(&k->log);
	sts_cache_free(k->sts);
	free(k);
}

static void
keep_sts(struct keeper *k, const struct sts_record *r)
{
	sts_cache_put(k->sts, r);
	log_info("sts", "domain=%s mode=%s id=%s failed=%s",
	    log_str(r->domain), r->fetched == 0 ? "-" :
	    mta_sts_mode_name((enum mta_sts_mode)r->mode), log_str(r->id),
	    r->failed != 0 ? "yes" : "no");
}

void
keeper_news(void *arg, const struct news *n)
{
	struct keeper *k = arg;

	switch (n->type) {
	case NEWS_STS:
		keep_sts(k, &n->u.sts);
		break;
	case NEWS_TLS:
		tls_log_note(&k->log, &n->u.tls, time(NULL));
		break;
	}
}

const struct sts_record *
keeper_sts(const struct keeper *k, const char *domain)
{
	char ascii[IDNA_MAX];

	if (idna_ascii(ascii, domain, strlen(domain)) == -1)
		return NULL;
	return sts_cache_get(k->sts, ascii);
}

void
keeper_tick(struct keeper *k)
{
	int64_t now = time(NULL);

	reporter_collect(&k->reporter, k->settings, k->spool, &k->log, false);
	reporter_start(&k->reporter, k->settings, &k->log, k->trusting, now);
	if (now < k->written || now - k->written >= WRITE_WAIT)
		write_files(k, now);
}

bool
keeper_is_busy(const struct keeper *k)
{
	return k->reporter.pid != 0;
}

/* ---- for people ---- */

int
keeper_print(const struct settings *s)
{
	const struct tls_policy *p;
	struct tls_report r;
	struct tls_log log;
	struct buf b;
	size_t i, k;

	if (tls_log_open(&log, s->spool) == -1)
		return EX_TEMPFAIL;
	buf_init(&b, JSON_MAX);
	for (i = 0; i < log.n; i++) {
		p = &log.v[i];
		for (k = 0; k < i; k++)
			if (log.v[k].day == p->day &&
			    strcmp(log.v[k].domain, p->domain) == 0)
				break;
		if (k < i)
			continue;
		reporter_name(&r, s, p->day, p->domain);
		buf_reset(&b);
		if (tls_report_json(&b, &log, &r) == 0)
			fwrite(b.data, 1, b.len, stdout);
	}
	buf_free(&b);
	tls_log_free(&log);
	return fflush(stdout) == 0 ? 0 : EX_IOERR;
}
