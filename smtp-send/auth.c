/* SPDX-License-Identifier: ISC
 *
 * A login at a relay (RFC 4954): SCRAM-SHA-256, else PLAIN, else LOGIN.  The
 * password is never said to a host that has not proved its name, but to this
 * one itself.  A refusal is the administrator's to mend, not the sender's: the
 * mail waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes/base64.h"
#include "client_local.h"
#include "grammar/scram.h"
#include "mail/password.h"

#define LINE_MAX_OUT	8192
#define NONCE		18		/* octets, 24 in base64 */
#define ROUNDS_MAX	2000000		/* more would keep us busy for long */

static int
refuse(struct talk *t, const char *status, const char *words)
{
	client_report_all(t->m, OUTCOME_TEMPORARY, status, t->c->place,
	    words);
	return -1;
}

/* Send a line: text, then octets in base64; read the reply.  0, or -1. */
static int
say(struct talk *t, const char *text, const void *p, size_t n)
{
	struct buf b;

	buf_init(&b, LINE_MAX_OUT);
	buf_adds(&b, text);
	base64_encode(&b, p, n);
	buf_adds(&b, "\r\n");
	if (buf_failed(&b)) {
		buf_wipe(&b);
		return refuse(t, "4.7.0", "the login is too long");
	}
	stream_write(t->c->stream, b.data, b.len);
	buf_wipe(&b);
	if (client_hear(t, CLIENT_WAIT) == HEARD_REPLY && !t->c->lost)
		return 0;
	client_report_lost(t, "at AUTH");
	return -1;
}

/* The last reply decides. */
static int
verdict(struct talk *t)
{
	if (t->c->reply.code == 235)
		return 0;
	if (t->c->reply.status.class == 5)
		t->c->reply.status.class = 4;
	client_report_reply_all(t, OUTCOME_TEMPORARY);
	return -1;
}

/* message = [authzid] NUL authcid NUL passwd (RFC 4616, section 2) */
static int
plain(struct talk *t)
{
	const struct relay_login *l = t->c->login;
	struct buf b;
	int done;

	buf_init(&b, LINE_MAX_OUT);
	buf_addc(&b, '\0');
	buf_adds(&b, l->user);
	buf_addc(&b, '\0');
	buf_adds(&b, l->password);
	done = buf_failed(&b) ? refuse(t, "4.7.0", "the login is too long") :
	    say(t, "AUTH PLAIN ", b.data, b.len);
	buf_wipe(&b);
	return done == -1 ? -1 : verdict(t);
}

/* What it asks for is called differently, and always this. */
static int
login(struct talk *t)
{
	const struct relay_login *l = t->c->login;

	if (say(t, "AUTH LOGIN", "", 0) == -1)
		return -1;
	if (t->c->reply.code == 334 &&
	    say(t, "", l->user, strlen(l->user)) == -1)
		return -1;
	if (t->c->reply.code == 334 &&
	    say(t, "", l->password, strlen(l->password)) == -1)
		return -1;
	return verdict(t);
}

/* ---- SCRAM-SHA-256 (RFC 5802, RFC 7677) ---- */

struct exchange {
	char		nonce[BASE64_LEN(NONCE) + 1];
	struct buf	bare;		/* client-first-message-bare */
	struct buf	server;		/* server-first-message */
	struct buf	final;		/* client-final-message */
	unsigned char	signature[PASSWORD_SCRAM];	/* to be expected */
};

/* saslname: "," and "=" in it are written otherwise (section 5.1). */
static void
add_name(struct buf *b, const char *name)
{
	for (; *name != '\0'; name++)
		if (*name == ',')
			buf_adds(b, "=2C");
		else if (*name == '=')
			buf_adds(b, "=3D");
		else
			buf_addc(b, *name);
}

static void
first(struct exchange *x, const char *user)
{
	unsigned char random[NONCE];
	struct buf b;

	arc4random_buf(random, sizeof(random));
	buf_init(&b, sizeof(x->nonce));
	base64_encode(&b, random, sizeof(random));
	strlcpy(x->nonce, buf_str(&b) == NULL ? "" : buf_str(&b),
	    sizeof(x->nonce));
	buf_free(&b);
	buf_adds(&x->bare, "n=");
	add_name(&x->bare, user);
	buf_addf(&x->bare, ",r=%s", x->nonce);
}

/* Answer the challenge; 0, or -1: it is none. */
static int
answer(struct exchange *x, const char *password)
{
	struct scram_challenge c;
	unsigned char proof[PASSWORD_SCRAM];
	struct buf message;
	int done = -1;

	if (buf_failed(&x->server) || x->server.len == 0 ||
	    scram_challenge(&c, x->server.data, x->server.len, x->nonce) ==
	    -1 || c.rounds > ROUNDS_MAX)
		return -1;
	/* "biws" is "n,,": no channel is bound. */
	buf_addf(&x->final, "c=biws,r=%.*s", (int)c.nonce.n, c.nonce.p);
	buf_init(&message, LINE_MAX_OUT);
	buf_add(&message, x->bare.data, x->bare.len);
	buf_addc(&message, ',');
	buf_add(&message, x->server.data, x->server.len);
	buf_addc(&message, ',');
	buf_add(&message, x->final.data, x->final.len);
	if (buf_str(&message) != NULL && password_scram_proof(password,
	    c.salt, c.nsalt, c.rounds, buf_str(&message), proof,
	    x->signature) == 0) {
		buf_adds(&x->final, ",p=");
		base64_encode(&x->final, proof, sizeof(proof));
		done = buf_failed(&x->final) ? -1 : 0;
	}
	buf_free(&message);
	return done;
}

/* Is this the server that knows the password too? */
static int
is_server(struct talk *t, const struct exchange *x)
{
	unsigned char got[PASSWORD_SCRAM];
	const char *text = buf_str(&t->c->reply.text);
	unsigned differ = 0;
	struct buf b;
	int good = 0;
	size_t i;

	buf_init(&b, LINE_MAX_OUT);
	if (text != NULL && base64_decode(&b, text, strlen(text)) == 1 &&
	    scram_verdict(b.data, b.len, got) == 1)
		good = 1;
	for (i = 0; good && i < sizeof(got); i++)
		differ |= (unsigned)(got[i] ^ x->signature[i]);
	buf_free(&b);
	return good && differ == 0;
}

static int
exchange(struct talk *t, struct exchange *x)
{
	const char *text;
	struct buf b;

	first(x, t->c->login->user);
	buf_init(&b, LINE_MAX_OUT);
	buf_adds(&b, "n,,");
	buf_add(&b, x->bare.data, x->bare.len);
	if (say(t, "AUTH SCRAM-SHA-256 ", b.data, b.len) == -1) {
		buf_free(&b);
		return -1;
	}
	buf_free(&b);
	if (t->c->reply.code != 334)
		return verdict(t);
	text = buf_str(&t->c->reply.text);
	if (text == NULL ||
	    base64_decode(&x->server, text, strlen(text)) != 1 ||
	    answer(x, t->c->login->password) == -1)
		return refuse(t, "4.7.0", "the host's challenge of "
		    "SCRAM-SHA-256 is none");
	if (say(t, "", x->final.data, x->final.len) == -1)
		return -1;
	if (t->c->reply.code != 334)
		return t->c->reply.code == 235 ? refuse(t, "4.7.0",
		    "the host does not prove that it knows the password") :
		    verdict(t);
	if (!is_server(t, x))
		return refuse(t, "4.7.0", "the host does not prove that it "
		    "knows the password");
	return say(t, "", "", 0) == -1 ? -1 : verdict(t);
}

static int
scram(struct talk *t)
{
	struct exchange x;
	int done;

	buf_init(&x.bare, SCRAM_BARE_MAX);
	buf_init(&x.server, LINE_MAX_OUT);
	buf_init(&x.final, LINE_MAX_OUT);
	done = exchange(t, &x);
	buf_free(&x.bare);
	buf_free(&x.server);
	buf_free(&x.final);
	return done;
}

/* ---- which ---- */

int
client_auth(struct talk *t)
{
	unsigned can = t->c->ehlo.can;
	char words[DELIVERY_REPLY_MAX];
	struct tls_info info;

	memset(&info, 0, sizeof(info));
	if (!t->c->near && (!tls_describe(t->c->stream, &info) ||
	    !info.verified)) {
		snprintf(words, sizeof(words), "no password is sent to a host "
		    "that has not proved its name: %s", info.why[0] != '\0' ?
		    info.why : "it offers no TLS");
		return refuse(t, "4.7.11", words);
	}
	if (can & SMTP_CAN_AUTH_SCRAM_SHA_256)
		return scram(t);
	if (can & SMTP_CAN_AUTH_PLAIN)
		return plain(t);
	if (can & SMTP_CAN_AUTH_LOGIN)
		return login(t);
	return refuse(t, "4.7.0", "the host offers no login that we have");
}
