/* SPDX-License-Identifier: ISC
 *
 * Proves that each of the ways to start a daemon is told apart, and who is
 * believed about the peer's address.
 */
#include <sys/wait.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/activate.h"
#include "tap.h"

/* Run detect in a child with these descriptors on 0 and 3; its result as
 * text. */
static const char *
detected(int in, int three, const char *const *env)
{
	static char got[400];
	char error[200] = "", line[400], pid[20];
	struct activate a;
	int pfd[2], i;
	ssize_t n;

	if (pipe(pfd) == -1)
		return NULL;
	fflush(stdout);
	if (fork() == 0) {
		int out = fcntl(pfd[1], F_DUPFD, 50);

		in = fcntl(in, F_DUPFD, 60);
		three = fcntl(three, F_DUPFD, 70);
		dup2(in, 0);
		close(3);
		if (three != -1)
			dup2(three, 3);
		for (i = 0; env != NULL && env[i] != NULL; i += 2)
			setenv(env[i], env[i + 1], 1);
		snprintf(pid, sizeof(pid), "%d", (int)getpid());
		if (three != -1)
			setenv("LISTEN_PID", pid, 1);
		if (activate_detect(&a, error, sizeof(error)) == -1)
			snprintf(line, sizeof(line), "error: %s", error);
		else if (a.kind == ACTIVATE_LISTEN)
			snprintf(line, sizeof(line), "listen %zu fd=%d "
			    "name=%s local=%d env=%s", a.n, a.listeners[0].fd,
			    a.listeners[0].name, a.listeners[0].local,
			    getenv("LISTEN_FDS") == NULL ? "gone" : "there");
		else
			snprintf(line, sizeof(line), "one in=%d out=%d kind=%d"
			    " ip=%s port=%d loopback=%d", a.in, a.out,
			    a.peer.kind, a.peer.ip, a.peer.port != 0,
			    a.peer.loopback);
		n = write(out, line, strlen(line));
		_exit(n == -1);
	}
	close(pfd[1]);
	n = read(pfd[0], got, sizeof(got) - 1);
	got[n < 0 ? 0 : n] = '\0';
	close(pfd[0]);
	wait(NULL);
	return got;
}

/* A listening socket on loopback and both ends of a connection to it. */
static int
tcp(int *listener, int *client, int *server)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t n = sizeof(sin6);
	int off = 0;

	*listener = socket(AF_INET6, SOCK_STREAM, 0);
	if (*listener == -1)
		return -1;
	setsockopt(*listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(*listener, (struct sockaddr *)&sin6, n) == -1 ||
	    listen(*listener, 5) == -1 ||
	    getsockname(*listener, (struct sockaddr *)&sin6, &n) == -1)
		return -1;
	sin.sin_port = sin6.sin6_port;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*client = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(*client, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		return -1;
	*server = accept(*listener, NULL, NULL);
	return *server;
}

static void
test_same(const char *a, const char *b, bool want)
{
	struct peer pa, pb;

	ok(peer_set_ip(&pa, a, 1) == 0 && peer_set_ip(&pb, b, 2) == 0 &&
	    peer_same(&pa, &pb) == want, "%s and %s are %s", a, b,
	    want ? "the same client" : "two clients");
}

int
main(void)
{
	static const char *const ucspi[] = { "PROTO", "SSL", "SSLREMOTEIP",
	    "2001:db8::7", "SSLREMOTEPORT", "4000", "REMOTE_ADDR", "192.0.2.9",
	    NULL };
	static const char *const cgi[] = { "REMOTE_ADDR", "192.0.2.9", NULL };
	static const char *const bad[] = { "PROTO", "TCP", "TCPREMOTEIP",
	    "localhost", NULL };
	static const char *const one[] = { "LISTEN_FDS", "1",
	    "LISTEN_FDNAMES", "smtp:x", NULL };
	static const char *const many[] = { "LISTEN_FDS", "99", NULL };
	int pfd[2], sv[2], dgram, l = -1, c = -1, s = -1;
	struct peer p;

	if (pipe(pfd) == -1 || socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1 ||
	    tcp(&l, &c, &s) == -1)
		return 1;
	dgram = socket(AF_INET, SOCK_DGRAM, 0);
	is_str(detected(pfd[0], -1, NULL),
	    "one in=0 out=1 kind=0 ip= port=0 loopback=1", "a pipe");
	is_str(detected(pfd[0], -1, ucspi), "one in=0 out=1 kind=1 "
	    "ip=2001:db8::7 port=1 loopback=0", "UCSPI names its PROTO");
	is_str(detected(pfd[0], -1, cgi), "one in=0 out=1 kind=1 "
	    "ip=192.0.2.9 port=0 loopback=0", "REMOTE_ADDR");
	is_str(detected(pfd[0], -1, bad),
	    "one in=0 out=1 kind=0 ip= port=0 loopback=1",
	    "a name is no address");
	is_str(detected(sv[0], -1, NULL),
	    "one in=0 out=0 kind=2 ip= port=0 loopback=1", "a UNIX socket");
	is_str(detected(s, -1, NULL), "one in=0 out=0 kind=1 ip=127.0.0.1 "
	    "port=1 loopback=1", "an IPv4 client of an IPv6 socket");
	is_str(detected(s, -1, cgi), "one in=0 out=0 kind=1 ip=127.0.0.1 "
	    "port=1 loopback=1", "the kernel is believed first");
	is_str(detected(l, -1, NULL),
	    "listen 1 fd=0 name= local=0 env=gone", "inetd wait");
	is_str(detected(pfd[0], l, one),
	    "listen 1 fd=3 name=smtp local=0 env=gone", "systemd Accept=no");
	is_str(detected(pfd[0], s, one), "one in=3 out=3 kind=1 "
	    "ip=127.0.0.1 port=1 loopback=1", "a connection on 3");
	is_str(detected(pfd[0], pfd[1], one), "error: descriptor 3 of "
	    "LISTEN_FDS is no listening stream socket", "a pipe on 3");
	is_str(detected(pfd[0], l, many), "error: LISTEN_FDS=99, at most 16",
	    "too many");
	is_str(detected(dgram, -1, NULL), "error: standard input is a socket, "
	    "but neither connected nor listening", "a datagram socket");
	is_str(detected(1000, -1, NULL), "one in=0 out=1 kind=0 ip= port=0 "
	    "loopback=1", "whatever else is on 0 is read");

	test_same("192.0.2.1", "192.0.2.1", true);
	test_same("192.0.2.1", "192.0.2.2", false);
	test_same("192.0.2.1", "::ffff:192.0.2.1", true);
	test_same("2001:db8::1", "2001:db8::ffff", true);
	test_same("2001:db8::1", "2001:db8:0:1::1", false);
	is_int(peer_set_ip(&p, "1.2.3", 0), -1, "1.2.3 is no address");
	is_int(peer_set_ip(&p, "", 0), -1, "nor is nothing");
	return done();
}
