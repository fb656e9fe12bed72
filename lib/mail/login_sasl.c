/* SPDX-License-Identifier: ISC
 *
 * The door's side of SASL: which mechanisms are offered, and the exchange of
 * SCRAM, which it only carries: names and proofs to the monitor, challenges
 * and signatures back.  What SCRAM is bound to, the door alone knows.
 */
#include <string.h>

#include "mail/login_scram.h"
#include "system/tls.h"

const char *
login_verdict_name(enum login_verdict v)
{
	switch (v) {
	case LOGIN_GOOD:
		return "good";
	case LOGIN_WRONG:
		return "wrong";
	case LOGIN_LATER:
		return "later";
	case LOGIN_LOCKED:
		return "locked";
	case LOGIN_GONE:
		return "gone";
	}
	return "unknown";
}

bool
login_way_offers(const struct conf_list *mechanisms, bool scram,
    const struct stream *stream, enum sasl_mechanism m)
{
	switch (m) {
	case SASL_PLAIN:
		return conf_list_has(mechanisms, "PLAIN");
	case SASL_LOGIN:
		return conf_list_has(mechanisms, "LOGIN");
	case SASL_SCRAM_SHA_256:
		return scram && conf_list_has(mechanisms, "SCRAM-SHA-256");
	case SASL_SCRAM_SHA_256_PLUS:
		return scram && conf_list_has(mechanisms, "SCRAM-SHA-256") &&
		    tls_on(stream);
	case SASL_UNKNOWN:
		break;
	}
	return false;
}

void
login_way_mechanisms(const struct conf_list *list, bool scram,
    const struct stream *stream, void (*fn)(const char *, void *), void *arg)
{
	const char *name;
	size_t i;

	if (login_way_offers(list, scram, stream, SASL_SCRAM_SHA_256_PLUS))
		fn("SCRAM-SHA-256-PLUS", arg);
	for (i = 0; i < list->n; i++) {
		name = list->v[i];
		if (login_way_offers(list, scram, stream,
		    sasl_mechanism(name, strlen(name))))
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
ask_first(const struct login_way *way, struct sasl *sasl)
{
	struct login_scram_first_request request;
	struct login_scram_first_reply reply;
	int r;

	memset(&request, 0, sizeof(request));
	strlcpy(request.login, sasl->authcid, sizeof(request.login));
	strlcpy(request.bare, sasl->scram.bare, sizeof(request.bare));
	strlcpy(request.nonce, sasl->scram.nonce, sizeof(request.nonce));
	memset(&reply, 0, sizeof(reply));
	r = server_ask(way->server, way->first, &request, &reply, NULL, 0,
	    NULL);
	sasl->verdict = verdict_of(r, reply.verdict);
	if (sasl->verdict != LOGIN_GOOD)
		return SASL_DONE;
	reply.server[SASL_SERVER_MAX] = '\0';
	return sasl_scram_challenge(sasl, reply.server);
}

static enum sasl_result
ask_final(const struct login_way *way, struct sasl *sasl)
{
	struct login_scram_final_request request;
	int r;

	memset(&request, 0, sizeof(request));
	strlcpy(request.channel, sasl->scram.channel,
	    sizeof(request.channel));
	strlcpy(request.extensions, sasl->scram.extensions,
	    sizeof(request.extensions));
	memcpy(request.proof, sasl->scram.proof, sizeof(request.proof));
	memset(way->reply, 0, sizeof(*way->reply));
	r = server_ask(way->server, way->final, &request, way->reply, NULL, 0,
	    NULL);
	sasl->verdict = verdict_of(r, way->reply->verdict);
	if (sasl->verdict != LOGIN_GOOD)
		return SASL_DONE;
	return sasl_scram_signature(sasl, way->reply->signature);
}

static enum sasl_result
go_on(const struct login_way *way, struct sasl *sasl, enum sasl_result r)
{
	if (r != SASL_ASK_FIRST && r != SASL_ASK_FINAL)
		return r;
	/* The answer to a wrong proof comes late. */
	(void)stream_flush(way->stream);
	return r == SASL_ASK_FIRST ? ask_first(way, sasl) :
	    ask_final(way, sasl);
}

enum sasl_result
login_way_begin(const struct login_way *way, struct sasl *sasl,
    enum sasl_mechanism m, const char *initial, size_t n)
{
	struct sasl_channel channels[SASL_CHANNELS];

	if (!sasl_is_scram(m))
		return sasl_begin(sasl, m, initial, n);
	channels_of(way->stream, channels);
	return go_on(way, sasl, sasl_begin_scram(sasl, m, channels, initial,
	    n));
}

enum sasl_result
login_way_step(const struct login_way *way, struct sasl *sasl,
    const char *line, size_t n)
{
	return go_on(way, sasl, sasl_step(sasl, line, n));
}
