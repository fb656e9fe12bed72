/* SPDX-License-Identifier: ISC
 *
 * Proves of TLS: both ends of a handshake, what is agreed and verified;
 * STARTTLS refused with input pending, an early ClientHello taken; certificates
 * that cannot be used and those that change; that a handshake opens no file
 * and leaves no private key behind; the relay under TLS.
 *
 * The certificates are made by openssl(1) in a folder that is removed.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "system/fdio.h"
#include "system/sandbox.h"
#include "system/stream.h"
#include "system/tls.h"
#include "tap.h"

#define MASK	0x55	/* so that a scan does not find its own pattern */

static char dir[] = "/tmp/stdmail-tls.XXXXXX";

/* Run a shell command in the folder; its output into out. */
static int
run(const char *cmd, char *out, size_t outlen)
{
	int p[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(p) == -1 || (pid = fork()) == -1)
		exit(1);
	if (pid == 0) {
		if (chdir(dir) == -1 || dup2(p[1], 1) == -1)
			_exit(1);
		close(2);
		open("/dev/null", O_WRONLY);
		execl("/bin/sh", "sh", "-c", cmd, (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	n = fd_read_all(p[0], out, outlen - 1);
	out[n < 0 ? 0 : n] = '\0';
	close(p[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *
in_dir(const char *name)
{
	static char path[4][128];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

static int
make_pair(const char *name, const char *kind)
{
	char cmd[512], out[64];

	snprintf(cmd, sizeof(cmd), "openssl req -x509 -newkey %s -nodes -days "
	    "30 -keyout %s.key -out %s.crt -subj /CN=mx.example.test -addext "
	    "subjectAltName=DNS:mx.example.test,IP:127.0.0.1", kind, name,
	    name);
	return run(cmd, out, sizeof(out));
}

static struct tls_server *
server(const char *name)
{
	struct tls_server *ts = tls_server_new();
	char crt[32], key[32], err[TLS_ERROR_MAX];

	snprintf(crt, sizeof(crt), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	if (ts == NULL || tls_server_load(ts, in_dir(crt), in_dir(key), err,
	    sizeof(err)) == -1)
		exit(1);
	return ts;
}

static struct stream *
stream(int fd)
{
	struct stream *s = stream_new(fd, fd);

	stream_set_timeout(s, 10000);
	return s;
}

/* Fork a client at the other end of the returned descriptor. */
static pid_t
fork_end(int *fd)
{
	int sv[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1 ||
	    (pid = fork()) == -1)
		exit(1);
	*fd = sv[pid == 0];
	close(sv[pid != 0]);
	return pid;
}

static int
result(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 +
	    WTERMSIG(status);
}

/* ---- two ends ---- */

static void
test_talk(void)
{
	struct tls_server *ts = server("ec");
	struct tls_info info;
	struct stream_line line;
	struct stream *s;
	struct tls_client *tc;
	char err[TLS_ERROR_MAX];
	int fd;
	pid_t pid;

	if ((pid = fork_end(&fd)) == 0) {
		tc = tls_client_new(0, NULL, err, sizeof(err));
		s = stream(fd);
		if (tc == NULL || tls_connect(s, tc, "mx.example.test.",
		    TLS_ANY, TLS_STARTTLS) != STREAM_OK)
			_exit(1);
		tls_describe(s, &info);
		if (info.verified || strcmp(info.why, "not looked at") != 0)
			_exit(2);
		stream_puts(s, "EHLO a\r\nNOOP\r\nQUIT\r\n");
		if (stream_line(s, 512, &line) != STREAM_OK ||
		    strcmp(line.data, "250 EHLO a") != 0)
			_exit(3);
		_exit(stream_close(s) == STREAM_OK ? 0 : 4);
	}
	s = stream(fd);
	ok(!tls_on(s) && !tls_describe(s, &info), "first in the clear");
	is_int(tls_accept(s, ts, TLS_STARTTLS), STREAM_OK, "a handshake");
	ok(tls_on(s) && tls_describe(s, &info), "then under TLS");
	is_str(info.version, "TLSv1.3", "of version 1.3");
	is_str(info.cipher, "TLS_AES_256_GCM_SHA384", "its cipher");
	is_int(info.bits, 256, "its strength");
	is_str(info.sni, "mx.example.test", "the name asked for");
	is_int(stream_line(s, 512, &line), STREAM_OK, "a line");
	stream_printf(s, "250 %s\r\n", line.data);
	is_int((long long)stream_pending(s), 12, "the rest is pending");
	is_int(stream_line(s, 512, &line), STREAM_OK, "the next");
	is_int(stream_line(s, 512, &line), STREAM_OK, "and the last");
	is_str(line.data, "QUIT", "as sent");
	is_int(stream_line(s, 512, &line), STREAM_EOF, "a clean end");
	is_int(result(pid), 0, "the client is content");
	is_int(tls_accept(s, ts, TLS_STARTTLS), STREAM_ERROR,
	    "TLS in TLS is refused");
	stream_close(s);
	tls_server_free(ts);
}

/* ---- verification ---- */

struct verify {
	const char	*what, *ca, *host;
	enum tls_verify	 verify;
	enum stream_status st;
	int		 verified;
};

static const struct verify verifies[] = {
	{ "trusted", "ec.crt", "mx.example.test", TLS_VERIFY, STREAM_OK, 1 },
	{ "its address", "ec.crt", "127.0.0.1", TLS_VERIFY, STREAM_OK, 1 },
	{ "another name", "ec.crt", "mx.other.test", TLS_VERIFY,
	    STREAM_ERROR, 0 },
	{ "another address", "ec.crt", "127.0.0.2", TLS_VERIFY,
	    STREAM_ERROR, 0 },
	{ "untrusted", "rsa.crt", "mx.example.test", TLS_VERIFY,
	    STREAM_ERROR, 0 },
	{ "trusted anyway", "ec.crt", "mx.example.test", TLS_ANY,
	    STREAM_OK, 1 },
	{ "opportunistic, another name", "ec.crt", "mx.other.test", TLS_ANY,
	    STREAM_OK, 0 },
	{ "opportunistic, untrusted", "rsa.crt", "mx.example.test", TLS_ANY,
	    STREAM_OK, 0 },
	{ "no authorities", NULL, "mx.example.test", TLS_VERIFY,
	    STREAM_ERROR, 0 }
};

static void
one_verify(const struct verify *v)
{
	struct tls_client *tc;
	struct tls_info info;
	struct stream *s;
	char err[TLS_ERROR_MAX];
	int fd;
	pid_t pid;

	if ((pid = fork_end(&fd)) == 0) {
		s = stream(fd);
		_exit(tls_accept(s, server("ec"), TLS_STARTTLS) != STREAM_OK);
	}
	tc = tls_client_new(v->ca != NULL, v->ca == NULL ? NULL :
	    in_dir(v->ca), err, sizeof(err));
	s = stream(fd);
	is_int(tls_connect(s, tc, v->host, v->verify, TLS_STARTTLS), v->st,
	    v->what);
	if (v->st != STREAM_OK)
		ok(stream_error(s)[0] != '\0', "because: %s", stream_error(s));
	else {
		tls_describe(s, &info);
		is_int(info.verified, v->verified, "verified or not");
		ok((info.why[0] == '\0') == v->verified, "why: %s", info.why);
	}
	stream_close(s);
	tls_client_free(tc);
	waitpid(pid, NULL, 0);
}

static void
test_client(void)
{
	char err[TLS_ERROR_MAX];
	size_t i;

	for (i = 0; i < sizeof(verifies) / sizeof(verifies[0]); i++)
		one_verify(&verifies[i]);
	ok(tls_client_new(1, in_dir("none"), err, sizeof(err)) == NULL &&
	    strstr(err, "none: No such file") != NULL, "%s", err);
	ok(tls_client_new(1, in_dir("ec.key"), err, sizeof(err)) == NULL,
	    "%s", err);
}

/* ---- STARTTLS ---- */

static void
test_starttls(void)
{
	struct tls_server *ts = server("ec"), *none = tls_server_new();
	struct stream_line line;
	struct stream *s;
	char got[64];
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		exit(1);
	s = stream(sv[0]);
	fd_write_all(sv[1], "STARTTLS\r\nRSET\r\n", 16);
	stream_line(s, 512, &line);
	is_int(tls_accept(s, ts, TLS_STARTTLS), STREAM_ERROR,
	    "a command behind STARTTLS is refused");
	is_str(stream_error(s), "input before the TLS handshake", "in words");
	ok(!tls_on(s), "the stream stays in the clear");
	is_int(stream_line(s, 512, &line), STREAM_OK, "nothing is dropped");
	is_str(line.data, "RSET", "the command is there");
	stream_puts(s, "503 no\r\n");
	is_int(stream_flush(s), STREAM_OK, "an answer goes");
	is_int(read(sv[1], got, sizeof(got)), 8, "in the clear");
	is_int(tls_accept(s, none, TLS_STARTTLS), STREAM_ERROR,
	    "without a certificate no TLS");
	ok(!tls_server_ready(none) && tls_server_ready(ts), "as it tells");
	fd_write_all(sv[1], "GET / HTTP/1.0\r\n\r\n", 18);
	is_int(tls_accept(s, ts, TLS_STARTTLS), STREAM_ERROR,
	    "what is not TLS is refused");
	ok(stream_error(s)[0] != '\0', "because: %s", stream_error(s));
	is_int(stream_puts(s, "x"), -1, "and nothing more is said");
	stream_close(s);
	close(sv[1]);

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	s = stream(sv[0]);
	stream_set_timeout(s, 30);
	is_int(tls_accept(s, ts, TLS_STARTTLS), STREAM_TIMEOUT,
	    "a silent peer");
	stream_close(s);
	close(sv[1]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	s = stream(sv[0]);
	close(sv[1]);
	ok(tls_accept(s, ts, TLS_STARTTLS) != STREAM_OK, "a gone one: %s",
	    stream_error(s));
	stream_close(s);
	tls_server_free(ts);
	tls_server_free(none);
}

/* The header of a proxy and the ClientHello come in one piece. */
static void
test_direct(void)
{
	struct tls_server *ts = server("rsa");
	struct stream_line line;
	struct stream *s;
	const char *p;
	char err[TLS_ERROR_MAX];
	size_t n;
	int fd;
	pid_t pid;

	if ((pid = fork_end(&fd)) == 0) {
		s = stream(fd);
		stream_puts(s, "PROXY UNKNOWN\r\n");
		stream_flush(s);
		if (tls_connect(s, tls_client_new(0, NULL, err, sizeof(err)),
		    "127.0.0.1", TLS_ANY, TLS_DIRECT) != STREAM_OK)
			_exit(1);
		stream_puts(s, "hello\r\n");
		_exit(stream_close(s) != STREAM_OK);
	}
	s = stream(fd);
	is_int(stream_peek(s, 100, &p, &n), STREAM_OK, "early octets");
	is_int(stream_line(s, 512, &line), STREAM_OK, "a proxy's header");
	ok(!stream_input_empty(s), "the ClientHello is behind it");
	is_int(tls_accept(s, ts, TLS_DIRECT), STREAM_OK, "and taken");
	is_int(stream_line(s, 512, &line), STREAM_OK, "a line");
	is_str(line.data, "hello", "under TLS");
	stream_close(s);
	is_int(result(pid), 0, "the client is content");
	tls_server_free(ts);
}

/* ---- files ---- */

static void
test_load(void)
{
	static const struct {
		const char *crt, *key, *want;
	} rows[] = {
		{ "none.crt", "ec.key", "none.crt: No such file" },
		{ "ec.crt", "none.key", "none.key: No such file" },
		{ "ec.key", "ec.key", "ec.key: no usable certificate" },
		{ "ec.crt", "ec.crt", "ec.crt: no usable private key" },
		{ "ec.crt", "locked.key", "locked.key: no usable private" },
		{ "ec.crt", "rsa.key", "ec.crt: different key types" },
		{ "ec.crt", "ec2.key", "ec.crt: private key mismatch" },
		{ "torn.crt", "ec.key", "torn.crt: no usable certificate" },
		{ "/", "ec.key", "/: not a PEM file" },
		{ "weak.crt", "weak.key", "weak.crt: ee key too small" }
	};
	struct tls_server *ts = server("ec");
	char err[TLS_ERROR_MAX], out[64];
	size_t i;

	run("openssl pkey -in ec.key -aes128 -passout pass:x -out locked.key",
	    out, sizeof(out));
	run("(cat ec.crt; head -c 300 rsa.crt) >torn.crt", out, sizeof(out));
	run("cat ec.crt rsa.crt ec.key >all.pem", out, sizeof(out));
	make_pair("weak", "rsa:1024");
	make_pair("ec2", "ec -pkeyopt ec_paramgen_curve:P-256");
	ok(tls_server_not_after(ts) > 1700000000, "a certificate ends");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		is_int(tls_server_load(ts, in_dir(rows[i].crt),
		    in_dir(rows[i].key), err, sizeof(err)), -1, "refused");
		ok(strstr(err, rows[i].want) != NULL, "%s", err);
		ok(tls_server_ready(ts), "the old one stays");
	}
	is_int(tls_server_load(ts, in_dir("all.pem"), in_dir("all.pem"), err,
	    sizeof(err)), 0, "a chain and its key in one file");
	tls_server_free(ts);
}

static void
test_refresh(void)
{
	struct tls_server *ts;
	char err[TLS_ERROR_MAX] = "", out[64];
	long long end;

	run("cp ec.crt now.crt; cp ec.key now.key", out, sizeof(out));
	ts = server("now");
	end = tls_server_not_after(ts);
	is_int(tls_server_refresh(ts, err, sizeof(err)), 0, "unchanged");
	run("openssl req -x509 -key ec.key -days 60 -out new.crt -subj /CN=x;"
	    "mv new.crt now.crt", out, sizeof(out));
	is_int(tls_server_refresh(ts, err, sizeof(err)), 1, "renewed");
	ok(tls_server_not_after(ts) > end, "the new one is in use");
	end = tls_server_not_after(ts);
	run("cp rsa.crt new.crt; mv new.crt now.crt", out, sizeof(out));
	is_int(tls_server_refresh(ts, err, sizeof(err)), -1,
	    "half of a renewal");
	ok(err[0] != '\0', "is named: %s", err);
	is_int(tls_server_refresh(ts, err, sizeof(err)), 0, "but once");
	is_int(tls_server_not_after(ts), end, "the old one stays");
	run("cp rsa.key new.key; mv new.key now.key", out, sizeof(out));
	is_int(tls_server_refresh(ts, err, sizeof(err)), 1,
	    "the other half makes it good");
	run("rm now.key", out, sizeof(out));
	is_int(tls_server_refresh(ts, err, sizeof(err)), -1, "a lost key");
	is_int(tls_server_refresh(ts, err, sizeof(err)), 0, "is said once");
	ok(tls_server_ready(ts), "and does no harm");
	tls_server_free(ts);
}

/* ---- what a sandboxed session needs ---- */

/* Die at any call that opens something. */
static int
forbid_files(void)
{
	static const int calls[] = { SYS_open, SYS_openat, SYS_execve,
	    SYS_socket, SYS_connect };
	struct sock_filter f[2 * sizeof(calls) / sizeof(calls[0]) + 2];
	struct sock_fprog prog = { .filter = f };
	size_t i, n = 0;

	f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, nr));
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ |
		    BPF_K, (unsigned)calls[i], 0, 1);
		f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
		    SECCOMP_RET_KILL_PROCESS);
	}
	f[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
	    SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

/* restrict_me: forbid_files(), which proves that nothing is opened, or
 * sandbox_door(), which proves that this is enough for a session. */
static void
test_sandbox(const char *name, int (*restrict_me)(void))
{
	struct tls_server *ts = server(name);
	struct stream_line line;
	struct tls_client *tc;
	struct stream *s;
	char err[TLS_ERROR_MAX];
	int fd;
	pid_t pid;

	tc = tls_client_new(1, in_dir("ec.crt"), err, sizeof(err));
	if ((pid = fork_end(&fd)) == 0) {
		if (restrict_me() == -1)
			_exit(99);
		s = stream(fd);
		if (tls_accept(s, ts, TLS_STARTTLS) != STREAM_OK)
			_exit(1);
		tls_server_free(ts);
		if (stream_line(s, 512, &line) != STREAM_OK)
			_exit(2);
		stream_printf(s, "%s\r\n", line.data);
		_exit(stream_close(s) != STREAM_OK);
	}
	s = stream(fd);
	is_int(tls_connect(s, tc, "mx.example.test", TLS_ANY, TLS_STARTTLS),
	    STREAM_OK, "with a sandboxed server");
	stream_puts(s, "echo\r\n");
	is_int(stream_line(s, 512, &line), STREAM_OK, "which answers");
	stream_close(s);
	is_int(result(pid), 0, "and opened nothing");

	if ((pid = fork_end(&fd)) == 0) {
		s = stream(fd);
		_exit(tls_accept(s, server("ec"), TLS_STARTTLS) != STREAM_OK);
	}
	if (fork() == 0) {
		if (restrict_me() == -1)
			_exit(99);
		s = stream(fd);
		_exit(tls_connect(s, tc, "mx.example.test", TLS_VERIFY,
		    TLS_STARTTLS) != STREAM_OK);
	}
	close(fd);
	is_int(result(pid), 0, "a sandboxed client's peer is content");
	is_int(result(-1), 0, "and the client opened nothing");
	tls_server_free(ts);
	tls_client_free(tc);
}

/* How often the n octets of pat (masked) are in our writable memory, in
 * either order. */
static int
scan(const unsigned char *pat, size_t n)
{
	static char maps[65536];
	unsigned char *p;
	uintptr_t from, to;
	char *line, *next, perm[8];
	size_t i;
	ssize_t len;
	int fd, found = 0;

	fd = open("/proc/self/maps", O_RDONLY);
	len = fd_read_all(fd, maps, sizeof(maps) - 1);
	close(fd);
	maps[len] = '\0';
	for (line = maps; (next = strchr(line, '\n')) != NULL;
	    line = next + 1) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perm) != 3 ||
		    strncmp(perm, "rw", 2) != 0)
			continue;
		for (p = (unsigned char *)from; p + n <= (unsigned char *)to;
		    p++) {
			for (i = 0; i < n && p[i] == (pat[i] ^ MASK); i++)
				;
			found += i == n;
			for (i = 0; i < n && p[i] == (pat[n - 1 - i] ^ MASK);
			    i++)
				;
			found += i == n;
		}
	}
	return found;
}

/* The secret number of a key, masked, from its text. */
static size_t
secret(const char *cmd, unsigned char *pat, size_t max)
{
	char text[4096];
	size_t i, n = 0;
	int hi = -1, v;

	run(cmd, text, sizeof(text));
	for (i = 0; text[i] != '\0' && n < max; i++) {
		if (!isxdigit((unsigned char)text[i]))
			continue;
		v = isdigit((unsigned char)text[i]) ? text[i] - '0' :
		    tolower((unsigned char)text[i]) - 'a' + 10;
		if (hi == -1)
			hi = v;
		else {
			pat[n++] = (unsigned char)((hi << 4 | v) ^ MASK);
			hi = -1;
		}
	}
	explicit_bzero(text, sizeof(text));
	return n;
}

static void
test_wipe(const char *name, const char *cmd, size_t want)
{
	struct tls_server *ts;
	struct tls_client *tc;
	struct stream *s;
	unsigned char pat[64];
	char err[TLS_ERROR_MAX];
	size_t n;
	int fd;
	pid_t pid;

#if defined(__SANITIZE_ADDRESS__) || defined(SANDBOX_WIDE)
	return;		/* shadow memory and valgrind's cannot be scanned */
#endif
	n = secret(cmd, pat, want);
	is_int((long long)n, (long long)want, "a secret is known");
	ts = server(name);
	ok(scan(pat, n) > 0, "a loaded key of %s is in memory", name);
	if ((pid = fork_end(&fd)) == 0) {
		tc = tls_client_new(0, NULL, err, sizeof(err));
		s = stream(fd);
		_exit(tls_connect(s, tc, "x.test", TLS_ANY, TLS_STARTTLS) !=
		    STREAM_OK);
	}
	s = stream(fd);
	is_int(tls_accept(s, ts, TLS_STARTTLS), STREAM_OK, "shaken hands");
	tls_server_free(ts);
	is_int(scan(pat, n), 0, "then it is not there any more");
	ok(tls_on(s), "and the session lives on");
	stream_close(s);
	is_int(result(pid), 0, "to its end");
}

/* ---- much, and the relay ---- */

/* Client: sends all, half-closes by nothing (TLS here ends both ways), so
 * the other process answers at the last octet. */
static void
test_relay(void)
{
	static char big[500000], back[sizeof(big)];
	struct tls_server *ts = server("ec");
	struct stream *s;
	const char *p;
	char err[TLS_ERROR_MAX];
	size_t i, n, have = 0;
	int fd, clear[2];
	pid_t client, door;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 11 + i / 253);
	if ((client = fork_end(&fd)) == 0) {
		s = stream(fd);
		if (tls_connect(s, tls_client_new(0, NULL, err, sizeof(err)),
		    "x.test", TLS_ANY, TLS_STARTTLS) != STREAM_OK)
			_exit(1);
		stream_write(s, big, sizeof(big));
		stream_flush(s);
		while (have < sizeof(big) &&
		    stream_peek(s, 1, &p, &n) == STREAM_OK) {
			if (memcmp(p, big + have, n) != 0)
				_exit(2);
			have += n;
			stream_consume(s, n);
		}
		if (have != sizeof(big) ||
		    stream_peek(s, 1, &p, &n) != STREAM_EOF)
			_exit(3);
		_exit(0);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, clear) == -1)
		exit(1);
	if ((door = fork()) == 0) {
		close(clear[0]);
		s = stream(fd);
		if (tls_accept(s, ts, TLS_STARTTLS) != STREAM_OK)
			_exit(99);
		if (stream_relay(s, clear[1]) != STREAM_EOF)
			_exit(98);
		_exit(stream_close(s) != STREAM_OK);
	}
	close(fd);
	close(clear[1]);
	is_int(fd_read_all(clear[0], back, sizeof(back)), sizeof(back),
	    "much comes through the relay");
	ok(memcmp(back, big, sizeof(big)) == 0, "as it was");
	is_int(fd_write_all(clear[0], back, sizeof(back)), 0, "and back");
	close(clear[0]);
	is_int(result(client), 0, "the client has it, and a clean end");
	is_int(result(door), 0, "the door leaves in order");
	tls_server_free(ts);
}

int
main(void)
{
	char out[64], cmd[128];

	setvbuf(stdout, NULL, _IOLBF, 0);	/* children repeat nothing */
	if (mkdtemp(dir) == NULL)
		return 1;
	if (make_pair("ec", "ec -pkeyopt ec_paramgen_curve:P-256") != 0 ||
	    make_pair("rsa", "rsa:2048") != 0) {
		printf("1..0 # SKIP openssl(1) is needed\n");
		rmdir(dir);
		return 0;
	}
	/* First, while no other key has left traces in this process. */
	test_wipe("ec", "openssl pkey -in ec.key -noout -text | sed -n "
	    "'/priv:/,/pub:/p' | grep '^ ' | sed 's/^ *00://'", 32);
	test_wipe("rsa", "openssl pkey -in rsa.key -noout -text | sed -n "
	    "'/privateExponent:/,/prime1:/p' | grep '^ ' | "
	    "sed '1s/^ *00://'", 64);
	test_talk();
	test_client();
	test_starttls();
	test_direct();
	test_load();
	test_refresh();
	test_sandbox("ec", forbid_files);
	test_sandbox("rsa", forbid_files);
	test_sandbox("ec", sandbox_door);
	test_relay();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	run(cmd, out, sizeof(out));
	return done();
}
