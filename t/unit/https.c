/* SPDX-License-Identifier: ISC
 *
 * Proves of HTTPS: which answers are taken whole, in all the forms that a body
 * can have; what is refused and why; that the certificate must be good for the
 * host; that silence and a flood both end; that the next address is tried.
 *
 * The server is a child for each row, its certificate made by openssl(1).
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/https.h"
#include "system/stream.h"
#include "system/tls.h"
#include "tap.h"

#define HOST	"mta-sts.example.test"
#define OK	"HTTP/1.1 200 OK\r\n"
#define LENGTH	"Content-Length: "

static char dir[] = "/tmp/stdmail-https.XXXXXX";

static const struct {
	const char		*what;
	const char		*answer;
	enum https_status	 want;
	const char		*body;	/* with HTTPS_OK */
} rows[] = {
	{ "a length", OK LENGTH "5\r\n\r\nhello", HTTPS_OK, "hello" },
	{ "and more behind it", OK LENGTH "5\r\n\r\nhello world", HTTPS_OK,
	  "hello" },
	{ "chunks", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
	  "1;x=y\r\n!\r\n0\r\n\r\n", HTTPS_OK, "hello!" },
	{ "until the end", OK "\r\nhello", HTTPS_OK, "hello" },
	{ "an empty body", OK LENGTH "0\r\n\r\n", HTTPS_OK, "" },
	{ "an interim answer", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
	  OK LENGTH "2\r\n\r\nhi", HTTPS_OK, "hi" },
	{ "as long as it may be", OK LENGTH "16\r\n\r\n0123456789abcdef",
	  HTTPS_OK, "0123456789abcdef" },
	{ "longer, by its length", OK LENGTH "17\r\n\r\n0123456789abcdefg",
	  HTTPS_TOOBIG, NULL },
	{ "longer, in chunks", OK "Transfer-Encoding: chunked\r\n\r\n"
	  "f\r\n0123456789abcde\r\n2\r\nfg\r\n0\r\n\r\n", HTTPS_TOOBIG, NULL },
	{ "longer, until the end", OK "\r\n0123456789abcdefg", HTTPS_TOOBIG,
	  NULL },
	{ "cut short", OK LENGTH "6\r\n\r\nhello", HTTPS_PROTOCOL, NULL },
	{ "chunks cut short", OK "Transfer-Encoding: chunked\r\n\r\n5\r\n"
	  "hello\r\n", HTTPS_PROTOCOL, NULL },
	{ "a chunk too long", OK "Transfer-Encoding: chunked\r\n\r\n4\r\n"
	  "hello\r\n0\r\n\r\n", HTTPS_PROTOCOL, NULL },
	{ "length and chunks", OK LENGTH "5\r\nTransfer-Encoding: chunked\r\n"
	  "\r\n0\r\n\r\n", HTTPS_PROTOCOL, NULL },
	{ "two lengths", OK LENGTH "5\r\n" LENGTH "4\r\n\r\nhello",
	  HTTPS_PROTOCOL, NULL },
	{ "a malformed length", OK LENGTH "5x\r\n\r\nhello", HTTPS_PROTOCOL,
	  NULL },
	{ "gzip", OK "Content-Encoding: gzip\r\n" LENGTH "1\r\n\r\nx",
	  HTTPS_PROTOCOL, NULL },
	{ "an unknown coding", OK "Transfer-Encoding: gzip, chunked\r\n\r\n"
	  "0\r\n\r\n", HTTPS_PROTOCOL, NULL },
	{ "a redirect", "HTTP/1.1 301 Moved\r\nLocation: https://" HOST
	  "/\r\n\r\n", HTTPS_CODE, NULL },
	{ "not found", "HTTP/1.1 404 Not Found\r\n" LENGTH "0\r\n\r\n",
	  HTTPS_CODE, NULL },
	{ "not HTTP", "220 mail.example.test ESMTP\r\n", HTTPS_PROTOCOL,
	  NULL },
	{ "nothing", "", HTTPS_PROTOCOL, NULL },
	{ "a head cut short", OK "Content-", HTTPS_PROTOCOL, NULL },
	{ "a malformed field", OK "what\r\n\r\n", HTTPS_PROTOCOL, NULL },
};

static int
run_shell(const char *cmd)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return -1;
	return status;
}

static int
make_certificate(const char *name)
{
	char cmd[600];

	snprintf(cmd, sizeof(cmd), "exec openssl req -x509 -newkey ec -pkeyopt "
	    "ec_paramgen_curve:prime256v1 -nodes -days 30 -keyout %s/%s.key "
	    "-out %s/%s.crt -subj /CN=x -addext subjectAltName=DNS:" HOST
	    " >/dev/null 2>&1", dir, name, dir, name);
	return run_shell(cmd);
}

/* ---- the server ---- */

/* A socket that listens on a free port of 127.0.0.1. */
static int
listen_any(unsigned short *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    listen(fd, 5) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		exit(1);
	*port = ntohs(sin.sin_port);
	return fd;
}

/* Answer one request, or with answer NULL say nothing. */
static void
serve(int fd, struct tls_server *tls, const char *answer)
{
	struct stream_line line;
	struct stream *s;
	int c = accept(fd, NULL, NULL);

	if (c == -1 || (s = stream_new(c, c)) == NULL)
		_exit(1);
	stream_set_timeout(s, 5000);
	if (tls_accept(s, tls, TLS_DIRECT) != STREAM_OK)
		_exit(1);
	do {
		if (stream_line(s, 4096, &line) != STREAM_OK)
			_exit(1);
	} while (line.len > 0);
	if (answer == NULL)
		pause();
	(void)stream_puts(s, answer);
	_exit(stream_close(s) != STREAM_OK);
}

static pid_t
start(int fd, struct tls_server *tls, const char *answer)
{
	pid_t pid = fork();

	if (pid == -1)
		exit(1);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd, tls, answer);
	}
	return pid;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* ---- tests ---- */

struct world {
	struct tls_server *server;
	struct tls_client *client;
	int		   fd;
	struct dns_addr	   addrs[2];
	struct https_request q;
};

static void
test_rows(struct world *w)
{
	struct https_answer a;
	pid_t pid;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid = start(w->fd, w->server, rows[i].answer);
		if (!is_int(https_get(w->client, &w->q, &a), rows[i].want,
		    rows[i].what))
			printf("# %s\n", a.why);
		if (rows[i].want == HTTPS_OK)
			is_mem(a.body.data, a.body.len, rows[i].body,
			    strlen(rows[i].body), "its body");
		else
			ok(a.why[0] != '\0', "and says why: %s", a.why);
		https_free(&a);
		end(pid);
	}
}

static void
test_type(struct world *w)
{
	struct https_answer a;
	pid_t pid = start(w->fd, w->server, OK "content-type:  text/plain; "
	    "charset=us-ascii\r\n" LENGTH "0\r\n\r\n");

	(void)https_get(w->client, &w->q, &a);
	is_str(a.type, "text/plain; charset=us-ascii", "the type is told");
	is_int(a.code, 200, "and the code");
	https_free(&a);
	end(pid);
}

static void
test_certificate(struct world *w)
{
	struct https_request q = w->q;
	struct https_answer a;
	char err[TLS_ERROR_MAX], file[64];
	struct tls_client *other;
	pid_t pid = start(w->fd, w->server, rows[0].answer);

	q.host = "mta-sts.other.test";
	is_int(https_get(w->client, &q, &a), HTTPS_TLS,
	    "a certificate for another host");
	ok(strstr(a.why, "ostname mismatch") != NULL && a.body.len == 0,
	    "why: %s", a.why);
	https_free(&a);
	end(pid);

	snprintf(file, sizeof(file), "%s/other.crt", dir);
	if ((other = tls_client_new(1, file, err, sizeof(err))) == NULL)
		exit(1);
	pid = start(w->fd, w->server, rows[0].answer);
	is_int(https_get(other, &w->q, &a), HTTPS_TLS,
	    "a certificate that nobody trusts");
	ok(a.why[0] != '\0', "why: %s", a.why);
	https_free(&a);
	tls_client_free(other);
	end(pid);
}

static void
test_addresses(struct world *w)
{
	struct https_request q = w->q;
	struct https_answer a;
	unsigned short port;
	pid_t pid;

	q.naddrs = 2;
	pid = start(w->fd, w->server, rows[0].answer);
	is_int(https_get(w->client, &q, &a), HTTPS_OK,
	    "the second address, when the first takes no connection");
	https_free(&a);
	end(pid);

	close(listen_any(&port));
	q.port = port;
	is_int(https_get(w->client, &q, &a), HTTPS_CONNECT, "nobody listens");
	ok(strstr(a.why, "127.0.0.1") != NULL, "why: %s", a.why);
	https_free(&a);
	q.naddrs = 0;
	is_int(https_get(w->client, &q, &a), HTTPS_CONNECT, "no address");
	https_free(&a);
}

static void
test_silence(struct world *w)
{
	struct https_request q = w->q;
	struct https_answer a;
	pid_t pid = start(w->fd, w->server, NULL);

	q.timeout = 300;
	is_int(https_get(w->client, &q, &a), HTTPS_TIMEOUT, "silence");
	ok(a.why[0] != '\0', "why: %s", a.why);
	https_free(&a);
	end(pid);
}

int
main(void)
{
	struct world w = { .q = { HOST, "/x", NULL, 1, 0, 5000, 16 } };
	char crt[64], key[64], err[TLS_ERROR_MAX];

	if (mkdtemp(dir) == NULL || make_certificate("good") != 0 ||
	    make_certificate("other") != 0)
		return 1;
	snprintf(crt, sizeof(crt), "%s/good.crt", dir);
	snprintf(key, sizeof(key), "%s/good.key", dir);
	w.server = tls_server_new();
	w.client = tls_client_new(1, crt, err, sizeof(err));
	if (w.server == NULL || w.client == NULL ||
	    tls_server_load(w.server, crt, key, err, sizeof(err)) == -1)
		return 1;
	w.fd = listen_any(&w.q.port);
	w.q.addrs = w.addrs;
	(void)dns_addr_parse("127.0.0.1", &w.addrs[0]);
	test_rows(&w);
	test_type(&w);
	test_certificate(&w);
	test_silence(&w);
	w.addrs[1] = w.addrs[0];
	(void)dns_addr_parse("127.99.99.99", &w.addrs[0]);
	test_addresses(&w);
	tls_client_free(w.client);
	tls_server_free(w.server);
	snprintf(err, sizeof(err), "exec rm -rf %s", dir);
	(void)run_shell(err);
	return done();
}
