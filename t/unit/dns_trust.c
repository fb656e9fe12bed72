/* SPDX-License-Identifier: ISC
 *
 * Proves of the DNS engine: whose word about DNSSEC counts; when a failure is
 * one of validation; that a validator can hold an answer.
 */
#include "dns_peer.h"

/* ---- trust ---- */

static void
test_trust(void)
{
	static const struct {
		const char	*options;
		int		 ad, asks, security;
	} rows[] = {
		{ "", 1, 0, DNS_INDETERMINATE },
		{ "options edns0 trust-ad", 1, 1, DNS_SECURE },
		{ "options trust-ad", 0, 1, DNS_INSECURE },
		{ "options trust-adx", 1, 0, DNS_INDETERMINATE }
	};
	char path[] = "/tmp/stdmail-resolv.XXXXXX";
	struct server s;
	struct dns_query *r;
	struct dns *dns;
	struct asked q;
	size_t i;
	FILE *f;

	close(mkstemp(path));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dns = engine(&s, 1000, 1);
		f = fopen(path, "w");
		fprintf(f, "nameserver 127.0.0.1@%u\nsearch test\n%s\n",
		    s.port, rows[i].options);
		fclose(f);
		dns_read_resolvconf(dns, path);
		ask(dns, "trust");
		ok(next(&s, &q) && strcmp(q.name, "trust") == 0,
		    "no search list: %s", q.name);
		is_int((q.p[3] & 0x20) != 0, rows[i].asks, "AD is asked for");
		answer(&s, &q, rows[i].ad ? 0x20 : 0, 1, 60, -1);
		r = dns_wait(dns, 1000);
		is_int(r == NULL ? -1 : (int)dns_result(r)->security,
		    rows[i].security, rows[i].options);
		dns_query_free(r);
		end(dns, &s);
	}
	unlink(path);
}

/*
 * SERVFAIL, and what becomes of it.  Each word is a reply of the resolver: "f"
 * SERVFAIL, "a" an address, "n" no such name, "-" none at all, a number
 * SERVFAIL with that extended error; with "+" the question before it must be an
 * unchecked one.
 */
static const struct {
	const char	*name, *replies;
	int		 trusted, st;
	const char	*why;
} failures[] = {
	{ "bogus.test", "f +a f", 1, DNS_BOGUS, "validation failed" },
	{ "nxbogus.test", "f +n f", 1, DNS_BOGUS, "validation failed" },
	{ "passing.test", "f +a a", 1, DNS_FOUND, "" },
	{ "gone.test", "f +a n", 1, DNS_NXDOMAIN, "" },
	{ "dead.test", "f +f", 1, DNS_TEMPORARY, "SERVFAIL" },
	{ "silent.test", "f +-", 1, DNS_TEMPORARY, "SERVFAIL" },
	{ "silence.test", "f +a -", 1, DNS_TEMPORARY, "SERVFAIL" },
	{ "other.test", "f", 0, DNS_TEMPORARY, "SERVFAIL" },
	{ "said.test", "6", 1, DNS_BOGUS, "SERVFAIL" },
	{ "noproof.test", "12", 1, DNS_BOGUS, "SERVFAIL" },
	{ "more.test", "f +a 7", 1, DNS_BOGUS, "SERVFAIL" },
	{ "stale.test", "3 +a f", 1, DNS_BOGUS, "validation failed" },
	{ "far.test", "22", 1, DNS_TEMPORARY,
	    "SERVFAIL, its servers are silent" },
	{ "net.test", "23", 1, DNS_TEMPORARY,
	    "SERVFAIL, its servers are silent" }
};

/* One question must have come, unchecked or not. */
static void
one_reply(struct dns *dns, struct server *s, const char *word, size_t len)
{
	int unchecked = *word == '+';
	struct asked q;

	if (unchecked) {
		word++;
		len--;
	}
	ok(next(s, &q) && ((q.p[3] & 0x10) != 0) == unchecked,
	    unchecked ? "unchecked" : "to be checked");
	if (*word == 'f')
		answer(s, &q, SERVFAIL, 0, 0, -1);
	else if (*word == 'a')
		answer(s, &q, 0, 1, 60, -1);
	else if (*word == 'n')
		answer(s, &q, NXDOMAIN, 0, 0, 60);
	else if (*word != '-')
		explain(s, &q, SERVFAIL, atoi(word));
	if (word[len] != '\0')
		is_int(status(dns, 30), -1, "that is not all");
}

static void
test_bogus(void)
{
	const struct dns_answer *a;
	struct dns_query *r;
	struct dns *dns;
	struct server s;
	struct asked q;
	const char *p;
	size_t i, len;

	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		dns = engine(&s, 150, 1);
		dns_set_trusted(dns, failures[i].trusted);
		ask(dns, failures[i].name);
		for (p = failures[i].replies; *p != '\0'; p += len) {
			p += *p == ' ';
			len = strcspn(p, " ");
			one_reply(dns, &s, p, len);
		}
		r = dns_wait(dns, 2000);
		a = r == NULL ? NULL : dns_result(r);
		is_int(a == NULL ? -1 : (int)a->status, failures[i].st,
		    failures[i].name);
		is_str(a == NULL ? NULL : a->why, failures[i].why,
		    failures[i].replies);
		dns_query_free(r);
		ok(!next(&s, &q), "nothing more is asked");
		ask(dns, failures[i].name);
		is_int(status(dns, 0), failures[i].st, "it is kept");
		end(dns, &s);
	}
}

static struct {
	struct dns_job	*job;
	enum dns_status	 st;
	int		 forgotten;
	size_t		 len, raw;
} held;

static void
proof_done(struct dns_query *q)
{
	held.raw = q->reply->len;
	dns_query_free(q);
	if (held.job != NULL)
		dns_job_checked(held.job, held.st, DNS_SECURE, "no proof");
	held.job = NULL;
}

static int
hold(struct dns_job *job, const uint8_t *p, size_t n)
{
	held.job = job;
	held.len = p[2] & 0x80 ? n : 0;
	return dns_query_raw(job->dns, 48, "test", proof_done, NULL) != NULL;
}

static void
forget(struct dns_job *job)
{
	held.forgotten = held.job == job;
	held.job = NULL;
}

static void
test_validator(void)
{
	static const enum dns_status st[] = { DNS_FOUND, DNS_BOGUS };
	struct server s;
	struct dns *dns = engine(&s, 1000, 1);
	struct dns_query *r;
	struct asked q;
	size_t i;

	dns->check = hold;
	dns->forget = forget;
	for (i = 0; i < 2; i++) {
		held.st = st[i];
		ask(dns, i == 0 ? "good.test" : "bad.test");
		ok(next(&s, &q) && (q.p[3] & 0x10) != 0 &&
		    (q.p[q.n - 4] & 0x80) != 0, "asked with CD and DO");
		found(&s, &q);
		is_int(status(dns, 50), -1, "the answer is held");
		ok(held.len > 0, "the validator has it");
		ok(next(&s, &q) && q.type == 48, "it asks for a key");
		found(&s, &q);
		r = dns_wait(dns, 1000);
		is_int(r == NULL ? -1 : (int)dns_result(r)->status, st[i],
		    "then it counts");
		is_int(r == NULL ? -1 : (int)dns_result(r)->security, i == 0 ?
		    DNS_SECURE : DNS_INDETERMINATE, "as he said");
		ok(held.raw > 0, "the key was a whole packet");
		dns_query_free(r);
	}
	r = dns_submit(dns, DNS_A, "forgotten.test", NULL);
	next(&s, &q);
	found(&s, &q);
	is_int(status(dns, 50), -1, "held once more");
	dns_query_free(r);
	is_int(held.forgotten, 1, "nobody wants it: the validator hears it");
	end(dns, &s);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_trust();
	test_bogus();
	test_validator();
	return done();
}
