/* SPDX-License-Identifier: ISC
 *
 * Proves of what smtp-send keeps of TLS: policies and results come back from
 * their files as they were, whatever else is in these; both are bounded; what
 * is over is forgotten; and nothing is believed that makes no sense.
 */
#include <sys/stat.h>

#include <stdlib.h>
#include <unistd.h>

#include "../../smtp-send/sts_cache.h"
#include "../../smtp-send/tls_log.h"
#include "tap.h"

#define NOW	1800000000

static char dir[] = "/tmp/stdmail-keeper.XXXXXX";

static void
append(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/remote/tls/%s", dir, name);
	if ((f = fopen(path, "a")) == NULL || fputs(text, f) == EOF ||
	    fclose(f) == EOF)
		exit(1);
}

static struct sts_record
record(unsigned i)
{
	struct sts_record r = { .fetched = NOW - 100 + (int)(i % 50),
	    .max_age = 86400, .mode = MTA_STS_ENFORCE };

	snprintf(r.domain, sizeof(r.domain), "d%u.test", i);
	strlcpy(r.id, "n1", sizeof(r.id));
	strlcpy(r.patterns, "mx.a.test *.b.test", sizeof(r.patterns));
	return r;
}

static void
test_policies(void)
{
	struct sts_cache *c = sts_cache_open(dir);
	const struct sts_record *r;
	struct sts_record one;
	unsigned i, n = 0;

	ok(sts_cache_get(c, "d1.test") == NULL, "at first nothing is known");
	for (i = 0; i < 3; i++) {
		one = record(i);
		sts_cache_put(c, &one);
	}
	one = record(2);
	one.max_age = 10;	/* over */
	sts_cache_put(c, &one);
	is_int(sts_cache_write(c, NOW), 0, "written");
	sts_cache_free(c);
	append("policies", "x.test n1 soon 1 enforce mx\nd1.test n9 1 1 none\n"
	    "y.test n1 1799999999 86400 enforced mx\nz.test n1 17999");
	c = sts_cache_open(dir);
	r = sts_cache_get(c, "D1.TEST");
	one = record(1);
	ok(r != NULL && memcmp(r, &one, sizeof(one)) == 0,
	    "one comes back as it was, in any letter case");
	ok(sts_cache_get(c, "d2.test") == NULL, "what is over does not");
	ok(sts_cache_get(c, "x.test") == NULL &&
	    sts_cache_get(c, "y.test") == NULL &&
	    sts_cache_get(c, "z.test") == NULL, "nor what is malformed");
	for (i = 0; i < STS_CACHE_MAX + 100; i++) {
		one = record(i);
		sts_cache_put(c, &one);
	}
	for (i = 0; i < STS_CACHE_MAX + 100; i++)
		n += sts_cache_get(c, record(i).domain) != NULL;
	is_int(n, STS_CACHE_MAX, "no more are kept than may be");
	for (i = 0, n = 0; i < 10; i++) {
		one = record(STS_CACHE_MAX + 200 + i);
		one.fetched = 0;
		one.failed = NOW;
		sts_cache_put(c, &one);
	}
	for (i = 0; i < STS_CACHE_MAX + 100; i++)
		n += sts_cache_get(c, record(i).domain) != NULL;
	r = sts_cache_get(c, record(STS_CACHE_MAX + 200).domain);
	ok(n == STS_CACHE_MAX && r == NULL,
	    "and none makes room for what is no policy");
	sts_cache_free(c);
}

static struct tls_note
note(const char *domain, enum tls_result result, unsigned i)
{
	struct tls_note n = { .type = POLICY_TYPE_STS, .result = result };

	strlcpy(n.domain, domain, sizeof(n.domain));
	strlcpy(n.policy, "version: STSv1\nmx: mx.a.test", sizeof(n.policy));
	snprintf(n.mx, sizeof(n.mx), "mx%u.a.test", i);
	strlcpy(n.why, "some \"words\" of it", sizeof(n.why));
	return n;
}

static void
json_of(struct buf *b, const struct tls_log *log, const char *domain)
{
	struct tls_report r = { .day = NOW / DAY, .domain = domain,
	    .contact = "x@b.test", .submitter = "b.test" };

	tls_report_id(&r);
	buf_reset(b);
	tls_report_json(b, log, &r);
}

static void
test_results(void)
{
	struct tls_log log;
	struct tls_note n;
	struct buf was, is;
	unsigned i;

	buf_init(&was, 1u << 20);
	buf_init(&is, 1u << 20);
	is_int(tls_log_open(&log, dir), 0, "opened");
	for (i = 0; i < 3; i++) {
		n = note("a.test", TLS_RESULT_GOOD, i);
		tls_log_note(&log, &n, NOW);
	}
	n = note("a.test", TLS_RESULT_EXPIRED, 1);
	tls_log_note(&log, &n, NOW);
	tls_log_note(&log, &n, NOW);
	for (i = 0; i < TLS_LOG_FAILURES + 20; i++) {
		n = note("b.test", TLS_RESULT_STARTTLS, i);
		tls_log_note(&log, &n, NOW);
	}
	is_int((long long)log.v[0].n, 1, "the same failure is counted once");
	is_int((long long)log.v[1].n, TLS_LOG_FAILURES, "few kinds are kept");
	is_int((long long)log.v[1].bad, TLS_LOG_FAILURES + 20,
	    "and all are counted");
	json_of(&was, &log, "a.test");
	ok(strstr(buf_str(&was), "\"total-successful-session-count\":3,"
	    "\"total-failure-session-count\":2}") != NULL &&
	    strstr(buf_str(&was), "\"failure-reason-code\":\"some \\\"words\\\""
	    " of it\"") != NULL && strstr(buf_str(&was),
	    "\"mx-host\":[\"mx.a.test\"]") != NULL, "as JSON");
	is_int(tls_log_write(&log), 0, "written");
	tls_log_free(&log);
	append("results", "policy 99999999999999999999 c.test sts 1 0\n"
	    "policy -1 c.test sts 1 0\n");
	append("results", "fail nonsense 1 - - -\npolicy 1 x.test odd 1 1\n"
	    "policy 1 y.test sts 1\nfail certificate-expired");
	tls_log_open(&log, dir);
	json_of(&is, &log, "a.test");
	is_mem(is.data, is.len, was.data, was.len, "comes back as it was");
	is_int((long long)log.n, 2, "and nothing else");
	tls_log_expire(&log, NOW + (int64_t)TLS_LOG_DAYS * DAY);
	is_int((long long)log.n, 2, "kept for some days");
	tls_log_drop(&log, NOW / DAY, "A.test");
	is_int((long long)log.n, 1, "until it is reported");
	tls_log_expire(&log, NOW + (int64_t)(TLS_LOG_DAYS + 1) * DAY);
	is_int((long long)log.n, 0, "and no longer");
	for (i = 0; i < TLS_LOG_MAX + 10; i++) {
		n = note("a.test", TLS_RESULT_GOOD, 0);
		snprintf(n.domain, sizeof(n.domain), "d%u.test", i);
		tls_log_note(&log, &n, NOW);
	}
	is_int((long long)log.n, TLS_LOG_MAX, "bounded");
	for (i = 0; i < TLS_LOG_MAX * TLS_LOG_FAILURES; i++) {
		n = note("a.test", TLS_RESULT_STARTTLS, i);
		memset(n.mx, 'm', sizeof(n.mx) - 1);
		memset(n.why, 'w', sizeof(n.why) - 1);
		memset(n.policy, 'p', sizeof(n.policy) - 1);
		snprintf(n.from, sizeof(n.from), "%u", i);
		snprintf(n.domain, sizeof(n.domain), "d%u.test",
		    i / TLS_LOG_FAILURES);
		tls_log_note(&log, &n, NOW);
	}
	is_int(tls_log_write(&log), 0, "however much is told, it is written");
	tls_log_free(&log);
	buf_free(&was);
	buf_free(&is);
}

static void
test_tidy(void)
{
	struct news n = { .type = NEWS_TLS };

	n.u.tls = note("a.test", TLS_RESULT_GOOD, 1);
	memset(n.u.tls.why, '\n', sizeof(n.u.tls.why));
	is_int(news_tidy(&n, "A.test", NOW), 0, "a note");
	ok(strspn(n.u.tls.why, "?") == sizeof(n.u.tls.why) - 1,
	    "is ended, and one line");
	strlcpy(n.u.tls.mx, "mx a.test 1", sizeof(n.u.tls.mx));
	strlcpy(n.u.tls.to, "-", sizeof(n.u.tls.to));
	is_int(news_tidy(&n, "a.test", NOW), 0, "another");
	is_str(n.u.tls.mx, "mx?a.test?1", "has words where words stand");
	is_str(n.u.tls.to, "", "or none");
	is_int(news_tidy(&n, "b.test", NOW), -1, "of another domain");
	n.u.tls.result = TLS_RESULTS;
	is_int(news_tidy(&n, "A.test", NOW), -1, "an unknown result");
	n.u.tls = note("a.test\npolicy", TLS_RESULT_GOOD, 1);
	is_int(news_tidy(&n, "A.test", NOW), -1, "a domain with a line end");
	n.u.tls = note("../a", TLS_RESULT_GOOD, 1);
	is_int(news_tidy(&n, "A.test", NOW), -1, "or a slash");
	n.type = NEWS_STS;
	n.u.sts = record(1);
	n.u.sts.fetched = NOW + 5;
	is_int(news_tidy(&n, "d1.test", NOW), 0, "a policy");
	is_int(n.u.sts.fetched, NOW, "was not fetched tomorrow");
	is_int(news_tidy(&n, "d2.test", NOW), -1, "of another domain");
	is_int(news_tidy(&n, "=d1.test", NOW), -1, "of a host");
	n.u.sts = record(1);
	is_int(news_tidy(&n, NULL, 0), 0, "but in the file all are");
	n.u.sts.mode = MTA_STS_ENFORCE + 1;
	is_int(news_tidy(&n, "d1.test", NOW), -1, "an unknown mode");
	n.u.sts = record(1);
	n.u.sts.max_age = MTA_STS_AGE_MAX + 1;
	is_int(news_tidy(&n, "d1.test", NOW), -1, "for too long");
	n.type = 7;
	is_int(news_tidy(&n, "A.test", NOW), -1, "an unknown kind");
}

int
main(void)
{
	char path[128], cmd[160];

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/remote", dir);
	mkdir(path, 0700);
	strlcat(path, "/tls", sizeof(path));
	mkdir(path, 0700);
	test_policies();
	test_results();
	test_tidy();
	snprintf(cmd, sizeof(cmd), "%s/policies", path);
	unlink(cmd);
	snprintf(cmd, sizeof(cmd), "%s/results", path);
	unlink(cmd);
	rmdir(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(dir);
	return done();
}
