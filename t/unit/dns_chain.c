/* SPDX-License-Identifier: ISC
 *
 * Proves of our own validation: which answers are secure, insecure, bogus or
 * cannot be judged, one row for each way that an answer can be right, wrong or
 * lied about, in zones with NSEC and NSEC3; that its cost is bounded; what is
 * asked, and that it is asked once; and what a file of anchors may hold.
 *
 * The zones are signed here, with keys of three algorithms made for the
 * occasion and a clock that stands.
 */
#include <ldns/ldns.h>

#include <stdlib.h>

#include "system/dns_chain_local.h"
#include "system/dns_local.h"
#include "tap.h"

#define NOW	1790000000LL
#define ZEROS	"00000000000000000000000000000000" \
	"00000000000000000000000000000000"	/* a digest */

/* ---- keys ---- */

struct zone {
	const char	*name;
	ldns_signing_algorithm algorithm;
	unsigned	 flags;		/* of the second key, 0: as usual */
	ldns_key_list	*ksk, *zsk;	/* of one key each */
	ldns_rr		*kskrr, *zskrr;
};

static struct zone zones[] = {
	{ ".", LDNS_SIGN_RSASHA256 },
	{ "test.", LDNS_SIGN_ECDSAP256SHA256 },
	{ "good.test.", LDNS_SIGN_ED25519 },
	{ "sub.good.test.", LDNS_SIGN_ECDSAP256SHA256 },
	{ "three.test.", LDNS_SIGN_ECDSAP256SHA256 },
	{ "other.test.", LDNS_SIGN_ECDSAP256SHA256 },
	{ "noflag.test.", LDNS_SIGN_ECDSAP256SHA256, 1 },	/* not ZONE */
	{ "revoked.test.", LDNS_SIGN_ECDSAP256SHA256, 256 | 128 },
	{ "stranger.", LDNS_SIGN_ECDSAP256SHA256 },	/* nobody knows it */
};

static struct zone *
zone(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (strlen(zones[i].name) == n &&
		    strncmp(zones[i].name, name, n) == 0)
			return &zones[i];
	printf("Bail out! no zone %.*s\n", (int)n, name);
	exit(1);
}

static ldns_key_list *
make_key(const struct zone *z, unsigned flags, ldns_rr **rr)
{
	ldns_key *key = ldns_key_new_frm_algorithm(z->algorithm,
	    z->algorithm == LDNS_SIGN_RSASHA256 ? 2048 : 256);
	ldns_key_list *list = ldns_key_list_new();

	ldns_key_set_pubkey_owner(key, ldns_dname_new_frm_str(z->name));
	ldns_key_set_flags(key, (uint16_t)flags);
	*rr = ldns_key2rr(key);
	ldns_rr_set_ttl(*rr, 3600);
	ldns_key_set_keytag(key, ldns_calc_keytag(*rr));
	/* Else ldns does not sign with it. */
	ldns_key_set_flags(key, 256);
	ldns_key_list_push_key(list, key);
	return list;
}

static void
make_keys(void)
{
	size_t i;

	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		zones[i].ksk = make_key(&zones[i], 257, &zones[i].kskrr);
		zones[i].zsk = make_key(&zones[i], zones[i].flags != 0 ?
		    zones[i].flags : 256, &zones[i].zskrr);
	}
}

/* ---- NSEC3 ---- */

/* "=name", "<name", ">name": the hash of a name, less or more one. */
static char *
hash3(const char *word, unsigned iterations)
{
	static char text[2][64];
	static int turn;
	ldns_rdf *name = ldns_dname_new_frm_str(word + 1);
	ldns_rdf *h = ldns_nsec3_hash_name(name, 1, (uint16_t)iterations, 0,
	    NULL);
	char label[33];
	uint8_t raw[20];
	size_t i;

	memcpy(label, ldns_rdf_data(h) + 1, 32);
	label[32] = '\0';
	ldns_b32_pton_extended_hex(label, 32, raw, sizeof(raw));
	for (i = 20; *word != '=' && i-- > 0; )
		if (*word == '<' ? raw[i]-- != 0 : ++raw[i] != 0)
			break;
	turn = !turn;
	ldns_b32_ntop_extended_hex(raw, 20, text[turn], sizeof(text[0]));
	ldns_rdf_deep_free(name);
	ldns_rdf_deep_free(h);
	return text[turn];
}

/* "H3 zone flags iterations from to types" as a record. */
static ldns_rr *
nsec3(const char *text)
{
	char z[64], from[64], to[64], line[512], *a, *b;
	unsigned flags, iterations;
	int at = 0;
	ldns_rr *rr = NULL;

	sscanf(text, "H3 %63s %u %u %63s %63s%n", z, &flags, &iterations,
	    from, to, &at);
	a = hash3(from, iterations);
	b = hash3(to, iterations);
	snprintf(line, sizeof(line), "%s.%s 60 IN NSEC3 1 %u %u - %s%s", a, z,
	    flags, iterations, b, text + at);
	ldns_rr_new_frm_str(&rr, line, 60, NULL, NULL);
	return rr;
}

/* ---- messages ---- */

static void
sign(ldns_rr_list *set, const char *how, ldns_rr_list *to)
{
	const char *end = how + strcspn(how, ",");
	struct zone *z = zone(how, (size_t)(end - how));
	ldns_key_list *keys = strstr(end, ",ksk") != NULL ? z->ksk : z->zsk;
	ldns_key *key = ldns_key_list_key(keys, 0);
	long long from = NOW - 1000, until = NOW + 100000;
	const char *as = strstr(end, ",as=");
	ldns_rr_list *sigs;
	ldns_rr *sig;
	char name[64];
	size_t i;

	if (strstr(end, ",expired") != NULL)
		until = NOW - 1;
	if (strstr(end, ",early") != NULL)
		from = NOW + 1;
	ldns_key_set_inception(key, (uint32_t)from);
	ldns_key_set_expiration(key, (uint32_t)until);
	sigs = ldns_sign_public(set, keys);
	sig = ldns_rr_list_rr(sigs, 0);
	if (strstr(end, ",by=") != NULL) {
		sscanf(strstr(end, ",by="), ",by=%63[^,]", name);
		ldns_rdf_deep_free(ldns_rr_set_rdf(sig,
		    ldns_dname_new_frm_str(name), 7));
	}
	if (strstr(end, ",broken") != NULL)
		ldns_rdf_data(ldns_rr_rdf(sig, 8))[5] ^= 1;
	/* What a wildcard becomes: signed as it is, sent by another name. */
	if (as != NULL) {
		sscanf(as, ",as=%63[^,]", name);
		for (i = 0; i < ldns_rr_list_rr_count(set); i++) {
			ldns_rdf_deep_free(ldns_rr_owner(ldns_rr_list_rr(set,
			    i)));
			ldns_rr_set_owner(ldns_rr_list_rr(set, i),
			    ldns_dname_new_frm_str(name));
		}
		ldns_rdf_deep_free(ldns_rr_owner(sig));
		ldns_rr_set_owner(sig, ldns_dname_new_frm_str(name));
	}
	for (i = strstr(end, ",twenty") != NULL ? 20 : 1; i > 0; i--)
		ldns_rr_list_push_rr(to, ldns_rr_clone(sig));
	ldns_rr_list_deep_free(sigs);
}

/* The records of a line behind its section and signer. */
static void
records(const char *text, ldns_rr_list *to)
{
	struct zone *z;
	ldns_rr *rr = NULL;

	if (strncmp(text, "KEYS ", 5) == 0) {
		z = zone(text + 5, strcspn(text + 5, " "));
		ldns_rr_list_push_rr(to, ldns_rr_clone(z->kskrr));
		ldns_rr_list_push_rr(to, ldns_rr_clone(z->zskrr));
	} else if (strncmp(text, "DS ", 3) == 0) {
		z = zone(text + 3, strcspn(text + 3, " "));
		rr = ldns_key_rr2ds(z->kskrr, LDNS_SHA256);
		if (strstr(text, " short") != NULL)
			ldns_rr_set_ttl(rr, 20);
		if (strstr(text, " wild") != NULL) {
			ldns_rdf_deep_free(ldns_rr_owner(rr));
			ldns_rr_set_owner(rr, ldns_dname_new_frm_str(
			    "*.test."));
		}
		ldns_rr_list_push_rr(to, rr);
	} else if (strncmp(text, "DS1 ", 4) == 0) {
		z = zone(text + 4, strcspn(text + 4, " "));
		ldns_rr_list_push_rr(to, ldns_key_rr2ds(z->kskrr, LDNS_SHA1));
	} else if (strncmp(text, "H3 ", 3) == 0)
		ldns_rr_list_push_rr(to, nsec3(text));
	else if (ldns_rr_new_frm_str(&rr, text, 60, NULL, NULL) ==
	    LDNS_STATUS_OK)
		ldns_rr_list_push_rr(to, rr);
	else {
		printf("Bail out! %s\n", text);
		exit(1);
	}
}

/*
 * A message as lines: "NX" for the response code; else section (an, ns), who
 * signs it how ("-": nobody), and a record; a line that begins with '+' is
 * another record of the set before it.
 */
static void
message(const char *name, unsigned type, const char *lines, uint8_t **wire,
    size_t *len)
{
	ldns_pkt *pkt = ldns_pkt_query_new(ldns_dname_new_frm_str(name),
	    (ldns_rr_type)type, LDNS_RR_CLASS_IN, LDNS_RD | LDNS_CD);
	char *copy = strdup(lines), *next = copy, *line, how[128];
	ldns_pkt_section section;
	ldns_rr_list *set;
	int at;

	ldns_pkt_set_qr(pkt, true);
	while ((line = strsep(&next, "\n")) != NULL) {
		if (strcmp(line, "NX") == 0)
			ldns_pkt_set_rcode(pkt, LDNS_RCODE_NXDOMAIN);
		if (strcmp(line, "FAIL") == 0)
			ldns_pkt_set_rcode(pkt, LDNS_RCODE_SERVFAIL);
		if (strlen(line) < 5)
			continue;
		section = line[0] == 'a' ? LDNS_SECTION_ANSWER :
		    LDNS_SECTION_AUTHORITY;
		sscanf(line + 3, "%127s %n", how, &at);
		set = ldns_rr_list_new();
		records(line + 3 + at, set);
		while (next != NULL && *next == '+')
			records(strsep(&next, "\n") + 1, set);
		if (*how != '-')
			sign(set, how, set);
		ldns_pkt_push_rr_list(pkt, section, set);
		ldns_rr_list_free(set);
	}
	ldns_pkt2wire(wire, pkt, len);
	ldns_pkt_free(pkt);
	free(copy);
}

/* ---- the world below the anchor ---- */

struct reply {
	const char	*asked, *lines;
};

static const struct reply world[] = {
	{ "DNSKEY .", "an .,ksk KEYS ." },
	{ "DS test.", "an . DS test." },
	{ "DNSKEY test.", "an test.,ksk KEYS test." },
	{ "DS good.test.", "an test. DS good.test." },
	{ "DNSKEY good.test.", "an good.test.,ksk KEYS good.test." },
	{ "DS sub.good.test.", "an good.test. DS sub.good.test." },
	{ "DNSKEY sub.good.test.", "an sub.good.test.,ksk KEYS "
	    "sub.good.test." },
	{ "DS three.test.", "an test. DS three.test." },
	{ "DNSKEY three.test.", "an three.test.,ksk KEYS three.test." },
	{ "DS other.test.", "an test. DS other.test." },
	{ "DNSKEY other.test.", "an other.test.,ksk KEYS other.test." },
	{ "DS noflag.test.", "an test. DS noflag.test." },
	{ "DNSKEY noflag.test.", "an noflag.test.,ksk KEYS noflag.test." },
	{ "DS revoked.test.", "an test. DS revoked.test." },
	{ "DNSKEY revoked.test.", "an revoked.test.,ksk KEYS revoked.test." },
	/* not signed */
	{ "DS plain.test.", "ns test. plain.test. 60 IN NSEC "
	    "q.test. NS RRSIG NSEC" },
	/* with an algorithm, and with a digest, that nobody knows */
	{ "DS alien.test.", "an test. alien.test. 60 IN DS 1 200 2 "
	    ZEROS },
	{ "DS digest.test.", "an test. digest.test. 60 IN DS 1 13 200 00" },
	/* a DS, its zone not signed or by others */
	{ "DS nokey.test.", "an test. nokey.test. 60 IN DS 1 13 2 "
	    ZEROS },
	{ "DNSKEY nokey.test.", "ns - nokey.test. 60 IN SOA a. b. 1 1 1 1 1" },
	/* in a zone with NSEC3: not signed, and in a gap with opt-out */
	{ "DS plain.three.test.", "ns three.test. H3 three.test. 0 1 "
	    "=plain.three.test. >plain.three.test. NS" },
	{ "DS gap.three.test.",
	    "ns three.test. H3 three.test. 1 1 =three.test. >three.test. NS "
	    "SOA RRSIG DNSKEY\n"
	    "ns three.test. H3 three.test. 1 1 <gap.three.test. "
	    ">gap.three.test. NS" },
	/* the absence of a DS not proved */
	{ "DS stripped.test.", "ns - test. 60 IN SOA a. b. 1 1 1 1 1" },
	/* no zone begins there, nor where nothing else is said */
	{ "DS al.good.test.", "an good.test. al.good.test. 60 IN CNAME "
	    "good.test." },
	{ "DS none.good.test.", "NX\nns good.test. good.test. 60 IN NSEC "
	    "sub.good.test. NS SOA RRSIG NSEC DNSKEY" },
	{ "DS down.test.", "FAIL" },
	{ "DS mute.test.", NULL },
};

static unsigned asked;			/* questions of the last run */

/* That no zone begins at a name, by the deepest zone above it. */
static const char *
no_zone(const char *name)
{
	static char lines[400];
	const char *z = "";
	size_t i, n, len = strlen(name);

	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		n = strlen(zones[i].name);
		if (n < len && n > strlen(z) && strcmp(name + len - n,
		    zones[i].name) == 0)
			z = zones[i].name;
	}
	snprintf(lines, sizeof(lines), "ns %s %s 60 IN NSEC \\000.%s A", z,
	    name, name);
	return lines;
}

/* Feed what the chain asks for, from over and then the world. */
static void
feed(struct dns_chain *c, const struct reply *over)
{
	char text[300];
	unsigned type;
	const char *name = dns_chain_asks(c, &type);
	const struct reply *r = NULL;
	const char *lines;
	uint8_t *wire;
	size_t i, len;

	asked++;
	snprintf(text, sizeof(text), "%s %s", type == LDNS_RR_TYPE_DS ? "DS" :
	    "DNSKEY", name);
	if (over != NULL && over->asked != NULL &&
	    strcmp(over->asked, text) == 0)
		r = over;
	for (i = 0; r == NULL && i < sizeof(world) / sizeof(world[0]); i++)
		if (strcmp(world[i].asked, text) == 0)
			r = &world[i];
	if ((lines = r != NULL ? r->lines : no_zone(name)) == NULL) {
		dns_chain_feed(c, NULL, 0, "timeout", NOW);
		return;
	}
	message(name, type, lines, &wire, &len);
	dns_chain_feed(c, wire, len, NULL, NOW);
	free(wire);
}

static struct dns_anchor *
root_anchor(void)
{
	struct dns_anchor *a = dns_anchor_new();
	ldns_rr *ds = ldns_key_rr2ds(zones[0].kskrr, LDNS_SHA256);
	char *text = ldns_rr2str(ds), why[DNS_WHY_MAX];

	if (dns_anchor_text(a, text, why) == -1)
		printf("Bail out! %s\n", why);
	free(text);
	ldns_rr_free(ds);
	return a;
}

static struct dns_chain *
run(struct dns_anchor *a, const char *name, unsigned type, const char *lines,
    const struct reply *over, enum dns_verdict *v)
{
	struct dns_chain *c;
	uint8_t *wire;
	size_t len;

	message(name, type, lines, &wire, &len);
	c = dns_chain_new(a, name, type, wire, len);
	free(wire);
	asked = 0;
	while ((*v = dns_chain_step(c, NOW)) == DNS_CHAIN_ASK)
		feed(c, over);
	return c;
}

/* ---- rows ---- */

#define S	DNS_CHAIN_SECURE
#define I	DNS_CHAIN_INSECURE
#define B	DNS_CHAIN_BOGUS
#define F	DNS_CHAIN_FAILED

#define GOOD_MX	"good.test. 60 IN MX 10 mx.good.test."

static const struct row {
	const char	*what;
	const char	*name;
	unsigned	 type;
	const char	*lines;
	enum dns_verdict want;
	const char	*why;
	struct reply	 over;
} rows[] = {
	/* what is there */
	{ "a record", "good.test", 15, "an good.test. " GOOD_MX, S },
	{ "other letter case", "GOOD.test", 15, "an good.test. " GOOD_MX, S },
	{ "of a zone below", "sub.good.test", 1,
	    "an sub.good.test. sub.good.test. 60 IN A 192.0.2.1", S },
	{ "of the root", ".", 2, "an . . 60 IN NS a.test.", S },
	{ "two records", "good.test", 15, "an good.test. " GOOD_MX
	    "\n+good.test. 60 IN MX 20 b.good.test.", S },
	{ "without signature", "good.test", 15, "an - " GOOD_MX, B,
	    "good.test: not signed" },
	{ "a signature that does not fit", "good.test", 15,
	    "an good.test.,broken " GOOD_MX, B, "good.test: wrong signature" },
	{ "expired", "good.test", 15, "an good.test.,expired " GOOD_MX, B,
	    "good.test: signature expired" },
	{ "not yet valid", "good.test", 15, "an good.test.,early " GOOD_MX, B,
	    "good.test: signature not yet valid" },
	{ "signed by another zone", "good.test", 15,
	    "an other.test. " GOOD_MX, B, "good.test: no signature by a key "
	    "of the zone" },
	{ "signed by strangers in its name", "good.test", 15,
	    "an stranger.,by=good.test. " GOOD_MX, B,
	    "good.test: no signature by a key of the zone" },
	{ "signed by no zone", "www.good.test", 1,
	    "an stranger.,by=www.good.test. www.good.test. 60 IN A "
	    "192.0.2.1", B, "www.good.test: no signature by a key of the "
	    "zone" },
	{ "signed by the zone above", "good.test", 15,
	    "an stranger.,by=test. " GOOD_MX, B },
	{ "a key that signs keys may sign all", "good.test", 15,
	    "an good.test.,ksk " GOOD_MX, S },
	{ "a key that is none of a zone", "noflag.test", 15,
	    "an noflag.test. noflag.test. 60 IN MX 10 a.test.", B,
	    "noflag.test: no signature by a key of the zone" },
	{ "the same zone by its other key", "noflag.test", 15,
	    "an noflag.test.,ksk noflag.test. 60 IN MX 10 a.test.", S },
	{ "a key that is revoked", "revoked.test", 15,
	    "an revoked.test. revoked.test. 60 IN MX 10 a.test.", B,
	    "revoked.test: no signature by a key of the zone" },
	{ "right, but by no name of the zone", "sub.good.test", 15,
	    "an good.test. sub.good.test. 60 IN MX 10 a.test.", S },
	{ "twenty wrong signatures", "good.test", 15,
	    "an good.test.,broken,twenty " GOOD_MX, B,
	    "good.test: too many signatures" },

	/* zones that are not signed, and those that should be */
	{ "not signed, and need not be", "plain.test", 15,
	    "an - plain.test. 60 IN MX 10 a.test.", I },
	{ "a name in it", "a.b.plain.test", 1,
	    "an - a.b.plain.test. 60 IN A 192.0.2.1", I },
	{ "nothing in it", "a.plain.test", 1, "NX\n"
	    "ns - plain.test. 60 IN SOA a. b. 1 1 1 1 1", I },
	{ "signed, its DS left out", "plain.test", 15,
	    "an stranger.,by=plain.test. plain.test. 60 IN MX 10 a.test.", I },
	{ "an algorithm nobody knows", "alien.test", 15,
	    "an - alien.test. 60 IN MX 10 a.test.", I },
	{ "a digest nobody knows", "digest.test", 15,
	    "an - digest.test. 60 IN MX 10 a.test.", I },
	{ "a DS and no keys", "nokey.test", 15,
	    "an - nokey.test. 60 IN MX 10 a.test.", B,
	    "keys of nokey.test: there are none" },
	{ "no DS, no proof", "stripped.test", 15,
	    "an - stripped.test. 60 IN MX 10 a.test.", B,
	    "DS of stripped.test: no proof that there is none" },
	{ "the DS has no answer", "down.test", 15,
	    "an - down.test. 60 IN MX 10 a.test.", F,
	    "DS of down.test: response code 2" },
	{ "silence", "mute.test", 15, "an - mute.test. 60 IN MX 10 a.test.",
	    F, "DS of mute.test: timeout" },
	{ "below a name that is no zone", "a.www.good.test", 15,
	    "an - a.www.good.test. 60 IN MX 10 a.test.", B,
	    "a.www.good.test: not signed" },
	{ "an alias is no zone", "al.good.test", 15,
	    "an - al.good.test. 60 IN MX 10 a.test.", B,
	    "al.good.test: not signed" },
	{ "nor is what does not exist", "none.good.test", 15,
	    "an - none.good.test. 60 IN MX 10 a.test.", B,
	    "none.good.test: not signed" },
	{ "a DS that another signed", "good.test", 15,
	    "an good.test. " GOOD_MX, B, "DS of good.test: no signature by "
	    "a key of the zone", { "DS good.test.",
	    "an stranger.,by=test. DS good.test." } },
	{ "a DS made from a wildcard", "good.test", 15,
	    "an good.test. " GOOD_MX, B, NULL, { "DS good.test.",
	    "an test.,as=good.test. DS good.test. wild" } },
	{ "a DS of another key", "good.test", 15, "an good.test. " GOOD_MX, B,
	    "keys of good.test: none is the one that the zone above means",
	    { "DS good.test.", "an test. good.test. 60 IN DS 1 15 2 "
	    ZEROS } },
	{ "a DS made of SHA-1", "good.test", 15, "an good.test. " GOOD_MX, S,
	    NULL, { "DS good.test.", "an test. DS1 good.test." } },
	{ "which does not count beside a better one", "good.test", 15,
	    "an good.test. " GOOD_MX, B, NULL, { "DS good.test.",
	    "an test. DS1 good.test.\n+good.test. 60 IN DS 1 15 2 "
	    ZEROS } },
	{ "keys not signed by the one that is meant", "good.test", 15,
	    "an good.test. " GOOD_MX, B, NULL,
	    { "DNSKEY good.test.", "an good.test. KEYS good.test." } },
	{ "keys expired", "good.test", 15, "an good.test. " GOOD_MX, B,
	    "keys of good.test: signature expired",
	    { "DNSKEY good.test.", "an good.test.,ksk,expired KEYS "
	    "good.test." } },
	{ "keys of the root that no anchor means", "good.test", 15,
	    "an good.test. " GOOD_MX, B, "keys of .: none is the one that "
	    "the trust anchor means", { "DNSKEY .", "an stranger.,ksk,by=. "
	    ". 60 IN DNSKEY 257 3 13 AwEAAcUlFV1vhmqx" } },
	{ "a denial of DS from below the cut", "good.test", 15,
	    "an - " GOOD_MX, B, NULL, { "DS good.test.",
	    "ns test. good.test. 60 IN NSEC z.test. NS SOA RRSIG NSEC" } },
	{ "a denial made from a wildcard", "good.test", 15, "an - " GOOD_MX,
	    B, NULL, { "DS good.test.", "ns test.,as=good.test. "
	    "*.test. 60 IN NSEC z.test. NS RRSIG NSEC" } },

	/* NSEC: no such type, no such name */
	{ "no such type", "good.test", 15, "ns good.test. good.test. 60 IN "
	    "NSEC a.good.test. NS SOA RRSIG NSEC DNSKEY", S },
	{ "but it is listed", "good.test", 15, "ns good.test. good.test. 60 "
	    "IN NSEC a.good.test. NS MX SOA RRSIG NSEC DNSKEY", B,
	    "good.test: its absence is not proved" },
	{ "but a CNAME is", "a.good.test", 15, "ns good.test. a.good.test. "
	    "60 IN NSEC b.good.test. CNAME RRSIG NSEC", B },
	{ "no denial at all", "good.test", 15,
	    "ns - good.test. 60 IN SOA a. b. 1 1 1 1 1", B,
	    "good.test: no proof that there is none" },
	{ "neither, NXDOMAIN", "good.test", 15, "NX", B },
	{ "a denial not signed", "good.test", 15, "ns - good.test. 60 IN "
	    "NSEC a.good.test. NS SOA RRSIG NSEC DNSKEY", B },
	{ "the other side's NSEC", "good.test", 15, "ns test. good.test. 60 "
	    "IN NSEC z.test. NS DS RRSIG NSEC", B },
	{ "a name with something below it", "ent.good.test", 15,
	    "ns good.test. good.test. 60 IN NSEC a.ent.good.test. NS SOA "
	    "RRSIG NSEC", S },
	{ "no such name", "n.good.test", 15, "NX\n"
	    "ns good.test. m.good.test. 60 IN NSEC o.good.test. A\n"
	    "ns good.test. good.test. 60 IN NSEC a.good.test. NS SOA", S },
	{ "one NSEC for both", "n.good.test", 15, "NX\n"
	    "ns good.test. good.test. 60 IN NSEC z.good.test. NS SOA", S },
	{ "the last one", "zz.good.test", 15, "NX\n"
	    "ns good.test. z.good.test. 60 IN NSEC good.test. A\n"
	    "ns good.test. good.test. 60 IN NSEC a.good.test. NS SOA", S },
	{ "the wildcard not denied", "n.good.test", 15, "NX\n"
	    "ns good.test. m.good.test. 60 IN NSEC o.good.test. A", B },
	{ "the wildcard is there", "n.good.test", 15, "NX\n"
	    "ns good.test. m.good.test. 60 IN NSEC o.good.test. A\n"
	    "ns good.test. *.good.test. 60 IN NSEC a.good.test. MX", B },
	{ "outside the gap", "p.good.test", 15, "NX\n"
	    "ns good.test. m.good.test. 60 IN NSEC o.good.test. A\n"
	    "ns good.test. good.test. 60 IN NSEC a.good.test. NS SOA", B },
	{ "no such name, not said so", "n.good.test", 15,
	    "ns good.test. good.test. 60 IN NSEC z.good.test. NS SOA", B },
	{ "by a wildcard: no such type", "n.good.test", 15,
	    "ns good.test. m.good.test. 60 IN NSEC o.good.test. A\n"
	    "ns good.test. *.good.test. 60 IN NSEC a.good.test. A", S },
	{ "below a delegation, from above", "x.sub.good.test", 15, "NX\n"
	    "ns good.test. sub.good.test. 60 IN NSEC z.good.test. NS DS\n"
	    "ns good.test. good.test. 60 IN NSEC a.good.test. NS SOA", B },
	{ "below a DNAME", "x.dn.good.test", 15, "NX\n"
	    "ns good.test. dn.good.test. 60 IN NSEC z.good.test. DNAME\n"
	    "ns good.test. good.test. 60 IN NSEC a.good.test. NS SOA", B },
	{ "an NSEC from a wildcard", "n.good.test", 15,
	    "ns good.test.,as=n.good.test. *.good.test. 60 IN NSEC "
	    "z.good.test. A", B },
	{ "expired denial", "good.test", 15, "ns good.test.,expired "
	    "good.test. 60 IN NSEC a.good.test. NS SOA RRSIG NSEC", B,
	    "good.test: signature expired" },

	/* NSEC3 */
	{ "NSEC3: no such type", "three.test", 15, "ns three.test. H3 "
	    "three.test. 0 1 =three.test. >three.test. NS SOA", S },
	{ "NSEC3: but it is listed", "three.test", 15, "ns three.test. H3 "
	    "three.test. 0 1 =three.test. >three.test. NS SOA MX", B },
	{ "NSEC3: nothing at all", "ent.three.test", 15, "ns three.test. H3 "
	    "three.test. 0 1 =ent.three.test. >ent.three.test.", S },
	{ "NSEC3: no such name", "n.three.test", 15, "NX\n"
	    "ns three.test. H3 three.test. 0 1 =three.test. >three.test. NS "
	    "SOA\n"
	    "ns three.test. H3 three.test. 0 1 <n.three.test. "
	    ">n.three.test. A\n"
	    "ns three.test. H3 three.test. 0 1 <*.three.test. "
	    ">*.three.test. A", S },
	{ "NSEC3: two labels", "a.n.three.test", 15, "NX\n"
	    "ns three.test. H3 three.test. 0 1 =three.test. >three.test. NS "
	    "SOA\n"
	    "ns three.test. H3 three.test. 0 1 <n.three.test. "
	    ">n.three.test. A\n"
	    "ns three.test. H3 three.test. 0 1 <*.three.test. "
	    ">*.three.test. A", S },
	{ "NSEC3: the wildcard not denied", "n.three.test", 15, "NX\n"
	    "ns three.test. H3 three.test. 0 1 =three.test. >three.test. NS "
	    "SOA\n"
	    "ns three.test. H3 three.test. 0 1 <n.three.test. "
	    ">n.three.test. A", B },
	{ "NSEC3: the closest one not shown", "n.three.test", 15, "NX\n"
	    "ns three.test. H3 three.test. 0 1 <n.three.test. "
	    ">n.three.test. A\n"
	    "ns three.test. H3 three.test. 0 1 <*.three.test. "
	    ">*.three.test. A", B },
	{ "NSEC3: below a delegation", "n.cut.three.test", 15, "NX\n"
	    "ns three.test. H3 three.test. 0 1 =cut.three.test. "
	    ">cut.three.test. NS DS\n"
	    "ns three.test. H3 three.test. 0 1 <n.cut.three.test. "
	    ">n.cut.three.test. A\n"
	    "ns three.test. H3 three.test. 0 1 <*.cut.three.test. "
	    ">*.cut.three.test. A", B },
	{ "NSEC3: opt-out", "n.three.test", 15, "NX\n"
	    "ns three.test. H3 three.test. 1 1 =three.test. >three.test. NS "
	    "SOA\n"
	    "ns three.test. H3 three.test. 1 1 <n.three.test. "
	    ">n.three.test. A\n"
	    "ns three.test. H3 three.test. 1 1 <*.three.test. "
	    ">*.three.test. A", I },
	{ "NSEC3: a wildcard without the type", "n.three.test", 15,
	    "ns three.test. H3 three.test. 0 1 =three.test. >three.test. NS "
	    "SOA\n"
	    "ns three.test. H3 three.test. 0 1 <n.three.test. "
	    ">n.three.test. A\n"
	    "ns three.test. H3 three.test. 0 1 =*.three.test. "
	    ">*.three.test. A", S },
	{ "NSEC3: 150 iterations", "three.test", 15, "ns three.test. H3 "
	    "three.test. 0 150 =three.test. >three.test. NS SOA", S },
	{ "NSEC3: 151 iterations", "three.test", 15, "ns three.test. H3 "
	    "three.test. 0 151 =three.test. >three.test. NS SOA MX", I },
	{ "NSEC3: an unsigned delegation", "a.plain.three.test", 1,
	    "an - a.plain.three.test. 60 IN A 192.0.2.1", I },
	{ "NSEC3: one in a gap with opt-out", "a.gap.three.test", 1,
	    "an - a.gap.three.test. 60 IN A 192.0.2.1", I },

	/* wildcards */
	{ "from a wildcard", "n.good.test", 1,
	    "an good.test.,as=n.good.test. *.good.test. 60 IN A 192.0.2.1\n"
	    "ns good.test. m.good.test. 60 IN NSEC o.good.test. A", S },
	{ "from a wildcard, without proof", "n.good.test", 1,
	    "an good.test.,as=n.good.test. *.good.test. 60 IN A 192.0.2.1",
	    B, "n.good.test: from a wildcard, without proof" },
	{ "from a wildcard, and it exists", "n.good.test", 1,
	    "an good.test.,as=n.good.test. *.good.test. 60 IN A 192.0.2.1\n"
	    "ns good.test. n.good.test. 60 IN NSEC o.good.test. MX", B },
	{ "a closer one exists", "x.n.good.test", 1,
	    "an good.test.,as=x.n.good.test. *.good.test. 60 IN A "
	    "192.0.2.1\n"
	    "ns good.test. n.good.test. 60 IN NSEC o.good.test. MX", B },
	{ "the wildcard itself", "*.good.test", 1,
	    "an good.test. *.good.test. 60 IN A 192.0.2.1", S },
	{ "NSEC3: from a wildcard", "n.three.test", 1,
	    "an three.test.,as=n.three.test. *.three.test. 60 IN A "
	    "192.0.2.1\n"
	    "ns three.test. H3 three.test. 0 1 <n.three.test. "
	    ">n.three.test. A", S },
	{ "NSEC3: with opt-out", "n.three.test", 1,
	    "an three.test.,as=n.three.test. *.three.test. 60 IN A "
	    "192.0.2.1\n"
	    "ns three.test. H3 three.test. 1 1 <n.three.test. "
	    ">n.three.test. A", I },

	/* aliases */
	{ "an alias", "al.good.test", 1,
	    "an good.test. al.good.test. 60 IN CNAME x.other.test.\n"
	    "an other.test. x.other.test. 60 IN A 192.0.2.1", S },
	{ "into a zone not signed", "al.good.test", 1,
	    "an good.test. al.good.test. 60 IN CNAME x.plain.test.\n"
	    "an - x.plain.test. 60 IN A 192.0.2.1", I },
	{ "out of one", "al.plain.test", 1,
	    "an - al.plain.test. 60 IN CNAME x.other.test.\n"
	    "an other.test. x.other.test. 60 IN A 192.0.2.1", I },
	{ "into a wrong one", "al.plain.test", 1,
	    "an - al.plain.test. 60 IN CNAME x.other.test.\n"
	    "an other.test.,broken x.other.test. 60 IN A 192.0.2.1", B },
	{ "the alias not signed", "al.good.test", 1,
	    "an - al.good.test. 60 IN CNAME x.other.test.\n"
	    "an other.test. x.other.test. 60 IN A 192.0.2.1", B },
	{ "the alias alone", "al.good.test", 1,
	    "an good.test. al.good.test. 60 IN CNAME x.other.test.", S },
	{ "to nowhere", "al.good.test", 1, "NX\n"
	    "an good.test. al.good.test. 60 IN CNAME x.other.test.\n"
	    "ns other.test. other.test. 60 IN NSEC z.other.test. NS SOA", S },
	{ "to nowhere, not proved", "al.good.test", 1, "NX\n"
	    "an good.test. al.good.test. 60 IN CNAME x.other.test.", B },
	{ "a DNAME", "x.dn.good.test", 1,
	    "an good.test. dn.good.test. 60 IN DNAME other.test.\n"
	    "an - x.dn.good.test. 60 IN CNAME x.other.test.\n"
	    "an other.test. x.other.test. 60 IN A 192.0.2.1", S },
	{ "a DNAME that leads elsewhere", "x.dn.good.test", 1,
	    "an good.test. dn.good.test. 60 IN DNAME other.test.\n"
	    "an - x.dn.good.test. 60 IN CNAME y.other.test.\n"
	    "an other.test. y.other.test. 60 IN A 192.0.2.1", B },
};

static void
test_rows(void)
{
	static const char *const word[] = { "ask", "secure", "insecure",
	    "bogus", "indeterminate", "failed" };
	struct dns_anchor *a;
	enum dns_verdict v;
	struct dns_chain *c;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = root_anchor();
		c = run(a, rows[i].name, rows[i].type, rows[i].lines,
		    &rows[i].over, &v);
		if (!ok(v == rows[i].want && (rows[i].why == NULL ||
		    strcmp(rows[i].why, dns_chain_why(c)) == 0), "%s: %s",
		    rows[i].what, word[rows[i].want]))
			printf("# got %s: %s\n", word[v], dns_chain_why(c));
		ok((v == S || v == I) == (*dns_chain_why(c) == '\0'),
		    "%s: words for a failure alone", rows[i].what);
		dns_chain_free(c);
		dns_anchor_free(a);
	}
}

/* ---- what is asked ---- */

static void
test_asked(void)
{
	struct dns_anchor *a = root_anchor();
	enum dns_verdict v;
	struct dns_chain *c;

	dns_chain_free(run(a, "good.test", 15, "an good.test. " GOOD_MX, NULL,
	    &v));
	is_int(asked, 5, "two zones below the root: five questions");
	dns_chain_free(run(a, "www.good.test", 1, "an good.test. "
	    "www.good.test. 60 IN A 192.0.2.1", NULL, &v));
	is_int(asked, 0, "another name of the zone: none");
	dns_chain_free(run(a, "other.test", 1, "an other.test. other.test. 60 "
	    "IN A 192.0.2.1", NULL, &v));
	is_int(asked, 2, "another zone: two");
	dns_chain_free(run(a, "plain.test", 1, "an - plain.test. 60 IN A "
	    "192.0.2.1", NULL, &v));
	is_int(asked, 1, "one that is not signed: one");
	c = run(a, "www.good.test", 1, "an good.test. www.good.test. 60 IN A "
	    "192.0.2.1", NULL, &v);
	is_int(dns_chain_ttl(c), 60, "an answer may be kept as it says");
	dns_chain_free(c);
	c = run(a, "www.good.test", 1, "an good.test. www.good.test. 600000 "
	    "IN A 192.0.2.1", NULL, &v);
	is_int(dns_chain_ttl(c), 100000, "and not longer than its signature");
	dns_chain_free(c);
	dns_anchor_free(a);
}

/* Two questions for the same zone under way at once. */
static void
test_shared(void)
{
	struct dns_anchor *a = root_anchor();
	struct dns_chain *c[2];
	uint8_t *wire;
	unsigned type;
	size_t len, i;

	message("good.test", 15, "an good.test. " GOOD_MX, &wire, &len);
	for (i = 0; i < 2; i++) {
		c[i] = dns_chain_new(a, "good.test", 15, wire, len);
		is_int(dns_chain_step(c[i], NOW), DNS_CHAIN_ASK, "asks");
	}
	free(wire);
	while (dns_chain_step(c[0], NOW) == DNS_CHAIN_ASK)
		feed(c[0], NULL);
	/* What the other asked has been answered: its own need not come. */
	dns_chain_feed(c[1], NULL, 0, "timeout", NOW);
	is_int(dns_chain_step(c[1], NOW), S, "what one learnt serves another");
	is_int(dns_chain_step(c[0], NOW), S, "a verdict stands");
	dns_chain_free(c[1]);
	c[1] = dns_chain_new(a, "x.good.test", 15, (const uint8_t *)"", 0);
	is_int(dns_chain_step(c[1], NOW), F, "no message at all");
	dns_chain_free(c[1]);
	/* A day later nothing is known any more. */
	message("good.test", 15, "an good.test. " GOOD_MX, &wire, &len);
	c[1] = dns_chain_new(a, "good.test", 15, wire, len);
	is_int(dns_chain_step(c[1], NOW + 90000), DNS_CHAIN_ASK,
	    "keys are asked for again");
	is_str(dns_chain_asks(c[1], &type), ".", "from the root on");
	is_int(type, 48, "its keys");
	free(wire);
	dns_chain_free(c[0]);
	dns_chain_free(c[1]);
	dns_anchor_free(a);
}

/* Keys are believed no longer than the DS that means them. */
static void
test_short(void)
{
	static const struct reply over = { "DS good.test.",
	    "an test. DS good.test. short" };
	struct dns_anchor *a = root_anchor();
	enum dns_verdict v;
	struct dns_chain *c;
	uint8_t *wire;
	unsigned type;
	size_t len;

	dns_chain_free(run(a, "good.test", 15, "an good.test. " GOOD_MX,
	    &over, &v));
	is_int(v, S, "a DS that lives for 20 s");
	message("good.test", 15, "an good.test. " GOOD_MX, &wire, &len);
	c = dns_chain_new(a, "good.test", 15, wire, len);
	free(wire);
	is_int(dns_chain_step(c, NOW + 19), S, "19 s later: known");
	dns_chain_free(c);
	message("good.test", 15, "an good.test. " GOOD_MX, &wire, &len);
	c = dns_chain_new(a, "good.test", 15, wire, len);
	free(wire);
	is_int(dns_chain_step(c, NOW + 21), DNS_CHAIN_ASK, "21 s: asked for");
	is_str(dns_chain_asks(c, &type), "good.test.", "at its name");
	is_int(type, 43, "the DS first");
	dns_chain_free(c);
	dns_anchor_free(a);
}

static void
test_nodata(void)
{
	struct dns_anchor *a = root_anchor();
	enum dns_verdict v;
	struct dns_chain *c = run(a, "good.test", 15, "NX\nns good.test. "
	    "good.test. 60 IN NSEC a.good.test. NS SOA", NULL, &v);

	ok(v == S && dns_chain_is_nodata(c),
	    "said not to exist, proved to exist: it has no such records");
	dns_chain_free(c);
	dns_anchor_free(a);
}

/* Anchors elsewhere than at the root. */
static void
test_island(void)
{
	struct dns_anchor *a = dns_anchor_new();
	struct zone *z = zone("good.test.", 10);
	char *text = ldns_rr2str(z->kskrr), why[DNS_WHY_MAX] = "";
	enum dns_verdict v;

	is_int(dns_anchor_text(a, text, why), 0, "a DNSKEY as anchor");
	free(text);
	dns_chain_free(run(a, "good.test", 15, "an good.test. " GOOD_MX, NULL,
	    &v));
	ok(v == S && asked == 1, "an island: secure, by one question");
	dns_chain_free(run(a, "good.test", 15, "an test.,by=test. " GOOD_MX,
	    NULL, &v));
	is_int(v, DNS_CHAIN_INDETERMINATE, "signed from above the island");
	dns_chain_free(run(a, "other.test", 15, "an other.test. other.test. "
	    "60 IN MX 10 a.test.", NULL, &v));
	is_int(v, DNS_CHAIN_INDETERMINATE, "no anchor above: indeterminate");
	dns_anchor_free(a);
}

/* ---- anchors as text ---- */

#define DIGEST	"E06D44B80B8F1D39A95C0B0D7C65D084" \
	"58E880409BBC683457104237C7F8EC8D"

static void
test_text(void)
{
	static const struct {
		const char	*what, *text;
		int		 want;
		const char	*why;
	} row[] = {
		{ "DS", ". IN DS 20326 8 2 " DIGEST "\n", 0, NULL },
		{ "in parentheses, with comments", "; roots\n\n. 3600 IN DS ( "
		    "20326 8 ; tag\n 2 " DIGEST " )\n", 0, NULL },
		{ "no line feed at the end", ". IN DS 20326 8 2 " DIGEST, 0,
		    NULL },
		{ "nothing", "; none\n", -1, "no key that can be used" },
		{ "only what unbound waits with",
		    ". IN DNSKEY 257 3 8 AwEAAcUl ;;state=1 [ ADDPEND ]\n",
		    -1, "no key that can be used" },
		{ "what unbound holds valid",
		    ". IN DNSKEY 257 3 8 AwEAAcUl ;;state=2 [ VALID ]\n", 0,
		    NULL },
		{ "an algorithm nobody knows", ". IN DS 1 200 2 " DIGEST "\n",
		    -1, "no key that can be used" },
		{ "another type", "\n. IN NS a.test.\n", -1,
		    "line 2: neither DS nor DNSKEY" },
		{ "cut off", ". IN DS 20326 8 2\n", -1, NULL },
		{ "no record", "hello\n", -1, NULL },
		{ "a directive", "$ORIGIN test.\n", -1, NULL },
	};
	char why[DNS_WHY_MAX];
	struct dns_anchor *a;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		a = dns_anchor_new();
		*why = '\0';
		is_int(dns_anchor_text(a, row[i].text, why), row[i].want,
		    row[i].what);
		if (row[i].why != NULL)
			is_str(why, row[i].why, "words");
		ok((*why == '\0') == (row[i].want == 0), "%s: %s",
		    row[i].what, why);
		dns_anchor_free(a);
	}
	a = dns_anchor_new();
	is_int(dns_anchor_read(a, "/nowhere/at/all", why), -1, "no file");
	is_str(why, "No such file or directory", "and words");
	dns_anchor_free(a);
}

/* ---- costs ---- */

static void
test_effort(void)
{
	char lines[20 * 100] = "";
	struct dns_effort effort = { 0 };
	struct zone *z = zone("good.test.", 10);
	ldns_rr_list *keys = ldns_rr_list_new();
	char why[DNS_WHY_MAX];
	struct dns_message m;
	struct dns_denial d;
	struct dns_name name;
	uint32_t ttl = 0;
	uint8_t *wire;
	size_t len, n = 0;
	int i;

	for (i = 0; i < 20; i++)
		n += (size_t)snprintf(lines + n, sizeof(lines) - n,
		    "ns good.test.,broken,twenty a%d.good.test. 60 IN NSEC "
		    "b.good.test. A\n", i);
	message("good.test", 15, lines, &wire, &len);
	ldns_rr_list_push_rr(keys, z->zskrr);
	dns_name_set(&name, (const uint8_t *)"\4good\4test", 11);
	is_int(dns_message_open(&m, wire, len, why), 0, "twenty sets");
	is_int(dns_denial_take(&d, &m, &name, keys, NOW, &effort, &ttl, why),
	    0, "none is right");
	is_int(effort.signatures, DNS_ALL_TRIES, "tried: not more than 200");
	is_str(why, "too many signatures", "and words");
	dns_message_close(&m);
	ldns_rr_list_free(keys);
	free(wire);
}

/* ---- a man in the middle ---- */

/* What the engine takes from a message; "": not an answer to our question. */
static void
digest(const uint8_t *wire, size_t len, char *to, size_t size)
{
	struct dns_question q = { .type = DNS_MX, .name =
	    (char *)(uintptr_t)"good.test" };
	uint8_t asks[DNS_QUESTION_MAX];
	size_t i, n, asks_len, name_len;
	struct dns_answer a;
	enum dns_parsed p;
	uint32_t life;

	*to = '\0';
	dns_pack(&q, asks, &asks_len, &name_len);
	if (dns_is_reply(asks, name_len, wire, len) == DNS_OTHER)
		return;
	memset(&a, 0, sizeof(a));
	p = dns_parse(&q, wire, len, &a, &life);
	n = (size_t)snprintf(to, size, "%d %d", (int)p, (int)a.status);
	for (i = 0; i < a.n && n < size; i++)
		n += (size_t)snprintf(to + n, size - n, " %u %s",
		    a.rr[i].preference, a.rr[i].name);
	for (i = 0; to[i] != '\0'; i++)
		if (to[i] >= 'A' && to[i] <= 'Z')
			to[i] |= 32;
	dns_answer_fail(&a, DNS_NODATA, "");
	free(a.name);
}

/* Each bit of an answer changed: what is then called secure says the same as
 * before, or is no answer to our question. */
static void
test_bits(const char *what, const char *lines)
{
	struct dns_anchor *a = root_anchor();
	char before[200], after[200];
	unsigned wrong = 0, secure = 0;
	enum dns_verdict v;
	struct dns_chain *c;
	uint8_t *wire;
	size_t len, i;

	dns_chain_free(run(a, "good.test", 15, lines, NULL, &v));
	is_int(v, S, what);
	message("good.test", 15, lines, &wire, &len);
	digest(wire, len, before, sizeof(before));
	for (i = 0; i < len * 8; i++) {
		wire[i / 8] ^= (uint8_t)(1u << (i & 7));
		digest(wire, len, after, sizeof(after));
		c = dns_chain_new(a, "good.test", 15, wire, len);
		while ((v = dns_chain_step(c, NOW)) == DNS_CHAIN_ASK)
			feed(c, NULL);
		secure += v == S;
		if ((after[0] == '0' || after[0] == '5') && (v == I ||
		    (v == S && strcmp(before, after) != 0 &&
		    !dns_chain_is_nodata(c)))) {
			printf("# bit %zu: %s\n", i, after);
			wrong++;
		}
		dns_chain_free(c);
		wire[i / 8] ^= (uint8_t)(1u << (i & 7));
	}
	is_int(wrong, 0, "no bit changed makes another answer secure");
	ok(secure > 0 && secure < len * 4, "%u of %zu do not matter", secure,
	    len * 8);
	for (i = 0; i < len; i++) {
		c = dns_chain_new(a, "good.test", 15, wire, i);
		while ((v = dns_chain_step(c, NOW)) == DNS_CHAIN_ASK)
			feed(c, NULL);
		wrong += v == S || v == I;
		dns_chain_free(c);
	}
	is_int(wrong, 0, "cut off anywhere it is neither");
	free(wire);
	dns_anchor_free(a);
}

/* ---- names ---- */

static void
test_names(void)
{
	/* In canonical order, as RFC 4034 has them. */
	static const char *const order[] = { "\7example", "\1a\7example",
	    "\10yljkjljk\1a\7example", "\1Z\1a\7example",
	    "\4zABC\1a\7EXAMPLE", "\1z\7example", "\1\1\1z\7example",
	    "\1*\1z\7example", "\1\310\1z\7example" };
	struct dns_name a, b;
	size_t i, k, n = sizeof(order) / sizeof(order[0]);
	char text[32];
	int wrong = 0, want, got;

	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++) {
			dns_name_set(&a, (const uint8_t *)order[i],
			    strlen(order[i]) + 1);
			dns_name_set(&b, (const uint8_t *)order[k],
			    strlen(order[k]) + 1);
			want = i < k ? -1 : i > k;
			got = dns_name_compare(&a, &b);
			wrong += (got > 0) - (got < 0) != want;
		}
	is_int(wrong, 0, "canonical order");
	is_int(dns_name_set(&a, (const uint8_t *)"\5ab", 4), -1, "cut off");
	is_int(dns_name_set(&a, (const uint8_t *)"\1a\0\0", 4), -1, "too long");
	is_int(dns_name_set(&a, (const uint8_t *)"\300\14", 2), -1, "pointer");
	dns_name_set(&a, (const uint8_t *)"\3xab\1c", 7);
	dns_name_set(&b, (const uint8_t *)"\2ab\1c", 6);
	ok(!dns_name_within(&a, &b), "xab.c is not within ab.c");
	is_str(dns_name_text(&a, text, 4), "xab", "text is cut");
	is_str(dns_name_text(&a, text, sizeof(text)), "xab.c", "text");
}

int
main(void)
{
	make_keys();
	test_names();
	test_rows();
	test_asked();
	test_shared();
	test_short();
	test_nodata();
	test_island();
	test_text();
	test_effort();
	test_bits("an answer", "an good.test. " GOOD_MX);
	test_bits("a denial", "ns good.test. good.test. 60 IN NSEC "
	    "a.good.test. NS SOA RRSIG NSEC DNSKEY");
	return done();
}
