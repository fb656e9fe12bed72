/* SPDX-License-Identifier: ISC
 *
 * The agent's files about TLS.  A crash loses some seconds of them, and no mail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "grammar/idna.h"
#include "keeper.h"
#include "sts_cache.h"
#include "system/log.h"

#define WRITE_WAIT	10	/* seconds between two writes */

struct keeper {
	const struct settings *settings;
	struct sts_cache *sts;
	int64_t		 written;
};

struct keeper *
keeper_open(const struct settings *s)
{
	struct keeper *k;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return NULL;
	k->settings = s;
	if ((k->sts = sts_cache_open(s->spool)) == NULL) {
		free(k);
		return NULL;
	}
	return k;
}

static void
write_files(struct keeper *k, int64_t now)
{
	k->written = now;
	if (sts_cache_write(k->sts, now) == -1)
		log_warn("sts", "error=%s", log_str(strerror(errno)));
}

void
keeper_close(struct keeper *k)
{
	if (k == NULL)
		return;
	write_files(k, time(NULL));
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

	if (now < k->written || now - k->written >= WRITE_WAIT)
		write_files(k, now);
}
