/* SPDX-License-Identifier: ISC
 *
 * The door's side of a login: asking, and handing the session over; see
 * mail/login.h.  It must never lose an octet the client sent, and wipes what a
 * client said as its password.
 */
#include <sys/socket.h>

#include <string.h>
#include <unistd.h>

#include "mail/login.h"
#include "system/log.h"

#define HANDSHAKE_SECONDS	60
#define STRANGER_SECONDS	900	/* until there is a login */
#define RELAY_SECONDS		300	/* without taking any output */

bool
login_private(const struct server_session *s, const struct stream *stream)
{
	return tls_on(stream) || login.settings->allow_plaintext ||
	    (s->peer.loopback && !s->peer.proxied);
}

/* The key is not needed a second time, and gone before a login. */
static int
shake(struct stream *stream, enum tls_begin begin)
{
	enum stream_status status = tls_accept(stream, login.tls, begin);

	tls_server_forget(login.tls);
	login.tls = NULL;
	if (status == STREAM_OK)
		return 0;
	log_info("tls", "error=%s", log_str(stream_error(stream)));
	return -1;
}

struct stream *
login_stream(struct server_session *s)
{
	struct stream *stream = stream_new(s->in, s->out);
	long long seconds = login.settings->timeout;

	if (stream == NULL)
		return NULL;
	/* However busy, without a login nobody stays for ever. */
	stream_set_session(stream, (int)(1000 * (seconds == 0 ?
	    STRANGER_SECONDS : 3 * seconds)));
	if (!login.tls_first)
		return stream;
	stream_set_timeout(stream, HANDSHAKE_SECONDS * 1000);
	if (shake(stream, TLS_DIRECT) == 0)
		return stream;
	stream_free(stream);
	return NULL;
}

int
login_starttls(struct stream *stream)
{
	return shake(stream, TLS_STARTTLS);
}

bool
login_offers(const struct stream *stream, enum sasl_mechanism m)
{
	return login_way_offers(&login.settings->auth_mechanisms, login.scram,
	    stream, m);
}

void
login_mechanisms(const struct stream *stream, void (*fn)(const char *, void *),
    void *arg)
{
	login_way_mechanisms(&login.settings->auth_mechanisms, login.scram,
	    stream, fn, arg);
}

enum sasl_result
login_sasl_begin(struct server_session *s, struct stream *stream,
    struct sasl *sasl, enum sasl_mechanism m, const char *initial, size_t n)
{
	struct login_proof_reply reply;
	struct login_way way = { s, stream, LOGIN_OP_SCRAM_FIRST,
	    LOGIN_OP_SCRAM_FINAL, &reply.scram };

	return login_way_begin(&way, sasl, m, initial, n);
}

enum sasl_result
login_sasl_step(struct server_session *s, struct stream *stream,
    struct sasl *sasl, const char *line, size_t n)
{
	struct login_proof_reply reply;
	struct login_way way = { s, stream, LOGIN_OP_SCRAM_FIRST,
	    LOGIN_OP_SCRAM_FINAL, &reply.scram };

	return login_way_step(&way, sasl, line, n);
}

static enum login_verdict
ask(struct server_session *s, const struct sasl *sasl)
{
	struct login_password_request request;
	struct login_password_reply reply;
	int r;

	if (sasl->authzid[0] != '\0' &&
	    strcmp(sasl->authzid, sasl->authcid) != 0)
		return LOGIN_WRONG;
	if (sasl_is_scram(sasl->mechanism))
		return (enum login_verdict)sasl->verdict;
	memset(&request, 0, sizeof(request));
	strlcpy(request.login, sasl->authcid, sizeof(request.login));
	strlcpy(request.password, sasl->password, sizeof(request.password));
	request.password_len = (uint32_t)strlen(request.password);
	r = server_ask(s, LOGIN_OP_PASSWORD, &request, &reply, NULL, 0, NULL);
	explicit_bzero(&request, sizeof(request));
	if (r != 0)
		return r == 1 ? LOGIN_LATER : LOGIN_GONE;
	return reply.verdict >= LOGIN_GOOD && reply.verdict <= LOGIN_GONE ?
	    reply.verdict : LOGIN_LATER;
}

enum login_verdict
login_password(struct server_session *s, struct stream *stream,
    struct sasl *sasl)
{
	enum login_verdict v;

	(void)stream_flush(stream);
	v = ask(s, sasl);
	log_info("auth", "user=%s result=%s tls=%s", log_str(sasl->authcid),
	    login_verdict_name(v), tls_on(stream) ? "yes" : "no");
	sasl_wipe(sasl);
	return v;
}

/* Ask for the mailbox process, giving it these descriptors. */
static enum mailbox_status
ask_open(struct server_session *s, struct login_open_request *request,
    const int *fds, size_t nfds)
{
	struct login_open_reply reply;

	if (server_ask(s, LOGIN_OP_OPEN, request, &reply, fds, nfds, NULL) !=
	    0)
		return MAILBOX_TEMPORARY;
	return reply.status;
}

/* The connection itself, and the input that waits. */
static enum mailbox_status
hand_over(struct server_session *s, struct stream *stream,
    struct login_open_request *request)
{
	int fds[2] = { stream_rfd(stream), stream_wfd(stream) };
	enum mailbox_status status;
	const char *p;
	size_t n = 0;

	/* It stays in the stream in case nothing comes of this. */
	if (stream_pending(stream) > 0 &&
	    stream_peek(stream, 1, &p, &n) == STREAM_OK && n > 0) {
		memcpy(request->input, p, n);
		request->input_len = (uint32_t)n;
	}
	status = ask_open(s, request, fds, fds[0] == fds[1] ? 1 : 2);
	if (status == MAILBOX_OK)
		stream_free(stream);
	return status;
}

/* One end of a socket pair; we carry octets between the other and the
 * client. */
static enum mailbox_status
relay(struct server_session *s, struct stream *stream,
    struct login_open_request *request)
{
	enum mailbox_status status;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		return MAILBOX_TEMPORARY;
	status = ask_open(s, request, &sv[1], 1);
	close(sv[1]);
	if (status == MAILBOX_OK) {
		/* How long a client may be silent is not for us to say. */
		stream_set_timeout(stream, RELAY_SECONDS * 1000);
		stream_set_session(stream, 0);
		(void)stream_relay(stream, sv[0]);
		(void)stream_close(stream);
	}
	close(sv[0]);
	return status;
}

enum mailbox_status
login_open(struct server_session *s, struct stream *stream, const void *hello,
    size_t n)
{
	struct login_open_request request;

	memset(&request, 0, sizeof(request));
	if (n > sizeof(request.hello) || stream_flush(stream) != STREAM_OK)
		return MAILBOX_TEMPORARY;
	memcpy(request.hello, hello, n);
	request.hello_len = (uint32_t)n;
	if (tls_on(stream) || stream_pending(stream) > sizeof(request.input))
		return relay(s, stream, &request);
	return hand_over(s, stream, &request);
}
