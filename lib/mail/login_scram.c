/* SPDX-License-Identifier: ISC
 *
 * The monitor's side of SCRAM-SHA-256, in two requests: a challenge for a
 * name, then the proof.  Both work in a helper, which has the keys for that
 * long; the door never does.  The nonce is ours and lasts for one proof.
 */
#include <stdlib.h>
#include <string.h>

#include "bytes/base64.h"
#include "mail/auth_scram.h"
#include "mail/login_scram.h"
#include "system/log.h"

#define NONCE	18	/* octets of ours: 24 characters */

bool
login_scram_ready(const struct conf_list *mechanisms, struct users *now)
{
	static const struct users *users;
	static unsigned version;
	static bool ready;
	char error[CONF_ERROR_MAX];

	if (!conf_list_has(mechanisms, "SCRAM-SHA-256"))
		return false;
	if (users == now && version == users_version(now))
		return ready;
	users = now;
	version = users_version(now);
	ready = auth_scram_ready(now, error) == 0;
	if (!ready)
		log_warn("auth", "mechanism=SCRAM-SHA-256 offered=no "
		    "error=%s", log_str(error));
	return ready;
}

static bool
is_string(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

/* May there be a guess now?  The reply is the verdict otherwise. */
static int
admit(struct server_call *call, bool strings, bool ready,
    enum login_verdict *verdict)
{
	if (!strings) {
		server_violation(call, "scram strings");
		return 0;
	}
	if (!call->locked && ready)
		return 1;
	*verdict = call->locked ? LOGIN_LOCKED : LOGIN_LATER;
	return 0;
}

/*
 * The challenge.
 */

int
login_scram_check_first(struct server_call *call, bool ready)
{
	const struct login_scram_first_request *r = call->request;
	struct login_scram_first_reply *reply = call->reply;

	return admit(call, is_string(r->login, sizeof(r->login)) &&
	    is_string(r->bare, sizeof(r->bare)) &&
	    is_string(r->nonce, sizeof(r->nonce)), ready, &reply->verdict);
}

/* server-first-message = nonce "," salt "," iteration-count */
static int
write_first(char out[SASL_SERVER_MAX + 1], const char *nonce,
    const struct password_scram *s)
{
	unsigned char ours[NONCE];
	struct buf b;
	int r = -1;

	arc4random_buf(ours, sizeof(ours));
	buf_init(&b, SASL_SERVER_MAX);
	buf_addf(&b, "r=%s", nonce);
	base64_encode(&b, ours, sizeof(ours));
	buf_adds(&b, ",s=");
	base64_encode(&b, s->salt, s->nsalt);
	buf_addf(&b, ",i=%u", s->rounds);
	if (!buf_failed(&b)) {
		memcpy(out, buf_str(&b), b.len + 1);
		r = 0;
	}
	buf_free(&b);
	return r;
}

void
login_scram_run_first(struct server_call *call, struct users *users)
{
	const struct login_scram_first_request *request = call->request;
	struct login_scram_first_reply *reply = call->reply;
	struct password_scram s;
	char error[CONF_ERROR_MAX] = "";

	reply->verdict = LOGIN_LATER;
	if (server_become_door() == -1)
		return;
	if (auth_scram_first(users, request->login, &s, error) !=
	    AUTH_OK)
		log_error("auth", "error=%s", log_str(error));
	else if (write_first(reply->server, request->nonce, &s) == 0)
		reply->verdict = LOGIN_GOOD;
}

bool
login_scram_done_first(const struct server_call *call, struct login_scram *m)
{
	const struct login_scram_first_request *request = call->request;
	const struct login_scram_first_reply *reply = call->reply;

	if (reply->verdict != LOGIN_GOOD)
		return false;
	memcpy(m->login, request->login, sizeof(request->login));
	memcpy(m->bare, request->bare, sizeof(request->bare));
	memcpy(m->server, reply->server, sizeof(reply->server));
	m->server[SASL_SERVER_MAX] = '\0';
	return true;
}

/*
 * The proof.
 */

int
login_scram_check_final(struct server_call *call, bool ready)
{
	const struct login_scram_final_request *r = call->request;
	struct login_scram_final_reply *reply = call->reply;

	return admit(call, is_string(r->channel, sizeof(r->channel)) &&
	    is_string(r->extensions, sizeof(r->extensions)), ready,
	    &reply->verdict);
}

/* AuthMessage := client-first-message-bare "," server-first-message ","
 *	client-final-message-without-proof		(section 3) */
static int
write_message(struct buf *b, const struct login_scram *scram,
    const struct login_scram_final_request *request)
{
	buf_addf(b, "%s,", scram->bare);
	buf_addf(b, "%s,", scram->server);
	buf_addf(b, "c=%s,", request->channel);
	buf_add(b, scram->server, strcspn(scram->server, ","));
	buf_adds(b, request->extensions);
	(void)buf_str(b);
	return buf_failed(b) ? -1 : 0;
}

bool
login_scram_run_final(struct server_call *call, struct users *users,
    const struct login_scram *m, struct user *user)
{
	const struct login_scram_final_request *request = call->request;
	struct login_scram_final_reply *reply = call->reply;
	struct auth_proof proof = { m->login, NULL, request->proof };
	char error[CONF_ERROR_MAX] = "";
	struct buf message;

	reply->verdict = LOGIN_LATER;
	buf_init(&message, 4096);
	if (server_become_door() == -1 ||
	    write_message(&message, m, request) == -1)
		return false;
	proof.message = buf_str(&message);
	switch (auth_scram_final(users, &proof, call->peer->ip, user,
	    reply->signature, error)) {
	case AUTH_OK:
		reply->verdict = LOGIN_GOOD;
		break;
	case AUTH_WRONG:
	case AUTH_DISABLED:
		reply->verdict = LOGIN_WRONG;
		break;
	case AUTH_TEMPORARY:
		log_error("auth", "error=%s", log_str(error));
		break;
	}
	buf_free(&message);
	return reply->verdict == LOGIN_GOOD;
}
