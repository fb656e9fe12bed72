/* SPDX-License-Identifier: ISC
 *
 * The door's side of SASL: which mechanisms are offered, and the exchange of
 * SCRAM, which it only carries: names and proofs to the monitor, challenges
 * and signatures back.  What SCRAM is bound to, the door alone knows.
 */
#include <string.h>

#include "mail/login.h"

static bool
configured(const char *name)
{
	return conf_list_has(&login.settings->auth_mechanisms, name);
}

bool
login_offers(const struct stream *stream, enum sasl_mechanism m)
{
	switch (m) {
	case SASL_PLAIN:
		return configured("PLAIN");
	case SASL_LOGIN:
		return configured("LOGIN");
	case SASL_SCRAM_SHA_256:
		return login.scram && configured("SCRAM-SHA-256");
	case SASL_SCRAM_SHA_256_PLUS:
		return login.scram && configured("SCRAM-SHA-256") &&
		    tls_on(stream);
	case SASL_UNKNOWN:
		break;
	}
	return false;
}

void
login_mechanisms(const struct stream *stream, void (*fn)(const char *, void *),
    void *arg)
{
	const struct conf_list *list = &login.settings->auth_mechanisms;
	const char *name;
	size_t i;

	if (login_offers(stream, SASL_SCRAM_SHA_256_PLUS))
		fn("SCRAM-SHA-256-PLUS", arg);
	for (i = 0; i < list->n; i++) {
		name = list->v[i];
		if (login_offers(stream, sasl_mechanism(name, strlen(name))))
			fn(name, arg);
	}
}

/* RFC 9266 and RFC 5929. */
static void
channels_of(const struct stream *stream,
    struct sasl_channel c[SASL_CHANNELS])
{
	static const struct {
		const char		*name;
		enum tls_binding	 binding;
	} all[SASL_CHANNELS] = {
		{ "tls-exporter", TLS_EXPORTER },
		{ "tls-server-end-point", TLS_SERVER_END_POINT }
	};
	size_t i, n = 0;

	memset(c, 0, SASL_CHANNELS * sizeof(*c));
	for (i = 0; i < SASL_CHANNELS; i++) {
		c[n].n = tls_channel(stream, all[i].binding, c[n].data,
		    sizeof(c[n].data));
		if (c[n].n > 0)
			c[n++].name = all[i].name;
	}
}

/* An answer of the monitor to one of its two questions. */
static enum login_verdict
verdict_of(int r, enum login_verdict v)
{
	if (r != 0)
		return r == 1 ? LOGIN_LATER : LOGIN_GONE;
	return v >= LOGIN_GOOD && v <= LOGIN_GONE ? v : LOGIN_LATER;
}

static enum sasl_result
ask_first(struct server_session *s, struct sasl *sasl)
{
	struct login_scram_first_request request;
	struct login_scram_first_reply reply;
	int r;

	memset(&request, 0, sizeof(request));
	strlcpy(request.login, sasl->authcid, sizeof(request.login));
	strlcpy(request.bare, sasl->scram.bare, sizeof(request.bare));
	strlcpy(request.nonce, sasl->scram.nonce, sizeof(request.nonce));
	memset(&reply, 0, sizeof(reply));
	r = server_ask(s, LOGIN_OP_SCRAM_FIRST, &request, &reply, NULL, 0,
	    NULL);
	sasl->verdict = verdict_of(r, reply.verdict);
	if (sasl->verdict != LOGIN_GOOD)
		return SASL_DONE;
	reply.server[SASL_SERVER_MAX] = '\0';
	return sasl_scram_challenge(sasl, reply.server);
}

static enum sasl_result
ask_final(struct server_session *s, struct sasl *sasl)
{
	struct login_scram_final_request request;
	struct login_scram_final_reply reply;
	int r;

	memset(&request, 0, sizeof(request));
	strlcpy(request.channel, sasl->scram.channel,
	    sizeof(request.channel));
	strlcpy(request.extensions, sasl->scram.extensions,
	    sizeof(request.extensions));
	memcpy(request.proof, sasl->scram.proof, sizeof(request.proof));
	memset(&reply, 0, sizeof(reply));
	r = server_ask(s, LOGIN_OP_SCRAM_FINAL, &request, &reply, NULL, 0,
	    NULL);
	sasl->verdict = verdict_of(r, reply.verdict);
	if (sasl->verdict != LOGIN_GOOD)
		return SASL_DONE;
	return sasl_scram_signature(sasl, reply.signature);
}

static enum sasl_result
go_on(struct server_session *s, struct stream *stream, struct sasl *sasl,
    enum sasl_result r)
{
	if (r != SASL_ASK_FIRST && r != SASL_ASK_FINAL)
		return r;
	/* The answer to a wrong proof comes late. */
	(void)stream_flush(stream);
	return r == SASL_ASK_FIRST ? ask_first(s, sasl) : ask_final(s, sasl);
}

enum sasl_result
login_sasl_begin(struct server_session *s, struct stream *stream,
    struct sasl *sasl, enum sasl_mechanism m, const char *initial, size_t n)
{
	struct sasl_channel channels[SASL_CHANNELS];

	if (!sasl_is_scram(m))
		return sasl_begin(sasl, m, initial, n);
	channels_of(stream, channels);
	return go_on(s, stream, sasl, sasl_begin_scram(sasl, m, channels,
	    initial, n));
}

enum sasl_result
login_sasl_step(struct server_session *s, struct stream *stream,
    struct sasl *sasl, const char *line, size_t n)
{
	return go_on(s, stream, sasl, sasl_step(sasl, line, n));
}
