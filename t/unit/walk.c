/* SPDX-License-Identifier: ISC
 *
 * Proves of what is found by many questions to the DNS: of SPF (RFC 7208),
 * which faults a record and those that it leads to have, and how many
 * look-ups; of DMARC (RFC 9989), whose record and policy stand for a domain,
 * and what its organizational domain is, and that a failed question is never
 * "none"; of asking, that no question is asked twice, and what those beyond
 * the bounds are answered.
 *
 * The server is a child with the small zone below.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "mail/dmarc.h"
#include "mail/spf_walk.h"
#include "tap.h"

enum { A = 1, CNAME = 5, MX = 15, TXT = 16, FAIL = 0 };

/* A name may stand in several rows.  MX: how many, 10 to 19; FAIL: the server
 * fails. */
static const struct {
	const char	*name;
	int		 type;
	const char	*text;
} zone[] = {
	{ "good.test", TXT, "v=spf1 a -all" },
	{ "good.test", A, "" },
	{ "good.test", TXT, "something else" },
	{ "a.test", A, "" },
	{ "other.test", TXT, "not spf" },
	{ "soft.test", TXT, "v=spf1 redirect=end.test" },
	{ "end.test", TXT, "v=spf1 ~all" },
	{ "cname.test", CNAME, "end.test" },
	{ "two.test", TXT, "v=spf1 -all" },
	{ "two.test", TXT, "v=spf1 ~all" },
	{ "intwo.test", TXT, "v=spf1 include:two.test -all" },
	{ "none.test", TXT, "v=spf1 include:nobody.test -all" },
	{ "text.test", TXT, "v=spf1 include:other.test -all" },
	{ "away.test", TXT, "v=spf1 redirect=nobody.test" },
	{ "self.test", TXT, "v=spf1 include:SELF.test -all" },
	{ "ring1.test", TXT, "v=spf1 include:ring2.test -all" },
	{ "ring2.test", TXT, "v=spf1 redirect=ring1.test" },
	{ "twice.test", TXT, "v=spf1 include:end.test include:end.test -all" },
	{ "ten.test", TXT, "v=spf1 a:a.test a:a.test a:a.test a:a.test "
	  "a:a.test a:a.test a:a.test a:a.test a:a.test a:a.test -all" },
	{ "eleven.test", TXT, "v=spf1 include:ten.test -all" },
	{ "behind.test", TXT, "v=spf1 -all include:ten.test a a a" },
	{ "beside.test", TXT, "v=spf1 -all redirect=ten.test" },
	{ "void2.test", TXT, "v=spf1 a:v1.test exists:v2.test -all" },
	{ "void3.test", TXT, "v=spf1 a:v1.test mx:v2.test exists:v3.test "
	  "-all" },
	{ "mx10.test", MX, "10" },
	{ "mx11.test", MX, "11" },
	{ "mx10.test", TXT, "v=spf1 mx -all" },
	{ "mx11.test", TXT, "v=spf1 mx -all" },
	{ "macro.test", TXT, "v=spf1 include:%{d}.x.test -all" },
	{ "ptr.test", TXT, "v=spf1 ptr ?all" },
	{ "bad.test", TXT, "v=spf1 ipv4:192.0.2.1 -all" },
	{ "inbad.test", TXT, "v=spf1 include:bad.test -all" },
	{ "fail.test", FAIL, "" },
	{ "infail.test", TXT, "v=spf1 include:fail.test -all" },
	{ "open.test", TXT, "v=spf1 a:a.test" },
	/* each leads to the next and back to many */
	{ "bomb.test", TXT, "v=spf1 include:b1.test include:b2.test "
	  "include:b3.test include:b4.test include:b5.test -all" },
	{ "b1.test", TXT, "v=spf1 include:b2.test include:b3.test "
	  "include:b4.test include:b5.test -all" },
	{ "b2.test", TXT, "v=spf1 include:b1.test include:b3.test "
	  "include:b4.test include:b5.test -all" },
	{ "b3.test", TXT, "v=spf1 include:b1.test include:b2.test "
	  "include:b4.test include:b5.test -all" },
	{ "b4.test", TXT, "v=spf1 include:b1.test include:b2.test "
	  "include:b3.test include:b5.test -all" },
	{ "b5.test", TXT, "v=spf1 include:b1.test include:b2.test "
	  "include:b3.test include:b4.test -all" },

	{ "_dmarc.org.test", TXT, "v=DMARC1; p=reject; sp=none" },
	{ "_dmarc.sub.org.test", TXT, "v=DMARC1; p=quarantine" },
	{ "_dmarc.several.org.test", TXT, "v=DMARC1; p=none" },
	{ "_dmarc.several.org.test", TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.noise.test", TXT, "v=spf1 -all" },
	{ "_dmarc.noise.test", TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.alias.test", CNAME, "_dmarc.noise.test" },
	{ "_dmarc.psd", TXT, "v=DMARC1; p=reject; psd=y" },
	{ "_dmarc.own.x.psd", TXT, "v=DMARC1; p=none; psd=n" },
	{ "_dmarc.fail.x.psd", FAIL, "" },
	{ "_dmarc.mid.fail.x.psd", TXT, "v=DMARC1; p=none" },
	{ "_dmarc.7.6.5.4.3.2.deep", TXT, "v=DMARC1; p=none; psd=n" },
	{ "_dmarc.9.8.7.6.5.4.3.2.late", TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.8.7.6.5.4.3.2.late", TXT, "v=DMARC1; p=reject" },
	{ "_dmarc.7.6.5.4.3.2.psd7", TXT, "v=DMARC1; p=none; psd=y" },
};

#define ZONE	(sizeof(zone) / sizeof(zone[0]))

static int *questions;		/* that the server was asked */

/* ---- the server ---- */

static size_t
put_name(unsigned char *p, const char *name)
{
	unsigned char *start = p;
	size_t n;

	for (; *name != '\0'; name += n + (name[n] == '.')) {
		n = strcspn(name, ".");
		*p++ = (unsigned char)n;
		memcpy(p, name, n);
		p += n;
	}
	*p++ = 0;
	return (size_t)(p - start);
}

/* Append a record; returns the new end. */
static unsigned char *
record(unsigned char *p, const char *name, int type, const void *data,
    size_t n)
{
	p += put_name(p, name);
	memcpy(p, (unsigned char[]){ 0, (unsigned char)type, 0, 1, 0, 0, 0, 60,
	    (unsigned char)(n >> 8), (unsigned char)n }, 10);
	memcpy(p + 10, data, n);
	return p + 10 + n;
}

static unsigned char *
answer(unsigned char *p, const char *name, int type, unsigned *n, int *rcode)
{
	unsigned char data[512];
	size_t i, len;
	int k, known = 0;

	for (i = 0; i < ZONE; i++) {
		if (strcasecmp(zone[i].name, name) != 0)
			continue;
		known = 1;
		len = strlen(zone[i].text);
		if (zone[i].type == FAIL)
			*rcode = 2;
		else if (zone[i].type == CNAME) {
			++*n;
			p = record(p, name, CNAME, data, put_name(data,
			    zone[i].text));
			return answer(p, zone[i].text, type, n, rcode);
		} else if (zone[i].type != type)
			continue;
		else if (type == MX)
			for (k = zone[i].text[1] - '0' + 10; k > 0; k--, ++*n)
				p = record(p, name, MX, (unsigned char[]){ 0,
				    1, 1, (unsigned char)('a' + k), 0 }, 5);
		else if (type == TXT) {
			data[0] = (unsigned char)len;
			memcpy(data + 1, zone[i].text, len);
			p = record(p, name, TXT, data, len + 1);
			++*n;
		} else {
			p = record(p, name, A, "\300\0\2\1", 4);
			++*n;
		}
	}
	if (!known)
		*rcode = 3;
	return p;
}

static _Noreturn void
serve(int fd)
{
	unsigned char q[8192], *p;
	struct sockaddr_in from;
	char name[300];
	socklen_t len;
	unsigned n;
	size_t at;
	int rcode;

	for (;;) {
		len = sizeof(from);
		if (recvfrom(fd, q, 512, 0, (struct sockaddr *)&from,
		    &len) < 17)
			continue;
		++*questions;
		name[0] = '\0';
		for (at = 12; q[at] != 0; at += q[at] + 1u)
			snprintf(name + strlen(name), sizeof(name) -
			    strlen(name), "%s%.*s", at > 12 ? "." : "", q[at],
			    (char *)q + at + 1);
		n = 0;
		rcode = 0;
		p = answer(q + at + 5, name, q[at + 2], &n, &rcode);
		memcpy(q + 2, "\x81\x80\0\1\0", 5);
		q[3] |= (unsigned char)rcode;
		q[7] = (unsigned char)n;
		memset(q + 8, 0, 4);
		sendto(fd, q, (size_t)(p - q), 0, (struct sockaddr *)&from,
		    len);
	}
}

static pid_t
start_server(char *text, size_t size)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	pid_t pid;

	questions = mmap(NULL, sizeof(*questions), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (questions == MAP_FAILED ||
	    bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		exit(1);
	snprintf(text, size, "127.0.0.1@%u", ntohs(sin.sin_port));
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd);
	}
	close(fd);
	return pid;
}

/* ---- SPF ---- */

static const struct {
	const char	*domain;
	size_t		 records;
	unsigned	 faults, lookups, voids;
	char		 all;
	const char	*where;
} walks[] = {
	{ "good.test", 1, 0, 1, 0, '-', "" },
	{ "nobody.test", 0, 0, 0, 0, '\0', "" },
	{ "other.test", 0, 0, 0, 0, '\0', "" },
	{ "soft.test", 1, 0, 1, 0, '~', "" },
	{ "cname.test", 1, 0, 0, 0, '~', "" },
	{ "two.test", 2, SPF_SEVERAL, 0, 0, '\0', "two.test" },
	{ "intwo.test", 1, SPF_SEVERAL, 1, 0, '-', "two.test" },
	{ "none.test", 1, SPF_NO_TARGET, 1, 1, '-', "none.test" },
	{ "text.test", 1, SPF_NO_TARGET, 1, 0, '-', "text.test" },
	{ "away.test", 1, SPF_NO_TARGET, 1, 1, '\0', "away.test" },
	{ "self.test", 1, SPF_LOOP, 1, 0, '-', "self.test" },
	{ "ring1.test", 1, SPF_LOOP, 2, 0, '-', "ring2.test" },
	{ "twice.test", 1, 0, 2, 0, '-', "" },
	{ "ten.test", 1, 0, 10, 0, '-', "" },
	{ "eleven.test", 1, SPF_TOO_MANY, 11, 0, '-', "eleven.test" },
	{ "behind.test", 1, SPF_DEAD_TERMS, 0, 0, '-', "" },
	{ "beside.test", 1, SPF_DEAD_TERMS, 0, 0, '-', "" },
	{ "void2.test", 1, 0, 2, 2, '-', "" },
	{ "void3.test", 1, SPF_TOO_VOID, 3, 3, '-', "" },
	{ "mx10.test", 1, 0, 1, 0, '-', "" },
	{ "mx11.test", 1, SPF_MX_MANY, 1, 0, '-', "mx11.test" },
	{ "macro.test", 1, SPF_MACROS, 1, 0, '-', "" },
	{ "ptr.test", 1, SPF_USES_PTR, 1, 0, '?', "" },
	{ "bad.test", 1, SPF_MALFORMED, 0, 0, '\0', "bad.test" },
	{ "inbad.test", 1, SPF_MALFORMED, 1, 0, '-', "bad.test" },
	{ "fail.test", 0, SPF_UNSURE, 0, 0, '\0', "" },
	{ "infail.test", 1, SPF_UNSURE, 1, 0, '-', "" },
	{ "open.test", 1, 0, 1, 0, '\0', "" },
};

static void
test_spf(struct dns *dns)
{
	struct spf_walk w;
	struct ask *a;
	size_t i;

	for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++) {
		a = ask_new(dns);
		spf_walk(a, walks[i].domain, &w);
		is_int(w.faults, walks[i].faults, walks[i].domain);
		is_int((long long)w.records, (long long)walks[i].records,
		    "its records");
		is_int(w.lookups, walks[i].lookups, "look-ups");
		is_int(w.voids, walks[i].voids, "that find nothing");
		is_int(w.all, walks[i].all, "how it ends");
		is_str(w.where, walks[i].where, "where the fault is");
		ok((w.why[0] != '\0') == (w.where[0] != '\0'), "why: %s",
		    w.why);
		ask_free(a);
	}
}

/* A few records that name each other cost a bounded number of questions. */
static void
test_bomb(struct dns *dns)
{
	struct ask *a = ask_new(dns);
	int before = *questions;
	struct spf_walk w;

	spf_walk(a, "bomb.test", &w);
	is_int(w.faults, SPF_LOOP | SPF_TOO_MANY, "records of a bomb");
	ok(w.lookups > 10 && w.lookups < 1000, "%u look-ups counted",
	    w.lookups);
	is_int(*questions - before, 6, "and a question for each name");
	ask_free(a);
}

/* ---- DMARC ---- */

static const struct {
	const char	*domain;
	enum dns_status	 status;
	const char	*owner;		/* NULL: none */
	enum dmarc_policy policy;
	int		 several;
	const char	*org;		/* NULL: it cannot be said */
} finds[] = {
	{ "org.test", DNS_FOUND, "org.test", DMARC_REJECT, 0, "org.test" },
	{ "x.org.test", DNS_FOUND, "org.test", DMARC_NONE, 0, "org.test" },
	{ "sub.org.test", DNS_FOUND, "sub.org.test", DMARC_QUARANTINE, 0,
	  "org.test" },
	{ "y.x.org.test", DNS_FOUND, "org.test", DMARC_NONE, 0, "org.test" },
	{ "several.org.test", DNS_FOUND, "org.test", DMARC_NONE, 1,
	  "org.test" },
	{ "nobody.test", DNS_NODATA, NULL, DMARC_UNSET, 0, "nobody.test" },
	{ "noise.test", DNS_FOUND, "noise.test", DMARC_REJECT, 0,
	  "noise.test" },
	{ "alias.test", DNS_FOUND, "alias.test", DMARC_REJECT, 0,
	  "alias.test" },
	{ "x.psd", DNS_FOUND, "psd", DMARC_REJECT, 0, "x.psd" },
	{ "y.x.psd", DNS_FOUND, "psd", DMARC_REJECT, 0, "x.psd" },
	{ "psd", DNS_FOUND, "psd", DMARC_REJECT, 0, "psd" },
	{ "own.x.psd", DNS_FOUND, "own.x.psd", DMARC_NONE, 0, "own.x.psd" },
	{ "a.own.x.psd", DNS_FOUND, "own.x.psd", DMARC_NONE, 0, "own.x.psd" },
	/* the record is there, and one above it cannot be asked for */
	{ "mid.fail.x.psd", DNS_FOUND, "mid.fail.x.psd", DMARC_NONE, 0,
	  NULL },
	{ "fail.x.psd", DNS_TEMPORARY, NULL, DMARC_UNSET, 0, NULL },
	{ "a.fail.x.psd", DNS_TEMPORARY, NULL, DMARC_UNSET, 0, NULL },
	/* from nine labels on only the last seven are looked at */
	{ "10.9.8.7.6.5.4.3.2.deep", DNS_FOUND, "7.6.5.4.3.2.deep",
	  DMARC_NONE, 0, "7.6.5.4.3.2.deep" },
	{ "10.9.8.7.6.5.4.3.2.late", DNS_NODATA, NULL, DMARC_UNSET, 0,
	  "10.9.8.7.6.5.4.3.2.late" },
	{ "9.8.7.6.5.4.3.2.late", DNS_FOUND, "9.8.7.6.5.4.3.2.late",
	  DMARC_REJECT, 0, "9.8.7.6.5.4.3.2.late" },
	{ "10.9.8.7.6.5.4.3.2.psd7", DNS_FOUND, "7.6.5.4.3.2.psd7",
	  DMARC_NONE, 0, "8.7.6.5.4.3.2.psd7" },
};

static void
test_dmarc(struct dns *dns)
{
	struct dmarc_found f;
	struct ask *a;
	size_t i;

	for (i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
		a = ask_new(dns);
		dmarc_find(a, finds[i].domain, 1, &f);
		is_int(f.status, finds[i].status, finds[i].domain);
		is_str(f.domain, finds[i].owner, "whose record");
		is_str(dmarc_policy_name(f.policy),
		    dmarc_policy_name(finds[i].policy), "the policy");
		is_int(f.several, finds[i].several, "several");
		is_str(f.org, finds[i].org, "the organizational domain");
		ask_free(a);
	}
}

/* ---- asking ---- */

static void
test_ask(struct dns *dns)
{
	struct ask *a = ask_new(dns);
	char name[32];
	size_t first, i;

	first = ask(a, DNS_TXT, "good.test");
	ok(first != 0, "a question has a number");
	is_int((long long)ask(a, DNS_TXT, "GOOD.test"), (long long)first,
	    "twice is the same question");
	ok(ask(a, DNS_A, "good.test") != first, "another type is another");
	ask_wait(a);
	is_int((long long)ask_answer(a, first)->n, 2, "both have answers");
	is_int(ask_now(a, DNS_A, "a.test")->status, DNS_FOUND,
	    "asking and waiting");
	is_int(ask_answer(a, 0)->status, DNS_TEMPORARY, "no question");
	is_int(ask_answer(a, 999)->status, DNS_TEMPORARY,
	    "one that was not asked");
	is_int(ask_answer(NULL, 1)->status, DNS_TEMPORARY, "none at all");
	is_int(ask_answer(a, ASK_NOTHING)->status, DNS_NODATA,
	    "one that is answered with nothing");
	for (i = 3; i < ASK_MAX; i++) {
		snprintf(name, sizeof(name), "n%zu.test", i);
		(void)ask(a, DNS_A, name);
	}
	ask_wait(a);
	is_int(ask_answer(a, ask(a, DNS_A, "n1000.test"))->status,
	    DNS_NXDOMAIN, "as many as may be");
	is_int(ask_now(a, DNS_A, "another.test")->status, DNS_TEMPORARY,
	    "and none more");
	is_int((long long)ask_answer(a, first)->n, 2,
	    "all answers are kept");
	ask_free(a);
	ask_free(NULL);
}

int
main(void)
{
	struct dns *dns = dns_new();
	char server[64];
	pid_t pid = start_server(server, sizeof(server));

	is_int(dns_add_server(dns, server), 1, "a server");
	dns_set_timeout(dns, 2000, 2);
	test_spf(dns);
	test_bomb(dns);
	test_dmarc(dns);
	test_ask(dns);
	dns_free(dns);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return done();
}
