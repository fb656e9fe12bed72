/* SPDX-License-Identifier: ISC
 *
 * Proves SCRAM-SHA-256: RFC 7677's example to its last octet, each rule of RFC
 * 5802, section 7, and its breach, channel binding (section 6), and that nobody
 * looks like somebody and is let in by no proof.
 */
#include <stdlib.h>

#include "bytes/base64.h"
#include "grammar/sasl.h"
#include "mail/password.h"
#include "tap.h"

#define BARE	"n=user,r=rOprNGfwEbeRWgbNEkqO"
#define NONCE	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SERVER	NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define PROOF	"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define VERIFIER "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static const struct {
	const char	*message;
	int		 want;
	char		 flag;
	const char	*authzid, *name;
} firsts[] = {
	{ "n,," BARE, 0, 'n', "", "user" },
	{ "y,," BARE, 0, 'y', "", "user" },
	{ "p=tls-exporter,," BARE, 0, 'p', "", "user" },
	{ "n,a=boss," BARE, 0, 'n', "boss", "user" },
	{ "n,,n=a=2Cb=3Dc,r=x", 0, 'n', "", "a,b=c" },
	{ "n,,n=us\303\251r,r=x,e=extension,f==", 0, 'n', "", "us\303\251r" },
	{ "", -1, 0, NULL, NULL },
	{ "n", -1, 0, NULL, NULL },
	{ "n,", -1, 0, NULL, NULL },
	{ "n,,", -1, 0, NULL, NULL },
	{ "x,," BARE, -1, 0, NULL, NULL },
	{ "p=,," BARE, -1, 0, NULL, NULL },
	{ "p=tls_exporter,," BARE, -1, 0, NULL, NULL },
	{ "n,a=," BARE, -1, 0, NULL, NULL },
	{ "n,b=c," BARE, -1, 0, NULL, NULL },
	{ "n,,m=must," BARE, -1, 0, NULL, NULL },
	{ "n,,n=,r=x", -1, 0, NULL, NULL },
	{ "n,,n=a=2cb,r=x", -1, 0, NULL, NULL },
	{ "n,,n=a=,r=x", -1, 0, NULL, NULL },
	{ "n,,n=a=2,r=x", -1, 0, NULL, NULL },
	{ "n,,n=us\351r,r=x", -1, 0, NULL, NULL },
	{ "n,,n=user", -1, 0, NULL, NULL },
	{ "n,,n=user,r=", -1, 0, NULL, NULL },
	{ "n,,n=user,r=a b", -1, 0, NULL, NULL },
	{ "n,,n=user,r=\303\251", -1, 0, NULL, NULL },
	{ "n,,n=user,r=x,", -1, 0, NULL, NULL },
	{ "n,,n=user,r=x,1=y", -1, 0, NULL, NULL },
	{ "n,,n=user,r=x,e=", -1, 0, NULL, NULL },
	{ "n,,r=x,n=user", -1, 0, NULL, NULL }
};

static const struct {
	const char	*message;
	int		 want;
	const char	*extensions;
} finals[] = {
	{ "c=biws," NONCE ",p=" PROOF, 0, "" },
	{ "c=biws," NONCE ",e=f,x=yz,p=" PROOF, 0, ",e=f,x=yz" },
	{ "", -1, NULL },
	{ "c=biws," NONCE, -1, NULL },
	{ "c=biws,p=" PROOF, -1, NULL },
	{ NONCE ",c=biws,p=" PROOF, -1, NULL },
	{ "c=biws," NONCE ",p=" PROOF "=", -1, NULL },
	{ "c=biws," NONCE ",p=AAAA", -1, NULL },
	{ "c=biws," NONCE ",p=", -1, NULL },
	{ "c=biws," NONCE ",p=" PROOF ",e=f", -1, NULL },
	{ "c=biws," NONCE ",e,p=" PROOF, -1, NULL }
};

static void
check_grammar(void)
{
	struct scram_first f;
	struct scram_final l;
	size_t i;

	for (i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		is_int(scram_first(&f, firsts[i].message,
		    strlen(firsts[i].message)), firsts[i].want,
		    firsts[i].message);
		if (firsts[i].want == -1)
			continue;
		is_int(f.flag, firsts[i].flag, "its flag");
		is_str(f.authzid, firsts[i].authzid, "its authzid");
		is_str(f.name, firsts[i].name, "its name");
	}
	is_int(scram_first(&f, "n,,n=us\0r,r=x", 13), -1, "NUL in a name");
	for (i = 0; i < sizeof(finals) / sizeof(finals[0]); i++) {
		is_int(scram_final(&l, finals[i].message,
		    strlen(finals[i].message)), finals[i].want,
		    finals[i].message);
		if (finals[i].want == 0)
			is_mem(l.extensions.p, l.extensions.n,
			    finals[i].extensions,
			    strlen(finals[i].extensions), "extensions");
	}
}

/* A message of a client in base64, as its line. */
static enum sasl_result
step(struct sasl *s, const char *message)
{
	enum sasl_result r;
	struct buf b;

	buf_init(&b, 4000);
	base64_encode(&b, message, strlen(message));
	r = sasl_step(s, b.data == NULL ? "" : b.data, b.len);
	buf_free(&b);
	return r;
}

static void
is_challenge(const struct sasl *s, const char *want)
{
	struct buf b;

	buf_init(&b, 1000);
	base64_decode(&b, s->challenge, strlen(s->challenge));
	is_str(buf_str(&b), want, "the challenge");
	buf_free(&b);
}

static void
unbase64(unsigned char out[PASSWORD_SCRAM], const char *text)
{
	struct buf b;

	buf_init(&b, 100);
	base64_decode(&b, text, strlen(text));
	memset(out, 0, PASSWORD_SCRAM);
	memcpy(out, b.data, b.len);
	buf_free(&b);
}

/* RFC 7677, section 3. */
static void
check_example(void)
{
	unsigned char salt[PASSWORD_SCRAM], sig[PASSWORD_SCRAM];
	unsigned char want[PASSWORD_SCRAM];
	struct password_scram keys;
	struct sasl s;
	char message[4000];

	is_int(sasl_begin(&s, SASL_SCRAM_SHA_256, NULL, 0), SASL_CONTINUE,
	    "SCRAM begins");
	is_str(s.challenge, "", "with an empty challenge");
	is_int(step(&s, "n,," BARE), SASL_ASK_FIRST, "client-first-message");
	is_str(s.authcid, "user", "the name");
	is_str(s.scram.nonce, "rOprNGfwEbeRWgbNEkqO", "the nonce");
	is_int(sasl_scram_challenge(&s, SERVER), SASL_CONTINUE, "goes on");
	is_challenge(&s, SERVER);
	is_int(step(&s, "c=biws," NONCE ",p=" PROOF), SASL_ASK_FINAL,
	    "client-final-message");
	unbase64(salt, "W22ZaJ0SNY7soEsUEjb6gQ==");
	is_int(password_scram("{PLAIN}pencil", salt, true, &keys),
	    PASSWORD_RIGHT, "keys of pencil");
	snprintf(message, sizeof(message), "%s,%s,c=%s,%s%s", s.scram.bare,
	    SERVER, s.scram.channel, NONCE, s.scram.extensions);
	is_int(password_scram_check(&keys, message, s.scram.proof, sig),
	    PASSWORD_RIGHT, "the proof is right");
	unbase64(want, VERIFIER);
	is_mem(sig, sizeof(sig), want, sizeof(want), "ServerSignature");
	is_int(sasl_scram_signature(&s, sig), SASL_CONTINUE, "it is told");
	is_challenge(&s, "v=" VERIFIER);
	is_int(step(&s, ""), SASL_DONE, "done");
	s.scram.proof[31] ^= 1;
	is_int(password_scram_check(&keys, message, s.scram.proof, sig),
	    PASSWORD_WRONG, "another proof is wrong");
	memset(want, 0, sizeof(want));
	is_mem(sig, sizeof(sig), want, sizeof(want), "and nothing is signed");
}

static const struct {
	enum sasl_mechanism mechanism;
	int		 offered;	/* channels */
	const char	*first;
	enum sasl_result want;
	const char	*channel;	/* "c=" of the end */
	enum sasl_result end;
} bindings[] = {
	{ SASL_SCRAM_SHA_256, 0, "n,,", SASL_ASK_FIRST, "biws",
	    SASL_ASK_FINAL },
	{ SASL_SCRAM_SHA_256, 0, "y,,", SASL_ASK_FIRST, "eSws",
	    SASL_ASK_FINAL },
	{ SASL_SCRAM_SHA_256, 0, "n,,", SASL_ASK_FIRST, "eSws",
	    SASL_WRONG_CHANNEL },
	{ SASL_SCRAM_SHA_256, 2, "n,,", SASL_ASK_FIRST, "biws",
	    SASL_ASK_FINAL },
	/* someone took the PLUS out of what we offered */
	{ SASL_SCRAM_SHA_256, 2, "y,,", SASL_WRONG_CHANNEL, NULL, 0 },
	{ SASL_SCRAM_SHA_256, 2, "p=one,,", SASL_WRONG_CHANNEL, NULL, 0 },
	{ SASL_SCRAM_SHA_256_PLUS, 2, "n,,", SASL_WRONG_CHANNEL, NULL, 0 },
	{ SASL_SCRAM_SHA_256_PLUS, 2, "y,,", SASL_WRONG_CHANNEL, NULL, 0 },
	{ SASL_SCRAM_SHA_256_PLUS, 2, "p=six,,", SASL_WRONG_CHANNEL, NULL,
	    0 },
	{ SASL_SCRAM_SHA_256_PLUS, 1, "p=two,,", SASL_WRONG_CHANNEL, NULL,
	    0 },
	/* "p=two,,BB" and "p=one,,A", and one for the other */
	{ SASL_SCRAM_SHA_256_PLUS, 2, "p=two,,", SASL_ASK_FIRST,
	    "cD10d28sLEJC", SASL_ASK_FINAL },
	{ SASL_SCRAM_SHA_256_PLUS, 2, "p=one,,", SASL_ASK_FIRST,
	    "cD1vbmUsLEE=", SASL_ASK_FINAL },
	{ SASL_SCRAM_SHA_256_PLUS, 2, "p=two,,", SASL_ASK_FIRST,
	    "cD10d28sLEE=", SASL_WRONG_CHANNEL },
	{ SASL_SCRAM_SHA_256_PLUS, 2, "p=two,,", SASL_ASK_FIRST, "!",
	    SASL_WRONG_CHANNEL }
};

static void
check_binding(size_t i)
{
	const struct sasl_channel all[SASL_CHANNELS] = {
		{ bindings[i].offered > 0 ? "one" : NULL, "A", 1 },
		{ bindings[i].offered > 1 ? "two" : NULL, "BB", 2 }
	};
	char message[500];
	struct sasl s;

	sasl_begin_scram(&s, bindings[i].mechanism, all, NULL, 0);
	snprintf(message, sizeof(message), "%s" BARE, bindings[i].first);
	is_int(step(&s, message), bindings[i].want, bindings[i].first);
	if (bindings[i].channel == NULL)
		return;
	sasl_scram_challenge(&s, SERVER);
	snprintf(message, sizeof(message), "c=%s,%s,p=%s",
	    bindings[i].channel, NONCE, PROOF);
	is_int(step(&s, message), bindings[i].end, bindings[i].channel);
}

static void
check_nonce(void)
{
	struct sasl s;

	sasl_begin(&s, SASL_SCRAM_SHA_256, NULL, 0);
	step(&s, "n,," BARE);
	sasl_scram_challenge(&s, SERVER);
	is_int(step(&s, "c=biws," NONCE "x,p=" PROOF), SASL_BAD_MESSAGE,
	    "a nonce not ours");
	sasl_begin(&s, SASL_SCRAM_SHA_256, NULL, 0);
	step(&s, "n,," BARE);
	sasl_scram_challenge(&s, SERVER);
	is_int(step(&s, "c=biws,r=rOprNGfwEbeRWgbNEkqO,p=" PROOF),
	    SASL_BAD_MESSAGE, "the client's half alone");
}

/* Made by Dovecot's doveadm pw -s SCRAM-SHA-256 -p sesame. */
static const char dovecot[] = "{SCRAM-SHA-256}4096,f6qnuUYDHP/AeMfHfNWWug==,"
    "P+nr5+X1941gB+W5yd+8VAAERtJZYyfFG5sj3VYQ5pk=,KF3xncKqyMntYRGRx40ivP3SryxF"
    "XudjgDn6MoY5RdE=";

static void
check_stored(void)
{
	static const char *const unknown[] = {
	    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "$6$abcdefgh$x",
	    "{SCRAM-SHA-1}4096,AA==,AA==,AA==" };
	static const char *const malformed[] = { "{SCRAM-SHA-256}",
	    "{SCRAM-SHA-256}0,AAAA,AAAA,AAAA",
	    "{SCRAM-SHA-256}4096,f6qnuUYDHP/AeMfHfNWWug==,AAAA,AAAA" };
	unsigned char seed[PASSWORD_SCRAM], other[PASSWORD_SCRAM];
	struct password_scram s, t;
	size_t i;

	is_int(password_seed("key", 3, "bob", seed), 0, "a seed");
	is_int(password_seed("key", 3, "eve", other), 0, "another");
	is_int(password_scram(dovecot, seed, true, &s), PASSWORD_RIGHT,
	    "Dovecot's form");
	is_int(s.rounds, 4096, "its rounds");
	is_int((long long)s.nsalt, 16, "its salt");
	/* the same keys as of the text with that salt */
	memcpy(other, s.salt, 16);
	is_int(password_scram("{PLAIN}sesame", other, true, &t),
	    PASSWORD_RIGHT, "the text");
	is_mem(t.stored, 32, s.stored, 32, "has the same StoredKey");
	is_mem(t.server, 32, s.server, 32, "and ServerKey");
	for (i = 0; i < 3; i++) {
		is_int(password_scram(unknown[i], seed, true, &s),
		    PASSWORD_UNKNOWN, unknown[i]);
		is_int(password_scram(malformed[i], seed, true, &s),
		    PASSWORD_MALFORMED, malformed[i]);
	}
}

static void
check_nobody(const char *like)
{
	unsigned char seed[PASSWORD_SCRAM], other[PASSWORD_SCRAM];
	unsigned char proof[PASSWORD_SCRAM] = { 0 }, sig[PASSWORD_SCRAM];
	struct password_scram a, b, real;

	password_seed("key", 3, "bob", seed);
	password_seed("key", 3, "eve", other);
	password_scram(*like == '\0' ? "{PLAIN}x" : like, seed, false, &real);
	is_int(password_scram_nobody(like, seed, true, &a), PASSWORD_RIGHT,
	    "nobody");
	password_scram_nobody(like, seed, true, &b);
	is_int(a.rounds, real.rounds, "has somebody's rounds");
	is_int((long long)a.nsalt, (long long)real.nsalt, "a salt as long");
	is_mem(a.salt, a.nsalt, b.salt, b.nsalt, "the same each time");
	password_scram_nobody(like, other, true, &b);
	ok(memcmp(a.salt, b.salt, a.nsalt) != 0, "not another's");
	is_int(password_scram_check(&a, "message", proof, sig),
	    PASSWORD_WRONG, "and no way in");
}

int
main(void)
{
	size_t i;

	check_grammar();
	check_example();
	for (i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++)
		check_binding(i);
	check_nonce();
	check_stored();
	check_nobody(dovecot);
	check_nobody("{PLAIN}secret");
	check_nobody("");
	is_int(sasl_mechanism("scram-sha-256-plus", 18),
	    SASL_SCRAM_SHA_256_PLUS, "the PLUS form by name");
	return done();
}
